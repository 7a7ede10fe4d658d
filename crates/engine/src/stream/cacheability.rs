//! Whether a cache on the way might keep a response, and with it a cookie that was meant for one client.

use super::rules::Verdict;
use super::{Next, Stream};
use crate::log::{self, Message};
use message::{Head, Method};
use model::Options;

/// Syslog's level of what somebody has to look after at once.
const ALERT: u8 = 1;

impl Stream<'_> {
    /// Whether `option checkcache` has to look at the response: it sets a cookie.
    pub(super) fn sets_cookie(&self) -> bool {
        let options = self.backend().config.options;
        options.has(Options::CHECK_CACHE) && self.state.response.get(b"set-cookie").is_some()
    }

    /// Refuses a response whose cookie a cache might give to others.
    pub(super) async fn refuse_cacheable_cookie(&mut self) -> Result<(), Next> {
        if !self.is_response_cacheable() {
            return Ok(());
        }
        let backend = self.backend();
        let server = self.state.server.as_ref();
        let text = format!(
            "Blocking cacheable cookie in response from instance {}, server {}.",
            backend.config.name,
            server.map_or("<dispatch>", |server| &server.config.name)
        );
        let runtime = &self.session.runtime;
        let logs = &backend.config.log;
        let tag = logs.tag.as_deref();
        let message = Message {
            level: ALERT,
            tag: tag
                .or(runtime.snapshot.global.log_tag.as_deref())
                .unwrap_or("haproxy"),
            structured_data: b"",
            text: text.as_bytes(),
        };
        log::emit(runtime, &logs.targets, &message);
        self.settle_response(Verdict::Deny(502, None)).await
    }

    /// Whether a cache on the way might keep the response.
    pub(super) fn is_response_cacheable(&self) -> bool {
        is_cacheable(self.state.request.method(), &self.state.response)
    }
}

/// Whether a cache might keep this answer to a request of this method.
fn is_cacheable(method: Method, response: &Head) -> bool {
    let no_cache = |value: &[u8]| value.eq_ignore_ascii_case(b"no-cache");
    if response.get_all(b"pragma").any(no_cache) {
        return false;
    }
    let mut cacheable = matches!(
        method,
        Method::Get | Method::Head | Method::Options | Method::Trace
    ) && matches!(
        response.status(),
        200 | 203 | 204 | 206 | 300 | 301 | 404 | 405 | 410 | 414 | 501
    );
    let mut fresh = [&b"expires"[..], b"etag", b"last-modified"]
        .iter()
        .any(|name| response.get(name).is_some());
    let values = response.get_all(b"cache-control");
    for part in values.flat_map(|value| value.split(|byte| *byte == b',')) {
        let part = part.trim_ascii().to_ascii_lowercase();
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        match (name, &part[..]) {
            // What is stale from the start stays so, whatever else is said.
            (_, b"max-age=0") => return false,
            (b"public", _) => cacheable = true,
            // Which fields `no-cache` is about does not matter: it is meant for cookies.
            (b"private" | b"no-cache" | b"no-store", _) | (_, b"s-maxage=0") => cacheable = false,
            (b"max-age" | b"s-maxage", _) => fresh = true,
            _ => {}
        }
    }
    cacheable && fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(method: Method, status: u16, fields: &[(&str, &str)]) -> bool {
        let mut head = Head::new();
        head.start_response(message::Version::HTTP_11, status, b"X");
        for (name, value) in fields {
            head.push(name.as_bytes(), value.as_bytes());
        }
        is_cacheable(method, &head)
    }

    /// As HAProxy 3.4.0 judges responses with a cookie.
    #[test]
    fn what_caches_may_keep() {
        let etag = ("etag", "x");
        for status in [200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501] {
            assert!(judged(Method::Get, status, &[etag]), "{status}");
            assert!(!judged(Method::Get, status, &[]), "{status}");
        }
        for status in [201, 302, 503] {
            assert!(!judged(Method::Get, status, &[etag]), "{status}");
            let public = ("cache-control", "public");
            assert!(judged(Method::Get, status, &[etag, public]), "{status}");
        }
        for (method, kept) in [
            (Method::Head, true),
            (Method::Options, true),
            (Method::Trace, true),
            (Method::Post, false),
            (Method::Put, false),
        ] {
            assert_eq!(judged(method, 200, &[etag]), kept, "{method:?}");
            assert!(judged(method, 200, &[etag, ("cache-control", "public")]));
        }
    }

    #[test]
    fn what_cache_control_says() {
        for (value, kept) in [
            ("max-age=5", true),
            ("s-maxage=5", true),
            ("max-age=00", true),
            ("max-age=0", false),
            ("max-age=0, public", false),
            ("max-age=0, max-age=5", false),
            ("s-maxage=0", false),
            ("s-maxage=0, public", true),
            ("private", false),
            ("PRIVATE", false),
            ("private=x", false),
            ("private, public", true),
            ("public, private", false),
            ("no-store, public", true),
            ("no-storex", true),
            ("no-cache", false),
            ("no-cache=\"foo\"", false),
            ("no-cache=\"foo, set-cookie\"", false),
            ("no-cache=\"set-cookie\", public", true),
            ("must-revalidate", true),
        ] {
            let fields = [("etag", "x"), ("cache-control", value)];
            assert_eq!(judged(Method::Get, 200, &fields), kept, "{value}");
        }
        assert!(!judged(Method::Get, 200, &[("cache-control", "public")]));
        let pragma = |value| judged(Method::Get, 200, &[("etag", "x"), ("pragma", value)]);
        assert!(!pragma("no-cache") && pragma("foo, no-cache"));
    }
}
