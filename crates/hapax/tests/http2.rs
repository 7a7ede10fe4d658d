//! HTTP/2 from clients and to servers.
mod common;

use std::io;
use std::time::Duration;

use common::{FRONT_AND_BACK, http, http_line, http_logged};
use testkit::h2::{Peer, kind};
use testkit::{Client, Program, Server, Syslog, handlers};

const TO_HTTP2: &str = "frontend in
  bind {fe}
  default_backend back
backend back
  server s1 {s1} proto h2
";

const POST: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "a.example"),
];

fn start(server: &Server) -> Program {
    http().config(FRONT_AND_BACK).server("s1", server).start()
}

/// Has a conversation with the frontend as a client of HTTP/2.
#[track_caller]
fn talk<T>(client: &mut Client, script: impl FnOnce(&mut Peer<'_>) -> io::Result<T>) -> T {
    let outcome = Peer::client(client.conn()).and_then(|mut peer| script(&mut peer));
    outcome.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_connection_that_begins_with_the_preface_is_one_of_http2() {
    let server = Server::start(handlers::says("ok"));
    let program = start(&server);
    let mut client = program.connect("fe");
    talk(&mut client, |peer| {
        for stream in [1, 3, 5] {
            peer.get(stream, "/x?y")?;
            let answer = peer.finish(stream)?;
            assert_eq!((answer.status(), answer.text()), (Some(200), "ok".into()));
            assert_eq!(answer.field("connection"), None);
        }
        Ok(())
    });
    assert!(
        server
            .text(0)
            .starts_with("GET /x?y HTTP/1.1\r\nhost: a.example\r\n\r\n")
    );
}

#[test]
fn proto_h1_and_disable_h2_upgrade_keep_to_http1() {
    let server = Server::start(handlers::says("ok"));
    let configs = [
        FRONT_AND_BACK.replace("bind {fe}", "bind {fe} proto h1"),
        FRONT_AND_BACK.replace("bind {fe}", "bind {fe}\n  option disable-h2-upgrade"),
    ];
    for config in configs {
        let program = http().config(&config).server("s1", &server).start();
        let mut client = program.connect("fe");
        let answer = client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").response();
        assert_eq!(answer.start, "HTTP/1.1 405 Method Not Allowed");
    }
}

#[test]
fn requests_side_by_side_are_answered_as_their_servers_answer() {
    let server = Server::start(|conn, _| {
        while let Some(request) = conn.read_request()? {
            if request.start.contains("/slow") {
                std::thread::sleep(Duration::from_millis(300));
            }
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        }
        Ok(())
    });
    let program = start(&server);
    let mut client = program.connect("fe");
    talk(&mut client, |peer| {
        peer.get(1, "/slow")?;
        peer.get(3, "/fast")?;
        peer.finish(3)?;
        assert!(!peer.until(1, |_| true).is_ok_and(|slow| slow.ended));
        assert_eq!(peer.finish(1)?.text(), "ok");
        Ok(())
    });
}

#[test]
fn fetches_tell_streams_apart() {
    let program = http()
        .config(
            "frontend in
  bind {fe}
  http-request return status 200 content-type text/plain lf-string \"%[fc_nb_streams] %[fc_settings_streams_limit] %[fs.id] %[fs.aborted] %[fs.rst_code] %[fc_glitches]\"",
        )
        .start();
    let mut client = program.connect("fe");
    talk(&mut client, |peer| {
        for stream in [1, 3] {
            peer.get(stream, "/")?;
            assert_eq!(peer.finish(stream)?.text(), format!("1 100 {stream} 0  0"));
        }
        Ok(())
    });
}

/// The settings that a client is told of first.
fn announced(global: &str) -> Vec<(u16, u32)> {
    let program = http()
        .config(&format!(
            "frontend in\n  bind {{fe}}\n  http-request return status 200\nglobal\n{global}"
        ))
        .start();
    let mut client = program.connect("fe");
    let mut announced = Vec::new();
    talk(&mut client, |peer| {
        peer.get(1, "/")?;
        peer.finish(1)?;
        let first = peer.frames.first().expect("a frame");
        assert_eq!(first.kind, kind::SETTINGS);
        announced = first
            .payload
            .chunks(6)
            .map(|pair| {
                let number = |range: std::ops::Range<usize>| {
                    pair[range]
                        .iter()
                        .fold(0, |n, &byte| n << 8 | u32::from(byte))
                };
                (number(0..2) as u16, number(2..6))
            })
            .collect();
        Ok(())
    });
    announced
}

#[test]
fn websockets_are_announced_unless_that_is_unwanted() {
    // As HAProxy 3.4 announces them.
    assert_eq!(announced(""), [(8, 1), (4, 16_384), (3, 100)]);
    assert_eq!(
        announced("  h2-workaround-bogus-websocket-clients\n"),
        [(4, 16_384), (3, 100)]
    );
}

#[test]
fn bodies_and_trailers_go_both_ways() {
    let server = Server::start(|conn, _| {
        let request = conn.read_request()?.expect("a request");
        let chunk = request.body.len();
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: t\r\n\r\n";
        conn.send(head)?;
        conn.send(format!("{chunk:x}\r\n"))?;
        conn.send(&request.body)?;
        conn.send("\r\n0\r\nt: v\r\n\r\n")
    });
    let program = start(&server);
    let mut client = program.connect("fe");
    let body = vec![b'x'; 200_000];
    talk(&mut client, |peer| {
        peer.headers(1, &POST, false)?;
        peer.wait_for(kind::WINDOW_UPDATE, 1)?;
        for part in body.chunks(16_384) {
            peer.data(1, part, false)?;
        }
        peer.headers(1, &[("req-trailer", "1")], true)?;
        // A client whose window is that of the standard has to make room for the rest.
        peer.until(1, |received| received.body.len() >= 65_535)?;
        peer.send(kind::WINDOW_UPDATE, 0, 0, &1_000_000_u32.to_be_bytes())?;
        peer.send(kind::WINDOW_UPDATE, 0, 1, &1_000_000_u32.to_be_bytes())?;
        let answer = peer.finish(1)?;
        assert_eq!(answer.body.len(), body.len());
        assert_eq!(answer.field("t"), Some("v"));
        assert_eq!(
            answer.sections[0]
                .iter()
                .find(|(name, _)| name == "transfer-encoding"),
            None
        );
        Ok(())
    });
    let heard = server.text(0);
    assert!(
        heard.contains("\r\ntransfer-encoding: chunked\r\n\r\n"),
        "{}",
        &heard[..200]
    );
    assert!(heard.ends_with("0\r\nreq-trailer: 1\r\n\r\n"));
}

#[test]
fn malformed_requests_reset_their_stream_only() {
    let server = Server::start(handlers::says("ok"));
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    talk(&mut client, |peer| {
        let mut upper = POST.to_vec();
        upper.push(("Upper", "x"));
        peer.headers(1, &upper, true)?;
        assert_eq!(peer.finish(1)?.reset, Some(1));
        let mut short = POST.to_vec();
        short.push(("content-length", "2"));
        peer.headers(3, &short, false)?;
        peer.data(3, b"too much", true)?;
        assert_eq!(peer.finish(3)?.reset, Some(1));
        peer.headers(
            5,
            &[(":method", "G?T"), (":scheme", "http"), (":path", "/")],
            true,
        )?;
        assert_eq!(peer.finish(5)?.status(), Some(400));
        peer.get(7, "/")?;
        assert_eq!(peer.finish(7)?.status(), Some(200));
        Ok(())
    });
    let line = http_line(&log);
    assert_eq!((line.status, line.base.state.as_str()), (0, "PR--"));
}

#[test]
fn a_broken_frame_ends_the_connection_with_its_code() {
    let server = Server::start(handlers::says("ok"));
    let program = start(&server);
    let mut client = program.connect("fe");
    let frame = talk(&mut client, |peer| {
        peer.data(1, b"for nothing", false)?;
        peer.wait_for(kind::GOAWAY, 0)
    });
    assert_eq!(frame.payload[4..8], [0, 0, 0, 1]);
    client.expect_eof();
}

#[test]
fn an_idle_connection_is_told_to_go_and_given_time() {
    let program = http()
        .config("frontend in\n  bind {fe}\n  timeout http-keep-alive 200ms\n  timeout client-fin 300ms\n  http-request return status 200\n")
        .start();
    let mut client = program.connect("fe");
    let go_aways = talk(&mut client, |peer| {
        peer.get(1, "/")?;
        peer.finish(1)?;
        let mut seen = Vec::new();
        while let Ok(frame) = peer.read_frame() {
            seen.push((frame.kind, frame.payload));
        }
        Ok(seen)
    });
    // One when nothing comes, and another one when the client has not left by then.
    let expected = (kind::GOAWAY, vec![0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(go_aways, [expected.clone(), expected]);
}

#[test]
fn a_client_that_resets_its_stream_is_noticed() {
    let server = Server::start(|conn, _| {
        conn.read_request()?;
        conn.read_to_end().map(drop)
    });
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    talk(&mut client, |peer| {
        peer.get(1, "/")?;
        std::thread::sleep(Duration::from_millis(150));
        peer.send(kind::RST_STREAM, 0, 1, &8_u32.to_be_bytes())
    });
    let line = http_line(&log);
    assert!(line.base.state.starts_with('C'), "{}", line.base.state);
}

#[test]
fn websockets_come_over_an_extended_connect() {
    let server = Server::start(|conn, _| {
        let request = conn.read_head()?.expect("a request");
        assert_eq!(request.header("upgrade"), Some("websocket"));
        let key = request.header("sec-websocket-key").unwrap_or_default();
        let accept = wire_accept(key);
        conn.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        ))?;
        let heard = conn.read_exact(4)?;
        conn.send(&heard)?;
        conn.read_to_end().map(drop)
    });
    let program = start(&server);
    let mut client = program.connect("fe");
    talk(&mut client, |peer| {
        let fields = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", "/chat"),
            (":authority", "a.example"),
        ];
        peer.headers(1, &fields, false)?;
        let opened = peer.until(1, |received| !received.sections.is_empty())?;
        assert_eq!(opened.status(), Some(200));
        peer.data(1, b"ping", false)?;
        assert_eq!(
            peer.until(1, |received| received.body.len() == 4)?.text(),
            "ping"
        );
        peer.data(1, b"", true)?;
        assert!(peer.finish(1)?.ended);
        Ok(())
    });
}

fn wire_accept(key: &str) -> String {
    assert_eq!(key.len(), 24, "a key of 16 bytes");
    testkit::h2::websocket_accept(key.as_bytes())
}

/// A server of HTTP/2 that answers each request with its path.
fn http2_server() -> Server {
    Server::start(|conn, _| {
        let mut peer = Peer::server(conn, &[])?;
        for stream in (1..).step_by(2) {
            let request = peer.finish(stream)?;
            let path = request.sections[0].iter().find(|(name, _)| name == ":path");
            let path = path.map(|(_, path)| path.clone()).unwrap_or_default();
            peer.headers(stream, &[(":status", "200"), ("x-path", &path)], false)?;
            peer.data(stream, &request.body, true)?;
        }
        Ok(())
    })
}

#[test]
fn a_server_is_spoken_to_in_http2() {
    let server = http2_server();
    let program = http().config(TO_HTTP2).server("s1", &server).start();
    let mut client = program.connect("fe");
    for n in 0..3 {
        let answer = client.get(&format!("/{n}"));
        assert_eq!(answer.start, "HTTP/1.1 200 OK");
        assert_eq!(answer.header("x-path"), Some(format!("/{n}").as_str()));
    }
    let post =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(client.send(post).response().text(), "abc");
    assert_eq!(server.connections(), 1, "streams share the connection");
}

#[test]
fn a_server_that_refuses_the_protocol_change_makes_a_502() {
    let server = http2_server();
    let program = http().config(TO_HTTP2).server("s1", &server).start();
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n";
    let answer = program.connect("fe").send(upgrade).response();
    assert_eq!(answer.start, "HTTP/1.1 502 Bad Gateway");
}

#[test]
fn ws_says_what_websockets_are_carried_by() {
    let server = Server::start(|conn, _| {
        let request = conn.read_head()?.expect("a request of HTTP/1");
        let key = request.header("sec-websocket-key").unwrap_or_default();
        let accept = wire_accept(key);
        conn.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        ))?;
        conn.read_to_end().map(drop)
    });
    let config = TO_HTTP2.replace("proto h2", "proto h2 ws h1");
    let program = http().config(&config).server("s1", &server).start();
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let answer = program.connect("fe").send(upgrade).response();
    assert_eq!(answer.start, "HTTP/1.1 101 Switching Protocols");
}

#[test]
fn a_reset_by_the_server_makes_a_502() {
    let server = Server::start(|conn, _| {
        let mut peer = Peer::server(conn, &[])?;
        peer.finish(1)?;
        peer.send(kind::RST_STREAM, 0, 1, &2_u32.to_be_bytes())?;
        peer.conn().read_to_end().map(drop)
    });
    let program = http().config(TO_HTTP2).server("s1", &server).start();
    assert_eq!(
        program.connect("fe").get("/").start,
        "HTTP/1.1 502 Bad Gateway"
    );
}

#[test]
fn http2_to_http2_keeps_the_authority() {
    let server = Server::start(|conn, _| {
        let mut peer = Peer::server(conn, &[])?;
        let request = peer.finish(1)?;
        assert_eq!(request.field(":authority"), Some("a.example"));
        assert_eq!(request.field(":scheme"), Some("http"));
        assert_eq!(request.field("host"), None);
        peer.headers(1, &[(":status", "204")], true)?;
        peer.conn().read_to_end().map(drop)
    });
    let program = http().config(TO_HTTP2).server("s1", &server).start();
    let mut client = program.connect("fe");
    let answer = talk(&mut client, |peer| {
        peer.get(1, "/")?;
        peer.finish(1)
    });
    assert_eq!(answer.status(), Some(204));
}

#[test]
fn a_target_that_is_set_as_a_whole_is_sent_as_it_stands() {
    let server = Server::start(handlers::says("ok"));
    let config = FRONT_AND_BACK.replace(
        "bind {fe}",
        "bind {fe}\n  http-request set-uri http://b.example/y?z",
    );
    let program = http().config(&config).server("s1", &server).start();
    for (authority, host) in [("a.example", "\r\nhost: b.example"), ("", "")] {
        let mut fields = vec![(":method", "GET"), (":scheme", "http"), (":path", "/x")];
        fields.extend((!authority.is_empty()).then_some((":authority", authority)));
        let mut client = program.connect("fe");
        talk(&mut client, |peer| {
            peer.headers(1, &fields, true)?;
            assert_eq!(peer.finish(1)?.status(), Some(200));
            Ok(())
        });
        let heard = server.all_received().concat();
        let heard = String::from_utf8_lossy(&heard);
        let last = heard.rsplit_once("GET ").map(|(_, last)| last.to_owned());
        let expected = format!("http://b.example/y?z HTTP/1.1{host}\r\n\r\n");
        assert_eq!(last, Some(expected));
    }
}

#[test]
fn a_tunnel_has_no_length() {
    let server = Server::start(|conn, _| {
        conn.read_head()?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nok")
    });
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("CONNECT a.example:1 HTTP/1.1\r\nHost: a.example:1\r\n\r\n");
    let answer = client.read_to_end();
    assert_eq!(answer, b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nok");
    drop(client);
    assert_eq!(http_line(&log).base.bytes, 38);
}

#[test]
fn first_requests_of_clients_share_connections_to_servers() {
    let server = Server::start(handlers::says("ok"));
    let program = start(&server);
    for _ in 0..3 {
        let mut client = program.connect("fe");
        talk(&mut client, |peer| {
            peer.get(1, "/")?;
            peer.finish(1)
        });
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn connections_streams_and_frames_are_counted() {
    let server = Server::start(handlers::says("ok"));
    let config = format!("global\n  stats socket {{tmp}}/admin.sock level admin\n{FRONT_AND_BACK}");
    let program = http().config(&config).server("s1", &server).start();
    let mut client = program.connect("fe");
    talk(&mut client, |peer| {
        peer.send(kind::SETTINGS, 0, 0, &[])?;
        peer.headers(1, &POST, false)?;
        peer.data(1, b"a", false)?;
        peer.data(1, b"b", true)?;
        peer.finish(1)?;
        let mut upper = POST.to_vec();
        upper.push(("Upper", "x"));
        peer.headers(3, &upper, true)?;
        peer.finish(3)?;
        peer.data(0, b"x", false)?;
        peer.wait_for(kind::GOAWAY, 0)
    });
    client.read_to_end();
    let stat = |name: &str| {
        let mut socket = std::os::unix::net::UnixStream::connect(program.path("admin.sock"))?;
        std::io::Write::write_all(&mut socket, b"show stat in 1 -1 typed\n")?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut socket, &mut text)?;
        let line = text
            .lines()
            .find(|line| line.contains(&format!(".{name}.")));
        let value = line.and_then(|line| line.rsplit(':').next()?.parse::<u64>().ok());
        io::Result::Ok(value)
    };
    // The acknowledgement of the program's own settings may or may not have been read before the end.
    let settings = stat("h2_settings_rcvd").expect("an answer");
    assert!(matches!(settings, Some(3 | 4)), "{settings:?}");
    for (name, expected) in [
        ("h2_headers_rcvd", 2),
        ("h2_data_rcvd", 2),
        ("h2_detected_conn_protocol_errors", 1),
        ("h2_goaway_resp", 1),
        ("h2_detected_strm_protocol_errors", 1),
        ("h2_rst_stream_resp", 1),
        ("h2_open_connections", 0),
        ("h2_backend_open_streams", 0),
        ("h2_total_connections", 1),
        ("h2_backend_total_streams", 1),
        ("h1_total_connections", 1),
        ("h1_total_streams", 0),
        ("h1sess", 1),
        ("h2sess", 1),
        ("h2req", 1),
        ("h1req", 0),
    ] {
        // What the connection leaves behind is counted once its tasks are over.
        let is_counted = || stat(name).is_ok_and(|n| n == Some(expected));
        assert!(
            testkit::eventually(Duration::from_secs(10), is_counted),
            "{name}: {:?}, not {expected}",
            stat(name)
        );
    }
}
