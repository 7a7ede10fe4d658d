//! Messages about the configuration, and how they are shown.

use std::io::{self, Write};
use std::sync::Arc;

use crate::word::Line;

/// How bad it is. The order is that of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Shown in diagnostic mode (`-dD`) only.
    Diag,
    /// For information.
    Notice,
    /// Suspicious; fatal with `zero-warning`.
    Warning,
    /// The configuration can't be used.
    Alert,
}

impl Severity {
    /// The tag at the start of a message, padded as HAProxy pads it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Diag => "[DIAG]    ",
            Self::Notice => "[NOTICE]  ",
            Self::Warning => "[WARNING] ",
            Self::Alert => "[ALERT]   ",
        }
    }

    const fn color(self) -> &'static str {
        match self {
            Self::Diag => "\x1b[36m",
            Self::Notice => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Alert => "\x1b[31m",
        }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The source's name; `None` if the message is about no place.
    pub file: Option<Arc<str>>,
    /// Line number, from 1.
    pub line: u32,
    /// The line as written.
    pub source: Option<String>,
    /// Byte column of the part to underline, from 1; 0 for none.
    pub column: u32,
    /// How many bytes to underline.
    pub width: u32,
    /// What is wrong. As in HAProxy, further lines are indented under a bar where the message is about no place.
    pub message: String,
    /// What to do about it; shown with an excerpt only.
    pub hint: Option<String>,
    /// Lines that HAProxy prints below the message in place of an excerpt.
    pub detail: Option<String>,
    /// Whether the place is written `[file:line]:` rather than `[file:line] :`; HAProxy has both.
    pub tight: bool,
    /// Whether the message belongs to configuration parsing, and is marked by `config :`.
    pub context: bool,
}

impl Diagnostic {
    /// A message about no place, with or without the `config :` mark.
    pub fn global(severity: Severity, message: impl Into<String>, context: bool) -> Self {
        Self {
            severity,
            file: None,
            line: 0,
            source: None,
            column: 0,
            width: 0,
            message: message.into(),
            hint: None,
            detail: None,
            tight: false,
            context,
        }
    }

    /// A message about word `index` of a line; about the whole line if there is no such word.
    pub fn at(severity: Severity, line: &Line, index: usize, message: impl Into<String>) -> Self {
        let (column, width) = line
            .words
            .get(index)
            .map_or((0, 0), |word| (word.column, word.width));
        Self {
            file: Some(line.file.clone()),
            line: line.number,
            source: Some(line.source.clone()),
            column,
            width,
            ..Self::global(severity, message, true)
        }
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Writes the place as `[file:line]:`.
    #[must_use]
    pub fn tight(mut self) -> Self {
        self.tight = true;
        self
    }

    fn render(&self, out: &mut impl Write, pid: u32, style: Style) -> io::Result<()> {
        let (color, reset) = if style.color {
            (self.severity.color(), "\x1b[0m")
        } else {
            ("", "")
        };
        write!(out, "{color}{}{reset} ({pid}) : ", self.severity.tag())?;
        if self.context {
            out.write_all(b"config : ")?;
        }
        if let Some(file) = &self.file {
            write!(
                out,
                "parsing [{file}:{}]{} ",
                self.line,
                if self.tight { ":" } else { " :" }
            )?;
        }
        let detail = self.detail.as_ref().filter(|_| !style.excerpt);
        let end = if detail.is_some() { ":" } else { "" };
        let message = self.message.trim_end_matches('\n');
        if self.file.is_none() && message.contains('\n') {
            writeln!(out, "{}{end}", message.replace('\n', "\n   | "))?;
        } else {
            writeln!(out, "{message}{end}")?;
        }
        if let Some(detail) = detail {
            writeln!(out, "{detail}")?;
        }
        if style.excerpt {
            self.excerpt(out, color, reset)
        } else {
            Ok(())
        }
    }

    fn excerpt(&self, out: &mut impl Write, color: &str, reset: &str) -> io::Result<()> {
        if let Some(source) = self.source.as_ref().filter(|s| !s.trim().is_empty()) {
            let number = self.line.to_string();
            let gutter = number.len();
            writeln!(
                out,
                " {number} | {}",
                source.chars().map(visible).collect::<String>()
            )?;
            if self.column > 0 {
                let chars = |bytes: usize| {
                    source
                        .char_indices()
                        .take_while(|(at, _)| *at < bytes)
                        .count()
                        + bytes.saturating_sub(source.len())
                };
                let before = chars(self.column as usize - 1);
                let marked = chars(self.column as usize - 1 + self.width.max(1) as usize) - before;
                let marks = "^".repeat(marked.max(1));
                writeln!(out, " {:gutter$} | {:before$}{color}{marks}{reset}", "", "")?;
            }
        }
        match &self.hint {
            Some(hint) => writeln!(out, " help: {}", hint.replace('\n', "\n       ")),
            None => Ok(()),
        }
    }
}

/// A tab takes one column, so that the underline stays below its word; nothing in a file can steer the terminal.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '?',
        c => c,
    }
}

/// How messages are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Show the source line with the word underlined, and advice, in place of HAProxy's own second and third line.
    pub excerpt: bool,
    /// Color the tag and the underline.
    pub color: bool,
}

/// The messages of a run, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    diag_mode: bool,
    alerts: usize,
    warnings: usize,
}

impl Diagnostics {
    /// No messages, with diagnostic mode off.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns diagnostic mode (`-dD`) on or off. Without it, messages of [`Severity::Diag`] are dropped.
    pub fn set_diag_mode(&mut self, on: bool) {
        self.diag_mode = on;
    }

    /// Whether diagnostic mode is on.
    pub fn diag_mode(&self) -> bool {
        self.diag_mode
    }

    /// Adds a message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        match diagnostic.severity {
            Severity::Diag if !self.diag_mode => return,
            Severity::Alert => self.alerts += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Diag | Severity::Notice => {}
        }
        self.list.push(diagnostic);
    }

    /// An alert about word `index` of `line`, counted as in [`Line::words`].
    pub fn alert(&mut self, line: &Line, index: usize, message: impl Into<String>) {
        self.push(Diagnostic::at(Severity::Alert, line, index, message));
    }

    /// A warning about word `index` of `line`.
    pub fn warning(&mut self, line: &Line, index: usize, message: impl Into<String>) {
        self.push(Diagnostic::at(Severity::Warning, line, index, message));
    }

    /// A notice about word `index` of `line`.
    pub fn notice(&mut self, line: &Line, index: usize, message: impl Into<String>) {
        self.push(Diagnostic::at(Severity::Notice, line, index, message));
    }

    /// A remark for diagnostic mode about word `index` of `line`.
    pub fn diag(&mut self, line: &Line, index: usize, message: impl Into<String>) {
        self.push(Diagnostic::at(Severity::Diag, line, index, message));
    }

    /// A message about no place, marked `config :`.
    pub fn global(&mut self, severity: Severity, message: impl Into<String>) {
        self.push(Diagnostic::global(severity, message, true));
    }

    /// A message about no place, without the mark.
    pub fn bare(&mut self, severity: Severity, message: impl Into<String>) {
        self.push(Diagnostic::global(severity, message, false));
    }

    /// How many alerts there are.
    pub fn alerts(&self) -> usize {
        self.alerts
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The messages in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Writes all messages for process `pid`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn render(&self, out: &mut impl Write, pid: u32, style: Style) -> io::Result<()> {
        self.render_with_preamble(out, pid, style, &[])
    }

    /// As [`Diagnostics::render`], with notices to put before the first warning or alert, where HAProxy tells its
    /// version and path.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn render_with_preamble(
        &self,
        out: &mut impl Write,
        pid: u32,
        style: Style,
        preamble: &[&str],
    ) -> io::Result<()> {
        let mut due = !preamble.is_empty();
        for diagnostic in &self.list {
            if due && diagnostic.severity >= Severity::Warning {
                due = false;
                for notice in preamble {
                    Diagnostic::global(Severity::Notice, *notice, false).render(out, pid, style)?;
                }
            }
            diagnostic.render(out, pid, style)?;
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::{Prefix, Word};

    fn line() -> Line {
        let mut word = Word::new("maxcon");
        (word.column, word.width) = (2, 6);
        Line {
            file: "t.cfg".into(),
            number: 12,
            words: vec![word],
            prefix: Prefix::None,
            source: "\tmaxcon 5".to_owned(),
        }
    }

    fn render(diags: &Diagnostics, style: Style) -> String {
        let mut out = Vec::new();
        diags.render(&mut out, 42, style).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn plain_shapes() {
        let mut diags = Diagnostics::new();
        diags.set_diag_mode(true);
        diags.alert(&line(), 0, "a");
        diags.push(
            Diagnostic::at(Severity::Warning, &line(), 0, "b")
                .tight()
                .hint("unseen"),
        );
        diags.global(Severity::Notice, "c");
        diags.bare(Severity::Diag, "d\ne\n");
        let expected = "[ALERT]    (42) : config : parsing [t.cfg:12] : a\n\
                        [WARNING]  (42) : config : parsing [t.cfg:12]: b\n\
                        [NOTICE]   (42) : config : c\n\
                        [DIAG]     (42) : d\n   | e\n";
        assert_eq!(render(&diags, Style::default()), expected);
        assert_eq!((diags.alerts(), diags.warnings(), diags.len()), (1, 1, 4));
    }

    #[test]
    fn excerpts() {
        let mut diags = Diagnostics::new();
        diags.push(Diagnostic::at(Severity::Alert, &line(), 0, "unknown").hint("maybe 'maxconn'"));
        let style = Style {
            excerpt: true,
            color: false,
        };
        let expected = "[ALERT]    (42) : config : parsing [t.cfg:12] : unknown\n 12 |  maxcon 5\n    |  ^^^^^^\n help: \
                        maybe 'maxconn'\n";
        assert_eq!(render(&diags, style), expected);
        assert!(
            render(
                &diags,
                Style {
                    color: true,
                    ..style
                }
            )
            .contains("\x1b[31m^^^^^^\x1b[0m")
        );
    }

    #[test]
    fn remarks_need_diagnostic_mode() {
        let mut diags = Diagnostics::new();
        diags.diag(&line(), 0, "x");
        assert!(diags.is_empty());
    }

    #[test]
    fn preamble_precedes_the_first_warning() {
        let mut diags = Diagnostics::new();
        diags.notice(&line(), 0, "n");
        diags.warning(&line(), 0, "w");
        let mut out = Vec::new();
        diags
            .render_with_preamble(&mut out, 1, Style::default(), &["version"])
            .expect("memory");
        let text = String::from_utf8(out).expect("text");
        let tags: Vec<_> = text.lines().filter_map(|l| l.split(" : ").last()).collect();
        assert_eq!(tags, ["n", "version", "w"]);
    }
}
