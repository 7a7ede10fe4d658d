//! Rules: conditions with actions, the lists they stand in, and what an action may do to a stream.
//!
//! An action is parsed into a [`Action`] by its row and run by the engine through [`Stream`], so that rules know nothing of
//! sockets and the engine nothing of keywords.

pub mod actions;
mod cursor;
mod family;
mod normalize;
mod reply;
mod resolve;
mod status;

#[cfg(test)]
mod tests;

pub use actions::Assignment;
pub use actions::page_reply;
pub(crate) use actions::{VariableStep, check_variable};
pub use cursor::RuleCursor;
pub use family::{Families, Family};
pub use message::reason;
pub use normalize::{Normalizer, normalize};
pub use reply::Reply;
pub use resolve::{Names, resolve};
pub use status::has_page;

use crate::address::IpFamily;
use crate::log::LogProfile;
use base::Endpoint;
use expr::sample::Value;
use expr::vars::VarId;
use expr::view::{Side, View};
use expr::{Condition, Expr, logformat::LogFormat};
use message::Head;
use std::fmt::Debug;
use std::sync::Arc;

/// The lists of rules of a proxy, each in the order of evaluation.
#[derive(Debug, Clone, Default)]
pub struct RuleLists {
    /// `tcp-request connection`.
    pub tcp_connection: Vec<Arc<Rule>>,
    /// `tcp-request session`.
    pub tcp_session: Vec<Arc<Rule>>,
    /// `tcp-request content`.
    pub tcp_content: Vec<Arc<Rule>>,
    /// `tcp-request inspect-delay`, in milliseconds.
    pub request_inspect_delay: Option<u64>,
    /// `tcp-response content`.
    pub tcp_response: Vec<Arc<Rule>>,
    /// `tcp-response inspect-delay`, in milliseconds.
    pub response_inspect_delay: Option<u64>,
    /// `http-request`.
    pub http_request: Vec<Arc<Rule>>,
    /// `http-response`.
    pub http_response: Vec<Arc<Rule>>,
    /// `http-after-response`.
    pub http_after_response: Vec<Arc<Rule>>,
    /// `redirect` lines, which are evaluated after `http-request`.
    pub redirects: Vec<Arc<Rule>>,
}

impl RuleLists {
    /// One of the lists.
    #[must_use]
    pub fn list(&self, family: Family) -> &[Arc<Rule>] {
        match family {
            Family::TcpConnection => &self.tcp_connection,
            Family::TcpSession => &self.tcp_session,
            Family::TcpContent => &self.tcp_content,
            Family::TcpResponse => &self.tcp_response,
            Family::HttpRequest => &self.http_request,
            Family::HttpResponse => &self.http_response,
            Family::HttpAfterResponse => &self.http_after_response,
        }
    }

    /// The same to be added to.
    pub fn list_mut(&mut self, family: Family) -> &mut Vec<Arc<Rule>> {
        match family {
            Family::TcpConnection => &mut self.tcp_connection,
            Family::TcpSession => &mut self.tcp_session,
            Family::TcpContent => &mut self.tcp_content,
            Family::TcpResponse => &mut self.tcp_response,
            Family::HttpRequest => &mut self.http_request,
            Family::HttpResponse => &mut self.http_response,
            Family::HttpAfterResponse => &mut self.http_after_response,
        }
    }
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// When it applies; always without one.
    pub condition: Option<Condition>,
    /// What it does.
    pub action: Box<dyn Action>,
    /// File and line, for `last_rule_*`.
    pub origin: (Arc<str>, u32),
}

/// What a rule does once its condition holds.
pub trait Action: Debug + Send + Sync {
    /// Acts on the stream.
    fn run(&self, stream: &mut dyn Stream) -> Flow;

    /// Whether nothing after this action in the same list can be reached when it has no condition.
    fn is_final(&self) -> bool {
        false
    }

    /// Looks up the names in it once the whole configuration has been read.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording behind the proxy's name.
    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        let _ = names;
        Ok(())
    }

    /// What is allowed and does nothing, in words for a warning, once the names are known.
    fn advice(&self, names: &Names<'_>) -> Option<String> {
        let _ = names;
        None
    }

    /// The relay header that the client's connection must begin with once this rule's condition holds
    /// (`tcp-request connection` only).
    fn expects_relay_header(&self) -> Option<RelayHeader> {
        None
    }

    /// Whether a TCP stream may go on as HTTP because of this rule.
    fn switches_to_http(&self) -> bool {
        false
    }

    /// The key that the rule tracks in a stick table.
    fn tracked_key(&self) -> Option<&Expr> {
        None
    }

    /// The expression without which the rule of a content list does not act as long as it may wait for more data.
    fn awaited(&self) -> Option<&Expr> {
        self.tracked_key()
    }

    /// The fields of an interim response, for rules that add to the one before them.
    fn early_hint(&self) -> Option<&actions::EarlyHint> {
        None
    }
}

/// What a client's connection may have to begin with, before any byte of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayHeader {
    /// The PROXY protocol, either version.
    Proxy,
    /// NetScaler's client IP insertion.
    NetScaler,
}

/// How HTTP is carried on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mux {
    /// HTTP/1.
    H1,
    /// HTTP/2.
    H2,
}

/// How the evaluation of a rule list goes on after an action.
#[derive(Debug)]
pub enum Flow {
    /// With the next rule.
    Continue,
    /// Not in this list: the stream goes on (`allow`, `accept`).
    Stop,
    /// Not at all: the stream is refused with the proxy's page for this status, or the given reply.
    Deny(u16, Option<Box<Reply>>),
    /// The same after `timeout tarpit`.
    Tarpit(u16, Option<Box<Reply>>),
    /// Not at all: this reply is the answer, and the stream ends as a success of the proxy itself (`return`, `redirect`).
    Reply(Box<Reply>),
    /// Not at all: the connection is closed without an answer.
    Close(CloseKind),
    /// Nothing is decided: run the same action again when more data has come or the time (milliseconds) has passed.
    Wait(u64),
    /// The action could not do its work (a header did not fit); strict mode makes it an internal error.
    Failed,
    /// Not at all: the request can't be understood.
    Invalid,
    /// A service of this name answers.
    Service(&'static str),
    /// The TCP stream becomes an HTTP stream (`switch-mode http`).
    SwitchToHttp(Option<Mux>),
    /// With the next rule, once name servers have been asked and the variable is set.
    Resolve(Box<Lookup>),
}

/// A name whose address is wanted (`do-resolve`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The variable for the address; it stays as it is when there is none.
    pub var: VarId,
    /// The `resolvers` section.
    pub resolvers: Arc<str>,
    /// The preferred family.
    pub prefer: IpFamily,
    /// The name.
    pub name: Box<str>,
}

/// What becomes of a client's connection that is handed to a server (`attach-srv`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The backend's name.
    pub backend: Arc<str>,
    /// The server's name.
    pub server: Arc<str>,
    /// What requests must ask for to go over it (`pool-conn-name`, `sni`).
    pub name: Option<Box<[u8]>>,
}

/// How a connection is closed by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseKind {
    /// `reject`.
    Reject,
    /// `close`: only the server's connection.
    Server,
    /// `silent-drop`: the peer is not told, or only so far on its way as a reset with this many hops to live gets.
    Silent(Option<u8>),
}

/// Which of a connection's ends a rule rewrites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `set-src`, `set-src-port`.
    Source,
    /// `set-dst`, `set-dst-port`.
    Destination,
}

/// A socket setting that rules make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketSetting {
    /// Netfilter mark.
    Mark(u32),
    /// IP type of service.
    Tos(u8),
}

/// What an action may do to the stream that it runs on, next to reading it through [`View`].
pub trait Stream: View {
    /// The same stream for evaluating expressions.
    fn view(&self) -> &dyn View;
    /// The request head.
    fn request_mut(&mut self) -> Option<&mut Head>;
    /// The response head.
    fn response_mut(&mut self) -> Option<&mut Head>;
    /// Keeps the entry that a counter tracks from now on.
    fn track(&mut self, counter: usize, entry: stick::Tracked);
    /// Hides the response from expressions, or shows it again.
    fn set_aside_response(&mut self, aside: bool) {
        let _ = aside;
    }
    /// Sets or removes a variable; false when it does not fit its scope's size limit.
    fn set_var(&mut self, name: VarId, value: Option<Value<'static>>) -> bool;
    /// Rewrites an end of the client's connection.
    fn set_end(&mut self, which: End, to: Endpoint);
    /// Changes a socket on the client's side (`true`) or the coming one on the server's side.
    fn set_socket(&mut self, client: bool, setting: SocketSetting);
    /// Hands the client's connection to a server once the rules of the session have passed.
    fn attach(&mut self, to: Attachment) {
        let _ = to;
    }
    /// Puts a limit on the bytes that the stream passes on, with other figures than its own (bytes; milliseconds).
    /// Nothing happens when neither proxy of the stream has a limit of that name.
    fn limit_bandwidth(&mut self, name: &str, limit: Option<u64>, period: Option<u64>) {
        let _ = (name, limit, period);
    }
    /// Forces the log level; `None` is silence.
    fn set_log_level(&mut self, level: Option<u8>);
    /// Overrides a timeout by its keyword, in milliseconds.
    fn set_timeout(&mut self, name: &'static str, value: u64);
    /// Fills a capture slot of the request (`true`) or response.
    fn capture(&mut self, request: bool, slot: usize, value: &[u8]);
    /// Sets the queue priority class or offset.
    fn set_priority(&mut self, class: Option<i32>, offset: Option<i32>);
    /// Sets how willing the stream is to let others go first, from -1024 to 1024.
    fn set_nice(&mut self, nice: i32);
    /// Whether requests are taken from the client before its TLS handshake is complete.
    fn awaits_handshake(&self) -> bool {
        false
    }
    /// Overrides `retries`.
    fn set_retries(&mut self, retries: u32);
    /// Switches strict mode for what follows in this list.
    fn set_strict(&mut self, on: bool);
    /// Disables `retry-on` for this request.
    fn disable_l7_retry(&mut self);
    /// Sends an interim response to the client (`early-hint`).
    fn send_interim(&mut self, status: u16, headers: &[(&[u8], &[u8])]);
    /// Emits a log line now (`do-log`).
    fn log_now(&mut self, step: &'static str, profile: Option<&LogProfile>);
    /// Milliseconds since evaluation of the present action began, for actions that wait.
    fn waited(&self) -> u64;
    /// The page that the proxy answers a status with; `None` when the connection is to be closed without a word.
    ///
    /// The default knows no configured pages and answers with a bare status line.
    fn error_page(&self, status: u16) -> Option<Reply> {
        Some(Reply::new(status, reason(status).as_bytes()))
    }
    /// Takes note that a body did not come in time, before the reply that says so; the first cause of a stream's end is
    /// the one that is logged.
    fn body_timed_out(&mut self, side: Side) {
        let _ = side;
    }
    /// How much the head of this message may still grow, in bytes as [`Head::stored_len`] counts them; negative when it has
    /// become too large.
    fn head_room(&self, side: Side) -> isize {
        let _ = side;
        isize::MAX
    }
    /// A buffer to build text in; give it back with [`Stream::give_scratch`].
    fn take_scratch(&mut self) -> Vec<u8>;
    /// Takes a buffer back for the next user.
    fn give_scratch(&mut self, scratch: Vec<u8>);
}

/// Renders a log-format with the stream's scratch buffer and hands the text on.
pub fn with_text<R>(
    stream: &mut dyn Stream,
    format: &LogFormat,
    then: impl FnOnce(&mut dyn Stream, &[u8]) -> R,
) -> R {
    let mut text = stream.take_scratch();
    text.clear();
    format.render(stream.view(), &mut text);
    let result = then(stream, &text);
    stream.give_scratch(text);
    result
}
