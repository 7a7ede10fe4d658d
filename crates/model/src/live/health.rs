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

/// Whether a server serves, health alone considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is down.
    Stopped,
    /// It is up again, and its share of the traffic grows (`slowstart`).
    Starting,
    /// It is up.
    Running,
    /// It is up for those who are there already (`disable-on-404`).
    Stopping,
}

impl Operation {
    /// The number that `show servers state` and state files have.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The operation of a number of state files.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        [Self::Stopped, Self::Starting, Self::Running, Self::Stopping]
            .into_iter()
            .find(|operation| operation.number() == number)
    }

    /// Whether it takes new traffic.
    #[must_use]
    pub fn takes_traffic(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }
}

/// Who found something out about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finder {
    /// Its health check, or live traffic.
    Check,
    /// Its agent.
    Agent,
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

/// What one of the two, check or agent, has found so far.
///
/// The counter goes from 0 to `rise + fall - 1`. Below `rise` it counts good results of a server that is (about to be)
/// down; from there on it counts the bad ones that one which is up can still take.
#[derive(Debug, Clone)]
struct Count {
    rise: u32,
    fall: u32,
    counter: u32,
    last: Outcome,
    /// When the last result came, in milliseconds of the process' clock.
    at: Option<u64>,
}

impl Count {
    fn new(rise: u32, fall: u32, counter: u32) -> Self {
        Self {
            rise: rise.max(1),
            fall: fall.max(1),
            counter,
            last: Outcome::default(),
            at: None,
        }
    }

    fn ceiling(&self) -> u32 {
        self.rise.saturating_add(self.fall) - 1
    }

    fn is_good(&self) -> bool {
        self.counter >= self.rise
    }
}

/// A server's health.
///
/// A server usually starts up with its counter at 0, so its first failure takes it down, and it is safe once `rise` checks
/// have passed. An agent's first word counts at once, and only what it says itself takes the server down, not that it
/// can't be asked.
#[derive(Debug, Clone)]
pub struct Health {
    check: Count,
    agent: Count,
    /// Whether checks are made.
    pub checked: bool,
    /// Whether an agent is asked.
    pub has_agent: bool,
    operation: Operation,
    /// `slowstart`, in milliseconds.
    slow_start: u64,
    /// Errors of live traffic in a row.
    errors: u32,
    /// Whether live traffic asks for the next check soon.
    hurried: bool,
    /// Failed checks while the server was not entirely dead.
    pub failed_checks: u64,
    /// How often live traffic was found to be faulty.
    pub failed_analyses: u64,
    /// How often it went down.
    pub times_down: u64,
    /// When the state changed last, in milliseconds of the process' clock.
    pub changed_at: u64,
    /// Time spent down before `changed_at`, in milliseconds.
    downtime: u64,
}

impl Health {
    /// A server's health at the start.
    #[must_use]
    pub fn new(rise: u32, fall: u32, counter: u32, operation: Operation) -> Self {
        Self {
            check: Count::new(rise, fall, counter),
            agent: Count::new(1, 1, 0),
            checked: true,
            has_agent: false,
            operation,
            slow_start: 0,
            errors: 0,
            hurried: false,
            failed_checks: 0,
            failed_analyses: 0,
            times_down: 0,
            changed_at: 0,
            downtime: 0,
        }
    }

    /// The same with `slowstart`, in milliseconds.
    #[must_use]
    pub fn with_slow_start(mut self, slow_start: u64) -> Self {
        self.slow_start = slow_start;
        self
    }

    fn count(&self, of: Finder) -> &Count {
        match of {
            Finder::Check => &self.check,
            Finder::Agent => &self.agent,
        }
    }

    fn count_mut(&mut self, of: Finder) -> &mut Count {
        match of {
            Finder::Check => &mut self.check,
            Finder::Agent => &mut self.agent,
        }
    }

    /// Whether it serves.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The last result of the checks.
    #[must_use]
    pub fn last(&self) -> &Outcome {
        &self.check.last
    }

    /// The last result of either.
    #[must_use]
    pub fn last_of(&self, of: Finder) -> &Outcome {
        &self.count(of).last
    }

    /// When the last result of either came, in milliseconds of the process' clock.
    #[must_use]
    pub fn checked_at(&self, of: Finder) -> Option<u64> {
        self.count(of).at
    }

    /// The counter of the checks as HAProxy's statistics and state files have it.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.check.counter
    }

    /// The counter of either, with `rise` and `fall`.
    #[must_use]
    pub fn counter_of(&self, of: Finder) -> (u32, u32, u32) {
        let count = self.count(of);
        (count.counter, count.rise, count.fall)
    }

    /// Whether an agent keeps the server down.
    #[must_use]
    pub fn agent_objects(&self) -> bool {
        self.has_agent && !self.agent.is_good()
    }

    /// How long the server has been down in all, in milliseconds.
    #[must_use]
    pub fn downtime(&self, now: u64) -> u64 {
        match self.operation {
            Operation::Stopped => self.downtime + now.saturating_sub(self.changed_at),
            _ => self.downtime,
        }
    }

    /// Takes note of a check's result.
    pub fn record(&mut self, outcome: Outcome, now: u64) -> Effect {
        self.record_of(Finder::Check, outcome, now)
    }

    /// Takes note of a result.
    pub fn record_of(&mut self, of: Finder, outcome: Outcome, now: u64) -> Effect {
        let status = outcome.status;
        let meaning = status.meaning();
        let count = self.count_mut(of);
        let mut reported = status != count.last.status && meaning != Meaning::Neutral;
        count.last = outcome;
        count.at = Some(now);
        let before = count.counter;
        match meaning {
            Meaning::Neutral => {}
            Meaning::Failed if of == Finder::Agent && status != Status::L7Status => {}
            Meaning::Failed => {
                count.counter = count.counter.saturating_sub(1);
                if count.counter < count.rise {
                    count.counter = 0;
                }
            }
            Meaning::Passed | Meaning::PassedConditionally => {
                count.counter += 1;
                if count.is_good() {
                    count.counter = count.ceiling();
                }
            }
        }
        let counter = count.counter;
        reported |= counter != before;
        let decided = status == Status::L7Status || of == Finder::Check;
        if meaning == Meaning::Failed && of == Finder::Check {
            self.failed_checks += u64::from(before > 0);
        }
        let wanted = match meaning {
            Meaning::Failed if counter == 0 && decided => Operation::Stopped,
            Meaning::Passed if !self.operation.takes_traffic() && self.is_good() => {
                self.coming_up()
            }
            Meaning::PassedConditionally if self.operation.takes_traffic() => Operation::Stopping,
            _ => self.operation,
        };
        Effect {
            reported,
            now: self.set_operation(wanted, now).then_some(wanted),
        }
    }

    /// Whether all who are asked about the server find it well.
    fn is_good(&self) -> bool {
        (!self.checked || self.check.is_good()) && (!self.has_agent || self.agent.is_good())
    }

    /// The state that a server gets which comes up.
    #[must_use]
    pub fn coming_up(&self) -> Operation {
        match self.slow_start {
            0 => Operation::Running,
            _ => Operation::Starting,
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

    /// How much of its share a server takes that came up a short while ago, in percent; `None` when it is not starting.
    #[must_use]
    pub fn warmth(&self, now: u64) -> Option<u32> {
        if self.operation != Operation::Starting {
            return None;
        }
        let passed = now.saturating_sub(self.changed_at);
        let percent = (passed * 100).checked_div(self.slow_start).unwrap_or(100);
        Some(u32::try_from(percent.clamp(1, 100)).unwrap_or(100))
    }

    /// Takes the server that comes back from maintenance for what `init-state` says (`initial`), which is alive until its
    /// checks say something else: then the first failure takes it down.
    pub fn revive(&mut self, initial: Option<crate::server::InitialState>, now: u64) {
        let counter = initial.map_or(self.check.rise, |initial| self.counter_at(initial));
        let up = if counter >= self.check.rise && !self.agent_objects() {
            self.coming_up()
        } else {
            Operation::Stopped
        };
        self.set_operation(up, now);
        if self.checked {
            self.check.counter = counter;
        }
    }

    fn counter_at(&self, initial: crate::server::InitialState) -> u32 {
        use crate::server::InitialState;
        match initial {
            InitialState::FullyUp => self.check.ceiling(),
            InitialState::Up => self.check.rise,
            InitialState::Down => self.check.rise - 1,
            InitialState::FullyDown => 0,
        }
    }

    /// Lets checks that stood still begin anew from what `init-state` says.
    pub fn begin_anew(&mut self, initial: crate::server::InitialState) {
        self.check.counter = self.counter_at(initial);
    }

    /// Forgets what checks have counted, as when the server goes into maintenance.
    pub fn stand_still(&mut self) {
        self.check.counter = 0;
    }

    /// Sets what one of the two is taken to have found, as the operator says: well or not.
    pub fn force(&mut self, of: Finder, good: bool) {
        let count = self.count_mut(of);
        count.counter = if good { count.ceiling() } else { 0 };
    }

    /// Takes over what a state file says.
    pub fn restore(&mut self, operation: Operation, counter: u32, status: Status, changed_at: u64) {
        self.operation = operation;
        self.changed_at = changed_at;
        self.check.counter = counter.min(self.check.ceiling());
        self.check.last = Outcome::new(status);
    }

    /// Forgets the errors of live traffic, since something went well.
    pub fn traffic_succeeded(&mut self) {
        self.errors = 0;
    }

    /// Counts an error of live traffic. When it is one too many, `on_error` decides what to think of the server, and the
    /// result to be recorded says that `what` was the last one.
    pub fn traffic_failed(
        &mut self,
        what: &str,
        limit: u32,
        on_error: crate::server::OnError,
    ) -> Option<Outcome> {
        use crate::server::OnError;
        self.errors += 1;
        if self.errors < limit {
            return None;
        }
        let errors = std::mem::take(&mut self.errors);
        self.hurried = true;
        self.failed_analyses += 1;
        match on_error {
            OnError::FastInterval => return None,
            OnError::FailCheck => {}
            OnError::SuddenDeath => {
                self.check.counter = self.check.counter.min(self.check.rise.saturating_add(1));
            }
            OnError::MarkDown => self.check.counter = self.check.counter.min(self.check.rise),
        }
        let info = format!("Detected {errors} consecutive errors, last one was: {what}");
        Some(Outcome {
            info: Some(info.into_bytes().into()),
            ..Outcome::new(Status::Analyzed)
        })
    }

    /// Whether the next check was asked for soon; asks only once.
    pub fn take_hurry(&mut self) -> bool {
        std::mem::take(&mut self.hurried)
    }

    /// The delay before the next check, in milliseconds.
    #[must_use]
    pub fn interval(&self, intervals: &Intervals) -> u64 {
        let chosen = if self.check.counter == self.check.ceiling() {
            None
        } else if self.operation == Operation::Stopped && self.check.counter == 0 {
            intervals.down
        } else {
            intervals.changing
        };
        chosen.unwrap_or(intervals.normal)
    }

    /// How far the counter of either is towards what, and which side it is on: `1/2 DOWN`, `3/3 UP`.
    #[must_use]
    pub fn progress_of(&self, of: Finder) -> (u32, u32, &'static str) {
        let count = self.count(of);
        if count.is_good() {
            (count.counter - count.rise + 1, count.fall, "UP")
        } else {
            (count.counter, count.rise, "DOWN")
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
                let (n, of, side) = health.progress_of(Finder::Check);
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
    fn conditional_results_stop_and_good_ones_start_again() {
        const WAIT: Status = Status::L7OkConditional;
        let got = run(2, 2, &[OK, OK, WAIT, WAIT, OK, WAIT, NO, NO, WAIT, OK]);
        let wanted = [
            "1/2 DOWN",
            "2/2 UP",
            "2/2 UP Stopping",
            "2/2 UP quiet",
            "2/2 UP Running",
            "2/2 UP Stopping",
            "1/2 UP",
            "0/2 DOWN Stopped",
            "1/2 DOWN",
            "2/2 UP Running",
        ];
        assert_eq!(got, wanted);
    }

    #[test]
    fn an_agent_keeps_a_server_down_and_need_not_answer() {
        let mut health = new(1, 1);
        health.has_agent = true;
        let mut agent = |status| {
            let effect = health.record_of(Finder::Agent, Outcome::new(status), 0);
            (effect.reported, effect.now)
        };
        assert_eq!(agent(Status::L7Timeout), (true, None));
        assert_eq!(agent(Status::Checked), (false, None));
        assert_eq!(agent(OK), (true, None));
        assert_eq!(agent(NO), (true, Some(Operation::Stopped)));
        // A good check alone does not bring it up again.
        let effect = health.record(Outcome::new(OK), 0);
        assert_eq!((effect.reported, effect.now), (true, None));
        let effect = health.record_of(Finder::Agent, Outcome::new(OK), 0);
        assert_eq!(effect.now, Some(Operation::Running));
        let effect = health.record_of(Finder::Agent, Outcome::new(Status::L4Connection), 0);
        assert_eq!(
            (effect.now, health.progress_of(Finder::Agent)),
            (None, (1, 1, "UP"))
        );
    }

    #[test]
    fn a_server_that_comes_up_starts_slowly() {
        let mut health = new(1, 1).with_slow_start(1000);
        assert_eq!(health.warmth(0), None);
        health.record(Outcome::new(NO), 0);
        let effect = health.record(Outcome::new(OK), 100);
        assert_eq!(effect.now, Some(Operation::Starting));
        let warmth = [100, 109, 600, 1099, 1100, 9999].map(|now| health.warmth(now));
        assert_eq!(warmth, [1, 1, 50, 99, 100, 100].map(Some));
        assert!(health.set_operation(Operation::Running, 1100));
    }

    #[test]
    fn errors_of_live_traffic() {
        use crate::server::OnError;
        let fully_up = || Health::new(2, 3, 4, Operation::Running);
        let after = |on_error| {
            let mut health = fully_up();
            assert_eq!(health.traffic_failed("x", 2, on_error), None);
            health.traffic_succeeded();
            assert_eq!(health.traffic_failed("x", 2, on_error), None);
            let outcome = health.traffic_failed("y", 2, on_error);
            let effect = outcome.map(|outcome| health.record(outcome, 0).now);
            (health.counter(), effect, health.take_hurry())
        };
        assert_eq!(after(OnError::FastInterval), (4, None, true));
        assert_eq!(after(OnError::FailCheck), (3, Some(None), true));
        assert_eq!(after(OnError::SuddenDeath), (2, Some(None), true));
        assert_eq!(
            after(OnError::MarkDown),
            (0, Some(Some(Operation::Stopped)), true)
        );
        let text = fully_up().traffic_failed("y.", 1, OnError::FailCheck);
        assert_eq!(
            text.map(|outcome| outcome.to_string()),
            Some("reason: Health analyze, info: \"Detected 1 consecutive errors, last one was: y.\", check duration: 0ms".into())
        );
    }

    #[test]
    fn numbers_of_state_files() {
        for number in 0..=20 {
            let status = Status::of_number(number);
            assert_eq!(status.is_none(), matches!(number, 2 | 14), "{number}");
        }
        for number in 0..=3 {
            let operation = Operation::of_number(number).map(Operation::number);
            assert_eq!(operation, Some(number));
        }
    }

    #[test]
    fn reasons() {
        let outcome = Outcome {
            status: Status::L7Status,
            code: 503,
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
