//! Words about how a process ended.

use rustix::process::WaitStatus;

/// The exit code of a process, 128 and more when a signal ended it, and a word for it.
#[must_use]
pub fn code_and_word(status: WaitStatus) -> (i32, &'static str) {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (code, "Exit"),
        (None, Some(signal)) => (128 + signal, signal_word(signal)),
        (None, None) => (255, "Unknown"),
    }
}

fn signal_word(signal: i32) -> &'static str {
    match signal {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        24 => "CPU time limit exceeded",
        25 => "File size limit exceeded",
        31 => "Bad system call",
        _ => "Unknown signal",
    }
}
