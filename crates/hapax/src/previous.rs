//! The processes that this one replaces (`-sf`, `-st`).

use crate::args::{Farewell, Options};
use rustix::process::{Pid, Signal, kill_process};

/// The processes that this one replaces.
pub struct Previous {
    processes: Vec<Pid>,
    farewell: Signal,
}

impl Previous {
    /// Those that the command line names.
    pub fn new(options: &Options) -> Self {
        let farewell = match options.farewell {
            Some(Farewell::Terminate) => Signal::TERM,
            Some(Farewell::Finish) | None => Signal::USR1,
        };
        Self {
            processes: options
                .previous
                .iter()
                .filter_map(|pid| Pid::from_raw(*pid))
                .collect(),
            farewell,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// Sends a signal; those that it can't be sent to are gone, and forgotten.
    fn tell(&mut self, signal: Signal) {
        self.processes
            .retain(|process| kill_process(*process, signal).is_ok());
    }

    /// Asks them to give up their ports for a while.
    pub fn pause(&mut self) {
        self.tell(Signal::TTOU);
    }

    /// Asks them to go on, since this process won't.
    pub fn resume(&mut self) {
        self.tell(Signal::TTIN);
    }

    /// Asks them to leave.
    pub fn dismiss(&mut self) {
        self.tell(self.farewell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_are_gone_are_forgotten() {
        let options = Options {
            previous: vec![i32::MAX],
            ..Options::default()
        };
        let mut previous = Previous::new(&options);
        assert!(!previous.is_empty());
        previous.pause();
        assert!(previous.is_empty());
    }
}
