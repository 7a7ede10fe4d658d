use crate::check::{CheckAction, CheckKind, CheckScript, Matcher};
use crate::parse::families::proxy::testing::{listen, read};
use std::sync::Arc;

fn script(lines: &str) -> Arc<CheckScript> {
    listen(lines).proxy("l").back.check.clone()
}

/// The steps of a script by number and kind.
fn steps(script: &CheckScript) -> Vec<String> {
    let name = |action: &CheckAction| match action {
        CheckAction::Connect(connect) if connect.implicit => "implicit",
        CheckAction::Connect(_) => "connect",
        CheckAction::Send(_) => "send",
        CheckAction::Request(_) => "request",
        CheckAction::Expect(_) => "expect",
        CheckAction::Set(_) => "set",
        CheckAction::Unset(_) => "unset",
        CheckAction::Comment => "comment",
    };
    let steps = script.steps.iter();
    steps
        .map(|step| format!("{} {}", step.number, name(&step.action)))
        .collect()
}

#[test]
fn scripts_by_option() {
    assert_eq!(script("").kind, CheckKind::Connection);
    assert_eq!(steps(&script("")), ["0 implicit"]);
    let tcp = script(" option tcp-check\n tcp-check send a\n tcp-check expect string b");
    assert_eq!(
        (tcp.kind, steps(&tcp)),
        (
            CheckKind::Tcp,
            vec!["0 implicit".into(), "1 send".into(), "2 expect".into()]
        )
    );
    let http = script(" option httpchk");
    assert_eq!(steps(&http), ["0 implicit", "1 request", "2 expect"]);
    let http = script(" option httpchk\n http-check expect status 200");
    assert_eq!(steps(&http), ["0 implicit", "1 request", "1 expect"]);
    for (option, wanted) in [
        ("ssl-hello-chk", vec!["0 implicit", "1 send", "2 expect"]),
        ("redis-check", vec!["0 implicit", "1 send", "2 expect"]),
        (
            "ldap-check",
            vec!["0 implicit", "1 send", "2 expect", "3 expect"],
        ),
        ("mysql-check", vec!["1 connect", "2 expect"]),
        (
            "mysql-check user a",
            vec!["1 connect", "2 send", "3 expect", "4 expect"],
        ),
        (
            "pgsql-check user a",
            vec!["1 connect", "2 send", "3 expect", "4 expect"],
        ),
    ] {
        assert_eq!(
            steps(&script(&format!(" option {option}"))),
            wanted,
            "{option}"
        );
    }
}

#[test]
fn comments_belong_to_the_next_rule() {
    let script = script(
        " option tcp-check\n tcp-check connect\n tcp-check comment a\n tcp-check set-var(check.x) int(1)\n tcp-check send b comment c\n tcp-check comment d\n tcp-check expect string e",
    );
    let comments: Vec<_> = script
        .steps
        .iter()
        .map(|step| step.comment.as_deref())
        .collect();
    assert_eq!(
        comments,
        [None, Some("a"), Some("a"), Some("c"), Some("d"), Some("d")]
    );
    assert_eq!(
        steps(&script),
        [
            "1 connect",
            "2 comment",
            "3 set",
            "4 send",
            "5 comment",
            "6 expect"
        ]
    );
}

/// Method, target, version and header names of the first request.
fn request(script: &CheckScript) -> String {
    let found = script.steps.iter().find_map(|step| match &step.action {
        CheckAction::Request(request) => Some(request),
        _ => None,
    });
    let Some(request) = found else {
        return String::new();
    };
    let uri = match &request.uri {
        crate::check::Payload::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => "lf".into(),
    };
    let names: Vec<_> = request.headers.iter().map(|(name, _)| &**name).collect();
    format!(
        "{} {uri} {} {}",
        request.method,
        request.version,
        names.join(",")
    )
}

#[test]
fn the_first_request_takes_from_the_option_what_it_lacks() {
    let of = |lines: &str| request(&script(lines));
    assert_eq!(of(" option httpchk"), "OPTIONS / HTTP/1.0 ");
    assert_eq!(
        of(" option httpchk GET /a HTTP/1.1 h"),
        "GET /a HTTP/1.1 host"
    );
    assert_eq!(
        of(" option httpchk GET /a HTTP/1.1 h\n http-check send hdr x y"),
        "GET /a HTTP/1.1 x"
    );
    assert_eq!(
        of(
            " option httpchk GET /a HTTP/1.1 h\n http-check connect\n http-check send meth HEAD uri /b"
        ),
        "HEAD /b HTTP/1.1 host"
    );
    assert_eq!(
        of(" http-check expect status 200\n option httpchk /x"),
        "OPTIONS /x HTTP/1.0 "
    );
}

#[test]
fn rules_of_a_section_take_the_place_of_inherited_ones() {
    let inherited = |defaults: &str, lines: &str| {
        let out = read(&format!(
            "defaults d\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n{defaults}\nlisten l\n bind 127.0.0.1:80\n{lines}\n"
        ));
        out.proxy("l").back.check.clone()
    };
    let both = " option httpchk GET /d\n http-check expect status 201";
    assert_eq!(request(&inherited(both, "")), "GET /d HTTP/1.0 ");
    assert_eq!(
        steps(&inherited(both, " option httpchk")),
        ["0 implicit", "1 request", "2 expect"]
    );
    // The option's request is gone with the other rules.
    assert_eq!(
        steps(&inherited(both, " http-check expect status 202")),
        ["0 implicit", "1 expect"]
    );
    assert!(inherited(both, " http-check send-state").send_state);
    let tcp = " option tcp-check\n tcp-check expect string a";
    assert_eq!(steps(&inherited(tcp, "")), ["0 implicit", "1 expect"]);
    assert_eq!(steps(&inherited(tcp, " option tcp-check")), ["0 implicit"]);
}

#[test]
fn named_checks() {
    let out = read(
        "healthcheck h\n type httpchk GET /h\n http-check expect status 204\nlisten l\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n server a 127.0.0.1:81 check healthcheck h\n server b 127.0.0.1:82 check\n",
    );
    let servers = &out.proxy("l").back.servers;
    let own = servers[0]
        .settings
        .check
        .script
        .as_deref()
        .expect("a script");
    assert_eq!(request(own), "GET /h HTTP/1.0 ");
    assert!(matches!(
        &own.steps[2].action,
        CheckAction::Expect(expect) if matches!(&expect.matcher, Matcher::Status(_))
    ));
    assert!(servers[1].settings.check.script.is_none());
}

#[test]
fn faults_are_worded_as_expected() {
    for (line, message) in [
        (
            " tcp-check foo",
            "'tcp-check' only supports 'comment', 'connect', 'send', 'send-binary', 'expect', 'set-var-fmt(*)', 'set-var(*)', 'unset-var(*)'. but got 'foo'",
        ),
        (
            " tcp-check connect port 0",
            "'tcp-check connect' : expects a valid TCP port (from range 1 to 65535) or a sample expression, got 0.",
        ),
        (
            " tcp-check connect foo",
            "'tcp-check connect' : expects 'comment', 'port', 'addr', 'send-proxy', 'ssl', 'sni', 'alpn' or 'via-socks4', 'linger', 'default' but got 'foo' as argument.",
        ),
        (
            " tcp-check connect proto h1",
            "'tcp-check connect' : 'proto' : invalid MUX protocol 'h1' for tcp-check.",
        ),
        (
            " tcp-check send",
            "'tcp-check send' : 'string' expects a send as argument.",
        ),
        (
            " tcp-check send foo bar",
            "'tcp-check send' : expects 'comment' but got 'bar' as argument.",
        ),
        (
            " tcp-check send-binary 0g",
            "'tcp-check send-binary' : '0g' invalid binary string (an hex digit is expected (found 'g')).",
        ),
        (
            " tcp-check send-binary 012",
            "'tcp-check send-binary' : '012' invalid binary string (an even number of hex digit is expected).",
        ),
        (
            " tcp-check comment",
            "'tcp-check comment' : expects a string as argument.",
        ),
        (
            " tcp-check expect",
            "'tcp-check expect' : expects at least a matching pattern as arguments.",
        ),
        (
            " tcp-check expect string",
            "'tcp-check expect' : 'string' expects a <pattern> as argument.",
        ),
        (
            " tcp-check expect string a string b",
            "'tcp-check expect' : only one pattern expected.",
        ),
        (
            " tcp-check expect ok-status FOO string a",
            "'tcp-check expect' : 'ok-status' only supports 'L4OK', 'L6OK', 'L7OK' or 'L7OKC' status (got 'FOO').",
        ),
        (
            " tcp-check expect min-recv -2 string b",
            "'tcp-check expect' : 'min-recv' expects -1 or an integer from 0 to INT_MAX.",
        ),
        (
            " tcp-check set-var(check.a) foo",
            "'tcp-check set-var(check.a)' : 'set-var' : unknown fetch method 'foo'.",
        ),
        (
            " tcp-check send a\n tcp-check connect",
            "'tcp-check connect' : first step MUST also be a 'connect', optionally preceded by a 'set-var'",
        ),
        (
            " http-check send hdr a",
            "'http-check send' : 'hdr' expects <name> and <value> as arguments.",
        ),
        (
            " http-check expect status 300-200",
            "'http-check expect' : invalid range of status codes '300-200'.",
        ),
        (
            " http-check expect hdr name -m foo a",
            "'http-check expect' : 'hdr' : '-m' only supports 'str', 'beg', 'end', 'sub' or 'reg' (got 'foo').",
        ),
        (
            " http-check connect\n http-check expect status 200",
            "'http-check expect' : unable to add http-check expect rule at step 2 (missing send rule).",
        ),
        (
            " http-check send\n http-check send",
            "'http-check send' : unable to add http-check send rule at step 2 (missing connect rule).",
        ),
        (
            " http-check send-state foo",
            "'http-check' cannot handle unexpected argument 'foo'.",
        ),
        (
            " option pgsql-check",
            "'option pgsql-check' expects 'user <username>' as argument.",
        ),
        (
            " option mysql-check user a foo",
            "keyword 'user' only supports 'post-41', 'pre-41' and 'post-80' (got 'foo').",
        ),
        (
            " external-check foo",
            "'external-check' only supports 'command' and 'path'. but got 'foo'.",
        ),
        (
            " option external-check",
            "'option external-check' unable to find required 'external-check command'.",
        ),
        (
            " server s 127.0.0.1:80 check healthcheck nope",
            "'server l/s' : healthcheck section 'nope' not found.",
        ),
        (
            " server s 127.0.0.1:80 agent-check",
            "server s does not have agent port. Agent check has been disabled.",
        ),
    ] {
        let out = listen(line);
        assert!(
            out.loaded.is_none() && out.messages.contains(message),
            "{line}: {}",
            out.messages
        );
    }
    for (text, message) in [
        (
            "healthcheck h\n type foo\n",
            "unknown healthcheck type 'foo' (expects 'tcp-check', 'httpchk', 'ssl-hello-chk', 'smtpchk', 'pgsql-check', 'redis-check', 'mysql-check', 'ldap-check', 'spop-check').",
        ),
        (
            "healthcheck h\n type tcp-check\n http-check expect status 200\n",
            "unable to configure 'http-check' rule for 'TCP' healthcheck",
        ),
        (
            "healthcheck h\n tcp-check connect\n",
            "tcp-check rules without 'type tcp-check', so the rules are ignored.",
        ),
    ] {
        let out = read(text);
        assert!(out.messages.contains(message), "{text}: {}", out.messages);
    }
}

#[test]
fn headers_are_expected_in_the_form_that_many_write() {
    let lines = " option httpchk\n http-check expect header Content-Type -m sub json";
    let modern = " option httpchk\n http-check expect hdr name Content-Type value -m sub json";
    assert_eq!(
        format!("{:?}", script(lines).steps),
        format!("{:?}", script(modern).steps)
    );
    let text = format!("listen l\n bind 127.0.0.1:80\n{lines}\n");
    let (snapshot, said) = crate::parse::testing::load_with(&text, true);
    assert!(snapshot.is_none() && said.iter().any(|line| line.contains("but got 'header'")));
}
