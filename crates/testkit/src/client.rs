//! A scripted client.

use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::conn::{Conn, End, Stream};
use crate::http::Message;
use crate::show;

/// A client whose calls panic where the script is not met; [`Conn`]'s own calls are within reach by `conn()`.
#[derive(Debug)]
pub struct Client(Conn);

const TIMEOUT: Duration = Duration::from_secs(20);

impl Client {
    /// Connects over TCP.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(tcp) => Self(Conn::new(Stream::Tcp(tcp), TIMEOUT)),
            Err(error) => panic!("cannot connect to {address}: {error}"),
        }
    }

    /// Connecting must fail, or the connection be closed at once without a byte.
    #[track_caller]
    pub fn expect_rejected(address: SocketAddr) {
        if let Ok(tcp) = TcpStream::connect_timeout(&address, TIMEOUT) {
            let mut client = Self(Conn::new(Stream::Tcp(tcp), TIMEOUT));
            client.expect_closed();
            assert!(
                client.0.received().is_empty(),
                "received:\n{}",
                show(&client.0.received())
            );
        }
    }

    /// Connects to a Unix socket, waiting a little for it to appear.
    #[track_caller]
    pub fn unix(path: impl AsRef<Path>) -> Self {
        let end = Instant::now() + TIMEOUT;
        loop {
            match UnixStream::connect(path.as_ref()) {
                Ok(unix) => return Self(Conn::new(Stream::Unix(unix), TIMEOUT)),
                Err(error) if Instant::now() > end => {
                    panic!("cannot connect to {:?}: {error}", path.as_ref())
                }
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// The connection itself, for calls that may fail.
    pub fn conn(&mut self) -> &mut Conn {
        &mut self.0
    }

    #[track_caller]
    fn must<T>(&self, what: &str, result: std::io::Result<T>) -> T {
        match result {
            Ok(value) => value,
            Err(error) => panic!(
                "{what}: {error}; received so far:\n{}",
                show(&self.0.received())
            ),
        }
    }

    /// Sends all of `bytes`.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let sent = self.0.send(bytes);
        self.must("sending", sent);
        self
    }

    /// Sends in pieces with a pause after each.
    #[track_caller]
    pub fn send_slowly(
        &mut self,
        bytes: impl AsRef<[u8]>,
        piece: usize,
        pause: Duration,
    ) -> &mut Self {
        let sent = self.0.send_slowly(bytes, piece, pause);
        self.must("sending slowly", sent);
        self
    }

    /// Ends the sending direction.
    #[track_caller]
    pub fn shutdown_write(&mut self) -> &mut Self {
        let done = self.0.shutdown_write();
        self.must("half-closing", done);
        self
    }

    /// Leaves with a reset.
    #[track_caller]
    pub fn reset(mut self) {
        let done = self.0.reset();
        self.must("resetting", done);
    }

    /// Sends `GET path` with a `Host` and reads the response.
    #[track_caller]
    pub fn get(&mut self, path: &str) -> Message {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
            .response()
    }

    /// The next response with its body.
    #[track_caller]
    pub fn response(&mut self) -> Message {
        let got = self.0.read_response(false);
        self.must("reading a response", got)
    }

    /// The next response, which has a head only (the answer to a HEAD).
    #[track_caller]
    pub fn response_to_head(&mut self) -> Message {
        let got = self.0.read_response(true);
        self.must("reading a response to HEAD", got)
    }

    /// Exactly `length` bytes.
    #[track_caller]
    pub fn read_exact(&mut self, length: usize) -> Vec<u8> {
        let got = self.0.read_exact(length);
        self.must("reading", got)
    }

    /// All bytes up to and including `mark`.
    #[track_caller]
    pub fn read_until(&mut self, mark: &[u8]) -> Vec<u8> {
        let got = self.0.read_until(mark);
        self.must("reading", got)
    }

    /// All bytes until the orderly end of the stream.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let got = self.0.read_to_end();
        self.must("reading to the end", got)
    }

    /// The stream must end in order, with nothing more to read.
    #[track_caller]
    pub fn expect_eof(&mut self) {
        let rest = self.read_to_end();
        assert!(
            rest.is_empty(),
            "expected the end of the stream, got:\n{}",
            show(&rest)
        );
    }

    /// The stream must be ended by the peer, in order or by a reset.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        assert_ne!(
            self.0.ending(TIMEOUT),
            End::Open,
            "the connection stayed open"
        );
    }

    /// The stream must be reset by the peer.
    #[track_caller]
    pub fn expect_reset(&mut self) {
        assert_eq!(
            self.0.ending(TIMEOUT),
            End::Reset,
            "received:\n{}",
            show(&self.0.received())
        );
    }

    /// The stream must stay open for `time`.
    #[track_caller]
    pub fn expect_open(&mut self, time: Duration) {
        assert_eq!(
            self.0.ending(time),
            End::Open,
            "received:\n{}",
            show(&self.0.received())
        );
    }
}

impl Deref for Client {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}
