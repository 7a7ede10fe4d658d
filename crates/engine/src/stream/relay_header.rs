//! The PROXY protocol header in front of a server's connection.

use super::Stream;
use crate::proxy::ServerRuntime;
use base::Endpoint;
use expr::view::View;
use wire::proxy::{Addresses, V2Builder, write_v1};

impl Stream<'_> {
    /// Writes the header that the server's `send-proxy` options ask for.
    pub(super) fn write_relay_header(&self, server: &ServerRuntime, out: &mut Vec<u8>) {
        let Some(send) = &server.config.settings.send_proxy else {
            return;
        };
        if send.version == 0 {
            return;
        }
        let client = View::client(self).unwrap_or_default();
        let addresses = match (client.src, client.dst) {
            (Some(Endpoint::Inet(src)), Some(Endpoint::Inet(dst))) => Addresses::Inet {
                src: *src,
                dst: *dst,
            },
            _ => Addresses::Unknown,
        };
        if send.version == 1 {
            return write_v1(&addresses, out);
        }
        let unique_id = if send.unique_id {
            View::unique_id(self)
        } else {
            None
        };
        let values: Vec<(u8, Vec<u8>)> = send
            .tlvs
            .iter()
            .map(|(kind, format)| {
                let mut value = Vec::new();
                format.render(self, &mut value);
                (*kind, value)
            })
            .collect();
        let custom: Vec<(u8, &[u8])> = values
            .iter()
            .map(|(kind, value)| (*kind, &value[..]))
            .collect();
        let authority =
            View::extension(self, wire::proxy::kind::AUTHORITY, 0).filter(|_| send.authority);
        let header = V2Builder::new(addresses)
            .custom(&custom)
            .crc32c(send.crc32c)
            .authority(authority)
            .unique_id(unique_id);
        // Too long a value leaves the header out, as HAProxy does when its buffer can't hold it.
        let _ = header.write(out);
    }
}
