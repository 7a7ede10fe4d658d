//! What a check does, step by step (configuration manual, `option httpchk`, `tcp-check` and `http-check`).

use message::Method;
use model::HttpCheck;
use model::Proxy;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

/// A check's steps. Their numbers are those that logs name: connecting is step 0.
#[derive(Debug)]
pub(super) struct Script {
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug)]
pub(super) enum Step {
    /// Connect, and send the PROXY protocol header if there is to be one.
    Connect,
    /// Send bytes.
    Send(Box<[u8]>),
    /// Read a response's head and look at its status.
    ExpectStatus {
        /// The method it answers.
        method: Method,
        /// Good ones.
        statuses: RangeInclusive<u16>,
    },
}

impl Script {
    /// A backend's check.
    fn of(proxy: &Proxy) -> Self {
        let mut steps = vec![Step::Connect];
        if let Some(check) = &proxy.back.http_check {
            steps.push(Step::Send(request(check).into()));
            steps.push(Step::ExpectStatus {
                method: Method::of(check.method.as_bytes()),
                statuses: 200..=399,
            });
        }
        Self { steps }
    }

    /// Whether the connection is all that matters.
    pub fn only_connects(&self) -> bool {
        matches!(self.steps[..], [Step::Connect])
    }
}

/// Scripts by backend.
#[derive(Debug, Default)]
pub(super) struct Cache {
    known: HashMap<u32, Rc<Script>>,
}

impl Cache {
    /// The script of a backend.
    pub fn get(&mut self, proxy: &Proxy) -> Rc<Script> {
        let made = || Rc::new(Script::of(proxy));
        self.known.entry(proxy.idx.0).or_insert_with(made).clone()
    }
}

/// The request of `option httpchk`.
fn request(check: &HttpCheck) -> Vec<u8> {
    let (version, closes) = version(&check.version);
    let mut out = format!("{} {} {version}\r\n", check.method, check.uri);
    for (name, value) in &check.headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    let takes_body = !matches!(
        Method::of(check.method.as_bytes()),
        Method::Get | Method::Head | Method::Options | Method::Delete
    );
    if takes_body {
        out.push_str("content-length: 0\r\n");
    }
    if closes {
        out.push_str("connection: close\r\n");
    }
    out.push_str("\r\n");
    out.into_bytes()
}

/// The version as it is sent, and whether it is one in which connections stay open unless told otherwise.
fn version(text: &str) -> (String, bool) {
    let upper = text.to_ascii_uppercase();
    match upper.strip_prefix("HTTP/").map(str::as_bytes) {
        Some([major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9']) => {
            if (*major, *minor) >= (b'1', b'1') {
                ("HTTP/1.1".into(), true)
            } else {
                (upper, false)
            }
        }
        _ => (text.into(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(method: &str, uri: &str, version: &str, host: Option<&str>) -> String {
        let headers = host.map(|host| ("host".into(), host.into()));
        let check = HttpCheck {
            method: method.into(),
            uri: uri.into(),
            version: version.into(),
            headers: headers.into_iter().collect(),
        };
        String::from_utf8(request(&check)).expect("text")
    }

    #[test]
    fn requests_by_version() {
        assert_eq!(
            sent("OPTIONS", "/", "HTTP/1.0", None),
            "OPTIONS / HTTP/1.0\r\n\r\n"
        );
        assert_eq!(
            sent("GET", "/x", "HTTP/1.0", Some("a.b")),
            "GET /x HTTP/1.0\r\nhost: a.b\r\n\r\n"
        );
        for version in ["HTTP/1.1", "http/1.1", "HTTP/1.2", "HTTP/2.0"] {
            assert_eq!(
                sent("HEAD", "/x", version, Some("a.b")),
                "HEAD /x HTTP/1.1\r\nhost: a.b\r\nconnection: close\r\n\r\n"
            );
        }
        assert_eq!(sent("GET", "x", "y", None), "GET x y\r\n\r\n");
        assert_eq!(sent("GET", "/", "HTTP/0.9", None), "GET / HTTP/0.9\r\n\r\n");
    }

    #[test]
    fn a_method_that_takes_a_body_says_that_there_is_none() {
        for method in ["POST", "PUT", "PATCH", "TRACE", "CONNECT", "FOO"] {
            assert_eq!(
                sent(method, "/x", "HTTP/1.1", Some("h")),
                format!(
                    "{method} /x HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
            );
        }
        assert_eq!(
            sent("DELETE", "/x", "HTTP/1.0", None),
            "DELETE /x HTTP/1.0\r\n\r\n"
        );
    }
}
