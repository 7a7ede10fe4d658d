//! A certificate whose OCSP responses are fetched, and the times at which that happens.

use std::fmt;
use std::sync::Arc;

/// How much earlier than it must a response is fetched again, in seconds.
const MARGIN: i64 = 60;
/// The first wait after an update that failed where there is no response yet, halved, in seconds. It doubles each time.
const PAUSE: i64 = 60;

/// What came of the last update, with HAProxy's numbers and words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Status {
    /// There was none yet, or one is under way.
    #[default]
    Unknown,
    /// The response is in place.
    Updated,
    /// The responder could not be reached, or answered with another status than 200.
    Http,
    /// What it sent does not say that it is a response.
    NoResponse,
    /// It is none, or not from the right one.
    Invalid(String),
    /// It can't be stapled.
    NotInserted(String),
}

impl Status {
    /// Its number.
    #[must_use]
    pub fn number(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Updated => 1,
            Self::Http => 2,
            Self::NoResponse => 3,
            Self::Invalid(_) => 4,
            Self::NotInserted(_) => 5,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("Unknown"),
            Self::Updated => f.write_str("Update successful"),
            Self::Http => f.write_str("HTTP error"),
            Self::NoResponse => f.write_str("Missing \"ocsp-response\" header"),
            Self::Invalid(why) => write!(f, "OCSP response check failure ({why})"),
            Self::NotInserted(why) => write!(f, "Error during insertion ({why})"),
        }
    }
}

/// A certificate whose responses are fetched. Times are in seconds since 1970.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name of a certificate of this identifier.
    pub path: Arc<str>,
    /// Whether responses are fetched without being asked for.
    pub regular: bool,
    /// When a response is fetched next.
    pub next: i64,
    /// When the last one was put in place.
    pub last: Option<i64>,
    /// How often that has happened.
    pub successes: u64,
    /// How often it has failed.
    pub failures: u64,
    /// What came of the last update.
    pub status: Status,
    /// Until when the response in place may be used, with what clocks may differ taken off.
    pub(super) expires: Option<i64>,
    /// The last response that was fetched.
    pub(super) response: Option<Arc<[u8]>>,
    /// Whether a command wants it now.
    asked: bool,
}

impl Entry {
    /// An entry whose updates begin: at once without a response, else as if one had just been fetched.
    pub(super) fn new(path: &Arc<str>, expires: Option<i64>, now: i64, delays: (u32, u32)) -> Self {
        let mut entry = Self {
            regular: true,
            expires,
            ..Self::once(path)
        };
        entry.next = match expires {
            Some(_) => entry.following(now, delays),
            None => now,
        };
        entry
    }

    /// An entry that is updated when a command says so.
    pub(super) fn once(path: &Arc<str>) -> Self {
        Self {
            path: path.clone(),
            regular: false,
            next: i64::MAX,
            last: None,
            successes: 0,
            failures: 0,
            status: Status::Unknown,
            expires: None,
            response: None,
            asked: false,
        }
    }

    pub(super) fn ask(&mut self, now: i64) {
        (self.next, self.asked) = (now, true);
    }

    pub(super) fn is_asked_for(&self) -> bool {
        self.asked
    }

    /// When it has to be seen to: when a command asks, and regularly unless that is `disabled`.
    pub(super) fn due(&self, disabled: bool) -> Option<i64> {
        let due = self.asked || self.regular && !disabled;
        due.then_some(self.next)
    }

    pub(super) fn begin(&mut self) {
        self.status = Status::Unknown;
    }

    /// Notes what came of an update.
    pub(super) fn end(&mut self, outcome: Result<Arc<[u8]>, Status>, now: i64, delays: (u32, u32)) {
        self.asked = false;
        match outcome {
            Ok(response) => {
                self.successes += 1;
                self.last = Some(now);
                self.status = Status::Updated;
                self.expires = tls::ocsp::expiry(&response);
                self.response = Some(response);
            }
            Err(status) => {
                self.failures += 1;
                self.status = status;
            }
        }
        self.next = match self.regular {
            true => self.following(now, delays),
            false => i64::MAX,
        };
    }

    /// When the update after one that ends now is due: before the response in place runs out, within the delays; without
    /// one, later each time.
    fn following(&self, now: i64, (least, most): (u32, u32)) -> i64 {
        let (least, most) = (now + i64::from(least), now + i64::from(most));
        match self.expires {
            Some(expires) => (expires - MARGIN).min(most).max(least),
            None => {
                let doublings = u32::try_from(self.failures).unwrap_or(u32::MAX).min(20);
                (now + (PAUSE << doublings)).min(most)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: (u32, u32) = (300, 3600);

    #[test]
    fn the_first_update_waits_only_where_there_is_a_response() {
        let path = "a.pem".into();
        assert_eq!(Entry::new(&path, None, 1000, DELAYS).next, 1000);
        let day = 86_400;
        assert_eq!(Entry::new(&path, Some(day), 1000, DELAYS).next, 4600);
        // It runs out before the delay ends, and so early that the least delay counts.
        assert_eq!(Entry::new(&path, Some(2000), 1000, DELAYS).next, 1940);
        assert_eq!(Entry::new(&path, Some(1100), 1000, DELAYS).next, 1300);
    }

    #[test]
    fn failures_wait_longer_each_time() {
        let mut entry = Entry::new(&"a.pem".into(), None, 1000, DELAYS);
        let mut waits = Vec::new();
        for _ in 0..8 {
            entry.end(Err(Status::Http), 1000, DELAYS);
            waits.push(entry.next - 1000);
        }
        assert_eq!(waits, [120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!((entry.failures, entry.status.number()), (8, 2));
        // With a response in place there is no hurry.
        entry.expires = Some(86_400);
        entry.end(Err(Status::Http), 1000, DELAYS);
        assert_eq!(entry.next, 4600);
    }

    #[test]
    fn what_is_asked_for_is_due_even_when_disabled() {
        let mut entry = Entry::once(&"a.pem".into());
        assert_eq!(entry.due(false), None);
        entry.ask(1000);
        assert_eq!(
            (entry.due(true), entry.due(false)),
            (Some(1000), Some(1000))
        );
        entry.end(Err(Status::NoResponse), 1001, DELAYS);
        assert_eq!(entry.due(false), None);
        let regular = Entry::new(&"a.pem".into(), None, 1000, DELAYS);
        assert_eq!((regular.due(true), regular.due(false)), (None, Some(1000)));
    }
}
