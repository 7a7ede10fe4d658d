//! Messages on standard error.

use crate::version;
use config::{Diagnostic, Diagnostics, Severity, Style};
use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Prints messages, and remembers what was printed.
pub struct Reporter {
    style: Style,
    quiet: bool,
    introduced: bool,
    warnings: usize,
    began: Instant,
    kept: Option<control::master::StartupLog>,
}

impl Reporter {
    /// A reporter that prints as standard error can show it.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let wanted =
            |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let style = Style {
            excerpt: terminal || wanted("HAPAX_EXCERPT"),
            color: terminal && !dumb && !wanted("NO_COLOR"),
        };
        Self {
            style,
            quiet: false,
            introduced: false,
            warnings: 0,
            began: Instant::now(),
            kept: None,
        }
    }

    /// Keeps what is said from now on, too.
    pub fn keep(&mut self, log: control::master::StartupLog) {
        self.kept = Some(log);
    }

    /// Prints nothing from now on, or prints again.
    pub fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// Whether nothing is printed.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// Since when there may have been messages: the start of the program.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// How many warnings and remarks there were, printed or not.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// Prints messages in order. Before the first warning or alert of the run comes who is speaking.
    pub fn show(&mut self, messages: &Diagnostics) {
        self.warnings += messages
            .iter()
            .filter(|message| matches!(message.severity, Severity::Warning | Severity::Diag))
            .count();
        if self.quiet || messages.is_empty() {
            return;
        }
        let introduction = match self.introduced {
            true => Vec::new(),
            false => version::introduction(),
        };
        self.introduced |= messages
            .iter()
            .any(|message| message.severity >= Severity::Warning);
        let introduction: Vec<&str> = introduction.iter().map(String::as_str).collect();
        let plain = Style {
            excerpt: false,
            color: false,
        };
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = messages.render_with_preamble(&mut text, std::process::id(), plain, &introduction);
        control::startup::note(&String::from_utf8_lossy(&text));
        if let Some(log) = &self.kept {
            log.append(&text);
        }
        let mut out = std::io::stderr().lock();
        // There is nowhere to tell that standard error can't be written to.
        let _ =
            messages.render_with_preamble(&mut out, std::process::id(), self.style, &introduction);
        let _ = out.flush();
    }

    fn one(&mut self, severity: Severity, message: impl Into<String>, of_configuration: bool) {
        let mut messages = Diagnostics::new();
        messages.set_diag_mode(true);
        messages.push(Diagnostic::global(severity, message, of_configuration));
        self.show(&messages);
    }

    /// Prints what went wrong.
    pub fn alert(&mut self, message: impl Into<String>) {
        self.one(Severity::Alert, message, false);
    }

    /// Prints what went wrong with the configuration.
    pub fn configuration_alert(&mut self, message: impl Into<String>) {
        self.one(Severity::Alert, message, true);
    }

    /// Prints what looks wrong.
    pub fn warning(&mut self, message: impl Into<String>) {
        self.one(Severity::Warning, message, false);
    }

    /// Prints what is good to know.
    pub fn notice(&mut self, message: impl Into<String>) {
        self.one(Severity::Notice, message, false);
    }

    /// Prints a line on standard output unless nothing is to be printed.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            print(line);
        }
    }
}

/// Writes a line, or several, to standard output; that nobody reads it is no fault.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    let _ = out.flush();
}

/// The system's own words for an error.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_without_their_number() {
        assert_eq!(
            reason(&std::io::Error::from_raw_os_error(2)),
            "No such file or directory"
        );
    }
}
