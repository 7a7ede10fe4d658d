use super::*;
use crate::diag::Style;
use proptest::prelude::*;

struct Plain;

impl Facts for Plain {
    fn feature(&self, name: &str) -> bool {
        name == "SSL"
    }
    fn enabled(&self, _: &str) -> Option<bool> {
        None
    }
    fn version(&self) -> &str {
        "3.4.0"
    }
}

fn reader(text: &[u8]) -> Reader {
    Reader::new(vec![Source::Text {
        name: "t.cfg".to_owned(),
        text: text.to_vec(),
    }])
}

fn drain(mut reader: Reader) -> (Vec<String>, Vec<String>) {
    let mut env = Env::empty();
    env.set("EMPTY", "");
    let mut diags = Diagnostics::new();
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line(&mut env, &Plain, &mut diags) {
        lines.push(
            line.words
                .iter()
                .map(Word::as_str)
                .collect::<Vec<_>>()
                .join("|"),
        );
    }
    let mut out = Vec::new();
    diags.render(&mut out, 1, Style::default()).expect("memory");
    let text = String::from_utf8(out)
        .expect("text")
        .replace(" (1) : config : parsing [t.cfg", "");
    (lines, text.lines().map(str::to_owned).collect())
}

fn read(text: &str) -> (Vec<String>, Vec<String>) {
    drain(reader(text.as_bytes()))
}

fn lines(text: &str) -> Vec<String> {
    let (lines, messages) = read(text);
    assert_eq!(messages, [""; 0], "{text}");
    lines
}

fn messages(text: &str) -> Vec<String> {
    read(text).1
}

#[test]
fn lines_and_prefixes() {
    let mut reader = reader(b"\n global # x\r\n\tno log\n default\n\"\" hidden\nserver \xe9 x\n");
    let (mut env, mut diags) = (Env::empty(), Diagnostics::new());
    let mut next = || reader.next_line(&mut env, &Plain, &mut diags);
    let line = next().expect("global");
    assert_eq!(
        (
            line.number,
            line.source.as_str(),
            line.word(0),
            line.word(1)
        ),
        (2, " global # x", "global", "")
    );
    let line = next().expect("no log");
    assert_eq!(
        (line.prefix, line.words.len(), line.words[0].column),
        (Prefix::No, 1, 5)
    );
    let line = next().expect("default");
    assert_eq!((line.prefix, line.words.len()), (Prefix::Default, 0));
    let line = next().expect("server");
    assert_eq!(
        (line.number, line.words[1].bytes(), line.source.as_str()),
        (6, &b"\xe9"[..], "server ? x")
    );
    assert_eq!(line.words[2].column, 10);
    assert!(next().is_none());
    assert!(diags.is_empty());
}

#[test]
fn carriage_returns_end_a_line() {
    assert_eq!(lines("a 1\r\nb\rc\nd \\\r\n"), ["a|1", "b", "d|\\"]);
    assert_eq!(
        messages("a \"b\r\"\n"),
        [
            "[ALERT]   :1]: unmatched quote at position 3:",
            "  a \"b \"",
            "    ^"
        ]
    );
}

#[test]
fn branches() {
    assert_eq!(
        lines(".if 1\na\n.elif 1\nb\n.else\nc\n.endif\nd\n"),
        ["a", "d"]
    );
    assert_eq!(
        lines(".if 0\na\n.elif 1\nb\n.elif 1\nx\n.else\nc\n.endif\n"),
        ["b"]
    );
    assert_eq!(lines(".if\na\n.elif 0\nb\n.else # x\nc\n.endif\n"), ["c"]);
    assert_eq!(
        lines(
            ".if 0\n.if @@\n.foo\n.notice a b\n.else\na\n.endif\n.elif feature(SSL)\nb\n.endif\n"
        ),
        ["b"]
    );
    assert_eq!(lines(".if 1\n.if 0\na\n.endif\nb\n.endif\n"), ["b"]);
    assert_eq!(lines(".if 1\n.elif @@\n.endif \"\"\n"), [""; 0]);
}

#[test]
fn wrong_branches() {
    assert_eq!(
        messages(".elif 1\n"),
        ["[ALERT]   :1]: lone '.elif' with no matching '.if'."]
    );
    assert_eq!(
        messages(".else\n"),
        ["[ALERT]   :1]: lone '.else' with no matching '.if'."]
    );
    assert_eq!(
        messages(".endif\n"),
        ["[ALERT]   :1]: lone '.endif' with no matching '.if'."]
    );
    assert_eq!(
        messages(".if 1\n.else\n.else\n.elif 1\n.endif\n"),
        [
            "[ALERT]   :3]: '.else' after '.else' is not permitted.",
            "[ALERT]   :4]: '.elif' after '.else' is not permitted."
        ]
    );
    assert_eq!(
        messages(".if 1\n.else x\n.endif y\n"),
        [
            "[ALERT]   :2]: Unexpected argument 'x' for '.else'.",
            "[ALERT]   :3]: Unexpected argument 'y' for '.endif'."
        ]
    );
    assert_eq!(
        messages("a\n.if 1\n.if 0\n"),
        ["[ALERT]   :3]: non-terminated '.if' block."]
    );
    assert_eq!(
        messages(".foo\n"),
        ["[ALERT]   :1]: unknown directive '.foo'."]
    );
}

#[test]
fn a_wrong_condition_takes_no_branch() {
    let (lines, messages) = read(".if 1 && @@\na\n.elif 1\nb\n.else\nc\n.endif\nd\n");
    assert_eq!(lines, ["d"]);
    assert_eq!(
        messages,
        [
            "[ALERT]   :1]: unparsable conditional expression '@@' in '.if' at position 6:",
            "  .if 1 && @@",
            "           ^"
        ]
    );
}

#[test]
fn a_condition_without_words_keeps_its_block() {
    let (lines, messages) =
        read(".if \"\na\n.elif 1\nb\n.endif\n.if 0\n.elif '\nc\n.else\nd\n.endif\ne\n");
    assert_eq!(lines, ["e"]);
    assert_eq!(messages.len(), 6, "{messages:?}");
}

#[test]
fn nesting_limit() {
    let nested =
        |depth: usize| format!("{}a\n{}", ".if 1\n".repeat(depth), ".endif\n".repeat(depth));
    assert_eq!(lines(&nested(99)), ["a"]);
    for depth in [100, 300] {
        let (lines, messages) = read(&nested(depth));
        assert_eq!(
            (lines.len(), messages),
            (
                0,
                vec!["[ALERT]   :100]: too many nested '.if', max is 100.".to_owned()]
            )
        );
    }
}

#[test]
fn spoken_messages() {
    assert_eq!(
        messages(".notice \"a b\"\n.warning w\n.alert x\n.diag y\n.notice\n.notice a \"\" b\n"),
        [
            "[NOTICE]  :1]: 'a b'.",
            "[WARNING] :2]: 'w'.",
            "[ALERT]   :3]: 'x'.",
            "[NOTICE]  :5]: ''.",
            "[NOTICE]  :6]: 'a'."
        ]
    );
    assert_eq!(
        messages(".notice a b\n"),
        [
            "[ALERT]   :1]: Unexpected argument 'b' for '.notice'. Use quotes if the message should contain spaces."
        ]
    );
}

#[test]
fn faults_leave_the_rest_readable() {
    let (lines, messages) = drain(reader(b"a\nb \"x\n.if 0\nc\\x\n.endif\nd\0\n e \"\"\nf\n"));
    assert_eq!(lines, ["a", "f"]);
    let heads: Vec<_> = messages
        .iter()
        .filter(|m| m.starts_with('['))
        .cloned()
        .collect();
    assert_eq!(
        heads,
        [
            "[ALERT]   :2]: unmatched quote at position 3:",
            "[ALERT]   :4]: truncated or invalid hexadecimal sequence at position 2:",
            "[ALERT]   :6]: Stray NUL character at position 2.",
            "[ALERT]   :7]: argument number 1 at position 5 is empty and marks the end of the argument list:",
        ]
    );
}

#[test]
fn empty_words_are_placed() {
    for (text, index, position) in [
        (" maxconn \"${EMPTY}\" \n", 1, 19),
        (" maxconn \"x\" \"\" \"\" a\n", 2, 15),
        (" maxconn \\x00 a\n", 1, 10),
        (" maxconn \"${EMPTY[*]}\"\"\" 10\n", 1, 24),
    ] {
        let expected = format!(
            "[ALERT]   :1]: argument number {index} at position {position} is empty and marks the end of the argument list:"
        );
        assert_eq!(messages(text).first(), Some(&expected), "{text}");
    }
}

#[test]
fn word_limit() {
    assert_eq!(lines(&format!("x{}\n", " a".repeat(63))).len(), 1);
    assert_eq!(
        messages(&format!("  .notice{}\n", " \"a\"".repeat(64))),
        ["[ALERT]   :1]: too many words, truncating after word 64, position 133: <a>."]
    );
    assert_eq!(
        messages(&format!("{}\n", "  a\\ b".repeat(70))),
        ["[ALERT]   :1]: too many words, truncating after word 64, position 253: <a b>."]
    );
}

#[test]
fn long_lines_are_fine() {
    let word = "a".repeat(100_000);
    assert_eq!(lines(&format!("x {word}\n")), [format!("x|{word}")]);
}

#[test]
fn last_line_without_line_feed() {
    let text = b"a\n maxconn 10";
    let message = "Missing LF on last line, file might have been truncated at position 12.";
    let (lines, messages) = drain(reader(text));
    assert_eq!(
        (lines.len(), messages),
        (2, vec![format!("[WARNING] :2]: {message}")])
    );
    let (lines, messages) = drain(reader(text).strict(true));
    assert_eq!(
        (lines.len(), messages),
        (1, vec![format!("[ALERT]   :2]: {message}")])
    );
}

#[test]
fn too_many_faults_end_a_file() {
    let messages = messages(&".foo\n".repeat(60));
    assert_eq!(messages.len(), 51);
    assert_eq!(
        messages[50],
        "[ALERT]   :51]: too many fatal errors (50), stopping now."
    );
}

#[test]
fn the_environment_may_change_between_lines() {
    let mut reader =
        reader(b"setenv X 1\n.if streq(\"$X\",1)\nyes \"$X\" \"$.SECTION\" \"$.LINE\"\n.endif\n");
    let (mut env, mut diags) = (Env::empty(), Diagnostics::new());
    assert!(reader.next_line(&mut env, &Plain, &mut diags).is_some());
    env.set("X", "1");
    reader.set_section("web");
    let line = reader
        .next_line(&mut env, &Plain, &mut diags)
        .expect("a line");
    assert_eq!(
        (line.word(1), line.word(2), line.word(3)),
        ("1", "web", "3")
    );
}

#[test]
fn files_follow_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.cfg");
    std::fs::write(&path, ".if 1\na\n").expect("a file");
    let missing = directory.path().join("none");
    let text = Source::Text {
        name: "b".to_owned(),
        text: b"b\n".to_vec(),
    };
    let mut reader = Reader::new(vec![Source::File(path), Source::File(missing), text]);
    let (mut env, mut diags) = (Env::empty(), Diagnostics::new());
    let mut seen = Vec::new();
    while let Some(line) = reader.next_line(&mut env, &Plain, &mut diags) {
        seen.push((line.word(0).to_owned(), line.number));
    }
    assert_eq!(seen, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    let texts: Vec<_> = diags.iter().map(|d| d.message.as_str()).collect();
    assert!(
        texts[0].starts_with("non-terminated")
            && texts[1].ends_with("none : No such file or directory"),
        "{texts:?}"
    );
}

proptest! {
    #[test]
    fn any_bytes_end(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        drain(reader(&text));
    }

    #[test]
    fn any_directives_end(text in r#"((\.(if|elif|else|endif|notice|x)|no|a|"|'|\$A|1| |\\|#|\r)*\n){0,12}"#) {
        let (lines, _) = read(&text);
        prop_assert!(lines.len() <= text.lines().count());
    }
}
