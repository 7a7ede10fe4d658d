//! A scripted server: one thread per connection, everything received kept.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::conn::{Conn, Stream};
use crate::eventually;

type Record = Arc<Mutex<Vec<u8>>>;

#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    connections: Mutex<Vec<(Record, Stream)>>,
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, Vec<(Record, Stream)>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A server with a handler that is called for every connection with its number in order of arrival, from 0. The
/// connection is closed when the handler returns; an error it returns only ends that connection.
#[derive(Debug)]
pub struct Server {
    place: Place,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long tests wait for what must come.
const WAIT: Duration = Duration::from_secs(20);

impl Server {
    /// Listens on a free loopback port.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn start<H>(handler: H) -> Self
    where
        H: Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static,
    {
        let made = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        match made {
            Ok((listener, address)) => Self::accepting(
                Place::Tcp(address),
                move || Ok(Stream::Tcp(listener.accept()?.0)),
                handler,
            ),
            Err(error) => panic!("cannot listen: {error}"),
        }
    }

    /// Listens on a Unix socket.
    ///
    /// # Panics
    /// When the path cannot be bound.
    #[track_caller]
    pub fn unix<H>(path: impl AsRef<Path>, handler: H) -> Self
    where
        H: Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static,
    {
        match UnixListener::bind(path.as_ref()) {
            Ok(listener) => {
                let place = Place::Unix(path.as_ref().to_owned());
                Self::accepting(
                    place,
                    move || Ok(Stream::Unix(listener.accept()?.0)),
                    handler,
                )
            }
            Err(error) => panic!("cannot listen on {:?}: {error}", path.as_ref()),
        }
    }

    fn accepting<A, H>(place: Place, accept: A, handler: H) -> Self
    where
        A: Fn() -> io::Result<Stream> + Send + 'static,
        H: Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static,
    {
        let shared = Arc::new(Shared::default());
        let (known, handler) = (Arc::clone(&shared), Arc::new(handler));
        let accepting = std::thread::spawn(move || {
            while let Ok(stream) = accept() {
                if known.stopping.load(Ordering::Acquire) {
                    return;
                }
                let Ok(kept) = stream.try_clone() else {
                    continue;
                };
                let mut conn = Conn::new(stream, HANDLER_TIMEOUT);
                let number = {
                    let mut connections = known.connections();
                    connections.push((conn.record(), kept));
                    connections.len() - 1
                };
                let handler = Arc::clone(&handler);
                std::thread::spawn(move || {
                    // A connection cut by the proxy is a normal end of a script; the record shows how far it came.
                    let _ = handler(&mut conn, number);
                    conn.finish();
                });
            }
        });
        Self {
            place,
            shared,
            accepting: Some(accepting),
        }
    }

    /// The address for a `server` line.
    pub fn address(&self) -> String {
        match &self.place {
            Place::Tcp(address) => address.to_string(),
            Place::Unix(path) => format!("unix@{}", path.display()),
        }
    }

    /// The TCP port; 0 on a Unix socket.
    pub fn port(&self) -> u16 {
        match &self.place {
            Place::Tcp(address) => address.port(),
            Place::Unix(_) => 0,
        }
    }

    /// How many connections came so far.
    pub fn connections(&self) -> usize {
        self.shared.connections().len()
    }

    /// All bytes received on connection `number` so far.
    ///
    /// # Panics
    /// When there is no such connection.
    #[track_caller]
    pub fn received(&self, number: usize) -> Vec<u8> {
        let all = self.all_received();
        match all.get(number) {
            Some(bytes) => bytes.clone(),
            None => panic!("connection {number} was not made, only {}", all.len()),
        }
    }

    /// As [`Server::received`], as text.
    #[track_caller]
    pub fn text(&self, number: usize) -> String {
        String::from_utf8_lossy(&self.received(number)).into_owned()
    }

    /// What each connection received so far, in the order they were accepted.
    pub fn all_received(&self) -> Vec<Vec<u8>> {
        let connections = self.shared.connections();
        connections
            .iter()
            .map(|(record, _)| {
                record
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone()
            })
            .collect()
    }

    /// Waits until `count` connections were made.
    ///
    /// # Panics
    /// When they were not within twenty seconds.
    #[track_caller]
    pub fn wait_connections(&self, count: usize) {
        let came = eventually(WAIT, || self.connections() >= count);
        assert!(
            came,
            "{} connections, waited for {count}",
            self.connections()
        );
    }

    /// Waits until connection `number` has received `text`.
    ///
    /// # Panics
    /// When it has not within twenty seconds.
    #[track_caller]
    pub fn wait_received(&self, number: usize, text: &str) {
        let has = || {
            self.all_received()
                .get(number)
                .is_some_and(|got| String::from_utf8_lossy(got).contains(text))
        };
        assert!(
            eventually(WAIT, has),
            "never received {text:?}: {:?}",
            self.all_received()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        let woken = match &self.place {
            Place::Tcp(address) => TcpStream::connect(address).is_ok(),
            Place::Unix(path) => UnixStream::connect(path).is_ok(),
        };
        if let Some(thread) = self.accepting.take()
            && woken
        {
            // The accepting thread never panics; there is nothing to learn from its end.
            let _ = thread.join();
        }
        for (_, stream) in self.shared.connections().iter() {
            // Already closed ones say so, which is fine.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Ready-made handlers.
pub mod handlers {
    use std::io;
    use std::time::Duration;

    use crate::conn::Conn;
    use crate::http::Message;

    /// `200 OK` with a length and this body.
    pub fn ok(body: &str) -> Vec<u8> {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// Answers each request of a connection with what `answer` makes of it, until the client ends.
    pub fn http<A>(answer: A) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static
    where
        A: Fn(&Message) -> Vec<u8> + Send + Sync + 'static,
    {
        move |conn, _| {
            while let Some(request) = conn.read_request()? {
                conn.send(answer(&request))?;
            }
            Ok(())
        }
    }

    /// Answers every request with the same bytes, keeping the connection.
    pub fn fixed(
        answer: impl Into<Vec<u8>>,
    ) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        let answer = answer.into();
        http(move |_| answer.clone())
    }

    /// Answers `200 OK` with this body, keeping the connection.
    pub fn says(body: &str) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        fixed(ok(body))
    }

    /// Answers by the target's path; unknown ones with 404.
    pub fn by_path(
        table: &[(&str, &[u8])],
    ) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        let table: Vec<(String, Vec<u8>)> = table
            .iter()
            .map(|&(path, bytes)| (path.into(), bytes.into()))
            .collect();
        http(move |request| {
            let known = table.iter().find(|(path, _)| path == request.target());
            let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
            known.map_or(missing, |(_, bytes)| bytes.clone())
        })
    }

    /// Reads one request's head, answers and closes.
    pub fn once(
        answer: impl Into<Vec<u8>>,
    ) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        let answer = answer.into();
        move |conn, _| {
            conn.read_request()?;
            conn.send(&answer)
        }
    }

    /// Sends back whatever comes, and ends when the client ends.
    pub fn echo() -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        |conn, _| loop {
            let bytes = conn.read_some()?;
            if bytes.is_empty() {
                return Ok(());
            }
            conn.send(bytes)?;
        }
    }

    /// Reads until the client ends, and never answers.
    pub fn silent() -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        |conn, _| conn.read_to_end().map(drop)
    }

    /// Closes at once.
    pub fn close() -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        |_, _| Ok(())
    }

    /// Reads one request, sends these bytes (nothing, or part of an answer) and resets.
    pub fn reset_after(
        part: impl Into<Vec<u8>>,
    ) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        let part = part.into();
        move |conn, _| {
            conn.read_request()?;
            conn.send(&part)?;
            // The bytes must reach the peer before the reset discards them.
            std::thread::sleep(Duration::from_millis(50));
            conn.reset()
        }
    }

    /// Reads one request, sends these bytes, then nothing more until the client ends.
    pub fn stall_after(
        part: impl Into<Vec<u8>>,
    ) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        let part = part.into();
        move |conn, _| {
            conn.read_request()?;
            conn.send(&part)?;
            conn.read_to_end().map(drop)
        }
    }

    /// Reads one request, then sends the answer in pieces with pauses, and closes.
    pub fn slow(
        answer: impl Into<Vec<u8>>,
        piece: usize,
        pause: Duration,
    ) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        let answer = answer.into();
        move |conn, _| {
            conn.read_request()?;
            conn.send_slowly(&answer, piece, pause)
        }
    }

    /// Waits, then answers every request with these bytes.
    pub fn delayed(
        time: Duration,
        answer: impl Into<Vec<u8>>,
    ) -> impl Fn(&mut Conn, usize) -> io::Result<()> + Send + Sync + 'static {
        let answer = answer.into();
        http(move |_| {
            std::thread::sleep(time);
            answer.clone()
        })
    }
}
