//! Connections through a SOCKS4 proxy (`socks4`).

use super::ConnectError;
use crate::handshake::SocksFault;
use crate::io::{Deadline, Socket};
use model::Address;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use wire::socks4::Handshake;

/// Asks the proxy at the other end of a connection to go on to an address. Nothing behind its answer is read.
///
/// # Errors
/// When the address is none that SOCKS4 can name, when the proxy refuses or is gone, or when it takes too long.
pub async fn ask(
    socket: &Socket,
    to: &Address,
    at: Option<u64>,
    deadline: &mut Deadline,
) -> Result<(), ConnectError> {
    let Address::Inet(SocketAddr::V4(to)) = to else {
        let error = io::Error::from(rustix::io::Errno::INVAL);
        return Err(ConnectError::Failed(error));
    };
    let mut handshake = Handshake::new(*to);
    let outcome = poll_fn(|cx| match poll(&mut handshake, socket, cx) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending => deadline.poll(cx, at).map(|()| Err(SocksFault::Timeout)),
    });
    outcome.await.map_err(ConnectError::Socks)
}

fn poll(
    handshake: &mut Handshake,
    socket: &Socket,
    cx: &mut Context<'_>,
) -> Poll<Result<(), SocksFault>> {
    while !handshake.pending().is_empty() {
        match ready!(socket.poll_write(cx, &[IoSlice::new(handshake.pending())])) {
            Ok(n) => handshake.advance(n),
            Err(_) => return Poll::Ready(Err(SocksFault::Unsent)),
        }
    }
    loop {
        match handshake.verdict() {
            Some(true) => return Poll::Ready(Ok(())),
            Some(false) => return Poll::Ready(Err(SocksFault::Denied)),
            None => {}
        }
        match ready!(socket.poll_read(cx, handshake.room())) {
            Ok(0) => return Poll::Ready(Err(SocksFault::Closed)),
            Ok(n) => handshake.fill(n),
            Err(_) => return Poll::Ready(Err(SocksFault::Aborted)),
        }
    }
}
