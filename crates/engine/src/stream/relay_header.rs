//! The PROXY protocol header in front of a server's connection.

use super::Stream;
use crate::proxy::ServerRuntime;
use base::Endpoint;
use expr::view::{Side, View};
use model::namespace::Namespace;
use std::sync::Arc;
use tls::certificate::Certificate;
use wire::proxy::{
    Addresses, SSL_CERT_CONN, SSL_CERT_SESS, SSL_CLIENT, SslInfo, V2Builder, write_v1,
};

/// What a header says of the client's TLS.
#[derive(Debug, Default)]
struct TlsFacts<'a> {
    client: u8,
    verify: u8,
    version: Option<&'static str>,
    common_name: Option<&'a [u8]>,
    key: Option<String>,
    signature: Option<String>,
    cipher: Option<&'static str>,
}

impl<'a> TlsFacts<'a> {
    /// What is wanted of a connection's TLS, if anything; a client without TLS has none to tell of.
    fn of(tls: Option<&'a tls::Seen>, wanted: &[Arc<str>]) -> Option<Self> {
        if wanted.is_empty() {
            return None;
        }
        let Some(tls) = tls else {
            return Some(Self::default());
        };
        let wants = |fact: &str| wanted.iter().any(|known| &**known == fact);
        let peer = tls.peer_certificates().next();
        let shown = match (peer, tls.is_resumed()) {
            (None, _) => 0,
            (Some(_), true) => SSL_CERT_SESS,
            (Some(_), false) => SSL_CERT_SESS | SSL_CERT_CONN,
        };
        let peer = peer.and_then(|der| Certificate::parse(der).ok());
        let instance = tls.observed.instance.as_ref();
        let own = instance.and_then(|instance| instance.bundle.chain.first());
        let own = own.and_then(|der| Certificate::parse(der).ok());
        Some(Self {
            client: SSL_CLIENT | shown,
            verify: tls.observed.judgement.result,
            version: tls.version_name(),
            common_name: peer
                .filter(|_| wants("cert-cn"))
                .and_then(|peer| peer.common_names().next()),
            key: own
                .as_ref()
                .filter(|_| wants("cert-key"))
                .and_then(Certificate::key_kind),
            signature: own
                .as_ref()
                .filter(|_| wants("cert-sig"))
                .and_then(Certificate::signature_name),
            cipher: tls.cipher_name().filter(|_| wants("ssl-cipher")),
        })
    }

    fn info(&self) -> SslInfo<'_> {
        SslInfo {
            client: self.client,
            verify: self.verify.into(),
            version: self.version.map(str::as_bytes),
            cn: self.common_name,
            key_alg: self.key.as_deref().map(str::as_bytes),
            sig_alg: self.signature.as_deref().map(str::as_bytes),
            cipher: self.cipher.map(str::as_bytes),
        }
    }
}

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
        let tls = View::tls(self, Side::Request);
        let name = tls.and_then(|tls| tls.observed.server_name.as_deref());
        let authority = name
            .or_else(|| View::extension(self, wire::proxy::kind::AUTHORITY, 0))
            .filter(|_| send.authority);
        let facts = TlsFacts::of(tls, &send.ssl);
        let header = V2Builder::new(addresses)
            .custom(&custom)
            .crc32c(send.crc32c)
            .alpn(tls.and_then(tls::Seen::alpn))
            .authority(authority)
            .ssl(facts.as_ref().map(TlsFacts::info))
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
