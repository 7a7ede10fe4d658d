//! Sample fetches in a live stream, against values recorded from HAProxy 3.4 with the same configuration and messages.
mod common;

use std::io;
use testkit::{Conn, Server};

/// Lines of where an expression is evaluated (`req`: an `http-request` rule, `res`: an `http-response` rule), the
/// expression, its value with escapes, and the number that the request names, with a tab between them. `*` stands for
/// any value, `*n` for any number.
const RECORDS: &str = include_str!("../../expr/testdata/fetches-values.txt");

const HEAD: &str = "global
  nbthread 1
  node testnode
defaults
  mode http
  timeout client 5s
  timeout server 6s
  timeout connect 7s
  timeout queue 8s
  timeout tarpit 9s
  timeout tunnel 10s
backend be
  id 77
  server s1 {s1} id 5 weight 20 maxconn 30 maxqueue 40
frontend fe
  id 33
  bind {fe} name sock id 9
  unique-id-format %[str(uid)]
  option http-buffer-request
  capture request header Host len 20
  capture response header X-Cap len 20
  http-request set-var(txn.v) str(value)
  http-request set-priority-class int(3)
  http-request set-priority-offset int(4)
";

const ANSWER: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 7\r\nConnection: close\r\nX-Res: a, b\r\nX-Res: c\r\nX-Rip: 10.1.2.3\r\nX-Rn: 42x\r\nX-Cap: captured\r\nSet-Cookie: sk=sv; path=/\r\nSet-Cookie: sn=12\r\n\r\n\x00\x02abody";

fn config() -> String {
    let mut text = HEAD.to_owned();
    for line in RECORDS.lines() {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap_or_default();
        let (kind, expr, _, number) = (next(), next(), next(), next());
        text += &match kind {
            "req" => format!(
                "  http-request return status 200 content-type text/plain lf-string \"[%[{expr}]]\" if {{ path /req/{number} }}\n"
            ),
            _ => format!(
                "  http-response set-header X-Res \"[%[{expr}]]\" if {{ capture.req.uri -m beg /res/{number}? }}\n"
            ),
        };
    }
    text + "  default_backend be\n"
}

fn request(kind: &str, number: &str) -> String {
    format!(
        "POST /{kind}/{number}?a=1&b=two&n=7 HTTP/1.1\r\nHost: www.Example.org:81\r\nX-N: 12abc\r\nX-Ip: 10.0.0.1, 192.168.1.7\r\nAuthorization: Basic am9lOnNlY3JldA==\r\nX-List: a, b\r\nX-List: c\r\nCookie: k=v; l=w; n=5\r\nContent-Length: 8\r\nConnection: close\r\n\r\np=q&r=st"
    )
}

/// What stands between the brackets in the answer.
fn value(kind: &str, answer: &[u8]) -> String {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.map_or(answer.len(), |end| end + 4));
    let shown = match kind {
        "req" => body,
        _ => head
            .split(|byte| *byte == b'\n')
            .find(|line| line.to_ascii_lowercase().starts_with(b"x-res: "))
            .map(|line| line[7..].strip_suffix(b"\r").unwrap_or(&line[7..]))
            .unwrap_or_default(),
    };
    match shown
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"))
    {
        Some(value) => value.escape_ascii().to_string(),
        None => format!("no value in {}", answer.escape_ascii()),
    }
}

#[test]
fn values_are_the_recorded_ones() {
    let server = Server::start(|conn: &mut Conn, _| -> io::Result<()> {
        while conn.read_request()?.is_some() {
            conn.send(ANSWER)?;
        }
        Ok(())
    });
    let program = common::program()
        .config(&config())
        .env("HAPAX_TEST", "tested")
        .server("s1", &server)
        .start();
    let mut wrong = Vec::new();
    for line in RECORDS.lines() {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap_or_default();
        let (kind, expr, expected, number) = (next(), next(), next(), next());
        let mut client = program.connect("fe");
        client.send(request(kind, number));
        let found = value(kind, &client.read_to_end());
        let right = match expected {
            "*" => !found.starts_with("no value in "),
            "*n" => found.parse::<i64>().is_ok(),
            expected => found == expected,
        };
        if !right {
            wrong.push(format!("{kind} {expr}\n  is   {found}\n  want {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
