//! Every fetch has a recorded value; those that read raw bytes are checked here, the others in a live stream by the
//! end-to-end tests.

use super::FAMILIES;
use crate::args::ArgKind;
use crate::expr::Expr;
use crate::sample::{Outcome, Type, Value};
use crate::testview::{TestView, compile};

/// Values in a live stream: the expression stands behind the first tab.
const LIVE: &str = include_str!("../../testdata/fetches-values.txt");
/// Lines of an expression, the bytes that a client sent in hexadecimal, and the value as a block in hexadecimal or `-`,
/// each behind a tab.
const PAYLOADS: &str = include_str!("../../testdata/fetches-payload.txt");
/// Fetches that need what neither has.
const ELSEWHERE: &[&str] = &[
    // User lists are resolved with the whole configuration.
    "http_auth",
    "http_auth_group",
    // Versions are compared with patterns only, and hellos of servers come on their side.
    "req.ssl_ver",
    "req_ssl_ver",
    "rep_ssl_hello_type",
    "res.ssl_hello_type",
];

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect(hex);
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[test]
fn raw_bytes_are_read_as_recorded() {
    for line in PAYLOADS.lines() {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap_or_default();
        let (expr, payload, expected) = (next(), next(), next());
        let mut view = TestView::new("GET", "/", &[]);
        view.payload = bytes(payload);
        view.is_tcp = true;
        let compiled = compile(|ctx| Expr::parse_str(expr, ctx)).expect(expr);
        let found = match compiled.eval_as(Type::Bin, &view) {
            Outcome::Found(Value::Bin(block)) | Outcome::Tentative(Value::Bin(block)) => {
                block.iter().map(|byte| format!("{byte:02X}")).collect()
            }
            _ => "-".to_owned(),
        };
        assert_eq!(found, expected, "{expr} of {payload}");
    }
}

#[test]
fn every_built_fetch_has_a_recorded_value() {
    let name = |expr: &'static str| expr.split('(').next().unwrap_or_default();
    let live = LIVE.lines().filter_map(|line| line.split('\t').nth(1));
    let raw = PAYLOADS.lines().filter_map(|line| line.split('\t').next());
    let recorded: Vec<&str> = live.chain(raw).map(name).collect();
    let missing: Vec<&str> = FAMILIES
        .iter()
        .copied()
        .flatten()
        // What stick tables know is recorded where there is traffic.
        .filter(|row| row.args.iter().all(|arg| arg.kind != ArgKind::Table))
        .filter(|row| !row.name.starts_with("sc") || !row.name.ends_with("_key"))
        .map(|row| row.name)
        .filter(|name| !recorded.contains(name) && !ELSEWHERE.contains(name))
        // Those of TLS connections need one: see the end-to-end tests.
        .filter(|name| !name.starts_with("ssl_"))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
