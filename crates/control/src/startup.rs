//! What the process said at its start (`show startup-logs`).

use parking_lot::Mutex;

/// How many bytes are kept.
const KEPT: usize = 64 * 1024;

static SAID: Mutex<String> = Mutex::new(String::new());

/// Keeps a text that was told at the start, as long as there is room.
pub fn note(text: &str) {
    let mut said = SAID.lock();
    if said.len() + text.len() <= KEPT {
        said.push_str(text);
    }
}

/// What was told.
#[must_use]
pub fn said() -> String {
    SAID.lock().clone()
}
