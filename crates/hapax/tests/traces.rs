//! Traces: what is set by commands, sections and arguments, and what is reported where.
mod common;

use common::api::{PATIENCE, SOCKETS, ask, ask_on, ask_until};
use common::http;
use testkit::h2::Peer;
use testkit::{Client, Program, Server, eventually, handlers};

const PROXIES: &str = "frontend web
  bind {web}
  http-request return status 200 if { path /own }
  default_backend app
backend app
  server s1 {s1}
listen raw
  mode tcp
  bind {raw}
  server s1 {s1}
";

fn started(more: &str, server: &Server) -> Program {
    http()
        .config(SOCKETS)
        .config(more)
        .config(PROXIES)
        .server("s1", server)
        .start()
}

/// The lines of the event buffer with all of these words, without their times.
fn events(program: &Program, words: &[&str]) -> Vec<String> {
    let all = ask(program, "show events buf0");
    let lines = all
        .lines()
        .filter(|line| words.iter().all(|word| line.contains(word)));
    let text = |line: &str| {
        line.split_once(' ')
            .map_or(String::new(), |(_, text)| text.into())
    };
    lines.map(text).collect()
}

fn wait_for(program: &Program, words: &[&str]) -> String {
    let all = ask_until(program, "show events buf0", |all| {
        all.lines()
            .any(|line| words.iter().all(|word| line.contains(word)))
    });
    let mut lines = all.lines();
    let found = lines.find(|line| words.iter().all(|word| line.contains(word)));
    found.unwrap_or_default().to_owned()
}

#[test]
fn nothing_is_traced_until_it_is_asked_for_and_then_a_request_is_told_of() {
    let server = Server::start(handlers::says("x"));
    let program = started("", &server);
    Client::connect(program.address("web")).get("/before");
    assert_eq!(events(&program, &["|h1|"]), Vec::<String>::new());
    let told = ask(
        &program,
        "trace h1 sink buf0 verbosity advanced start now; trace stream sink buf0 verbosity simple start now",
    );
    assert_eq!(told, "\n\n");
    let list = ask(&program, "show trace");
    assert!(
        list.contains("\n [R] h1         -> buf0 [drp 0]  [HTTP/1 multiplexer]\n"),
        "{list}"
    );
    let mut client = Client::connect(program.address("web"));
    assert_eq!(client.get("/a?b").status(), 200);
    let end = wait_for(&program, &["|stream|1|strm_free]", "/a?b"]);
    assert!(end.contains(" [F] src=127.0.0.1:"), "{end}");
    assert!(end.contains(" fe=web be=app srv=s1 "), "{end}");
    assert!(
        end.contains(" status=200 \"GET /a?b HTTP/1.1\" \"HTTP/1.1 200 OK\""),
        "{end}"
    );
    for (event, what, side, line) in [
        (
            "rx_headers",
            "received request headers",
            "F",
            "GET /a?b HTTP/1.1",
        ),
        (
            "tx_headers",
            "sending request headers",
            "B",
            "GET /a?b HTTP/1.1",
        ),
        (
            "rx_headers",
            "received response headers",
            "B",
            "HTTP/1.1 200 OK",
        ),
        (
            "tx_headers",
            "sending response headers",
            "F",
            "HTTP/1.1 200 OK",
        ),
    ] {
        let found = events(&program, &[&format!("|h1|1|{event}] {what} : [{side}]")]);
        assert_eq!(found.len(), 1, "{event}: {found:?}");
        assert!(found[0].contains(line), "{found:?}");
    }
    let all = ask(&program, "show events buf0");
    assert!(all.contains("\n\thost: "), "{all}");
    assert_eq!(ask(&program, "trace 0"), "All traces now stopped\n\n");
    let before = ask(&program, "show events buf0").len();
    assert_eq!(client.get("/later").status(), 200);
    assert_eq!(ask(&program, "show events buf0").len(), before);
}

#[test]
fn levels_verbosities_and_events_choose() {
    let server = Server::start(handlers::says("x"));
    let program = started("", &server);
    ask(
        &program,
        "trace h1 sink buf0 event none event +tx_headers verbosity quiet start now",
    );
    Client::connect(program.address("web")).get("/own");
    let line = wait_for(&program, &["|h1|"]);
    assert!(
        line.ends_with("|h1|1|tx_headers] sending response headers"),
        "{line}"
    );
    assert_eq!(events(&program, &["rx_headers"]), Vec::<String>::new());
    ask(
        &program,
        "trace 0; trace pt sink buf0 level data verbosity complete start now",
    );
    assert_eq!(
        Client::connect(program.address("raw")).get("/raw").status(),
        200
    );
    wait_for(&program, &["|pt|4|pt_rx_data]", "[F]", "fe=raw"]);
    wait_for(&program, &["0000: 47 45 54 20 2f 72 61 77", "GET /raw"]);
    wait_for(&program, &["|pt|4|pt_tx_data]", "[B]", "srv=s1"]);
    ask(
        &program,
        "trace 0; trace h1 level error verbosity clean event any start now",
    );
    Client::connect(program.address("web"))
        .send("GET / x\r\n\r\n")
        .read_to_end();
    let line = wait_for(&program, &["|h1|0|h1s_err]"]);
    assert!(line.contains("] message refused: "), "{line}");
    // Nobody but a developer is told where in the code it was.
    assert!(!line.contains('@'), "{line}");
    ask(&program, "trace 0; trace h1 level developer start now");
    Client::connect(program.address("web")).get("/own");
    wait_for(&program, &["|h1|3|h1s_end]", " @stream/"]);
}

#[test]
fn a_lock_keeps_to_one_session_and_another_source_follows_it() {
    let server = Server::start(handlers::says("x"));
    let program = started("", &server);
    ask(
        &program,
        "trace session sink buf0 lock session start sess_new pause sess_end; \
         trace h1 sink buf0 verbosity simple follow session",
    );
    let mut first = Client::connect(program.address("web"));
    assert_eq!(first.get("/one").status(), 200);
    let mut second = Client::connect(program.address("web"));
    assert_eq!(second.get("/two").status(), 200);
    assert_eq!(first.get("/three").status(), 200);
    assert!(!events(&program, &["rx_headers", "/one"]).is_empty());
    assert!(!events(&program, &["rx_headers", "/three"]).is_empty());
    assert_eq!(events(&program, &["/two"]), Vec::<String>::new());
    assert_eq!(events(&program, &["|session|"]).len(), 1);
    drop(first);
    wait_for(&program, &["|session|1|sess_end]", "requests=2"]);
    let list = ask(&program, "show trace");
    assert!(list.contains(" [w] session "), "{list}");
    assert!(list.contains(" [.] h1 "), "{list}");
}

#[test]
fn http2_and_checks_are_told_of() {
    let server = Server::start(handlers::says("x"));
    let more = "backend checked\n  option httpchk\n  server c1 {s1} check inter 100\n";
    let program = started(more, &server);
    ask(
        &program,
        "trace h2 sink buf0 level data verbosity simple start now; \
         trace check sink buf0 level proto verbosity complete start now",
    );
    let mut client = Client::connect(program.address("web"));
    let mut h2 = Peer::client(client.conn()).expect("a connection");
    h2.get(1, "/own").expect("a request");
    assert_eq!(h2.finish(1).expect("a response").status(), Some(200));
    drop(client);
    wait_for(&program, &["|h2|3|h2c_new]", "fe=web"]);
    let line = wait_for(&program, &["|h2|1|rx_hdr]"]);
    assert!(line.contains("/own HTTP/2.0\""), "{line}");
    wait_for(&program, &["|h2|1|tx_hdr]", "\"HTTP/1.1 200 OK\""]);
    wait_for(&program, &["|h2|3|h2s_end]"]);
    wait_for(&program, &["|h2|3|h2c_end]"]);
    let line = wait_for(
        &program,
        &["|check|1|hchck_succ] check passed : be=checked srv=c1"],
    );
    assert!(
        line.contains(" kind=check result=L7OK code=200 duration="),
        "{line}"
    );
    for event in ["tcp_check_conn", "tcp_check_send", "tcp_check_expect"] {
        wait_for(&program, &[&format!("|check|2|{event}]")]);
    }
}

#[test]
fn sections_and_arguments_let_traces_run_from_the_start() {
    let server = Server::start(handlers::says("x"));
    let traces = "traces
  trace h1 sink kept level proto verbosity simple start now
ring kept
  description for traces
  format raw
  maxlen 2000
  size 65536
";
    let program = http()
        .config(SOCKETS)
        .config(traces)
        .config(PROXIES)
        .server("s1", &server)
        .arg("-dtsession:user")
        .start();
    Client::connect(program.address("web")).get("/own");
    let ring = ask_until(&program, "show events kept", |text| {
        text.contains("tx_headers")
    });
    assert!(
        ring.starts_with("[00|h1|1|rx_headers] received request headers : [F]"),
        "{ring}"
    );
    let list = ask(&program, "show trace");
    assert!(list.contains(" [R] session    -> stderr "), "{list}");
    let sinks = ask(&program, "trace h1 sink");
    assert!(sinks.contains("\n  * kept       : for traces\n"), "{sinks}");
    assert!(eventually(PATIENCE, || {
        program
            .stderr()
            .contains("[00|session|1|sess_end] end of session : [F]")
    }));
}

#[test]
fn what_is_not_known_is_refused() {
    let server = Server::start(handlers::says("x"));
    let program = started("", &server);
    for (command, answer) in [
        ("trace nope", "No such trace source 'nope'"),
        (
            "trace quic",
            "No such trace source 'quic': nothing here belongs to it",
        ),
        ("trace h1 event h1c_blk", "No such trace event 'h1c_blk'"),
        ("trace h1 sink nope", "No such trace sink 'nope'"),
        (
            "trace h1 lock check",
            "Unsupported lock-on criterion 'check'",
        ),
        ("show trace nope", "No such trace source"),
    ] {
        assert_eq!(ask(&program, command), format!("{answer}\n\n"), "{command}");
    }
    assert_eq!(
        ask_on(&program, "user.sock", "trace h1 start now\n"),
        "Permission denied\n\n"
    );
    let list = ask_on(&program, "user.sock", "show trace\n");
    assert!(
        list.starts_with("Supported trace sources and states"),
        "{list}"
    );
    let exit = http()
        .config("traces\n  trace h1 sink nope\nfrontend f\n  bind {f}\n")
        .check();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("sink 'nope' doesn't exist"),
        "{}",
        exit.stderr
    );
}

#[test]
fn handshakes_are_told_of_on_both_sides() {
    let server = Server::start(handlers::says("x"));
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a certificate");
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    let program = http()
        .config(SOCKETS)
        .file("a.pem", pem)
        .config("frontend plain\n  bind {plain}\n  default_backend inner\n")
        .config("backend inner\n  server t1 {secure} ssl verify none sni str(a.example)\n")
        .config("frontend secure\n  bind {secure} ssl crt {tmp}/a.pem\n")
        .config("  http-request return status 200\n")
        .config(PROXIES)
        .server("s1", &server)
        .start();
    ask(
        &program,
        "trace ssl sink buf0 level state verbosity complete start now; trace session sink buf0 level error start now",
    );
    let mut client = Client::connect(program.address("plain"));
    assert_eq!(client.get("/").status(), 200);
    let front = wait_for(
        &program,
        &["|ssl|1|sslc_hndshk] handshake with the client done"],
    );
    for word in [
        "fe=secure",
        " version=TLSv1.3",
        " alpn=none",
        " sni=a.example",
    ] {
        assert!(front.contains(word), "{front}");
    }
    let back = wait_for(
        &program,
        &["|ssl|1|sslc_hndshk] handshake with the server done"],
    );
    assert!(
        back.contains(" be=inner srv=t1 ") && back.contains(" version=TLSv1.3"),
        "{back}"
    );
    let mut stranger = Client::connect(program.address("secure"));
    stranger.send("this is no handshake\r\n\r\n").read_to_end();
    let refused = wait_for(
        &program,
        &["|ssl|0|sslc_err] handshake with the client failed"],
    );
    assert!(refused.contains(" error=\""), "{refused}");
    wait_for(&program, &["|session|0|sess_err] session refused: "]);
    drop(client);
    wait_for(&program, &["|ssl|3|sslc_end]"]);
}

#[test]
fn peers_are_told_of() {
    let ports: [testkit::PortGuard; 2] =
        std::array::from_fn(|_| testkit::free_port().expect("a port"));
    let start = |name: &str, traces: &str| {
        let members = format!(
            "peers p\n  peer a 127.0.0.1:{}\n  peer b 127.0.0.1:{}\n  table t type string size 1k store gpc0\n",
            ports[0].port, ports[1].port
        );
        http()
            .config(SOCKETS)
            .config(traces)
            .config(&members)
            .arg("-L")
            .arg(name)
            .start()
    };
    let first = start(
        "a",
        "traces\n  trace peers sink buf0 level state verbosity advanced start now\n",
    );
    let second = start("b", "");
    let line = wait_for(
        &first,
        &["|peers|1|sess_new] session established", "peer=b"],
    );
    assert!(line.contains(" peers=p peer=b session="), "{line}");
    ask_until(&first, "show peers", |text| text.contains("status=ESTA"));
    ask(&second, "set table p/t key k data.gpc0 5");
    wait_for(
        &first,
        &["|peers|2|rx_msg] message received", " message=update "],
    );
    wait_for(&first, &["|peers|2|tx_msg] messages sent"]);
    drop(second);
    wait_for(&first, &["|peers|1|sess_end] session ended", "peer=b"]);
}

#[test]
fn connections_that_end_too_early_are_errors() {
    let server = Server::start(handlers::close());
    let program = started("", &server);
    ask(
        &program,
        "trace h1 sink buf0 level error start now; trace pt sink buf0 level error start now",
    );
    assert_eq!(
        Client::connect(program.address("web")).get("/").status(),
        502
    );
    wait_for(
        &program,
        &["|h1|0|h1c_err] connection closed too early : [B]", "srv=s1"],
    );
    let mut client = Client::connect(program.address("web"));
    client.send("GET / HTTP/1.1\r\nHo");
    drop(client);
    wait_for(
        &program,
        &["|h1|0|h1c_err] connection closed too early : [F]", "fe=web"],
    );
}
