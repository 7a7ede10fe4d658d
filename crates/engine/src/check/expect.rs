//! What a check makes of an answer.

use super::probe::{LONGEST_INFO, Probe, Response, Stepped};
use super::request::unhex;
use expr::{Value, regex::Regex};
use message::{Head, Method};
use model::Options;
use model::check::{
    CheckAction, CheckKind, CheckStep, Expect, HeaderMatch, Matcher, Protocol, TextMatch,
};
use model::live::health::{Operation, Outcome, Status};
use wire::check::Judgement;
use wire::h1::{self, ChunkDecoder, ChunkEvent, ErrorKind, Framing, Parsed};

/// What a look at the answer says.
enum Found {
    /// Nothing yet.
    Wait,
    /// This result.
    Result(Outcome),
}

impl Probe<'_> {
    /// Waits until an expectation is met, or can't be any more.
    pub(super) async fn expect(&mut self, step: &CheckStep, expect: &Expect) -> Stepped {
        let http = self.target.script().kind == CheckKind::Http;
        loop {
            let found = if http {
                self.judge_http(step, expect)?
            } else {
                self.judge(step, expect)
            };
            let outcome = match found {
                Found::Wait => {
                    self.receive(step, expect).await?;
                    continue;
                }
                Found::Result(outcome) => outcome,
            };
            let good = matches!(outcome.status, Status::L4Ok | Status::L6Ok | Status::L7Ok);
            if !good {
                return Err(outcome);
            }
            self.best = outcome;
            return Ok(());
        }
    }

    /// Looks at the answer of a check that is not HTTP.
    fn judge(&self, step: &CheckStep, expect: &Expect) -> Found {
        let (bytes, ended) = (self.line.input.bytes(), self.line.ended);
        if bytes.is_empty() && !ended {
            return Found::Wait;
        }
        if bytes.is_empty() && !has_own_words(expect) {
            let info = format!("TCPCHK got an empty response at step {}", step.number);
            return Found::Result(self.worded(step, expect, Status::L7Response, info.into_bytes()));
        }
        if let Matcher::Protocol(protocol) = &expect.matcher {
            return self.judge_protocol(step, expect, *protocol);
        }
        if !ended && expect.min_recv.is_some_and(|least| bytes.len() < least) {
            return Found::Wait;
        }
        let pattern = self.pattern(expect);
        if let Some(pattern) = &pattern
            && bytes.len() < pattern.len()
            && !ended
        {
            return Found::Wait;
        }
        let matches = match &expect.matcher {
            Matcher::Regex(regex) => regex.is_match(until_nul(bytes)),
            Matcher::BinaryRegex(regex) => hex_matches(regex, bytes),
            _ => pattern.is_some_and(|pattern| contains(bytes, &pattern)),
        };
        if !matches && !ended && expect.min_recv.is_none() {
            return Found::Wait;
        }
        Found::Result(if matches == expect.inverse {
            self.mismatch(step, expect)
        } else {
            self.good(expect, 0)
        })
    }

    /// The bytes that an answer must hold.
    fn pattern<'e>(&self, expect: &'e Expect) -> Option<std::borrow::Cow<'e, [u8]>> {
        let format = |format: &expr::LogFormat| {
            let mut text = Vec::new();
            format.render(self, &mut text);
            text
        };
        match &expect.matcher {
            Matcher::Text(bytes) | Matcher::Binary(bytes) => Some((&**bytes).into()),
            Matcher::TextFormat(text) => Some(format(text).into()),
            Matcher::BinaryFormat(text) => Some(unhex(&format(text)).into()),
            _ => None,
        }
    }

    fn judge_protocol(&self, step: &CheckStep, expect: &Expect, protocol: Protocol) -> Found {
        let bytes = self.line.input.bytes();
        let judgement = match protocol {
            Protocol::MysqlGreeting => wire::check::handshake(bytes),
            Protocol::MysqlLogin => wire::check::outcome(bytes),
            Protocol::Ldap => wire::check::bind_response(bytes),
            Protocol::Spop => wire::check::agent_hello(bytes),
        };
        let outcome = |status, code, info: &[u8]| Outcome {
            code,
            info: Some(shortened(info)),
            ..Outcome::new(status)
        };
        Found::Result(match judgement {
            Judgement::Incomplete if !self.line.ended => return Found::Wait,
            Judgement::Incomplete if protocol == Protocol::Spop => {
                outcome(Status::L7Response, 0, b"invalid frame received")
            }
            Judgement::Incomplete => self.bad(step, expect, Status::L7Response, Vec::new()),
            Judgement::Good(info) => outcome(Status::L7Ok, 0, info),
            Judgement::Invalid(info) => outcome(Status::L7Response, 0, info),
            Judgement::Refused(code, info) => outcome(Status::L7Status, code, info),
        })
    }

    /// The result of an expectation that is met.
    fn good(&self, expect: &Expect, code: u16) -> Outcome {
        let tcp = self.target.script().kind == CheckKind::Tcp;
        let info = match &expect.on_success {
            Some(format) => {
                let mut text = Vec::new();
                format.render(self, &mut text);
                Some(shortened(&text))
            }
            None => tcp.then(|| (*b"(tcp-check)").into()),
        };
        Outcome {
            code: self.code(expect, code),
            info,
            ..Outcome::new(expect.ok_status.unwrap_or(Status::L7Ok))
        }
    }

    fn code(&self, expect: &Expect, code: u16) -> u16 {
        let Some(expr) = &expect.status_code else {
            return code;
        };
        match expr.eval(self).value() {
            Some(Value::Int(code)) => code as u16,
            Some(Value::Str(text) | Value::Bin(text)) => {
                let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
                digits.fold(0u16, |code, digit| {
                    code.wrapping_mul(10).wrapping_add(u16::from(digit - b'0'))
                })
            }
            _ => 0,
        }
    }

    /// The result of an expectation that is not met, `info` being what is said where nothing is configured.
    fn bad(&self, step: &CheckStep, expect: &Expect, status: Status, info: Vec<u8>) -> Outcome {
        let mut text = info;
        if let Some(format) = &expect.on_error {
            text.clear();
            format.render(self, &mut text);
        }
        self.worded(step, expect, status, text)
    }

    /// The same in these words.
    fn worded(
        &self,
        step: &CheckStep,
        expect: &Expect,
        status: Status,
        mut text: Vec<u8>,
    ) -> Outcome {
        if let Some(comment) = &step.comment {
            text.extend(format!(" comment: {comment}").as_bytes());
        }
        let status = expect.error_status.unwrap_or(status);
        let http = self
            .response
            .as_ref()
            .map_or(0, |response| response.head.status());
        Outcome {
            code: self.code(expect, http),
            info: Some(shortened(&text)),
            ..Outcome::new(status)
        }
    }

    fn mismatch(&self, step: &CheckStep, expect: &Expect) -> Outcome {
        let verb = if expect.inverse {
            "matched unwanted content"
        } else {
            "did not match content"
        };
        let mut info = format!("TCPCHK {verb}").into_bytes();
        match &expect.matcher {
            Matcher::Text(text) => {
                info.extend(b" '");
                info.extend(&**text);
                info.push(b'\'');
            }
            Matcher::Binary(_) => info.extend(b" (binary)"),
            Matcher::Regex(_) => info.extend(b" (regex)"),
            Matcher::BinaryRegex(_) => info.extend(b" (binary regex)"),
            Matcher::TextFormat(_) => info.extend(b" (log-format string)"),
            Matcher::BinaryFormat(_) => info.extend(b" (log-format binary)"),
            _ => {}
        }
        info.extend(format!(" at step {}", step.number).as_bytes());
        self.bad(step, expect, Status::L7Response, info)
    }

    /// Looks at the answer of an HTTP check.
    fn judge_http(&mut self, step: &CheckStep, expect: &Expect) -> Stepped<Found> {
        if !self.parse_response(step)? {
            return Ok(Found::Wait);
        }
        let ended = self.line.ended;
        let Some(response) = &self.response else {
            return Ok(Found::Wait);
        };
        let status = response.head.status();
        if status == 404
            && self.target.proxy.config.back.disable_on_404
            && self.target.server.state.operation() != Operation::Stopped
        {
            return Ok(Found::Result(Outcome {
                code: status,
                ..Outcome::new(Status::L7OkConditional)
            }));
        }
        let matches = match &expect.matcher {
            Matcher::Status(ranges) => ranges.iter().any(|range| range.contains(&status)),
            Matcher::StatusRegex(regex) => regex.is_match(status.to_string().as_bytes()),
            Matcher::Header(header) => self.has_header(&response.head, header),
            _ => return Ok(self.judge_body(step, expect, response, ended)),
        };
        if matches != expect.inverse {
            return Ok(Found::Result(self.good(expect, status)));
        }
        let reason = response.head.reason();
        let info = match (&expect.matcher, reason) {
            (matcher, []) => {
                let what = match matcher {
                    Matcher::Status(_) => "content(status codes)",
                    Matcher::StatusRegex(_) => "content (regex)",
                    _ => "content (header pattern)",
                };
                format!("TCPCHK did not match {what} at step {}", step.number).into_bytes()
            }
            (_, reason) => reason.to_vec(),
        };
        let bad = self.bad(step, expect, Status::L7Status, info);
        Ok(Found::Result(bad))
    }

    fn judge_body(
        &self,
        step: &CheckStep,
        expect: &Expect,
        response: &Response,
        ended: bool,
    ) -> Found {
        let body = &*response.body;
        let most = self.runtime.snapshot.global.buffer_size;
        let full = self.line.input.is_full() || self.http2.is_some() && body.len() >= most;
        let conclusive = response.complete || ended || full;
        if body.is_empty() {
            if !conclusive {
                return Found::Wait;
            }
            let info = b"HTTP content check could not find a response body".to_vec();
            return Found::Result(self.bad(step, expect, Status::L7Response, info));
        }
        if !conclusive && expect.min_recv.is_some_and(|least| body.len() < least) {
            return Found::Wait;
        }
        let matches = match &expect.matcher {
            Matcher::Regex(regex) => regex.is_match(body),
            _ => self
                .pattern(expect)
                .is_some_and(|pattern| contains(body, &pattern)),
        };
        if !matches && !conclusive && expect.min_recv.is_none() {
            return Found::Wait;
        }
        let status = response.head.status();
        Found::Result(if matches != expect.inverse {
            self.good(expect, status)
        } else {
            let info: &[u8] = if expect.inverse {
                b"HTTP check matched unwanted content"
            } else {
                b"HTTP content check did not match"
            };
            self.bad(step, expect, Status::L7Response, info.to_vec())
        })
    }

    fn has_header(&self, head: &Head, wanted: &HeaderMatch) -> bool {
        let text = |matcher: &TextMatch, text: &[u8]| match matcher {
            TextMatch::Text(method, pattern) => method.matches(text, pattern.as_bytes()),
            TextMatch::Format(method, format) => {
                let mut pattern = Vec::new();
                format.render(self, &mut pattern);
                method.matches(text, &pattern)
            }
            TextMatch::Regex(regex) => regex.is_match(text),
        };
        head.iter().any(|(name, value)| {
            if !text(&wanted.name, &name.to_ascii_lowercase()) {
                return false;
            }
            match &wanted.value {
                None => true,
                Some(matcher) if wanted.whole => text(matcher, value),
                Some(matcher) => value
                    .split(|byte| *byte == b',')
                    .any(|part| text(matcher, part.trim_ascii())),
            }
        })
    }

    /// Reads the response so far; says whether its head is complete.
    fn parse_response(&mut self, step: &CheckStep) -> Stepped<bool> {
        if let Some(http2) = &mut self.http2 {
            let taken = http2.take_in(&mut self.line.input, &mut self.response);
            if (taken.is_err() || self.line.ended) && self.response.is_none() {
                return Err(Outcome::new(Status::SocketError));
            }
            return Ok(self.response.is_some());
        }
        let bytes = self.line.input.bytes();
        let options = h1::Options {
            accept_unsafe: self
                .target
                .proxy
                .config
                .options
                .has(Options::UNSAFE_RESPONSE),
            ..h1::Options::default()
        };
        let mut head = Head::new();
        let parsed = h1::parse_response(
            bytes,
            self.method(step),
            &self.runtime.limits,
            &options,
            &mut head,
        );
        let response = match parsed {
            Ok(Parsed::Incomplete) if self.line.ended => {
                return Err(Outcome::new(Status::SocketError));
            }
            Ok(Parsed::Incomplete) => return Ok(false),
            Ok(Parsed::Done {
                consumed, framing, ..
            }) => {
                let rest = bytes.get(consumed..).unwrap_or_default();
                let (body, complete) = body(rest, framing, self.line.ended);
                Response {
                    head,
                    body,
                    complete,
                }
            }
            // Nobody is going to talk another protocol here: a status like any other.
            Err(error) if matches!(error.kind, ErrorKind::Upgrade | ErrorKind::WebSocketKey) => {
                Response {
                    head,
                    body: Vec::new(),
                    complete: true,
                }
            }
            Err(_) => return Err(Outcome::new(Status::SocketError)),
        };
        self.response = Some(response);
        Ok(true)
    }

    /// The method of the request that a step's answer belongs to.
    fn method(&self, step: &CheckStep) -> Method {
        let steps = &self.target.script().steps;
        let at = steps.iter().position(|other| std::ptr::eq(other, step));
        let before = steps.get(..at.unwrap_or(0)).unwrap_or_default();
        let request = before.iter().rev().find_map(|step| match &step.action {
            CheckAction::Request(request) => Some(Method::of(request.method.as_bytes())),
            _ => None,
        });
        request.unwrap_or(Method::Get)
    }
}

/// Whether an expectation says what it makes of an empty answer by its own means.
fn has_own_words(expect: &Expect) -> bool {
    let own = expect.on_error.as_ref();
    own.is_some_and(|format| !format.is_empty())
}

/// The body that follows a head, and whether it is all there.
fn body(rest: &[u8], framing: Framing, ended: bool) -> (Vec<u8>, bool) {
    match framing {
        Framing::None | Framing::Tunnel => (Vec::new(), true),
        Framing::UntilClose => (rest.to_vec(), ended),
        Framing::Length(len) => {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let part = rest.get(..len).unwrap_or(rest);
            (part.to_vec(), part.len() == len)
        }
        Framing::Chunked => chunks(rest),
    }
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut decoder = ChunkDecoder::new();
    let (mut body, mut trailers) = (Vec::new(), Head::new());
    let (limits, options) = (h1::Limits::default(), h1::Options::default());
    loop {
        match decoder.feed(rest, &limits, &options, &mut trailers) {
            Ok(ChunkEvent::Data { offset, len }) => {
                body.extend(rest.get(offset..offset + len).unwrap_or_default());
                rest = rest.get(offset + len..).unwrap_or_default();
            }
            Ok(ChunkEvent::NeedMore { .. }) => return (body, false),
            Ok(ChunkEvent::End { .. }) | Err(_) => return (body, true),
        }
    }
}

fn contains(text: &[u8], pattern: &[u8]) -> bool {
    memchr::memmem::find(text, pattern).is_some()
}

/// Regular expressions see text up to its first NUL.
fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn hex_matches(regex: &Regex, bytes: &[u8]) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS[usize::from(value & 0x0f)];
    let text: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect();
    regex.is_match(&text)
}

fn shortened(text: &[u8]) -> Box<[u8]> {
    text.get(..LONGEST_INFO).unwrap_or(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_by_framing() {
        assert_eq!(
            body(b"abc", Framing::Length(2), false),
            (b"ab".to_vec(), true)
        );
        assert_eq!(
            body(b"abc", Framing::Length(5), true),
            (b"abc".to_vec(), false)
        );
        assert_eq!(
            body(b"abc", Framing::UntilClose, false),
            (b"abc".to_vec(), false)
        );
        assert_eq!(
            body(b"abc", Framing::UntilClose, true),
            (b"abc".to_vec(), true)
        );
        assert_eq!(body(b"abc", Framing::None, false), (Vec::new(), true));
        let chunked = |text: &[u8]| body(text, Framing::Chunked, false);
        assert_eq!(
            chunked(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
            (b"hello".to_vec(), true)
        );
        assert_eq!(chunked(b"3\r\nhel\r\n2\r\nl"), (b"hell".to_vec(), false));
    }
}
