use crate::acl::AclSet;
use crate::condition::{Condition, Match};
use crate::context::{Compiler, ParseContext};
use crate::expr::Expr;
use crate::phases::Phases;
use crate::tables::TABLES;
use crate::testview::{TestView, compile, eval};
use proptest::prelude::*;

fn request() -> TestView {
    TestView::new(
        "GET",
        "/api/v1?x=1",
        &[
            ("Host", "WWW.Example.org"),
            ("X-List", "a, \"b,c\" ,d"),
            ("X-List", "e"),
            ("X-Forwarded-For", "10.0.0.1, 192.168.1.7"),
        ],
    )
}

fn value(text: &str) -> Option<String> {
    eval(text, &request()).expect(text)
}

fn error(text: &str) -> String {
    compile(|ctx| Expr::parse_str(text, ctx))
        .map(|_| ())
        .expect_err(text)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn condition(text: &str, acls: &[&str], view: &TestView) -> Result<Match, String> {
    let mut compiler = Compiler::new(&TABLES);
    let mut set = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut set, Phases::ALL);
    let condition = match acls.split_first() {
        None => Condition::parse(&words(text), &mut ctx)?,
        Some((first, rest)) => {
            AclSet::parse_line(&words(first), &mut ctx)?;
            // Lines after a use still count.
            let condition = Condition::parse(&words(text), &mut ctx)?;
            for line in rest {
                AclSet::parse_line(&words(line), &mut ctx)?;
            }
            condition
        }
    };
    Ok(condition.matches(view))
}

fn holds(text: &str) -> bool {
    condition(text, &[], &request()).expect(text) == Match::Yes
}

fn fault(text: &str) -> String {
    condition(text, &[], &request()).expect_err(text)
}

#[test]
fn casts_and_quotes_give_the_known_values() {
    for (text, expected) in [
        ("bin(414243)", "ABC"),
        ("bin(41004243)", "A"),
        ("bool(true)", "1"),
        ("ipv6(::1)", "::1"),
        ("str(a\\nb)", "a\nb"),
        ("str(a\\\"b)", "a\"b"),
        ("str(\"a,b\")", "a,b"),
        ("str( a )", " a "),
        ("str(a\\x41b)", "a\\x41b"),
        ("str(\"a\\)b\")", "a\\)b"),
        ("meth(FOO)", "FOO"),
    ] {
        assert_eq!(value(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn header_fetches_pick_occurrences() {
    for (text, expected) in [
        ("hdr(host)", Some("WWW.Example.org")),
        ("hdr(x-list)", Some("e")),
        ("hdr(x-list,1)", Some("a")),
        ("hdr(x-list,2)", Some("\"b,c\"")),
        ("hdr(x-list,-2)", Some("d")),
        ("hdr(x-list,9)", None),
        ("req.fhdr(x-list,1)", Some("a, \"b,c\" ,d")),
        ("hdr_cnt(x-list)", Some("4")),
        ("req.fhdr_cnt(x-list)", Some("2")),
        ("hdr_ip(x-forwarded-for)", Some("192.168.1.7")),
        ("hdr_ip(x-forwarded-for,1)", Some("10.0.0.1")),
        ("path", Some("/api/v1")),
        ("query", Some("x=1")),
        ("query(with_qm)", Some("?x=1")),
        ("req.ver", Some("1.1")),
    ] {
        assert_eq!(value(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn faults_are_told_in_the_known_words() {
    for (text, expected) in [
        ("foo", "unknown fetch method 'foo'"),
        ("str(a)b", "missing comma after fetch keyword"),
        ("path,fooo", "unknown converter 'fooo'"),
        (
            "int(a)",
            "fetch method 'int' : failed to parse 'a' as type 'integer' at position 1",
        ),
        (
            "int()",
            "fetch method 'int' : expected type 'integer' at position 1, but got nothing",
        ),
        ("env(A", "fetch method 'env' : expected ')'"),
        (
            "bool(foo)",
            "invalid args in fetch method 'bool' : Expects 'true', 'false', '0' or '1'",
        ),
        (
            "bin(4)",
            "invalid args in fetch method 'bin' : an even number of hex digit is expected",
        ),
        (
            "query(x)",
            "invalid args in fetch method 'query' : supported options are: 'with_qm'",
        ),
        (",lower", "missing fetch method"),
        ("path(1)", "fetch method 'path' : expected ')' before '1)'"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    assert_eq!(
        error("path_begg"),
        "unknown fetch method 'path_begg' (did you mean 'path_beg' ?)"
    );
}

#[test]
fn conditions_follow_the_boolean_rules() {
    for (text, expected) in [
        ("if { path_beg /api }", true),
        ("if { path_beg /other }", false),
        ("if !{ path_beg /other }", true),
        ("if ! { path_beg /api }", false),
        ("unless { path_beg /api }", false),
        ("if { path /x } || { hdr(host) -i www.example.ORG }", true),
        ("if { hdr(host) www.example.org }", false),
        ("if { hdr(x-list) d }", true),
        ("if { hdr(x-list) -m len 5 }", true),
        ("if METH_GET HTTP_1.1", true),
        ("if METH_POST or TRUE", true),
        ("if TRUE FALSE or FALSE", false),
        ("if LOCALHOST", true),
        ("if", false),
        ("unless", true),
        ("if { src 127.0.0.0/8 }", true),
        ("if { src 10.0.0.0/8 ::ffff:127.0.0.1 }", true),
        ("if { hdr_ip(x-forwarded-for) 10.0.0.0/8 }", true),
        ("if { dst_port 21000:22000 }", true),
        ("if { dst_port gt 21964 }", false),
        ("if { dst_port ge 21964 lt 5 }", true),
        ("if { path_reg ^/a.i/(v[0-9])$ }", true),
        ("if { path_dir api }", true),
        ("if { path_dir ap }", false),
        ("if { hdr_dom(host) -i example }", true),
        ("if { hdr_end(host) -i ORG }", true),
        ("if { path_sub pi/ }", true),
        ("if { path_len 7 }", true),
        ("if { hdr(nothing) -m found }", false),
        ("if !{ hdr(nothing) -m found }", true),
        ("if { req.hdr_cnt(x-list) eq 4 }", true),
        ("if { int(5) -m bool }", true),
        ("if { path_reg ^/(?!other) }", true),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn named_conditions_see_later_lines() {
    let view = request();
    let acls = ["a path /other", "a path /api/v1"];
    assert_eq!(condition("if a", &acls, &view), Ok(Match::Yes));
    assert_eq!(condition("if !a", &acls, &view), Ok(Match::No));
    assert_eq!(condition("if a", &acls[..1], &view), Ok(Match::No));
}

#[test]
fn converters_of_conditions_may_be_words_of_their_own() {
    let mut view = request();
    for (value, wanted) in [("foo", true), ("FOO", true), ("bar", false)] {
        view.request.set(b"a", value.as_bytes());
        let holds = |text: &str| condition(text, &[], &view);
        let wanted = Ok(if wanted { Match::Yes } else { Match::No });
        assert_eq!(holds("if { req.hdr(a) upper -m str FOO }"), wanted);
        assert_eq!(holds("if { req.hdr(a) upper FOO }"), wanted);
    }
    view.request.set(b"a", b"upper");
    let holds = |text: &str| condition(text, &[], &view);
    // Not for keywords of ACLs, and not behind a pattern.
    assert_eq!(holds("if { hdr(a) upper }"), Ok(Match::Yes));
    assert_eq!(holds("if { req.hdr(a) nope upper }"), Ok(Match::Yes));
}

#[test]
fn condition_faults_are_told_in_the_known_words() {
    for (text, expected) in [
        ("if nosuch", "no such ACL : 'nosuch'"),
        ("if { path_beg /x", "missing closing '}' in condition"),
        ("if { }", "missing fetch method in ACL expression ''"),
        (
            "if { path -m foo /x }",
            "unknown matching method 'foo' when parsing ACL expression",
        ),
        (
            "if { path -m ip foo }",
            "'foo' is not a valid IPv4 or IPv6 address",
        ),
        (
            "if { src 1.2.3.4/99 }",
            "'1.2.3.4/99' is not a valid IPv4 or IPv6 address",
        ),
        ("if { dst_port a }", "'a' is not a number"),
        ("if { dst_port 10:5 }", "'10:5' is not a valid number range"),
        (
            "if { dst_port gt x }",
            "'x' is neither a number nor a supported operator",
        ),
        (
            "if { path -f /nonexist }",
            "failed to open pattern file </nonexist>",
        ),
        (
            "if { hdr(host,1,2) x }",
            "ACL keyword 'hdr' : expected ')' before ',2)'",
        ),
        (
            "if { rand(a) 1 }",
            "fetch method 'rand' : failed to parse 'a' as type 'integer' at position 1 in ACL expression 'rand(a)'",
        ),
        (
            "if { path -z x }",
            "'-z' is not a valid ACL option. Please use '--' before any pattern beginning with a '-'",
        ),
        (
            "if { str(a)b a }",
            "missing comma after fetch keyword in ACL expression 'str(a)b'",
        ),
        (
            "if { path,fooo /x }",
            "ACL keyword 'path' : unknown converter 'fooo'",
        ),
        (
            "if { path -m bin zz }",
            "an hex digit is expected (found 'z')",
        ),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

#[test]
fn phases_say_where_an_expression_can_be_had() {
    let expr = compile(|ctx| Expr::parse_str("res.hdr(x)", ctx)).expect("an expression");
    assert!(!expr.phases().intersects(Phases::FE_REQUEST_HEADERS));
    assert!(expr.phases().contains(Phases::BE_RESPONSE_HEADERS));
    let warning = compile(|ctx| Condition::parse(&words("if { status 200 }"), ctx))
        .expect("a condition")
        .phase_warning(Phases::FE_REQUEST_HEADERS);
    assert_eq!(
        warning.as_deref(),
        Some(
            "anonymous acl will never match because it uses keyword 'status' which is incompatible with 'frontend http-request header rule'"
        )
    );
}

/// Values of these expressions as HAProxy 3.4 gives them for the same request.
#[test]
fn fetches_of_a_request_give_the_known_values() {
    let view = TestView::new(
        "GET",
        "/x0/p/q?x=1&y=&z&X=2;w=5&e=%41%20b+c",
        &[
            ("Host", "ex.com"),
            ("Accept", "*/*"),
            ("Cookie", "a=1; b=\"x y\";c = 3; a=2; d"),
            ("Authorization", "Basic dXNlcjpwYTpzcw=="),
        ],
    );
    for (text, expected) in [
        ("base", Some("ex.com/x0/p/q")),
        ("baseq", Some("ex.com/x0/p/q?x=1&y=&z&X=2;w=5&e=%41%20b+c")),
        ("req.cook(a)", Some("2")),
        ("req.cook(b)", Some("\"x y\"")),
        ("req.cook(c)", Some("3")),
        ("req.cook(d)", None),
        ("req.cook", Some("1")),
        ("req.cook_cnt(a)", Some("2")),
        ("req.cook_cnt", Some("4")),
        ("req.cook_names", Some("a,b,c,a")),
        ("req.cook_names(;)", Some("a;b;c;a")),
        ("req.cook_val(a)", Some("2")),
        ("cookie(b)", Some("\"x y\"")),
        ("url_param(x)", Some("1")),
        ("url_param(X)", Some("2")),
        ("url_param(y)", Some("")),
        ("url_param(z)", None),
        ("url_param(w)", Some("5")),
        ("url_param(w,;)", Some("5")),
        ("url_param(X,,i)", Some("1")),
        ("url_param", Some("1")),
        ("urlp_val(x)", Some("1")),
        ("req.hdr_names", Some("host,accept,cookie,authorization")),
        ("http_auth_user", Some("user")),
        ("http_auth_pass", Some("pa:ss")),
        ("http_auth_type", Some("Basic")),
        ("http_auth_bearer", None),
        ("capture.req.method", Some("GET")),
        ("capture.req.ver", Some("HTTP/1.1")),
        ("hdr(,1)", Some("ex.com")),
        ("hdr", None),
        ("hdr_cnt", Some("4")),
        ("query(with_qm)", Some("?x=1&y=&z&X=2;w=5&e=%41%20b+c")),
        ("env(NO_SUCH_VARIABLE)", None),
        ("nbproc", Some("1")),
        ("thread", Some("0")),
        ("rand(1)", Some("0")),
        ("date", Some("1795233481")),
        ("date(3600)", Some("1795237081")),
        ("date(0,ms)", Some("1795233481724")),
        ("accept_date(ms)", Some("1795233481724")),
        ("fe_name", Some("fe")),
        ("be_name", Some("fe")),
        ("fe_client_timeout", Some("1500")),
        ("fc_err_str", Some("Success")),
        ("src_port", Some("37692")),
        ("txn.sess_term_state", Some("LR")),
        ("req.timer.tq", Some("3")),
        ("var(txn.none)", None),
        ("var(txn.none,dflt)", Some("dflt")),
        ("acl(TRUE)", Some("1")),
        ("acl(TRUE,!METH_GET)", Some("0")),
    ] {
        assert_eq!(
            eval(text, &view).expect(text).as_deref(),
            expected,
            "{text}"
        );
    }
    let hashed = |host, path: &str| {
        let view = TestView::new("GET", path, &[("Host", host)]);
        eval("base32", &view).expect("a hash")
    };
    assert_eq!(
        hashed("ex.com", "/x1/p/q?x=1").as_deref(),
        Some("3871011627")
    );
    assert_eq!(hashed("ex.com", "/x0/").as_deref(), Some("1160819085"));
}

#[test]
fn bodies_and_buffers_are_read() {
    let mut view = TestView::new("POST", "/", &[]);
    view.payload = b"a=1&b=2&a=3".to_vec();
    for (text, expected) in [
        ("req.body", Some("a=1&b=2&a=3")),
        ("req.body_param(a)", Some("1")),
        ("req.body_param", Some("1")),
        ("req.body_param(B,i)", Some("2")),
        ("req.body_len", Some("11")),
        ("req.body_size", Some("11")),
        ("req.payload(2,3)", Some("1&b")),
        ("req.payload(8,0)", Some("a=3")),
        ("req.payload(8,9)", None),
        ("req.len", Some("11")),
    ] {
        assert_eq!(
            eval(text, &view).expect(text).as_deref(),
            expected,
            "{text}"
        );
    }
    view.payload = b"\x00\x03abcdefg".to_vec();
    for (text, expected) in [
        ("req.payload_lv(0,2)", Some("abc")),
        ("req.payload_lv(0,2,+2)", Some("cde")),
        ("req.payload_lv(0,2,-1)", Some("\u{3}ab")),
        ("req.payload_lv(0,2,6)", Some("bcd")),
        ("req.payload_lv(0,2,3)", Some("bcd")),
        ("req.payload_lv(0,1)", None),
    ] {
        assert_eq!(
            eval(text, &view).expect(text).as_deref(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn conditions_wait_for_data_until_it_is_complete() {
    let mut view = TestView::new("GET", "/", &[]);
    view.payload = b"abc".to_vec();
    for (complete, text, expected) in [
        (false, "if { req.len gt 10 }", Match::NotYet),
        (true, "if { req.len gt 10 }", Match::No),
        (false, "if { req.len gt 2 }", Match::Yes),
        (false, "if !{ req.len gt 10 }", Match::NotYet),
        (true, "if !{ req.len gt 10 }", Match::Yes),
        (false, "if WAIT_END", Match::NotYet),
        (true, "if WAIT_END", Match::Yes),
        (false, "if FALSE WAIT_END", Match::No),
        (false, "if WAIT_END or TRUE", Match::Yes),
        (false, "unless { req.payload(0,5) -m found }", Match::NotYet),
        (false, "if { req.payload(0,2) -m str ab }", Match::Yes),
        (false, "if { req.payload(0,2) -m bin 6162 }", Match::Yes),
    ] {
        view.complete = complete;
        assert_eq!(
            condition(text, &[], &view),
            Ok(expected),
            "{text} {complete}"
        );
    }
}

#[test]
fn variables_are_found_by_scope_and_name() {
    let mut view = TestView::new("GET", "/", &[]);
    let mut compiler = Compiler::new(&TABLES);
    let id = compiler.names.intern("txn.a_b").expect("a name");
    view.vars.push((id, crate::Value::Int(7)));
    let mut set = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut set, Phases::ALL);
    let same =
        Condition::parse(&words("if { var(txn.a_b) -m int 7 }"), &mut ctx).expect("a condition");
    let other =
        Condition::parse(&words("if { var(sess.a_b) -m found }"), &mut ctx).expect("a condition");
    assert!(same.holds(&view));
    assert!(!other.holds(&view));
    let wrong = |name: &str| compile(|ctx| ctx.compiler.names.intern(name)).expect_err(name);
    assert_eq!(wrong("txn.a~b"), "invalid syntax at char '~'");
    assert_eq!(wrong(""), "Empty variable name cannot be accepted");
    assert_eq!(
        wrong("foo.a"),
        "invalid variable name 'foo.a'. A variable name must start with its scope. The scope can be 'proc', '(p)sess', '(p)txn', '(p)req', '(p)res' or 'check'"
    );
}

#[test]
fn pattern_files_are_shared_and_maps_are_told_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("list");
    std::fs::write(&path, "# comment\n\n  alpha \nBeta\r\n # no comment\n").expect("a file");
    let name = path.to_str().expect("a path");
    let mut compiler = Compiler::new(&TABLES);
    let mut set = AclSet::default();
    let mut ctx = ParseContext::new(&mut compiler, &mut set, Phases::ALL);
    let mut holds =
        |text: String| Condition::parse(&words(&text), &mut ctx).map(|c| c.holds(&request()));
    assert_eq!(holds(format!("if {{ str(beta) -f {name} }}")), Ok(false));
    assert_eq!(holds(format!("if {{ str(beta) -i -f {name} }}")), Ok(true));
    assert_eq!(
        holds(format!("if {{ str(beta) -f {name} beta }}")),
        Ok(true)
    );
    assert_eq!(
        holds(format!("if {{ str(x) -f opt@{name}.none }}")),
        Ok(false)
    );
    assert_eq!(
        holds(format!("if {{ str(x) -M -f {name} }}")),
        Err(format!(
            "The file \"{name}\" is already used as one column file and cannot be used by as two column file."
        ))
    );
    let list = compiler.patterns.file(name, false).expect("the list");
    let forms = list.read(crate::pattern::PatternSet::form_count);
    assert_eq!(forms, 2, "one for each way of matching");
}

#[test]
fn slow_regular_expressions_are_told_of() {
    let warnings = |read: &dyn Fn(&mut ParseContext<'_>)| {
        let mut compiler = Compiler::new(&TABLES);
        let mut acls = AclSet::default();
        let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
        read(&mut ctx);
        std::mem::take(&mut ctx.warnings)
    };
    let told = [
        "regex '(a)\\1' needs look-around or back-references and is matched by backtracking, which is slower.",
    ];
    let condition = |text: &'static str| {
        move |ctx: &mut ParseContext<'_>| {
            Condition::parse(&words(text), ctx).expect(text);
        }
    };
    assert_eq!(warnings(&condition("if { path_reg b (a)\\1 }")), told);
    assert_eq!(
        warnings(&|ctx| drop(
            Expr::parse_str("path,regsub('(a)\\1',b)", ctx).expect("an expression")
        )),
        told
    );
    assert!(warnings(&condition("if { path_reg ^/a+b }")).is_empty());
}

#[test]
fn versions_of_hellos_are_compared_with_dots() {
    assert_eq!(fault("if { req_ssl_ver 3.x }"), "'3.x' is not a number");
    assert!(condition("if { req_ssl_ver gt 3.1 3.0:3.2 }", &[], &request()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "(path|src|hdr|str|int|rand|req.payload)[(),a-z0-9\"'\\\\ ]{0,30}") {
        if let Ok(expr) = compile(|ctx| Expr::parse_str(&text, ctx)) {
            let _ = expr.eval(&request());
        }
    }

    #[test]
    fn no_condition_makes_the_reader_panic(text in "if ([!{}|a-z_0-9.:/() -]|TRUE|path_beg |src |-m |reg ){0,20}") {
        let _ = condition(&text, &[], &request());
    }
}
