//! One end of a connection, with deadlines and a record of what came in.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::http::{self, Message};

/// How the peer ended a connection, or that it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// An orderly end (FIN).
    Eof,
    /// The connection was reset (RST).
    Reset,
    /// It was still open when the time had passed.
    Open,
}

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(tcp) => Self::Tcp(tcp.try_clone()?),
            Self::Unix(unix) => Self::Unix(unix.try_clone()?),
        })
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.shutdown(how),
            Self::Unix(unix) => unix.shutdown(how),
        }
    }

    fn read_within(&mut self, time: Duration, into: &mut [u8]) -> io::Result<usize> {
        let time = Some(time.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(tcp) => {
                tcp.set_read_timeout(time)?;
                tcp.read(into)
            }
            Self::Unix(unix) => {
                unix.set_read_timeout(time)?;
                unix.read(into)
            }
        }
    }

    fn write_within(&mut self, time: Duration, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => {
                tcp.set_write_timeout(Some(time))?;
                tcp.write_all(bytes)
            }
            Self::Unix(unix) => {
                unix.set_write_timeout(Some(time))?;
                unix.write_all(bytes)
            }
        }
    }
}

/// A connection spoken in raw bytes. Every read ends by the deadline set with [`Conn::set_timeout`].
#[derive(Debug)]
pub struct Conn {
    stream: Stream,
    /// Received and not yet taken by a read.
    pending: Vec<u8>,
    received: Arc<Mutex<Vec<u8>>>,
    timeout: Duration,
}

impl Conn {
    pub(crate) fn new(stream: Stream, timeout: Duration) -> Self {
        if let Stream::Tcp(tcp) = &stream {
            // A script's sends are meant to leave one by one; where it fails the script only gets slower.
            let _ = tcp.set_nodelay(true);
        }
        Self {
            stream,
            pending: Vec::new(),
            received: Arc::default(),
            timeout,
        }
    }

    pub(crate) fn record(&self) -> Arc<Mutex<Vec<u8>>> {
        Arc::clone(&self.received)
    }

    /// All bytes received so far, whether a read has taken them or not.
    pub fn received(&self) -> Vec<u8> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The deadline of each following call, counted from its start.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The peer's address; `None` on a Unix socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        match &self.stream {
            Stream::Tcp(tcp) => tcp.peer_addr().ok(),
            Stream::Unix(_) => None,
        }
    }

    /// This end's address; `None` on a Unix socket.
    pub fn local(&self) -> Option<SocketAddr> {
        match &self.stream {
            Stream::Tcp(tcp) => tcp.local_addr().ok(),
            Stream::Unix(_) => None,
        }
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// What the socket says, or a timeout when the peer stops reading.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_within(self.timeout, bytes.as_ref())
    }

    /// Sends `bytes` in pieces of `piece` bytes with a pause after each.
    ///
    /// # Errors
    /// What the socket says.
    pub fn send_slowly(
        &mut self,
        bytes: impl AsRef<[u8]>,
        piece: usize,
        pause: Duration,
    ) -> io::Result<()> {
        for part in bytes.as_ref().chunks(piece.max(1)) {
            self.send(part)?;
            std::thread::sleep(pause);
        }
        Ok(())
    }

    /// A second handle of the same connection, for another thread to write or read with.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self::new(self.stream.try_clone()?, self.timeout))
    }

    /// Ends the sending direction and keeps the other open (half-close).
    ///
    /// # Errors
    /// What the socket says.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Closes with a reset instead of an orderly end.
    ///
    /// # Errors
    /// What the socket says.
    pub fn reset(&mut self) -> io::Result<()> {
        match &self.stream {
            Stream::Tcp(tcp) => {
                SockRef::from(tcp).set_linger(Some(Duration::ZERO))?;
                // Other clones of the descriptor (the server's list) would hold back the close; disconnecting sends the reset now.
                rustix::net::connect_unspec(tcp).map_err(io::Error::from)
            }
            Stream::Unix(unix) => unix.shutdown(Shutdown::Both),
        }
    }

    /// Ends both directions now, whoever else holds a descriptor of the connection. Unread bytes turn the end into a
    /// reset, as a close would.
    pub(crate) fn finish(&mut self) {
        let mut waiting = [0; 1];
        let unread = match &self.stream {
            Stream::Tcp(tcp) => {
                tcp.set_nonblocking(true).is_ok()
                    && tcp.peek(&mut waiting).is_ok_and(|count| count > 0)
            }
            Stream::Unix(_) => false,
        };
        // It may be gone already, which is what is wanted.
        let _ = if unread {
            self.reset()
        } else {
            self.stream.shutdown(Shutdown::Both)
        };
    }

    /// Waits for more bytes; `false` is the end of the stream.
    fn fill(&mut self, end: Instant) -> io::Result<bool> {
        let mut buffer = [0; 64 * 1024];
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let got = match self.stream.read_within(left, &mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            other => other?,
        };
        let bytes = buffer.get(..got).unwrap_or_default();
        self.pending.extend_from_slice(bytes);
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(got > 0)
    }

    /// Reads until `enough` says how many bytes to take. `Ok(None)` is an end of stream before that.
    fn take_when(
        &mut self,
        mut enough: impl FnMut(&[u8]) -> Option<usize>,
    ) -> io::Result<Option<Vec<u8>>> {
        let end = Instant::now() + self.timeout;
        loop {
            if let Some(length) = enough(&self.pending) {
                return Ok(Some(self.pending.drain(..length).collect()));
            }
            if !self.fill(end)? {
                return Ok(None);
            }
        }
    }

    /// Whatever comes next, at least one byte; empty at the end of the stream.
    ///
    /// # Errors
    /// A timeout, or what the socket says.
    pub fn read_some(&mut self) -> io::Result<Vec<u8>> {
        let got = self.take_when(|pending| (!pending.is_empty()).then_some(pending.len()))?;
        Ok(got.unwrap_or_default())
    }

    /// Exactly `length` bytes.
    ///
    /// # Errors
    /// A timeout, an end before that, or what the socket says.
    pub fn read_exact(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let got = self.take_when(|pending| (pending.len() >= length).then_some(length))?;
        got.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// All bytes up to and including `mark`.
    ///
    /// # Errors
    /// A timeout, an end before that, or what the socket says.
    pub fn read_until(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        let got = self.take_when(|pending| {
            pending
                .windows(mark.len())
                .position(|part| part == mark)
                .map(|at| at + mark.len())
        })?;
        got.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// All bytes until the peer ends the stream.
    ///
    /// # Errors
    /// A timeout, or what the socket says (a reset too).
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let end = Instant::now() + self.timeout;
        while self.fill(end)? {}
        Ok(std::mem::take(&mut self.pending))
    }

    /// Counts the bytes until the peer ends the stream, keeping none: their number and a checksum of their order.
    ///
    /// # Errors
    /// A timeout between two reads, or what the socket says.
    pub fn drain(&mut self) -> io::Result<(u64, u64)> {
        let (mut count, mut sum) = (0, Checksum::default());
        sum.add(&self.pending);
        count += self.pending.len() as u64;
        self.pending.clear();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let got = self.stream.read_within(self.timeout, &mut buffer)?;
            if got == 0 {
                return Ok((count, sum.value()));
            }
            sum.add(buffer.get(..got).unwrap_or_default());
            count += got as u64;
        }
    }

    /// How the connection ends within `time`; bytes that come before are kept for later reads.
    pub fn ending(&mut self, time: Duration) -> End {
        let end = Instant::now() + time;
        loop {
            match self.fill(end) {
                Ok(true) => {}
                Ok(false) => return End::Eof,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return End::Open,
                Err(_) => return End::Reset,
            }
        }
    }

    /// A head (start line and headers) without its body; `None` when the stream ended in place of one.
    ///
    /// # Errors
    /// A timeout, a stream that ended inside the head, a head that does not parse.
    pub fn read_head(&mut self) -> io::Result<Option<Message>> {
        let head = self.take_when(http::head_length)?;
        match head {
            Some(head) => Message::parse_head(&head).map(Some),
            None if self.pending.is_empty() => Ok(None),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// A request with its body; `None` when the stream ended in place of one.
    ///
    /// # Errors
    /// As [`Conn::read_head`].
    pub fn read_request(&mut self) -> io::Result<Option<Message>> {
        let Some(mut message) = self.read_head()? else {
            return Ok(None);
        };
        if message.is_chunked() {
            self.read_chunked(&mut message)?;
        } else if let Some(length) = message.content_length() {
            message.body = self.read_exact(length)?;
        }
        Ok(Some(message))
    }

    /// A response with its body as its framing says; `bodyless` for the answer to a HEAD. 1xx responses are
    /// returned as they come, like any other.
    ///
    /// # Errors
    /// As [`Conn::read_head`]; an end before the first byte too.
    pub fn read_response(&mut self, bodyless: bool) -> io::Result<Message> {
        let Some(mut message) = self.read_head()? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let status = message.status();
        if bodyless || (100..200).contains(&status) || status == 204 || status == 304 {
            return Ok(message);
        }
        if message.is_chunked() {
            self.read_chunked(&mut message)?;
        } else if let Some(length) = message.content_length() {
            message.body = self.read_exact(length)?;
        } else {
            message.body = self.read_to_end()?;
        }
        Ok(message)
    }

    fn read_chunked(&mut self, message: &mut Message) -> io::Result<()> {
        loop {
            let line = self.read_until(b"\r\n")?;
            let text = String::from_utf8_lossy(&line);
            let size = text.split([';', '\r']).next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                break;
            }
            let mut data = self.read_exact(size + 2)?;
            data.truncate(size);
            message.chunks.push(size);
            message.body.extend_from_slice(&data);
        }
        loop {
            let line = self.read_until(b"\r\n")?;
            if line == b"\r\n" {
                return Ok(());
            }
            message.trailers.push(http::header_line(&line));
        }
    }
}

/// An order-sensitive sum over a byte stream (FNV-1a, 64 bits).
#[derive(Debug, Clone, Copy)]
pub struct Checksum(u64);

impl Default for Checksum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Checksum {
    /// Adds the next bytes of the stream.
    pub fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The sum so far.
    pub fn value(self) -> u64 {
        self.0
    }
}
