//! Received messages on their way to targets.

use super::batch::{self, Line};
use super::registry::count_received;
use crate::runtime::Runtime;
use base::Endpoint;
use model::log::{LogForward, LogTarget};
use std::fmt::Write;
use std::sync::Arc;
use wire::syslog::{Format, Kind, Parsed, Time, parse};

/// What is done with a sender's address (`option host`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostOption {
    Replace,
    Fill,
    Keep,
    Append,
}

impl HostOption {
    fn of(section: &LogForward) -> Self {
        match section.host {
            0 => Self::Replace,
            2 => Self::Keep,
            3 => Self::Append,
            _ => Self::Fill,
        }
    }

    /// The host name to send and what to add to it.
    fn apply<'a>(self, said: &'a [u8], sender: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        match self {
            Self::Replace if !sender.is_empty() => (sender, b""),
            Self::Fill if said.is_empty() => (sender, b""),
            Self::Append => (said, sender),
            _ => (said, b""),
        }
    }
}

/// A `log-forward` section at work.
#[derive(Debug, Clone)]
pub struct Forwarder {
    /// Its configuration.
    pub section: Arc<LogForward>,
    /// The running configuration.
    pub runtime: Arc<Runtime>,
    targets: Arc<[Arc<LogTarget>]>,
}

impl Forwarder {
    /// A section with its targets, the global ones included where it asks for them.
    #[must_use]
    pub fn new(section: &Arc<LogForward>, runtime: &Arc<Runtime>) -> Self {
        let mut targets = section.targets.clone();
        if section.global {
            for target in &runtime.snapshot.global.logs {
                if !targets.iter().any(|known| Arc::ptr_eq(known, target)) {
                    targets.push(target.clone());
                }
            }
        }
        Self {
            section: section.clone(),
            runtime: runtime.clone(),
            targets: targets.into(),
        }
    }

    /// Sends a message on.
    pub fn forward(&self, message: &[u8], sender: &[u8]) {
        count_received();
        let parsed = match self.section.dont_parse {
            true => (!message.is_empty()).then(|| Parsed {
                text: trim(message),
                ..Parsed::default()
            }),
            false => parse(message),
        };
        let Some(parsed) = parsed else {
            return;
        };
        let option = if self.section.dont_parse {
            HostOption::Keep
        } else {
            HostOption::of(&self.section)
        };
        let (hostname, hostname_suffix) = option.apply(parsed.hostname, sender);
        let line = line(&parsed, hostname, hostname_suffix);
        batch::with(|batch| batch.emit_line(&self.runtime, &self.targets, &line));
    }
}

fn trim(mut message: &[u8]) -> &[u8] {
    while let [text @ .., b'\n'] = message {
        message = text;
    }
    message
}

fn line<'a>(parsed: &Parsed<'a>, hostname: &'a [u8], hostname_suffix: &'a [u8]) -> Line<'a> {
    let priority = parsed.priority.unwrap_or(0);
    Line {
        level: (priority & 7) as u8,
        facility: parsed.priority.map(|priority| priority >> 3),
        format: own_format(parsed, hostname.len() + hostname_suffix.len() > 0),
        time: match parsed.kind {
            Kind::Plain => Time::Now,
            Kind::Rfc3164 => Time::Classic(parsed.time),
            Kind::Rfc5424 => Time::Iso(parsed.time),
        },
        hostname,
        hostname_suffix,
        tag: parsed.tag,
        pid: Some(parsed.pid),
        msgid: parsed.msgid,
        structured_data: parsed.structured_data,
        text: parsed.text,
    }
}

/// The format to a target without one: that of the message, as far as it has the fields.
fn own_format(parsed: &Parsed<'_>, has_host: bool) -> Format {
    match parsed.kind {
        Kind::Rfc5424 if has_host => Format::Rfc5424,
        _ if has_host => Format::Rfc3164,
        _ if !parsed.tag.is_empty() => Format::Local,
        _ if parsed.priority.is_some() => Format::Priority,
        _ => Format::Raw,
    }
}

/// A sender's address as host names show it; nothing for Unix sockets.
pub fn sender_text(peer: Option<&Endpoint>) -> String {
    let mut text = String::new();
    if let Some(ip) = peer.and_then(Endpoint::ip) {
        let _ = write!(text, "{}", ip.to_canonical());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::syslog::{Dates, Fields};

    fn sent(option: HostOption, message: &str, format: Option<Format>) -> String {
        let parsed = parse(message.as_bytes()).unwrap_or_default();
        let (hostname, suffix) = option.apply(parsed.hostname, b"127.0.0.1");
        let line = line(&parsed, hostname, suffix);
        let mut dates = Dates::default();
        dates.set(1_795_234_682, 0);
        let fields = Fields {
            priority: line.facility.unwrap_or(19) * 8 + u32::from(line.level),
            time: line.time,
            dates: &dates,
            micros: 627_091,
            hostname: line.hostname,
            hostname_suffix: line.hostname_suffix,
            tag: line.tag,
            pid: line.pid.unwrap_or_default(),
            msgid: line.msgid,
            structured_data: line.structured_data,
        };
        let mut out = Vec::new();
        fields.write(format.unwrap_or(line.format), &mut out);
        out.extend_from_slice(line.text);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_target_without_a_format_keeps_the_messages_own() {
        use HostOption::{Append, Fill, Keep, Replace};
        let cases = [
            (
                Fill,
                "<13>Oct 11 22:14:15 host app[123]: hi",
                "<13>Oct 11 22:14:15 host app[123]: hi",
            ),
            (
                Append,
                "<13>Oct 11 22:14:15 host app[123]: hi",
                "<13>Oct 11 22:14:15 host,127.0.0.1 app[123]: hi",
            ),
            (
                Replace,
                "<13>Oct 11 22:14:15 app: hi",
                "<13>Oct 11 22:14:15 127.0.0.1 hi",
            ),
            (
                Fill,
                "<165>1 - - - - - - hi",
                "<165>1 - 127.0.0.1 - - - - hi",
            ),
            (Keep, "<165>1 - - - - - - hi", "<165>hi"),
            (Keep, "<165>1 - - - 7 ID - hi", "<165>hi"),
            (
                Keep,
                "<165>1 - - app - - - hi",
                "<165>Nov 21 04:18:02 app: hi",
            ),
            (Keep, "<165>1 - h - - - - hi", "<165>1 - h - - - - hi"),
            (Fill, "<34>hello", "<34>Nov 21 04:18:02 127.0.0.1 hello"),
            (Keep, "<34>hello", "<34>hello"),
            (Fill, "hello", "<152>Nov 21 04:18:02 127.0.0.1 hello"),
            (Keep, "hello", "hello"),
        ];
        for (option, message, expected) in cases {
            assert_eq!(
                sent(option, message, None),
                expected,
                "{option:?} {message}"
            );
        }
    }

    #[test]
    fn messages_change_their_format() {
        let classic = "<13>Oct  1 22:14:15 host app[123]: hi";
        let expected = "<13>1 2026-10-01T22:14:15-00:00 host app 123 - - hi";
        assert_eq!(
            sent(HostOption::Fill, classic, Some(Format::Rfc5424)),
            expected
        );
        let structured = "<165>1 2003-08-04T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% hi";
        let expected = "<165>Aug  4 05:14:15 192.0.2.1 myproc[8710]: %% hi";
        assert_eq!(
            sent(HostOption::Fill, structured, Some(Format::Rfc3164)),
            expected
        );
        let expected = "<5>2003-08-04T05:14:15.000003-07:00 %% hi";
        assert_eq!(
            sent(HostOption::Fill, structured, Some(Format::Timed)),
            expected
        );
        assert_eq!(
            sent(HostOption::Keep, "hello", Some(Format::Rfc3164)),
            "<152>Nov 21 04:18:02 localhost hello"
        );
    }
}
