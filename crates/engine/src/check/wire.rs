//! The connection of a check: connecting, sending and receiving within a time.

use super::target::{Target, Way};
use crate::backend::{ConnectError, Secure, establish, open, shake_hands};
use crate::handshake::TlsFault;
use crate::io::{Buffer, Deadline, Transport};
use crate::runtime::Runtime;
use base::Endpoint;
use model::Address;
use model::check::CheckConnect;
use model::live::health::{Outcome, Status};
use rustix::io::Errno;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, Waker};
use wire::proxy::{Addresses, V2Builder, write_v1};

/// Why bytes did not get through.
pub(super) enum Broken {
    /// The time is up.
    Timeout,
    /// The connection broke.
    Error(io::Error),
}

/// A connection of a check, and what has come over it.
#[derive(Default)]
pub(super) struct Line {
    socket: Option<Transport>,
    /// What has been received since the last connection or message.
    pub input: Buffer,
    /// Whether the server will send nothing more.
    pub ended: bool,
    timer: Deadline,
}

impl Line {
    /// Opens a connection until a moment in milliseconds of the process' clock. The handshake's last packet stays unsent
    /// until there is something to send unless the server is to `speak first`, so that a reset ends the attempt before the
    /// server's program hears of it. Not all systems can; the check works without.
    pub async fn connect(
        &mut self,
        runtime: &Runtime,
        target: &Target,
        way: &Way,
        until: u64,
        speaks_first: bool,
    ) -> Result<(), ConnectError> {
        let buffers = runtime.snapshot.global.socket_buffers;
        let buffers = (buffers.server_receive, buffers.server_send);
        self.forget();
        let fd = open(&target.proxy, &target.server, &way.route, buffers)
            .map_err(ConnectError::Resource)?;
        if !speaks_first {
            let _ = rustix::net::sockopt::set_tcp_quickack(&fd, false);
        }
        let address = &way.route.address;
        let socket = establish(fd, address, Some(until), &mut self.timer).await?;
        self.socket = Some(socket);
        Ok(())
    }

    /// Goes through the TLS handshake of a check that speaks it, after what has to be said `before` it. Where nothing else
    /// is said, the server is asked for the request's `host`.
    pub async fn secure(
        &mut self,
        target: &Target,
        rule: &CheckConnect,
        host: Option<&[u8]>,
        before: Vec<u8>,
        until: u64,
    ) -> Result<(), ConnectError> {
        let config = &target.server.config;
        let (Some(connector), Some(socket)) = (&config.tls, &mut self.socket) else {
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
        let connection = connector
            .connect(name, Some(alpn))
            .map_err(|error| ConnectError::Resource(io::Error::other(error)))?;
        let secure = Secure { before, connection };
        shake_hands(socket, secure, Some(until), &mut self.timer).await
    }

    /// Forgets what was received.
    pub fn forget(&mut self) {
        self.input.consume(self.input.len());
        self.ended = false;
    }

    /// Closes the connection, with a reset unless it is to be closed `gently`: a reset leaves nothing behind on either
    /// side that would wait for its end.
    pub fn close(&mut self, gently: bool) {
        let Some(mut socket) = self.socket.take() else {
            return;
        };
        if !gently {
            socket.linger_zero();
            return;
        }
        // What is left unread would make the system send a reset all the same.
        socket.shutdown_write();
        let mut cx = Context::from_waker(Waker::noop());
        self.forget();
        while let Poll::Ready(Ok(1..)) = socket.poll_read(&mut cx, self.input.room()) {}
    }

    /// The application protocol that was agreed on.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.socket.as_ref()?.tls()?.alpn()
    }

    /// The addresses of this connection: this end's and the server's.
    pub fn ends(&self) -> Option<(Endpoint, Endpoint)> {
        let socket = self.socket.as_ref()?;
        Some((socket.local()?, socket.peer()?))
    }

    /// Sends bytes.
    pub async fn send(&mut self, mut bytes: &[u8], until: u64) -> Result<(), Broken> {
        let Some(socket) = &mut self.socket else {
            return Err(Broken::Error(io::ErrorKind::NotConnected.into()));
        };
        let timer = &mut self.timer;
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| {
                if let Poll::Ready(sent) = socket.poll_write(cx, &[IoSlice::new(bytes)]) {
                    return Poll::Ready(Some(sent));
                }
                timer.poll(cx, Some(until)).map(|()| None)
            });
            match sent.await {
                None => return Err(Broken::Timeout),
                Some(Err(error)) => return Err(Broken::Error(error)),
                Some(Ok(n)) => bytes = bytes.get(n..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Reads some more; the end of the stream, or a full buffer, is noted as the end.
    pub async fn receive(&mut self, until: u64) -> Result<(), Broken> {
        let Some(socket) = &mut self.socket else {
            return Err(Broken::Error(io::ErrorKind::NotConnected.into()));
        };
        if self.input.is_full() {
            self.ended = true;
            return Ok(());
        }
        let (timer, input) = (&mut self.timer, &mut self.input);
        let received = poll_fn(|cx| {
            if let Poll::Ready(received) = socket.poll_read(cx, input.room()) {
                return Poll::Ready(Some(received));
            }
            timer.poll(cx, Some(until)).map(|()| None)
        });
        match received.await {
            None => Err(Broken::Timeout),
            Some(Err(error)) if self.input.is_empty() => Err(Broken::Error(error)),
            // What has come before counts.
            Some(Ok(0) | Err(_)) => {
                self.ended = true;
                Ok(())
            }
            Some(Ok(n)) => {
                self.input.fill(n);
                Ok(())
            }
        }
    }

    /// The PROXY protocol header of a check: of version 1 with the check's own addresses, of version 2 without any unless
    /// `pp2-never-send-local` says so.
    pub fn relay_header(&self, runtime: &Runtime, target: &Target, version: u8) -> Vec<u8> {
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
        ConnectError::Tls(TlsFault::Timeout) => return Outcome::new(Status::L6Timeout),
        ConnectError::Tls(fault) => {
            return Outcome {
                info: Some(fault.text().as_bytes().into()),
                ..Outcome::new(Status::L6Response)
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
