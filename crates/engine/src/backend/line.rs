//! A connection that one question is asked over: what the checks and the HTTP client have in common.

use super::{ConnectError, Route, Secure, establish, follow, shake_hands};
use crate::io::{Buffer, Deadline, Transport};
use base::Endpoint;
use model::Address;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, Waker};

/// Why bytes did not get through.
pub enum Broken {
    /// The time is up.
    Timeout,
    /// The connection broke.
    Error(io::Error),
}

/// A connection, and what has come over it. It does everything by a moment in milliseconds of the process' clock.
#[derive(Default)]
pub struct Line {
    socket: Option<Transport>,
    /// Where a proxy leads it.
    target: Option<Endpoint>,
    /// What has been received since the last connection or message.
    pub input: Buffer,
    /// Whether the peer will send nothing more.
    pub ended: bool,
    timer: Deadline,
}

impl Line {
    /// Connects a socket.
    ///
    /// # Errors
    /// As [`ConnectError`] tells.
    pub async fn dial(
        &mut self,
        fd: OwnedFd,
        address: &Address,
        until: Option<u64>,
    ) -> Result<(), ConnectError> {
        self.forget();
        let socket = establish(fd, address, until, &mut self.timer).await?;
        self.socket = Some(socket);
        Ok(())
    }

    /// Connects a socket as a route says.
    ///
    /// # Errors
    /// As [`ConnectError`] tells.
    pub async fn travel(
        &mut self,
        fd: OwnedFd,
        route: &Route,
        until: u64,
    ) -> Result<(), ConnectError> {
        self.forget();
        let socket = follow(fd, route, Some(until), &mut self.timer).await?;
        self.socket = Some(socket);
        self.target = match (route.via, &route.address) {
            (Some(_), Address::Inet(inet)) => Some(Endpoint::Inet(*inet)),
            _ => None,
        };
        Ok(())
    }

    /// Goes on with a connection that others have used.
    pub fn adopt(&mut self, socket: Transport) {
        self.forget();
        self.target = None;
        self.socket = Some(socket);
    }

    /// Goes through a TLS handshake.
    ///
    /// # Errors
    /// As [`ConnectError`] tells.
    pub async fn encrypt(
        &mut self,
        secure: Secure,
        until: Option<u64>,
    ) -> Result<(), ConnectError> {
        match &mut self.socket {
            Some(socket) => shake_hands(socket, secure, until, &mut self.timer).await,
            None => Ok(()),
        }
    }

    /// What is known of the TLS connection.
    #[must_use]
    pub fn seen(&self) -> Option<&tls::Seen> {
        self.socket.as_ref()?.seen().map(|seen| &**seen)
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
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.socket.as_ref()?.tls()?.alpn()
    }

    /// The addresses of this connection: this end's and the peer's.
    #[must_use]
    pub fn ends(&self) -> Option<(Endpoint, Endpoint)> {
        let socket = self.socket.as_ref()?;
        let peer = self.target.clone().or_else(|| socket.peer());
        Some((socket.local()?, peer?))
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// As [`Broken`] tells.
    pub async fn send(
        &mut self,
        mut bytes: &[u8],
        until: impl Into<Option<u64>>,
    ) -> Result<(), Broken> {
        let until = until.into();
        let Some(socket) = &mut self.socket else {
            return Err(Broken::Error(io::ErrorKind::NotConnected.into()));
        };
        let timer = &mut self.timer;
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| {
                if let Poll::Ready(sent) = socket.poll_write(cx, &[IoSlice::new(bytes)]) {
                    return Poll::Ready(Some(sent));
                }
                timer.poll(cx, until).map(|()| None)
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
    ///
    /// # Errors
    /// As [`Broken`] tells, when nothing has come before.
    pub async fn receive(&mut self, until: impl Into<Option<u64>>) -> Result<(), Broken> {
        let until = until.into();
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
            timer.poll(cx, until).map(|()| None)
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
}
