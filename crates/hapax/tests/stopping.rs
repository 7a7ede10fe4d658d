//! What becomes of connections when the process stops (`close-spread-time`), and of clients from privileged ports.
mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use common::http;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
use testkit::{Program, Signal, eventually};

const ANSWERING: &str = "frontend in
  bind {fe}
  timeout client 1m
  timeout http-keep-alive 1m
  http-request return status 200 content-type text/plain string ok
";
const LONG: Duration = Duration::from_secs(20);

fn start(spread: &str) -> Program {
    http()
        .config(&format!("global\n  close-spread-time {spread}\n"))
        .config(ANSWERING)
        .start()
}

/// Begins a soft stop and waits until it is under way.
fn stop(program: &mut Program) {
    program.signal(Signal::USR1);
    let address = program.address("fe");
    let refused = || TcpStream::connect(address).is_err();
    assert!(eventually(LONG, refused), "still accepts connections");
}

#[test]
fn connections_stay_until_their_moment_has_come() {
    // Within a day, or never: at any rate not while this lasts.
    for spread in ["24h", "infinite"] {
        let mut program = start(spread);
        let (mut used, mut fresh) = (program.connect("fe"), program.connect("fe"));
        assert_eq!(used.get("/").status(), 200);
        stop(&mut program);
        for client in [&mut used, &mut fresh] {
            for _ in 0..2 {
                let answer = client.get("/");
                assert_eq!((answer.status(), answer.header("connection")), (200, None));
            }
        }
        drop((used, fresh));
        assert_eq!(program.wait(LONG), Some(0), "{spread}");
    }
}

#[test]
fn all_are_closed_in_the_end() {
    let mut program = start("300ms");
    let mut clients: Vec<_> = (0..10).map(|_| program.connect("fe")).collect();
    for client in clients.iter_mut().take(5) {
        assert_eq!(client.get("/").status(), 200);
    }
    program.signal(Signal::USR1);
    for client in &mut clients {
        client.expect_eof();
    }
    assert_eq!(program.wait(LONG), Some(0));
}

/// A connection from a port below 1024; `None`, with a word about it, where that is not allowed.
fn from_privileged_port(to: std::net::SocketAddr) -> Option<TcpStream> {
    for port in (600..1024).rev() {
        let fd = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        sockopt::set_socket_reuseaddr(&fd, true).expect("an option");
        match bind(&fd, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
            Ok(()) if connect(&fd, &to).is_ok() => return Some(fd.into()),
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => break,
            Ok(()) | Err(_) => {}
        }
    }
    eprintln!("skipped: no privileged port to come from");
    None
}

#[test]
fn privileged_ports_are_rejected_on_demand() {
    for (setting, answered) in [("on", false), ("off", true)] {
        let program = http()
            .config(&format!(
                "global\n  harden.reject-privileged-ports.tcp {setting}\n"
            ))
            .config(ANSWERING)
            .start();
        assert_eq!(program.connect("fe").get("/").status(), 200);
        let Some(mut client) = from_privileged_port(program.address("fe")) else {
            return;
        };
        client.set_read_timeout(Some(LONG)).expect("a timeout");
        // Who is rejected may be so before it has said anything.
        let _ = client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let mut got = Vec::new();
        let _ = client.read_to_end(&mut got);
        assert_eq!(got.starts_with(b"HTTP/1.1 200 "), answered, "{setting}");
        assert_eq!(got.is_empty(), !answered, "{setting}");
    }
}
