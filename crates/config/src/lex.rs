//! Cuts a line into words (manual section 2.2).

use crate::env::Env;
use crate::text::Text;
use crate::word::Word;

/// Where the line stands, for the pseudo-variables `.FILE`, `.LINE` and `.SECTION`.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub file: &'a str,
    pub line: u32,
    pub section: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Quote,
    Brace,
    FirstCharacter,
    Hexadecimal,
    Expansion,
}

/// A fault with the byte offset where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LexError {
    pub fault: Fault,
    pub at: usize,
}

impl Fault {
    pub fn describe(self) -> &'static str {
        match self {
            Self::Quote => "unmatched quote",
            Self::Brace => "unmatched brace in environment variable name",
            Self::FirstCharacter => "forbidden first char in environment variable name",
            Self::Hexadecimal => "truncated or invalid hexadecimal sequence",
            Self::Expansion => "truncated or invalid word expansion sequence",
        }
    }

    pub fn hint(self) -> &'static str {
        match self {
            Self::Quote => {
                "close the quote on the same line, or write a literal quote as \\\" or \\'"
            }
            Self::Brace => {
                "write \"${NAME}\", \"${NAME-default}\" or \"${NAME[*]}\"; a literal dollar is \\$"
            }
            Self::FirstCharacter => {
                "a variable name starts with a letter or '_'; a literal dollar is written \\$"
            }
            Self::Hexadecimal => {
                "\\x takes exactly two hexadecimal digits; a literal backslash is written \\\\"
            }
            Self::Expansion => {
                "only [*] may follow the name, to split the value into several words"
            }
        }
    }
}

const PLAIN: u8 = 0;
const SPACE: u8 = 1;
const COMMENT: u8 = 2;
const SPECIAL: u8 = 3;

static CLASS: [u8; 256] = {
    let mut class = [PLAIN; 256];
    class[b' ' as usize] = SPACE;
    class[b'\t' as usize] = SPACE;
    class[0x0b] = SPACE;
    class[0x0c] = SPACE;
    class[b'#' as usize] = COMMENT;
    class[b'\\' as usize] = SPECIAL;
    class[b'\'' as usize] = SPECIAL;
    class[b'"' as usize] = SPECIAL;
    class
};

/// Cuts `line`, which has neither LF nor CR, into words. Without `comments`, a hash is an ordinary character.
pub(crate) fn split(
    line: &[u8],
    env: &Env,
    place: Place<'_>,
    comments: bool,
) -> Result<Vec<Word>, LexError> {
    let mut lexer = Lexer {
        line,
        at: 0,
        env,
        place,
        comments,
        words: Vec::new(),
    };
    lexer.run()?;
    Ok(lexer.words)
}

struct Lexer<'a> {
    line: &'a [u8],
    at: usize,
    env: &'a Env,
    place: Place<'a>,
    comments: bool,
    words: Vec<Word>,
}

/// A word that needs more than copying a slice.
struct Pending {
    text: Vec<u8>,
    /// Set by a closed pair of quotes: the word counts even if it is empty. The offset of the closing quote.
    kept: Option<usize>,
    start: usize,
}

impl Lexer<'_> {
    fn class(&self, byte: u8) -> u8 {
        match CLASS[usize::from(byte)] {
            COMMENT if !self.comments => PLAIN,
            class => class,
        }
    }

    /// Advances over ordinary characters.
    fn plain_run(&mut self) {
        let rest = &self.line[self.at..];
        self.at += rest
            .iter()
            .position(|&b| self.class(b) != PLAIN)
            .unwrap_or(rest.len());
    }

    fn run(&mut self) -> Result<(), LexError> {
        while let Some(&byte) = self.line.get(self.at) {
            match self.class(byte) {
                SPACE => self.at += 1,
                COMMENT => break,
                _ => self.word()?,
            }
        }
        Ok(())
    }

    fn word(&mut self) -> Result<(), LexError> {
        let start = self.at;
        self.plain_run();
        if self
            .line
            .get(self.at)
            .is_some_and(|&b| self.class(b) == SPECIAL)
        {
            return self.special_word(start);
        }
        self.words.push(Word {
            text: Text::from(&self.line[start..self.at]),
            column: start as u32 + 1,
            width: (self.at - start) as u32,
            quoted: false,
            mark: start as u32 + 1,
        });
        Ok(())
    }

    fn special_word(&mut self, start: usize) -> Result<(), LexError> {
        let first = self.words.len();
        let mut pending = Pending {
            text: self.line[start..self.at].to_vec(),
            kept: None,
            start,
        };
        while let Some(&byte) = self.line.get(self.at) {
            match byte {
                b'\'' => self.strong(&mut pending)?,
                b'"' => self.weak(&mut pending)?,
                b'\\' => self.escape(&mut pending, false)?,
                _ if self.class(byte) == PLAIN => {
                    let from = self.at;
                    self.plain_run();
                    pending.text.extend_from_slice(&self.line[from..self.at]);
                }
                _ => break,
            }
        }
        self.finish(&mut pending);
        let width = (self.at - start) as u32;
        for word in &mut self.words[first..] {
            word.width = width;
        }
        Ok(())
    }

    fn finish(&mut self, pending: &mut Pending) {
        if pending.text.is_empty() && pending.kept.is_none() {
            return;
        }
        let mut text = std::mem::take(&mut pending.text);
        if let Some(end) = memchr::memchr(0, &text) {
            text.truncate(end);
        }
        self.words.push(Word {
            text: Text::from(text),
            column: pending.start as u32 + 1,
            width: 0,
            quoted: true,
            mark: pending.kept.unwrap_or(pending.start) as u32 + 1,
        });
        pending.kept = None;
    }

    fn strong(&mut self, pending: &mut Pending) -> Result<(), LexError> {
        let body = self.at + 1;
        let length = memchr::memchr(b'\'', &self.line[body..]).ok_or(LexError {
            fault: Fault::Quote,
            at: self.at,
        })?;
        pending
            .text
            .extend_from_slice(&self.line[body..body + length]);
        pending.kept = Some(body + length);
        self.at = body + length + 1;
        Ok(())
    }

    fn weak(&mut self, pending: &mut Pending) -> Result<(), LexError> {
        let open = self.at;
        let mut split = false;
        self.at += 1;
        loop {
            let rest = &self.line[self.at..];
            let run = rest
                .iter()
                .position(|b| matches!(b, b'"' | b'\\' | b'$'))
                .ok_or(LexError {
                    fault: Fault::Quote,
                    at: open,
                })?;
            pending.text.extend_from_slice(&rest[..run]);
            self.at += run;
            match rest[run] {
                b'\\' => self.escape(pending, true)?,
                b'$' => split |= self.variable(pending)?,
                _ => break,
            }
        }
        // A pair of quotes around an expansion into words makes no word by itself.
        if !split {
            pending.kept = Some(self.at);
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self, pending: &mut Pending, weak: bool) -> Result<(), LexError> {
        let byte = match self.line.get(self.at + 1) {
            Some(&byte @ (b' ' | b'\\' | b'#' | b'\'' | b'"')) => byte,
            Some(b'$') if weak => b'$',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => {
                let digit = |at: usize| self.line.get(at).and_then(|&b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(self.at + 2), digit(self.at + 3)) else {
                    return Err(LexError {
                        fault: Fault::Hexadecimal,
                        at: self.at,
                    });
                };
                self.at += 2;
                (high << 4 | low) as u8
            }
            _ => {
                pending.text.push(b'\\');
                self.at += 1;
                return Ok(());
            }
        };
        pending.text.push(byte);
        self.at += 2;
        Ok(())
    }

    /// Expands the variable at the dollar, and tells whether it was to be split into words.
    fn variable(&mut self, pending: &mut Pending) -> Result<bool, LexError> {
        let brace = (self.line.get(self.at + 1) == Some(&b'{')).then_some(self.at + 1);
        let start = brace.unwrap_or(self.at) + 1;
        let name = self.variable_name(start)?;
        let mut end = start + name.len();
        let mut split = false;
        let mut default: &[u8] = b"";
        if let Some(brace) = brace {
            let unmatched = LexError {
                fault: Fault::Brace,
                at: brace,
            };
            if self.line.get(end) == Some(&b'[') {
                if !self.line[end..].starts_with(b"[*]") {
                    return Err(LexError {
                        fault: Fault::Expansion,
                        at: end,
                    });
                }
                split = true;
                end += 3;
            }
            if self.line.get(end) == Some(&b'-') {
                let length = memchr::memchr(b'}', &self.line[end + 1..]).ok_or(unmatched)?;
                default = &self.line[end + 1..end + 1 + length];
                end += 1 + length;
            }
            if self.line.get(end) != Some(&b'}') {
                return Err(unmatched);
            }
            end += 1;
        }
        let number;
        let value = match name {
            b".FILE" => self.place.file.as_bytes(),
            b".SECTION" => self.place.section.as_bytes(),
            b".LINE" => {
                number = self.place.line.to_string();
                number.as_bytes()
            }
            _ => self.env.get_bytes(name).unwrap_or(default),
        };
        self.at = end;
        if split {
            self.expand(value, pending);
        } else {
            pending.text.extend_from_slice(value);
        }
        Ok(split)
    }

    fn variable_name(&self, start: usize) -> Result<&[u8], LexError> {
        let rest = &self.line[start.min(self.line.len())..];
        let pseudo = usize::from(rest.first() == Some(&b'.'));
        let length = rest[pseudo..]
            .iter()
            .position(|b| !b.is_ascii_alphanumeric() && *b != b'_')
            .unwrap_or(rest.len() - pseudo);
        let name = &rest[..pseudo + length];
        let allowed = match name.first() {
            Some(b'.') => matches!(name, b".FILE" | b".LINE" | b".SECTION"),
            Some(first) => !first.is_ascii_digit(),
            None => false,
        };
        if allowed {
            Ok(name)
        } else {
            Err(LexError {
                fault: Fault::FirstCharacter,
                at: start,
            })
        }
    }

    fn expand(&mut self, value: &[u8], pending: &mut Pending) {
        let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
        for (index, part) in value.split(space).enumerate() {
            if index > 0 {
                self.finish(pending);
            }
            pending.text.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn env() -> Env {
        let mut env = Env::empty();
        for (name, value) in [
            ("A", "one two  three"),
            ("EMPTY", ""),
            ("SP", "  a  b "),
            ("BLANK", " "),
            ("T", "a\tb\nc"),
        ] {
            env.set(name, value);
        }
        env.set("ESC", "a\\ b\tc\"d");
        env
    }

    fn place() -> Place<'static> {
        Place {
            file: "t.cfg",
            line: 7,
            section: "web",
        }
    }

    fn words(line: &str) -> Vec<String> {
        let words = split(line.as_bytes(), &env(), place(), true).expect(line);
        words.iter().map(|w| w.as_str().to_owned()).collect()
    }

    fn fault(line: &str) -> (Fault, usize) {
        let error = split(line.as_bytes(), &env(), place(), true).expect_err(line);
        (error.fault, error.at)
    }

    #[test]
    fn blanks_and_comments() {
        assert_eq!(words(" a\tb \x0b\x0c c # d"), ["a", "b", "c"]);
        assert_eq!(words("a#b c"), ["a"]);
        assert_eq!(words("#"), [""; 0]);
        assert_eq!(words("\"#x\" a\\#b '#'"), ["#x", "a#b", "#"]);
    }

    #[test]
    fn escapes() {
        assert_eq!(
            words(r#"a\ b \\ \" \' a\nb\r\t \x41\x62"#),
            ["a b", "\\", "\"", "'", "a\nb\r\t", "Ab"]
        );
        assert_eq!(words(r"a\qb \$A a\"), [r"a\qb", r"\$A", r"a\"]);
        assert_eq!(words("a\\\tb"), ["a\\", "b"]);
        assert_eq!(words(r#""a\ b\q\$A\x41\"""#), [r#"a b\q$AA""#]);
        assert_eq!(words(r"'a\nb' 'a'b'c'"), [r"a\nb", "abc"]);
        assert_eq!(words(r"a\x00b \x00"), ["a", ""]);
    }

    #[test]
    fn quotes_keep_empty_words() {
        assert_eq!(words(r#"a "" '' b"c d"e"#), ["a", "", "", "bc de"]);
        assert_eq!(words("\"'\" '\"'"), ["'", "\""]);
    }

    #[test]
    fn variables() {
        assert_eq!(
            words(r#"$A "$A" "${A}" x"$A"y"#),
            ["$A", "one two  three", "one two  three", "xone two  threey"]
        );
        assert_eq!(
            words(r#""$NO" "${NO-x y}" "${EMPTY-x}" "${NO--}""#),
            ["", "x y", "", "-"]
        );
        assert_eq!(
            words(r#""${NO-$A}" "${NO-a}b}" "${NO-\}x}" "${NO-a"b}""#),
            ["$A", "ab}", "\\x}", "a\"b"]
        );
        assert_eq!(
            words(r#""$A.x" "$A[*]""#),
            ["one two  three.x", "one two  three[*]"]
        );
        assert_eq!(words(r#""$.FILE:${.LINE}:$.SECTION""#), ["t.cfg:7:web"]);
        assert_eq!(words("'$A' ${A[*]}"), ["$A", "${A[*]}"]);
    }

    #[test]
    fn expansion_into_words() {
        assert_eq!(words(r#""x${A[*]}y""#), ["xone", "two", "threey"]);
        assert_eq!(words(r#""pre ${SP[*]} post""#), ["pre ", "a", "b", " post"]);
        assert_eq!(words(r#"x"${SP[*]}"y"#), ["x", "a", "b", "y"]);
        assert_eq!(
            words(r#""${ESC[*]}" "${T[*]}""#),
            ["a\\", "b", "c\"d", "a", "b", "c"]
        );
        assert_eq!(
            words(r#"a "${EMPTY[*]}" "${NO[*]}" "${BLANK[*]}" b"#),
            ["a", "b"]
        );
        assert_eq!(words(r#""${NO[*]-d e}" a"${NO[*]}"b"#), ["d", "e", "ab"]);
        assert_eq!(words(r#""${EMPTY[*]}""" x"#), ["", "x"]);
        assert_eq!(words(r#""${SP[*]}${SP[*]}""#), ["a", "b", "a", "b"]);
    }

    #[test]
    fn faults_and_their_places() {
        assert_eq!(fault(r#".notice "a"#), (Fault::Quote, 8));
        assert_eq!(fault(r".notice 'a"), (Fault::Quote, 8));
        assert_eq!(fault(r#".notice "a\"#), (Fault::Quote, 8));
        assert_eq!(fault(r#"n "${A""#), (Fault::Brace, 4));
        assert_eq!(fault(r#"n "${A-x""#), (Fault::Brace, 4));
        assert_eq!(fault(r#"n "${A.B}""#), (Fault::Brace, 4));
        assert_eq!(fault(r#"n "${A[*]x}""#), (Fault::Brace, 4));
        assert_eq!(fault(r#"n "${}""#), (Fault::FirstCharacter, 5));
        for line in [
            r#"n "$""#,
            r#"n "$ x""#,
            r#"n "$1""#,
            r#"n "$-""#,
            r#"n "$"#,
            r#"n "$.NOPE""#,
        ] {
            assert_eq!(fault(line), (Fault::FirstCharacter, 4), "{line}");
        }
        for line in [r"n a\x4", r"n a\xg1", r"n a\x"] {
            assert_eq!(fault(line), (Fault::Hexadecimal, 3), "{line}");
        }
        for line in [r#"n "${A[*}""#, r#"n "${A[}""#, r#"n "${A[x]}""#] {
            assert_eq!(fault(line), (Fault::Expansion, 6), "{line}");
        }
    }

    #[test]
    fn spans() {
        let words = split(b" ab  \"c\"d 'e'#", &env(), place(), true).expect("words");
        let spans: Vec<_> = words
            .iter()
            .map(|w| (w.column, w.width, w.quoted))
            .collect();
        assert_eq!(spans, [(2, 2, false), (6, 4, true), (11, 3, true)]);
    }

    proptest! {
        #[test]
        fn any_bytes_end(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = split(&line, &env(), place(), true);
        }

        #[test]
        fn any_specials_end(line in r#"[ a$A{}*\[\]\-.x4#'"\\]{0,40}"#) {
            match split(line.as_bytes(), &env(), place(), true) {
                Ok(words) => for word in words {
                    prop_assert!(word.column >= 1 && (word.column + word.width) as usize <= line.len() + 1);
                },
                Err(error) => prop_assert!(error.at <= line.len()),
            }
        }

        #[test]
        fn strong_quotes_keep_everything(text in "[^'\\x00\\r\\n]{0,40}") {
            prop_assert_eq!(words(&format!("'{text}'")), [text]);
        }
    }
}
