//! Rule sets through an installed `haproxy` and through hapax: what the client received, how the connection ended, what the
//! server received and what was logged must be the same.
//!
//! The sets stand in text files: `===` opens a configuration, `---` a request of it (`--- 3.4` one that older versions
//! answer differently), `<<<` the head of the server's answer to it. Requests get a host and close the connection; answers
//! have two bytes of body.
#[path = "../common/mod.rs"]
mod common;

use std::process::Command;
use testkit::side_by_side;

const DEFAULTS: &str = "global
  nbthread 1
  expose-experimental-directives
  log {log} local0
defaults
  mode http
  log global
  option httplog
  retries 0
  timeout connect 1s
  timeout client 3s
  timeout server 3s
";

/// A request with what the server answers; nothing means that it closes.
struct Exchange {
    request: String,
    answer: String,
    /// Whether older versions answer differently.
    is_new: bool,
}

/// A configuration with its requests.
struct Set {
    title: String,
    config: String,
    exchanges: Vec<Exchange>,
}

fn sets(text: &str) -> Vec<Set> {
    text.split("=== ").skip(1).map(set).collect()
}

fn set(text: &str) -> Set {
    let mut parts = text.split("\n---");
    let (title, config) = parts
        .next()
        .and_then(|head| head.split_once('\n'))
        .expect("a title and a configuration");
    Set {
        title: title.to_owned(),
        config: match config.starts_with("global") {
            true => format!("{config}\n"),
            false => format!("{DEFAULTS}{config}\n"),
        },
        exchanges: parts.map(exchange).collect(),
    }
}

fn exchange(text: &str) -> Exchange {
    let (version, text) = text.split_once('\n').expect("a request");
    let (request, answer) = match text.trim_end().split_once("<<<") {
        None => (text, None),
        Some((request, answer)) => (request, Some(answer.trim())),
    };
    let mut lines = request.trim().lines();
    let line = lines.next().expect("a request line");
    let version_in_line = if line.contains(" HTTP/") {
        ""
    } else {
        " HTTP/1.1"
    };
    let fields: String = lines.map(|field| format!("{field}\r\n")).collect();
    Exchange {
        request: format!(
            "{line}{version_in_line}\r\nHost: a.example\r\nConnection: close\r\n{fields}\r\n"
        ),
        answer: match answer {
            None => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned(),
            Some("") => String::new(),
            Some(head) => {
                let body = if head.contains("Content-Length: 0") {
                    ""
                } else {
                    "ok"
                };
                format!("{}\r\n\r\n{body}", head.replace('\n', "\r\n"))
            }
        },
        is_new: version.trim() == "3.4",
    }
}

/// Whether the `haproxy` to compare with is at least of version 3.4.
fn reference_is_new() -> bool {
    let program = std::env::var_os("HAPAX_TEST_HAPROXY").unwrap_or_else(|| "haproxy".into());
    let output = Command::new(program).arg("-v").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = text.ok().and_then(|text| {
        let (_, rest) = text.split_once("version ")?;
        let mut numbers = rest.split(['.', '-', ' ']).map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    version.is_some_and(|version| version >= (3, 4))
}

#[track_caller]
fn compare(text: &str, titles: &[&str]) {
    let is_new = reference_is_new();
    let mut left: Vec<&str> = titles.to_vec();
    for set in sets(text) {
        if !titles.contains(&set.title.as_str()) {
            continue;
        }
        left.retain(|title| *title != set.title);
        let fitting: Vec<_> = set
            .exchanges
            .iter()
            .filter(|exchange| is_new || !exchange.is_new)
            .collect();
        if fitting.is_empty() {
            continue;
        }
        side_by_side(common::HAPAX, &set.config, |side| {
            for exchange in &fitting {
                let title = exchange.request.replace("\r\n", " | ");
                let (request, answer) = (exchange.request.as_bytes(), exchange.answer.as_bytes());
                side.closing_exchange(&format!("{}: {title}", set.title), request, answer);
            }
        });
    }
    assert!(left.is_empty(), "no such sets: {left:?}");
}

const REQUESTS: &str = include_str!("requests.txt");
const STREAMS: &str = include_str!("streams.txt");

#[test]
fn request_headers_and_targets() {
    compare(REQUESTS, &["request headers", "targets"]);
}

#[test]
fn redirects() {
    compare(REQUESTS, &["redirects", "newer redirects"]);
}

#[test]
fn answers() {
    compare(REQUESTS, &["returns", "denies"]);
}

#[test]
fn values_and_cookies() {
    compare(
        REQUESTS,
        &[
            "values replaced",
            "values emptied",
            "cookie by prefix",
            "cookie by name",
        ],
    );
}

#[test]
fn normalisers() {
    compare(REQUESTS, &["normalisers"]);
}

#[test]
fn responses() {
    compare(STREAMS, &["response rules"]);
}

#[test]
fn captures_variables_and_conditions() {
    compare(STREAMS, &["captures", "variables", "conditions"]);
}

#[test]
fn order_authentication_and_lists() {
    compare(STREAMS, &["order", "auth", "lists"]);
}

#[test]
fn strict_mode() {
    compare(STREAMS, &["strict mode", "strict mode behind the response"]);
}

#[test]
fn every_set_is_compared() {
    let all: Vec<String> = sets(REQUESTS)
        .into_iter()
        .chain(sets(STREAMS))
        .map(|set| set.title)
        .collect();
    let source = include_str!("main.rs");
    for title in all {
        assert!(
            source.contains(&format!("{title:?}")),
            "{title} is compared nowhere"
        );
    }
}
