//! Expressions, log formats and conditions. An input's first line is what is compiled, the rest is the message that it is
//! then evaluated against.

use super::owned;
use super::view::FuzzView;
use expr::logformat::Usage;
use expr::sample::Type;
use expr::tables::TABLES;
use expr::view::NoView;
use expr::{
    AclSet, Compiler, Condition, Expr, LogFormat, Match, Outcome, ParseContext, Phases, Value,
};

/// A sample is no larger than this, in bytes: HAProxy holds each in a buffer.
const LARGEST_SAMPLE: usize = 256 * 1024;

fn split(input: &[u8]) -> (String, &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (line, rest) = input.split_at(end.unwrap_or(input.len()));
    (
        String::from_utf8_lossy(line).into_owned(),
        rest.get(1..).unwrap_or_default(),
    )
}

/// Compiles with a context of its own; checks that a refusal says why.
fn compile<T>(read: impl FnOnce(&mut ParseContext<'_>) -> Result<T, String>) -> Option<T> {
    let mut compiler = Compiler::new(&TABLES);
    let mut acls = AclSet::default();
    let mut context = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
    let result = read(&mut context);
    assert!(context.warnings.iter().all(|warning| !warning.is_empty()));
    match result {
        Ok(made) => Some(made),
        Err(message) => {
            assert!(!message.is_empty());
            None
        }
    }
}

fn size(value: &Value<'_>) -> usize {
    match value {
        Value::Str(text) | Value::Bin(text) | Value::Method(_, text) => text.len(),
        _ => 0,
    }
}

/// Samples are of the type that was promised, of bounded size, and the same each time.
pub fn expression(input: &[u8]) {
    let (line, rest) = split(input);
    let Some(expr) = compile(|context| Expr::parse_str(&line, context)) else {
        return;
    };
    let _ = (expr.phases(), expr.need());
    let mut view = FuzzView::new(rest);
    for complete in [true, false] {
        view.complete = complete;
        evaluate(&expr, &view);
    }
    let _ = expr.eval(&NoView);
}

/// Converters of structured data, with arguments in the first line, take any bytes for it.
pub fn converter(input: &[u8]) {
    let (line, rest) = split(input);
    let text = format!("req.body,{line}");
    let Some(expr) = compile(|context| Expr::parse_str(&text, context)) else {
        return;
    };
    let view = FuzzView::new(rest);
    let outcome = expr.eval(&view);
    assert_eq!(outcome, expr.eval(&view));
    // What a field of a message is, only the message tells; its row can't promise a type.
    if let Some(value) = outcome.value() {
        assert!(size(&value) <= LARGEST_SAMPLE);
    }
}

/// Calls of converters that take structured data apart, and pieces of such data.
pub fn converter_words() -> Vec<Vec<u8>> {
    owned([
        "json_query('$.a')\n",
        "json_query('$.a[1].b',int)\n",
        "json(utf8s)\n",
        "jwt_header_query('$.alg')\n",
        "jwt_payload_query('$.sub')\n",
        "jwt_verify(HS256,key)\n",
        "jwt_verify(none,key)\n",
        "jwt_decrypt_secret(MDEyMzQ1Njc4OWFiY2RlZg==)\n",
        "jwt_decrypt_jwk('{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}')\n",
        "protobuf(1.2,int32)\n",
        "protobuf(3,string)\n",
        "ungrpc(2.1)\n",
        "regsub('(a+)(b?)','<\\2\\1>',g)\n",
        "regsub('(a)\\1(?=b)',x)\n",
        "mqtt_is_valid\n",
        "mqtt_field_value(connect,client_identifier)\n",
        "fix_is_valid\n",
        "fix_tag_value(35)\n",
        "eth.data,ip.data,tcp.options\n",
        "rfc7239_field(for)\n",
        "{\"a\":",
        "[1,{\"b\":2}]",
        "\"\\u0041\\n\"",
        "null",
        "true",
        "-1.5e3",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0",
        "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSIsImVwayI6e319",
        "eyJhbGciOiJIUzI1NiJ9",
        ".",
        "..",
        "AAAAAAAAAAAAAAAA",
        "\x08\x01",
        "\x12\x03abc",
        "\u{0}\u{0}\u{0}\u{0}\u{5}",
        "\x10\x14\u{0}\x04MQTT\x04\x02",
        "8=FIX.4.4\x019=5\x0135=A\x01",
        "aab",
        "for=1.2.3.4;proto=https",
    ])
}

fn evaluate(expr: &Expr, view: &FuzzView<'_>) {
    let outcome = expr.eval(view);
    assert_eq!(outcome, expr.eval(view));
    let value = outcome.clone().value();
    if let Some(value) = &value {
        assert!(size(value) <= LARGEST_SAMPLE);
        let (promised, kind) = (expr.output(), value.kind());
        let address = promised == Type::Addr && matches!(kind, Type::Ipv4 | Type::Ipv6);
        let open = matches!(promised, Type::Any | Type::Same);
        assert!(
            open || address || promised == kind,
            "{promised:?} gave {kind:?}"
        );
    }
    for to in [
        Type::Bool,
        Type::Int,
        Type::Addr,
        Type::Str,
        Type::Bin,
        Type::Method,
    ] {
        if let Outcome::Found(cast) = expr.eval_as(to, view) {
            let address = to == Type::Addr && matches!(cast.kind(), Type::Ipv4 | Type::Ipv6);
            assert!(
                address || cast.kind() == to,
                "{to:?} gave {:?}",
                cast.kind()
            );
            assert!(size(&cast) <= 2 * LARGEST_SAMPLE + 64);
        }
    }
    let mut seen = 0;
    expr.any(view, |value| {
        seen += size(value);
        false
    });
    assert!(seen <= 64 * LARGEST_SAMPLE);
}

/// Formats write the same each time, constants what they promise, and nothing that would end a header field.
pub fn log_format(input: &[u8]) {
    let (line, rest) = split(input);
    let view = FuzzView::new(rest);
    let breaks = |byte: &u8| b"\r\n\0".contains(byte);
    for usage in [Usage::LOG, Usage::UNIQUE_ID, Usage::HTTP, Usage::RAW] {
        let Some(format) = compile(|context| LogFormat::parse(&line, usage, context)) else {
            continue;
        };
        let mut out = b"before".to_vec();
        format.render(&view, &mut out);
        let written = out.strip_prefix(b"before").expect("what was there stays");
        let mut again = Vec::new();
        format.render(&view, &mut again);
        assert_eq!(written, again);
        assert!(written.len() <= 64 * LARGEST_SAMPLE);
        if let Some(constant) = format.constant() {
            assert_eq!(constant, written);
        }
        if usage == Usage::HTTP && !line.bytes().any(|byte| breaks(&byte)) {
            assert!(!written.iter().any(breaks), "{}", written.escape_ascii());
        }
        format.render(&NoView, &mut again);
    }
}

/// Conditions that are settled say yes or no, `unless` says the opposite, and warnings have a text.
pub fn condition(input: &[u8]) {
    let (line, rest) = split(input);
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let mut view = FuzzView::new(rest);
    if let Some((&"acl", rest)) = words.split_first() {
        compile(|context| AclSet::parse_line(rest, context));
        return;
    }
    let Some(condition) = compile(|context| Condition::parse(&words, context)) else {
        return;
    };
    assert!(words.first().is_some_and(|word| Condition::opens(word)));
    let settled = condition.matches(&view);
    assert_ne!(settled, Match::NotYet);
    assert_eq!(condition.holds(&view), settled == Match::Yes);
    let opposite: Vec<&str> = ["if", "unless"]
        .into_iter()
        .filter(|word| Some(word) != words.first())
        .chain(words.iter().skip(1).copied())
        .collect();
    let opposite = compile(|context| Condition::parse(&opposite, context)).expect("the same terms");
    assert_ne!(opposite.matches(&view), settled);
    view.complete = false;
    let _ = (condition.matches(&view), opposite.matches(&view));
    for place in [
        Phases::REQUEST,
        Phases::RESPONSE,
        Phases::FRONTEND,
        Phases::NONE,
    ] {
        assert!(condition.phase_warning(place) != Some(String::new()));
    }
}

/// The names of everything that can be in an expression, followed by arguments or not.
pub fn words() -> Vec<Vec<u8>> {
    let mut words = owned([
        "(",
        ")",
        ",",
        "()",
        "(1)",
        "(-1)",
        "(host)",
        "(x-list,2)",
        "(0,4)",
        "(a,b,c)",
        "\"",
        "'",
        "\\",
        " ",
        "\n",
        "int(1)",
        "str(abc)",
        "bin(00ff)",
        "ipv4(127.0.0.1)",
        "ipv6(::1)",
        "bool(true)",
        "req.hdr(x-list)",
        "req.body",
        "var(txn.a)",
        "payload(0,10)",
        "0x10",
        "2147483648",
        "-9223372036854775808",
        "a=1&b=2; c=d",
        "\x16\x03\x01\x02\0\x01\0",
        "{\"a\":[1,{\"b\":\"c\"}]}",
        "$.a[1].b",
        "%41%zz",
        "+",
    ]);
    let tables = &TABLES;
    let fetches = tables
        .fetches
        .iter()
        .flat_map(|family| family.iter().map(|row| row.name));
    words.extend(owned(fetches));
    let converters = tables
        .converters
        .iter()
        .flat_map(|family| family.iter().map(|row| row.name));
    for name in converters {
        words.push(format!(",{name}").into());
        words.push(format!(",{name}(").into());
    }
    words
}

/// Words of log formats.
pub fn log_format_words() -> Vec<Vec<u8>> {
    let mut all = owned([
        "%",
        "%%",
        "%[",
        "]",
        "%{",
        "}",
        "%{+Q}",
        "%{+E}",
        "%{+X}",
        "%{+M}",
        "%{+Q,-E,+X}",
        "%{+json}o",
        "%{+cbor}o",
        "%{+json,+bin}o",
        "%(name)",
        "%(name:str)",
        "%(n:sint)",
        "%(:bool)",
        "%o ",
        "%ci",
        "%hr",
        "%r",
        "%ST",
        "%ts",
        "%TR",
        "%Th",
        "%HM",
        "%HP",
        "%HU",
        "%HQ",
        "%HV",
        "%t",
        "%T",
        "%Ts",
        "%ms",
        "%ID",
        "%si",
        "%B",
        "%U",
        "%CC",
        "%hrl",
        "%lc",
        "%rt",
        "%H",
        "%pid",
        "%f",
        "%ft",
        "%b",
        "%s",
        "%sslv",
        "%[path]",
        "%[req.hdr(host)]",
        "%[str(a\"b\\\\c)]",
        "%[int(-1),hex]",
        "  ",
    ]);
    all.extend(words());
    all
}

/// Words of conditions.
pub fn condition_words() -> Vec<Vec<u8>> {
    let mut all = owned([
        "if ",
        "unless ",
        "acl a ",
        " { ",
        " } ",
        " ! ",
        "!",
        " or ",
        " || ",
        " TRUE ",
        " FALSE ",
        "HTTP",
        "METH_GET",
        "LOCALHOST",
        " -i ",
        " -m ",
        "str ",
        "beg ",
        "sub ",
        "reg ",
        "ip ",
        "int ",
        "len ",
        "bin ",
        "dir ",
        "dom ",
        "end ",
        "found ",
        "bool ",
        " -f ",
        " -M ",
        " -n ",
        " -u 5 ",
        " -- ",
        "virt@x ",
        "opt@/nowhere ",
        "gt ",
        "lt 5 ",
        "1:5 ",
        ":5 ",
        "5: ",
        "10.0.0.0/8 ",
        "::/0 ",
        "^a(b|c)*$ ",
        "(a+)+$ ",
        "a{1000} ",
        "\\xff ",
        "(?i)x ",
        "(?=x) ",
        "\\1 ",
    ]);
    let acls = TABLES.acls.iter().map(|row| row.name);
    all.extend(owned(acls));
    all.extend(words());
    all
}
