//! What a parser accepts.

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes a head may take, its final empty line included: the buffer size less the rewrite reserve
    /// (`tune.bufsize`, `tune.maxrewrite`).
    pub max_head: usize,
    /// Fields a message may have (`tune.http.maxhdr`).
    pub max_fields: usize,
}

impl Default for Limits {
    /// The figures for the default `tune.bufsize` 16384, `tune.maxrewrite` 1024 and `tune.http.maxhdr` 101.
    fn default() -> Self {
        Self {
            max_head: 16384 - 1024,
            max_fields: 101,
        }
    }
}

/// What is tolerated beyond the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// `option accept-unsafe-violations-in-http-request` for requests, `…-response` for responses.
    pub accept_unsafe: bool,
    /// `h1-accept-payload-with-any-method`: HTTP/1.0 GET, HEAD and DELETE may carry a body.
    pub payload_with_any_method: bool,
    /// `h1-do-not-close-on-insecure-transfer-encoding`: a message with both `Content-Length` and `Transfer-Encoding`
    /// is mended, but its connection may stay open.
    pub keep_insecure_transfer_encoding: bool,
}
