//! Backends that balance nothing: `dispatch` and `option transparent`. What is expected here is what HAProxy 3.4.0 does.
mod common;

use common::{http_line, http_logged, tcp_line, tcp_logged};
use testkit::{Program, Server, Syslog, handlers};

const DISPATCH: &str = "global
  expose-deprecated-directives
frontend in
  bind {fe}
  default_backend back
backend back
  dispatch {elsewhere}
  cookie SRV insert dynamic
  dynamic-cookie-key k
  http-send-name-header x-name
  http-response set-header x-server [%s][%[srv_name]][%[srv_id]]
  server s1 {s1} cookie one
";

fn dispatching(log: &Syslog, elsewhere: &Server, s1: &Server) -> Program {
    http_logged(log)
        .config(DISPATCH)
        .server("elsewhere", elsewhere)
        .server("s1", s1)
        .start()
}

#[test]
fn dispatch_takes_what_is_meant_for_no_server() {
    let log = Syslog::udp();
    let elsewhere = Server::start(handlers::says("elsewhere"));
    let s1 = Server::start(handlers::says("one"));
    let program = dispatching(&log, &elsewhere, &s1);
    let answer = program.connect("fe").get("/");
    assert_eq!(answer.text(), "elsewhere");
    assert_eq!(answer.header("x-server"), Some("[<NOSRV>][][]"));
    assert_eq!(answer.header("set-cookie"), None);
    assert!(!elsewhere.text(0).contains("x-name"));
    let line = http_line(&log);
    assert_eq!(
        (line.base.server.as_str(), line.outcome().as_str()),
        ("<NOSRV>", "--NN 200")
    );
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: SRV=one\r\n\r\n");
    let answer = client.response();
    assert_eq!(answer.text(), "one");
    assert_eq!(answer.header("x-server"), Some("[s1][s1][1]"));
    assert!(s1.text(0).contains("x-name: s1"));
}

#[test]
fn dispatch_gets_a_connection_for_each_request() {
    let log = Syslog::udp();
    let elsewhere = Server::start(handlers::says("elsewhere"));
    let s1 = Server::start(handlers::close());
    let program = dispatching(&log, &elsewhere, &s1);
    let mut client = program.connect("fe");
    assert_eq!(client.get("/1").text(), "elsewhere");
    assert_eq!(client.get("/2").text(), "elsewhere");
    assert_eq!((elsewhere.connections(), s1.connections()), (2, 0));
}

#[test]
fn tcp_is_dispatched_too() {
    let log = Syslog::udp();
    let elsewhere = Server::start(handlers::echo());
    let program = tcp_logged(&log)
        .config(
            "listen in
  bind {fe}
  dispatch {elsewhere}
",
        )
        .server("elsewhere", &elsewhere)
        .start();
    let mut client = program.connect("fe");
    assert_eq!(client.send("hello").read_exact(5), b"hello");
    client.shutdown_write().expect_eof();
    assert_eq!(tcp_line(&log).server, "<NOSRV>");
}

#[test]
fn transparent_goes_where_the_client_wanted_to() {
    let log = Syslog::udp();
    let wanted = Server::start(handlers::says("wanted"));
    let other = Server::start(handlers::says("other"));
    let program = http_logged(&log)
        .config(
            "frontend in
  bind {fe} accept-proxy
  http-request set-dst-port int({other_port}) if { path /other }
  default_backend back
backend back
  option transparent
",
        )
        .set("other_port", other.port())
        .start();
    let mut client = program.connect("fe");
    let header = format!("PROXY TCP4 10.0.0.1 127.0.0.1 1 {}\r\n", wanted.port());
    client.send(&header);
    assert_eq!(client.get("/").text(), "wanted");
    assert_eq!(client.get("/other").text(), "other");
    assert_eq!(client.get("/").text(), "wanted");
    assert_eq!(http_line(&log).base.server, "<NOSRV>");
}
