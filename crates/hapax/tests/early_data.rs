//! Early data: taken from clients, sent to servers, refused by them and sent again. The program speaks to itself.
mod common;

use common::{api, certificates::certificate, program};
use testkit::{Builder, Program, Syslog};

const HEAD: &str = "global
  nbthread 1
  stats socket {tmp}/admin.sock level admin
defaults
  mode http
  option httpclose
  timeout connect 20s
  timeout client 20s
  timeout server 20s
";

fn head() -> Builder {
    program().config(HEAD)
}

/// What is known of the connection that a request came on.
const ANSWER: &str = "early=%[ssl_fc_early_rcvd] resumed=%[ssl_fc_is_resumed] alpn=%[ssl_fc_alpn]";

/// `fe` sends to `tls` over TLS, which passes on to a server that answers with what it was told.
fn chain(server: &str, bind: &str, rules: &str) -> String {
    format!(
        "listen in
  bind {{fe}}
  server s {{tls}} ssl verify none sni str(a.example) {server}
listen secure
  bind {{tls}} ssl {bind}
{rules}
  http-response set-header x-seen \"{ANSWER}\"
  server told {{end}}
frontend told
  bind {{end}}
  http-request wait-for-body time 20s if METH_POST
  http-request return status 200 content-type text/plain lf-string \"early-data=%[req.hdr(early-data)] body=%[req.body_size]\"
"
    )
}

/// What the two ends of the chain say of a request.
fn ask(program: &Program, frontend: &str) -> (String, String) {
    let answer = program.connect(frontend).get("/");
    let seen = answer.header("x-seen").unwrap_or_default().to_owned();
    (seen, answer.text())
}

fn pair(seen: &str, text: &str) -> (String, String) {
    (seen.to_owned(), text.to_owned())
}

#[test]
fn a_request_that_can_be_sent_again_goes_as_early_data() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    for (alpn, protocol) in [("alpn http/1.1", "http/1.1"), ("alpn h2,http/1.1", "h2")] {
        for tickets in ["", " no-tls-tickets"] {
            let text = chain(
                &format!("{alpn} allow-0rtt"),
                &format!("crt {pem} allow-0rtt{tickets}"),
                "",
            );
            let text = text.replace("  bind {fe}", "  bind {fe}\n  retry-on 0rtt-rejected");
            let program = head().config(&text).start();
            let first = format!("early=0 resumed=0 alpn={protocol}");
            assert_eq!(ask(&program, "fe"), pair(&first, "early-data= body=0"));
            for _ in 0..4 {
                let next = format!("early=1 resumed=1 alpn={protocol}");
                assert_eq!(ask(&program, "fe"), pair(&next, "early-data=1 body=0"));
            }
            let body = "x".repeat(12_000);
            let request =
                format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 12000\r\n\r\n{body}");
            let answer = program.connect("fe").send(request).response();
            assert_eq!(answer.text(), "early-data=1 body=12000");
            let next = format!("early=1 resumed=1 alpn={protocol}");
            assert_eq!(answer.header("x-seen"), Some(&*next));
        }
    }
}

#[test]
fn nothing_goes_early_that_nobody_could_repeat() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    for (server, retry) in [
        ("alpn http/1.1 allow-0rtt", ""),
        ("alpn http/1.1", "  retry-on 0rtt-rejected"),
        (
            "alpn http/1.1 allow-0rtt",
            "  retry-on 0rtt-rejected\n  retries 0",
        ),
    ] {
        let text = chain(server, &format!("crt {pem} allow-0rtt"), "");
        let text = text.replace("  bind {fe}", &format!("  bind {{fe}}\n{retry}"));
        let program = head().config(&text).start();
        for resumed in [0, 1] {
            let seen = format!("early=0 resumed={resumed} alpn=http/1.1");
            assert_eq!(
                ask(&program, "fe"),
                pair(&seen, "early-data= body=0"),
                "{retry}"
            );
        }
    }
}

#[test]
fn rules_can_wait_until_a_request_is_no_replay() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    for alpn in ["alpn http/1.1", "alpn h2"] {
        let text = chain(
            &format!("{alpn} allow-0rtt"),
            &format!("crt {pem} allow-0rtt"),
            "  http-request set-var(txn.before) ssl_fc_has_early
  http-request wait-for-handshake
  http-request set-var(txn.after) ssl_fc_has_early
  http-response set-header x-has \"%[var(txn.before)] %[var(txn.after)]\"",
        );
        let text = text.replace("  bind {fe}", "  bind {fe}\n  retry-on 0rtt-rejected");
        let program = head().config(&text).start();
        for expected in ["0 0", "1 0", "1 0"] {
            let answer = program.connect("fe").get("/");
            assert_eq!(answer.header("x-has"), Some(expected));
            assert_eq!(answer.text(), "early-data= body=0");
        }
    }
}

/// Two listening lines with one certificate, of which the second one knows nothing of the first one's sessions, and a server
/// line that can be moved from one to the other.
fn two_lines(pem: &str, alpn: &str, front: &str) -> String {
    format!(
        "{front}
listen in
  bind {{fe}}
  retry-on 0rtt-rejected
  log-format \"%ST %ts %rc %[ssl_bc_err] %[bc_err_name] %[bc_err] resumed=%[ssl_bc_is_resumed]\"
  server s {{one}} ssl verify none sni str(a.example) {alpn} allow-0rtt
frontend first
  no log
  bind {{one}} ssl crt {pem} allow-0rtt
  http-request return status 200 content-type text/plain lf-string \"one {ANSWER}\"
frontend second
  no log
  bind {{two}} ssl crt {pem} allow-0rtt
  http-request return status 200 content-type text/plain lf-string \"two {ANSWER}\"
"
    )
}

fn move_server(program: &Program, server: &str) {
    let port = program.port("two");
    let command = format!("set server {server} addr 127.0.0.1 port {port}");
    let answer = api::ask(program, &command);
    assert!(answer.contains("changed"), "{answer}");
}

#[test]
fn refused_early_data_is_sent_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    for (alpn, protocol) in [("alpn http/1.1", "http/1.1"), ("alpn h2", "h2")] {
        let log = Syslog::udp();
        let text = two_lines(&pem, alpn, "  log {log} local0");
        let program = head().log(&log).config(&text).port("two").start();
        let get = || program.connect("fe").get("/").text();
        assert_eq!(get(), format!("one early=0 resumed=0 alpn={protocol}"));
        assert_eq!(get(), format!("one early=1 resumed=1 alpn={protocol}"));
        move_server(&program, "in/s");
        // Refused, and sent again after a full handshake.
        assert_eq!(get(), format!("two early=0 resumed=0 alpn={protocol}"));
        assert_eq!(get(), format!("two early=1 resumed=1 alpn={protocol}"));
        let lines = log.wait_lines(4);
        let ends: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split_once(": ").map(|(_, end)| end))
            .collect();
        assert_eq!(
            ends,
            [
                "200 -- 0 0 - 0 resumed=0",
                "200 -- 0 0 - 0 resumed=1",
                "200 -- 1 0 - 0 resumed=0",
                "200 -- 0 0 - 0 resumed=1",
            ]
        );
    }
}

#[test]
fn a_client_that_sent_early_data_hears_that_it_was_too_early() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    for alpn in ["alpn http/1.1", "alpn h2"] {
        let log = Syslog::udp();
        // `out` sends early data to `in`, which sends it on.
        let text = two_lines(
            &pem,
            alpn,
            "listen out
  no log
  bind {out}
  retry-on 0rtt-rejected
  server s {fe} ssl verify none sni str(a.example) alpn http/1.1 allow-0rtt",
        );
        let text = text
            .replace(
                "  bind {fe}",
                &format!("  bind {{fe}} ssl crt {pem} allow-0rtt"),
            )
            .replace("listen in\n", "listen in\n  log {log} local0\n")
            .replace("  retry-on 0rtt-rejected\n  log-format", "  log-format");
        let program = head().log(&log).config(&text).start();
        let get = || program.connect("out").get("/");
        for early in ["early=0", "early=1"] {
            assert!(get().text().contains(early));
        }
        move_server(&program, "in/s");
        let refused = get();
        assert_eq!(refused.status(), 425);
        assert!(refused.text().contains("early data"), "{}", refused.text());
        assert_eq!(get().status(), 200);
        let line = log.wait_lines(3).remove(2);
        assert!(
            line.ends_with(": 425 SH 0 0 SSL_EARLY_FAILED 38 resumed=0"),
            "{line}"
        );
    }
}

#[test]
fn bytes_of_a_tcp_client_go_early_as_well() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    let text = format!(
        "listen in
  mode tcp
  bind {{fe}}
  retry-on 0rtt-rejected
  tcp-request inspect-delay 20s
  tcp-request content accept if {{ req.len gt 0 }}
  server s {{one}} ssl verify none sni str(a.example) alpn http/1.1 allow-0rtt
frontend first
  bind {{one}} ssl crt {pem} allow-0rtt
  http-request return status 200 content-type text/plain lf-string \"{ANSWER}\"
"
    );
    let program = head().config(&text).start();
    for answer in [
        "early=0 resumed=0 alpn=http/1.1",
        "early=1 resumed=1 alpn=http/1.1",
    ] {
        assert_eq!(program.connect("fe").get("/").text(), answer);
    }
}
