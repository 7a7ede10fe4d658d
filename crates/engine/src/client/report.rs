//! The line of the log about a call, in the form of `option httplog`.

use super::Failure;
use crate::clock;
use crate::log::{self, Message};
use crate::runtime::Runtime;
use expr::logformat::write_log_date;
use expr::view::Date;
use std::fmt::Write;
use std::sync::Arc;

/// The level of such lines.
const INFO: u8 = 6;

/// What a call's line tells. Durations are in milliseconds.
#[derive(Debug)]
pub struct Report {
    date: Date,
    started: u64,
    /// How long it took to find the server's address.
    pub resolved: Option<u64>,
    /// How long it took to connect, all attempts together.
    pub connected: Option<u64>,
    /// How long the response took to begin.
    pub answered: Option<u64>,
    /// The response's status.
    pub status: Option<u16>,
    /// The bytes of the response's words, without what delimits them.
    pub bytes: usize,
    /// How many attempts were made again.
    pub retries: u32,
    /// Why there is no response, or only a part of one.
    pub failure: Option<Failure>,
    /// The response was not wanted to its end.
    pub abandoned: bool,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            date: clock::date(),
            started: clock::now_ms(),
            resolved: None,
            connected: None,
            answered: None,
            status: None,
            bytes: 0,
            retries: 0,
            failure: None,
            abandoned: false,
        }
    }
}

impl Report {
    /// How long it has been going on.
    pub fn elapsed(&self) -> u64 {
        clock::now_ms().saturating_sub(self.started)
    }

    /// Writes the line to the process' logs; `name` stands where a frontend's would.
    pub fn log(&self, runtime: &Arc<Runtime>, name: &str, method: &str, url: &str) {
        let global = &runtime.snapshot.global;
        if global.logs.is_empty() {
            return;
        }
        let text = self.line(runtime, name, method, url);
        let message = Message {
            level: INFO,
            tag: global.log_tag.as_deref().unwrap_or("haproxy"),
            structured_data: b"",
            text: &text,
        };
        log::emit(runtime, &global.logs, &message);
    }

    fn line(&self, runtime: &Runtime, name: &str, method: &str, url: &str) -> Vec<u8> {
        let mut text = b"-:- [".to_vec();
        let offset = sys::utc_offset(self.date.seconds);
        write_log_date(
            self.date.seconds,
            self.date.micros / 1000,
            offset,
            &mut text,
        );
        let time = |time: Option<u64>| time.map_or(-1, |ms| i64::try_from(ms).unwrap_or(i64::MAX));
        let waited = if self.failure == Some(Failure::Unresolved) {
            -1
        } else {
            0
        };
        let flags = match (self.failure, self.abandoned) {
            (Some(failure), _) => failure.flags(),
            (None, true) => "CD",
            (None, false) => "--",
        };
        let status = self.failure.filter(|_| self.status.is_none());
        let status = self.status.or(status.map(Failure::status));
        // A place for what is captured is there where names are looked up.
        let captured = match global_resolves(runtime) {
            true => " {}",
            false => "",
        };
        let mut line = String::new();
        let _ = write!(
            line,
            "] {name} -/- {}/{waited}/{}/{}/{} {} {} - - {flags}-- 0/0/0/0/{} 0/0{captured} \"{method} {} HTTP/1.1\"",
            time(self.resolved),
            time(self.connected),
            time(self.answered),
            self.elapsed(),
            status.map_or(-1, i32::from),
            self.bytes,
            self.retries,
            url.replace('"', "#22").replace('#', "#23"),
        );
        text.extend(line.into_bytes());
        text
    }
}

fn global_resolves(runtime: &Runtime) -> bool {
    runtime.snapshot.global.http_client.section().is_some()
}
