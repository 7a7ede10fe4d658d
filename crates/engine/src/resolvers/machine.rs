//! When names are asked for, and what comes of the answers. Pure: times come in as milliseconds, messages as bytes.
//!
//! A resolution asks all name servers at once. The first good answer ends it. A bad one counts once all have answered:
//! then the other family of addresses is asked for, then, with the next retry, everything again; after the last retry it
//! has failed. Without any answer the same question is sent again after `timeout retry`. Names that are watched are
//! resolved again `timeout resolve` after the end of the last resolution (configuration manual, section 5.3).

use super::records::Records;
use model::IpFamily;
use model::resolvers::Resolvers;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use wire::dns::{self, Fault, Question, Record, Type};

/// A resolution's place.
pub type Key = usize;

/// How a resolution failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The name does not exist.
    NoSuchName,
    /// The name servers refuse.
    Refused,
    /// Not all of them answered.
    Timeout,
    /// Anything else.
    Other,
}

impl Failure {
    fn of(fault: Fault) -> Self {
        match fault {
            Fault::NoSuchName => Self::NoSuchName,
            Fault::Refused => Self::Refused,
            _ => Self::Other,
        }
    }

    /// How long past a good answer it is not believed (`hold`), in milliseconds.
    pub fn hold(self, resolvers: &Resolvers) -> u64 {
        let hold = &resolvers.hold;
        match self {
            Self::NoSuchName => hold.nx,
            Self::Refused => hold.refused,
            Self::Timeout => hold.timeout,
            Self::Other => hold.other,
        }
    }
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// A message is to be sent to all name servers.
    Query(Vec<u8>),
    /// A resolution is over: the name server that answered, or why there is no answer.
    Done(Key, Result<usize, Failure>, Vec<Record>),
}

/// What an answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It has records.
    Valid,
    /// It has none.
    Fault(Fault),
    /// Nobody waits for it any more, or ever did.
    Outdated,
}

/// The families of addresses that may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

impl Families {
    fn has(self, kind: Type) -> bool {
        match kind {
            Type::A => self.v4,
            Type::Aaaa => self.v6,
            Type::Srv => true,
        }
    }

    /// Whether addresses of this family are taken.
    pub fn accept(self, family: IpFamily) -> bool {
        match family {
            IpFamily::V4 => self.v4,
            IpFamily::V6 => self.v6,
        }
    }
}

/// The type of records that hold addresses of a family.
pub fn type_of(family: IpFamily) -> Type {
    match family {
        IpFamily::V4 => Type::A,
        IpFamily::V6 => Type::Aaaa,
    }
}

/// What goes on for one name.
#[derive(Debug)]
struct Running {
    /// The identifier of its messages.
    id: u16,
    /// What is being asked for, which may be the other family.
    kind: Type,
    /// The first type asked for.
    first: Type,
    /// How many more times the first question may be sent.
    tries: u32,
    /// Which name servers have answered the last question.
    answered: Vec<bool>,
}

#[derive(Debug)]
struct Resolution {
    question: Question,
    running: Option<Running>,
    /// When the present wait is over: for answers, or for the next resolution.
    due: u64,
    records: Records,
    last_valid: Option<u64>,
    /// Whether the last resolution succeeded.
    good: bool,
    /// How many watch the name, so that it is resolved again and again.
    watchers: usize,
    /// Whether somebody who does not watch it waits for its records.
    wanted: bool,
}

/// The resolutions of one `resolvers` section.
pub struct Machine {
    config: Arc<Resolvers>,
    families: Families,
    resolutions: Vec<Option<Resolution>>,
    free: Vec<Key>,
    by_question: HashMap<Question, Key>,
    by_id: HashMap<u16, Key>,
    due: BTreeSet<(u64, Key)>,
    outputs: VecDeque<Output>,
    random: Box<dyn FnMut() -> u16>,
}

impl Machine {
    /// A section at its start; `random` makes up identifiers, which nobody must be able to guess.
    pub fn new(config: Arc<Resolvers>, random: Box<dyn FnMut() -> u16>) -> Self {
        Self {
            config,
            families: Families { v4: true, v6: true },
            resolutions: Vec::new(),
            free: Vec::new(),
            by_question: HashMap::new(),
            by_id: HashMap::new(),
            due: BTreeSet::new(),
            outputs: VecDeque::new(),
            random,
        }
    }

    /// Says which families may be asked for from now on.
    pub fn accept(&mut self, families: Families) {
        self.families = families;
    }

    /// Watches a name: it is resolved now, and then again and again.
    pub fn watch(&mut self, question: Question, now: u64) -> Key {
        let key = self.find(question, now);
        if let Some(resolution) = self.get_mut(key) {
            resolution.watchers += 1;
        }
        key
    }

    /// Watches a name no more.
    pub fn release(&mut self, key: Key, now: u64) {
        let hold = self.config.hold.valid;
        let Some(resolution) = self.get_mut(key) else {
            return;
        };
        resolution.watchers = resolution.watchers.saturating_sub(1);
        if resolution.watchers == 0 && resolution.running.is_none() {
            let until = resolution.last_valid.map_or(now, |last| last + hold);
            self.set_due(key, until.max(now));
        }
    }

    /// Resolves a name once. `true` when its records are at hand because an answer is still good (`hold valid`), otherwise
    /// there will be an [`Output::Done`].
    pub fn resolve(&mut self, question: Question, now: u64) -> (Key, bool) {
        let hold = self.config.hold.valid;
        let key = self.find(question, now);
        let Some(resolution) = self.get_mut(key) else {
            return (key, false);
        };
        let fresh = resolution.last_valid.is_some_and(|last| last + hold > now);
        if resolution.good && fresh {
            return (key, true);
        }
        resolution.wanted = true;
        if resolution.running.is_none() {
            self.set_due(key, now);
        }
        (key, false)
    }

    fn find(&mut self, question: Question, now: u64) -> Key {
        if let Some(key) = self.by_question.get(&question) {
            return *key;
        }
        let resolution = Resolution {
            question: question.clone(),
            running: None,
            due: now,
            records: Records::default(),
            last_valid: None,
            good: false,
            watchers: 0,
            wanted: false,
        };
        let key = self.free.pop().unwrap_or_else(|| {
            self.resolutions.push(None);
            self.resolutions.len() - 1
        });
        if let Some(slot) = self.resolutions.get_mut(key) {
            *slot = Some(resolution);
        }
        self.by_question.insert(question, key);
        self.due.insert((now, key));
        key
    }

    fn get_mut(&mut self, key: Key) -> Option<&mut Resolution> {
        self.resolutions.get_mut(key)?.as_mut()
    }

    fn get(&self, key: Key) -> Option<&Resolution> {
        self.resolutions.get(key)?.as_ref()
    }

    /// The records of a name as last answered.
    pub fn records(&mut self, key: Key) -> Option<&mut Records> {
        self.get_mut(key).map(|resolution| &mut resolution.records)
    }

    /// Whether a failure now is to be believed: there has been no good answer for as long as `hold` says.
    pub fn believes(&self, key: Key, failure: Failure, now: u64) -> bool {
        let last = self.get(key).and_then(|resolution| resolution.last_valid);
        last.is_none_or(|last| last + failure.hold(&self.config) <= now)
    }

    fn set_due(&mut self, key: Key, at: u64) {
        let Some(resolution) = self.resolutions.get_mut(key).and_then(Option::as_mut) else {
            return;
        };
        self.due.remove(&(resolution.due, key));
        resolution.due = at;
        self.due.insert((at, key));
    }

    /// When [`Machine::tick`] has something to do.
    pub fn next_due(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The next thing to do.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: u64) {
        while let Some((at, key)) = self.due.first().copied()
            && at <= now
        {
            let Some(resolution) = self.get(key) else {
                self.due.remove(&(at, key));
                continue;
            };
            match &resolution.running {
                Some(_) => self.not_all_answered(key, now),
                None if resolution.watchers == 0 && !resolution.wanted => self.forget(key),
                None => self.start(key, now),
            }
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(gone) = self.resolutions.get_mut(key).and_then(Option::take) {
            self.due.remove(&(gone.due, key));
            self.by_question.remove(&gone.question);
            self.free.push(key);
        }
    }

    fn start(&mut self, key: Key, now: u64) {
        let id = self.new_id();
        let (families, tries) = (self.families, self.config.retries);
        let Some(resolution) = self.get_mut(key) else {
            return;
        };
        resolution.wanted = false;
        let first = match resolution.question.kind {
            kind if families.has(kind) => kind,
            kind => other(kind).unwrap_or(kind),
        };
        resolution.running = Some(Running {
            id,
            kind: first,
            first,
            tries: tries.saturating_sub(1),
            answered: Vec::new(),
        });
        self.by_id.insert(id, key);
        self.send(key, now);
    }

    fn new_id(&mut self) -> u16 {
        // As long as half of all identifiers are free this ends soon; it must end in any case.
        for _ in 0..64 {
            let id = (self.random)();
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
        let mut all = 0..=u16::MAX;
        all.find(|id| !self.by_id.contains_key(id)).unwrap_or(0)
    }

    fn send(&mut self, key: Key, now: u64) {
        let (count, size) = (self.config.nameservers.len(), self.config.payload_size);
        let retry = self.config.retry_timeout;
        let Some(resolution) = self.get_mut(key) else {
            return;
        };
        let Some(running) = &mut resolution.running else {
            return;
        };
        running.answered = vec![false; count];
        let question = Question {
            name: resolution.question.name.clone(),
            kind: running.kind,
        };
        let mut message = Vec::new();
        dns::write_query(running.id, &question, size, &mut message);
        self.outputs.push_back(Output::Query(message));
        // A wait of no time at all would leave no time for anything else.
        self.set_due(key, now + retry.max(1));
    }

    /// `timeout retry` has passed.
    fn not_all_answered(&mut self, key: Key, now: u64) {
        let Some(running) = self.get_mut(key).and_then(|r| r.running.as_mut()) else {
            return;
        };
        let silent = !running.answered.contains(&true);
        if silent || running.kind != running.first {
            if running.tries == 0 {
                return self.finish(key, Err(Failure::Timeout), Vec::new(), now);
            }
            running.tries -= 1;
            running.kind = running.first;
            return self.send(key, now);
        }
        if !self.ask_other_family(key, now) {
            self.try_again(key, now);
        }
    }

    /// Asks everything again, or gives up.
    fn try_again(&mut self, key: Key, now: u64) {
        let Some(running) = self.get_mut(key).and_then(|r| r.running.as_mut()) else {
            return;
        };
        if running.tries == 0 {
            return self.finish(key, Err(Failure::Timeout), Vec::new(), now);
        }
        running.tries -= 1;
        running.kind = running.first;
        self.send(key, now);
    }

    /// Asks for the other family if that has not been done yet; says whether it did.
    fn ask_other_family(&mut self, key: Key, now: u64) -> bool {
        let families = self.families;
        let Some(running) = self.get_mut(key).and_then(|r| r.running.as_mut()) else {
            return false;
        };
        match other(running.kind).filter(|kind| families.has(*kind)) {
            Some(kind) if running.kind == running.first => {
                running.kind = kind;
                self.send(key, now);
                true
            }
            _ => false,
        }
    }

    /// The question that a message seems to answer.
    pub fn question_of(&self, message: &[u8]) -> Option<Question> {
        let key = *self.by_id.get(&dns::id(message)?)?;
        let resolution = self.get(key)?;
        let kind = resolution.running.as_ref()?.kind;
        let name = resolution.question.name.clone();
        Some(Question { name, kind })
    }

    /// Takes a name server's answer.
    pub fn answer(&mut self, nameserver: usize, message: &[u8], now: u64) -> Heard {
        let Some(question) = self.question_of(message) else {
            return match dns::id(message) {
                Some(_) => Heard::Outdated,
                None => Heard::Fault(Fault::Malformed),
            };
        };
        let Some(key) = dns::id(message).and_then(|id| self.by_id.get(&id).copied()) else {
            return Heard::Outdated;
        };
        match dns::parse(message, &question) {
            Ok(mut records) => {
                self.sift(&mut records);
                self.finish(key, Ok(nameserver), records, now);
                Heard::Valid
            }
            // A late answer to the question about the other family.
            Err(Fault::WrongType) => Heard::Outdated,
            Err(fault) => {
                self.bad_answer(key, nameserver, fault, now);
                Heard::Fault(fault)
            }
        }
    }

    /// Leaves out addresses of families that are not to be used.
    fn sift(&self, records: &mut [Record]) {
        for record in records {
            if let Record::Service(service) = record {
                let families = self.families;
                service
                    .addresses
                    .retain(|ip| families.accept(IpFamily::of(*ip)));
            }
        }
    }

    fn bad_answer(&mut self, key: Key, nameserver: usize, fault: Fault, now: u64) {
        let Some(running) = self.get_mut(key).and_then(|r| r.running.as_mut()) else {
            return;
        };
        if let Some(answered) = running.answered.get_mut(nameserver) {
            *answered = true;
        }
        if running.answered.contains(&false) {
            return;
        }
        let tries = running.tries;
        if self.ask_other_family(key, now) {
            return;
        }
        if tries == 0 {
            self.finish(key, Err(Failure::of(fault)), Vec::new(), now);
        }
        // Otherwise the next retry comes when its time has come.
    }

    fn finish(
        &mut self,
        key: Key,
        outcome: Result<usize, Failure>,
        records: Vec<Record>,
        now: u64,
    ) {
        let hold = self.config.hold;
        let pause = self.config.resolve_timeout.max(1);
        let Some(resolution) = self.resolutions.get_mut(key).and_then(Option::as_mut) else {
            return;
        };
        if let Some(running) = resolution.running.take() {
            self.by_id.remove(&running.id);
        }
        resolution.good = outcome.is_ok();
        let mut gone = Vec::new();
        if resolution.good {
            resolution.last_valid = Some(now);
            gone = resolution.records.update(records, now, hold.obsolete);
        }
        let next = match resolution.watchers {
            0 if resolution.good => now + hold.valid,
            0 => now,
            _ => now + pause,
        };
        self.set_due(key, next);
        self.outputs.push_back(Output::Done(key, outcome, gone));
    }
}

/// The type of records with addresses of the other family.
fn other(kind: Type) -> Option<Type> {
    match kind {
        Type::A => Some(Type::Aaaa),
        Type::Aaaa => Some(Type::A),
        Type::Srv => None,
    }
}

#[cfg(test)]
mod tests;
