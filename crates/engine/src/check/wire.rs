//! What checks need of a [`Line`] beyond what everybody does, and what its faults are called.

use super::target::{Target, Way};
pub(super) use crate::backend::{Broken, Line};
use crate::backend::{ConnectError, Secure, open};
use crate::handshake::{SocksFault, TlsFault};
use crate::runtime::Runtime;
use base::Endpoint;
use model::Address;
use model::check::CheckConnect;
use model::live::health::{Outcome, Status};
use rustix::io::Errno;
use std::io;
use wire::proxy::{Addresses, V2Builder, write_v1};

impl Line {
    /// Opens a connection until a moment in milliseconds of the process' clock. The handshake's last packet stays unsent
    /// until there is something to send unless the server is to `speak first`, so that a reset ends the attempt before the
    /// server's program hears of it. Not all systems can; the check works without.
    pub(super) async fn connect(
        &mut self,
        runtime: &Runtime,
        target: &Target,
        way: &Way,
        until: u64,
        speaks_first: bool,
    ) -> Result<(), ConnectError> {
        let buffers = runtime.snapshot.global.socket_buffers;
        let buffers = buffers.server;
        let fd = open(&target.proxy, &target.server, &way.route, buffers)
            .map_err(ConnectError::Resource)?;
        if !speaks_first {
            let _ = rustix::net::sockopt::set_tcp_quickack(&fd, false);
        }
        self.travel(fd, &way.route, until).await
    }

    /// Goes through the TLS handshake of a check that speaks it, after what has to be said `before` it. Where nothing else
    /// is said, the server is asked for the request's `host`.
    pub(super) async fn secure(
        &mut self,
        runtime: &Runtime,
        target: &Target,
        rule: &CheckConnect,
        host: Option<&[u8]>,
        before: Vec<u8>,
        until: u64,
    ) -> Result<(), ConnectError> {
        let config = &target.server.config;
        let Some(connector) = &config.tls else {
            return Ok(());
        };
        let settings = &config.settings;
        let by_server = rule.implicit || rule.default;
        let name = rule
            .sni
            .as_ref()
            .or(settings.check_sni.as_ref().filter(|_| by_server));
        let name = name.map(|name| name.as_bytes()).or(host);
        let alpn = rule
            .alpn
            .as_ref()
            .or(settings.check_alpn.as_ref().filter(|_| by_server));
        let alpn = alpn.map(|alpn| &**alpn).unwrap_or_default();
        let mut connection = connector
            .connect(name, Some(alpn))
            .map_err(|error| ConnectError::Resource(io::Error::other(error)))?;
        runtime.process.tls.count_server(&mut connection);
        let secure = Secure { before, connection };
        self.encrypt(secure, Some(until)).await
    }

    /// The PROXY protocol header of a check: of version 1 with the check's own addresses, of version 2 without any unless
    /// `pp2-never-send-local` says so.
    pub(super) fn relay_header(&self, runtime: &Runtime, target: &Target, version: u8) -> Vec<u8> {
        let mut header = Vec::new();
        let own = || match self.ends() {
            Some((Endpoint::Inet(src), Endpoint::Inet(dst))) => Addresses::Inet { src, dst },
            _ => Addresses::Unknown,
        };
        match version {
            0 => {}
            1 => write_v1(&own(), &mut header),
            _ => {
                let send = target.server.config.settings.send_proxy.as_ref();
                let crc32c = send.is_some_and(|send| send.crc32c);
                let addresses = match runtime.snapshot.global.never_send_local {
                    true => own(),
                    false => Addresses::Unknown,
                };
                // Without values of variable length it always fits.
                let _ = V2Builder::new(addresses).crc32c(crc32c).write(&mut header);
            }
        }
        header
    }
}

/// The result of a connection that did not come about.
pub(super) fn unreachable(error: &ConnectError, address: &Address) -> Outcome {
    let tcp = matches!(address, Address::Inet(_));
    let (status, error) = match error {
        ConnectError::Timeout => return Outcome::new(Status::L4Timeout),
        ConnectError::Socks(SocksFault::Timeout) => return Outcome::new(Status::L7Timeout),
        ConnectError::Socks(fault) => {
            let info = match fault {
                SocksFault::Aborted => format!("{} (Connection reset by peer)", fault.text()),
                _ => fault.text().to_owned(),
            };
            return Outcome {
                info: Some(info.into_bytes().into()),
                ..Outcome::new(Status::SocketError)
            };
        }
        ConnectError::Tls(TlsFault::Timeout) => return Outcome::new(Status::L6Timeout),
        ConnectError::Tls(fault) => {
            return Outcome {
                info: Some(fault.text().as_bytes().into()),
                ..Outcome::new(Status::L6Response)
            };
        }
        // Nothing can be connected to there.
        ConnectError::Failed(_) if matches!(address, Address::Reverse(_)) => {
            return Outcome {
                info: Some(b"Invalid argument".as_slice().into()),
                ..Outcome::new(Status::SocketError)
            };
        }
        ConnectError::Failed(error) if tcp => (Status::L4Connection, error),
        ConnectError::Failed(error) | ConnectError::Resource(error) => (Status::SocketError, error),
    };
    Outcome {
        info: Some(explain(error, tcp)),
        ..Outcome::new(status)
    }
}

/// The result of a connection that broke.
pub(super) fn broken(error: &io::Error) -> Outcome {
    Outcome {
        info: Some(explain(error, true)),
        ..Outcome::new(Status::SocketError)
    }
}

/// What HAProxy says about an error of the system.
fn explain(error: &io::Error, tcp: bool) -> Box<[u8]> {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let name = match errno {
        Some(Errno::CONNREFUSED) if tcp => "ECONNREFUSED returned by OS",
        Some(Errno::CONNRESET) => "ECONNRESET returned by OS",
        Some(Errno::PIPE) => "EPIPE returned by OS",
        Some(Errno::MFILE) => "Too many sockets on the process",
        Some(Errno::NFILE) => "Too many sockets on the system",
        _ => "General socket error",
    };
    let text = error.to_string();
    // The number that Rust adds to the system's words.
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("{name} ({text})").into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system() {
        let text = |errno: Errno, tcp| {
            let explained = explain(&errno.into(), tcp);
            String::from_utf8_lossy(&explained).into_owned()
        };
        assert_eq!(
            text(Errno::CONNREFUSED, true),
            "ECONNREFUSED returned by OS (Connection refused)"
        );
        assert_eq!(
            text(Errno::CONNREFUSED, false),
            "General socket error (Connection refused)"
        );
        assert_eq!(
            text(Errno::NETUNREACH, true),
            "General socket error (Network is unreachable)"
        );
        assert_eq!(
            text(Errno::CONNRESET, true),
            "ECONNRESET returned by OS (Connection reset by peer)"
        );
    }
}
