//! What a check found, by its names and numbers.

use std::fmt;
use std::time::Duration;

/// What a check came to. Names are those of the statistics (management manual, `check_status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// `INI`: no check has ended yet.
    #[default]
    Initializing,
    /// `UNK`: nothing is known.
    Unknown,
    /// `SOCKERR`: an error on this side's socket, or while bytes were exchanged.
    SocketError,
    /// `L4OK`: connected.
    L4Ok,
    /// `L4TOUT`: not connected in time.
    L4Timeout,
    /// `L4CON`: the connection was refused or there is no way.
    L4Connection,
    /// `L6OK`: the TLS handshake was done.
    L6Ok,
    /// `L6TOUT`: the TLS handshake took too long.
    L6Timeout,
    /// `L6RSP`: the TLS handshake failed.
    L6Response,
    /// `L7OK`: the answer was as expected.
    L7Ok,
    /// `L7OKC`: the answer allows present users but no new ones (`disable-on-404`).
    L7OkConditional,
    /// `L7TOUT`: no answer in time.
    L7Timeout,
    /// `L7RSP`: the answer can't be understood.
    L7Response,
    /// `L7STS`: the answer says no.
    L7Status,
    /// `CHECKED`: an agent has spoken, but not of whether the server is up.
    Checked,
    /// `HANA`: live traffic told of errors (`observe`).
    Analyzed,
    /// `PROCERR`: the check's program failed.
    ProgramError,
    /// `PROCTOUT`: the check's program took too long.
    ProgramTimeout,
    /// `PROCOK`: the check's program found the server well.
    ProgramOk,
}

/// What a result means for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing.
    Neutral,
    /// One more reason to take it for dead.
    Failed,
    /// One more reason to take it for alive.
    Passed,
    /// Alive, but new users should go elsewhere.
    PassedConditionally,
}

impl Status {
    /// The code of the statistics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Initializing => "INI",
            Self::Unknown => "UNK",
            Self::SocketError => "SOCKERR",
            Self::L4Ok => "L4OK",
            Self::L4Timeout => "L4TOUT",
            Self::L4Connection => "L4CON",
            Self::L6Ok => "L6OK",
            Self::L6Timeout => "L6TOUT",
            Self::L6Response => "L6RSP",
            Self::L7Ok => "L7OK",
            Self::L7OkConditional => "L7OKC",
            Self::L7Timeout => "L7TOUT",
            Self::L7Response => "L7RSP",
            Self::L7Status => "L7STS",
            Self::Checked => "CHECKED",
            Self::Analyzed => "HANA",
            Self::ProgramError => "PROCERR",
            Self::ProgramTimeout => "PROCTOUT",
            Self::ProgramOk => "PROCOK",
        }
    }

    /// The text of logs.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Initializing => "Initializing",
            Self::Unknown => "Unknown",
            Self::SocketError => "Socket error",
            Self::L4Ok => "Layer4 check passed",
            Self::L4Timeout => "Layer4 timeout",
            Self::L4Connection => "Layer4 connection problem",
            Self::L6Ok => "Layer6 check passed",
            Self::L6Timeout => "Layer6 timeout",
            Self::L6Response => "Layer6 invalid response",
            Self::L7Ok => "Layer7 check passed",
            Self::L7OkConditional => "Layer7 check conditionally passed",
            Self::L7Timeout => "Layer7 timeout",
            Self::L7Response => "Layer7 invalid response",
            Self::L7Status => "Layer7 wrong status",
            Self::Checked => "No status change",
            Self::Analyzed => "Health analyze",
            Self::ProgramError => "External check error",
            Self::ProgramTimeout => "External check timeout",
            Self::ProgramOk => "External check passed",
        }
    }

    /// The number that `show servers state` and state files have.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Initializing => 1,
            Self::Checked => 3,
            Self::Analyzed => 4,
            Self::SocketError => 5,
            Self::L4Ok => 6,
            Self::L4Timeout => 7,
            Self::L4Connection => 8,
            Self::L6Ok => 9,
            Self::L6Timeout => 10,
            Self::L6Response => 11,
            Self::L7Timeout => 12,
            Self::L7Response => 13,
            Self::L7Ok => 15,
            Self::L7OkConditional => 16,
            Self::L7Status => 17,
            Self::ProgramError => 18,
            Self::ProgramTimeout => 19,
            Self::ProgramOk => 20,
        }
    }

    /// The status of a number of state files.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        const ALL: [Status; 19] = [
            Status::Unknown,
            Status::Initializing,
            Status::Checked,
            Status::Analyzed,
            Status::SocketError,
            Status::L4Ok,
            Status::L4Timeout,
            Status::L4Connection,
            Status::L6Ok,
            Status::L6Timeout,
            Status::L6Response,
            Status::L7Timeout,
            Status::L7Response,
            Status::L7Ok,
            Status::L7OkConditional,
            Status::L7Status,
            Status::ProgramError,
            Status::ProgramTimeout,
            Status::ProgramOk,
        ];
        ALL.into_iter().find(|status| status.number() == number)
    }

    /// Whether results of this kind carry the code of the server's answer.
    #[must_use]
    pub fn has_code(self) -> bool {
        self.number() >= Self::L7Ok.number()
    }

    /// What it means for the server.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self {
            Self::Initializing | Self::Unknown | Self::Checked => Meaning::Neutral,
            Self::L4Ok | Self::L6Ok | Self::L7Ok | Self::ProgramOk => Meaning::Passed,
            Self::L7OkConditional => Meaning::PassedConditionally,
            _ => Meaning::Failed,
        }
    }
}

/// A check's result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What it came to.
    pub status: Status,
    /// The code of the server's answer; 0 where the protocol has none.
    pub code: u16,
    /// More about it: bytes, since they may be a peer's.
    pub info: Option<Box<[u8]>>,
    /// How long the check took.
    pub duration: Duration,
}

impl Outcome {
    /// A result without code and information.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

/// Writes the reason as logs carry it, from `reason:` to the duration.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reason: {}", self.status.text())?;
        if self.status.has_code() {
            write!(f, ", code: {}", self.code)?;
        }
        if let Some(info) = self.info.as_deref().filter(|info| !info.is_empty()) {
            f.write_str(", info: \"")?;
            write_escaped(f, info)?;
            f.write_str("\"")?;
        }
        write!(f, ", check duration: {}ms", self.duration.as_millis())
    }
}

/// Writes text that came from a peer: what is not printable goes in angle brackets, and so do these and the quote that
/// ends the text.
fn write_escaped(f: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    for &byte in text.split(|byte| *byte == 0).next().unwrap_or_default() {
        match byte {
            b' '..=b'~' if !b"\"<>".contains(&byte) => write!(f, "{}", char::from(byte))?,
            _ => write!(f, "<{byte:02X}>")?,
        }
    }
    Ok(())
}
