//! What is counted of each name server.

use super::machine::Heard;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::dns::Fault;

/// A counter's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Questions sent.
    Sent,
    /// Questions that could not be sent.
    SendError,
    /// Good answers.
    Valid,
    /// Addresses that changed.
    Update,
    /// Answers with nothing but an alias.
    CnameError,
    /// Answers without records.
    AnyError,
    /// Names that do not exist.
    Nx,
    /// Refusals.
    Refused,
    /// Other errors.
    Other,
    /// Answers that make no sense.
    Invalid,
    /// Answers longer than `accepted_payload_size`.
    TooBig,
    /// Answers that did not fit.
    Truncated,
    /// Answers nobody waits for.
    Outdated,
}

/// The names of all columns of `show resolvers`, and what they count. What does not happen here is always 0: aliases are
/// followed without being counted, and who did not answer in time is not told apart.
pub const COLUMNS: [(&str, Option<Count>); 15] = [
    ("sent", Some(Count::Sent)),
    ("snd_error", Some(Count::SendError)),
    ("valid", Some(Count::Valid)),
    ("update", Some(Count::Update)),
    ("cname", None),
    ("cname_error", Some(Count::CnameError)),
    ("any_err", Some(Count::AnyError)),
    ("nx", Some(Count::Nx)),
    ("timeout", None),
    ("refused", Some(Count::Refused)),
    ("other", Some(Count::Other)),
    ("invalid", Some(Count::Invalid)),
    ("too_big", Some(Count::TooBig)),
    ("truncated", Some(Count::Truncated)),
    ("outdated", Some(Count::Outdated)),
];

/// The counters of one name server.
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; 13]);

impl Counters {
    /// Counts one.
    pub(super) fn add(&self, what: Count) {
        if let Some(counter) = self.0.get(what as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts an answer.
    pub(super) fn hear(&self, heard: Heard) {
        self.add(match heard {
            Heard::Valid => Count::Valid,
            Heard::Outdated => Count::Outdated,
            Heard::Fault(fault) => match fault {
                Fault::Malformed | Fault::WrongName | Fault::WrongType => Count::Invalid,
                Fault::NoSuchName => Count::Nx,
                Fault::Refused => Count::Refused,
                Fault::Failed | Fault::Unexpected => Count::Other,
                Fault::Empty => Count::AnyError,
                Fault::Truncated => Count::Truncated,
                Fault::DanglingAlias => Count::CnameError,
            },
        });
    }

    /// A counter's value.
    #[must_use]
    pub fn get(&self, what: Count) -> u64 {
        let counter = self.0.get(what as usize);
        counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}
