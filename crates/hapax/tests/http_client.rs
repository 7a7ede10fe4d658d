//! The process' own HTTP client, by the command `httpclient`. What is shown, and the lines of the log but for their times, are
//! those of HAProxy 3.4.
mod common;

use common::{api::ask, certificates::recorded, program};
use testkit::{Builder, NameServer, Program, Reply, Server, Syslog};

const SOCKET: &str = "global
  nbthread 1
  stats socket {tmp}/admin.sock level admin
";

/// What the client gets of the program: everything after the empty answer to `expert-mode on`.
fn get(program: &Program, arguments: &str) -> String {
    let line = format!("expert-mode on; httpclient {arguments}");
    let text = ask(program, &line);
    text.strip_prefix('\n').expect("an empty line").to_owned()
}

/// A server that answers by the path.
fn answering() -> Server {
    Server::start(|conn, _| {
        while let Some(request) = conn.read_request()? {
            let answer: &[u8] = match request.target() {
                "/chunks" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nFoo: Bar\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Tr: 1\r\n\r\n",
                "/close" => b"HTTP/1.1 200 OK\r\nFoo: Bar\r\n\r\nuntil close",
                "/short" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
                "/interim" => b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                "/empty" => b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
                "/bytes" => b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
                "/junk" => b"garbage\r\n\r\n",
                "/none" => b"",
                _ => b"HTTP/1.0 200 Fine\r\nServer: x\r\nContent-Length: 5\r\nX: Y\r\n\r\nhello",
            };
            conn.send(answer)?;
            if !matches!(request.target(), "/" | "/x?y") {
                return Ok(());
            }
        }
        Ok(())
    })
}

const INVALID: &str = "HTTP/1.1 502 Bad Gateway\ncontent-length: 107\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n\r\n<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>\n\n";
const UNREACHABLE: &str = "HTTP/1.1 503 Service Unavailable\ncontent-length: 107\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n\r\n<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n\n";
const UNRESOLVED: &str = "HTTP/1.1 503 Service Unavailable\ncontent-length: 0\r\n\r\n\n";

/// A line of the log without its date and its times.
fn timeless(line: &str) -> String {
    let (_, rest) = line.split_once("] <").expect("a date");
    let words: Vec<&str> = rest.split(' ').collect();
    let times = words[2].rsplit_once('/').expect("times").0;
    let signs: Vec<&str> = times
        .split('/')
        .map(|time| if time == "-1" { "-1" } else { "T" })
        .collect();
    format!(
        "<{} {} {} {}",
        words[0],
        words[1],
        signs.join("/"),
        words[3..].join(" ")
    )
}

#[test]
fn responses_are_shown_and_logged() {
    let log = Syslog::udp();
    let server = answering();
    let program = program()
        .log(&log)
        .server("server", &server)
        .config(SOCKET)
        .config("global\n  log {log} local0\n")
        .start();
    let base = format!("http://{}", server.address());
    for (arguments, shown, logged) in [
        (
            "GET /",
            "HTTP/1.0 200 Fine\nserver: x\r\ncontent-length: 5\r\nx: Y\r\n\r\nhello\n",
            "T/T/T/T 200 65 - - ---- 0/0/0/0/0",
        ),
        (
            "HEAD /",
            "HTTP/1.0 200 Fine\nserver: x\r\ncontent-length: 5\r\nx: Y\r\n\r\n\n",
            "T/T/T/T 200 60 - - ---- 0/0/0/0/0",
        ),
        (
            "GET /chunks",
            "HTTP/1.1 200 OK\ntransfer-encoding: chunked\r\nfoo: Bar\r\n\r\nhello world\n",
            "T/T/T/T 200 81 - - ---- 0/0/0/0/0",
        ),
        (
            "GET /close",
            "HTTP/1.1 200 OK\nfoo: Bar\r\n\r\nuntil close\n",
            "T/T/T/T 200 51 - - ---- 0/0/0/0/0",
        ),
        (
            "GET /short",
            "HTTP/1.1 200 OK\ncontent-length: 100\r\n\r\nabc\n",
            "T/T/T/T 200 54 - - SD-- 0/0/0/0/0",
        ),
        (
            "GET /interim",
            "HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok\n",
            "T/T/T/T 200 91 - - ---- 0/0/0/0/0",
        ),
        (
            "GET /empty",
            "HTTP/1.1 204 No Content\na: b\r\n\r\n\n",
            "T/T/T/T 204 44 - - ---- 0/0/0/0/0",
        ),
        (
            "GET /bytes",
            "HTTP/1.1 404 Not Found\ncontent-length: 4\r\n\r\nnope\n",
            "T/T/T/T 404 60 - - ---- 0/0/0/0/0",
        ),
        ("GET /junk", INVALID, "T/T/T/-1 502 0 - - PH-- 0/0/0/0/0"),
        ("GET /none", INVALID, "T/T/T/-1 502 0 - - SH-- 0/0/0/0/3"),
    ] {
        log.clear();
        let (method, path) = arguments.split_once(' ').expect("two words");
        assert_eq!(
            get(&program, &format!("{method} {base}{path}")),
            shown,
            "{arguments}"
        );
        let line = log.expect("<HTTPCLIENT>");
        let request = format!("\"{method} {base}{path} HTTP/1.1\"");
        let expected = format!("<HTTPCLIENT> -/- {logged} 0/0 {{}} {request}");
        assert_eq!(timeless(&line), expected, "{arguments}");
    }
    assert!(server.text(0).starts_with(&format!(
        "GET / HTTP/1.1\r\nhost: {}\r\naccept: */*\r\nuser-agent: HAProxy\r\n",
        server.address()
    )));
}

#[test]
fn what_can_not_be_asked_for_is_refused() {
    let program = program().config(SOCKET).start();
    assert_eq!(
        get(&program, "GET"),
        "Can't start the HTTP client: not enough parameters.\n\n"
    );
    for arguments in [
        "GET foo",
        "GET http://",
        "foo http://127.0.0.1/",
        "CONNECT http://127.0.0.1/",
    ] {
        assert_eq!(
            get(&program, arguments),
            "Can't start the HTTP client.\n\n",
            "{arguments}"
        );
    }
}

#[test]
fn attempts_are_made_again_as_often_as_is_said() {
    let server = answering();
    let again = program()
        .config(SOCKET)
        .config("global\n  httpclient.retries 1\n")
        .start();
    assert_eq!(
        get(&again, &format!("GET http://{}/none", server.address())),
        INVALID
    );
    assert_eq!(server.connections(), 2);
    // Nobody knows what became of a request that may only be made once.
    assert_eq!(
        get(&again, &format!("POST http://{}/none", server.address())),
        INVALID
    );
    assert_eq!(server.connections(), 3);
    let closed = testkit::free_port().expect("a port");
    assert_eq!(
        get(&again, &format!("GET http://127.0.0.1:{}/", closed.port)),
        UNREACHABLE
    );
}

#[test]
fn names_are_asked_for_at_name_servers() {
    let (server, ns) = (answering(), NameServer::start());
    ns.set("one.test", Reply::ips(&["127.0.0.1", "2001:db8::1"]));
    let program = program()
        .set("ns", ns.address())
        .config(SOCKET)
        .config("global\n  httpclient.resolvers.id mine\n  httpclient.resolvers.prefer ipv4\nresolvers mine\n  nameserver ns {ns}\n  resolve_retries 1\n  timeout retry 10s\n")
        .start();
    let port = server.port();
    let shown = get(&program, &format!("GET http://one.test:{port}/x?y"));
    assert!(shown.ends_with("hello\n"), "{shown}");
    server.wait_received(
        0,
        &format!("GET /x?y HTTP/1.1\r\nhost: one.test:{port}\r\n"),
    );
    assert_eq!(
        get(&program, &format!("GET http://two.test:{port}/")),
        UNRESOLVED
    );
}

/// A program that speaks TLS on one side and asks itself on the other.
fn with_tls(ns: &NameServer, settings: &str) -> Builder {
    program()
        .set("ns", ns.address())
        .file("one.pem", recorded("one.pem"))
        .file("root.crt", recorded("root.crt"))
        .file("other.crt", recorded("other.crt"))
        .config(SOCKET)
        .config("global\n  httpclient.retries 0\n  httpclient.resolvers.prefer ipv4\n")
        .config(&format!("global\n  {settings}\n"))
        .config("resolvers default\n  nameserver ns {ns}\n  resolve_retries 1\n  timeout retry 10s\nfrontend tls\n  mode http\n  timeout client 20s\n  bind {tls} ssl crt {tmp}/one.pem\n  http-request return status 200 content-type text/plain lf-string \"%[ssl_fc_sni]\"\n")
}

#[test]
fn servers_are_judged_by_their_certificates() {
    let ns = NameServer::start();
    for name in ["a.example", "elsewhere.example"] {
        ns.set(name, Reply::ips(&["127.0.0.1"]));
    }
    let ask = |settings: &str, host: &str| {
        let program = with_tls(&ns, settings).start();
        let port = program.port("tls");
        get(&program, &format!("GET https://{host}:{port}/"))
    };
    let known = "httpclient.ssl.ca-file {tmp}/root.crt";
    assert!(ask(known, "a.example").ends_with("\r\n\r\na.example\n"));
    // The certificate is for another name, and for no address.
    assert_eq!(ask(known, "elsewhere.example"), UNREACHABLE);
    assert_eq!(ask(known, "127.0.0.1"), UNREACHABLE);
    assert_eq!(
        ask("httpclient.ssl.ca-file {tmp}/other.crt", "a.example"),
        UNREACHABLE
    );
    // Nor do those that the system trusts know it.
    assert_eq!(ask("httpclient.retries 0", "a.example"), UNREACHABLE);
    let unknown = ask("httpclient.ssl.verify none", "elsewhere.example");
    assert!(
        unknown.ends_with("\r\n\r\nelsewhere.example\n"),
        "{unknown}"
    );
}
