//! What is said about faulty rules.

use super::*;
use crate::parse::families::proxy::testing::tcp;
use crate::rules::{Family, actions};

/// Checks that each line is refused or warned about with this message.
fn said(kind: fn(&str) -> Outcome, cases: &[(&str, &str)]) {
    for (line, message) in cases {
        let outcome = kind(line);
        let quoted = format!("{message:?}");
        let quoted = quoted.trim_matches('"');
        assert!(
            outcome.messages.contains(quoted),
            "{line}\nexpected: {message}\ngot: {}",
            outcome.messages
        );
    }
}

#[test]
fn unknown_actions_are_answered_with_the_known_ones() {
    let outcome = listen("http-request denyy");
    assert!(
        outcome
            .messages
            .contains("'http-request' expects 'add-acl(*)', 'add-header', "),
        "{}",
        outcome.messages
    );
    assert!(outcome.messages.contains("'set-var(*)', "));
    assert!(
        outcome
            .messages
            .contains(", but got 'denyy'. Did you mean 'deny' maybe ?")
    );
    assert!(
        listen("http-request")
            .messages
            .contains("but got '' (missing argument).")
    );
    assert!(
        listen("http-after-response deny")
            .messages
            .contains("but got 'deny'.")
    );
    let outcome = tcp("tcp-request connection foo");
    assert!(
        outcome
            .messages
            .contains("'tcp-request connection' expects 'accept', "),
        "{}",
        outcome.messages
    );
    assert!(outcome.messages.contains(" in proxy 'l' (got 'foo')."));
}

#[test]
fn actions_of_later_parts_are_refused_by_name() {
    let cases = [
        ("http-request lua.foo", "Lua"),
        ("http-request use-service lua.x", "Lua"),
        ("http-request cache-use c", "the cache"),
        (
            "http-request wait-for-body time 1s use-large-buffer",
            "large buffers",
        ),
    ];
    for (line, waits_for) in cases {
        said(listen, &[(line, &format!("(waits for: {waits_for})."))]);
    }
}

#[test]
fn faults_of_http_rules() {
    let rule = |action: &str, message: &str| {
        format!(
            "error detected in proxy 'l' while parsing 'http-request {action}' rule : {message}."
        )
    };
    let cases = [
        ("add-header a", "add-header", "expects exactly 2 arguments"),
        (
            "set-header a %[foo]",
            "set-header",
            "failed to parse sample expression <foo]> : unknown fetch method 'foo'",
        ),
        (
            "add-header a %[res.hdr(a)]",
            "add-header",
            "sample fetch <res.hdr> may not be reliably used here because it needs 'HTTP response headers' which is not available here",
        ),
        ("del-header", "del-header", "expects at least 1 argument"),
        (
            "del-header a -m foo",
            "del-header",
            "-m with unsupported matching method 'foo'",
        ),
        (
            "del-header a -m",
            "del-header",
            "-m flag expects exactly 1 argument",
        ),
        (
            "replace-header a b",
            "replace-header",
            "expects exactly 3 arguments",
        ),
        (
            "replace-path a",
            "replace-path",
            "expects exactly 2 arguments <match-regex> and <replace-format>",
        ),
        (
            "set-path",
            "set-path",
            "expects exactly 1 argument <format>",
        ),
        (
            "set-method a b",
            "set-method",
            "expects exactly 1 argument <format>",
        ),
        ("set-var(txn.a)", "set-var(txn.a)", "missing fetch method"),
        (
            "set-var(txn.a) foo",
            "set-var(txn.a)",
            "unknown fetch method 'foo'",
        ),
        (
            "set-var(txn.a,foo) src",
            "set-var(txn.a,foo)",
            "unknown condition \"foo\"",
        ),
        (
            "set-var() src",
            "set-var()",
            "Empty variable name cannot be accepted",
        ),
        (
            "set-var a b",
            "set-var",
            "invalid or incomplete action 'set-var'. Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'",
        ),
        (
            "set-var(txn.a",
            "set-var(txn.a",
            "incomplete argument after action 'set-var(txn.a'. Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'",
        ),
        (
            "set-var(txn.a) res.hdr(a)",
            "set-var(txn.a)",
            "fetch method 'set-var(txn.a)' extracts information from 'HTTP response headers', none of which is available here",
        ),
        (
            "set-src res.hdr(a)",
            "set-src",
            "fetch method 'res.hdr(a)' extracts information from 'HTTP response headers', none of which is available here",
        ),
        (
            "capture src",
            "capture",
            "expects <expression> [ 'len' <length> | id <idx> ]",
        ),
        ("capture src len 0", "capture", "length must be > 0"),
        ("capture src id x", "capture", "cannot parse id 'x'"),
        ("early-hint a", "early-hint", "expects exactly 2 arguments"),
        (
            "set-log-level foo",
            "set-log-level",
            "expects exactly 1 argument (log level name or 'silent')",
        ),
        ("set-mark", "set-mark", "expects an argument"),
        ("set-mark z", "set-mark", "unknown fetch method 'z'"),
        (
            "set-timeout client",
            "set-timeout",
            "expects exactly 2 arguments",
        ),
        (
            "set-timeout foo 1",
            "set-timeout",
            "'set-timeout' rule supports 'client'/'connect'/'queue'/'server'/'tarpit'/'tunnel' (got 'foo')",
        ),
        (
            "set-timeout server 0",
            "set-timeout",
            "null value is not valid for a 'set-timeout server' rule",
        ),
        (
            "set-timeout server foo",
            "set-timeout",
            "unexpected character 'f' in rule 'set-timeout server'",
        ),
        (
            "set-retries 101",
            "set-retries",
            "expects an expression or an integer between 1 and 100",
        ),
        ("set-retries a", "set-retries", "unknown fetch method 'a'"),
        (
            "strict-mode foo",
            "strict-mode",
            "Unexpected value 'foo'. Only 'on' and 'off' are supported",
        ),
        (
            "wait-for-body",
            "wait-for-body",
            "expects time <time> [ at-least <bytes> ]",
        ),
        (
            "wait-for-body time",
            "wait-for-body",
            "missing argument for 'time'",
        ),
        (
            "wait-for-body time 1s at-least x",
            "wait-for-body",
            "unexpected character 'x'",
        ),
        (
            "pause a",
            "pause",
            "unexpected character 'a' in rule 'pause'",
        ),
        (
            "pause 0",
            "pause",
            "null value is not valid for a 'pause' rule",
        ),
        ("auth realm", "auth", "missing realm value"),
        (
            "normalize-uri",
            "normalize-uri",
            "missing argument <normalizer>",
        ),
        (
            "normalize-uri foo",
            "normalize-uri",
            "unknown normalizer 'foo'",
        ),
        (
            "normalize-uri path-strip-dotdot foo",
            "normalize-uri",
            "unknown argument 'foo' for 'path-strip-dotdot' normalizer",
        ),
        (
            "set-headers-bin",
            "set-headers-bin",
            "expects exactly one argument or three arguments <headers> prefix <pfx>",
        ),
    ];
    for (line, action, message) in cases {
        said(
            http,
            &[(&format!("http-request {line}"), &rule(action, message))],
        );
    }
}

#[test]
fn faults_of_answers() {
    let rule = |action: &str, message: &str| {
        format!(
            "error detected in proxy 'l' while parsing 'http-request {action}' rule : {message}."
        )
    };
    let cases = [
        (
            "deny deny_status",
            "'status' expects <status_code> as argument",
        ),
        ("deny deny_status 700", "Unexpected status code '700'"),
        ("deny deny_status abc", "Unexpected status code '0'"),
        (
            "tarpit deny_status 444",
            "status code '444' not handled by default with 'default-errorfiles' argument",
        ),
        (
            "return status 201 errorfiles foo",
            "status code '201' not handled by default with 'errorfiles' argument",
        ),
        (
            "return content-type",
            "'content-type' expects <ctype> as argument",
        ),
        (
            "return string a",
            "a content type must be defined when non-empty payload is configured",
        ),
        (
            "deny lf-string a",
            "a content type must be defined with a log-format payload",
        ),
        (
            "return string a lf-string b content-type b",
            "unexpected 'lf-string' argument, 'string' already defined",
        ),
        (
            "return hdr a",
            "'hdr' expects <name> and <value> as arguments",
        ),
        (
            "return status 204 content-type t string a",
            "No body expected for 204 responses",
        ),
        (
            "return file /nonexistent content-type b",
            "error opening file '/nonexistent'",
        ),
        (
            "return errorfile /nonexistent",
            "error opening file '/nonexistent'",
        ),
        (
            "redirect",
            "redirection type expected ('prefix', 'location', or 'scheme')",
        ),
        ("redirect location", "missing argument for 'location'"),
        (
            "redirect location /a code 300",
            "'code': unsupported HTTP code '300' (must be one of 301, 302, 303, 307 or 308)",
        ),
        (
            "redirect foo",
            "expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', 'set-cookie-fmt', 'clear-cookie', 'drop-query', 'keep-query', 'ignore-empty' or 'append-slash' (was 'foo')",
        ),
    ];
    for (line, message) in cases {
        let action = line.split(' ').next().unwrap_or_default();
        said(
            listen,
            &[(&format!("http-request {line}"), &rule(action, message))],
        );
    }
    said(
        listen,
        &[
            (
                "redirect foo",
                "error detected in proxy 'l' while parsing redirect rule : expects 'code',",
            ),
            (
                "redirect location /a if foo",
                "error detected in proxy 'l' while parsing redirect rule : error in condition: no such ACL : 'foo'",
            ),
            (
                "http-response redirect prefix /a",
                "while parsing 'http-response redirect' rule : response only supports redirect type 'location'.",
            ),
            (
                "http-request return errorfiles x",
                "Proxy 'l': unknown http-errors section 'x' referenced by an http reply .",
            ),
            (
                "http-request capture src id 3",
                "Proxy 'l': unable to find capture id '3' referenced by http-request capture rule.",
            ),
            (
                "http-request do-log profile a",
                "Proxy 'l': do-log action: profile 'a' is invalid.",
            ),
        ],
    );
}

#[test]
fn conditions_and_what_else_follows() {
    said(
        listen,
        &[
            (
                "http-request deny foo",
                "'http-request deny' expects either 'if' or 'unless' followed by a condition but found 'foo'.",
            ),
            (
                "http-request add-header a b c",
                "'http-request add-header' expects either 'if' or 'unless' followed by a condition but found 'c'.",
            ),
            (
                "http-request deny if foo",
                "error detected while parsing an 'http-request deny' condition : no such ACL : 'foo'",
            ),
            (
                "http-request set-header a b if { src 1.1.1.1",
                "error detected while parsing an 'http-request set-header' condition : missing closing '}' in condition.",
            ),
            (
                "http-request deny if { res.hdr(a) b }",
                "anonymous acl will never match because it uses keyword 'res.hdr' which is incompatible with 'frontend http-request header rule'.",
            ),
        ],
    );
    said(
        tcp,
        &[
            (
                "tcp-request connection accept foo",
                "'tcp-request connection accept' only accepts 'if' or 'unless', in proxy 'l' (got 'foo')",
            ),
            (
                "tcp-request content accept if { src a.b }",
                "'tcp-request content accept' : error detected in proxy 'l' while parsing 'if' condition : 'a.b' is not a valid IPv4 or IPv6 address",
            ),
        ],
    );
}

#[test]
fn faults_of_tcp_rules() {
    said(
        tcp,
        &[
            (
                "tcp-request foo",
                "'tcp-request' expects 'inspect-delay', 'connection', or 'content' in proxy 'l' (got 'foo')",
            ),
            (
                "tcp-request",
                "missing argument for 'tcp-request' in proxy 'l'",
            ),
            (
                "tcp-response foo",
                "'tcp-response' expects 'inspect-delay' or 'content' in proxy 'l' (got 'foo')",
            ),
            (
                "tcp-request inspect-delay",
                "'tcp-request inspect-delay' expects a positive delay in milliseconds, in proxy 'l'",
            ),
            (
                "tcp-request inspect-delay abc",
                "'tcp-request inspect-delay' expects a positive delay in milliseconds, in proxy 'l' (unexpected character 'a')",
            ),
            (
                "tcp-request inspect-delay 5s\ntcp-request inspect-delay 6s",
                "ignoring tcp-request inspect-delay (was already defined) in proxy 'l'",
            ),
            (
                "tcp-request connection expect-proxy foo",
                "'tcp-request connection expect-proxy' only supports 'layer4' in proxy 'l' (got 'foo')",
            ),
            (
                "tcp-request session expect-proxy layer4",
                "'expect-proxy layer4' is not allowed in 'tcp-request session' rules in proxy 'l'",
            ),
            (
                "tcp-request content capture",
                "'tcp-request content capture' : missing fetch method",
            ),
            (
                "tcp-request content capture src",
                "'tcp-request content capture' : a positive 'len' argument is mandatory",
            ),
            (
                "tcp-request content switch-mode",
                "'tcp-request switch-mode' expects a mode as argument.",
            ),
            (
                "tcp-request content switch-mode foo",
                "'tcp-request switch-mode' expects a valid mode (got 'foo').",
            ),
            (
                "tcp-request content set-dst foo",
                "unknown fetch method 'foo'",
            ),
            (
                "tcp-response content silent-drop rst-ttl 0",
                "valid rst-ttl values are [1-255]",
            ),
        ],
    );
    let back = |line: &str| {
        read(&format!(
            "backend b\n timeout connect 1s\n timeout server 1s\n {line}\n"
        ))
    };
    said(
        back,
        &[
            (
                "tcp-request connection accept",
                "tcp-request connection is not allowed because backend b is not a frontend",
            ),
            (
                "tcp-request content switch-mode http",
                "'tcp-request switch-mode' not allowed because backend 'b' has no frontend capability",
            ),
            (
                "http-request set-timeout client 1s",
                "'b' has no frontend capability",
            ),
            (
                "http-request capture path len 10",
                "proxy 'b' has no frontend capability",
            ),
        ],
    );
    let front = |line: &str| {
        read(&format!(
            "frontend f\n mode http\n bind 127.0.0.1:80\n timeout client 1s\n {line}\n"
        ))
    };
    said(
        front,
        &[
            (
                "tcp-response content accept",
                "tcp-response content is only allowed in 'backend' sections or 'defaults' section with a name",
            ),
            (
                "http-request set-timeout server 1s",
                "'f' has no backend capability",
            ),
            (
                "http-request set-retries 1",
                "'set-retries' only available in backend or listen section",
            ),
            (
                "http-request normalize-uri fragment-strip",
                "'normalize-uri' action is experimental, must be allowed via a global 'expose-experimental-directives'",
            ),
        ],
    );
}

#[test]
fn warnings() {
    said(
        listen,
        &[
            (
                "http-request deny\nhttp-request deny",
                "previous 'http-request' action is final and has no condition attached, further entries are NOOP.",
            ),
            (
                "http-after-response allow\nhttp-after-response allow",
                "previous 'http-after-response' action is final and has no condition attached, further entries are NOOP.",
            ),
            (
                "redirect location /a\nhttp-request deny",
                "a 'http-request' rule placed after a 'redirect' rule will still be processed before.",
            ),
            (
                "http-request deny\ntcp-request content accept",
                "a 'tcp-request content' rule placed after an 'http-request' rule will still be processed before.",
            ),
            (
                "tcp-request session accept\ntcp-request connection accept",
                "a 'tcp-request connection' rule placed after a 'tcp-request session' rule will still be processed before.",
            ),
            (
                "http-request set-header \"a b\" a",
                "header name 'a b' contains forbidden character ' '.",
            ),
            (
                "http-request return content-type t",
                "content-type 't' ignored by the http reply because neither errorfile nor payload defined.",
            ),
            (
                "http-request return status 404 default-errorfiles hdr a b",
                "hdr parameters ignored by the http reply when used with an errorfile.",
            ),
            (
                "http-request return hdr Content-Length 3",
                "header 'Content-Length' always ignored by the http reply.",
            ),
        ],
    );
    for lines in [
        "http-request reject\nhttp-request deny",
        "http-request deny if TRUE\nhttp-request deny",
    ] {
        assert!(
            !listen(lines).messages.contains("further entries"),
            "{lines}"
        );
    }
}

#[test]
fn every_action_is_listed_once_per_list() {
    for family in Family::ALL {
        let mut names: Vec<_> = actions::rows(family).map(|row| row.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{family:?}");
        assert!(actions::rows(family).all(|row| row.doc.ends_with('.')));
    }
    assert!(
        actions::find(Family::HttpRequest, "set-var(txn.a)").is_some_and(|row| row.takes_suffix)
    );
    assert!(actions::find(Family::HttpRequest, "deny(a)").is_none());
}

/// The registered actions of the reference version, one per line behind their list; a star stands for a suffix.
const INVENTORY: &str = include_str!("inventory.txt");

/// What TCP rules know besides the registered actions.
const TCP_ONLY: [&str; 7] = [
    "accept",
    "close",
    "reject",
    "capture",
    "expect-proxy",
    "expect-netscaler-cip",
    "track-sc",
];

#[test]
fn every_registered_action_is_built_or_known() {
    for family in Family::ALL {
        let behind = |line: &'static str| line.strip_prefix(family.keyword())?.strip_prefix(' ');
        let registered: Vec<&str> = INVENTORY.lines().filter_map(behind).collect();
        assert!(!registered.is_empty(), "{family:?}");
        for name in &registered {
            let stem = name.trim_end_matches('*');
            match actions::find(family, stem) {
                Some(row) => assert_eq!(row.takes_suffix, stem != *name, "{family:?} {name}"),
                None => assert!(
                    actions::unknown(family, stem, "").contains("not built yet"),
                    "{family:?} {name}"
                ),
            }
        }
        for row in actions::rows(family) {
            let is_registered = registered
                .iter()
                .any(|name| name.trim_end_matches('*') == row.name);
            let is_tcp = !family.is_http() && TCP_ONLY.contains(&row.name);
            assert!(
                is_registered || is_tcp,
                "{family:?} {} is not registered there",
                row.name
            );
        }
    }
}
