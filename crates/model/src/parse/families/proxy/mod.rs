//! Directives of `defaults`, `frontend`, `backend` and `listen` sections, and what their functions share.

pub mod balance;
pub mod capture;
pub mod errors;
pub mod filter;
pub mod general;
pub mod http;
pub mod legacy;
pub mod options;
pub mod persistence;
pub mod rules;
pub mod stats;
pub mod switching;
pub mod tcp;
pub mod timeouts;

mod errorfile;
mod forwarded;
mod forwardfor;
mod http_error;
mod rewriting;
pub mod switches;

use crate::parse::{Fault, Parsed, Parser, Statement, known};
use crate::proxy::Caps;
use config::Line;
use expr::logformat::{LogFormat, Usage};
use expr::{Condition, Phases};
use std::sync::Arc;

/// What reading a proxy leaves for the checks at the end.
#[derive(Default)]
pub struct Notes {
    /// Timeouts set in this very section, by their place in the table.
    pub timeouts: u32,
    /// The line of `id`.
    pub id: Option<Line>,
    /// The line of `guid`.
    pub guid: Option<Line>,
    /// The line of the last `option httplog` and the like, perhaps in a `defaults` section.
    pub log_option: Option<Arc<Line>>,
}

impl Notes {
    /// What a proxy that starts from this section takes over.
    #[must_use]
    pub fn inherited(&self) -> Self {
        Self {
            log_option: self.log_option.clone(),
            ..Self::default()
        }
    }
}

/// Which half of a proxy a directive belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// It accepts connections.
    Front,
    /// It has servers.
    Back,
    /// Either will do.
    Any,
}

impl Half {
    /// Whether a proxy has this half.
    pub(crate) fn is_in(self, caps: Caps) -> bool {
        match self {
            Self::Front => caps.front,
            Self::Back => caps.back,
            Self::Any => true,
        }
    }

    /// How messages name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Back => "backend",
            _ => "frontend",
        }
    }
}

/// The `if` or `unless` condition that begins at an argument, with a warning where it can't match in this place.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn condition(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    index: usize,
    place: Phases,
) -> Result<Arc<Condition>, String> {
    let words = statement.args_from(index);
    let condition = parser.in_context(statement, place, |ctx| Condition::parse(&words, ctx))?;
    if let Some(warning) = condition.phase_warning(place) {
        parser.warn(statement, format!("{warning}."), None);
    }
    Ok(Arc::new(condition))
}

/// A log format at this line.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn log_format(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    text: &str,
    usage: Usage,
    place: Phases,
) -> Result<Arc<LogFormat>, String> {
    parser
        .in_context(statement, place, |ctx| LogFormat::parse(text, usage, ctx))
        .map(Arc::new)
}

/// Whether the open proxy has the half that a directive needs; where not, HAProxy warns that `what` will be ignored.
///
/// # Errors
/// When no proxy is open.
pub(crate) fn has_half(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    half: Half,
    what: &str,
) -> Parsed<bool> {
    let proxy = parser.proxy()?;
    if half.is_in(proxy.caps) {
        return Ok(true);
    }
    let (section, name, missing) = (proxy.caps.section(), proxy.name.clone(), half.name());
    parser.warn(
        statement,
        format!("{what} will be ignored because {section} '{name}' has no {missing} capability"),
        None,
    );
    Ok(false)
}

/// A number read as generously as HAProxy reads it: digits, with whatever follows them ignored. What was not a number is
/// warned about, and refused when `--strict`.
///
/// # Errors
/// When the argument is missing, or no plain number under `--strict`.
pub(crate) fn number(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    index: usize,
    missing: &str,
) -> Parsed<i64> {
    let text = statement.arg(index);
    if text.is_empty() {
        return Err(statement.fault_here(missing));
    }
    if let Ok(value) = text.parse::<i64>() {
        return Ok(value);
    }
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text
        .bytes()
        .skip(sign)
        .take_while(u8::is_ascii_digit)
        .count();
    let value = text
        .get(..sign + digits)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    let message = format!("'{}' value '{text}' is no integer", statement.path());
    if parser.strict {
        return Err(statement.fault(index, format!("{message}.")));
    }
    parser.warn(
        statement,
        format!("{message}, {value} is used."),
        Some(format!("write: {} {value}", statement.path())),
    );
    Ok(value)
}

/// A number of things, where HAProxy names the first wrong character.
///
/// # Errors
/// When it is missing or no number.
pub(crate) fn integer(statement: Statement<'_>, index: usize, missing: &str) -> Parsed<i64> {
    let text = statement.arg(index);
    let name = statement.path();
    if text.is_empty() {
        return Err(statement.fault_here(format!("'{name}' {missing}")));
    }
    text.parse().map_err(|_| {
        let at = usize::from(text.starts_with(['-', '+']));
        let wrong = text.chars().skip(at).find(|c| !c.is_ascii_digit());
        let why = match wrong {
            Some(c) => format!("unexpected character '{c}'"),
            None => "overflow".to_owned(),
        };
        statement.fault(index, format!("'{name}' : {why} in integer value '{text}'"))
    })
}

/// A figure that a counter can hold.
pub(crate) fn clamp(value: i64) -> u32 {
    u32::try_from(value.clamp(0, i64::from(i32::MAX))).unwrap_or(0)
}

/// Refuses what is known and waits for a part that is not there yet.
pub(crate) fn not_built(
    statement: Statement<'_>,
    index: usize,
    what: &str,
    waits_for: &str,
) -> Fault {
    statement.fault(index, known::not_built(what, waits_for))
}

/// Rules and ACLs may only stand in a `defaults` section that has a name, since only then it is clear which proxies
/// they are meant for.
///
/// # Errors
/// When the open section is an anonymous `defaults` section.
pub(crate) fn not_in_anonymous_defaults(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
) -> Parsed {
    let proxy = parser.proxy()?;
    if !proxy.caps.defaults || !proxy.name.is_empty() {
        return Ok(());
    }
    let keyword = statement.line.word(0);
    Err(Fault::at(
        0,
        format!("'{keyword}' not allowed in anonymous 'defaults' section."),
    )
    .hint("give the section a name: defaults <name>"))
}

#[cfg(test)]
pub(crate) mod testing {
    //! Reading small configurations in tests.

    use crate::parse::{Input, Loaded, load};
    use config::{Diagnostics, Env, Source};

    /// What reading a text gave: the configuration and everything that was said about it.
    pub(crate) struct Outcome {
        /// The configuration.
        pub loaded: Option<Loaded>,
        /// The messages, one per line.
        pub messages: String,
    }

    impl Outcome {
        /// The proxy of this name.
        pub(crate) fn proxy(&self, name: &str) -> &crate::Proxy {
            let Some(loaded) = &self.loaded else {
                panic!("refused: {}", self.messages)
            };
            let Some(proxy) = loaded.snapshot.proxies.iter().find(|p| &*p.name == name) else {
                panic!("no proxy {name}")
            };
            proxy
        }
    }

    /// Reads a text.
    pub(crate) fn read(text: &str) -> Outcome {
        read_with(text, false)
    }

    /// Reads a text, refusing older forms when `strict`.
    pub(crate) fn read_with(text: &str, strict: bool) -> Outcome {
        let mut diagnostics = Diagnostics::default();
        let sources = vec![Source::Text {
            name: "t.cfg".into(),
            text: text.as_bytes().to_vec(),
        }];
        let loaded = load(
            Input {
                sources,
                facts: &crate::parse::testing::NoFacts,
                strict,
                env: Env::empty(),
            },
            &mut diagnostics,
        );
        let messages = diagnostics.iter().map(|d| format!("{d:?}\n")).collect();
        Outcome { loaded, messages }
    }

    /// A `listen` section in HTTP mode with these lines.
    pub(crate) fn listen(lines: &str) -> Outcome {
        read(&format!(
            "listen l\n mode http\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n{lines}\n"
        ))
    }

    /// A `listen` section in TCP mode with these lines.
    pub(crate) fn tcp(lines: &str) -> Outcome {
        read(&format!(
            "listen l\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n{lines}\n"
        ))
    }
}
