//! Asking for the passphrase of an encrypted key (`ssl-passphrase-cmd`).

use std::cell::RefCell;
use std::process::{Command, Stdio};

thread_local! {
    // A configuration is read by one thread, and several keys often have one passphrase.
    static KNOWN: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The passphrases that have opened a key.
#[must_use]
pub fn known() -> Vec<Vec<u8>> {
    KNOWN.with_borrow(Clone::clone)
}

/// Keeps a passphrase for other keys.
pub fn remember(passphrase: Vec<u8>) {
    KNOWN.with_borrow_mut(|known| known.push(passphrase));
}

/// Runs the command with the key's file as its first argument, before its own; what it prints is the passphrase.
#[must_use]
pub fn ask(command: &[String], file: &str) -> Option<Vec<u8>> {
    let (program, args) = command.split_first()?;
    let output = Command::new(program)
        .arg(file)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let mut text = output.stdout;
    while text.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        text.pop();
    }
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_comes_before_the_commands_own_words() {
        let command = ["echo", "two", "three"].map(str::to_owned);
        assert_eq!(ask(&command, "one").as_deref(), Some(&b"one two three"[..]));
        assert_eq!(ask(&["false".to_owned()], "x"), None);
        assert_eq!(ask(&[], "x"), None);
    }
}
