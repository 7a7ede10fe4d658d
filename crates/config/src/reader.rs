//! Hands out the lines of all sources, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::condition::eval_expression;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::env::Env;
use crate::excerpt::caret;
use crate::lex::{Place, split};
use crate::predicate::{Facts, Predicate};
use crate::source::{Source, reason};
use crate::suggest;
use crate::word::{Line, Prefix, Word};

/// How many words a line may have, its prefix included.
pub const MAX_WORDS: usize = 64;

/// `.if` may nest to less than this depth.
const MAX_NESTED: usize = 100;

const DIRECTIVES: [&str; 8] = [
    ".if", ".elif", ".else", ".endif", ".notice", ".warning", ".alert", ".diag",
];

/// Reads sources line by line.
///
/// Faults go to the [`Diagnostics`] given to [`Reader::next_line`], and the line that has one is left out.
#[derive(Debug)]
pub struct Reader {
    sources: VecDeque<Source>,
    current: Option<Open>,
    strict: bool,
    max_alerts: usize,
    section: String,
}

#[derive(Debug)]
struct Open {
    name: Arc<str>,
    text: Vec<u8>,
    at: usize,
    number: u32,
    blocks: Vec<Block>,
    alerts_before: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Lines count.
    Taken,
    /// No branch was taken yet.
    Waiting,
    /// No further branch of this block may be taken.
    Done,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    state: State,
    had_else: bool,
}

impl Reader {
    /// A reader over `sources`, in order.
    pub fn new(sources: Vec<Source>) -> Self {
        Self {
            sources: sources.into(),
            current: None,
            strict: false,
            max_alerts: 50,
            section: String::new(),
        }
    }

    /// Refuses a last line without LF, as HAProxy does, instead of warning about it.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Gives up on a file after this many alerts (50 unless told).
    #[must_use]
    pub fn max_alerts(mut self, max: usize) -> Self {
        self.max_alerts = max;
        self
    }

    /// Tells what `.SECTION` stands for from now on: the section's name, or its type if it has none. Empty again at the
    /// start of each source.
    pub fn set_section(&mut self, name: &str) {
        name.clone_into(&mut self.section);
    }

    /// The next line that isn't empty, or `None` at the end of the last source.
    pub fn next_line(
        &mut self,
        env: &mut Env,
        facts: &dyn Facts,
        diags: &mut Diagnostics,
    ) -> Option<Line> {
        loop {
            let mut open = match self.current.take() {
                Some(open) => open,
                None => match self.open_next(diags)? {
                    Some(open) => open,
                    None => continue,
                },
            };
            while open.at < open.text.len() {
                if let Some(line) = self.read_line(&mut open, env, facts, diags) {
                    self.current = Some(open);
                    return Some(line);
                }
            }
            if !open.blocks.is_empty() {
                let message = "non-terminated '.if' block.";
                diags.push(
                    Diagnostic {
                        file: Some(open.name.clone()),
                        line: open.number,
                        ..Diagnostic::global(Severity::Alert, message, true)
                    }
                    .tight()
                    .hint("add the missing '.endif'"),
                );
            }
        }
    }

    fn open_next(&mut self, diags: &mut Diagnostics) -> Option<Option<Open>> {
        let (name, text) = match self.sources.pop_front()? {
            Source::Text { name, text } => (name, text),
            Source::File(path) => {
                let name = path.display().to_string();
                match std::fs::read(&path) {
                    Ok(text) => (name, text),
                    Err(error) => {
                        let message = format!(
                            "Could not open configuration file {name} : {}",
                            reason(&error)
                        );
                        diags.global(Severity::Alert, message);
                        return Some(None);
                    }
                }
            }
        };
        self.section.clear();
        Some(Some(Open {
            name: name.into(),
            text,
            at: 0,
            number: 0,
            blocks: Vec::new(),
            alerts_before: diags.alerts(),
        }))
    }

    fn read_line(
        &self,
        open: &mut Open,
        env: &Env,
        facts: &dyn Facts,
        diags: &mut Diagnostics,
    ) -> Option<Line> {
        let start = open.at;
        let end = memchr::memchr(b'\n', &open.text[start..]).map(|length| start + length);
        open.at = end.map_or(open.text.len(), |end| end + 1);
        open.number = open.number.saturating_add(1);
        let raw = &open.text[start..end.unwrap_or(open.text.len())];
        let at = At {
            name: &open.name,
            number: open.number,
            raw,
        };
        if diags.alerts() - open.alerts_before.min(diags.alerts()) >= self.max_alerts {
            let message = format!("too many fatal errors ({}), stopping now.", self.max_alerts);
            diags.push(at.diagnostic(Severity::Alert, message, 0, 0));
            open.at = open.text.len();
            open.blocks.clear();
            return None;
        }
        if end.is_none() && !at.check_end(self.strict, diags) {
            return None;
        }
        let Some(words) = self.words(&at, env, diags) else {
            at.keep_nesting(&mut open.blocks);
            return None;
        };
        let active = open
            .blocks
            .last()
            .is_none_or(|block| block.state == State::Taken);
        let first = words.first()?;
        if first.starts_with('.') {
            Directive {
                at: &at,
                words: &words,
                active,
                env,
                facts,
            }
            .run(&mut open.blocks, diags);
            return None;
        }
        if !active || first.is_empty() {
            return None;
        }
        self.check_empty(&at, &words, diags).then(|| at.line(words))
    }

    fn words(&self, at: &At<'_>, env: &Env, diags: &mut Diagnostics) -> Option<Vec<Word>> {
        if let Some(nul) = memchr::memchr(0, at.raw) {
            let message = format!("Stray NUL character at position {}.", nul + 1);
            diags.push(at.diagnostic(Severity::Alert, message, nul, 1));
            return None;
        }
        let text = &at.raw[..memchr::memchr(b'\r', at.raw).unwrap_or(at.raw.len())];
        let place = Place {
            file: at.name,
            line: at.number,
            section: &self.section,
        };
        let words = match split(text, env, place, true) {
            Ok(words) => words,
            Err(error) => {
                let message = format!("{} at position {}", error.fault.describe(), error.at + 1);
                diags.push(Diagnostic {
                    detail: Some(caret("", at.raw, error.at)),
                    ..at.diagnostic(Severity::Alert, message, error.at, 1)
                        .hint(error.fault.hint())
                });
                return None;
            }
        };
        if words.len() > MAX_WORDS {
            let last = &words[MAX_WORDS - 1];
            let before: usize = words[..MAX_WORDS - 1]
                .iter()
                .map(|w| w.bytes().len() + 1)
                .sum();
            let message = format!(
                "too many words, truncating after word {MAX_WORDS}, position {}: <{}>.",
                before + 1,
                last.as_str()
            );
            let extra = &words[MAX_WORDS];
            diags.push(
                at.diagnostic(
                    Severity::Alert,
                    message,
                    extra.column as usize - 1,
                    extra.width,
                )
                .hint("split the statement, or quote what is meant to be one word"),
            );
            return None;
        }
        Some(words)
    }

    fn check_empty(&self, at: &At<'_>, words: &[Word], diags: &mut Diagnostics) -> bool {
        let Some(index) = words.iter().position(|word| word.is_empty()) else {
            return true;
        };
        let word = &words[index];
        let mark = word.mark as usize;
        let message = format!(
            "argument number {index} at position {mark} is empty and marks the end of the argument list"
        );
        let detail = format!("{}\n{EMPTY_HINT}", caret("", at.raw, mark - 1));
        diags.push(Diagnostic {
            detail: Some(detail),
            ..at.diagnostic(
                Severity::Alert,
                message,
                word.column as usize - 1,
                word.width,
            )
            .hint(EMPTY_HINT)
        });
        false
    }
}

const EMPTY_HINT: &str = "Words after an empty one would go unnoticed. Remove it, or check that the variable it comes \
                          from is set; \"${NAME[*]}\" leaves no word behind when the variable is empty.";

/// A line of a source before it has words.
struct At<'a> {
    name: &'a Arc<str>,
    number: u32,
    raw: &'a [u8],
}

impl At<'_> {
    /// The line as it can be shown.
    fn source(&self) -> String {
        let raw = self.raw.strip_suffix(b"\r").unwrap_or(self.raw);
        if let Ok(text) = std::str::from_utf8(raw) {
            return text.to_owned();
        }
        let mut text = String::with_capacity(raw.len());
        for chunk in raw.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        text
    }

    fn line(&self, mut words: Vec<Word>) -> Line {
        let prefix = match words.first() {
            Some(word) if *word == "no" => Prefix::No,
            Some(word) if *word == "default" => Prefix::Default,
            _ => Prefix::None,
        };
        if prefix != Prefix::None {
            words.remove(0);
        }
        Line {
            file: self.name.clone(),
            number: self.number,
            words,
            prefix,
            source: self.source(),
        }
    }

    fn diagnostic(
        &self,
        severity: Severity,
        message: impl Into<String>,
        at: usize,
        width: u32,
    ) -> Diagnostic {
        Diagnostic {
            file: Some(self.name.clone()),
            line: self.number,
            source: Some(self.source()),
            column: if width > 0 { at as u32 + 1 } else { 0 },
            width,
            tight: true,
            ..Diagnostic::global(severity, message, true)
        }
    }

    /// Has a condition that can't be cut into words take no branch, so that its `.endif` still finds its match.
    fn keep_nesting(&self, blocks: &mut Vec<Block>) {
        let blank = |b: &u8| b.is_ascii_whitespace();
        match (
            self.raw.trim_ascii_start().split(blank).next(),
            blocks.last_mut(),
        ) {
            (Some(b".if"), _) => blocks.push(Block {
                state: State::Done,
                had_else: false,
            }),
            (Some(b".elif"), Some(block)) => block.state = State::Done,
            _ => {}
        }
    }

    /// Reports a last line without LF, and tells whether it is to be used.
    fn check_end(&self, strict: bool, diags: &mut Diagnostics) -> bool {
        let severity = if strict {
            Severity::Alert
        } else {
            Severity::Warning
        };
        let position = self.raw.len() + 1;
        let message = format!(
            "Missing LF on last line, file might have been truncated at position {position}."
        );
        diags.push(
            self.diagnostic(severity, message, self.raw.len(), 1)
                .hint("end the file with a line feed once you are sure that it is complete"),
        );
        !strict
    }
}

/// A line that starts with a dot.
struct Directive<'a> {
    at: &'a At<'a>,
    words: &'a [Word],
    active: bool,
    env: &'a Env,
    facts: &'a dyn Facts,
}

impl Directive<'_> {
    fn run(&self, blocks: &mut Vec<Block>, diags: &mut Diagnostics) {
        match self.words[0].as_str() {
            ".if" => self.begin(blocks, diags),
            ".elif" => self.elif(blocks, diags),
            ".else" => self.otherwise(blocks, diags),
            ".endif" => self.end(blocks, diags),
            _ if !self.active => {}
            ".notice" => self.say(Severity::Notice, diags),
            ".warning" => self.say(Severity::Warning, diags),
            ".alert" => self.say(Severity::Alert, diags),
            ".diag" => self.say(Severity::Diag, diags),
            other => {
                let mut diagnostic = self.fault(0, format!("unknown directive '{other}'."));
                diagnostic.hint = suggest::nearest(other, DIRECTIVES)
                    .map(|known| format!("maybe you meant '{known}'"));
                diags.push(diagnostic);
            }
        }
    }

    fn fault(&self, index: usize, message: impl Into<String>) -> Diagnostic {
        let (column, width) = self
            .words
            .get(index)
            .map_or((1, 0), |word| (word.column, word.width));
        self.at
            .diagnostic(Severity::Alert, message, column as usize - 1, width)
    }

    fn begin(&self, blocks: &mut Vec<Block>, diags: &mut Diagnostics) {
        let mut state = State::Done;
        if blocks.len() + 1 >= MAX_NESTED {
            // Said once per excess, since every deeper level is skipped.
            if blocks.len() + 1 == MAX_NESTED {
                diags.push(self.fault(0, format!("too many nested '.if', max is {MAX_NESTED}.")));
            }
        } else if self.active {
            state = self.test(diags);
        }
        blocks.push(Block {
            state,
            had_else: false,
        });
    }

    fn elif(&self, blocks: &mut [Block], diags: &mut Diagnostics) {
        match blocks.last_mut() {
            None => diags.push(self.fault(0, "lone '.elif' with no matching '.if'.")),
            Some(block) if block.had_else => {
                diags.push(self.fault(0, "'.elif' after '.else' is not permitted."))
            }
            Some(block) if block.state == State::Waiting => block.state = self.test(diags),
            Some(block) => block.state = State::Done,
        }
    }

    fn otherwise(&self, blocks: &mut [Block], diags: &mut Diagnostics) {
        self.no_argument(diags);
        match blocks.last_mut() {
            None => diags.push(self.fault(0, "lone '.else' with no matching '.if'.")),
            Some(block) if block.had_else => {
                diags.push(self.fault(0, "'.else' after '.else' is not permitted."))
            }
            Some(block) => {
                block.had_else = true;
                block.state = if block.state == State::Waiting {
                    State::Taken
                } else {
                    State::Done
                };
            }
        }
    }

    fn end(&self, blocks: &mut Vec<Block>, diags: &mut Diagnostics) {
        self.no_argument(diags);
        if blocks.pop().is_none() {
            diags.push(self.fault(0, "lone '.endif' with no matching '.if'."));
        }
    }

    fn no_argument(&self, diags: &mut Diagnostics) {
        if let Some(extra) = self.words.get(1).filter(|word| !word.is_empty()) {
            let message = format!("Unexpected argument '{extra}' for '{}'.", self.words[0]);
            diags.push(self.fault(1, message));
        }
    }

    /// Evaluates the condition. After a fault, no branch of the block can be chosen sensibly, so none is.
    fn test(&self, diags: &mut Diagnostics) -> State {
        let words: Vec<&[u8]> = self.words[1..].iter().map(Word::bytes).collect();
        let text = words.join(&b' ');
        match eval_expression(&text, self.env, self.facts) {
            Ok(true) => State::Taken,
            Ok(false) => State::Waiting,
            Err(error) => {
                let directive = self.words[0].as_str();
                let message = format!(
                    "{} in '{directive}' at position {}",
                    error.message,
                    error.position + 1
                );
                let last = self.words.last().map_or(0, |word| word.column + word.width);
                let mut diagnostic = self.fault(1, message);
                diagnostic.width = last.saturating_sub(diagnostic.column);
                diagnostic.detail = Some(caret(&format!("{directive} "), &text, error.position));
                diagnostic.hint = hint(&text, error.position);
                diags.push(diagnostic);
                State::Done
            }
        }
    }

    fn say(&self, severity: Severity, diags: &mut Diagnostics) {
        if let Some(extra) = self.words.get(2).filter(|word| !word.is_empty()) {
            let message = format!(
                "Unexpected argument '{extra}' for '{}'. Use quotes if the message should contain spaces.",
                self.words[0]
            );
            diags.push(
                self.fault(2, message)
                    .hint("put the whole message between double quotes"),
            );
            return;
        }
        let text = self.words.get(1).map_or("", Word::as_str);
        diags.push(self.at.diagnostic(severity, format!("'{text}'."), 0, 0));
    }
}

/// The predicate that a misspelt one at the fault was probably meant to be.
fn hint(text: &[u8], position: usize) -> Option<String> {
    let rest = text.get(position..)?;
    let length = rest
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
        .count();
    let name = std::str::from_utf8(&rest[..length]).ok()?;
    let known = suggest::nearest(name, Predicate::names()).filter(|known| *known != name)?;
    Some(format!("maybe you meant '{known}'"))
}

#[cfg(test)]
mod tests;
