//! Requests in all the forms that HTTP/2 can give them, and frames in all their orders: what the client hears, what the
//! server gets to see and what is logged must be what HAProxy 3.4.0 made of them.
//!
//! `forms.txt` has a form per paragraph: `#` its title, then what a client sends, then `=>` what came of it. `H` is a HEADERS
//! frame with its fields between bars, `D` a DATA frame with text, `F` any other frame (type, flags, stream, payload in
//! hexadecimal digits); `+` behind the letter sets END_STREAM, a number another stream than 1. What is sent leaves at once,
//! but `W` waits until the highest stream is over. `base` stands for the four pseudo-header fields of a GET request, `-name`
//! takes a field away again. `\r`, `\n`, `\s` and `\xNN` stand for bytes.
//!
//! When something differs, the whole table is shown with what was seen instead. With a `haproxy` of that version in
//! `HAPAX_TEST_HAPROXY` the table itself is put to the test.
#[path = "../common/mod.rs"]
mod common;

use std::fmt::Write as _;
use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use testkit::h2::{END, END_HEADERS, Frame, Peer, Received, kind};
use testkit::{Builder, Client, Conn, Program, Server, Syslog};

const FORMS: &str = include_str!("forms.txt");

const CONFIG: &str = "global
  nbthread 1
  log {log} local0
defaults
  mode http
  log global
  log-format \"%ST %ts %r\"
  timeout connect 20s
  timeout client 20s
  timeout server 20s
frontend in
  bind {fe}
  default_backend back
backend back
  server s1 {s1}
";

/// A form: its title, what is sent, and what comes of it.
struct Form<'t> {
    title: &'t str,
    sent: Vec<&'t str>,
    seen: &'t str,
}

fn forms() -> Vec<Form<'static>> {
    let paragraphs = FORMS.split("\n\n").map(str::trim);
    paragraphs
        .filter(|text| !text.is_empty())
        .map(|text| {
            let (title, rest) = text.split_once('\n').expect("a title");
            let (sent, seen) = rest.split_once("=>").unwrap_or((rest, ""));
            Form {
                title: title.trim_start_matches('#').trim(),
                sent: sent.lines().collect(),
                seen: seen.trim(),
            }
        })
        .collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let (code, after) = after.split_at(1);
        rest = after;
        match code {
            "r" => out.push(b'\r'),
            "n" => out.push(b'\n'),
            "s" => out.push(b' '),
            "x" => {
                let (digits, after) = after.split_at(2);
                out.push(u8::from_str_radix(digits, 16).expect("two digits"));
                rest = after;
            }
            other => panic!("\\{other} stands for nothing"),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// A field as a literal without indexing (RFC 7541, section 6.2.2).
fn literal(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(0);
    for text in [name, value] {
        let mut len = text.len();
        if len < 127 {
            out.push(len as u8);
        } else {
            out.push(127);
            len -= 127;
            while len >= 128 {
                out.push((len % 128 + 128) as u8);
                len /= 128;
            }
            out.push(len as u8);
        }
        out.extend_from_slice(text);
    }
}

fn section(text: &str) -> Vec<u8> {
    let mut fields: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for part in text
        .split('|')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if part == "base" {
            for field in [
                ":method=GET",
                ":scheme=http",
                ":path=/",
                ":authority=a.example",
            ] {
                let (name, value) = field.split_once('=').expect("a field");
                fields.push((name.into(), value.into()));
            }
        } else if let Some(name) = part.strip_prefix('-') {
            fields.retain(|(known, _)| known != name.as_bytes());
        } else {
            let (name, value) = part.split_once('=').expect("a field");
            fields.push((unescape(name), unescape(value)));
        }
    }
    let mut out = Vec::new();
    for (name, value) in fields {
        literal(&name, &value, &mut out);
    }
    out
}

fn digits(text: &str) -> Vec<u8> {
    let text: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("two digits")
    };
    text.chunks(2).map(byte).collect()
}

fn frame(kind: u32, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind as u8, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Writes the frame of a line.
fn write(line: &str, out: &mut Vec<u8>) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let end = u8::from(word.contains('+')) * END;
    let stream = word[1..].trim_end_matches('+').parse().unwrap_or(1);
    match &word[..1] {
        "H" => frame(1, END_HEADERS | end, stream, &section(rest), out),
        "D" => frame(0, end, stream, &unescape(rest), out),
        "F" => {
            let mut words = rest.splitn(4, ' ');
            let mut number = || {
                let word = words.next().and_then(|word| word.parse::<u32>().ok());
                word.expect("a number")
            };
            let (kind, flags, stream) = (number(), number() as u8, number());
            let payload = digits(words.next().unwrap_or_default());
            frame(kind, flags, stream, &payload, out);
        }
        other => panic!("{other} is no frame"),
    }
}

/// The stream that a line opens or goes on with.
fn stream_of(line: &str) -> Option<u32> {
    let mut words = line.split(' ');
    let stream = match words.next()? {
        "H" | "H+" => "1",
        "F" if words.next()? == "1" => words.nth(1)?,
        word => word.strip_prefix('H')?.trim_end_matches('+'),
    };
    stream.parse().ok()
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, &byte| n << 8 | u32::from(byte))
}

/// What a frame says, if it matters.
fn notable(peer: &Peer<'_>, frame: &Frame) -> Option<String> {
    let of = match frame.stream {
        0 | 1 => String::new(),
        stream => format!("/{stream}"),
    };
    match frame.kind {
        kind::HEADERS => {
            let status = peer.seen(frame.stream)?.sections.last()?.first()?.1.clone();
            Some(format!("status{of} {status}"))
        }
        kind::RST_STREAM => Some(format!("reset{of} {}", number(&frame.payload))),
        kind::GOAWAY => Some(format!("goaway {}", number(frame.payload.get(4..8)?))),
        _ => None,
    }
}

/// Sends a form and says what the client hears, up to the end of the highest stream or of the connection.
fn talk(client: &mut Client, form: &Form<'_>) -> String {
    let mut heard: Vec<String> = Vec::new();
    let outcome = (|| {
        let mut peer = Peer::client(client.conn())?;
        let (mut highest, mut bytes) = (0, Vec::new());
        for line in form.sent.iter().chain(&["W"]) {
            if *line != "W" {
                highest = highest.max(stream_of(line).unwrap_or(0));
                write(line, &mut bytes);
                continue;
            }
            // All at once, so that nothing is done in between.
            peer.conn().send(std::mem::take(&mut bytes))?;
            loop {
                let over = |s: &Received| s.ended || s.reset.is_some();
                if peer.seen(highest.max(1)).is_some_and(over) {
                    break;
                }
                let frame = peer.read_frame()?;
                heard.extend(notable(&peer, &frame));
                if frame.kind == kind::GOAWAY && number(&frame.payload[4..8]) != 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    })();
    match outcome.map_err(|error: io::Error| error.kind()) {
        Ok(()) => {}
        Err(io::ErrorKind::TimedOut) => heard.push("silence".into()),
        Err(_) => heard.push("end".into()),
    }
    heard.join(", ")
}

/// What the server has been asked, whole requests only.
type Asked = Arc<Mutex<Vec<String>>>;

fn server(asked: &Asked) -> Server {
    let asked = Arc::clone(asked);
    Server::start(move |conn: &mut Conn, _| {
        while let Some(request) = conn.read_request()? {
            let mut text = request.start.clone();
            for (name, value) in &request.headers {
                let is_key = name.eq_ignore_ascii_case("sec-websocket-key");
                let value = if is_key { "KEY" } else { value };
                // HAProxy writes the name of the key it makes with capitals, and that is all.
                let _ = write!(text, " | {}: {value}", name.to_ascii_lowercase());
            }
            if !request.body.is_empty() {
                let _ = write!(text, " || {}", request.body.escape_ascii());
            }
            for (name, value) in &request.trailers {
                let _ = write!(text, " | {name}: {value}");
            }
            asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        }
        Ok(())
    })
}

fn escape(text: &str) -> String {
    text.escape_default()
        .to_string()
        .replace("\\\"", "\"")
        .replace("\\'", "'")
}

/// What comes of all forms.
fn outcomes(builder: Builder, forms: &[Form<'_>]) -> Vec<String> {
    let asked = Asked::default();
    let (server, log) = (server(&asked), Syslog::udp());
    let program = builder
        .config(CONFIG)
        .server("s1", &server)
        .log(&log)
        .start();
    let run = |form: &Form<'_>| {
        log.clear();
        asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut client = program.connect("fe");
        let mut seen = talk(&mut client, form);
        drop(client);
        // What comes after it ends the wait for what may never come.
        program.connect("fe").get("/last");
        log.expect("/last");
        for text in asked.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if !text.contains("/last") {
                let _ = write!(seen, "\n   server {}", escape(text));
            }
        }
        for line in log.lines().iter().filter(|line| !line.contains("/last")) {
            let (_, message) = line.split_once("]: ").unwrap_or(("", line));
            let _ = write!(seen, "\n   log {}", escape(message));
        }
        seen
    };
    forms.iter().map(run).collect()
}

#[track_caller]
fn compare(builder: Builder) {
    let forms = forms();
    let outcomes = outcomes(builder, &forms);
    let (mut table, mut differences) = (String::new(), String::new());
    for (form, outcome) in forms.iter().zip(&outcomes) {
        let sent = form.sent.join("\n");
        let _ = write!(table, "# {}\n{}\n=> {outcome}\n\n", form.title, sent.trim());
        if outcome != form.seen {
            let _ = write!(
                differences,
                "# {}\n{}\n-> {}\n=> {outcome}\n\n",
                form.title,
                sent.trim(),
                form.seen
            );
        }
    }
    assert!(
        differences.is_empty(),
        "{table}\nforms with other outcomes (-> in the table, => as seen):\n\n{differences}"
    );
}

#[test]
fn forms_have_the_outcomes_of_the_table() {
    compare(common::program());
}

/// Whether the `haproxy` at hand is of the version whose outcomes the table has.
fn reference_is_3_4() -> bool {
    let Some(program) = std::env::var_os("HAPAX_TEST_HAPROXY") else {
        return false;
    };
    let output = Command::new(program).arg("-v").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("version 3.4"))
}

#[test]
fn haproxy_does_as_recorded() {
    match Program::haproxy().filter(|_| reference_is_3_4()) {
        Some(builder) => compare(builder),
        None => eprintln!("skipped: no haproxy of version 3.4 in HAPAX_TEST_HAPROXY"),
    }
}
