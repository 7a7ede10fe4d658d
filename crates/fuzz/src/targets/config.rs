//! The configuration's reader and loader.

use super::owned;
use config::{
    Diagnostics, Env, Facts, Line, MAX_WORDS, Prefix, Reader, Source, Style, eval_condition,
};
use model::parse::{Input, families, known, load, sections};
use std::net::IpAddr;

struct Program;

impl Facts for Program {
    fn feature(&self, name: &str) -> bool {
        name == "OPENSSL"
    }

    fn enabled(&self, name: &str) -> Option<bool> {
        (name == "EPOLL").then_some(true)
    }

    fn version(&self) -> &str {
        "3.4.0"
    }
}

fn environment() -> Env {
    let mut env = Env::empty();
    env.set("A", "value");
    env.set("LIST", "one two  three");
    env.set("NONE", "");
    env
}

fn source(text: &[u8]) -> Vec<Source> {
    vec![Source::Text {
        name: "t.cfg".into(),
        text: text.to_vec(),
    }]
}

fn lines_of(text: &[u8], diagnostics: &mut Diagnostics) -> Vec<Line> {
    let mut reader = Reader::new(source(text));
    let mut env = environment();
    let lines = std::iter::from_fn(|| reader.next_line(&mut env, &Program, diagnostics)).collect();
    assert!(reader.next_line(&mut env, &Program, diagnostics).is_none());
    lines
}

/// Lines come in order, their words keep to the limits and stand where they say, and what is quoted reads as it is.
pub fn reader(input: &[u8]) {
    let mut diagnostics = Diagnostics::new();
    diagnostics.set_diag_mode(true);
    let lines = lines_of(input, &mut diagnostics);
    let total = input.split(|byte| *byte == b'\n').count();
    let mut before = 0;
    for line in &lines {
        assert!(line.number > before && line.number as usize <= total);
        before = line.number;
        assert!(line.words.len() <= MAX_WORDS);
        assert!(!line.words.is_empty() || line.prefix != Prefix::None);
        for word in &line.words {
            assert!(!word.bytes().contains(&0));
            let start = (word.column as usize).saturating_sub(1);
            assert!(start + word.width as usize <= line.source.len(), "{word:?}");
        }
        quoted_reads_the_same(line);
    }
    check_messages(&diagnostics, total);
    let first = input.split(|byte| *byte == b'\n').next();
    // Only that it ends is of interest here: what conditions mean is tested with the reader.
    let _ = eval_condition(first.unwrap_or_default(), &environment(), &Program);
}

/// A line whose words are quoted strongly has these words.
fn quoted_reads_the_same(line: &Line) {
    let has_controls = |word: &config::Word| word.bytes().iter().any(|b| b"\r\n".contains(b));
    let Some(first) = line.words.first() else {
        return;
    };
    let taken = first.starts_with('.') || *first == "no" || *first == "default";
    if taken || line.words.iter().any(has_controls) {
        return;
    }
    let mut text = Vec::new();
    for word in &line.words {
        text.push(b'\'');
        for byte in word.bytes() {
            match byte {
                b'\'' => text.extend_from_slice(b"'\\''"),
                other => text.push(*other),
            }
        }
        text.extend_from_slice(b"' ");
    }
    text.push(b'\n');
    let again = lines_of(&text, &mut Diagnostics::new());
    let bytes = |line: &Line| -> Vec<Vec<u8>> {
        line.words
            .iter()
            .map(|word| word.bytes().to_vec())
            .collect()
    };
    let again: Vec<_> = again.iter().map(bytes).collect();
    assert_eq!(again, [bytes(line)], "from {}", text.escape_ascii());
}

/// Messages say something about a line that exists, and can be shown.
fn check_messages(diagnostics: &Diagnostics, lines: usize) {
    for diagnostic in diagnostics {
        assert!(diagnostic.line as usize <= lines, "{diagnostic:?}");
        assert!(!diagnostic.message.is_empty(), "{diagnostic:?}");
    }
    for rich in [false, true] {
        let mut out = Vec::new();
        let style = Style {
            excerpt: rich,
            color: rich,
        };
        diagnostics
            .render(&mut out, 1, style)
            .expect("a vector takes everything");
        assert_eq!(out.is_empty(), diagnostics.is_empty());
    }
}

/// A configuration is refused exactly when there is an alert, reads the same each time, and one that is taken when older
/// forms are refused is taken when they are not.
pub fn loader(input: &[u8]) {
    model::address::set_resolver(answer);
    let (loaded, messages) = load_text(input, false);
    let (again, messages_again) = load_text(input, false);
    assert_eq!((loaded, messages), (again, messages_again));
    let (strict, _) = load_text(input, true);
    assert!(loaded || !strict, "only taken when strict");
}

/// Names must not be looked up for real: tests stay off the network.
fn answer(host: &str) -> Vec<IpAddr> {
    match host {
        "localhost" => vec![IpAddr::from([127, 0, 0, 1])],
        "six.test" => vec![IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16])],
        _ => Vec::new(),
    }
}

fn load_text(text: &[u8], strict: bool) -> (bool, Vec<String>) {
    let mut diagnostics = Diagnostics::new();
    diagnostics.set_diag_mode(true);
    let input = Input {
        sources: source(text),
        facts: &Program,
        strict,
        env: environment(),
    };
    let loaded = load(input, &mut diagnostics).is_some();
    let total = text.split(|byte| *byte == b'\n').count();
    check_messages(&diagnostics, total);
    assert_eq!(loaded, diagnostics.alerts() == 0);
    let messages = diagnostics
        .iter()
        .map(|d| format!("{}: {}", d.line, d.message))
        .collect();
    (loaded, messages)
}

pub fn reader_words() -> Vec<Vec<u8>> {
    owned([
        "${",
        "}",
        "$A",
        "${LIST[*]}",
        "${NONE}",
        "${X-d}",
        "${A[*]",
        "\"",
        "'",
        "\\",
        "\\x",
        "\\x00",
        "\\x41",
        "#",
        "\n",
        "\r\n",
        ".if ",
        ".elif ",
        ".else\n",
        ".endif\n",
        ".notice ",
        ".warning ",
        ".alert ",
        ".diag ",
        "defined(A)",
        "streq(\"",
        "strneq(",
        "strstr(",
        "feature(OPENSSL)",
        "enabled(EPOLL)",
        "version_atleast(",
        "version_before(3.4-dev3)",
        "openssl_version_atleast(",
        "&&",
        "||",
        "!",
        "(",
        ")",
        ",",
        "no ",
        "default ",
        ".LINE",
        "${.FILE}",
        "${.SECTION}",
        "section name\n",
    ])
}

/// The words of the language, and every keyword there is.
pub fn loader_words() -> Vec<Vec<u8>> {
    let mut words = owned(WORDS.iter().copied());
    words.extend(owned(sections::names()));
    let tables = families::GLOBAL.iter().chain(families::PROXY);
    words.extend(owned(
        tables.flat_map(|table| table.iter().map(|row| row.name)),
    ));
    let server = families::server::OPTIONS.iter();
    words.extend(owned(
        server.flat_map(|table| table.iter().map(|row| row.name)),
    ));
    let bind = families::bind::OPTIONS.iter();
    words.extend(owned(
        bind.flat_map(|table| table.iter().map(|row| row.name)),
    ));
    let actions = model::rules::actions::TABLES.iter();
    words.extend(owned(
        actions.flat_map(|table| table.iter().map(|row| row.name)),
    ));
    for family in [known::Family::Global, known::Family::Proxy] {
        words.extend(owned(known::names(family)));
    }
    words
}

const WORDS: &[&str] = &[
    "\n",
    "\n    ",
    " ",
    "no ",
    "default ",
    "global\n",
    "defaults d\n",
    "frontend f\n",
    "backend b\n",
    "listen l\n",
    "frontend f from d\n",
    "http-errors e\n",
    "userlist u\n",
    "ring r\n",
    "log-forward lf\n",
    "log-profile p\n",
    "mode http\n",
    "mode tcp\n",
    "mode log\n",
    "option ",
    "httplog",
    "httpchk",
    "forwardfor",
    "http-keep-alive",
    "timeout client 1s\n",
    "timeout ",
    "1s",
    "1d",
    "25d",
    "10k",
    "bind :80\n",
    "bind ",
    "127.0.0.1:80",
    "[::1]:80-90",
    "unix@/x",
    "abns@x",
    "fd@3",
    "localhost:80",
    "server s1 127.0.0.1:1 ",
    "server-template s 1-3 localhost:80 ",
    "default-server ",
    "use_backend b if ",
    "use_backend %[path] ",
    "use-server s1 if ",
    "acl a ",
    "path /x",
    "src 10.0.0.0/8",
    "http-request ",
    "http-response ",
    "http-after-response ",
    "tcp-request connection ",
    "tcp-request content ",
    "tcp-request session ",
    "tcp-response content ",
    "return status 200 ",
    "deny deny_status 403 ",
    "content-type text/plain ",
    "string x ",
    "lf-string %[src] ",
    "hdr a b ",
    "redirect location /x code 301 ",
    "if { path /x }",
    "unless TRUE",
    "or",
    "||",
    "{",
    "}",
    "!",
    "%ci",
    "%[req.hdr(host)]",
    "%{+Q}o",
    "log stdout format raw local0 info\n",
    "log global\n",
    "log ",
    "len 1024",
    "sample 1:2",
    "errorfile 400 ",
    "errorloc 500 ",
    "/nowhere",
    "balance ",
    "hash-type consistent ",
    "roundrobin",
    "weight 10",
    "backup",
    "check",
    "inter 1s",
    "stats socket /x level admin\n",
    "user root\n",
    "nbthread 2\n",
    "maxconn 10\n",
    "cpu-map 1 0\n",
    "setenv A b\n",
    "set-var proc.x int(1)\n",
    "monitor-uri /x\n",
    "capture request header A len 10\n",
    "source 127.0.0.1 ",
    "usesrc clientip",
    "interface lo",
    "reqadd A:\\ b\n",
    "reqrep ^A B\n",
    "block if ",
    "redispatch\n",
    "contimeout 5000\n",
];
