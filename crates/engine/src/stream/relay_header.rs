//! The PROXY protocol header in front of a server's connection.

use super::Stream;
use crate::proxy::ServerRuntime;
use base::Endpoint;
use expr::view::View;
use model::namespace::Namespace;
use std::sync::Arc;
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
        // Without a format for it, it is empty.
        let unique_id = send
            .unique_id
            .then(|| View::unique_id(self).unwrap_or_default());
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
            .netns(
                self.client_namespace()
                    .map(|namespace| namespace.name.as_bytes()),
            )
            .unique_id(unique_id);
        // Too long a value leaves the header out, as HAProxy does when its buffer can't hold it.
        let _ = header.write(out);
    }

    /// The network namespace that the client belongs to, if it is another one: as its PROXY header says, else that of the
    /// listening socket.
    pub(super) fn client_namespace(&self) -> Option<&Arc<Namespace>> {
        let told = View::extension(self, wire::proxy::kind::NETNS, 0);
        let told = told.and_then(|name| self.session.runtime.snapshot.namespaces.find(name));
        told.or(self.session.bind.namespace.as_ref())
    }
}
