//! `namespace` of listeners and servers, `namespace_list`, and namespaces in PROXY headers.
//!
//! The tests make network namespaces of their own, which takes the privileges of root; without them they say that they are
//! skipped.
mod common;

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use common::http;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use testkit::{Client, Server, handlers};

/// A network namespace with a loopback interface, which goes when it is dropped.
struct Namespace {
    name: String,
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let ran = Command::new("ip").args(arguments).output();
    let ran = ran.map_err(|error| error.to_string())?;
    match ran.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&ran.stderr).into_owned()),
    }
}

impl Namespace {
    /// `None`, with a word about it, where none can be made.
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let made = Self {
            name: format!("hapax-test-{}-{number}", std::process::id()),
        };
        let ready = ip(&["netns", "add", &made.name])
            .and_then(|()| ip(&["-n", &made.name, "link", "set", "lo", "up"]));
        match ready {
            Ok(()) => Some(made),
            Err(why) => {
                eprintln!("skipped: no network namespace can be made: {why}");
                None
            }
        }
    }

    /// Does something within; the sockets that it makes stay there.
    fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let entrance = File::open(format!("/var/run/netns/{}", self.name)).expect("a namespace");
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(
                    std::os::fd::AsFd::as_fd(&entrance),
                    Some(LinkNameSpaceType::Network),
                )
                .expect("a way in");
                work()
            });
            inside.join().expect("no panic")
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&["netns", "del", &self.name]);
    }
}

/// A PROXY header of version 2 from an address to another one, with the name of a namespace.
fn header(namespace: &str) -> Vec<u8> {
    let mut tlv = vec![
        0x30,
        0,
        u8::try_from(namespace.len()).expect("a short name"),
    ];
    tlv.extend_from_slice(namespace.as_bytes());
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0".to_vec();
    header.push(12 + u8::try_from(tlv.len()).expect("a short name"));
    header.extend_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1, 0, 1, 0, 2]);
    header.extend(tlv);
    header
}

#[test]
fn servers_are_reached_in_their_namespace() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    let server = namespace.within(|| Server::start(handlers::says("inside")));
    let program = http()
        .config(&format!(
            "frontend in
  bind {{fe}}
  default_backend back
backend back
  option httpchk GET /
  server s1 {{s1}} namespace {} check inter 100ms
  http-response set-header x-up %[srv_is_up(back/s1)]
",
            namespace.name
        ))
        .server("s1", &server)
        .start();
    let answer = program.connect("fe").get("/");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "inside"));
    // Checks find it as well.
    server.wait_received(0, "GET / ");
    assert_eq!(program.connect("fe").get("/").header("x-up"), Some("1"));
}

#[test]
fn listeners_are_in_their_namespace() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    let server = Server::start(|conn, _| {
        conn.read_until(b"\r\n\r\n\0\r\nQUIT\n")?;
        conn.read_until(b"\r\n\r\n")?;
        conn.send(handlers::ok("outside"))
    });
    let program = http()
        .config(&format!(
            "listen in
  bind {{fe}}
  bind 127.0.0.1:8080 namespace {}
  server s1 {{s1}} send-proxy-v2
",
            namespace.name
        ))
        .server("s1", &server)
        .start();
    let address = "127.0.0.1:8080".parse().expect("an address");
    let answer = namespace.within(|| Client::connect(address).get("/"));
    assert_eq!(answer.text(), "outside");
    // The server is told where the client is.
    let told = [
        b"\x30\0".as_slice(),
        &[namespace.name.len() as u8],
        namespace.name.as_bytes(),
    ];
    let (received, told) = (server.received(0), told.concat());
    assert!(received.windows(told.len()).any(|part| part == told));
    assert_eq!(program.connect("fe").get("/").text(), "outside");
    let received = server.received(1);
    assert!(!received.windows(told.len()).any(|part| part == told));
}

#[test]
fn servers_are_looked_for_where_the_client_is() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    let inside = namespace.within(|| Server::start(handlers::says("inside")));
    let program = http()
        .config(&format!(
            "namespace_list
  namespace {}
listen in
  bind {{fe}} accept-proxy
  retries 0
  http-reuse always
  server any {{inside}} namespace *
",
            namespace.name
        ))
        .server("inside", &inside)
        .start();
    // Whoever is at that port here is somebody else.
    let is_inside = |header: &[u8]| {
        let mut client = program.connect("fe");
        client.send(header);
        client.get("/").text() == "inside"
    };
    assert!(is_inside(&header(&namespace.name)));
    assert!(!is_inside(b"PROXY UNKNOWN\r\n"));
    // What is not listed is not believed.
    assert!(!is_inside(&header("somewhere")));
    assert!(is_inside(&header(&namespace.name)));
    assert_eq!(inside.connections(), 1);
}

#[test]
fn what_is_no_namespace_is_refused() {
    for (text, message) in [
        (
            "listen l\n bind 127.0.0.1:80 namespace no-such-one\n",
            "Cannot open namespace 'no-such-one'",
        ),
        (
            "backend b\n server s 127.0.0.1:80 namespace no-such-one\n",
            "'server b/s' : 'namespace' : Cannot open namespace 'no-such-one'",
        ),
        (
            "namespace_list\n namespace no-such-one\n",
            "Cannot open namespace 'no-such-one'",
        ),
        (
            "namespace_list\n foo\n",
            "unknown keyword 'foo' in 'namespace_list' section",
        ),
    ] {
        let exit = http().config(text).check();
        assert_eq!(exit.code, Some(1));
        assert!(exit.stderr.contains(message), "{}", exit.stderr);
    }
}
