//! Conditions of `.if` and `.elif`, and of `-cc` (manual section 2.4).

use std::fmt;

use crate::env::Env;
use crate::lex::{Fault, Place, split};
use crate::predicate::{Facts, Predicate};

/// Parentheses may nest this deep; it bounds the stack that evaluation takes.
const MAX_DEPTH: usize = 256;

/// Why a condition can't be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// What is wrong, as in messages of `.if`.
    pub message: String,
    /// Byte offset of the fault in the text that was evaluated.
    pub position: usize,
    syntax: bool,
}

impl fmt::Display for ConditionError {
    /// The message as `-cc` words it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lead = if self.syntax {
            "Syntax Error in condition"
        } else {
            "Failed to evaluate condition"
        };
        write!(f, "{lead}: {}", self.message)
    }
}

impl std::error::Error for ConditionError {}

/// Evaluates the argument of `-cc`: cut into words, expanded and rejoined with single spaces as a line is, except that
/// `#` starts no comment.
///
/// # Errors
/// See [`ConditionError`].
pub fn eval_condition(
    text: impl AsRef<[u8]>,
    env: &Env,
    facts: &dyn Facts,
) -> Result<bool, ConditionError> {
    let text = text.as_ref();
    let text = &text[..text
        .iter()
        .position(|b| matches!(b, b'\r' | b'\n' | 0))
        .unwrap_or(text.len())];
    let place = Place {
        file: "",
        line: 0,
        section: "",
    };
    let words = split(text, env, place, false).map_err(|error| {
        let message = match error.fault {
            Fault::Quote => "Unmatched quote.",
            Fault::Brace => "Unmatched brace in variable name.",
            Fault::FirstCharacter => "Forbidden first char in variable name.",
            Fault::Hexadecimal => "Truncated or invalid hexadecimal sequence.",
            Fault::Expansion => "Truncated or invalid word expansion sequence.",
        };
        ConditionError {
            message: message.to_owned(),
            position: error.at,
            syntax: true,
        }
    })?;
    let words: Vec<&[u8]> = words.iter().map(|w| w.bytes()).collect();
    eval_expression(&words.join(&b' '), env, facts)
}

/// Evaluates an expression whose words were unquoted already.
pub(crate) fn eval_expression(
    text: &[u8],
    env: &Env,
    facts: &dyn Facts,
) -> Result<bool, ConditionError> {
    let mut evaluator = Evaluator {
        text,
        at: 0,
        env,
        facts,
        depth: 0,
        late: None,
    };
    let result = match evaluator.any(true) {
        Ok(value) => {
            evaluator.blanks();
            match text.get(evaluator.at) {
                None => Ok(value),
                Some(&byte) => Err(error(
                    format!(
                        "unexpected character '{}' at the end of conditional expression '{}'",
                        byte as char,
                        show(text)
                    ),
                    evaluator.at,
                )),
            }
        }
        Err(Fail::Missing(_)) if text.iter().all(is_blank) => Ok(false),
        Err(Fail::Missing(at)) => Err(unparsable(text, at)),
        Err(Fail::Error(error)) => Err(error),
    };
    // Arguments that make no sense matter only where everything else can be read.
    match evaluator.late {
        Some(late) if result.is_ok() => Err(late),
        _ => result,
    }
}

/// Line feeds and the like, which only escapes can bring in, are no blanks.
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn error(message: String, position: usize) -> ConditionError {
    ConditionError {
        message,
        position,
        syntax: false,
    }
}

fn unparsable(text: &[u8], at: usize) -> ConditionError {
    error(
        format!("unparsable conditional expression '{}'", show(text)),
        at,
    )
}

fn show(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

enum Fail {
    /// The text ended where an operand should stand; where the fault is shown.
    Missing(usize),
    Error(ConditionError),
}

struct Evaluator<'a> {
    text: &'a [u8],
    at: usize,
    env: &'a Env,
    facts: &'a dyn Facts,
    depth: usize,
    /// The first fault met in evaluation, rather than in reading.
    late: Option<ConditionError>,
}

impl Evaluator<'_> {
    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn operator(&mut self, operator: &[u8]) -> Option<usize> {
        self.blanks();
        let at = self.at;
        self.text[at..].starts_with(operator).then(|| {
            self.at += operator.len();
            at
        })
    }

    fn unparsable_from(&self, at: usize) -> Fail {
        Fail::Error(unparsable(&self.text[at..], at))
    }

    /// Conditions joined by `||`. Without `live`, they are read but nothing is asked.
    fn any(&mut self, live: bool) -> Result<bool, Fail> {
        let mut first = None;
        let mut value = false;
        loop {
            match self.all(live && !value) {
                Ok(operand) => value |= operand,
                Err(Fail::Missing(at)) if at < self.text.len() => {
                    return Err(self.unparsable_from(at));
                }
                Err(Fail::Missing(at)) => return Err(Fail::Missing(first.unwrap_or(at))),
                Err(fail) => return Err(fail),
            }
            match self.operator(b"||") {
                Some(at) => first = first.or(Some(at)),
                None => return Ok(value),
            }
        }
    }

    /// Conditions joined by `&&`.
    fn all(&mut self, live: bool) -> Result<bool, Fail> {
        let mut first = None;
        let mut value = true;
        loop {
            match self.term(live && value) {
                Ok(operand) => value &= operand,
                Err(Fail::Missing(at)) => return Err(Fail::Missing(first.unwrap_or(at))),
                Err(fail) => return Err(fail),
            }
            match self.operator(b"&&") {
                Some(at) => first = first.or(Some(at)),
                None => return Ok(value),
            }
        }
    }

    fn term(&mut self, live: bool) -> Result<bool, Fail> {
        self.blanks();
        let start = self.at;
        let mut negated = false;
        while self.text.get(self.at) == Some(&b'!') {
            negated = !negated;
            self.at += 1;
            self.blanks();
        }
        let value = match self.text.get(self.at) {
            None if start == self.at => return Err(Fail::Missing(start)),
            Some(b'(') => self.parenthesis(live)?,
            _ => match self.integer() {
                Some(value) => value,
                None => self.predicate(start, live)?,
            },
        };
        Ok(value != negated)
    }

    fn parenthesis(&mut self, live: bool) -> Result<bool, Fail> {
        let open = self.at;
        if self.depth >= MAX_DEPTH {
            let message = format!(
                "unparsable conditional sub-expression '{}'",
                show(&self.text[open..])
            );
            return Err(Fail::Error(error(message, open)));
        }
        self.at += 1;
        self.depth += 1;
        let value = match self.any(live) {
            Err(Fail::Missing(_)) => return Err(self.unparsable_from(open)),
            other => other?,
        };
        self.depth -= 1;
        if self.operator(b")").is_none() {
            let message = format!(
                "expected ')' after conditional expression '{}'",
                show(&self.text[open..])
            );
            return Err(Fail::Error(error(message, open)));
        }
        Ok(value)
    }

    /// A C integer (decimal, octal or hexadecimal), true unless it is zero.
    fn integer(&mut self) -> Option<bool> {
        let rest = &self.text[self.at..];
        let sign = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
        let body = &rest[sign..];
        let hex = matches!(body, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
        let lead = if hex { 2 } else { 0 };
        let octal = !hex && body.first() == Some(&b'0');
        let digits = &body[lead..];
        let length = digits
            .iter()
            .take_while(|b| match (hex, octal) {
                (true, _) => b.is_ascii_hexdigit(),
                (_, true) => (b'0'..=b'7').contains(b),
                _ => b.is_ascii_digit(),
            })
            .count();
        if length == 0 {
            return None;
        }
        self.at += sign + lead + length;
        Some(digits[..length].iter().any(|&b| b != b'0'))
    }

    fn predicate(&mut self, start: usize, live: bool) -> Result<bool, Fail> {
        let from = self.at;
        let rest = &self.text[from..];
        let length = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count();
        let name = &rest[..length];
        let Some(predicate) = Predicate::find(name) else {
            return Err(self.unparsable_from(start));
        };
        self.at += length;
        let args = self
            .arguments(predicate, &show(name))
            .map_err(Fail::Error)?;
        if !live || self.late.is_some() {
            return Ok(false);
        }
        let value = predicate.eval(&args, self.env, self.facts);
        if value.is_none() {
            let arg = args.first().map(|a| show(a)).unwrap_or_default();
            let message = format!(
                "invalid argument to conditional expression predicate '{}': '{arg}'",
                show(name)
            );
            self.late = Some(error(message, self.text.len()));
        }
        Ok(value.unwrap_or(false))
    }

    fn arguments(
        &mut self,
        predicate: Predicate,
        name: &str,
    ) -> Result<Vec<Vec<u8>>, ConditionError> {
        let arity = predicate.arity();
        let fail = |what: String, index: usize, at: usize| {
            error(
                format!(
                    "{what} in argument {index} of predicate '{name}' used in conditional expression"
                ),
                at,
            )
        };
        let mut args = Vec::new();
        let open = self.text.get(self.at) == Some(&b'(');
        if open {
            self.at += 1;
            loop {
                let arg = self.argument().map_err(|(what, at)| {
                    fail(
                        format!("{what} as type 'string' at position {}", args.len() + 1),
                        args.len(),
                        at,
                    )
                })?;
                args.push(arg);
                if args.len() == arity || self.text.get(self.at) != Some(&b',') {
                    break;
                }
                self.at += 1;
            }
        }
        if args.len() < arity && arity > 1 {
            // An absent argument list counts as one empty argument.
            let got = args.len().max(1);
            return Err(fail(
                format!("missing arguments (got {got}/{arity}), type 'string' expected"),
                1,
                self.at,
            ));
        }
        if open {
            match self.text.get(self.at) {
                Some(b')') => self.at += 1,
                None => return Err(fail("expected ')'".to_owned(), 1, self.at)),
                Some(_) => {
                    let rest = show(&self.text[self.at..]);
                    return Err(fail(format!("expected ')' before '{rest}'"), 1, self.at));
                }
            }
        }
        Ok(args)
    }

    /// One argument with its own level of quoting, up to an unprotected comma or closing parenthesis.
    fn argument(&mut self) -> Result<Vec<u8>, (String, usize)> {
        let mut arg = Vec::new();
        let mut quote = None;
        while let Some(&byte) = self.text.get(self.at) {
            match (byte, quote) {
                (b',' | b')', None) => break,
                (b'"' | b'\'', None) => quote = Some(byte),
                (_, Some(open)) if byte == open => quote = None,
                (b'\\', None | Some(b'"')) => {
                    let escaped = match self.text.get(self.at + 1) {
                        None => {
                            return Err((
                                format!("failed to parse '\\' after '{}'", show(&arg)),
                                self.at,
                            ));
                        }
                        Some(&next @ (b'\\' | b' ' | b'"' | b'\'')) => Some(next),
                        Some(b'n') => Some(b'\n'),
                        Some(b'r') => Some(b'\r'),
                        Some(b't') => Some(b'\t'),
                        Some(_) => None,
                    };
                    self.at += usize::from(escaped.is_some());
                    arg.push(escaped.unwrap_or(b'\\'));
                }
                _ => arg.push(byte),
            }
            self.at += 1;
        }
        Ok(arg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Known;

    impl Facts for Known {
        fn feature(&self, name: &str) -> bool {
            name == "SSL"
        }
        fn enabled(&self, name: &str) -> Option<bool> {
            match name {
                "EPOLL" => Some(true),
                "POLL" => Some(false),
                _ => None,
            }
        }
        fn version(&self) -> &str {
            "3.4.0"
        }
        fn ssl_library(&self) -> Option<&str> {
            Some("AWS-LC 1.0")
        }
        fn openssl_version(&self) -> Option<u32> {
            Some(0x1010_107f)
        }
        fn awslc_api(&self) -> Option<u32> {
            Some(35)
        }
    }

    fn eval(text: &str) -> Result<bool, (String, usize)> {
        let mut env = Env::empty();
        env.set("HOME", "/root");
        eval_condition(text, &env, &Known).map_err(|e| (e.message, e.position + 1))
    }

    #[test]
    fn truth() {
        for text in [
            "1",
            "-1",
            "+1",
            " 1",
            "1 ",
            "!0",
            "!!1",
            "(1)",
            "( 1 )",
            "0x10",
            "1||0",
            "0 || 1 && 1",
            "!(!1)",
            "99999999999999999999",
            "defined(HOME)",
            r#"defined("HOME")"#,
            "feature(SSL)",
            "enabled(EPOLL)",
            "streq(a,a)",
            "streq(,)",
            r#"streq("$HOME",/root)"#,
            r#"streq('a b',"a b")"#,
            r"streq(a\ b,'a b')",
            "strneq(a,b)",
            "strstr(abc,b)",
            "strstr(abc,)",
            "version_atleast(3.4)",
            "version_before(3.4.1)",
            "openssl_version_atleast(1.1.1)",
            "openssl_version_before(3.0.0)",
            "ssllib_name_startswith(AWS)",
            "awslc_api_atleast(35)",
            "awslc_api_before(36)",
            "streq(a,a)&&!streq(b,c)||0",
            r#"streq(\"a,b\",\"a,b\")"#,
            r#"streq(a\\nb,\"a\\nb\")"#,
            "1 || openssl_version_atleast(1)",
        ] {
            assert_eq!(eval(text), Ok(true), "{text}");
        }
        for text in [
            "",
            "  ",
            "0",
            "00",
            "!1",
            "! 1",
            "1 && 0",
            "0 || 0 && 1",
            "defined",
            "defined()",
            "defined( HOME )",
            "defined(NO)",
            "feature(ssl)",
            "enabled(POLL)",
            "enabled(NO)",
            "streq(a,b)",
            "streq(a,)",
            "streq('$HOME',/root)",
            "version_atleast(3.4.1)",
            "version_before(3.4-dev3)",
            "0 && openssl_version_atleast(1)",
            r"defined(HOME\)",
            "defined && 1",
            r#"defined(\"A,B\")"#,
        ] {
            assert_eq!(eval(text), Ok(false), "{text}");
        }
    }

    #[test]
    fn unparsable_texts_and_places() {
        for (text, shown, position) in [
            ("foo", "foo", 1),
            ("foo && 1", "foo && 1", 1),
            ("1 && foo", "foo", 6),
            ("0 || 1 || x", "x", 11),
            ("1 ||", "1 ||", 3),
            ("0 || 1 ||", "0 || 1 ||", 3),
            ("1 &&", "&&", 3),
            ("1 && 1 &&", "&& 1 &&", 3),
            ("(1 ||", "(1 ||", 1),
            ("(1 &&", "&&", 4),
            ("!", "!", 1),
            ("(!", "!", 2),
            ("((", "(", 2),
            ("(", "(", 1),
            ("1 && (", "(", 6),
            ("!(foo)", "foo)", 3),
            ("! foo", "! foo", 1),
            ("1 && !foo", "!foo", 6),
            ("()", ")", 2),
            ("1 && && 1", "&& 1", 6),
            ("-", "-", 1),
            ("$HOME", "$HOME", 1),
            ("definedx", "definedx", 1),
            (r"1 && \n1", "\n1", 6),
        ] {
            let expected = format!("unparsable conditional expression '{shown}'");
            assert_eq!(eval(text), Err((expected, position)), "{text}");
        }
    }

    #[test]
    fn other_faults() {
        let unexpected = |c: char, text: &str| {
            format!("unexpected character '{c}' at the end of conditional expression '{text}'")
        };
        let used = |what: &str, index: u8, name: &str| {
            format!(
                "{what} in argument {index} of predicate '{name}' used in conditional expression"
            )
        };
        for (text, message, position) in [
            ("1x", unexpected('x', "1x"), 2),
            ("09", unexpected('9', "09"), 2),
            ("0x", unexpected('x', "0x"), 2),
            ("1 # 0", unexpected('#', "1 # 0"), 3),
            ("1 & 0", unexpected('&', "1 & 0"), 3),
            ("1)", unexpected(')', "1)"), 2),
            ("defined (HOME)", unexpected('(', "defined (HOME)"), 9),
            ("1 || (1", "expected ')' after conditional expression '(1'".to_owned(), 6),
            ("(1 x)", "expected ')' after conditional expression '(1 x)'".to_owned(), 1),
            ("streq(a,a", used("expected ')'", 1, "streq"), 10),
            ("defined(A,)", used("expected ')' before ',)'", 1, "defined"), 10),
            ("streq(a)", used("missing arguments (got 1/2), type 'string' expected", 1, "streq"), 8),
            ("streq", used("missing arguments (got 1/2), type 'string' expected", 1, "streq"), 6),
            (r"streq(a\\", used(r"failed to parse '\' after 'a' as type 'string' at position 1", 0, "streq"), 8),
            (r"streq(a,b\\", used(r"failed to parse '\' after 'b' as type 'string' at position 2", 1, "streq"), 10),
            (
                "1 && openssl_version_atleast(1)",
                "invalid argument to conditional expression predicate 'openssl_version_atleast': '1'".to_owned(),
                32,
            ),
        ] {
            assert_eq!(eval(text), Err((message, position)), "{text}");
        }
    }

    #[test]
    fn messages_of_the_command_line() {
        let shown =
            |text: &str| eval_condition(text, &Env::empty(), &Known).map_err(|e| e.to_string());
        assert_eq!(
            shown("\"1"),
            Err("Syntax Error in condition: Unmatched quote.".to_owned())
        );
        assert_eq!(
            shown("@"),
            Err("Failed to evaluate condition: unparsable conditional expression '@'".to_owned())
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| eval(&format!("{}1{}", "(".repeat(depth), ")".repeat(depth)));
        assert_eq!(nested(200), Ok(true));
        assert!(nested(100_000).is_err());
        assert_eq!(eval(&format!("{}1", "!".repeat(100_000))), Ok(true));
        assert_eq!(eval(&format!("{}1", "1&&".repeat(10_000))), Ok(true));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r#"[01 x()!&|,a"'\\$-]{0,30}|(defined|streq|version_atleast|[(),&|! 01])*"#) {
            if let Err((_, position)) = eval(&text) {
                prop_assert!(position <= text.len() + 1);
            }
        }
    }
}
