//! The kit's own parts spoken with each other, without a proxy between.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hapax_testkit::{Blackhole, Client, End, Refused, Server, Syslog, handlers};

fn connect(server: &Server) -> Client {
    Client::connect(SocketAddr::from(([127, 0, 0, 1], server.port())))
}

#[test]
fn a_conversation_is_read_by_its_framing() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n";
    let server = Server::start(handlers::by_path(&[
        ("/a", &handlers::ok("hi")),
        ("/b", chunked),
    ]));
    let mut client = connect(&server);
    assert_eq!(client.get("/a").text(), "hi");
    let second = client.get("/b");
    assert_eq!(
        (second.text().as_str(), second.chunks.as_slice()),
        ("abcde", [3, 2].as_slice())
    );
    assert_eq!(second.trailers, [("T".to_owned(), "v".to_owned())]);
    assert_eq!(client.get("/c").status(), 404);
    assert_eq!(server.connections(), 1);
    assert!(server.text(0).starts_with("GET /a HTTP/1.1\r\n"));
}

#[test]
fn ends_are_told_apart() {
    let eof = Server::start(handlers::once("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
    assert_eq!(connect(&eof).get("/").text(), "until the end");
    let reset = Server::start(handlers::reset_after("part"));
    let mut client = connect(&reset);
    client.send("GET / HTTP/1.1\r\n\r\n");
    client.expect_reset();
    let silent = Server::start(handlers::silent());
    let mut client = connect(&silent);
    client.expect_open(Duration::from_millis(20));
    assert_eq!(
        client
            .shutdown_write()
            .conn()
            .ending(Duration::from_secs(2)),
        End::Eof
    );
    let closing = Server::start(handlers::close());
    connect(&closing).expect_eof();
}

#[test]
fn a_refused_and_an_unanswered_connection() {
    let refused = TcpStream::connect(Refused::new().address).map(drop);
    assert_eq!(
        refused.map_err(|error| error.kind()),
        Err(ErrorKind::ConnectionRefused)
    );
    let hole = Blackhole::new();
    let unanswered =
        TcpStream::connect_timeout(&hole.address, Duration::from_millis(100)).map(drop);
    assert_eq!(
        unanswered.map_err(|error| error.kind()),
        Err(ErrorKind::TimedOut)
    );
}

#[test]
fn log_sinks_collect_lines() {
    let udp = Syslog::udp();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.send_to(b"<134>one\n", udp.target()).expect("sent");
    assert_eq!(udp.wait_lines(1), ["<134>one"]);
    let tcp = Syslog::tcp();
    let mut client = Client::connect(tcp.target().parse().expect("an address"));
    client.send("8 <1>lines\n<2>more\n");
    assert_eq!(tcp.expect("more"), "<2>more");
    assert_eq!(tcp.lines().first().map(String::as_str), Some("<1>lines"));
}
