//! Emptying rings over stream connections.

use super::registry::count_dropped;
use super::ring::{Reader, Ring};
use crate::backend::{socket_for, socks, start};
use crate::clock;
use crate::io::{Deadline, Socket};
use model::Address;
use std::future::{pending, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How many bytes are written at a time, about.
const CHUNK: usize = 64 * 1024;
/// How long to wait before connecting again, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// For how long an attempt to connect may take where the configuration says nothing, in milliseconds.
const CONNECT_TIMEOUT: u64 = 5000;

/// Where a ring's messages go.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its address.
    pub address: Address,
    /// Whether connections may take several paths.
    pub multipath: bool,
    /// The SOCKS4 proxy that leads there, if any.
    pub via: Option<SocketAddr>,
    /// Whether messages are framed by octet counting rather than by line feeds.
    pub octet_counting: bool,
    /// Milliseconds to connect and to write.
    pub timeouts: (Option<u64>, Option<u64>),
}

/// Sends a ring's messages for as long as the task lives, connecting anew whenever the connection is lost.
pub async fn run(ring: Arc<Ring>, to: Destination) {
    let mut from = 0;
    let mut pause = RETRY.0;
    loop {
        if let Ok(socket) = connect(&to).await {
            let reader = ring.read_from(from);
            let before = reader.position();
            // Whatever ended the connection, what was not written completely is sent again over the next one.
            let _ = pump(&ring, &reader, &socket, &to).await;
            from = reader.position();
            if from > before {
                pause = RETRY.0;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

async fn connect(to: &Destination) -> io::Result<Socket> {
    let through = to.via.map(Address::Inet);
    let next_hop = through.as_ref().unwrap_or(&to.address);
    let fd = socket_for(next_hop, to.multipath)?;
    start(&fd, next_hop)?;
    let socket = Socket::new(fd)?;
    let writable = poll_fn(|cx| socket.poll_writable(cx));
    within(to.timeouts.0.or(Some(CONNECT_TIMEOUT)), writable).await?;
    socket.connect_result()?;
    if through.is_some() {
        let until = clock::now_ms() + to.timeouts.0.unwrap_or(CONNECT_TIMEOUT);
        let mut deadline = Deadline::default();
        let led = socks::ask(&socket, &to.address, Some(until), &mut deadline).await;
        led.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
    }
    Ok(socket)
}

async fn within<T>(
    timeout: Option<u64>,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let mut deadline = Deadline::default();
    let expired = async {
        match timeout {
            Some(ms) => deadline.wait(clock::now_ms() + ms).await,
            None => pending().await,
        }
    };
    tokio::select! {
        outcome = work => outcome,
        () = expired => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn pump(
    ring: &Ring,
    reader: &Reader<'_>,
    socket: &Socket,
    to: &Destination,
) -> io::Result<()> {
    let (mut out, mut ends) = (Vec::new(), Vec::new());
    loop {
        out.clear();
        ends.clear();
        // Listening before looking: what comes in between is not missed.
        let mut news = pin!(ring.news.notified());
        news.as_mut().enable();
        reader.copy(to.octet_counting, CHUNK, &mut out, &mut ends);
        if ends.is_empty() {
            tokio::select! {
                () = news => {}
                closed = closed(socket) => return closed,
            }
            continue;
        }
        let mut written = 0;
        while let Some(rest) = out.get(written..).filter(|rest| !rest.is_empty()) {
            let write = poll_fn(|cx| socket.poll_write(cx, &[IoSlice::new(rest)]));
            let outcome = within(to.timeouts.1, write).await;
            match outcome {
                Ok(n) if n > 0 => written += n,
                other => {
                    reader.advance(ends.partition_point(|end| *end <= written));
                    return other.map(drop);
                }
            }
        }
        reader.advance(ends.len());
    }
}

/// Ready once the peer has closed; what it says is read and forgotten.
async fn closed(socket: &Socket) -> io::Result<()> {
    let mut room = [0; 512];
    poll_fn(|cx| {
        loop {
            match socket.poll_read(cx, &mut room) {
                Poll::Ready(Ok(n)) if n > 0 => {}
                Poll::Ready(outcome) => return Poll::Ready(outcome.map(drop)),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Adds a message to a ring, or counts it as dropped.
pub fn offer(ring: &Ring, message: &[u8]) {
    if !ring.push(message) {
        count_dropped(1);
    }
}
