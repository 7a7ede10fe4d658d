//! Regular expressions over bytes: linear time by default, bounded backtracking where a pattern needs it.

use regex::bytes::{Captures, RegexBuilder};
use std::borrow::Cow;

/// Steps a backtracking pattern may take before it counts as not matching.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// A compiled regular expression.
#[derive(Debug)]
pub enum Regex {
    /// Matched in linear time.
    Linear(regex::bytes::Regex),
    /// Needs look-around or back-references; matched by bounded backtracking.
    Backtracking(Box<fancy_regex::Regex>),
}

/// The ranges of a match's groups in the subject, the whole match first.
pub type Groups = Vec<Option<(usize, usize)>>;

impl Regex {
    /// Compiles a pattern in PCRE's dialect.
    ///
    /// # Errors
    /// The text of what is wrong with it.
    pub fn new(pattern: &str, ignore_case: bool) -> Result<Self, String> {
        Self::compile(&translate(pattern), ignore_case)
    }

    /// The same expression without regard to letter case.
    ///
    /// # Errors
    /// The text of what is wrong with it.
    pub fn ignoring_case(&self) -> Result<Self, String> {
        let pattern = match self {
            Self::Linear(regex) => regex.as_str(),
            Self::Backtracking(regex) => regex.as_str(),
        };
        Self::compile(pattern, true)
    }

    fn compile(pattern: &str, ignore_case: bool) -> Result<Self, String> {
        let linear = |unicode| {
            RegexBuilder::new(pattern)
                .unicode(unicode)
                .case_insensitive(ignore_case)
                .size_limit(64 << 20)
                .build()
        };
        let error = match linear(false).or_else(|_| linear(true)) {
            Ok(regex) => return Ok(Self::Linear(regex)),
            Err(error) => error,
        };
        if has_huge_repeat(pattern) {
            return Err("number too big in {} quantifier".to_owned());
        }
        fancy_regex::RegexBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .backtrack_limit(BACKTRACK_LIMIT)
            .build()
            .map(|regex| Self::Backtracking(Box::new(regex)))
            .map_err(|_| match error {
                // The library's message is a drawing of several lines; its last one says what is wrong.
                regex::Error::Syntax(text) => text
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned(),
                other => other.to_string(),
            })
    }

    /// Whether the pattern is matched by backtracking.
    #[must_use]
    pub fn backtracks(&self) -> bool {
        matches!(self, Self::Backtracking(_))
    }

    /// What to tell of a pattern that is matched by backtracking.
    #[must_use]
    pub fn backtracking_warning(pattern: &str) -> String {
        format!(
            "regex '{pattern}' needs look-around or back-references and is matched by backtracking, which is slower."
        )
    }

    /// Whether it matches anywhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Self::Linear(regex) => regex.is_match(text),
            Self::Backtracking(regex) => regex.is_match(&as_text(text)).unwrap_or(false),
        }
    }

    /// The groups of the first match at or after `from`.
    ///
    /// Text before `from` is still seen by look-behind and anchors.
    #[must_use]
    pub fn groups_at(&self, text: &[u8], from: usize) -> Option<Groups> {
        match self {
            Self::Linear(regex) => {
                let mut captures = regex.capture_locations();
                regex.captures_read_at(&mut captures, text, from)?;
                Some((0..captures.len()).map(|at| captures.get(at)).collect())
            }
            Self::Backtracking(regex) => {
                // Bytes that are not UTF-8 would shift the ranges; such a subject does not match.
                let text = std::str::from_utf8(text).ok()?;
                let captures = regex.captures_from_pos(text, from).ok()??;
                Some(
                    captures
                        .iter()
                        .map(|m| m.map(|m| (m.start(), m.end())))
                        .collect(),
                )
            }
        }
    }

    /// The captures of the first match, for linear patterns.
    #[must_use]
    pub fn captures<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
        match self {
            Self::Linear(regex) => regex.captures(text),
            Self::Backtracking(_) => None,
        }
    }
}

fn as_text(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

/// Rewrites what PCRE reads otherwise than the library: `[`, `&&`, `--` and `~~` inside classes, and braces that open no
/// repetition.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = tail.chars().next();
                match escaped {
                    // Escapes of characters without a meaning of their own are the character itself.
                    Some(
                        e @ ('/' | '"' | '\'' | ' ' | '=' | '@' | '%' | ',' | ';' | ':' | '!' | '_'
                        | '`' | '<' | '>'),
                    ) => out.push(e),
                    Some(e) => out.extend(['\\', e]),
                    None => out.push('\\'),
                }
                rest = escaped.map_or("", |e| &tail[e.len_utf8()..]);
            }
            '[' => {
                rest = translate_class(tail, &mut out);
            }
            '{' if !opens_repetition(tail) => {
                out.push_str("\\{");
                rest = tail;
            }
            '}' if !closes_repetition(&out) => {
                out.push_str("\\}");
                rest = tail;
            }
            _ => {
                out.push(c);
                rest = tail;
            }
        }
    }
    out
}

fn opens_repetition(tail: &str) -> bool {
    tail.split_once('}').is_some_and(|(inner, _)| {
        let mut parts = inner.splitn(2, ',');
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        parts
            .next()
            .is_some_and(|low| !low.is_empty() && digits(low))
            && parts.next().is_none_or(digits)
    })
}

fn closes_repetition(out: &str) -> bool {
    let inner = out.trim_end_matches(|c: char| {
        c.is_ascii_digit() || c == ',' || c.is_ascii_alphanumeric() || c == '_'
    });
    inner.ends_with('{') && !inner.ends_with("\\{")
}

/// Copies a class whose `[` has been read; returns what follows its `]`.
fn translate_class<'p>(pattern: &'p str, out: &mut String) -> &'p str {
    out.push('[');
    let mut rest = pattern;
    if let Some(tail) = rest.strip_prefix('^') {
        out.push('^');
        rest = tail;
    }
    if let Some(tail) = rest.strip_prefix(']') {
        out.push_str("\\]");
        rest = tail;
    }
    let mut previous = '\0';
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        match c {
            ']' => {
                out.push(']');
                return tail;
            }
            '[' if tail.starts_with(':') && tail[1..].contains(":]") => {
                let end = tail.find(":]").map_or(tail.len(), |at| at + 2);
                out.push('[');
                out.push_str(&tail[..end]);
                rest = &tail[end..];
                previous = ']';
                continue;
            }
            '[' => out.push_str("\\["),
            '&' | '~' if previous == c => out.extend(['\\', c]),
            '\\' => {
                out.push('\\');
                if let Some(e) = tail.chars().next() {
                    out.push(e);
                    rest = &tail[e.len_utf8()..];
                    previous = e;
                    continue;
                }
            }
            _ => out.push(c),
        }
        previous = c;
        rest = tail;
    }
    rest
}

/// Whether a number in braces exceeds PCRE's limit. The backtracking engine's own sums overflow far above it.
fn has_huge_repeat(pattern: &str) -> bool {
    const LIMIT: u32 = 65535;
    pattern.split('{').skip(1).any(|rest| {
        let inner = rest.split('}').next().unwrap_or_default();
        let mut bounds = inner.split(',').map(str::trim);
        let is_number = |bound: &str| bound.bytes().all(|byte| byte.is_ascii_digit());
        bounds.clone().all(is_number)
            && bounds.any(|b| !b.is_empty() && b.parse::<u32>().map_or(true, |n| n > LIMIT))
    })
}

#[cfg(test)]
mod tests {
    use super::Regex;

    #[test]
    fn only_what_needs_it_is_matched_by_backtracking() {
        for (pattern, backtracks) in [
            ("^/a[bc]+(/|$)", false),
            (r"\bfoo\d{2,5}", false),
            ("(?i)a|b", false),
            (r"(a)\1", true),
            ("a(?=b)", true),
            ("(?<!x)a", true),
        ] {
            let regex = Regex::new(pattern, false).expect(pattern);
            assert_eq!(regex.backtracks(), backtracks, "{pattern}");
        }
    }

    #[test]
    fn huge_repeats_are_refused_by_the_backtracking_engine_too() {
        for pattern in [r"(a{18446744073709551615,5}x|y)\1", r"(a)\1{65536}"] {
            let refused = Regex::new(pattern, false).expect_err(pattern);
            assert_eq!(refused, "number too big in {} quantifier");
        }
        assert!(Regex::new(r"(a{1,3})\1{2,}", false).is_ok());
    }
}
