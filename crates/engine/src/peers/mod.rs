//! `peers` sections at work: what this process tells others of its stick tables, and learns from them.
//!
//! Everything here runs on the first worker. [`start`] begins a task for each other member, which connects to it and
//! serves the connection (`session`); connections from others come by [`accept`]. Of two connections with the same member
//! the later one stays. `teach` writes what a member is told, `learn` applies what it tells, `resync` decides who teaches
//! whom after a start. The first two know no sockets. No lock is held while something is sent or waited for.

mod connect;
mod learn;
mod resync;
mod section;
mod serve;
mod session;
mod teach;
#[cfg(test)]
mod tests;

pub use resync::Resync;
pub use section::{Member, MemberState, Section, Shared, Status, TableState};
pub use serve::{Service, accept, start};
pub use wire::peers::Status as Answer;

use crate::log::{self, Message};
use crate::runtime::Runtime;
use std::sync::Arc;

const NOTICE: u8 = 5;

/// Logs something of a section.
fn tell(runtime: &Arc<Runtime>, section: &Section, text: &str) {
    let logs = &section.config.proxy.log;
    let tag = runtime.snapshot.global.log_tag.as_deref();
    let message = Message {
        level: NOTICE,
        tag: tag.unwrap_or("haproxy"),
        structured_data: b"",
        text: text.as_bytes(),
    };
    log::emit(runtime, &logs.targets, &message);
}
