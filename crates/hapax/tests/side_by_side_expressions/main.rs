//! Expressions, conditions and log formats: hapax must say of each what HAProxy 3.4 said, and where an older `haproxy` is
//! installed, it has to agree in all that it knows.
//!
//! `table.txt` holds sets: `===` opens one, whose first word says where its lines stand; then what the configuration has
//! beside them, `---request` with what a client sends (`{n}`: the line's number), `---` and the lines. `=` is followed by
//! an expression and the value that versions 2.6 and 3.4 agree on, `+` by one that 3.4 alone has, `!` by one that 3.4
//! refuses. Backslashes and bytes outside printable ASCII are escaped.
#[path = "../common/mod.rs"]
mod common;

use std::fmt::Write;
use std::io;
use testkit::{Builder, Client, Conn, Program, Server, Syslog};

const TABLE: &str = include_str!("table.txt");

const HEAD: &str = "global
  nbthread 1
  node testnode
  log {log} len 8192 local0
defaults
  mode http
  timeout client 5s
  timeout server 6s
  timeout connect 7s
";

const ANSWER: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 7\r\nConnection: close\r\nX-Res: a, b\r\nX-Res: c\r\nX-Rip: 10.1.2.3\r\nX-Rn: 42x\r\nX-Cap: captured\r\nSet-Cookie: sk=sv; path=/\r\nSet-Cookie: sn=12\r\nCache-Control: private, max-age=5\r\n\r\n\x00\x02abody";

/// One line of a set.
struct Row {
    mark: char,
    text: &'static str,
    value: &'static str,
}

struct Set {
    title: &'static str,
    config: &'static str,
    request: &'static str,
    rows: Vec<Row>,
}

impl Set {
    fn all() -> Vec<Self> {
        TABLE.split("=== ").skip(1).map(Self::read).collect()
    }

    fn read(text: &'static str) -> Self {
        let (title, rest) = text.split_once('\n').expect("a title");
        let (config, rest) = rest.split_once("---request\n").expect("a request");
        let (request, lines) = rest.split_once("\n---\n").expect("lines");
        let row = |line: &'static str| {
            let mut parts = line.splitn(3, '\t');
            let mut next = || parts.next().unwrap_or_default();
            Row {
                mark: next().chars().next().expect("a mark"),
                text: next(),
                value: next(),
            }
        };
        Self {
            title,
            config,
            request,
            rows: lines.lines().map(row).collect(),
        }
    }

    fn kind(&self) -> &str {
        self.title.split(' ').next().unwrap_or_default()
    }

    /// A configuration in which each of `rows`, with its number, is evaluated when a request names it.
    fn config(&self, rows: &[(usize, &Row)]) -> String {
        let mut text = format!("{HEAD}{}", self.config);
        let single = matches!(self.kind(), "req" | "res" | "acl");
        if single {
            text += "frontend fe\n  bind {fe} name sock\n  log global\n";
        }
        for (n, row) in rows {
            text += &self.lines(*n, row.text);
        }
        if self.kind() == "acl" {
            text += "  http-request return status 200 content-type text/plain lf-string '[%[var(txn.r)]]'\n";
        }
        if single {
            text += "  default_backend be\n";
        }
        text + "backend be\n"
            + if self.kind() == "tcp" {
                "  mode tcp\n"
            } else {
                ""
            }
            + "  server s1 {s1}\n"
    }

    fn lines(&self, n: usize, row: &str) -> String {
        match self.kind() {
            "req" => format!(
                "  http-request return status 200 content-type text/plain lf-string '[%[{row}]]' if {{ path /{n} }}\n"
            ),
            "res" => format!(
                "  http-response set-header X-Res '[%[{row}]]' if {{ capture.req.uri -m beg /{n}? }}\n"
            ),
            "acl" => {
                format!("  http-request set-var-fmt(txn.r) '%[var(txn.r)]{n},' {row}\n")
            }
            "fmt" => format!(
                "frontend fe{n}\n  bind {{fe{n}}}\n  log global\n  option http-buffer-request\n  capture request header Host len 20\n  capture request header x-n len 20\n  capture response header X-Cap len 20\n  unique-id-format uid\n  log-format '[{row}]'\n  default_backend be\n"
            ),
            _ => format!(
                "frontend fe{n}\n  mode tcp\n  bind {{fe{n}}} name sock\n  log global\n  timeout client 30s\n  tcp-request inspect-delay 20s\n  tcp-request content reject if {{ req.payload(0,80) -m bin 00 }}\n  tcp-request content set-var(txn.r) {row}\n  log-format '[%[var(txn.r)]]'\n  default_backend be\n"
            ),
        }
    }

    /// What the program says of each row.
    fn values(&self, program: Builder, rows: &[(usize, &Row)]) -> Vec<String> {
        let server = Server::start(|conn: &mut Conn, _| -> io::Result<()> {
            // What comes over TCP ends with its request as well.
            if conn.read_request()?.is_some() {
                conn.send(ANSWER)?;
            }
            Ok(())
        });
        let log = Syslog::udp();
        let program = program
            .config(&self.config(rows))
            .env("HAPAX_TEST", "tested")
            .server("s1", &server)
            .log(&log)
            .start();
        if self.kind() == "acl" {
            let answer = self.ask(&mut program.connect("fe"), 0);
            let held = format!(",{}", inner(&answer));
            let holds = |n: usize| held.contains(&format!(",{n},"));
            return rows
                .iter()
                .map(|(n, _)| u8::from(holds(*n)).to_string())
                .collect();
        }
        let numbers = rows.iter().map(|(n, _)| *n);
        numbers
            .enumerate()
            .map(|(at, n)| self.value(&program, &log, at, n))
            .collect()
    }

    /// What the program says of row `n`, which is the one at place `at` that it is asked for.
    fn value(&self, program: &Program, log: &Syslog, at: usize, n: usize) -> String {
        match self.kind() {
            "req" => inner(&self.ask(&mut program.connect("fe"), n)),
            "res" => {
                let answer = self.ask(&mut program.connect("fe"), n);
                let mut lines = answer.split(|byte| *byte == b'\n');
                let is_asked = |line: &&[u8]| line.to_ascii_lowercase().starts_with(b"x-res: ");
                inner(lines.find(is_asked).unwrap_or_default())
            }
            _ => {
                self.ask(&mut program.connect(&format!("fe{n}")), n);
                let lines = log.wait_lines(at + 1);
                let line = lines.get(at).map_or("", String::as_str);
                let (_, text) = line.split_once("]: ").unwrap_or_default();
                inner(text.as_bytes())
            }
        }
    }

    /// Everything that comes back for a request.
    fn ask(&self, client: &mut Client, n: usize) -> Vec<u8> {
        let request = self.request.replace("{n}", &n.to_string());
        client.send(unescaped(&format!("{}\r\n", request.replace('\n', "\r\n"))));
        if self.kind() == "tcp" {
            client.shutdown_write();
        }
        client.read_to_end()
    }

    /// The rows that carry one of the marks, with their numbers.
    fn marked(&self, marks: &str) -> Vec<(usize, &Row)> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| marks.contains(row.mark)).collect()
    }

    fn compare(&self, program: impl Fn() -> Builder, marks: &str) -> String {
        let rows = self.marked(marks);
        let values = if rows.is_empty() {
            Vec::new()
        } else {
            self.values(program(), &rows)
        };
        let mut wrong = String::new();
        for ((_, row), value) in rows.iter().zip(values) {
            if value != row.value {
                let (title, text, want) = (self.title, row.text, row.value);
                let _ = writeln!(wrong, "{title}: {text}\n  is   {value}\n  want {want}");
            }
        }
        wrong
    }
}

/// What stands between the outer brackets of a value, escaped.
fn inner(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii_end();
    let start = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let bytes = start.map_or(bytes, |at| bytes.get(at + 4..).unwrap_or_default());
    let bytes = bytes
        .strip_prefix(b"[")
        .or_else(|| bytes.strip_prefix(b"x-res: ["))
        .or_else(|| bytes.strip_prefix(b"X-Res: ["));
    let Some(bytes) = bytes.and_then(|rest| rest.strip_suffix(b"]")) else {
        return "no value".into();
    };
    let mut text = String::new();
    for byte in bytes {
        let _ = match byte {
            b'\\' => write!(text, "\\\\"),
            32..=126 => write!(text, "{}", char::from(*byte)),
            _ => write!(text, "\\x{byte:02x}"),
        };
    }
    text
}

/// The bytes of a request with escapes.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                bytes.push(b'\\');
                tail
            }
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0) as u8;
                bytes.push(digit(high) << 4 | digit(low));
                tail
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    bytes
}

#[test]
fn values_are_those_of_version_3_4() {
    let sets = Set::all();
    let rows: usize = sets.iter().map(|set| set.rows.len()).sum();
    assert!(rows > 1000, "the table has {rows} rows");
    let wrong: String = sets
        .iter()
        .map(|set| set.compare(common::program, "=+"))
        .collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_installed_haproxy_agrees() {
    if Program::haproxy().is_none() {
        eprintln!("no haproxy is installed: nothing to compare with");
        return;
    }
    let haproxy = || Program::haproxy().expect("it was there a moment ago");
    let wrong: String = Set::all()
        .iter()
        .map(|set| set.compare(haproxy, "="))
        .collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_version_3_4_refuses_is_refused() {
    for set in Set::all() {
        let rows = set.marked("!");
        let config = set.config(&rows);
        let exit = common::program()
            .config(&config)
            .set("s1", "127.0.0.1:1")
            .set("log", "127.0.0.1:1")
            .check();
        for (n, row) in &rows {
            let lines = set.lines(*n, row.text);
            let at = config.find(&lines).expect("its lines");
            let own = lines
                .lines()
                .position(|line| line.contains(row.text))
                .expect("its line");
            let line = config[..at].lines().count() + own + 1;
            assert!(
                exit.stderr.contains(&format!(":{line}]")),
                "{} is not refused (line {line}):\n{}",
                row.text,
                exit.stderr
            );
        }
        assert_eq!(
            exit.code,
            Some(i32::from(!rows.is_empty())),
            "{}",
            exit.stderr
        );
    }
}
