//! The check of a proxy or `healthcheck` section while it is read, and how it becomes a script.

use crate::check::{
    CheckAction, CheckConnect, CheckKind, CheckRequest, CheckScript, CheckStep, Expect, Matcher,
    Payload,
};
use expr::logformat::LogFormat;
use std::sync::Arc;

/// What is known of a check so far. Rules of either family are kept whether or not an option makes use of them, since the
/// option may follow.
#[derive(Clone, Default)]
pub struct CheckDraft {
    /// What the last option asks for.
    pub chosen: Chosen,
    /// `tcp-check` rules.
    pub tcp: Rules,
    /// `http-check` rules.
    pub http: Rules,
    /// `http-check send-state`.
    pub send_state: bool,
}

/// The kind of check that an option asks for.
#[derive(Clone, Default)]
pub enum Chosen {
    /// None.
    #[default]
    Nothing,
    /// `option tcp-check`.
    Tcp,
    /// `option httpchk`.
    Http,
    /// An option with a script of its own.
    Fixed(Arc<[CheckStep]>),
    /// `option external-check`.
    External,
}

/// The rules of one family.
#[derive(Clone, Default)]
pub struct Rules {
    /// Whether they are this very section's. The first rule of a section takes the place of all that were inherited.
    own: bool,
    /// In their order.
    pub steps: Vec<RuleDraft>,
    /// What `option httpchk` says of the first request.
    pub request: Option<RequestDraft>,
}

/// One rule.
#[derive(Clone)]
pub struct RuleDraft {
    /// `comment`, be it the rule's or a line of its own before it.
    pub comment: Option<Arc<str>>,
    /// What it does.
    pub action: ActionDraft,
}

/// What a rule does.
#[derive(Clone)]
pub enum ActionDraft {
    /// Something that is complete.
    Ready(CheckAction),
    /// A request, which may take from `option httpchk` what it does not say itself.
    Request(RequestDraft),
}

/// A request; what is missing has a default.
#[derive(Clone, Default)]
pub struct RequestDraft {
    /// `meth`.
    pub method: Option<Arc<str>>,
    /// `uri`, `uri-lf`.
    pub uri: Option<Payload>,
    /// `ver`.
    pub version: Option<Arc<str>>,
    /// `hdr`.
    pub headers: Vec<(Arc<str>, Arc<LogFormat>)>,
    /// `body`, `body-lf`.
    pub body: Option<Payload>,
}

/// What a rule is to those that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It connects.
    Connect,
    /// It sends.
    Send,
    /// It expects.
    Expect,
    /// It sets a variable or comments.
    Silent,
}

impl RuleDraft {
    /// What it is to the others.
    pub fn role(&self) -> Role {
        match &self.action {
            ActionDraft::Request(_) => Role::Send,
            ActionDraft::Ready(action) => match action {
                CheckAction::Connect(_) => Role::Connect,
                CheckAction::Send(_) | CheckAction::Request(_) => Role::Send,
                CheckAction::Expect(_) => Role::Expect,
                CheckAction::Set(_) | CheckAction::Unset(_) | CheckAction::Comment => Role::Silent,
            },
        }
    }
}

impl RequestDraft {
    /// The request with the gaps filled from another one.
    fn or(self, other: Self) -> Self {
        Self {
            method: self.method.or(other.method),
            uri: self.uri.or(other.uri),
            version: self.version.or(other.version),
            headers: if self.headers.is_empty() {
                other.headers
            } else {
                self.headers
            },
            body: self.body.or(other.body),
        }
    }

    fn finish(self) -> CheckRequest {
        CheckRequest {
            method: self.method.unwrap_or_else(|| "OPTIONS".into()),
            uri: self
                .uri
                .unwrap_or_else(|| Payload::Bytes(Arc::from(&b"/"[..]))),
            version: version(self.version.as_deref().unwrap_or("HTTP/1.0")),
            headers: self.headers,
            body: self.body,
        }
    }
}

/// The version as it is sent.
fn version(text: &str) -> Arc<str> {
    let upper = text.to_ascii_uppercase();
    match upper.strip_prefix("HTTP/").map(str::as_bytes) {
        Some([major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9']) => {
            if (*major, *minor) >= (b'1', b'1') {
                "HTTP/1.1".into()
            } else {
                upper.into()
            }
        }
        _ => text.into(),
    }
}

impl Rules {
    /// The rules of this section, to be added to; those that were inherited give way.
    pub fn own(&mut self) -> &mut Self {
        if !self.own {
            *self = Self {
                own: true,
                ..Self::default()
            };
        }
        self
    }

    /// What the last rule is that is not silent.
    pub fn last_role(&self) -> Option<Role> {
        let roles = self.steps.iter().rev().map(RuleDraft::role);
        roles.into_iter().find(|role| *role != Role::Silent)
    }

    /// What the first rule is that is not silent.
    pub fn first_role(&self) -> Option<Role> {
        let mut roles = self.steps.iter().map(RuleDraft::role);
        roles.find(|role| *role != Role::Silent)
    }
}

impl CheckDraft {
    /// What a proxy that starts from this section takes over.
    #[must_use]
    pub fn inherited(&self) -> Self {
        let mut copy = self.clone();
        copy.tcp.own = false;
        copy.http.own = false;
        copy
    }

    /// The script.
    #[must_use]
    pub fn script(&self) -> CheckScript {
        match &self.chosen {
            Chosen::Nothing => CheckScript::connection(),
            Chosen::Tcp => CheckScript::new(CheckKind::Tcp, numbered(&self.tcp.steps), false),
            Chosen::Http => http_script(&self.http, self.send_state),
            Chosen::Fixed(steps) => CheckScript::new(CheckKind::Protocol, steps.to_vec(), false),
            Chosen::External => CheckScript::new(CheckKind::External, Vec::new(), false),
        }
    }
}

/// The rules with their numbers, and with comments that stand on lines of their own.
fn numbered(rules: &[RuleDraft]) -> Vec<CheckStep> {
    let mut pending: Option<Arc<str>> = None;
    let step = |(at, rule): (usize, &RuleDraft)| {
        let comment = rule.comment.clone().or(pending.take());
        if matches!(rule.action, ActionDraft::Ready(CheckAction::Comment)) {
            pending.clone_from(&comment);
        }
        CheckStep {
            number: at + 1,
            comment,
            action: match &rule.action {
                ActionDraft::Ready(action) => action.clone(),
                ActionDraft::Request(request) => {
                    CheckAction::Request(Arc::new(request.clone().finish()))
                }
            },
        }
    };
    rules.iter().enumerate().map(step).collect()
}

/// Where the request of `option httpchk` belongs: behind the first connection, or at the beginning.
fn first_request(rules: &[RuleDraft]) -> usize {
    let loud = |from: usize| {
        let mut rest = rules.iter().enumerate().skip(from);
        rest.find(|(_, rule)| rule.role() != Role::Silent)
    };
    let place = match loud(0) {
        Some((at, rule)) if rule.role() == Role::Connect => loud(at + 1),
        found => found,
    };
    place.map_or(rules.len(), |(at, _)| at)
}

/// The script of an HTTP check: the request of `option httpchk` goes into the first one of the rules, or in front of them,
/// and a request that nothing is expected of is to be answered with 2xx or 3xx.
fn http_script(rules: &Rules, send_state: bool) -> CheckScript {
    let mut drafts = rules.steps.clone();
    let place = first_request(&drafts);
    let mut missing = rules.request.clone();
    if let Some(ActionDraft::Request(own)) = drafts.get_mut(place).map(|rule| &mut rule.action)
        && let Some(request) = missing.take()
    {
        *own = std::mem::take(own).or(request);
    }
    let mut steps = numbered(&drafts);
    if let Some(request) = missing {
        let request = CheckAction::Request(Arc::new(request.finish()));
        steps.insert(place, implied(1, request));
    }
    let last = steps.iter().rev().find(|step| !step.is_silent());
    if last.is_some_and(|step| matches!(step.action, CheckAction::Request(_))) {
        let good = Expect::new(Matcher::Status([200..=399].into()));
        let expect = CheckAction::Expect(Arc::new(good));
        steps.push(implied(steps.len() + 1, expect));
    }
    CheckScript::new(CheckKind::Http, steps, send_state)
}

/// A step that no rule asks for.
fn implied(number: usize, action: CheckAction) -> CheckStep {
    CheckStep {
        number,
        comment: None,
        action,
    }
}

/// A connection that is closed rather than reset, with the server's options.
pub fn gentle_connect() -> CheckAction {
    CheckAction::Connect(Arc::new(CheckConnect {
        default: true,
        linger: true,
        ..CheckConnect::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_as_they_are_sent() {
        for (text, sent) in [
            ("HTTP/1.0", "HTTP/1.0"),
            ("http/1.1", "HTTP/1.1"),
            ("HTTP/1.2", "HTTP/1.1"),
            ("HTTP/2.0", "HTTP/1.1"),
            ("HTTP/0.9", "HTTP/0.9"),
            ("y", "y"),
        ] {
            assert_eq!(&*version(text), sent, "{text}");
        }
    }
}
