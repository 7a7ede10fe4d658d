//! What is told of an event besides that it has happened.

use crate::proxy::{ProxyRuntime, ServerRuntime};
use message::{Head, Kind};
use std::fmt::Write;
use std::sync::Arc;

/// Which side of the proxy an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client's.
    Front,
    /// The server's.
    Back,
}

impl Side {
    /// The letter that stands for it.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Front => 'F',
            Self::Back => 'B',
        }
    }
}

/// Who takes part in what happens.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// The client's address.
    pub client: Option<String>,
    /// The frontend's name.
    pub frontend: Option<Arc<str>>,
    /// The backend's name.
    pub backend: Option<Arc<str>>,
    /// The server's name.
    pub server: Option<Arc<str>>,
}

impl Who {
    /// Appends what is known.
    pub fn push(&self, out: &mut String) {
        for (name, value) in [
            ("src", self.client.as_deref()),
            ("fe", self.frontend.as_deref()),
            ("be", self.backend.as_deref()),
            ("srv", self.server.as_deref()),
        ] {
            if let Some(value) = value {
                let _ = write!(out, " {name}={value}");
            }
        }
    }

    /// Those of a proxy's server.
    #[must_use]
    pub fn of_server(backend: &ProxyRuntime, server: &ServerRuntime) -> Self {
        Self {
            backend: Some(backend.config.name.clone()),
            server: Some(server.config.name.clone()),
            ..Self::default()
        }
    }
}

/// The number by which a shared thing is told apart while it lasts.
#[must_use]
pub fn number_of<T: ?Sized>(shared: &Arc<T>) -> u64 {
    Arc::as_ptr(shared).cast::<()>() as usize as u64
}

/// Appends bytes of a peer's, with what could not be shown in one line in hexadecimal.
fn push_text(bytes: &[u8], out: &mut String) {
    for &byte in bytes {
        match byte {
            b' '..=b'~' if byte != b'\\' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
}

/// Appends the first line of a message, quoted.
pub fn first_line(head: &Head, out: &mut String) {
    out.push_str(" \"");
    match head.kind() {
        Kind::Request => {
            push_text(head.method_text(), out);
            out.push(' ');
            push_text(head.target(), out);
            let version = head.version();
            let _ = write!(out, " HTTP/{}.{}\"", version.major, version.minor);
        }
        Kind::Response => {
            let (version, status) = (head.version(), head.status());
            let _ = write!(out, "HTTP/{}.{} {status} ", version.major, version.minor);
            push_text(head.reason(), out);
            out.push('"');
        }
    }
}

/// Appends the fields of a message, each on a line.
pub fn push_fields(head: &Head, out: &mut String) {
    for (name, value) in head.iter() {
        out.push_str("\n\t");
        push_text(name, out);
        out.push_str(": ");
        push_text(value, out);
    }
}

/// Bytes in a line of a dump.
const LINE: usize = 16;

/// Appends bytes, in hexadecimal and as text.
pub fn dump(bytes: &[u8], out: &mut String) {
    for (at, line) in bytes.chunks(LINE).enumerate() {
        let _ = write!(out, "\n\t{:04x}:", at * LINE);
        for place in 0..LINE {
            match line.get(place) {
                Some(byte) => {
                    let _ = write!(out, " {byte:02x}");
                }
                None => out.push_str("   "),
            }
        }
        out.push_str("  ");
        out.extend(line.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_both_forms() {
        let mut out = String::new();
        dump(b"GET / HTTP/1.1\r\n\r\n", &mut out);
        assert_eq!(
            out,
            "\n\t0000: 47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1..\
             \n\t0010: 0d 0a                                            .."
        );
        let mut out = String::new();
        push_text(b"a b\\\n\xff", &mut out);
        assert_eq!(out, "a b\\x5c\\x0a\\xff");
    }
}
