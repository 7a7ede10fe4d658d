//! `balance`, `hash-type` and `hash-balance-factor`.

use super::{clamp, number};
use crate::parse::options::leading_integer;
use crate::parse::{ANY, Fault, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::{Algorithm, HashKey, HashType};
use ::balance::hash::{Function, UriKey};
use expr::{Expr, Phases};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "balance",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "How a server is chosen.",
        read: balance,
    },
    Row {
        name: "hash-type",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "How a hash leads to a server.",
        read: hash_type,
    },
    Row {
        name: "hash-balance-factor",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "How far above the average a server's load may be, in percent.",
        read: hash_balance_factor,
    },
];

const ALGORITHMS: [&str; 13] = [
    "roundrobin",
    "static-rr",
    "leastconn",
    "first",
    "random",
    "sticky",
    "source",
    "uri",
    "url_param",
    "hdr",
    "rdp-cookie",
    "hash",
    "log-hash",
];

fn balance(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    let (name, parameter) = match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest)),
        None => (text, None),
    };
    // The algorithm, and how many arguments mean something to it.
    let (algorithm, used) = match (name, parameter) {
        ("" | "roundrobin", None) => (Algorithm::RoundRobin, 1),
        ("static-rr", None) => (Algorithm::StaticRoundRobin, 1),
        ("leastconn", None) => (Algorithm::LeastConn, 1),
        ("first", None) => (Algorithm::First, 1),
        ("sticky", None) => (Algorithm::Sticky, 1),
        ("random", None) => (Algorithm::Random(2), 1),
        ("random", Some(rest)) => (Algorithm::Random(draws(statement, rest)?), 1),
        ("source", None) => (Algorithm::Hash(HashKey::Source), 1),
        ("uri", None) => (Algorithm::Hash(uri(parser, statement)?), statement.len()),
        ("url_param", None) => url_param(parser, statement)?,
        ("hdr", Some(rest)) => header(parser, statement, rest)?,
        ("rdp-cookie", parameter) => (rdp_cookie(parser, statement, parameter)?, 1),
        ("hash", None) => (expression(parser, statement)?, 2),
        ("log-hash", None) if statement.arg(1).is_empty() => {
            return Err(statement.fault(0, "balance log-hash requires a converter list."));
        }
        ("log-hash", None) => (Algorithm::Hash(log_key(parser, statement)?), 2),
        _ => return Err(unknown(statement, name)),
    };
    ignores_rest(parser, statement, &format!("balance {name}"), used);
    let back = &mut parser.proxy()?.back;
    (back.balance.algorithm, back.balance_given) = (algorithm, true);
    Ok(())
}

/// Warns of arguments that have never meant anything.
fn ignores_rest(parser: &mut Parser<'_>, statement: Statement<'_>, what: &str, used: usize) {
    if statement.len() > used {
        let message = format!(
            "'{what}' ignores what follows it: '{}'",
            statement.arg(used)
        );
        let kept: Vec<&str> = statement.args_from(0).into_iter().take(used).collect();
        let hint = format!("write: {} {}", statement.keyword(), kept.join(" "));
        parser.warn(statement, message, Some(hint));
    }
}

/// The name in parentheses; `None` when it is missing or not closed.
fn parenthesized<'l>(
    parser: &mut Parser<'_>,
    statement: Statement<'l>,
    rest: &'l str,
) -> Option<&'l str> {
    let (name, more) = rest.split_once(')').filter(|(name, _)| !name.is_empty())?;
    if !more.is_empty() {
        let message = format!("'balance' ignores what follows the parenthesis: '{more}'");
        parser.warn(statement, message, None);
    }
    Some(name)
}

fn unknown(statement: Statement<'_>, name: &str) -> Fault {
    let fault = statement.fault(
        0,
        "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', 'uri', 'url_param', 'hash', \
         'hdr(name)', 'rdp-cookie(name)', 'log-hash' and 'sticky' options.",
    );
    match config::suggest::nearest(name, ALGORITHMS) {
        Some("hdr") => fault.hint("write: balance hdr(<name>)"),
        Some(near) => fault.hint(format!("did you mean '{near}'?")),
        None => fault,
    }
}

fn uri(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<HashKey> {
    let mut part = UriKey::default();
    let mut path_only = false;
    let mut at = 1;
    while at < statement.len() {
        let option = statement.arg(at);
        match option {
            "whole" => part.whole = true,
            "path-only" => path_only = true,
            "len" | "depth" => {
                at += 1;
                let value = uri_figure(parser, statement, option, at)?;
                if option == "len" {
                    part.len = value;
                } else {
                    part.depth = value;
                }
            }
            other => {
                return Err(statement.fault(
                    at,
                    format!(
                        "balance uri only accepts parameters 'len', 'depth', 'path-only', and 'whole' (got '{other}')."
                    ),
                ));
            }
        }
        at += 1;
    }
    Ok(HashKey::Uri { part, path_only })
}

fn uri_figure(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    option: &str,
    at: usize,
) -> Parsed<usize> {
    let text = statement.arg(at);
    let (value, whole) = leading_integer(text);
    let value = clamp(value) as usize;
    if value == 0 {
        let message =
            format!("balance uri : '{option}' expects a positive integer (got '{text}').");
        return Err(match text.is_empty() {
            true => statement.fault_here(message),
            false => statement.fault(at, message),
        });
    }
    if !whole {
        let message = format!("balance uri : '{option}' value '{text}' is no integer");
        if parser.strict {
            return Err(statement.fault(at, format!("{message}.")));
        }
        parser.warn(statement, format!("{message}, {value} is used."), None);
    }
    Ok(value)
}

fn url_param(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<(Algorithm, usize)> {
    let name = statement.arg(1);
    if name.is_empty() {
        return Err(statement.fault_here("balance url_param requires an URL parameter name."));
    }
    let (check_post, used) = match statement.arg(2) {
        "" => (false, 2),
        "check_post" => (true, 3),
        other => {
            return Err(statement.fault(
                2,
                format!("balance url_param only accepts 'check_post' modifier (got '{other}')."),
            ));
        }
    };
    let waits = check_post && !statement.arg(3).is_empty();
    if waits {
        parser.notice_once(
            statement,
            "the last argument of 'balance url_param' has no effect: requests are buffered as a whole.",
        );
    }
    let key = HashKey::UrlParam {
        name: name.into(),
        check_post,
    };
    Ok((Algorithm::Hash(key), used + usize::from(waits)))
}

fn header<'l>(
    parser: &mut Parser<'_>,
    statement: Statement<'l>,
    rest: &'l str,
) -> Parsed<(Algorithm, usize)> {
    let Some(name) = parenthesized(parser, statement, rest) else {
        return Err(statement.fault(0, "balance hdr requires an http header field name."));
    };
    let (domain_only, used) = match statement.arg(1) {
        "" => (false, 1),
        "use_domain_only" => (true, 2),
        other => {
            return Err(statement.fault(
                1,
                format!(
                    "balance hdr({name}) only accepts 'use_domain_only' modifier (got '{other}')."
                ),
            ));
        }
    };
    let key = HashKey::Header {
        name: name.to_ascii_lowercase().into(),
        domain_only,
    };
    Ok((Algorithm::Hash(key), used))
}

fn rdp_cookie<'l>(
    parser: &mut Parser<'_>,
    statement: Statement<'l>,
    parameter: Option<&'l str>,
) -> Parsed<Algorithm> {
    let name = match parameter {
        None => Some("mstshash"),
        Some(rest) => parenthesized(parser, statement, rest),
    };
    let Some(name) = name else {
        return Err(statement.fault(0, "balance rdp-cookie : missing cookie name."));
    };
    let text = format!("req.rdp_cookie('{name}')");
    let expr = parser
        .in_context(statement, Phases::BE_SET_SERVER, |ctx| {
            Expr::parse_str(&text, ctx)
        })
        .map_err(|why| statement.fault(0, format!("balance rdp-cookie : {why}.")))?;
    Ok(Algorithm::Hash(HashKey::RdpCookie(Arc::new(expr))))
}

/// The converters of `log-hash`.
fn log_key(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<HashKey> {
    let text = format!("req.payload(0,0),{}", statement.arg(1));
    let expr = parser
        .in_context(statement, Phases::BE_SET_SERVER, |ctx| {
            Expr::parse_str(&text, ctx)
        })
        .map_err(|why| {
            let message = format!(
                "failed to initialize: {why} (from converter list argument in \"balance log-hash\")."
            );
            statement.fault(1, message)
        })?;
    Ok(HashKey::Log(Arc::new(expr)))
}

fn expression(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<Algorithm> {
    let text = statement.arg(1);
    if text.is_empty() {
        return Err(statement.fault_here("balance hash requires a sample expression."));
    }
    if statement.len() > 2 {
        let message = format!(
            "balance hash takes no other argument (got '{}').",
            statement.arg(2)
        );
        return Err(statement.fault(2, message));
    }
    let expr = parser
        .in_context(statement, Phases::BE_SET_SERVER, |ctx| {
            Expr::parse_str(text, ctx)
        })
        .map_err(|why| {
            let message = format!("failed to parse 'balance hash' expression '{text}' in : {why}.");
            statement.fault(1, message)
        })?;
    if !expr.phases().intersects(Phases::BE_SET_SERVER) {
        return Err(statement.fault(
            1,
            format!(
                "error detected while parsing 'balance hash' expression '{text}' which requires information from {}, \
                 which is not available here.",
                expr.need()
            ),
        ));
    }
    Ok(Algorithm::Hash(HashKey::Expr(Arc::new(expr))))
}

fn hash_type(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let consistent = match statement.arg(0) {
        "consistent" => true,
        "map-based" => false,
        "avalanche" => {
            return Err(statement.fault(
                0,
                "experimental feature 'hash-type avalanche' is not supported anymore, please use \
                 'hash-type map-based sdbm avalanche' instead.",
            ));
        }
        _ => {
            return Err(
                statement.fault_here("'hash-type' only supports 'consistent' and 'map-based'.")
            );
        }
    };
    let (function, avalanche) = match statement.arg(1) {
        "" => (Function::Sdbm, consistent),
        name => (function(statement, name)?, modifier(statement)?),
    };
    ignores_rest(parser, statement, "hash-type", 3);
    parser.proxy()?.back.balance.hash_type = HashType {
        consistent,
        function,
        avalanche,
    };
    Ok(())
}

fn function(statement: Statement<'_>, name: &str) -> Parsed<Function> {
    Ok(match name {
        "sdbm" => Function::Sdbm,
        "djb2" => Function::Djb2,
        "wt6" => Function::Wt6,
        "crc32" => Function::Crc32,
        "none" => Function::None,
        _ => {
            return Err(statement
                .fault(
                    1,
                    "'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions.",
                )
                .hint("'none' is another one, for keys that are numbers already"));
        }
    })
}

fn modifier(statement: Statement<'_>) -> Parsed<bool> {
    match statement.arg(2) {
        "" => Ok(false),
        "avalanche" => Ok(true),
        _ => Err(statement.fault(
            2,
            "'hash-type' only supports 'avalanche' as a modifier for hash functions.",
        )),
    }
}

fn hash_balance_factor(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let value = number(
        parser,
        statement,
        0,
        "'hash-balance-factor' expects an integer argument.",
    )?;
    ignores_rest(parser, statement, "hash-balance-factor", 1);
    if value != 0 && value <= 100 {
        return Err(statement.fault(0, "'hash-balance-factor' must be 0 or greater than 100."));
    }
    parser.proxy()?.back.balance.factor = clamp(value);
    Ok(())
}

fn draws(statement: Statement<'_>, rest: &str) -> Parsed<u32> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = rest.split_at(digits);
    if !after.starts_with(')') {
        return Err(statement.fault(
            0,
            match after.chars().next() {
                None => "balance random : missing closing parenthesis.".to_owned(),
                Some(c) => format!("balance random : unexpected character '{c}' after argument."),
            },
        ));
    }
    match number.parse() {
        Ok(0) => Err(statement.fault(0, "balance random : number of draws must be at least 1.")),
        Ok(draws) => Ok(draws),
        Err(_) => Err(statement.fault(0, "balance random : number of draws expected.")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, read, tcp};
    use crate::proxy::{Algorithm, HashKey, Options};
    use ::balance::hash::Function;

    #[test]
    fn algorithms() {
        let of = |line: &str| {
            listen(&format!(" balance {line}"))
                .proxy("l")
                .back
                .balance
                .algorithm
                .clone()
        };
        assert!(matches!(of("static-rr"), Algorithm::StaticRoundRobin));
        assert!(matches!(of("leastconn"), Algorithm::LeastConn));
        assert!(matches!(of("first"), Algorithm::First));
        assert!(matches!(of("random"), Algorithm::Random(2)));
        assert!(matches!(of("random(5)"), Algorithm::Random(5)));
        assert!(matches!(of("sticky"), Algorithm::Sticky));
        assert!(matches!(of(""), Algorithm::RoundRobin));
    }

    fn key(line: &str) -> HashKey {
        match &listen(&format!(" balance {line}"))
            .proxy("l")
            .back
            .balance
            .algorithm
        {
            Algorithm::Hash(key) => key.clone(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn keys_to_hash() {
        assert!(matches!(key("source"), HashKey::Source));
        let HashKey::Uri { part, path_only } = key("uri whole path-only len 3 depth 2") else {
            panic!("no uri")
        };
        assert_eq!(
            (part.whole, part.len, part.depth, path_only),
            (true, 3, 2, true)
        );
        for (line, wanted) in [("url_param p", false), ("url_param p check_post", true)] {
            assert!(
                matches!(key(line), HashKey::UrlParam { name, check_post } if &*name == "p" && check_post == wanted)
            );
            let out = listen(&format!(" balance {line}"));
            assert_eq!(out.proxy("l").options.has(Options::BUFFER_REQUEST), wanted);
        }
        for (line, wanted) in [("hdr(Host)", false), ("hdr(HOST) use_domain_only", true)] {
            assert!(
                matches!(key(line), HashKey::Header { name, domain_only } if &*name == "host" && domain_only == wanted)
            );
        }
        assert!(matches!(key("rdp-cookie"), HashKey::RdpCookie(_)));
        assert!(matches!(key("rdp-cookie(abc)"), HashKey::RdpCookie(_)));
        assert!(matches!(key("hash path"), HashKey::Expr(_)));
    }

    #[test]
    fn hash_types() {
        let of = |line: &str| {
            let text = format!(" hash-type consistent wt6 avalanche\n hash-type {line}");
            let set = listen(&text).proxy("l").back.balance.hash_type;
            (set.consistent, set.function, set.avalanche)
        };
        assert_eq!(of("map-based"), (false, Function::Sdbm, false));
        assert_eq!(of("consistent"), (true, Function::Sdbm, true));
        assert_eq!(of("consistent sdbm"), (true, Function::Sdbm, false));
        assert_eq!(
            of("map-based crc32 avalanche"),
            (false, Function::Crc32, true)
        );
        assert_eq!(of("map-based none"), (false, Function::None, false));
        let out = listen(" hash-balance-factor 150");
        assert_eq!(out.proxy("l").back.balance.factor, 150);
    }

    #[test]
    fn modes_limit_the_choice() {
        let out = tcp(" balance uri");
        assert!(matches!(
            out.proxy("l").back.balance.algorithm,
            Algorithm::RoundRobin
        ));
        assert!(
            out.messages.contains(
                "Layer 7 hash not possible for proxy 'l' (needs 'mode http'). Falling back to round robin."
            ),
            "{}",
            out.messages
        );
        for algorithm in ["source", "hash src", "leastconn", "first", "static-rr"] {
            let out = read(&format!(
                "backend l\n mode log\n balance {algorithm}\n server s udp@127.0.0.1:1\n"
            ));
            let message = "in backend 'l': \\\"balance\\\" only supports 'roundrobin', 'random', 'sticky' and 'log-hash'.";
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{algorithm}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (
                " balance roundrobi",
                "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source'",
            ),
            (
                " balance random(0)",
                "balance random : number of draws must be at least 1.",
            ),
            (
                " balance random(a)",
                "balance random : unexpected character 'a' after argument.",
            ),
            (
                " balance random(2",
                "balance random : missing closing parenthesis.",
            ),
            (
                " balance uri len",
                "balance uri : 'len' expects a positive integer (got '').",
            ),
            (
                " balance uri depth -3",
                "balance uri : 'depth' expects a positive integer (got '-3').",
            ),
            (
                " balance uri foo",
                "balance uri only accepts parameters 'len', 'depth', 'path-only', and 'whole' (got 'foo').",
            ),
            (" balance uri(x)", "balance only supports 'roundrobin'"),
            (" balance hdr", "balance only supports 'roundrobin'"),
            (
                " balance url_param",
                "balance url_param requires an URL parameter name.",
            ),
            (
                " balance url_param p foo",
                "balance url_param only accepts 'check_post' modifier (got 'foo').",
            ),
            (
                " balance hdr(",
                "balance hdr requires an http header field name.",
            ),
            (
                " balance hdr()",
                "balance hdr requires an http header field name.",
            ),
            (
                " balance hdr(host) foo",
                "balance hdr(host) only accepts 'use_domain_only' modifier (got 'foo').",
            ),
            (
                " balance rdp-cookie()",
                "balance rdp-cookie : missing cookie name.",
            ),
            (
                " balance hash",
                "balance hash requires a sample expression.",
            ),
            (
                " balance hash foo",
                "failed to parse 'balance hash' expression 'foo' in : unknown fetch method 'foo'.",
            ),
            (
                " balance hash path lower",
                "balance hash takes no other argument (got 'lower').",
            ),
            (
                " balance hash res.hdr(x)",
                "error detected while parsing 'balance hash' expression 'res.hdr(x)' which requires information from \
                 HTTP response headers, which is not available here.",
            ),
            (
                " balance log-hash",
                "balance log-hash requires a converter list.",
            ),
            (
                " balance log-hash nope",
                "failed to initialize: unknown converter 'nope'",
            ),
            (
                " hash-type",
                "'hash-type' only supports 'consistent' and 'map-based'.",
            ),
            (
                " hash-type avalanche",
                "experimental feature 'hash-type avalanche' is not supported anymore, please use 'hash-type map-based \
                 sdbm avalanche' instead.",
            ),
            (
                " hash-type consistent avalanche",
                "'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions.",
            ),
            (
                " hash-type consistent wt6 foo",
                "'hash-type' only supports 'avalanche' as a modifier for hash functions.",
            ),
            (
                " hash-balance-factor",
                "'hash-balance-factor' expects an integer argument.",
            ),
            (
                " hash-balance-factor 100",
                "'hash-balance-factor' must be 0 or greater than 100.",
            ),
            (
                " hash-balance-factor -5",
                "'hash-balance-factor' must be 0 or greater than 100.",
            ),
            (
                " server s 127.0.0.1:1 hash-key foo",
                "'hash-key' has to be 'id', 'id32', 'guid', 'addr', or 'addr-port'.",
            ),
        ] {
            let out = listen(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
    }
}
