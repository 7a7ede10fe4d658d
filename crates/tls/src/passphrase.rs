//! Asking for the passphrase of an encrypted key (`ssl-passphrase-cmd`).

use std::process::{Command, Stdio};

/// Runs the command with the key's file as its last argument; what it prints is the passphrase.
#[must_use]
pub fn ask(command: &[String], file: &str) -> Option<Vec<u8>> {
    let (program, args) = command.split_first()?;
    let output = Command::new(program)
        .args(args)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let mut text = output.stdout;
    while text.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        text.pop();
    }
    output.status.success().then_some(text)
}
