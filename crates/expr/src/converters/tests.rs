//! Every converter against values and faults recorded from HAProxy 3.4.

use crate::acl::AclSet;
use crate::args::ArgKind;
use crate::args::{Arg, Args};
use crate::context::{Compiler, ParseContext};
use crate::expr::Expr;
use crate::phases::Phases;
use crate::row::signature;
use crate::sample::{Outcome, Type, Value};
use crate::tables::TABLES;
use crate::testview::{Proxy, TestView};
use crate::vars::{Scope, VarId};
use crate::view::{Date, NoView, ProcessView, ProxyView, ServerView, Side, View};
use base::ProxyIdx;
use proptest::prelude::*;
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

const DUMP: &str = include_str!("../../testdata/converters-3.4.txt");
/// Lines of an expression, a tab, and the resulting sample as a block in hexadecimal, or `-` for none.
const VALUES: &str = include_str!("../../testdata/converters-values.txt");
/// Lines of an expression, a tab, and the complaint.
const FAULTS: &str = include_str!("../../testdata/converters-faults.txt");
/// Lines of an expression about a token, a tab, and the resulting text, or `! ` and the complaint.
const TOKENS: &str = include_str!("../../testdata/jwt-values.txt");
/// What stands for the directory of maps in them.
const MAPS: &str = "@MAPS@";

struct Server(u32, bool);

impl ServerView for Server {
    fn name(&self) -> &str {
        if self.0 == 1 { "s1" } else { "s2" }
    }
    fn id(&self) -> u32 {
        self.0
    }
    fn is_usable(&self) -> bool {
        self.1
    }
    fn connections(&self) -> u64 {
        0
    }
    fn queued(&self) -> u64 {
        0
    }
    fn max_connections(&self) -> u64 {
        0
    }
    fn weight(&self) -> (u32, u32) {
        (1, 1)
    }
    fn session_rate(&self) -> u32 {
        0
    }
}

struct Backend([Arc<Server>; 2]);

impl ProxyView for Backend {
    fn name(&self) -> &str {
        "be1"
    }
    fn id(&self) -> u32 {
        3
    }
    fn connections(&self) -> u64 {
        0
    }
    fn queued(&self) -> u64 {
        0
    }
    fn session_rate(&self) -> u32 {
        0
    }
    fn request_rate(&self) -> u32 {
        0
    }
    fn usable_servers(&self) -> u32 {
        1
    }
    fn server(&self, name: &str) -> Option<Arc<dyn ServerView>> {
        self.servers()
            .into_iter()
            .find(|server| server.name() == name)
    }
    fn servers(&self) -> Vec<Arc<dyn ServerView>> {
        let servers = self.0.iter();
        servers
            .map(|server| server.clone() as Arc<dyn ServerView>)
            .collect()
    }
    fn timeout(&self, _: &str) -> Option<u64> {
        None
    }
    fn max_connections(&self) -> u64 {
        0
    }
}

/// A request in a frontend `fe` beside a backend `be1`, with variables that can be set and one capture slot each way.
struct Recorder {
    inner: TestView,
    frontend: Proxy,
    backend: Arc<Backend>,
    vars: RefCell<Vec<(VarId, Value<'static>)>>,
    captures: RefCell<Vec<(Side, Vec<u8>)>>,
    events: RefCell<Vec<Vec<u8>>>,
}

impl Recorder {
    fn new(compiler: &mut Compiler) -> Self {
        let text = |text: &'static str| Value::Str(Cow::Borrowed(text.as_bytes()));
        let presets = [
            ("txn.i", Value::Int(7)),
            ("txn.s", text("seven")),
            ("txn.n", Value::Int(-3)),
            ("txn.b", Value::Bin(Cow::Borrowed(&[0, 0xff, 0x41]))),
            ("txn.ip", Value::Ip([1, 2, 3, 4].into())),
            ("txn.key", text("a2V5")),
            ("txn.t", Value::Bool(true)),
            ("txn.num", text("12")),
            ("txn.nonce", text("MTIzNDU2Nzg5MDEy")),
            ("txn.gk", text("Zm9vb2Zvb29mb29vb29vbw==")),
            ("txn.e", text("")),
        ];
        let vars = presets.into_iter().map(|(name, value)| {
            let id = compiler.names.intern(name).expect(name);
            (id, value)
        });
        Self {
            inner: TestView::new("GET", "/", &[]),
            frontend: Proxy("fe"),
            backend: Arc::new(Backend([Server(1, true), Server(2, false)].map(Arc::new))),
            vars: RefCell::new(vars.collect()),
            captures: RefCell::default(),
            events: RefCell::default(),
        }
    }

    fn find(&self, id: VarId) -> Option<Value<'static>> {
        let vars = self.vars.borrow();
        vars.iter().find(|(i, _)| *i == id).map(|(_, v)| v.clone())
    }
}

impl View for Recorder {
    fn now(&self) -> Date {
        self.inner.now()
    }
    fn process(&self) -> &dyn ProcessView {
        self
    }
    fn var(&self, id: VarId) -> Option<Value<'_>> {
        self.find(id)
    }
    fn set_var(&self, id: VarId, value: Option<Value<'_>>) -> bool {
        let mut vars = self.vars.borrow_mut();
        vars.retain(|(i, _)| *i != id);
        vars.extend(value.map(|value| (id, value.into_owned())));
        true
    }
    fn capture(&self, side: Side, slot: usize, text: &[u8]) -> bool {
        self.captures.borrow_mut().push((side, text.to_vec()));
        slot == 0
    }
}

impl ProcessView for Recorder {
    fn pid(&self) -> u32 {
        1
    }
    fn connections(&self) -> u64 {
        0
    }
    fn node(&self) -> &str {
        ""
    }
    fn hostname(&self) -> &str {
        ""
    }
    fn uptime_ms(&self) -> u64 {
        0
    }
    fn threads(&self) -> (u32, u32) {
        (1, 1)
    }
    fn proxy(&self, _: ProxyIdx) -> Option<&dyn ProxyView> {
        None
    }
    fn random(&self) -> u32 {
        0
    }
    fn proc_var(&self, name: u32) -> Option<Value<'static>> {
        self.find(VarId {
            scope: Scope::Process,
            name,
        })
    }
    fn next_number(&self) -> u64 {
        0
    }
    fn frontend_named(&self, name: &[u8]) -> Option<&dyn ProxyView> {
        (name == b"fe").then_some(&self.frontend)
    }
    fn backend_named(&self, name: &[u8]) -> Option<Arc<dyn ProxyView>> {
        (name == b"be1").then(|| self.backend.clone() as Arc<dyn ProxyView>)
    }
    fn event(&self, sink: &[u8], line: &[u8]) {
        self.events.borrow_mut().push([sink, b" ", line].concat());
    }
}

/// The sample of an expression as a block.
fn eval(text: &str) -> Result<Option<Vec<u8>>, String> {
    let mut compiler = Compiler::new(&TABLES);
    let view = Recorder::new(&mut compiler);
    let mut acls = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
    let expr = Expr::parse_str(text, &mut ctx)?;
    Ok(match expr.eval_as(Type::Bin, &view) {
        Outcome::Found(Value::Bin(bytes)) => Some(bytes.into_owned()),
        _ => None,
    })
}

/// Expressions and what was recorded for them.
fn records(lines: &'static str) -> impl Iterator<Item = (String, String)> {
    let maps = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/maps");
    lines.lines().filter_map(move |line| {
        let (expr, result) = line.split_once('\t')?;
        Some((expr.replace(MAPS, maps), result.replace(MAPS, maps)))
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn values_are_the_recorded_ones() {
    let mut wrong = Vec::new();
    for (expr, expected) in records(VALUES) {
        let found = match eval(&expr) {
            Ok(found) => found.map_or("-".to_owned(), |bytes| format!("={}", hex(&bytes))),
            Err(error) => error,
        };
        if found != expected {
            wrong.push(format!("{expr}\n  is   {found}\n  want {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tokens_are_judged_and_opened_as_recorded() {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/jwt");
    let mut compiler = Compiler::new(&TABLES);
    // Keys that variables name have to be known.
    for name in ["rsa.pub", "es256.pub"] {
        compiler
            .public_keys
            .load(&format!("{keys}/{name}"))
            .expect(name);
    }
    let mut wrong = Vec::new();
    for (expr, expected) in records(TOKENS) {
        let expr = expr.replace("@JWT@", keys);
        let view = Recorder::new(&mut compiler);
        let mut acls = AclSet::default();
        let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
        ctx.compiler.jwe.set_algorithms("ALL").expect("a list");
        let found = match Expr::parse_str(&expr, &mut ctx) {
            Err(error) => format!("! {error}"),
            Ok(expr) => match expr.eval_as(Type::Str, &view) {
                Outcome::Found(Value::Str(text)) => String::from_utf8_lossy(&text).into_owned(),
                _ => String::new(),
            },
        };
        if found != expected {
            wrong.push(format!("{expr}\n  is   {found}\n  want {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_are_told_in_the_recorded_words() {
    let mut wrong = Vec::new();
    for (expr, expected) in records(FAULTS) {
        let found = eval(&expr).map_or_else(|error| error, |_| "no fault".into());
        if found != expected {
            wrong.push(format!("{expr}\n  is   {found}\n  want {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Name, arguments, output and input of a line of the dump.
fn split(line: &str) -> (&str, &str, &str, &str) {
    let (call, types) = line.rsplit_once(": ").expect(line);
    let (output, input) = types.split_once(" => ").expect(line);
    let open = call.find('(').unwrap_or(call.len());
    (&call[..open], &call[open..], output, input)
}

#[test]
fn every_converter_of_the_dump_is_there_and_agrees_with_it() {
    for line in DUMP.lines() {
        let (name, args, output, input) = split(line);
        let row = TABLES.converter(name).expect(name);
        assert_eq!(signature(row.args), args, "arguments of {name}");
        assert_eq!(row.output.name(), output, "output of {name}");
        assert_eq!(row.input.name(), input, "input of {name}");
    }
}

#[test]
fn no_converter_is_there_that_the_dump_does_not_have() {
    let known: Vec<_> = DUMP.lines().map(|line| split(line).0).collect();
    for name in TABLES.converter_names() {
        assert!(known.contains(&name), "{name}");
    }
}

#[test]
fn every_built_converter_has_a_recorded_value() {
    let uses = |expr: &str, name: &str| {
        expr.match_indices(name).any(|(at, _)| {
            let end = expr.as_bytes().get(at + name.len());
            at > 0 && expr.as_bytes()[at - 1] == b',' && matches!(end, None | Some(b',' | b'('))
        })
    };
    let missing: Vec<_> = super::FAMILIES
        .iter()
        .copied()
        .flatten()
        // What tables know is recorded where there is traffic.
        .filter(|row| row.args.iter().all(|arg| arg.kind != ArgKind::Table))
        .map(|row| row.name)
        // What certificates are for is recorded where there are any.
        .filter(|name| !name.ends_with("_cert"))
        .filter(|name| {
            let mut all = records(VALUES).chain(records(TOKENS));
            !all.any(|(expr, value)| value != "-" && uses(&expr, name))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn converters_to_come_are_refused_by_what_they_need() {
    let error = |expr| eval(expr).expect_err("a refusal");
    assert_eq!(
        error("str(a),jwt_verify_cert(a,b)"),
        "invalid args in converter 'jwt_verify_cert' : unknown JWT algorithm: a"
    );
    assert_eq!(
        error("str(a),digest(sha3-256)"),
        "invalid args in converter 'digest' : algorithm 'sha3-256' is not built yet: needs the TLS library"
    );
}

#[test]
fn local_times_are_shifted_into_their_zone() {
    let calendar = super::strftime::Calendar::new(1_700_000_000, None, -12_600, "NST");
    let mut out = Vec::new();
    calendar.format(b"%F %T %z %Z %s", &mut out);
    assert_eq!(
        String::from_utf8_lossy(&out),
        "2023-11-14 18:43:20 -0330 NST 1700000000"
    );
}

#[test]
fn captures_and_events_are_handed_on() {
    let mut compiler = Compiler::new(&TABLES);
    let view = Recorder::new(&mut compiler);
    let mut acls = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
    let text = "str(abc),capture-req(0),capture-res(0),debug(p),debug(,stderr)";
    let expr = Expr::parse_str(text, &mut ctx).expect(text);
    let found = expr.eval(&view).value();
    assert_eq!(found, Some(Value::Str(Cow::Borrowed(b"abc"))));
    let captures = view.captures.borrow();
    assert_eq!(captures.len(), 2);
    assert_eq!(captures[0], (Side::Request, b"abc".to_vec()));
    assert_eq!(captures[1], (Side::Response, b"abc".to_vec()));
    let events = view.events.borrow();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], b"buf0 [debug] p: type=str <abc>");
    assert_eq!(events[1], b"stderr [debug] : type=str <abc>");
}

#[test]
fn nothing_is_set_where_nothing_is_kept() {
    for text in [
        "str(a),set-var(txn.x)",
        "str(a),unset-var(txn.x)",
        "str(a),capture-req(0)",
    ] {
        let mut compiler = Compiler::new(&TABLES);
        let mut acls = AclSet::default();
        let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
        let expr = Expr::parse_str(text, &mut ctx).expect(text);
        assert_eq!(expr.eval(&NoView), Outcome::Missing, "{text}");
    }
}

#[test]
fn results_longer_than_a_buffer_are_none() {
    let text = |hexes: usize| format!("str({}){}", "a".repeat(4096), ",hex".repeat(hexes));
    let length = |hexes| {
        eval(&text(hexes))
            .expect("an expression")
            .map(|bytes| bytes.len())
    };
    assert_eq!(length(2), Some(16_384));
    assert_eq!(length(3), None);
}

#[test]
fn when_asks_how_a_stream_went() {
    let mut compiler = Compiler::new(&TABLES);
    let mut acls = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
    // This stream was redispatched.
    let failed = TestView::new("GET", "/", &[]);
    for (text, expected) in [
        ("str(a),when(error)", true),
        ("str(a),when(!error)", false),
        ("str(a),when(normal)", false),
        ("str(a),when(!normal)", true),
        ("str(a),when(forwarded)", false),
        ("str(a),when(!processed)", true),
        ("str(a),when(toapplet)", false),
        ("str(a),when(stopping)", false),
        ("str(a),when(acl,METH_GET)", true),
        ("str(a),when(acl,METH_POST)", false),
    ] {
        let expr = Expr::parse_str(text, &mut ctx).expect(text);
        assert_eq!(expr.eval(&failed).value().is_some(), expected, "{text}");
    }
}

/// Runs a converter with arguments over any value.
fn run(converter: &str, value: Value<'_>) {
    let mut compiler = Compiler::new(&TABLES);
    let view = Recorder::new(&mut compiler);
    let mut acls = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
    let (name, rest) = converter.split_at(converter.find('(').unwrap_or(converter.len()));
    let row = TABLES.converter(name).expect(name);
    let (mut args, _) = crate::arglist::parse(rest, row.args, "", &mut ctx).expect(converter);
    if let Some(check) = row.check {
        check(&mut args, &mut ctx).expect(converter);
    }
    if let Some(value) = crate::cast::cast(value, row.input) {
        let _ = (row.convert)(&args, value, &view);
    }
}

/// The converters that parse what peers send, with arguments that make them go deep.
const PARSERS: &[&str] = &[
    "json(utf8)",
    "json(utf8ps)",
    "json_query($.a.b[1])",
    "json_query($[*].a,int)",
    "jwt_header_query($.a)",
    "jwt_payload_query($[0],int)",
    "protobuf(1.2,int32)",
    "protobuf(1.1.1)",
    "protobuf(1,double)",
    "ungrpc(1,sint64)",
    "fix_is_valid",
    "fix_tag_value(35)",
    "mqtt_is_valid",
    "mqtt_field_value(connect,username)",
    "mqtt_field_value(connack,31)",
    "url_dec",
    "url_dec(1)",
    "url_enc",
    "b64dec",
    "ub64dec",
    "rfc7239_is_valid",
    "rfc7239_field(for)",
    "rfc7239_n2nn",
    "rfc7239_n2np",
    "language(en;fr)",
    "date",
    "host_only",
    "port_only",
    "reverse_dom",
    "word(-2,.;,3)",
    "field(2,.,0)",
    "param(a)",
    "regsub(a*,\\\\0,g)",
    "hex2i",
    "eth.data",
    "eth.vlan",
    "ip.data",
    "ip.fp(7)",
    "tcp.options_list",
    "tcp.options.mss",
    "aes_gcm_dec(128,txn.nonce,txn.gk,txn.key)",
    "aes_cbc_dec(128,MTIzNDU2Nzg5MDEyMzQ1Ng==,txn.gk)",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for parser in PARSERS {
            run(parser, Value::Bin(Cow::Borrowed(&bytes)));
        }
    }

    #[test]
    fn no_likely_text_makes_a_parser_panic(
        text in "([{}\\[\\]\",:a0-9.eE+\\\\-]|\\\\u00|\u{1}|8=FIX\\.4\\.2\u{1}|10=|for=|;q=|%){0,40}"
    ) {
        for parser in PARSERS {
            run(parser, Value::Str(Cow::Borrowed(text.as_bytes())));
        }
    }

    #[test]
    fn no_packet_makes_a_parser_panic(
        head in prop::sample::select(vec![
            &b"\x10\x20\0\x04MQTT\x05\xc6\0\x3c"[..],
            b"\x20\x10\0\0",
            b"\x45\0\0\0",
            b"\x60\0\0\0\0\0\0",
            b"\0\0\0\0\x08",
        ]),
        tail in prop::collection::vec(prop_oneof![0u8..12, any::<u8>()], 0..90),
    ) {
        let bytes = [head, tail.as_slice()].concat();
        for parser in PARSERS {
            run(parser, Value::Bin(Cow::Borrowed(&bytes)));
        }
    }

    #[test]
    fn no_time_makes_a_date_panic(
        time in any::<i64>(),
        offset in any::<i64>(),
        format in "(%[-_0^#]?[0-9]{0,3}[EO]?[a-zA-Z%+]|.){0,6}",
    ) {
        for name in ["utime", "ltime", "ms_utime", "us_ltime", "http_date"] {
            let row = TABLES.converter(name).expect(name);
            let args = if name == "http_date" {
                Args::new(vec![Arg::Int(offset), Arg::Int(1000)])
            } else {
                Args::new(vec![Arg::Str(format.as_bytes().into()), Arg::Int(offset)])
            };
            let _ = (row.convert)(&args, Value::Int(time), &NoView);
        }
    }

    #[test]
    fn encoding_and_decoding_are_inverse(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let text = super::base64::encode(&bytes);
        prop_assert_eq!(super::base64::decode(&text), Some(bytes));
    }

    #[test]
    fn any_arguments_are_read_or_refused(
        name in prop::sample::select(super::FAMILIES.iter().copied().flatten().map(|row| row.name).collect::<Vec<_>>()),
        args in "[a-z0-9.,$\\[\\]()-]{0,12}",
    ) {
        let _ = eval(&format!("str(a1),{name}({args})"));
        let _ = eval(&format!("int(-5),{name}({args})"));
    }
}
