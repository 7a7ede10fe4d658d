//! The pump between a socket and its TLS connection.

use super::Socket;
use rustix::net::SendFlags;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use tls::{Connection, Failure};

/// Why a TLS handshake did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFault {
    /// The peer closed before it said anything.
    Empty,
    /// The peer closed or broke the connection.
    Aborted,
    /// It can't be agreed on, or the peer is not whom it should be.
    Failed(Failure),
}

/// Plain bytes that are given to TLS at once: what one buffer of records holds.
const AT_ONCE: usize = 32_768;

/// Whether something can be read without the socket's having become readable.
pub fn is_readable(tls: &Connection) -> bool {
    tls.has_backlog() || tls.has_ended() || tls.failure().is_some()
}

/// Receives once into the connection's inbox. `Ok(0)` is the end of the stream.
fn poll_receive(
    socket: &Socket,
    tls: &mut Connection,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let Poll::Ready(ready) = socket.poll_readable(cx) else {
        tls.nothing_came();
        return Poll::Pending;
    };
    ready?;
    let received = socket.poll_read(cx, tls.inbox());
    if let Poll::Ready(Ok(n)) = received {
        tls.came(n);
    }
    if !matches!(received, Poll::Ready(Ok(1..))) {
        tls.nothing_came();
    }
    received
}

fn broken(failure: Failure) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, failure.text)
}

pub fn poll_read(
    socket: &Socket,
    tls: &mut Connection,
    cx: &mut Context<'_>,
    room: &mut [u8],
) -> Poll<io::Result<usize>> {
    loop {
        let n = tls.process(room);
        // Answers to the peer's messages, alerts among them, leave as far as they can.
        if n.is_err() || !tls.is_held() {
            try_flush(socket, tls);
        }
        match n {
            Ok(0) if tls.has_ended() => return Poll::Ready(Ok(0)),
            Ok(0) => {}
            Ok(n) => return Poll::Ready(Ok(n)),
            Err(failure) => return Poll::Ready(Err(broken(failure))),
        }
        if ready!(poll_receive(socket, tls, cx))? == 0 {
            // Many peers close without notice; a message that is cut short shows by its own framing.
            return Poll::Ready(Ok(0));
        }
    }
}

/// Sends what it can without waiting.
fn try_flush(socket: &Socket, tls: &mut Connection) {
    // Nobody is to be woken for this; whoever waits for the rest asks for it by `poll_flush`.
    while !tls.outbox().is_empty() {
        match rustix::net::send(socket, tls.outbox(), SendFlags::NOSIGNAL) {
            Ok(n) => tls.sent(n),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

pub fn poll_flush(
    socket: &Socket,
    tls: &mut Connection,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while !tls.outbox().is_empty() {
        let n = ready!(socket.poll_write(cx, &[IoSlice::new(tls.outbox())]))?;
        tls.sent(n);
    }
    Poll::Ready(Ok(()))
}

/// How much may wait to be sent for more to be put behind it, in bytes.
const LITTLE: usize = 4096;

/// Encrypts and sends. Bytes count as written once they are encrypted; what the system does not take at once is sent
/// before anything else, unless it is little: a ClientHello goes along with early data, tickets with an answer.
pub fn poll_write(
    socket: &Socket,
    tls: &mut Connection,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if tls.outbox().len() > LITTLE {
        ready!(poll_flush(socket, tls, cx))?;
    }
    if !tls.may_write() {
        // What the server takes before its answer has been sent.
        ready!(poll_completion(socket, tls, cx)).map_err(|fault| match fault {
            HandshakeFault::Failed(failure) => broken(failure),
            HandshakeFault::Empty | HandshakeFault::Aborted => {
                io::ErrorKind::ConnectionReset.into()
            }
        })?;
    }
    let mut taken = 0;
    for slice in slices {
        let most = AT_ONCE.saturating_sub(taken).min(slice.len());
        let part = slice.get(..most).unwrap_or_default();
        let n = tls.encrypt(part).map_err(broken)?;
        taken += n;
        if n < slice.len() {
            break;
        }
    }
    match poll_flush(socket, tls, cx) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        _ => Poll::Ready(Ok(taken)),
    }
}

/// Ready when the handshake is over, or when an early request can be answered before that.
pub fn poll_handshake(
    socket: &Socket,
    tls: &mut Connection,
    cx: &mut Context<'_>,
) -> Poll<Result<(), HandshakeFault>> {
    shake(socket, tls, cx, |tls| {
        !tls.is_handshaking() || tls.go_ahead()
    })
}

/// Ready when the handshake is over.
pub fn poll_completion(
    socket: &Socket,
    tls: &mut Connection,
    cx: &mut Context<'_>,
) -> Poll<Result<(), HandshakeFault>> {
    shake(socket, tls, cx, |tls| !tls.is_handshaking())
}

fn shake(
    socket: &Socket,
    tls: &mut Connection,
    cx: &mut Context<'_>,
    is_enough: fn(&mut Connection) -> bool,
) -> Poll<Result<(), HandshakeFault>> {
    loop {
        let progress = tls.process(&mut []);
        if progress.is_ok() && tls.hold() {
            return Poll::Ready(Ok(()));
        }
        let flushed = poll_flush(socket, tls, cx);
        if let Err(failure) = progress {
            return Poll::Ready(Err(HandshakeFault::Failed(failure)));
        }
        match flushed {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Poll::Ready(Err(HandshakeFault::Aborted)),
            Poll::Pending => return Poll::Pending,
        }
        if is_enough(tls) {
            return Poll::Ready(Ok(()));
        }
        match ready!(poll_receive(socket, tls, cx)) {
            Ok(1..) => {}
            Ok(0) | Err(_) if !tls.has_heard() => {
                return Poll::Ready(Err(HandshakeFault::Empty));
            }
            Ok(0) => return Poll::Ready(Err(HandshakeFault::Aborted)),
            Err(_) => return Poll::Ready(Err(HandshakeFault::Aborted)),
        }
    }
}

/// Whether nothing came on an idle connection but messages of TLS itself, such as tickets.
pub fn is_quiet(socket: &Socket, tls: &mut Connection) -> bool {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    loop {
        if is_readable(tls) {
            return false;
        }
        match poll_receive(socket, tls, &mut cx) {
            Poll::Pending => return true,
            Poll::Ready(Ok(1..)) => {
                if !matches!(tls.process(&mut []), Ok(0)) {
                    return false;
                }
            }
            Poll::Ready(_) => return false,
        }
    }
}

/// Tells the peer that nothing more will come, as far as that can be done without waiting.
pub fn notify_close(socket: &Socket, tls: &mut Connection) {
    tls.notify_close();
    try_flush(socket, tls);
}
