//! How busy the process was over the last second.

use crate::clock;
use crate::runtime::Runtime;
use model::live::tally::Tally;
use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::Ordering;

/// What the last measurement found.
#[derive(Debug, Default)]
pub struct Load {
    /// Milliseconds since the start.
    at: u64,
    /// CPU time of the process, in milliseconds.
    cpu: u64,
    /// Bytes sent to clients.
    sent: u64,
}

impl Load {
    /// Measures anew and notes what has changed since, per second. Done about once a second.
    pub fn measure(&mut self, runtime: &Runtime) {
        let process = &runtime.process;
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = used.tv_sec.unsigned_abs() * 1000 + used.tv_nsec.unsigned_abs() / 1_000_000;
        let now = Self {
            at: clock::now_ms(),
            cpu,
            sent: process.tallies.get(Tally::BytesOut),
        };
        let passed = now.at.saturating_sub(self.at).max(1);
        let busy = now.cpu.saturating_sub(self.cpu) * 100;
        let busy = busy / (passed * u64::from(process.threads.max(1)));
        let idle = 100 - busy.min(100);
        let sent = now.sent.saturating_sub(self.sent) * 1000 / passed;
        let idle = u32::try_from(idle).unwrap_or(100);
        process.idle_percent.store(idle, Ordering::Relaxed);
        process.bytes_out_rate.store(sent, Ordering::Relaxed);
        *self = now;
    }
}
