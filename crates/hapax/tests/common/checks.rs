//! Health checks: what is said of them, and servers that they are sent to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::Server;

/// A line about a check's result, the digits of its duration replaced.
pub fn without_duration(text: &str) -> String {
    match text.split_once("check duration: ") {
        Some((before, rest)) => {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}check duration: N{rest}")
        }
        None => text.to_owned(),
    }
}

/// A server whose checks (`OPTIONS`) are answered with a status that the test sets.
pub fn switched(status: &Arc<AtomicUsize>) -> Server {
    let status = status.clone();
    Server::start(move |conn, _| {
        while let Some(request) = conn.read_request()? {
            let status = match request.method() {
                "OPTIONS" => status.load(Ordering::Relaxed),
                _ => 200,
            };
            conn.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 1\r\n\r\na"))?;
        }
        Ok(())
    })
}
