use super::{HTTP_LOG, LogFormat, TCP_LOG, Usage};
use crate::testview::{TestView, compile};
use proptest::prelude::*;

fn view() -> TestView {
    let mut view = TestView::new("GET", "/p%20q/x?a=b&c", &[("User-Agent", "ua")]);
    view.request_captures = vec![None, Some(b"ua \"x\"".as_slice().into()), None];
    view.response_captures = vec![None];
    view
}

fn render(text: &str, usage: Usage, view: &TestView) -> String {
    let format = compile(|ctx| LogFormat::parse(text, usage, ctx)).expect(text);
    let mut out = Vec::new();
    format.render(view, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn log(text: &str) -> String {
    render(text, Usage::LOG, &view())
}

fn error(text: &str) -> String {
    compile(|ctx| LogFormat::parse(text, Usage::LOG, ctx)).expect_err(text)
}

#[test]
fn aliases_show_what_haproxy_shows() {
    assert_eq!(
        log("%T|%Ts|%t|%ms|%tr|%trg"),
        "21/Nov/2026:03:58:01 +0000|1795233481|21/Nov/2026:03:58:01.724|724|21/Nov/2026:03:58:01.724|21/Nov/2026:03:58:01 +0000"
    );
    assert_eq!(
        log("%CC|%CS|%HM|%HP|%HPO|%HQ|%HU|%HV|%ID|%ST|%U"),
        "-|-|GET|/p%20q/x|/p%20q/x|?a=b&c|/p%20q/x?a=b&c|HTTP/1.1|-|200|114"
    );
    assert_eq!(
        log("%bi|%bp|%ci|%cp|%f|%fi|%fp|%hr|%hrl|%hs|%hsl|%r"),
        "-|-|127.0.0.1|37692|fe|127.0.0.1|21964|{|ua #22x#22|}|- ua #22x#22 -|{}|-|GET /p%20q/x?a=b&c HTTP/1.1"
    );
    assert_eq!(log("%rc|%rt|%s|%ts|%tsc"), "+1|5|<NOSRV>|LR|LR--");
}

#[test]
fn flags_quote_escape_and_turn_to_hexadecimal() {
    assert_eq!(
        log("%{+Q}T|%{+Q}CC|%{+Q}ci|%{+Q}hr|%{+Q}hrl|%{+Q}ID|%{+Q}ST|%{+Q}ts"),
        "21/Nov/2026:03:58:01 +0000|\"\"|\"127.0.0.1\"|\"{|ua #22x#22|}\"|\"\" \"ua #22x#22\" \"\"|\"\"|200|LR"
    );
    assert_eq!(
        log("%{+X}ci|%{+X}cp|%{+X}Ts|%{+X}rt|%{+X}ms|%{+X}B"),
        "7F000001|933C|6B0116C9|0005|2D4|190"
    );
    let quoted = "%[bin(6122625d635c64)]|%{+E}[bin(6122625d635c64)]|%{+Q,+E}[bin(6122625d635c64)]";
    assert_eq!(log(quoted), r#"a"b]c\d|a\"b\]c\\d|"a\"b\]c\\d""#);
    assert_eq!(
        log("%{+Q}o %ci %{-Q}r %s %CS"),
        "\"127.0.0.1\" GET /p%20q/x?a=b&c HTTP/1.1 \"<NOSRV>\" \"\""
    );
    assert_eq!(log("%{+Q}[src_port] %{+X}[int(255)]"), "\"37692\" 255");
}

#[test]
fn json_and_cbor_show_named_items_only() {
    assert_eq!(
        log(
            "%{+json}o %(a)ci %(b)cp xx %(c)[bool(1)] %ST %(d)s %(e)hr %(g:str)[src_port] %(i:bool)[int(0)] %(j)hrl %(k)Tr %(l)CS %(n)t"
        ),
        r#"{"a": "127.0.0.1", "b": 37692, "c": true, "d": "<NOSRV>", "e": "{|ua #22x#22|}", "g": "37692", "i": false, "j": ["-", "ua #22x#22", "-"], "k": 4, "l": "", "n": "21/Nov/2026:03:58:01.724"}"#
    );
    assert_eq!(
        log("%(a)ci %{+json}o %(b)cp"),
        r#"{"a": "127.0.0.1", "b": 37692}"#
    );
    assert_eq!(
        log("%{+json}ST %{+json}ci %{+json}sp"),
        r#"200 "127.0.0.1" """#
    );
    assert_eq!(
        log("%{+cbor}o %(a)ci %(c)[bool(1)] %(d)s %(e)hr %(h)ID %(p)[bin(ff00)] %(ab)[int(-500)]"),
        "BF6161693132372E302E302E316163F56164673C4E4F5352563E61657F617B617C6375612063233232617863233232617C617DFF6168F661705F42FF00FF6261623901F3FF"
    );
    assert_eq!(log("%{+cbor}ci"), "693132372E302E302E31");
    assert_eq!(log("%{+json}o xx %ci"), "{}");
}

#[test]
fn header_fields_are_never_encoded_otherwise_than_by_percent() {
    for (text, expected) in [
        ("%{+bin}o%[bin(410d0a42)]", "A%0D%0AB"),
        ("%{+json}o%(a)[path]", "/p%20q/x"),
        ("%{+cbor,+bin}o%(a)[bin(410d0a42)]", "A%0D%0AB"),
        ("%{+json}[bin(0d0a)]", "%0D%0A"),
    ] {
        for usage in [Usage::HTTP, Usage::UNIQUE_ID] {
            assert_eq!(render(text, usage, &view()), expected, "{text}");
        }
    }
}

#[test]
fn spaces_merge_in_logs_and_stay_elsewhere() {
    let mut bare = view();
    (bare.request_captures, bare.response_captures) = (Vec::new(), Vec::new());
    assert_eq!(render("a %hr %hs b", Usage::LOG, &bare), "a b");
    assert_eq!(render("%{+Q}hr|%{+Q}hrl|", Usage::LOG, &bare), "||");
    assert_eq!(
        render("%{+json}o %(a)hr %(b)hrl", Usage::LOG, &bare),
        r#"{"a": null, "b": null}"#
    );
    assert_eq!(log("a  b   c%%d %ci   %cp "), "a b c%d 127.0.0.1 37692 ");
    assert_eq!(
        render("a  b   %ci   %sp|%{+Q}sp", Usage::HTTP, &view()),
        "a  b   127.0.0.1   |\"\""
    );
    assert_eq!(
        render("%[bin(0109087f80ff)]", Usage::HTTP, &view()).as_bytes()[..10],
        *b"%01\t%08%7F"
    );
}

#[test]
fn early_lines_mark_what_may_grow() {
    let mut early = view();
    early.early = true;
    assert_eq!(
        render("%B|%U|%Tt|%Ta|%Tu|%Td", Usage::LOG, &early),
        "+190|114|+17|+15|+15|5"
    );
    assert_eq!(
        render("%{+json}o %(a)B", Usage::LOG, &early),
        r#"{"a": 190}"#
    );
}

#[test]
fn built_in_formats_give_the_known_lines() {
    assert_eq!(
        log(HTTP_LOG),
        "127.0.0.1:37692 [21/Nov/2026:03:58:01.724] fe fe/<NOSRV> 1/0/3/4/15 200 190 - - LR-- 1/2/3/4/+1 5/6 {|ua #22x#22|} {} \"GET /p%20q/x?a=b&c HTTP/1.1\""
    );
    assert_eq!(
        log(TCP_LOG),
        "127.0.0.1:37692 [21/Nov/2026:03:58:01.724] fe fe/<NOSRV> 0/3/17 190 LR 1/2/3/4/+1 5/6"
    );
}

#[test]
fn faults_are_told_in_the_known_words() {
    assert_eq!(error("%[path"), "missing ']' after 'path'");
    assert_eq!(
        error("%[str(a)b]"),
        "expected ']' after 'str(a)', but found 'b'"
    );
    assert_eq!(error("%{+Q"), "truncated line after '+Q'");
    assert_eq!(error("100%"), "truncated line after '%'");
    assert_eq!(
        error("%zz"),
        "no such format alias 'zz'. If you wanted to emit the '%' character verbatim, you need to use '%%'"
    );
    assert_eq!(
        error("% x"),
        "unexpected alias name near ' ' at position 1 line : '% x'. Maybe you want to write a single '%', use the syntax '%%'"
    );
    assert_eq!(
        error("%(a:int)[path]"),
        "unexpected output type 'int' at position 4 line : '%(a:int)[path]'. Supported types are: str, sint, bool, raw"
    );
    assert_eq!(
        error("%[foo]"),
        "failed to parse sample expression <foo]> : unknown fetch method 'foo'"
    );
    assert_eq!(
        error("%{+json}[src] %{+json}(x)hr"),
        "parse argument modifier without alias name near '%{+json}'"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "[%\\[\\]{}()+,QEXa-z:0-9 \"'\\\\]{0,40}") {
        if let Ok(format) = compile(|ctx| LogFormat::parse(&text, Usage::LOG, ctx)) {
            let mut out = Vec::new();
            format.render(&view(), &mut out);
        }
    }

    #[test]
    fn no_unicode_makes_the_reader_panic(text in "\\PC{0,30}") {
        drop(compile(|ctx| LogFormat::parse(&text, Usage::HTTP, ctx)));
    }
}
