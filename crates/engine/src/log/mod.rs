//! Sending log messages.

use crate::runtime::Runtime;
use model::log::LogTarget;
use std::io;
use std::sync::Arc;

/// A message to be logged.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its level, 0 to 7.
    pub level: u8,
    /// The tag.
    pub tag: &'a str,
    /// Structured data for RFC 5424.
    pub structured_data: &'a [u8],
    /// The text.
    pub text: &'a [u8],
}

/// Sends a message to targets.
pub fn emit(_runtime: &Arc<Runtime>, _targets: &[Arc<LogTarget>], message: &Message<'_>) {
    eprintln!("{}", String::from_utf8_lossy(message.text));
}

/// Sends what is batched.
pub fn flush() {}

/// Running log services.
#[derive(Debug)]
pub struct LogService;

/// Starts log services.
///
/// # Errors
/// When something can't be opened.
pub fn start(_runtime: &Arc<Runtime>) -> io::Result<LogService> {
    Ok(LogService)
}
