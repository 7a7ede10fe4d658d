//! What was done to the process that may explain oddities.

use std::sync::atomic::{AtomicU32, Ordering};

/// Debugging commands that were run.
static DEBUG_COMMANDS: AtomicU32 = AtomicU32::new(0);
/// What has been used that may explain oddities: a bit for each kind of command.
static TAINTED: AtomicU32 = AtomicU32::new(0);

/// HAProxy's bits for commands that need `expert-mode` and `experimental-mode`.
const EXPERT: u32 = 4;
const EXPERIMENTAL: u32 = 8;

/// Counts a debugging command, which only experts may run.
pub fn note_debug_command() {
    DEBUG_COMMANDS.fetch_add(1, Ordering::Relaxed);
}

/// Notes that a command for experts was run.
pub fn note_expert_command() {
    TAINTED.fetch_or(EXPERT, Ordering::Relaxed);
}

/// Notes that an experimental command was run.
pub fn note_experimental_command() {
    TAINTED.fetch_or(EXPERIMENTAL, Ordering::Relaxed);
}

/// The bits in HAProxy's form.
pub(super) fn tainted() -> String {
    match TAINTED.load(Ordering::Relaxed) {
        0 => "0".to_owned(),
        bits => format!("{bits:#x}"),
    }
}

/// How many debugging commands were run.
pub(super) fn debug_commands() -> u32 {
    DEBUG_COMMANDS.load(Ordering::Relaxed)
}
