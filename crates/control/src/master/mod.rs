//! The master: starts workers, replaces them at a reload, passes signals on, and gives access to them on its own socket.
//!
//! It is one thread that never sees traffic. A worker is a fresh process, the same program run anew with a few inherited
//! descriptors, so nothing of the master's memory, locks or event loop lives on in it. At a reload the master runs itself
//! anew too, under its old process number, so that an upgraded program is in charge from then on; [`state::State`] is what
//! it then remembers.

mod channel;
mod cli;
mod in_place;
mod processes;
mod run;
mod startup_log;
pub mod state;
mod systemd;
mod text;
pub mod worker;

pub use channel::Opening;
pub use cli::{route, words};
pub use run::{Master, Settings};
pub use startup_log::StartupLog;

/// A descriptor that this process was started with.
fn adopt(fd: std::os::fd::RawFd) -> Option<std::os::fd::OwnedFd> {
    let fd = sys::adopt(fd).ok()?;
    keep_from_children(&fd).ok()?;
    Some(fd)
}

/// Closes a descriptor in programs started from now on.
fn keep_from_children(fd: impl std::os::fd::AsFd) -> std::io::Result<()> {
    Ok(rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?)
}

/// Leaves a descriptor open in programs started from now on.
fn give_to_children(fd: impl std::os::fd::AsFd) -> std::io::Result<()> {
    Ok(rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty())?)
}

/// How messages of the master come to the user.
pub trait Report {
    /// Prints what is good to know.
    fn notice(&mut self, text: String);
    /// Prints what looks wrong.
    fn warning(&mut self, text: String);
    /// Prints what went wrong.
    fn alert(&mut self, text: String);
}

/// The variable that tells a worker its descriptors: those of the channel, of the log of the start, and of a connection to
/// the worker before it, 0 for none.
pub const WORKER_VARIABLE: &str = "HAPAX_WORKER";
/// The variable that tells a master what it was before it ran itself anew.
pub const MASTER_VARIABLE: &str = "HAPAX_MASTER";
