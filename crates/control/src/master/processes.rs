//! The workers a master has, and what it shows of them.

use std::fmt::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// What a worker is to its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It does not serve yet.
    Starting,
    /// It serves.
    Current,
    /// It finishes what it has begun, or goes on because its successor failed.
    Former,
}

/// A worker.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Process number.
    pub pid: i32,
    /// What it is.
    pub role: Role,
    /// Reloads it has survived.
    pub reloads: u32,
    /// When it was started, in milliseconds on the system's monotonic clock.
    pub started: u64,
    /// The version it was started with.
    pub version: String,
    /// The master's end of the channel.
    pub channel: Arc<OwnedFd>,
    /// Whether it was told to end because it had survived too many reloads.
    pub excess: bool,
}

/// All processes.
#[derive(Debug)]
pub struct Processes {
    /// The master's process number.
    pub master: u32,
    /// When the master was first started, in milliseconds on the system's monotonic clock.
    pub started: u64,
    /// Reloads so far.
    pub reloads: u32,
    /// How many reloads in a row have failed.
    pub failed: u32,
    /// The version.
    pub version: &'static str,
    /// Its workers, the oldest first.
    pub workers: Vec<Worker>,
}

/// Now on the system's monotonic clock, in milliseconds. It goes on while programs change.
#[must_use]
pub fn now_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000
}

impl Processes {
    /// The worker of this process number.
    pub fn find(&mut self, pid: i32) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.pid == pid)
    }

    /// The worker that serves.
    #[must_use]
    pub fn current(&self) -> Option<&Worker> {
        let mut workers = self.workers.iter().rev();
        workers.find(|worker| worker.role == Role::Current)
    }

    /// The youngest worker that serves or has served, to take the listening sockets from.
    #[must_use]
    pub fn youngest(&self) -> Option<&Worker> {
        let mut workers = self.workers.iter().rev();
        workers.find(|worker| worker.role != Role::Starting)
    }

    /// What `show proc` answers.
    #[must_use]
    pub fn table(&self, debug: bool, now: u64) -> String {
        let mut out = String::new();
        let _ = write!(
            out,
            "{:<15} {:<15} {:<15} {:<15} {:<15}",
            "#<PID>", "<type>", "<reloads>", "<uptime>", "<version>"
        );
        if debug {
            let _ = write!(out, "\t\t {:<15} {:<15}", "<ipc_fd[0]>", "<ipc_fd[1]>");
        }
        out.push('\n');
        let reloads = format!("{} [failed: {}]", self.reloads, self.failed);
        let uptime = uptime(now.saturating_sub(self.started));
        let _ = write!(
            out,
            "{:<15} {:<15} {reloads:<15} {uptime:<15} {:<15}",
            self.master, "master", self.version
        );
        if debug {
            let _ = write!(out, "\t\t {:<15} {:<15}", -1, -1);
        }
        out.push('\n');
        let of = |role| {
            self.workers
                .iter()
                .filter(move |worker| worker.role == role)
        };
        out.push_str("# workers\n");
        for worker in of(Role::Current) {
            worker.row(&mut out, debug, now);
        }
        if of(Role::Former).next().is_some() {
            out.push_str("# old workers\n");
        }
        for worker in of(Role::Former) {
            worker.row(&mut out, debug, now);
        }
        out
    }
}

impl Worker {
    fn row(&self, out: &mut String, debug: bool, now: u64) {
        let uptime = uptime(now.saturating_sub(self.started));
        let _ = write!(
            out,
            "{:<15} {:<15} {:<15} {uptime:<15} {:<15}",
            self.pid, "worker", self.reloads, self.version
        );
        if debug {
            let _ = write!(out, "\t\t {:<15} {:<15}", self.channel.as_raw_fd(), -1);
        }
        out.push('\n');
    }
}

fn uptime(ms: u64) -> String {
    let seconds = ms / 1000;
    format!(
        "{}d{:02}h{:02}m{:02}s",
        seconds / 86400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(pid: i32, role: Role, reloads: u32) -> Worker {
        let Ok((end, _)) = crate::master::channel::pair() else {
            panic!("no descriptors");
        };
        Worker {
            pid,
            role,
            reloads,
            started: 1000,
            version: "3.4.0".to_owned(),
            channel: Arc::new(end),
            excess: false,
        }
    }

    #[test]
    fn the_table_is_that_of_haproxy() {
        let mut processes = Processes {
            master: 27743,
            started: 0,
            reloads: 3,
            failed: 1,
            version: "3.4.0",
            workers: vec![worker(28578, Role::Former, 1)],
        };
        let expected = "\
#<PID>          <type>          <reloads>       <uptime>        <version>      
27743           master          3 [failed: 1]   0d00h00m08s     3.4.0          
# workers
# old workers
28578           worker          1               0d00h00m07s     3.4.0          
";
        assert_eq!(processes.table(false, 8000), expected);
        processes.workers.push(worker(28646, Role::Current, 0));
        processes.workers.push(worker(28647, Role::Starting, 0));
        let text = processes.table(false, 90_061_000);
        assert!(text.contains("\n28646           worker          0               1d01h01m00s"));
        assert!(!text.contains("28647"));
        assert_eq!(processes.current().map(|w| w.pid), Some(28646));
        assert_eq!(processes.youngest().map(|w| w.pid), Some(28646));
    }
}
