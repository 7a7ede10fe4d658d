//! Listening sockets that go from one process to the next, while clients come and stay.
mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use common::{api::ask_on, http, program};
use testkit::{Builder, Client, Program, Signal, eventually};

const WAIT: Duration = Duration::from_secs(5);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Clients at work.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<String>>>,
}

/// One exchange; whether the connection may be used again.
fn exchange(stream: &mut TcpStream) -> std::io::Result<bool> {
    stream.write_all(REQUEST)?;
    let mut text = Vec::new();
    let mut room = [0; 1024];
    while !text.ends_with(b"hello") {
        match stream.read(&mut room)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => text.extend_from_slice(&room[..n]),
        }
    }
    let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
    match text.starts_with("http/1.1 200 ") {
        true => Ok(!text.contains("connection: close")),
        false => Err(std::io::Error::other(text)),
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    Ok(stream)
}

impl Load {
    /// Two clients with a connection for each request and two that keep theirs.
    fn start(address: SocketAddr) -> Self {
        let (stop, done) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let threads = (0..4).map(|number| {
            let (stop, done) = (stop.clone(), done.clone());
            std::thread::spawn(move || {
                let mut lost = Vec::new();
                let mut kept: Option<TcpStream> = None;
                while !stop.load(Ordering::Relaxed) {
                    // A process that leaves closes idle connections, which may cross a request: that one is sent again.
                    let reused = kept
                        .take()
                        .map(|mut stream| exchange(&mut stream).map(|keep| (keep, stream)));
                    let outcome = match reused {
                        Some(Ok(outcome)) => Ok(outcome),
                        _ => connect(address)
                            .and_then(|mut stream| Ok((exchange(&mut stream)?, stream))),
                    };
                    match outcome {
                        Ok((keep, stream)) => kept = Some(stream).filter(|_| keep && number < 2),
                        Err(error) => lost.push(error.to_string()),
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
                lost
            })
        });
        Self {
            threads: threads.collect(),
            stop,
            done,
        }
    }

    /// Lets so many more requests through.
    fn go_on(&self, more: usize) {
        let before = self.done.load(Ordering::Relaxed);
        let through = || self.done.load(Ordering::Relaxed) >= before + more;
        assert!(eventually(WAIT, through), "the clients are stuck");
    }

    /// Ends it; what was lost.
    fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let outcomes = self
            .threads
            .into_iter()
            .map(|thread| thread.join().expect("a client"));
        outcomes.flatten().collect()
    }
}

fn configuration(workers: usize) -> String {
    format!(
        "global
  nbthread {workers}
  stats socket {{tmp}}/api level admin expose-fd listeners
defaults
  mode http
  timeout client 3s
frontend in
  bind {{fe}}
  bind {{tmp}}/unix
  bind abns@{{abns}}
  http-request return status 200 content-type text/plain string hello
"
    )
}

fn builder(workers: usize) -> Builder {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    program()
        .set(
            "abns",
            format!("hapax-test-{}-{number}", std::process::id()),
        )
        .config(&configuration(workers))
}

#[test]
fn no_request_is_lost_over_reloads_of_a_master() {
    let program = builder(2).arg("-W").arg("-S").arg("{tmp}/master").start();
    let load = Load::start(program.address("fe"));
    let path = program.path("haproxy.cfg");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    for turn in 0..6 {
        load.go_on(100);
        // Fewer workers, and more, than there are sockets.
        let workers = [1, 3, 2][turn % 3];
        let changed = text.replace("nbthread 2", &format!("nbthread {workers}"));
        std::fs::write(&path, changed).expect("the configuration");
        let told = ask_on(&program, "master", "reload\n");
        assert!(told.starts_with("Success=1\n"), "{told}");
        assert!(!told.contains("did not hand over"), "{told}");
    }
    load.go_on(100);
    let mut unix = Client::unix(program.path("unix"));
    assert_eq!(unix.get("/").text(), "hello");
    assert_eq!(load.stop(), Vec::<String>::new());
}

/// What `-x` and `-sf` need of the process before.
fn successor(old: &Program, fresh: Builder) -> Builder {
    let config = std::fs::read_to_string(old.path("haproxy.cfg")).expect("the configuration");
    fresh
        .config(&config)
        .arg("-x")
        .arg(&old.path("api").display().to_string())
        .arg("-sf")
        .arg(&old.pid().to_string())
}

/// Lets `fresh` take over from `old` under load; yields the old one, which was told to leave.
fn take_over(old: Builder, fresh: Builder) -> Program {
    let mut old = old.start();
    let load = Load::start(old.address("fe"));
    load.go_on(50);
    let address = old.address("fe");
    let successor = successor(&old, fresh).start_unready();
    // HAProxy 2.6 serves a client that asks without a pause for as long as it does.
    old.wait(Duration::from_secs(1));
    load.go_on(100);
    assert_eq!(load.stop(), Vec::<String>::new());
    let mut client = Client::connect(address);
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(Client::unix(old.path("unix")).get("/").text(), "hello");
    drop(successor);
    old
}

#[test]
fn no_request_is_lost_when_another_process_takes_over() {
    let mut old = take_over(builder(2), program());
    assert_eq!(old.wait(WAIT), Some(0), "{}", old.stderr());
}

/// A mixed pair, each way; where HAProxy is not installed there is nothing to mix with. With several workers a HAProxy that
/// has fewer sockets closes some of those it was given, with what waits in them.
#[test]
fn haproxy_and_hapax_take_over_from_each_other() {
    let fresh = || Program::haproxy();
    let Some(haproxy) = fresh() else {
        return;
    };
    let mut old = take_over(builder(1), haproxy);
    assert_eq!(old.wait(WAIT), Some(0), "{}", old.stderr());
    let Some(haproxy) = fresh() else {
        return;
    };
    let haproxy = haproxy
        .set("abns", format!("hapax-test-mixed-{}", std::process::id()))
        .config(&configuration(1));
    take_over(haproxy, program());
}

#[test]
fn sockets_that_are_not_handed_over_end_the_start() {
    let config = "listen a\n  bind {fe}\n  server s 127.0.0.1:1";
    let exit = http().config(config).arg("-x").arg("/nonexistent").run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr
            .contains("Failed to connect to the old process socket '/nonexistent'\n"),
        "{}",
        exit.stderr
    );
    let closed = http()
        .config("global\n  stats socket {tmp}/api level admin")
        .config(config)
        .start();
    let api = closed.path("api").display().to_string();
    let exit = http().config(config).arg("-x").arg(&api).run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains("expose-fd listeners"),
        "{}",
        exit.stderr
    );
    assert!(
        exit.stderr
            .contains("Failed to get the sockets from the old process!\n")
    );
    let mut running = http().config(config).arg("-x").arg("/dev/null").start();
    running.signal(Signal::TERM);
    assert_eq!(running.wait(WAIT), Some(143));
}
