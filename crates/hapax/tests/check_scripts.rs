//! Check scripts against scripted servers: what they send, and the results that HAProxy 3.4.0 tells of the same servers.
mod common;

use common::program;
use std::io;
use std::time::Duration;
use testkit::{Conn, Program, Server};

const WAIT: Duration = Duration::from_secs(30);

/// Short for checks that are to run into it, long for all others.
fn timeout(reason: &str) -> &'static str {
    if reason.contains(" timeout") {
        "300ms"
    } else {
        "20s"
    }
}

/// What a server does with each connection.
#[derive(Clone, Copy)]
enum Does {
    /// Sends this and waits for the end.
    Holds(&'static [u8]),
    /// Sends this and closes.
    Shuts(&'static [u8]),
    /// Reads up to the first text, sends the second one, and waits for the end.
    Answers(&'static [u8], &'static [u8]),
    /// The same, closing at once.
    AnswersAndShuts(&'static [u8], &'static [u8]),
}

impl Does {
    fn serve(self, conn: &mut Conn) -> io::Result<()> {
        match self {
            Self::Holds(text) | Self::Shuts(text) => conn.send(text)?,
            Self::Answers(mark, text) | Self::AnswersAndShuts(mark, text) => {
                conn.read_until(mark)?;
                conn.send(text)?;
            }
        }
        if matches!(self, Self::Holds(_) | Self::Answers(..)) {
            conn.read_to_end()?;
        }
        Ok(())
    }
}

/// A backend's lines (`|` between them), what its server does, and the reason of its first result.
type Case = (&'static str, Does, &'static str);

/// The reason of a backend's first result, without its duration.
fn reason(program: &Program, backend: usize) -> Option<String> {
    let stderr = program.stderr();
    let name = format!("check for server b{backend}/s ");
    let line = stderr.lines().find(|line| line.contains(&name))?;
    let (_, rest) = line.split_once("reason: ")?;
    let (reason, rest) = rest.split_once(", check duration: ")?;
    let (_, status) = rest.split_once(", ")?;
    Some(format!("{reason}, {status}"))
}

#[track_caller]
fn expect(cases: &[Case]) {
    let servers: Vec<Server> = cases
        .iter()
        .map(|(_, does, _)| {
            let does = *does;
            Server::start(move |conn, _| does.serve(conn))
        })
        .collect();
    let mut text = String::from(
        "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n  \
         option log-health-checks\nlisten l\n  bind {fe}\n",
    );
    for (at, (lines, _, wanted)) in cases.iter().enumerate() {
        text.push_str(&format!(
            "backend b{at}\n  timeout check {}\n",
            timeout(wanted)
        ));
        for line in lines.split('|') {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str(&format!(
            "  server s {{s{at}}} check inter 1s rise 1 fall 1\n"
        ));
    }
    let mut builder = program().config(&text);
    for (at, server) in servers.iter().enumerate() {
        builder = builder.server(&format!("s{at}"), server);
    }
    let program = builder.start();
    testkit::eventually(WAIT, || {
        (0..cases.len()).all(|at| reason(&program, at).is_some())
    });
    for (at, (lines, _, wanted)) in cases.iter().enumerate() {
        assert_eq!(reason(&program, at).as_deref(), Some(*wanted), "{lines}");
    }
}

const HELLO: &[u8] = b"hello world\r\n";

#[test]
fn tcp_checks() {
    use Does::{Holds, Shuts};
    expect(&[
        (
            "option tcp-check",
            Holds(b""),
            "Layer4 check passed, status: 1/1 UP.",
        ),
        (
            "option tcp-check|tcp-check connect",
            Holds(b""),
            "Layer4 check passed, info: \"(tcp-check)\", status: 1/1 UP.",
        ),
        (
            "option tcp-check|tcp-check send a",
            Holds(b""),
            "Layer7 check passed, code: 0, info: \"(tcp-check)\", status: 1/1 UP.",
        ),
        (
            "option tcp-check|tcp-check expect string hello",
            Holds(HELLO),
            "Layer7 check passed, code: 0, info: \"(tcp-check)\", status: 1/1 UP.",
        ),
        (
            "option tcp-check|tcp-check expect string nope",
            Holds(HELLO),
            "Layer7 timeout, info: \" at step 1 of tcp-check (expect string 'nope')\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect string nope",
            Shuts(HELLO),
            "Layer7 invalid response, info: \"TCPCHK did not match content 'nope' at step 1\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect string nope",
            Shuts(b""),
            "Layer7 invalid response, info: \"TCPCHK got an empty response at step 1\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect ! string hello",
            Holds(HELLO),
            "Layer7 invalid response, info: \"TCPCHK matched unwanted content 'hello' at step 1\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect ! rbinary ^6865",
            Shuts(HELLO),
            "Layer7 invalid response, info: \"TCPCHK matched unwanted content (binary regex) at step 1\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect binary 0102",
            Holds(HELLO),
            "Layer7 timeout, info: \" at step 1 of tcp-check (expect binary '0102')\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect string-lf %[str(nope)]",
            Shuts(HELLO),
            "Layer7 invalid response, info: \"TCPCHK did not match content (log-format string) at step 1\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check connect|tcp-check comment abc|tcp-check expect rstring nope",
            Holds(HELLO),
            "Layer7 timeout, info: \" at step 3 of tcp-check (expect regex) comment: 'abc'\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect string nope error-status L7STS on-error \"bad %[res.payload(0,3),length]\" status-code int(77)",
            Shuts(HELLO),
            "Layer7 wrong status, code: 77, info: \"bad 3\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect string hello ok-status L6OK on-success \"good %[res.payload(0,0)]\"",
            Shuts(HELLO),
            "Layer6 check passed, info: \"good hello world<0D><0A>\", status: 1/1 UP.",
        ),
        (
            "option tcp-check|tcp-check expect string hello ok-status L7OKC status-code int(78)",
            Shuts(HELLO),
            "Layer7 check conditionally passed, code: 78, info: \"(tcp-check)\", status: 1/1 UP.",
        ),
        (
            "option tcp-check|tcp-check expect string nope tout-status L4TOUT comment cc",
            Holds(b""),
            "Layer4 timeout, info: \" at step 1 of tcp-check (expect string 'nope') comment: 'cc'\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect min-recv 0 rstring nope",
            Holds(HELLO),
            "Layer7 invalid response, info: \"TCPCHK did not match content (regex) at step 1\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect min-recv 50 string hello",
            Holds(HELLO),
            "Layer7 timeout, info: \" at step 1 of tcp-check (expect string 'hello')\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check expect string nope comment cm",
            Shuts(HELLO),
            "Layer7 invalid response, info: \"TCPCHK did not match content 'nope' at step 1 comment: cm\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check connect port 1 comment c",
            Holds(b""),
            "Layer4 connection problem, info: \"ECONNREFUSED returned by OS (Connection refused) at step 1 of tcp-check (connect port 1) comment: 'c'\", status: 0/1 DOWN.",
        ),
        (
            "option tcp-check|tcp-check connect|tcp-check expect string hello|tcp-check connect|tcp-check expect string world",
            Holds(HELLO),
            "Layer7 check passed, code: 0, info: \"(tcp-check)\", status: 1/1 UP.",
        ),
    ]);
}

const END: &[u8] = b"\r\n\r\n";
const OK: Does = Does::Answers(
    END,
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-List: a, b\r\n\r\nhello body",
);
const NO_REASON: Does = Does::Answers(END, b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
const NOT_FOUND: Does = Does::Answers(END, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");

#[test]
fn http_checks() {
    use Does::{Answers, AnswersAndShuts};
    expect(&[
        ("option httpchk", OK, "Layer7 check passed, code: 200, status: 1/1 UP."),
        ("option httpchk|http-check expect status 201,300-310", OK, "Layer7 wrong status, code: 200, info: \"OK\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect ! rstatus ^2 comment cm", NO_REASON, "Layer7 wrong status, code: 200, info: \"TCPCHK did not match content (regex) at step 1 comment: cm\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect hdr name x-list value b", OK, "Layer7 check passed, code: 200, status: 1/1 UP."),
        ("option httpchk|http-check expect fhdr name x-list value b", OK, "Layer7 wrong status, code: 200, info: \"OK\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect hdr name -m beg content value -m sub 0", OK, "Layer7 check passed, code: 200, status: 1/1 UP."),
        ("option httpchk|http-check expect hdr name x", NO_REASON, "Layer7 wrong status, code: 200, info: \"TCPCHK did not match content (header pattern) at step 1\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect string hello", OK, "Layer7 check passed, code: 200, status: 1/1 UP."),
        ("option httpchk|http-check expect rstring ^nope comment cm", OK, "Layer7 invalid response, info: \"HTTP content check did not match comment: cm\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect ! string hello", OK, "Layer7 invalid response, info: \"HTTP check matched unwanted content\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect string hello", NO_REASON, "Layer7 invalid response, info: \"HTTP content check could not find a response body\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect string hello", Answers(END, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), "Layer7 check passed, code: 200, status: 1/1 UP."),
        ("option httpchk|http-check expect string hello tout-status L6TOUT", Answers(END, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), "Layer6 timeout, status: 0/1 DOWN."),
        ("option httpchk|http-check expect status 404 on-error \"no %[status]\"", OK, "Layer7 wrong status, code: 200, info: \"no 200\", status: 0/1 DOWN."),
        ("option httpchk|http-check expect status 200 status-code int(99) on-success \"yes %[res.ver]\"", OK, "Layer7 check passed, code: 99, info: \"yes 1.1\", status: 1/1 UP."),
        ("option httpchk", NOT_FOUND, "Layer7 wrong status, code: 404, info: \"Not Found\", status: 0/1 DOWN."),
        ("option httpchk|http-check disable-on-404|http-check expect ! status 404", NOT_FOUND, "Layer7 check conditionally passed, code: 404, status: 1/1 UP."),
        ("option httpchk", AnswersAndShuts(END, b""), "Socket error, status: 0/1 DOWN."),
        ("option httpchk", Answers(END, b"garbage\r\n\r\n"), "Socket error, status: 0/1 DOWN."),
    ]);
}

const GREETING: &[u8] = b"\x08\0\0\0\x0a8.0.19\0";

#[test]
fn checks_of_other_protocols() {
    use Does::{Answers, AnswersAndShuts, Holds, Shuts};
    expect(&[
        (
            "option mysql-check",
            Holds(GREETING),
            "Layer7 check passed, code: 0, info: \"8.0.19\", status: 1/1 UP.",
        ),
        (
            "option mysql-check user user",
            Shuts(GREETING),
            "Layer7 invalid response, status: 0/1 DOWN.",
        ),
        (
            "option mysql-check",
            Shuts(b"\x13\0\0\0\xff\x6a\x04Host is blocked"),
            "Layer7 invalid response, status: 0/1 DOWN.",
        ),
        (
            "option mysql-check",
            Shuts(b"\x12\0\0\0\xff\x6a\x04Host is blocked"),
            "Layer7 wrong status, code: 1130, info: \"Host is blocked\", status: 0/1 DOWN.",
        ),
        (
            "option pgsql-check user postgres",
            Answers(b"postgres\0\0", b"R\0\0\0\x08\0\0\0\0"),
            "Layer7 check passed, code: 0, info: \"PostgreSQL server is ok\", status: 1/1 UP.",
        ),
        (
            "option pgsql-check user postgres",
            Answers(b"postgres\0\0", b"E\0\0\0\x0bSFATAL\0"),
            "Layer7 invalid response, info: \"FATAL\", status: 0/1 DOWN.",
        ),
        (
            "option pgsql-check user postgres",
            AnswersAndShuts(b"postgres\0\0", b"N"),
            "Layer7 wrong status, code: 0, info: \"PostgreSQL unknown error\", status: 0/1 DOWN.",
        ),
        (
            "option redis-check",
            Answers(b"PING\r\n", b"+PONG\r\n"),
            "Layer7 check passed, code: 0, info: \"Redis server is ok\", status: 1/1 UP.",
        ),
        (
            "option redis-check",
            AnswersAndShuts(b"PING\r\n", b"-NOAUTH\r\n"),
            "Layer7 wrong status, code: 0, info: \"-NOAUTH\", status: 0/1 DOWN.",
        ),
        (
            "option smtpchk",
            Shuts(b"421 later\r\n"),
            "Layer7 wrong status, code: 421, info: \"later\", status: 0/1 DOWN.",
        ),
        (
            "option smtpchk",
            Holds(b"220-a\r\n220 b\r\n"),
            "Layer7 invalid response, info: \"220-a\", status: 0/1 DOWN.",
        ),
        (
            "option ldap-check",
            Answers(
                b"\x04\0\x80\0",
                b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0",
            ),
            "Layer7 check passed, code: 0, info: \"Success\", status: 1/1 UP.",
        ),
        (
            "option ldap-check",
            Answers(
                b"\x04\0\x80\0",
                b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\0\x04\0",
            ),
            "Layer7 wrong status, code: 49, info: \"See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9\", status: 0/1 DOWN.",
        ),
        (
            "option ssl-hello-chk",
            AnswersAndShuts(b"\x3a\x01\0", b"\x16\x03\0"),
            "Layer6 check passed, status: 1/1 UP.",
        ),
        (
            "option ssl-hello-chk",
            Answers(b"\x3a\x01\0", b"HTTPX"),
            "Layer6 invalid response, status: 0/1 DOWN.",
        ),
        (
            "option ssl-hello-chk",
            AnswersAndShuts(b"\x3a\x01\0", b""),
            "Layer6 invalid response, info: \"TCPCHK got an empty response at step 2\", status: 0/1 DOWN.",
        ),
        (
            "option spop-check",
            Answers(
                b"healthcheck\x11",
                b"\0\0\0\x14\x65\0\0\0\x01\0\0\x07version\x08\x031.0",
            ),
            "Layer7 invalid response, info: \"unsupported version\", status: 0/1 DOWN.",
        ),
    ]);
}

/// What a check with these lines sends on its first connections.
#[track_caller]
fn sent(lines: &str, count: usize) -> Vec<String> {
    let server = Server::start(|conn, _| {
        conn.read_request()?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        conn.read_to_end().map(drop)
    });
    let text = format!(
        "global\n  nbthread 1\n  node n\ndefaults\n  mode http\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n  timeout check 20s\n\
         listen l\n  bind {{fe}}\nbackend b\n  {}\n  server s {{s}} check inter 300ms rise 1 fall 1\n",
        lines.replace('|', "\n  ")
    );
    let _program = program().config(&text).server("s", &server).start();
    for number in 0..count {
        server.wait_received(number, "\r\n\r\n");
    }
    let port = format!("port={}", server.port());
    (0..count)
        .map(|number| server.text(number).replace(&port, "port=P"))
        .collect()
}

#[test]
fn requests() {
    assert_eq!(
        sent(
            "option httpchk|http-check send meth POST uri-lf /%[srv_name] ver HTTP/1.1 hdr Host a hdr X-Y \"%[be_name]\" body-lf \"b %[be_name]\"",
            1
        ),
        [
            "POST /s HTTP/1.1\r\nhost: a\r\nx-y: b\r\ncontent-length: 3\r\nconnection: close\r\n\r\nb b"
        ]
    );
    assert_eq!(
        sent(
            "option httpchk GET /a HTTP/1.1|http-check send hdr Host b hdr Connection \"foo, keep-alive\" hdr Content-Length 5",
            1
        ),
        ["GET /a HTTP/1.1\r\nhost: b\r\nconnection: foo\r\n\r\n"]
    );
    assert_eq!(
        sent(
            "option httpchk|http-check send meth GET uri http://foo/bar ver HTTP/1.1 hdr host a",
            1
        ),
        ["GET http://a/bar HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"]
    );
    let states = sent(
        "option httpchk GET /x HTTP/1.1 h|http-check send-state|http-check connect|http-check send uri /1|http-check expect status 200|http-check connect|http-check send uri /2",
        4,
    );
    let state = |progress: &str| {
        format!(
            "x-haproxy-server-state: UP{progress}; address=127.0.0.1; port=P; name=b/s; node=n; weight=1/1; scur=0/0; qcur=0\r\n"
        )
    };
    let wanted = |progress| {
        [
            format!(
                "GET /1 HTTP/1.1\r\nhost: h\r\n{}connection: close\r\n\r\n",
                state(progress)
            ),
            format!("OPTIONS /2 HTTP/1.0\r\n{}\r\n", state(progress)),
        ]
    };
    assert_eq!(states, [wanted(" 0/1"), wanted("")].concat());
}

#[test]
fn variables_ports_and_prefixes() {
    let server = Server::start(|conn, _| conn.read_to_end().map(drop));
    let text = "global\n  nbthread 1\ndefaults\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n  timeout check 20s\nlisten l\n  bind {fe}\n\
                backend b\n  option tcp-check\n  tcp-check set-var(check.port) int({port})\n  tcp-check set-var-fmt(check.text) \"<%[srv_name]>\"\n  \
                tcp-check connect port var(check.port) send-proxy linger\n  tcp-check unset-var(check.port)\n  \
                tcp-check send-lf \"%[var(check.text)]%[var(check.port)]\"\n  tcp-check send-binary 4142\n  \
                tcp-check send-binary-lf %[str(4344)]\n  server s 127.0.0.1:1 check inter 200ms\n";
    let _program = program().config(text).set("port", server.port()).start();
    server.wait_received(0, "<s>ABCD");
    let got = server.text(0);
    assert!(got.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "), "{got}");
    assert!(
        got.ends_with(&format!(" {}\r\n<s>ABCD", server.port())),
        "{got}"
    );
}

#[test]
fn variables_of_checks_have_limits() {
    let shown = |limit: &str| {
        let server = Server::start(|conn, _| conn.read_to_end().map(drop));
        let text = format!(
            "global\n  nbthread 1\n  tune.vars.{limit}\ndefaults\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n  timeout check 20s\n\
             listen l\n  bind {{fe}}\nbackend b\n  option tcp-check\n  tcp-check set-var(check.a) int(1)\n  tcp-check set-var(check.b) int(2)\n  \
             tcp-check connect linger\n  tcp-check send-lf \"%[var(check.a)]/%[var(check.b)].\"\n  server s {{s}} check inter 200ms\n"
        );
        let _program = program().config(&text).server("s", &server).start();
        server.wait_received(0, ".");
        server.text(0)
    };
    for limit in ["check", "sess", "proc", "global"] {
        assert_eq!(shown(&format!("{limit}-max-size 175")), "1/.", "{limit}");
        assert_eq!(shown(&format!("{limit}-max-size 176")), "1/2.", "{limit}");
    }
    assert_eq!(shown("txn-max-size 10"), "1/2.");
}

#[test]
fn http_checks_over_http2() {
    let lines = |server: &str, rules: &str| {
        format!(
            "backend b{server}\n  option httpchk GET /{server}\n{rules}  server s {{h2}} check inter 1s rise 1 fall 1"
        )
    };
    // The program itself is the server; what it was asked for comes back in the body and decides the status.
    let text = format!(
        "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n  timeout check 20s\n  option log-health-checks\n\
         frontend h2\n  bind {{h2}} proto h2\n  option http-buffer-request\n  \
         http-request return status 404 if {{ path /3 }}\n  \
         http-request return status 200 content-type text/plain lf-string \"%[method] %[path] %[req.ver] %[req.body] %[req.hdr(host)]\"\n\
         {} proto h2\n{} check-proto h2\n{} check-proto h2\n{}\n{}\n",
        lines("0", ""),
        lines(
            "1",
            "  http-check send meth PUT uri /1 body abc hdr Host h\n  http-check expect string \"PUT /1 2.0 abc h\"\n"
        ),
        lines("2", "  http-check expect string nope\n"),
        lines(
            "3",
            "  http-check connect proto h2\n  http-check send uri /3\n  http-check expect status 200\n"
        ),
        lines(
            "4",
            "  http-check connect proto h2\n  http-check send uri /4\n  http-check expect status 200\n  http-check connect proto h2\n  http-check send uri /5\n  http-check expect rstring ^OPTIONS./5\n"
        ),
    );
    let program = program().config(&text).start();
    for (at, wanted) in [
        "Layer7 check passed, code: 200, status: 1/1 UP.",
        "Layer7 check passed, code: 200, status: 1/1 UP.",
        "Layer7 invalid response, info: \"HTTP content check did not match\", status: 0/1 DOWN.",
        "Layer7 wrong status, code: 404, info: \"TCPCHK did not match content(status codes) at step 3\", status: 0/1 DOWN.",
        "Layer7 check passed, code: 200, status: 1/1 UP.",
    ]
    .iter()
    .enumerate()
    {
        testkit::eventually(WAIT, || reason(&program, at).is_some());
        assert_eq!(reason(&program, at).as_deref(), Some(*wanted), "b{at}");
    }
}

#[test]
fn servers_may_have_checks_of_their_own() {
    let ok = Server::start(|conn, _| {
        conn.read_request()?;
        conn.send("HTTP/1.1 204 X\r\n\r\n")
    });
    let text = "global\n  nbthread 1\nhealthcheck h\n  type httpchk GET /h\n  http-check expect status 204\n\
                defaults\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n  timeout check 20s\n  option log-health-checks\nlisten l\n  bind {fe}\n\
                backend b0\n  option tcp-check\n  tcp-check expect string nope\n  server s {s} check inter 200ms rise 1 healthcheck h\n";
    let program = program().config(text).server("s", &ok).start();
    testkit::eventually(WAIT, || reason(&program, 0).is_some());
    assert_eq!(
        reason(&program, 0).as_deref(),
        Some("Layer7 check passed, code: 204, status: 3/3 UP.")
    );
    assert_eq!(ok.text(0), "GET /h HTTP/1.0\r\n\r\n");
}

#[test]
fn programs_check_servers() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("hapax-programs-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = folder.join("check");
    let text = format!(
        "#!/bin/sh\necho \"$@ $PATH $HAPROXY_PROXY_NAME $HAPROXY_SERVER_NAME $HAPROXY_SERVER_MAXCONN\" > {}/$HAPROXY_SERVER_NAME\n\
         case $HAPROXY_SERVER_NAME in ok) exit 0;; bad) exit 3;; slow) exec sleep 60;; esac\n",
        folder.display()
    );
    std::fs::write(&script, text).expect("written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let program = program()
        .config(
            "global\n  nbthread 1\n  external-check\n  insecure-fork-wanted\n  max-spread-checks 50\ndefaults\n  timeout connect 20s\n  \
             timeout client 20s\n  timeout server 20s\n  option log-health-checks\nlisten l\n  bind {fe}\nbackend b\n  option external-check\n  \
             external-check command {script}\n  external-check path /usr/bin:/bin\n  default-server check inter 30s rise 1 fall 1\n  \
             server ok 127.0.0.1:81 maxconn 7\n  server bad 127.0.0.1:82\n  server slow 127.0.0.1:83 inter 400ms\n",
        )
        .set("script", script.display())
        .start();
    let told = |name: &str| {
        let wanted = format!("Health check for server b/{name} ");
        let stderr = program.stderr();
        stderr
            .lines()
            .find(|line| line.contains(&wanted))
            .map(str::to_owned)
    };
    for (name, text) in [
        ("ok", "succeeded, reason: External check passed, code: 0, "),
        ("bad", "failed, reason: External check error, code: 3, "),
        ("slow", "failed, reason: External check timeout, code: 0, "),
    ] {
        testkit::eventually(WAIT, || told(name).is_some());
        let line = told(name).unwrap_or_default();
        assert!(line.contains(text), "{line}");
    }
    let ok = std::fs::read_to_string(folder.join("ok")).expect("the program ran");
    assert_eq!(ok, "NOT_USED NOT_USED 127.0.0.1 81 /usr/bin:/bin b ok 7\n");
    drop(program);
    let _ = std::fs::remove_dir_all(&folder);
}
