//! One check: a script run against a server.

use super::script::Step;
use super::target::Target;
use crate::backend::{ConnectError, establish, open};
use crate::clock;
use crate::io::{Buffer, Deadline, Socket};
use crate::runtime::Runtime;
use base::Endpoint;
use message::{Head, Method};
use model::live::health::{Outcome, Status};
use model::{Address, Options};
use rustix::io::Errno;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::ops::RangeInclusive;
use std::task::Poll;
use std::time::Instant;
use wire::h1::{self, ErrorKind, Parsed};
use wire::proxy::{Addresses, V2Builder, write_v1};

/// Bytes of information that are kept of a result.
const LONGEST_INFO: usize = 127;

/// Checks a server.
pub(super) async fn run(runtime: &Runtime, target: &Target) -> Outcome {
    let started = Instant::now();
    let mut probe = Probe {
        runtime,
        target,
        socket: None,
        input: Buffer::default(),
        timer: Deadline::default(),
        until: clock::now_ms() + target.intervals.normal,
        best: Outcome::new(Status::Unknown),
    };
    let mut outcome = match probe.steps().await {
        Ok(()) => std::mem::take(&mut probe.best),
        Err(outcome) => outcome,
    };
    if let Some(socket) = &probe.socket {
        // A reset leaves no connection behind on either side that would wait for its end.
        socket.linger_zero();
    }
    outcome.duration = started.elapsed();
    outcome
}

/// A check under way.
struct Probe<'a> {
    runtime: &'a Runtime,
    target: &'a Target,
    socket: Option<Socket>,
    input: Buffer,
    timer: Deadline,
    /// When the present phase must be over, in milliseconds of the process' clock.
    until: u64,
    /// What the steps so far amount to.
    best: Outcome,
}

type Stepped<T = ()> = Result<T, Outcome>;

impl Probe<'_> {
    async fn steps(&mut self) -> Stepped {
        let target = self.target;
        for (number, step) in target.script.steps.iter().enumerate() {
            match step {
                Step::Connect => self.connect().await?,
                Step::Send(bytes) => self.send(bytes).await?,
                Step::ExpectStatus { method, statuses } => {
                    self.expect_status(number, *method, statuses).await?;
                }
            }
        }
        Ok(())
    }

    async fn connect(&mut self) -> Stepped {
        let target = self.target;
        let route = target.route();
        let timeouts = &target.proxy.config.timeouts;
        let buffers = self.runtime.snapshot.global.socket_buffers;
        let buffers = (buffers.server_receive, buffers.server_send);
        let mut until = self.until;
        if let (Some(_), Some(connect)) = (timeouts.check, timeouts.connect) {
            until = until.min(clock::now_ms() + connect);
        }
        let opened = match open(&target.proxy, &target.server, &route, buffers) {
            Ok(fd) => {
                if target.script.waits_for_nothing() {
                    // The handshake's last packet goes along with the first bytes, and where there are none stays
                    // unsent, so that a reset ends the attempt before the server's program hears of it. Not all
                    // systems can; the check works without.
                    let _ = rustix::net::sockopt::set_tcp_quickack(&fd, false);
                }
                establish(fd, &route.address, Some(until), &mut self.timer).await
            }
            Err(error) => Err(ConnectError::Resource(error)),
        };
        self.socket = Some(opened.map_err(|error| unreachable(&error, &route.address))?);
        if let Some(check) = timeouts.check {
            self.until = clock::now_ms() + check;
        }
        self.best = Outcome::new(Status::L4Ok);
        let header = self.relay_header();
        if header.is_empty() {
            return Ok(());
        }
        self.send(&header).await
    }

    /// The check's own addresses.
    fn own_addresses(&self) -> Addresses<'static> {
        let ends = self.socket.as_ref();
        let ends = ends.and_then(|socket| Some((socket.local()?, socket.peer()?)));
        match ends {
            Some((Endpoint::Inet(src), Endpoint::Inet(dst))) => Addresses::Inet { src, dst },
            _ => Addresses::Unknown,
        }
    }

    /// The PROXY protocol header: of version 1 with the check's own addresses, of version 2 without any unless
    /// `pp2-never-send-local` says so.
    fn relay_header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        match self.target.relay_version {
            0 => {}
            1 => {
                write_v1(&self.own_addresses(), &mut header);
            }
            _ => {
                let send = self.target.server.config.settings.send_proxy.as_ref();
                let crc32c = send.is_some_and(|send| send.crc32c);
                let addresses = match self.runtime.snapshot.global.never_send_local {
                    true => self.own_addresses(),
                    false => Addresses::Unknown,
                };
                // Without values of variable length it always fits.
                let _ = V2Builder::new(addresses).crc32c(crc32c).write(&mut header);
            }
        }
        header
    }

    async fn send(&mut self, mut bytes: &[u8]) -> Stepped {
        let Some(socket) = &self.socket else {
            return Err(Outcome::new(Status::SocketError));
        };
        let (timer, until) = (&mut self.timer, self.until);
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| {
                if let Poll::Ready(sent) = socket.poll_write(cx, &[IoSlice::new(bytes)]) {
                    return Poll::Ready(Some(sent));
                }
                timer.poll(cx, Some(until)).map(|()| None)
            });
            match sent.await {
                None => return Err(Outcome::new(Status::L7Timeout)),
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(n)) => bytes = bytes.get(n..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Reads some more; an end is an error.
    async fn receive(&mut self) -> Stepped {
        let Some(socket) = &self.socket else {
            return Err(Outcome::new(Status::SocketError));
        };
        let (timer, input, until) = (&mut self.timer, &mut self.input, self.until);
        let received = poll_fn(|cx| {
            if let Poll::Ready(received) = socket.poll_read(cx, input.room()) {
                return Poll::Ready(Some(received));
            }
            timer.poll(cx, Some(until)).map(|()| None)
        });
        match received.await {
            None => Err(Outcome::new(Status::L7Timeout)),
            Some(Err(error)) => Err(broken(&error)),
            Some(Ok(0)) => Err(Outcome::new(Status::SocketError)),
            Some(Ok(n)) => {
                self.input.fill(n);
                Ok(())
            }
        }
    }

    async fn expect_status(
        &mut self,
        number: usize,
        method: Method,
        statuses: &RangeInclusive<u16>,
    ) -> Stepped {
        let options = h1::Options {
            accept_unsafe: self
                .target
                .proxy
                .config
                .options
                .has(Options::UNSAFE_RESPONSE),
            ..h1::Options::default()
        };
        let limits = &self.runtime.limits;
        let mut head = Head::new();
        loop {
            self.receive().await?;
            head.clear();
            match h1::parse_response(self.input.bytes(), method, limits, &options, &mut head) {
                Ok(Parsed::Incomplete) => {}
                Ok(Parsed::Done { .. }) => break,
                // Nobody is going to talk another protocol here: a status like any other.
                Err(error)
                    if matches!(error.kind, ErrorKind::Upgrade | ErrorKind::WebSocketKey) =>
                {
                    break;
                }
                Err(_) => return Err(Outcome::new(Status::SocketError)),
            }
        }
        let code = Some(head.status());
        if statuses.contains(&head.status()) {
            self.best = Outcome {
                code,
                ..Outcome::new(Status::L7Ok)
            };
            return Ok(());
        }
        let info: Box<[u8]> = match head.reason() {
            [] => format!("TCPCHK did not match content(status codes) at step {number}")
                .into_bytes()
                .into(),
            reason => reason.iter().copied().take(LONGEST_INFO).collect(),
        };
        Err(Outcome {
            code,
            info: Some(info),
            ..Outcome::new(Status::L7Status)
        })
    }
}

/// The result of a connection that did not come about.
fn unreachable(error: &ConnectError, address: &Address) -> Outcome {
    let tcp = matches!(address, Address::Inet(_));
    let (status, error) = match error {
        ConnectError::Timeout => return Outcome::new(Status::L4Timeout),
        ConnectError::Failed(error) if tcp => (Status::L4Connection, error),
        ConnectError::Failed(error) | ConnectError::Resource(error) => (Status::SocketError, error),
    };
    Outcome {
        info: Some(explain(error, tcp)),
        ..Outcome::new(status)
    }
}

/// The result of a connection that broke.
fn broken(error: &io::Error) -> Outcome {
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
