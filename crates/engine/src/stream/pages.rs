//! Statuses: their reason phrases and the pages that are sent when the configuration gives none.

use message::FieldId;
use model::rules::Reply;

/// What the built-in page of a status says; `None` when there is no page for it.
fn words(status: u16) -> Option<(&'static str, &'static str)> {
    Some(match status {
        200 => ("OK", "Service ready."),
        400 => ("Bad request", "Your browser sent an invalid request."),
        401 => (
            "Unauthorized",
            "You need a valid user and password to access this content.",
        ),
        403 => ("Forbidden", "Request forbidden by administrative rules."),
        404 => ("Not Found", "The resource could not be found."),
        405 => (
            "Method Not Allowed",
            "A request was made of a resource using a request method not supported by that resource.",
        ),
        407 => (
            "Unauthorized",
            "You need a valid user and password to access this content.",
        ),
        408 => (
            "Request Time-out",
            "Your browser didn't send a complete request in time.",
        ),
        410 => (
            "Gone",
            "The resource is no longer available and will not be available again.",
        ),
        413 => (
            "Payload Too Large",
            "The request entity exceeds the maximum allowed.",
        ),
        414 => (
            "URI Too Long",
            "The URI provided was too long for the server to process.",
        ),
        421 => (
            "Misdirected Request",
            "Request sent to a non-authoritative server.",
        ),
        422 => (
            "Unprocessable Content",
            "The server cannot process the contained instructions.",
        ),
        425 => ("Too Early", "Your browser sent early data."),
        429 => (
            "Too Many Requests",
            "You have sent too many requests in a given amount of time.",
        ),
        431 => (
            "Request Header Fields Too Large",
            "Request Header Fields Too Large.",
        ),
        500 => (
            "Internal Server Error",
            "An internal server error occurred.",
        ),
        501 => (
            "Not Implemented",
            "The server does not support the functionality required to fulfill the request.",
        ),
        502 => (
            "Bad Gateway",
            "The server returned an invalid or incomplete response.",
        ),
        503 => (
            "Service Unavailable",
            "No server is available to handle this request.",
        ),
        504 => ("Gateway Time-out", "The server didn't respond in time."),
        _ => return None,
    })
}

/// The built-in page of a status; statuses without one of their own get that of 500.
#[must_use]
pub fn page(status: u16) -> Reply {
    let (status, (title, text)) = match words(status) {
        Some(words) => (status, words),
        None => (
            500,
            (
                "Internal Server Error",
                "An internal server error occurred.",
            ),
        ),
    };
    let mut reply = Reply::new(status, title.as_bytes());
    reply.head.push_known(FieldId::CacheControl, b"no-cache");
    reply.head.push_known(FieldId::ContentType, b"text/html");
    reply.body = format!("<html><body><h1>{status} {title}</h1>\n{text}\n</body></html>\n").into();
    // After these two the rest of what the client sends can't be told apart from another request.
    reply.close = matches!(status, 400 | 408);
    reply
}

/// Writes a built-in page for a request that could not be read, in the form HAProxy sends it in.
pub fn write_raw(status: u16, page: &Reply, out: &mut Vec<u8>) {
    use std::io::Write;
    let reason = String::from_utf8_lossy(page.head.reason());
    let close = if page.close {
        "Connection: close\r\n"
    } else {
        ""
    };
    // Writing to memory does not fail.
    let _ = write!(
        out,
        "HTTP/1.1 {status} {reason}\r\nContent-length: {}\r\nCache-Control: no-cache\r\n{close}\
         Content-Type: text/html\r\n\r\n",
        page.body.len()
    );
    out.extend_from_slice(&page.body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_lengths_that_haproxy_announces() {
        for (status, len) in [
            (400, 90),
            (403, 93),
            (405, 147),
            (408, 110),
            (431, 105),
            (502, 107),
            (503, 107),
            (504, 92),
        ] {
            assert_eq!(page(status).body.len(), len, "{status}");
        }
        assert_eq!(page(418).head.status(), 500);
    }
}
