//! What a command answers: a short text at once, a dump piece by piece, or something to wait for.

use engine::runtime::Runtime;
use std::fmt::{self, Write};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// How serious a message is, with syslog's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A refusal.
    Error = 3,
    /// What was perhaps not what was meant.
    Warning = 4,
    /// A notice of something done.
    Notice = 5,
    /// A notice of something done or told.
    Info = 6,
}

/// `severity-output`: how messages begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeverityOutput {
    /// With their text.
    #[default]
    None,
    /// With the severity's number.
    Number,
    /// With the severity's name.
    String,
}

/// An answer too long to be held at once.
pub trait Dump {
    /// Appends the next piece of some kilobytes at most; `false` once there is nothing left.
    fn fill(&mut self, runtime: &Runtime, out: &mut String) -> bool;
}

/// An answer whose pieces have to be waited for.
pub trait Pieces {
    /// The next piece, which may be empty; `None` once there is nothing left.
    fn next<'p>(
        &'p mut self,
        runtime: &'p Arc<Runtime>,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + 'p>>;

    /// Whether the answer ends as soon as the peer sends anything.
    fn ends_by_input(&self) -> bool {
        false
    }
}

/// An answer that is not all text, whose pieces have to be waited for.
pub trait Raw {
    /// The next piece; `None` once there is nothing left.
    fn next<'p>(
        &'p mut self,
        runtime: &'p Arc<Runtime>,
    ) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + 'p>>;
}

/// What follows the text of an answer.
#[derive(Default)]
pub enum Rest {
    /// Nothing.
    #[default]
    None,
    /// More, piece by piece.
    Dump(Box<dyn Dump>),
    /// More, piece by piece, as it comes.
    Pieces(Box<dyn Pieces>),
    /// More, piece by piece, whatever bytes they are.
    Raw(Box<dyn Raw>),
    /// The command is over after so many milliseconds, and then says this.
    Wait(u64, &'static str),
    /// What this comes to.
    Task(Pin<Box<dyn Future<Output = String>>>),
    /// The command is over when its condition is met or can't be met any more, or after so many milliseconds.
    Until(u64, Box<dyn Fn(&Runtime) -> Outlook>),
    /// The connection ends.
    Close,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Dump(_) => "Dump",
            Self::Pieces(_) => "Pieces",
            Self::Raw(_) => "Raw",
            Self::Wait(..) => "Wait",
            Self::Task(_) => "Task",
            Self::Until(..) => "Until",
            Self::Close => "Close",
        })
    }
}

/// How things look for a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// It is met.
    Met,
    /// It may be met later.
    Open,
    /// It will not be met, for this reason.
    Failed(String),
}

/// The answer to one command.
#[derive(Debug, Default)]
pub struct Reply {
    /// The text so far.
    pub text: String,
    /// What comes after it.
    pub rest: Rest,
    severity: SeverityOutput,
}

impl Reply {
    /// An empty answer.
    #[must_use]
    pub fn new(severity: SeverityOutput) -> Self {
        Self {
            severity,
            ..Self::default()
        }
    }

    /// A message with its severity; it ends with a line end of its own.
    pub fn message(&mut self, severity: Severity, text: &str) {
        let name = match severity {
            Severity::Error => "err",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
            Severity::Info => "info",
        };
        let _ = match self.severity {
            SeverityOutput::None => Ok(()),
            SeverityOutput::Number => write!(self.text, "[{}]: ", severity as u8),
            SeverityOutput::String => write!(self.text, "[{name}]: "),
        };
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// A refusal.
    pub fn error(&mut self, text: &str) {
        self.message(Severity::Error, text);
    }

    /// A notice.
    pub fn info(&mut self, text: &str) {
        self.message(Severity::Info, text);
    }

    /// Text without severity.
    pub fn plain(&mut self, text: fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(text);
    }

    /// Goes on with a dump.
    pub fn dump(&mut self, dump: impl Dump + 'static) {
        self.rest = Rest::Dump(Box::new(dump));
    }
}
