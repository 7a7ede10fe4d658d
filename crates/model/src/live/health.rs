//! A server's health: what checks found and whether it is up because of it. Results and times come in, changes of state
//! come out (configuration manual, section 5.2, `check` and its options).

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
        }
    }

    /// What it means for the server.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self {
            Self::Initializing | Self::Unknown => Meaning::Neutral,
            Self::L4Ok | Self::L6Ok | Self::L7Ok => Meaning::Passed,
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
    /// The status the server answered with, where the protocol has one.
    pub code: Option<u16>,
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
        if let Some(code) = self.code {
            write!(f, ", code: {code}")?;
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
    for &byte in text {
        match byte {
            b' '..=b'~' if !b"\"<>".contains(&byte) => write!(f, "{}", char::from(byte))?,
            _ => write!(f, "<{byte:02X}>")?,
        }
    }
    Ok(())
}

/// Whether a server serves, health alone considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is down.
    Stopped,
    /// It is up.
    Running,
    /// It is up for those who are there already (`disable-on-404`).
    Stopping,
}

/// Delays between checks, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// `inter`.
    pub normal: u64,
    /// `fastinter`, while the state is about to change.
    pub changing: Option<u64>,
    /// `downinter`, while the server is down and shows no sign of life.
    pub down: Option<u64>,
}

/// What a result changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// Whether `option log-health-checks` reports the result: it differs from the last one, or it moved the counter.
    pub reported: bool,
    /// The new state, if it is new.
    pub now: Option<Operation>,
}

/// A server's health.
///
/// The counter goes from 0 to `rise + fall - 1`. Below `rise` it counts good checks of a server that is (about to be)
/// down; from there on it counts the bad checks that one which is up can still take. A server usually starts up with the
/// counter at 0, so its first failure takes it down, and it is safe once `rise` checks have passed.
#[derive(Debug, Clone)]
pub struct Health {
    rise: u32,
    fall: u32,
    counter: u32,
    operation: Operation,
    last: Outcome,
    /// Failed checks while the server was not entirely dead.
    pub failed_checks: u64,
    /// How often it went down.
    pub times_down: u64,
    /// When the state changed last, in milliseconds of the process' clock.
    pub changed_at: u64,
    /// Time spent down before `changed_at`, in milliseconds.
    downtime: u64,
    /// When the last check ended, in milliseconds of the process' clock.
    pub checked_at: Option<u64>,
}

impl Health {
    /// A server's health at the start.
    #[must_use]
    pub fn new(rise: u32, fall: u32, counter: u32, operation: Operation) -> Self {
        Self {
            rise: rise.max(1),
            fall: fall.max(1),
            counter,
            operation,
            last: Outcome::default(),
            failed_checks: 0,
            times_down: 0,
            changed_at: 0,
            downtime: 0,
            checked_at: None,
        }
    }

    fn ceiling(&self) -> u32 {
        self.rise.saturating_add(self.fall) - 1
    }

    /// Whether it serves.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The last result.
    #[must_use]
    pub fn last(&self) -> &Outcome {
        &self.last
    }

    /// The counter as HAProxy's statistics and state files have it.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.counter
    }

    /// How long the server has been down in all, in milliseconds.
    #[must_use]
    pub fn downtime(&self, now: u64) -> u64 {
        match self.operation {
            Operation::Stopped => self.downtime + now.saturating_sub(self.changed_at),
            _ => self.downtime,
        }
    }

    /// Takes note of a result.
    pub fn record(&mut self, outcome: Outcome, now: u64) -> Effect {
        let meaning = outcome.status.meaning();
        let mut reported = outcome.status != self.last.status;
        self.last = outcome;
        self.checked_at = Some(now);
        let before = self.counter;
        match meaning {
            Meaning::Neutral => {}
            Meaning::Failed => {
                self.counter = self.counter.saturating_sub(1);
                if self.counter < self.rise {
                    self.counter = 0;
                }
                self.failed_checks += u64::from(before > 0);
            }
            Meaning::Passed | Meaning::PassedConditionally => {
                self.counter += 1;
                if self.counter >= self.rise {
                    self.counter = self.ceiling();
                }
            }
        }
        reported |= self.counter != before;
        let wanted = match meaning {
            Meaning::Failed if self.counter == 0 => Operation::Stopped,
            Meaning::Passed if self.counter >= self.rise => Operation::Running,
            Meaning::PassedConditionally if self.operation == Operation::Running => {
                Operation::Stopping
            }
            _ => self.operation,
        };
        Effect {
            reported,
            now: self.set_operation(wanted, now).then_some(wanted),
        }
    }

    /// Sets the state, be it for a result or because another server's is followed (`track`); says whether it is new.
    pub fn set_operation(&mut self, wanted: Operation, now: u64) -> bool {
        if wanted == self.operation {
            return false;
        }
        match (self.operation, wanted) {
            (Operation::Stopped, _) => self.downtime += now.saturating_sub(self.changed_at),
            (_, Operation::Stopped) => self.times_down += 1,
            _ => {}
        }
        self.operation = wanted;
        self.changed_at = now;
        true
    }

    /// Takes the server for alive until its checks say something else, as when it comes back from maintenance: forgets
    /// the last result, and the first failure takes it down.
    pub fn revive(&mut self, now: u64) {
        self.set_operation(Operation::Running, now);
        self.counter = self.rise;
        self.last = Outcome::default();
    }

    /// Takes the server for what another health says, which is one at the start: forgets the last result, but not what has
    /// been counted.
    pub fn restart_as(&mut self, initial: &Self, now: u64) {
        self.set_operation(initial.operation, now);
        self.counter = initial.counter;
        self.last = Outcome::default();
    }

    /// The delay before the next check, in milliseconds.
    #[must_use]
    pub fn interval(&self, intervals: &Intervals) -> u64 {
        let chosen = if self.counter == self.ceiling() {
            None
        } else if self.operation == Operation::Stopped && self.counter == 0 {
            intervals.down
        } else {
            intervals.changing
        };
        chosen.unwrap_or(intervals.normal)
    }

    /// How far the counter is towards what, and which side it is on: `1/2 DOWN`, `3/3 UP`.
    #[must_use]
    pub fn progress(&self) -> (u32, u32, &'static str) {
        if self.counter >= self.rise {
            (self.counter - self.rise + 1, self.fall, "UP")
        } else {
            (self.counter, self.rise, "DOWN")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(rise: u32, fall: u32) -> Health {
        Health::new(rise, fall, 0, Operation::Running)
    }

    fn run(rise: u32, fall: u32, results: &[Status]) -> Vec<String> {
        run_from(new(rise, fall), results)
    }

    fn run_from(mut health: Health, results: &[Status]) -> Vec<String> {
        results
            .iter()
            .enumerate()
            .map(|(at, status)| {
                let effect = health.record(Outcome::new(*status), at as u64 * 10);
                let (n, of, side) = health.progress();
                let now = effect.now.map_or(String::new(), |now| format!(" {now:?}"));
                let mark = if effect.reported { "" } else { " quiet" };
                format!("{n}/{of} {side}{mark}{now}")
            })
            .collect()
    }

    const OK: Status = Status::L7Ok;
    const NO: Status = Status::L7Status;

    #[test]
    fn the_first_failure_takes_a_new_server_down() {
        let got = run(2, 3, &[Status::L4Connection, Status::L4Connection]);
        assert_eq!(got, ["0/2 DOWN Stopped", "0/2 DOWN quiet"]);
        let got = run(2, 3, &[OK, NO, NO]);
        assert_eq!(got, ["1/2 DOWN", "0/2 DOWN Stopped", "0/2 DOWN quiet"]);
    }

    #[test]
    fn rise_and_fall() {
        let results = [OK, OK, OK, NO, NO, OK, NO, NO, NO, NO, OK, NO, OK, OK];
        let got = run(2, 3, &results);
        let wanted = [
            "1/2 DOWN",
            "3/3 UP",
            "3/3 UP quiet",
            "2/3 UP",
            "1/3 UP",
            "3/3 UP",
            "2/3 UP",
            "1/3 UP",
            "0/2 DOWN Stopped",
            "0/2 DOWN quiet",
            "1/2 DOWN",
            "0/2 DOWN",
            "1/2 DOWN",
            "3/3 UP Running",
        ];
        assert_eq!(got, wanted);
    }

    #[test]
    fn rise_or_fall_of_one() {
        let got = run(1, 2, &[OK, NO, NO, OK, NO, OK, OK]);
        let wanted = [
            "2/2 UP",
            "1/2 UP",
            "0/1 DOWN Stopped",
            "2/2 UP Running",
            "1/2 UP",
            "2/2 UP",
            "2/2 UP quiet",
        ];
        assert_eq!(got, wanted);
        let got = run(3, 1, &[OK, OK, OK, NO]);
        assert_eq!(got, ["1/3 DOWN", "2/3 DOWN", "1/1 UP", "0/3 DOWN Stopped"]);
    }

    #[test]
    fn other_beginnings() {
        let settled = || Health::new(4, 2, 4, Operation::Running);
        assert_eq!(run_from(settled(), &[OK]), ["2/2 UP"]);
        assert_eq!(run_from(settled(), &[NO]), ["0/4 DOWN Stopped"]);
        let fully_up = Health::new(2, 3, 4, Operation::Running);
        let wanted = ["2/3 UP", "1/3 UP", "0/2 DOWN Stopped"];
        assert_eq!(run_from(fully_up, &[NO; 3]), wanted);
        let down = Health::new(2, 3, 1, Operation::Stopped);
        assert_eq!(run_from(down, &[OK]), ["3/3 UP Running"]);
        let fully_down = Health::new(2, 3, 0, Operation::Stopped);
        assert_eq!(
            run_from(fully_down, &[OK; 2]),
            ["1/2 DOWN", "3/3 UP Running"]
        );
    }

    #[test]
    fn intervals_follow_the_state() {
        let intervals = Intervals {
            normal: 500,
            changing: Some(50),
            down: Some(200),
        };
        let mut health = new(3, 3);
        let mut next = |status| {
            health.record(Outcome::new(status), 0);
            health.interval(&intervals)
        };
        let results = [OK, OK, OK, OK, NO, NO, NO, NO, OK, OK, OK];
        let got: Vec<u64> = results.into_iter().map(&mut next).collect();
        assert_eq!(got, [50, 50, 500, 500, 50, 50, 200, 200, 50, 50, 500]);
        let plain = Intervals {
            normal: 500,
            changing: None,
            down: None,
        };
        assert_eq!(new(2, 3).interval(&plain), 500);
        assert_eq!(new(2, 3).interval(&intervals), 50);
    }

    #[test]
    fn downtime_adds_up() {
        let mut health = new(1, 1);
        health.record(Outcome::new(NO), 100);
        assert_eq!(health.downtime(150), 50);
        health.record(Outcome::new(OK), 200);
        health.record(Outcome::new(NO), 300);
        assert_eq!((health.downtime(310), health.times_down), (110, 2));
    }

    #[test]
    fn reasons() {
        let outcome = Outcome {
            status: Status::L7Status,
            code: Some(503),
            info: Some((*b"a\"b<c>\t\x80").into()),
            duration: Duration::from_micros(2999),
        };
        assert_eq!(
            outcome.to_string(),
            "reason: Layer7 wrong status, code: 503, info: \"a<22>b<3C>c<3E><09><80>\", check duration: 2ms"
        );
        assert_eq!(
            Outcome::new(Status::L4Ok).to_string(),
            "reason: Layer4 check passed, check duration: 0ms"
        );
    }
}
