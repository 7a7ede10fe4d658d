//! Since when a backend has servers.

/// Whether a backend has servers, over time. Times are in milliseconds since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Availability {
    /// When it last changed.
    pub since: u64,
    down: bool,
    past: u64,
    /// How often it lost its last server.
    pub times_down: u64,
}

impl Availability {
    pub(super) fn turn(&mut self, up: bool, now_ms: u64) {
        if up {
            self.past += now_ms.saturating_sub(self.since);
        } else {
            self.times_down += 1;
        }
        (self.down, self.since) = (!up, now_ms);
    }

    /// How long it was without servers in all.
    #[must_use]
    pub fn downtime(&self, now_ms: u64) -> u64 {
        let present = if self.down {
            now_ms.saturating_sub(self.since)
        } else {
            0
        };
        self.past + present
    }
}
