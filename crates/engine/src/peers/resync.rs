//! Who teaches this process after its start: the process before it, else one of the peers. Pure.

/// How long to wait for a teacher, in milliseconds.
pub const PATIENCE: u64 = 5000;

/// How far a process has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resync {
    /// It waits for the process before it until this moment.
    Local(u64),
    /// It waits until this moment for a peer that teaches it, which `teacher` has begun to do.
    Remote {
        /// When to give up; not while there is a teacher.
        until: u64,
        /// Which member it has asked.
        teacher: Option<usize>,
    },
    /// It knows what can be known.
    Done,
}

impl Resync {
    /// At the start of a process that follows another one or does not.
    #[must_use]
    pub fn new(follows: bool, now: u64) -> Self {
        match follows {
            true => Self::Local(now + PATIENCE),
            false => Self::remote(now),
        }
    }

    fn remote(now: u64) -> Self {
        Self::Remote {
            until: now + PATIENCE,
            teacher: None,
        }
    }

    /// Goes on when nobody has come in time.
    pub fn advance(&mut self, now: u64) {
        match *self {
            Self::Local(until) if now >= until => *self = Self::remote(now),
            Self::Remote {
                until,
                teacher: None,
            } if now >= until => *self = Self::Done,
            _ => {}
        }
    }

    /// Whether a member that is connected is to be asked now, which makes it the teacher.
    pub fn ask(&mut self, member: usize, now: u64) -> bool {
        self.advance(now);
        match self {
            Self::Remote { teacher, .. } if teacher.is_none() => {
                *teacher = Some(member);
                true
            }
            _ => false,
        }
    }

    /// A member has taught all it knows; `fully` when it knew everything.
    pub fn taught(&mut self, member: usize, local: bool, fully: bool, now: u64) {
        match self {
            Self::Remote { teacher, .. } if !local && *teacher == Some(member) => {
                *self = if fully { Self::Done } else { Self::remote(now) };
            }
            Self::Local(_) if local => {
                *self = match fully {
                    true => Self::Done,
                    false => Self::Local(now + PATIENCE),
                };
            }
            Self::Remote { .. } if local && fully => *self = Self::Done,
            _ => {}
        }
    }

    /// A member's connection has ended.
    pub fn lost(&mut self, member: usize, now: u64) {
        if let Self::Remote { teacher, .. } = self
            && *teacher == Some(member)
        {
            *self = Self::remote(now);
        }
    }

    /// Whether it knows what can be known.
    #[must_use]
    pub fn is_done(&self, now: u64) -> bool {
        let mut next = *self;
        next.advance(now);
        next == Self::Done
    }

    /// How many milliseconds it still waits.
    #[must_use]
    pub fn wait(&self, now: u64) -> Option<u64> {
        match self {
            Self::Local(until) | Self::Remote { until, .. } => until.checked_sub(now),
            Self::Done => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_before_comes_first_then_one_peer_after_the_other() {
        let mut resync = Resync::new(true, 100);
        assert!(!resync.ask(1, 200), "the old process may still come");
        assert!(resync.ask(1, 5100) && !resync.ask(2, 5100));
        resync.taught(1, false, false, 6000);
        assert!(resync.ask(2, 6000));
        resync.lost(2, 7000);
        assert!(!resync.is_done(7000));
        assert!(resync.ask(3, 7000));
        resync.taught(2, false, true, 7100);
        assert!(!resync.is_done(20_000), "that was not the teacher");
        resync.taught(3, false, true, 7200);
        assert!(resync.is_done(7200));
    }

    #[test]
    fn without_anybody_it_takes_a_while() {
        let mut resync = Resync::new(true, 100);
        assert_eq!(resync.wait(100), Some(5000));
        resync.taught(0, true, false, 3000);
        assert!(!resync.ask(1, 7000), "another old process may come");
        resync.advance(8000);
        assert!(!resync.is_done(12_999) && resync.is_done(13_000));
        let mut resync = Resync::new(true, 100);
        resync.taught(0, true, true, 3000);
        assert_eq!(resync, Resync::Done);
    }
}
