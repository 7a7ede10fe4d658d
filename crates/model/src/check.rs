//! Health checks as configured: a script of steps that connect, send and expect (configuration manual, `option tcp-check`,
//! `option httpchk` and the options next to them).

use crate::Address;
use crate::live::health::Status;
use crate::rules::{Assignment, Mux};
use expr::regex::Regex;
use expr::{Expr, VarId, logformat::LogFormat};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What kind of check a script is; results are worded by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckKind {
    /// Only connecting.
    #[default]
    Connection,
    /// `option tcp-check`.
    Tcp,
    /// `option httpchk`.
    Http,
    /// One of the other protocols, with a fixed script.
    Protocol,
    /// `option external-check`: a program decides.
    External,
}

/// What a check does, step by step.
#[derive(Debug, Default)]
pub struct CheckScript {
    /// The kind of check.
    pub kind: CheckKind,
    /// The steps in their order; the first one that is neither setting a variable nor a comment connects.
    pub steps: Vec<CheckStep>,
    /// `http-check send-state`.
    pub send_state: bool,
}

/// One step.
#[derive(Debug, Clone)]
pub struct CheckStep {
    /// The number that messages name it by: 0 for connecting where no rule says so.
    pub number: usize,
    /// `comment`.
    pub comment: Option<Arc<str>>,
    /// What it does.
    pub action: CheckAction,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum CheckAction {
    /// `connect`.
    Connect(Arc<CheckConnect>),
    /// `send` and its forms.
    Send(Payload),
    /// `http-check send`.
    Request(Arc<CheckRequest>),
    /// `expect`.
    Expect(Arc<Expect>),
    /// `set-var`, `set-var-fmt`.
    Set(Arc<Assignment>),
    /// `unset-var`.
    Unset(VarId),
    /// `comment`: only keeps its number.
    Comment,
}

/// `tcp-check connect`, `http-check connect`.
#[derive(Debug, Clone, Default)]
pub struct CheckConnect {
    /// Whether no rule asks for it, so that the server's options all apply.
    pub implicit: bool,
    /// `default`: the server's options apply where the rule has none.
    pub default: bool,
    /// `port`.
    pub port: Option<CheckPort>,
    /// `addr`.
    pub address: Option<Address>,
    /// `send-proxy`.
    pub send_proxy: bool,
    /// `via-socks4`: it goes through the server's SOCKS4 proxy, if it has one.
    pub via_socks4: bool,
    /// `linger`: the connection is closed rather than reset.
    pub linger: bool,
    /// `ssl`.
    pub secure: bool,
    /// `sni`.
    pub sni: Option<Arc<str>>,
    /// `alpn`.
    pub alpn: Option<Arc<[Vec<u8>]>>,
    /// `proto`.
    pub proto: Option<Mux>,
}

/// `port` of a connect rule.
#[derive(Debug, Clone)]
pub enum CheckPort {
    /// A number.
    Number(u16),
    /// An expression.
    Expr(Arc<Expr>),
}

/// Bytes to send or to look for.
#[derive(Debug, Clone)]
pub enum Payload {
    /// As they stand.
    Bytes(Arc<[u8]>),
    /// A log format.
    Format(Arc<LogFormat>),
    /// A log format that yields hexadecimal digits.
    HexFormat(Arc<LogFormat>),
}

/// A request of an HTTP check.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// The method.
    pub method: Arc<str>,
    /// The target.
    pub uri: Payload,
    /// The version as it is sent.
    pub version: Arc<str>,
    /// Headers: names in lower case.
    pub headers: Vec<(Arc<str>, Arc<LogFormat>)>,
    /// The body, if any.
    pub body: Option<Payload>,
}

/// `tcp-check expect`, `http-check expect`.
#[derive(Debug, Clone)]
pub struct Expect {
    /// `min-recv`: how many bytes to wait for before judging; with 0 the first judgement is final. `None` waits as long as
    /// nothing matches.
    pub min_recv: Option<usize>,
    /// `!`.
    pub inverse: bool,
    /// What to look for.
    pub matcher: Matcher,
    /// `ok-status`.
    pub ok_status: Option<Status>,
    /// `error-status`.
    pub error_status: Option<Status>,
    /// `tout-status`.
    pub timeout_status: Option<Status>,
    /// `on-success`.
    pub on_success: Option<Arc<LogFormat>>,
    /// `on-error`.
    pub on_error: Option<Arc<LogFormat>>,
    /// `status-code`.
    pub status_code: Option<Arc<Expr>>,
}

impl Expect {
    /// An expectation without options.
    #[must_use]
    pub fn new(matcher: Matcher) -> Self {
        Self {
            min_recv: None,
            inverse: false,
            matcher,
            ok_status: None,
            error_status: None,
            timeout_status: None,
            on_success: None,
            on_error: None,
            status_code: None,
        }
    }
}

/// What an expectation looks for, and where.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// `string`, in the answer or the HTTP body.
    Text(Arc<[u8]>),
    /// `binary`.
    Binary(Arc<[u8]>),
    /// `rstring`.
    Regex(Arc<Regex>),
    /// `rbinary`: on the answer in hexadecimal digits.
    BinaryRegex(Arc<Regex>),
    /// `string-lf`.
    TextFormat(Arc<LogFormat>),
    /// `binary-lf`.
    BinaryFormat(Arc<LogFormat>),
    /// `status`.
    Status(Arc<[RangeInclusive<u16>]>),
    /// `rstatus`.
    StatusRegex(Arc<Regex>),
    /// `hdr`, `fhdr`.
    Header(Arc<HeaderMatch>),
    /// The answer of a protocol.
    Protocol(Protocol),
}

/// Protocols whose answers are judged as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// MySQL's greeting.
    MysqlGreeting,
    /// MySQL's greeting and the answer to a login.
    MysqlLogin,
    /// The answer to an LDAP bind.
    Ldap,
    /// The greeting of a stream processing agent.
    Spop,
}

/// `hdr`, `fhdr`: a header to be found in an HTTP response.
#[derive(Debug)]
pub struct HeaderMatch {
    /// The name.
    pub name: TextMatch,
    /// The value, if it matters.
    pub value: Option<TextMatch>,
    /// Whether the value is matched as a whole (`fhdr`) rather than each of its comma-separated parts.
    pub whole: bool,
}

/// A text pattern and how to match it.
#[derive(Debug)]
pub enum TextMatch {
    /// A fixed text.
    Text(TextMethod, Arc<str>),
    /// A log format.
    Format(TextMethod, Arc<LogFormat>),
    /// `-m reg`.
    Regex(Arc<Regex>),
}

/// How a text is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextMethod {
    /// `str`.
    Exact,
    /// `beg`.
    Begin,
    /// `end`.
    End,
    /// `sub`.
    Sub,
}

impl TextMethod {
    /// Whether `text` matches `pattern`.
    #[must_use]
    pub fn matches(self, text: &[u8], pattern: &[u8]) -> bool {
        match self {
            Self::Exact => text == pattern,
            Self::Begin => text.starts_with(pattern),
            Self::End => text.ends_with(pattern),
            Self::Sub => pattern.is_empty() || text.windows(pattern.len()).any(|at| at == pattern),
        }
    }
}

impl CheckScript {
    /// The script of servers without a check option: connecting.
    #[must_use]
    pub fn connection() -> Self {
        Self::new(CheckKind::Connection, Vec::new(), false)
    }

    /// A script of rules that were numbered from 1, with a connection put in front where they begin with none.
    #[must_use]
    pub fn new(kind: CheckKind, mut steps: Vec<CheckStep>, send_state: bool) -> Self {
        let first = steps.iter().position(|step| !step.is_silent());
        let connects = first.is_some_and(|at| {
            matches!(
                steps.get(at).map(|step| &step.action),
                Some(CheckAction::Connect(_))
            )
        });
        if !connects {
            let connect = CheckConnect {
                implicit: true,
                ..CheckConnect::default()
            };
            let step = CheckStep {
                number: 0,
                comment: None,
                action: CheckAction::Connect(Arc::new(connect)),
            };
            steps.insert(first.unwrap_or(steps.len()), step);
        }
        Self {
            kind,
            steps,
            send_state,
        }
    }

    /// Whether any of its connections speaks TLS by a rule.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.steps.iter().any(|step| match &step.action {
            CheckAction::Connect(connect) => connect.secure,
            _ => false,
        })
    }

    /// The first connection.
    #[must_use]
    pub fn first_connect(&self) -> Option<&CheckConnect> {
        self.steps.iter().find_map(|step| match &step.action {
            CheckAction::Connect(connect) => Some(&**connect),
            _ => None,
        })
    }
}

impl CheckStep {
    /// Whether it may stand before the first connection.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!(
            self.action,
            CheckAction::Set(_) | CheckAction::Unset(_) | CheckAction::Comment
        )
    }
}

/// `external-check` of a proxy.
#[derive(Debug, Clone, Default)]
pub struct ExternalCheck {
    /// `command`.
    pub command: Option<Arc<str>>,
    /// `path`.
    pub path: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_by_method() {
        let all = [
            TextMethod::Exact,
            TextMethod::Begin,
            TextMethod::End,
            TextMethod::Sub,
        ];
        let matching = |text: &[u8]| all.map(|method| method.matches(text, b"ab"));
        assert_eq!(matching(b"ab"), [true; 4]);
        assert_eq!(matching(b"abc"), [false, true, false, true]);
        assert_eq!(matching(b"cab"), [false, false, true, true]);
        assert_eq!(matching(b"cabc"), [false, false, false, true]);
        assert_eq!(matching(b"a"), [false; 4]);
    }
}
