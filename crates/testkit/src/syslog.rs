//! Log sinks: UDP, Unix datagram, TCP.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Shared {
    fn add(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line)
            .trim_end_matches(['\n', '\r', '\0'])
            .to_owned();
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        self.more.notify_all();
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Collects the lines a program logs.
#[derive(Debug)]
pub struct Syslog {
    target: String,
    shared: Arc<Shared>,
    _folder: Option<TempDir>,
}

/// How often a reading thread looks whether it is to stop.
const TICK: Duration = Duration::from_millis(50);
const WAIT: Duration = Duration::from_secs(20);

#[track_caller]
fn must<T>(result: std::io::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("cannot open a log sink: {error}"),
    }
}

impl Syslog {
    /// A sink on a free UDP port.
    ///
    /// # Panics
    /// When there is none; likewise the others.
    #[track_caller]
    pub fn udp() -> Self {
        let socket = must(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)));
        must(socket.set_read_timeout(Some(TICK)));
        let target = must(socket.local_addr()).to_string();
        Self::datagrams(target, None, move |into| socket.recv(into))
    }

    /// A sink on a Unix datagram socket.
    #[track_caller]
    pub fn unix() -> Self {
        let folder = must(TempDir::new());
        let path = folder.path().join("log");
        let socket = must(UnixDatagram::bind(&path));
        must(socket.set_read_timeout(Some(TICK)));
        Self::datagrams(path.display().to_string(), Some(folder), move |into| {
            socket.recv(into)
        })
    }

    fn datagrams<R>(target: String, folder: Option<TempDir>, receive: R) -> Self
    where
        R: Fn(&mut [u8]) -> std::io::Result<usize> + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let known = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while !known.stopping() {
                if let Ok(length) = receive(&mut buffer) {
                    known.add(buffer.get(..length).unwrap_or_default());
                }
            }
        });
        Self {
            target,
            shared,
            _folder: folder,
        }
    }

    /// A sink on a free TCP port: lines as they are framed, by length ("octet counting", RFC 6587) or by line feeds.
    #[track_caller]
    pub fn tcp() -> Self {
        let listener = must(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let target = must(listener.local_addr()).to_string();
        must(listener.set_nonblocking(true));
        let shared = Arc::new(Shared::default());
        let known = Arc::clone(&shared);
        std::thread::spawn(move || {
            while !known.stopping() {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let known = Arc::clone(&known);
                        std::thread::spawn(move || read_stream(&stream, &known));
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Self {
            target,
            shared,
            _folder: None,
        }
    }

    /// What to write after `log` (or `server`, for the TCP one).
    pub fn target(&self) -> &str {
        &self.target
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.shared
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for a line that fits, among the old ones too; `None` when `time` has passed.
    pub fn find(&self, time: Duration, fits: impl Fn(&str) -> bool) -> Option<String> {
        let end = Instant::now() + time;
        let mut lines = self
            .shared
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = lines.iter().find(|line| fits(line)) {
                return Some(line.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            lines = self
                .shared
                .more
                .wait_timeout(lines, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits for a line that contains `text`.
    ///
    /// # Panics
    /// When none came within twenty seconds.
    #[track_caller]
    pub fn expect(&self, text: &str) -> String {
        match self.find(WAIT, |line| line.contains(text)) {
            Some(line) => line,
            None => panic!(
                "no log line with {text:?} among:\n{}",
                self.lines().join("\n")
            ),
        }
    }

    /// Waits for `count` lines and returns all there are.
    ///
    /// # Panics
    /// When they did not come within twenty seconds.
    #[track_caller]
    pub fn wait_lines(&self, count: usize) -> Vec<String> {
        crate::eventually(WAIT, || self.lines().len() >= count);
        let lines = self.lines();
        assert!(
            lines.len() >= count,
            "waited for {count} log lines, got:\n{}",
            lines.join("\n")
        );
        lines
    }

    /// Forgets the lines so far.
    pub fn clear(&self) {
        self.shared
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn read_stream(stream: &TcpStream, known: &Shared) {
    if stream.set_nonblocking(false).is_err() || stream.set_read_timeout(Some(TICK)).is_err() {
        return;
    }
    let mut reader = BufReader::new(stream);
    let mut text = Vec::new();
    while !known.stopping() {
        match reader.read_until(b'\n', &mut text) {
            Ok(0) => return,
            // A timeout keeps what was read; the rest of the line follows.
            Err(_) => continue,
            Ok(_) => {}
        }
        if text.ends_with(b"\n") {
            let counted = text.iter().position(|&b| b == b' ').filter(|&at| {
                at > 0
                    && text
                        .get(..at)
                        .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
            });
            known.add(
                text.get(counted.map_or(0, |at| at + 1)..)
                    .unwrap_or_default(),
            );
            text.clear();
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
    }
}
