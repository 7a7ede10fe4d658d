//! What a parser accepts.

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The buffer size less the rewrite reserve (`tune.bufsize`, `tune.maxrewrite`), in bytes. The texts of a head and
    /// [`FIELD_COST`] for each field must stay below it by [`HEAD_COST`].
    pub max_head: usize,
    /// Bytes at which an incomplete head counts as too large, because the buffer is full.
    pub max_buffered: usize,
    /// Fields a message must stay below (`tune.http.maxhdr`).
    pub max_fields: usize,
}

/// What a head costs beyond its texts, in bytes: the buffer's own bookkeeping in HAProxy, so that the same messages fit.
pub const HEAD_COST: usize = 77;
/// What a field costs beyond its texts.
pub const FIELD_COST: usize = 8;
/// What a buffer holds less than its size.
const BUFFER_COST: usize = 56;

impl Limits {
    /// The limits for `tune.bufsize`, `tune.maxrewrite` and `tune.http.maxhdr`.
    #[must_use]
    pub fn new(bufsize: usize, maxrewrite: usize, maxhdr: usize) -> Self {
        Self {
            max_head: bufsize.saturating_sub(maxrewrite),
            max_buffered: bufsize.saturating_sub(BUFFER_COST),
            max_fields: maxhdr,
        }
    }

    /// Whether a head whose texts have this total length fits.
    pub(super) fn allow(&self, text: usize, fields: usize) -> bool {
        text + FIELD_COST * fields + HEAD_COST <= self.max_head
    }
}

impl Default for Limits {
    /// The figures for the default `tune.bufsize` 16384, `tune.maxrewrite` 1024 and `tune.http.maxhdr` 101.
    fn default() -> Self {
        Self::new(16384, 1024, 101)
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
