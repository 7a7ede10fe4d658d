//! The moments of a stream's life, and the durations that logs show.

use expr::view::{Date, Timers};

/// Moments in milliseconds since the start of the process; 0 is "not reached" for all but the first two.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// The connection's accept, or the end of the previous request's response.
    pub begin: u64,
    /// The end of handshakes after the accept; equals `begin` without any.
    pub handshake: u64,
    /// The request's first byte.
    pub first_byte: u64,
    /// The end of the request's head; for TCP the moment the stream took over.
    pub request: u64,
    /// A server was assigned.
    pub queue: u64,
    /// The connection to the server stood.
    pub connect: u64,
    /// The end of the response's head.
    pub response: u64,
    /// The wall clock at `begin`.
    pub begin_date: Date,
    /// The wall clock at `first_byte`.
    pub request_date: Date,
}

impl Times {
    /// Durations, the stream having ended at `end`.
    #[must_use]
    pub fn durations(&self, end: u64) -> Timers {
        let step = |from: u64, to: u64| {
            if from == 0 || to == 0 {
                -1
            } else {
                to.saturating_sub(from) as i64
            }
        };
        let idle_end = if self.first_byte == 0 {
            self.handshake
        } else {
            self.first_byte
        };
        Timers {
            handshake: self.handshake.saturating_sub(self.begin) as i64,
            idle: if self.first_byte == 0 {
                -1
            } else {
                idle_end.saturating_sub(self.handshake) as i64
            },
            request: step(self.first_byte, self.request),
            queue: match self.request {
                0 => step(self.first_byte, self.queue),
                request => step(request, self.queue),
            },
            connect: step(self.queue, self.connect),
            response: step(self.connect, self.response),
            data: step(self.response, end),
            total: end.saturating_sub(self.begin) as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_were_not_reached_are_minus_one() {
        let times = Times {
            begin: 100,
            handshake: 100,
            first_byte: 130,
            request: 150,
            ..Times::default()
        };
        let durations = times.durations(200);
        assert_eq!((durations.idle, durations.request), (30, 20));
        assert_eq!(
            (
                durations.queue,
                durations.connect,
                durations.response,
                durations.data
            ),
            (-1, -1, -1, -1)
        );
        assert_eq!(durations.total, 100);
    }
}
