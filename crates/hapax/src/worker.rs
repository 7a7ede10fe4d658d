//! What a worker was given by its master.

use control::master::{StartupLog, WORKER_VARIABLE};
use std::os::fd::{OwnedFd, RawFd};

/// The descriptors that a master gave to this process.
#[derive(Debug)]
pub struct Given {
    /// The channel to the master.
    pub channel: OwnedFd,
    /// The log of the start.
    pub log: StartupLog,
    /// A connection to the worker before this one, to get the listening sockets from.
    pub previous: Option<OwnedFd>,
}

/// Whether this process was started by a master, as far as one can see before taking anything over.
pub fn is_worker() -> bool {
    std::env::var_os(WORKER_VARIABLE).is_some()
}

/// Takes over what the master gave; `None` in a process without a master.
pub fn given() -> Option<Given> {
    let value = std::env::var(WORKER_VARIABLE).ok()?;
    let mut numbers = value.split(' ').map(|word| word.parse::<RawFd>().ok());
    let mut adopt = || {
        let number = numbers.next()?.filter(|fd| *fd > 2)?;
        let fd = sys::adopt(number).ok()?;
        sys::set_inherited(number, false).ok()?;
        Some(fd)
    };
    Some(Given {
        channel: adopt()?,
        log: adopt()?.into(),
        previous: adopt(),
    })
}
