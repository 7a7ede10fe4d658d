//! What a master remembers when it runs itself anew: lines of a word and its values, in an environment variable.

use super::processes::{Processes, Role, Worker};
use std::fmt::Write;
use std::os::fd::{AsRawFd, RawFd};

/// A worker as remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedWorker {
    /// Process number.
    pub pid: i32,
    /// Reloads it has survived.
    pub reloads: u32,
    /// When it was started, in milliseconds on the monotonic clock.
    pub started: u64,
    /// The channel's descriptor.
    pub channel: RawFd,
    /// Its version.
    pub version: String,
}

/// What a master remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// When it was first started, in milliseconds on the monotonic clock; `None` for a master that has not been one yet.
    pub started: Option<u64>,
    /// The version it was first started with.
    pub version: String,
    /// Reloads so far.
    pub reloads: u32,
    /// Reloads that have failed in a row, this one included.
    pub failed: u32,
    /// Whether the former workers are to end at once.
    pub hard: bool,
    /// Descriptors of the listening sockets of its own runtime API, in the order of the command line.
    pub listeners: Vec<RawFd>,
    /// The descriptor of the log of the start.
    pub log: Option<RawFd>,
    /// The descriptor of the connection that asked for the reload.
    pub reply: Option<RawFd>,
    /// The descriptor on which the process that waits for a start in the background is told of its success.
    pub launcher: Option<RawFd>,
    /// The workers, the oldest first.
    pub workers: Vec<RememberedWorker>,
}

impl State {
    /// Takes over what is known of the processes.
    pub fn remember(&mut self, processes: &Processes) {
        self.started = Some(processes.started);
        self.reloads = processes.reloads;
        self.failed = processes.failed;
        let workers = processes.workers.iter().map(|worker| RememberedWorker {
            pid: worker.pid,
            reloads: worker.reloads,
            started: worker.started,
            channel: worker.channel.as_raw_fd(),
            version: worker.version.clone(),
        });
        self.workers = workers.collect();
    }

    /// Every descriptor that has to be kept.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        let workers = self.workers.iter().map(|worker| worker.channel);
        let single = [self.log, self.reply, self.launcher];
        let single = single.into_iter().flatten();
        self.listeners.iter().copied().chain(workers).chain(single)
    }

    /// The variable's value.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = String::new();
        if let Some(started) = self.started {
            let _ = writeln!(out, "started {started}");
        }
        let _ = writeln!(out, "version {}", self.version);
        let _ = writeln!(out, "reloads {} {}", self.reloads, self.failed);
        let single = [
            ("log", self.log),
            ("reply", self.reply),
            ("launcher", self.launcher),
        ];
        for (word, fd) in single {
            if let Some(fd) = fd {
                let _ = writeln!(out, "{word} {fd}");
            }
        }
        if self.hard {
            out.push_str("hard\n");
        }
        for fd in &self.listeners {
            let _ = writeln!(out, "listener {fd}");
        }
        for worker in &self.workers {
            let RememberedWorker {
                pid,
                reloads,
                started,
                channel,
                version,
            } = worker;
            let _ = writeln!(out, "worker {pid} {reloads} {started} {channel} {version}");
        }
        out
    }

    /// Reads the variable's value; words that another version wrote are passed over.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut state = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words.get(at).and_then(|word| word.parse::<RawFd>().ok());
            match words.first().copied().unwrap_or_default() {
                "started" => state.started = Some(words.get(1)?.parse().ok()?),
                "version" => (*words.get(1)?).clone_into(&mut state.version),
                "reloads" => {
                    state.reloads = words.get(1)?.parse().ok()?;
                    state.failed = words.get(2)?.parse().ok()?;
                }
                "log" => state.log = Some(number(1)?),
                "reply" => state.reply = Some(number(1)?),
                "launcher" => state.launcher = Some(number(1)?),
                "hard" => state.hard = true,
                "listener" => state.listeners.push(number(1)?),
                "worker" => state.workers.push(RememberedWorker {
                    pid: number(1)?,
                    reloads: words.get(2)?.parse().ok()?,
                    started: words.get(3)?.parse().ok()?,
                    channel: number(4)?,
                    version: (*words.get(5)?).to_owned(),
                }),
                _ => {}
            }
        }
        Some(state)
    }
}

/// The worker's entry, its channel being taken over again.
pub(super) fn recall(worker: RememberedWorker) -> Option<Worker> {
    Some(Worker {
        pid: worker.pid,
        role: Role::Former,
        reloads: worker.reloads,
        started: worker.started,
        version: worker.version,
        channel: std::sync::Arc::new(super::adopt(worker.channel)?),
        excess: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives() {
        let worker = |pid| RememberedWorker {
            pid,
            reloads: 2,
            started: 123_456,
            channel: 9,
            version: "3.4.0".to_owned(),
        };
        let state = State {
            started: Some(77),
            version: "3.4.0".to_owned(),
            reloads: 5,
            failed: 1,
            hard: true,
            listeners: vec![4, 5],
            log: Some(6),
            reply: Some(7),
            launcher: None,
            workers: vec![worker(11), worker(12)],
        };
        assert_eq!(State::decode(&state.encode()), Some(state.clone()));
        assert_eq!(state.descriptors().collect::<Vec<_>>(), [4, 5, 9, 9, 6, 7]);
        assert_eq!(State::decode("later 5\n"), Some(State::default()));
        assert_eq!(State::decode("worker x\n"), None);
    }
}
