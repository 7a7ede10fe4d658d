//! A server's health: what checks found and whether it is up because of it. Results and times come in, changes of state
//! come out (configuration manual, section 5.2, `check` and its options).

mod status;

pub use status::{Meaning, Outcome, Status};

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
mod tests;
