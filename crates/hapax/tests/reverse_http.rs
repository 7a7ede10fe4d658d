//! Reverse HTTP: a device opens connections to the edge, which sends it requests over them.
mod common;

use std::io;
use std::time::Duration;

use common::program;
use testkit::h2::{Frame, Peer, Received, kind};
use testkit::{Builder, Client, Conn, Program, Server, Signal, Syslog, eventually, handlers};

const WAIT: Duration = Duration::from_secs(20);

/// What HAProxy 3.4 begins a connection to the edge with, and hapax too: the preface of HTTP/2 and settings.
const BEGINNING: &str = "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a\
     000018040000000000000200000000000800000001000400004000000300000064";

fn global(workers: usize, log: &Syslog) -> Builder {
    program().log(log).config(&format!(
        "global
  nbthread {workers}
  expose-experimental-directives
  stats socket {{tmp}}/api level admin
  log {{log}} local0
defaults
  mode http
  log global
  option httplog
  timeout connect 20s
  timeout client 60s
  timeout server 60s
"
    ))
}

/// Clients come to `pub`, devices to `priv`.
const EDGE: &str = "frontend pub
  bind {pub}
  default_backend be
backend be
  server dev rhttp@ pool-purge-delay 1m
frontend priv
  bind {priv} proto h2
  tcp-request session attach-srv be/dev
";

fn edge(workers: usize, log: &Syslog) -> Program {
    global(workers, log).config(EDGE).start()
}

/// A device that answers with its own name.
fn device(workers: usize, connections: u32, edge: impl ToString, log: &Syslog) -> Program {
    global(workers, log)
        .config(&format!(
            "frontend rev
  bind rhttp@up/edge nbconn {connections}
  http-request return status 200 content-type text/plain lf-string \"%[path] %[req.ver]\"
backend up
  server edge {{edge}} proto h2
"
        ))
        .set("edge", edge)
        .start()
}

#[track_caller]
fn ask(program: &Program, line: &str) -> String {
    let mut client = Client::unix(program.path("api"));
    client.send(format!("{line}\n"));
    String::from_utf8_lossy(&client.conn().read_to_end().expect("an answer")).into_owned()
}

/// What the edge answers to a request on a connection of its own.
#[track_caller]
fn status(edge: &Program, path: &str) -> u16 {
    edge.connect("pub").get(path).status()
}

/// Waits until a device can be reached.
#[track_caller]
fn await_device(edge: &Program) {
    let reached = eventually(WAIT, || status(edge, "/ready") == 200);
    assert!(reached, "no device: {}", edge.stderr());
}

/// How many connections of devices the edge has to spare.
#[track_caller]
fn attached(edge: &Program) -> u32 {
    let stats = ask(edge, "show servers conn be");
    let line = stats.lines().find(|line| line.starts_with("be/"));
    let idle = line.and_then(|line| line.split(' ').nth(14)?.parse().ok());
    idle.unwrap_or_else(|| panic!("{stats}"))
}

/// A device by script: opens a connection and, once the edge may send requests, has a conversation as the server of it.
#[track_caller]
fn as_device<T>(
    edge: &Program,
    client: &mut Client,
    script: impl FnOnce(&mut Peer<'_>) -> io::Result<T>,
) -> T {
    let before = attached(edge);
    let outcome = Peer::client(client.conn()).and_then(|mut peer| {
        // The edge's own settings, and what it says to this end's.
        let settings = |frame: &&Frame| frame.kind == kind::SETTINGS;
        while peer.frames.iter().filter(settings).count() < 2 {
            peer.read_frame()?;
        }
        assert!(eventually(WAIT, || attached(edge) > before));
        script(&mut peer)
    });
    outcome.unwrap_or_else(|error| panic!("{error}"))
}

/// Waits for a request on a stream and answers it.
fn answer(peer: &mut Peer<'_>, stream: u32, status: &str) -> io::Result<Received> {
    let request = peer.finish(stream)?;
    peer.headers(stream, &[(":status", status)], true)?;
    Ok(request)
}

#[test]
fn without_a_device_the_server_can_not_be_asked() {
    let log = Syslog::udp();
    let edge = edge(1, &log);
    assert_eq!(status(&edge, "/"), 503);
    // As HAProxy 3.4 logs it: nothing is tried twice.
    let line = log.wait_lines(1).remove(0);
    assert!(line.contains(" pub be/dev 0/0/-1/-1/0 503 "), "{line}");
    assert!(
        line.contains(" SC-- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\""),
        "{line}"
    );
}

#[test]
fn requests_go_over_the_connection_of_a_device() {
    let log = Syslog::udp();
    let edge = edge(1, &log);
    let mut device = edge.connect("priv");
    let mut client = edge.connect("pub");
    as_device(&edge, &mut device, |peer| {
        for (stream, path) in [(1, "/a"), (3, "/b")] {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"));
            let request = answer(peer, stream, "204")?;
            assert_eq!(request.field(":path"), Some(path));
            assert_eq!(request.field("host"), Some("h"));
            assert_eq!(client.response().status(), 204);
        }
        Ok(())
    });
    let stats = ask(&edge, "show servers conn be");
    let line = stats.lines().find(|line| line.starts_with("be/dev"));
    let line = line.unwrap_or_default();
    assert!(line.starts_with("be/dev 3/1 - 0 - 60000 0 0 1 "), "{stats}");
    assert!(line.ends_with(" 1 1"), "one idle connection: {stats}");
    drop(device);
    assert!(
        eventually(WAIT, || status(&edge, "/") == 503),
        "the connection is gone"
    );
}

#[test]
fn a_connection_that_is_lost_under_a_request_tells_the_client_nothing() {
    let log = Syslog::udp();
    let edge = edge(1, &log);
    let mut device = edge.connect("priv");
    let mut client = edge.connect("pub");
    as_device(&edge, &mut device, |peer| {
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        peer.finish(1)
    });
    drop(device);
    client.expect_closed();
}

#[test]
fn names_lead_to_devices() {
    let log = Syslog::udp();
    let edge = global(2, &log)
        .config(
            "frontend pub
  bind {pub}
  default_backend be
backend be
  server dev rhttp@ pool-conn-name hdr(x-name)
frontend priv
  bind {priv} accept-proxy proto h2
  tcp-request session attach-srv be/dev name src
",
        )
        .start();
    let mut devices: Vec<Client> = ["192.0.2.1", "192.0.2.2"]
        .iter()
        .map(|name| {
            let mut device = edge.connect("priv");
            device.send(format!("PROXY TCP4 {name} 192.0.2.9 1 2\r\n"));
            as_device(&edge, &mut device, |_| Ok(()));
            device
        })
        .collect();
    for (at, name) in ["192.0.2.1", "192.0.2.2"].into_iter().enumerate() {
        let mut client = edge.connect("pub");
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: h\r\nX-Name: {name}\r\n\r\n"
        ));
        // The connection goes on where the conversation stopped: a head on stream 1.
        let head = devices[at].conn().read_exact(9).expect("a frame");
        assert_eq!((head[3], head[8]), (kind::HEADERS, 1), "{head:?}");
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        devices[at].conn().read_exact(length).expect("a payload");
        devices[at].send(b"\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88");
        assert_eq!(client.response().status(), 200);
    }
    for other in ["X-Name: 192.0.2.3\r\n", ""] {
        let mut client = edge.connect("pub");
        client.send(format!("GET / HTTP/1.1\r\nHost: h\r\n{other}\r\n"));
        assert_eq!(client.response().status(), 503);
    }
}

#[test]
fn what_does_not_speak_http2_is_not_handed_over() {
    let log = Syslog::udp();
    let edge = global(1, &log)
        .config(
            "frontend pub
  bind {pub}
  default_backend be
backend be
  server dev rhttp@
frontend priv
  bind {priv} accept-proxy
  error-log-format \"%[fc_err] %[fc_err_name] %[fc_err_str]\"
  tcp-request session attach-srv be/dev
",
        )
        .start();
    let mut client = edge.connect("priv");
    client.send("PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n");
    client.expect_closed();
    log.expect("45 REVERSE Reverse connect failure");
}

#[test]
fn rules_behind_it_may_still_refuse() {
    let log = Syslog::udp();
    let edge = global(1, &log)
        .config(EDGE)
        .config("  tcp-request session reject")
        .start();
    edge.connect("priv").expect_closed();
    assert_eq!(status(&edge, "/"), 503);
}

#[test]
fn every_worker_finds_the_connection() {
    let (edge_log, device_log) = (Syslog::udp(), Syslog::udp());
    let edge = edge(4, &edge_log);
    let _device = device(1, 1, edge.address("priv"), &device_log);
    await_device(&edge);
    for turn in 0..40 {
        let path = format!("/{turn}");
        let mut client = edge.connect("pub");
        for _ in 0..2 {
            let answer = client.get(&path);
            assert_eq!(
                (answer.status(), answer.text()),
                (200, format!("{path} 2.0"))
            );
        }
    }
}

#[test]
fn requests_share_a_connection_over_workers() {
    let log = Syslog::udp();
    let edge = edge(4, &log);
    let mut device = edge.connect("priv");
    let mut clients: Vec<Client> = (0..12).map(|_| edge.connect("pub")).collect();
    as_device(&edge, &mut device, |peer| {
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        }
        // All of them are there before any is answered.
        for stream in (1..24).step_by(2) {
            peer.finish(stream)?;
        }
        for stream in (1..24).step_by(2) {
            peer.headers(stream, &[(":status", "204")], true)?;
        }
        Ok(())
    });
    for client in &mut clients {
        assert_eq!(client.response().status(), 204);
    }
}

#[test]
fn an_answer_counts_though_the_stream_is_reset_behind_it() {
    let log = Syslog::udp();
    let edge = edge(4, &log);
    let mut device = edge.connect("priv");
    let mut clients: Vec<Client> = (0..40).map(|_| edge.connect("pub")).collect();
    as_device(&edge, &mut device, |peer| {
        for (stream, client) in (1..).step_by(2).zip(&mut clients) {
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            // Answered as soon as its head is there, whether or not its end is.
            peer.until(stream, |request| !request.sections.is_empty())?;
            let answer = [0, 0, 1, 1, 5, 0, 0, 0, stream as u8, 0x89];
            let reset = [0, 0, 4, 3, 0, 0, 0, 0, stream as u8, 0, 0, 0, 0];
            peer.conn().send([&answer[..], &reset].concat())?;
            assert_eq!(client.response().status(), 204);
        }
        Ok(())
    });
}

#[test]
fn a_device_keeps_up_its_connections() {
    let (edge_log, device_log) = (Syslog::udp(), Syslog::udp());
    let first = edge(1, &edge_log);
    let device = device(4, 3, first.address("priv"), &device_log);
    device_log.expect("preconnect rev::up/edge: Initiating.");
    device_log.expect("preconnect rev::up/edge: Running with nbconn 3 reached.");
    assert!(eventually(WAIT, || attached(&first) == 3));
    assert!(ask(&device, "show stat rev 1 -1").contains("rev,FRONTEND,,,3,3,"));
    assert_eq!(status(&first, "/"), 200);
    drop(first);
    device_log.expect("preconnect rev::up/edge: Error encountered.");
}

#[test]
fn a_device_begins_as_the_client_and_serves_then() {
    let log = Syslog::udp();
    let edge = Server::start(|conn: &mut Conn, _| {
        let mut peer = Peer::server(conn, &[])?;
        for stream in [1, 3] {
            peer.get(stream, &format!("/{stream}"))?;
            let answer = peer.finish(stream)?;
            assert_eq!(answer.text(), format!("/{stream} 2.0"));
        }
        peer.conn().drain()?;
        Ok(())
    });
    let _device = device(1, 1, edge.address(), &log);
    log.expect("\"GET http://a.example/3 HTTP/2.0\"");
    let begun: String = edge.received(0)[..57]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(begun, BEGINNING);
}

#[test]
fn an_edge_that_closes_every_connection_is_not_flooded() {
    let log = Syslog::udp();
    let edge = Server::start(|conn: &mut Conn, _| Peer::server(conn, &[]).map(drop));
    let _device = device(1, 1, edge.address(), &log);
    edge.wait_connections(2);
    // HAProxy comes back over a thousand times a second.
    assert!(edge.connections() < 10, "{}", edge.connections());
}

#[test]
fn connections_outlast_a_reload_of_the_edge() {
    let log = Syslog::udp();
    let edge = edge(2, &log);
    let mut device = edge.connect("priv");
    let path = edge.path("haproxy.cfg");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let text = text.replace(
        "default_backend be",
        "http-response set-header new yes\n  default_backend be",
    );
    as_device(&edge, &mut device, |peer| {
        std::fs::write(&path, &text)?;
        let told = ask(&edge, "reload");
        assert!(told.starts_with("Success=1"), "{told}");
        let mut client = edge.connect("pub");
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        answer(peer, 1, "204")?;
        let answer = client.response();
        assert_eq!((answer.status(), answer.header("new")), (204, Some("yes")));
        Ok(())
    });
}

#[test]
fn a_server_that_a_reload_removes_lets_its_connections_go() {
    let log = Syslog::udp();
    let edge = edge(2, &log);
    let mut device = edge.connect("priv");
    as_device(&edge, &mut device, |_| Ok(()));
    let path = edge.path("haproxy.cfg");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let text = text.replace("server dev rhttp@", "server other rhttp@");
    std::fs::write(
        &path,
        text.replace("attach-srv be/dev", "attach-srv be/other"),
    )
    .expect("the configuration");
    let told = ask(&edge, "reload");
    assert!(told.starts_with("Success=1"), "{told}");
    device.expect_closed();
}

#[test]
fn a_reload_of_the_device_opens_no_more_connections() {
    let (edge_log, device_log) = (Syslog::udp(), Syslog::udp());
    let edge = edge(1, &edge_log);
    let device = device(2, 2, edge.address("priv"), &device_log);
    device_log.expect("Running with nbconn 2 reached.");
    assert!(eventually(WAIT, || attached(&edge) == 2));
    let path = device.path("haproxy.cfg");
    for turn in 0..3 {
        let text = std::fs::read_to_string(&path).expect("the configuration");
        let more = format!("backend up\n  option forwardfor header x-{turn}");
        std::fs::write(&path, text.replace("backend up", &more)).expect("the configuration");
        let told = ask(&device, "reload");
        assert!(told.starts_with("Success=1"), "{told}");
        assert_eq!(status(&edge, "/"), 200);
    }
    let stats = ask(&device, "show stat rev 1 -1");
    assert!(stats.contains("rev,FRONTEND,,,2,2,"), "{stats}");
}

#[test]
fn a_device_that_stops_finishes_what_it_serves() {
    let (edge_log, device_log) = (Syslog::udp(), Syslog::udp());
    let origin = Server::start(handlers::delayed(
        Duration::from_millis(1500),
        handlers::ok("done"),
    ));
    let edge = edge(1, &edge_log);
    let mut device = global(1, &device_log)
        .config(
            "frontend rev
  bind rhttp@up/edge
  default_backend origin
backend up
  server edge {edge} proto h2
backend origin
  server s {s1}
",
        )
        .set("edge", edge.address("priv"))
        .server("s1", &origin)
        .start();
    device_log.expect("Running with nbconn 1 reached.");
    assert!(eventually(WAIT, || attached(&edge) == 1));
    let mut client = edge.connect("pub");
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    origin.wait_connections(1);
    device.signal(Signal::USR1);
    assert_eq!(client.response().text(), "done");
    assert_eq!(device.wait(WAIT), Some(0));
    assert_eq!(status(&edge, "/"), 503);
}

#[test]
fn an_edge_that_stops_waits_for_no_device() {
    let log = Syslog::udp();
    let mut edge = edge(2, &log);
    let mut device = edge.connect("priv");
    as_device(&edge, &mut device, |_| Ok(()));
    edge.signal(Signal::USR1);
    assert_eq!(edge.wait(WAIT), Some(0));
    device.expect_closed();
}

#[test]
fn its_listener_can_not_be_paused_and_its_server_not_be_moved() {
    let (edge_log, device_log) = (Syslog::udp(), Syslog::udp());
    let edge = edge(1, &edge_log);
    let device = device(1, 1, edge.address("priv"), &device_log);
    await_device(&edge);
    // The answers and messages are those of HAProxy 3.4.
    let told = ask(&device, "disable frontend rev");
    assert_eq!(
        told.trim(),
        "Failed to pause frontend, check logs for precise cause."
    );
    device_log.expect("cannot disable a reverse-HTTP listener.");
    device_log.expect("frontend rev failed to enter pause mode.");
    let told = ask(&edge, "set server be/dev addr 192.0.2.1");
    assert_eq!(
        told.trim(),
        "Update for the current server address family is only supported through configuration file."
    );
    assert_eq!(status(&edge, "/"), 200);
}

#[test]
fn a_listener_needs_a_server_that_speaks_http2() {
    // HAProxy 3.4 reads such configurations without complaint, and fails at the start with these words.
    for (target, why) in [
        ("be", "Invalid server name: 'be'."),
        ("be/", "Invalid server name: 'be/'."),
        ("none/s", "No such backend: 'none'."),
        ("be/none", "No such server: 'be/none'."),
        (
            "be/rev",
            "Cannot use reverse HTTP server 'be/rev' as target to a reverse bind.",
        ),
        (
            "be/port",
            "Cannot use transparent server 'be/port' as target to a reverse bind.",
        ),
        (
            "be/h1",
            "Cannot reverse connect with server 'be/h1' unless HTTP/2 is activated on it with either proto or alpn keyword.",
        ),
    ] {
        let builder = || {
            global(1, &Syslog::udp()).config(&format!(
                "frontend f
  bind rhttp@{target}
backend be
  server h1 127.0.0.1:1
  server port 127.0.0.1 proto h2
  server rev rhttp@
"
            ))
        };
        assert_eq!(builder().check().code, Some(0), "{target}");
        let exit = builder().run();
        assert_eq!(exit.code, Some(1), "{target}");
        let told = format!("for frontend f: protocol rev: {why}.");
        assert!(exit.stderr.contains(&told), "{target}: {}", exit.stderr);
    }
}
