//! Values inside of JSON texts, found by path while the text is read: nothing behind the value matters.

use super::{string, text};
use crate::args::Args;
use crate::args::spec::{OPT_STR, STR};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;

/// How deep objects and arrays may be nested.
const MAX_DEPTH: usize = 20;

/// Integers beyond these limits are not exact in every JSON reader and yield nothing.
const MAX_SAFE: i64 = (1 << 53) - 1;

enum Step {
    /// A key, as it is written in the text.
    Key(Box<[u8]>),
    Index(usize),
    /// Every element of an array.
    All,
    /// Nothing at all.
    Never,
}

/// A compiled query.
pub(super) struct Query {
    steps: Vec<Step>,
    int: bool,
}

impl Query {
    /// Compiles the path and output type of the arguments from `at` on.
    pub(super) fn from_args(args: &Args, at: usize) -> Result<Self, String> {
        let int = match args.str(at + 1) {
            None | Some(b"") => false,
            Some(b"int") => true,
            Some(_) => return Err("output_type only supports \"int\" as argument".into()),
        };
        let steps = steps(args.str(at).unwrap_or_default());
        Ok(Self { steps, int })
    }

    /// The value at the path.
    pub(super) fn run<'a>(&self, json: &[u8]) -> Option<Value<'a>> {
        let mut scan = Scan { rest: json };
        scan.find(&self.steps, 0)?.and_then(|raw| self.output(raw))
    }

    fn output<'a>(&self, raw: &[u8]) -> Option<Value<'a>> {
        match raw.first()? {
            b'"' => string(unescape(raw.get(1..raw.len() - 1)?)?),
            b'[' => string(raw.to_vec()),
            b't' => Some(Value::Bool(true)),
            b'f' => Some(Value::Bool(false)),
            b'-' | b'0'..=b'9' if self.int => {
                let number = integer(raw);
                (-MAX_SAFE..=MAX_SAFE)
                    .contains(&number)
                    .then_some(Value::Int(number))
            }
            b'-' | b'0'..=b'9' => string(shortest(raw).into_bytes()),
            _ => None,
        }
    }
}

/// Reads a path: `$`, then `.key` and `[index]`. A backslash takes what follows it into a key.
fn steps(path: &[u8]) -> Vec<Step> {
    let Some(mut rest) = path.strip_prefix(b"$") else {
        return vec![Step::Never];
    };
    let mut steps = Vec::new();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'.' => {
                let mut key = Vec::new();
                loop {
                    match rest {
                        [] | [b'.' | b'[', ..] => break,
                        [b'\\', c, tail @ ..] => {
                            key.push(*c);
                            rest = tail;
                        }
                        [c, tail @ ..] => {
                            key.push(*c);
                            rest = tail;
                        }
                    }
                }
                steps.push(Step::Key(key.into()));
            }
            b'[' => {
                let end = memchr::memchr(b']', rest).unwrap_or(rest.len());
                let inner = rest.get(..end).unwrap_or_default();
                rest = rest.get(end + 1..).unwrap_or_default();
                steps.push(match inner {
                    b"*" => Step::All,
                    [b'-' | b' ' | b'\'' | b'"', ..] => Step::Never,
                    digits => Step::Index(
                        digits
                            .iter()
                            .take_while(|b| b.is_ascii_digit())
                            .fold(0usize, |n, b| {
                                n.saturating_mul(10).saturating_add(usize::from(b - b'0'))
                            }),
                    ),
                });
            }
            _ => return vec![Step::Never],
        }
    }
    steps
}

/// The text of the value at a key of an object. What follows it need not be right.
pub(super) fn member<'j>(json: &'j [u8], key: &str) -> Option<&'j [u8]> {
    let mut scan = Scan { rest: json };
    scan.space();
    (scan.rest.first() == Some(&b'{')).then_some(())?;
    scan.children(0, |scan, name, depth| {
        let value = scan.skip(depth)?;
        Some((name == Some(key.as_bytes())).then_some(value))
    })?
}

/// The string at a key of an object.
pub(super) fn member_text(json: &[u8], key: &str) -> Option<Vec<u8>> {
    let raw = member(json, key)?;
    unescape(raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?)
}

/// A reader of JSON. Its functions return `None` where the text is broken.
struct Scan<'j> {
    rest: &'j [u8],
}

impl<'j> Scan<'j> {
    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn take(&mut self, length: usize) -> Option<&'j [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'j [u8]> {
        let mut at = 1;
        loop {
            match self.rest.get(at)? {
                b'"' => return self.take(at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    /// A string, number or word.
    fn scalar(&mut self) -> Option<&'j [u8]> {
        match self.rest.first()? {
            b'"' => self.string(),
            b't' if self.rest.starts_with(b"true") => self.take(4),
            b'f' if self.rest.starts_with(b"false") => self.take(5),
            b'n' if self.rest.starts_with(b"null") => self.take(4),
            b'-' | b'0'..=b'9' => self.take(number_length(self.rest).max(1)),
            _ => None,
        }
    }

    /// Skips a value and returns its text.
    fn skip(&mut self, depth: usize) -> Option<&'j [u8]> {
        self.space();
        let start = self.rest;
        match start.first()? {
            b'{' | b'[' => {
                self.children(depth, |scan, _, depth| scan.skip(depth).map(|_| None::<()>))?;
            }
            b'-' if number_length(start) == 0 => return None,
            _ => {
                self.scalar()?;
            }
        }
        start.get(..start.len() - self.rest.len())
    }

    /// Hands every child of the array or object at hand to `each`, with the key's text in objects, until one yields
    /// something.
    fn children<T>(
        &mut self,
        depth: usize,
        mut each: impl FnMut(&mut Self, Option<&'j [u8]>, usize) -> Option<Option<T>>,
    ) -> Option<Option<T>> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let object = self.rest.first() == Some(&b'{');
        let close = if object { b'}' } else { b']' };
        self.take(1)?;
        if self.eat(close) {
            return Some(None);
        }
        loop {
            let key = if object {
                self.space();
                let key = (self.rest.first() == Some(&b'"')).then(|| self.string())??;
                self.eat(b':').then_some(())?;
                key.get(1..key.len().checked_sub(1)?)
            } else {
                None
            };
            if let Some(found) = each(self, key, depth + 1)? {
                return Some(Some(found));
            }
            if self.eat(close) {
                return Some(None);
            }
            self.eat(b',').then_some(())?;
        }
    }

    /// The text of the value at a path below the value at hand; that of an object is none.
    fn find(&mut self, steps: &[Step], depth: usize) -> Option<Option<&'j [u8]>> {
        self.space();
        let first = *self.rest.first()?;
        let Some((step, below)) = steps.split_first() else {
            return match first {
                b'[' => self.skip(depth).map(Some),
                b'{' => self.skip(depth).map(|_| None),
                _ => self.number_or_scalar().map(Some),
            };
        };
        let mut index = 0;
        match (first, step) {
            (b'{', Step::Key(wanted)) => self.children(depth, |scan, key, depth| {
                if key == Some(wanted) {
                    scan.find(below, depth)
                } else {
                    scan.skip(depth).map(|_| None)
                }
            }),
            (b'[', Step::Index(_) | Step::All) => self.children(depth, |scan, _, depth| {
                let here =
                    matches!(step, Step::All) || matches!(step, Step::Index(i) if *i == index);
                index += 1;
                if here {
                    scan.find(below, depth)
                } else {
                    scan.skip(depth).map(|_| None)
                }
            }),
            _ => self.skip(depth).map(|_| None),
        }
    }

    /// A scalar that is wanted: of a number, all that might belong to it.
    fn number_or_scalar(&mut self) -> Option<&'j [u8]> {
        if !matches!(self.rest.first()?, b'-' | b'0'..=b'9') {
            return self.scalar();
        }
        let mut length = number_length(self.rest).max(1);
        if self.rest.starts_with(b"0x") || self.rest.starts_with(b"-0x") {
            let digits = |b: &&u8| b.is_ascii_hexdigit() || matches!(b, b'x' | b'-');
            length = self.rest.iter().take_while(digits).count();
        } else if self.rest.get(length) == Some(&b'.')
            && self
                .rest
                .get(..length)
                .is_some_and(|n| n.iter().all(|b| b.is_ascii_digit() || *b == b'-'))
        {
            // A dot without digits spoils the number, unless an exponent follows.
            length += 1;
            let exponent = self.rest.get(length..).unwrap_or_default();
            if matches!(exponent.first(), Some(b'e' | b'E')) {
                length += exponent_length(exponent);
            }
        }
        self.take(length)
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn exponent_length(text: &[u8]) -> usize {
    let sign = usize::from(matches!(text.get(1), Some(b'+' | b'-')));
    1 + sign + digits(text.get(1 + sign..).unwrap_or_default())
}

/// The length of the number at the start of a text, 0 for none.
fn number_length(text: &[u8]) -> usize {
    let sign = usize::from(text.first() == Some(&b'-'));
    let whole = digits(text.get(sign..).unwrap_or_default());
    if whole == 0 {
        return 0;
    }
    let mut length = sign + whole;
    if text.get(length) == Some(&b'.') {
        let fraction = digits(text.get(length + 1..).unwrap_or_default());
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    match text.get(length..) {
        Some(rest @ [b'e' | b'E', ..]) => length + exponent_length(rest),
        _ => length,
    }
}

/// The integer at the start of a text, where a leading 0 means octal and 0x hexadecimal, within 64 bits.
fn integer(raw: &[u8]) -> i64 {
    let (negative, digits) = match raw {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, raw),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', rest @ ..] => (8, rest),
        _ => (10, digits),
    };
    digits
        .iter()
        .map_while(|b| char::from(*b).to_digit(radix))
        .fold(0i64, |number, digit| {
            let number = number.saturating_mul(i64::from(radix));
            if negative {
                number.saturating_sub(i64::from(digit))
            } else {
                number.saturating_add(i64::from(digit))
            }
        })
}

/// A number with six significant digits, in the shorter of plain and exponential notation.
fn shortest(raw: &[u8]) -> String {
    let text = std::str::from_utf8(raw).unwrap_or_default();
    let text = match text.split_once(['x', 'X']) {
        Some((zero, _)) => zero,
        None => text,
    };
    if text.ends_with('.') {
        return "0".into();
    }
    let mantissa = text.trim_end_matches(['+', '-', 'e', 'E']);
    let number: f64 = if text.is_empty() || mantissa.is_empty() {
        0.0
    } else {
        mantissa.parse().unwrap_or(0.0)
    };
    if number.is_infinite() {
        return if number < 0.0 { "-inf" } else { "inf" }.into();
    }
    if number == 0.0 {
        let zero = if number.is_sign_negative() { "-0" } else { "0" };
        return zero.into();
    }
    let exponential = format!("{number:.5e}");
    let (digits, exponent) = exponential.split_once('e').unwrap_or((&exponential, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(digits), exponent.unsigned_abs());
    }
    let decimals = usize::try_from(5 - exponent).unwrap_or(0);
    trim(&format!("{number:.decimals$}"))
}

/// Decodes a string's escapes; of `\u` only those of one byte, which become that byte.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at)?);
        let (plain, tail) = match rest.get(at + 1..)? {
            [b'u', b'0', b'0', high, low, tail @ ..] => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                ((digit(high)? << 4 | digit(low)?) as u8, tail)
            }
            [b'b', tail @ ..] => (8, tail),
            [b'f', tail @ ..] => (12, tail),
            [b'n', tail @ ..] => (b'\n', tail),
            [b'r', tail @ ..] => (b'\r', tail),
            [b't', tail @ ..] => (b'\t', tail),
            [c @ (b'\\' | b'"'), tail @ ..] => (*c, tail),
            _ => return None,
        };
        out.push(plain);
        rest = tail;
    }
    out.extend_from_slice(rest);
    Some(out)
}

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    if args.str(0).is_none_or(<[u8]>::is_empty) {
        return Err("json_path must not be empty".into());
    }
    let query = Query::from_args(args, 0)?;
    args.set_data(query);
    Ok(())
}

fn json_query<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    args.data::<Query>()?.run(&text(value)?)
}

pub(super) static ROWS: &[ConverterRow] = &[ConverterRow::new(
    "json_query",
    Type::Str,
    Type::Any,
    json_query,
    "The value at a path of a JSON text.",
)
.args(&[STR, OPT_STR])
.check(check)];
