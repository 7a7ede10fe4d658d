//! The targets, by what they try.

mod address;
mod config;
mod dns;
mod expr;
mod h1;
mod h2;
mod patterns;
mod peers;
mod proxy;
mod runtime_api;
mod socks4;
mod syslog;
mod view;

use crate::Target;

/// Bytes of an input at most, for what is read more than once in time that grows with its length.
const SHORT: usize = 2048;
/// The same for what must also be tried beyond its own limits.
const LONG: usize = 20_000;

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "config_reader",
        run: config::reader,
        words: config::reader_words,
        max_len: LONG,
    },
    Target {
        name: "config_loader",
        run: config::loader,
        words: config::loader_words,
        max_len: 4096,
    },
    Target {
        name: "h1_request",
        run: h1::request,
        words: h1::words,
        max_len: LONG,
    },
    Target {
        name: "h1_response",
        run: h1::response,
        words: h1::words,
        max_len: LONG,
    },
    Target {
        name: "h1_chunks",
        run: h1::chunks,
        words: h1::chunk_words,
        max_len: LONG,
    },
    Target {
        name: "h2_connection",
        run: h2::connection,
        words: h2::words,
        max_len: SHORT,
    },
    Target {
        name: "proxy_header",
        run: proxy::header,
        words: proxy::words,
        max_len: SHORT,
    },
    Target {
        name: "netscaler_cip",
        run: proxy::netscaler_cip,
        words: proxy::words,
        max_len: SHORT,
    },
    Target {
        name: "socks4_reply",
        run: socks4::reply,
        words: socks4::words,
        max_len: 64,
    },
    Target {
        name: "syslog_message",
        run: syslog::message,
        words: syslog::words,
        max_len: SHORT,
    },
    Target {
        name: "syslog_frames",
        run: syslog::frames,
        words: syslog::words,
        max_len: SHORT,
    },
    Target {
        name: "dns_answer",
        run: dns::answer,
        words: dns::words,
        max_len: SHORT,
    },
    Target {
        name: "peers_messages",
        run: peers::messages,
        words: peers::words,
        max_len: SHORT,
    },
    Target {
        name: "expression",
        run: expr::expression,
        words: expr::words,
        max_len: SHORT,
    },
    Target {
        name: "converter",
        run: expr::converter,
        words: expr::converter_words,
        max_len: SHORT,
    },
    Target {
        name: "log_format",
        run: expr::log_format,
        words: expr::log_format_words,
        max_len: SHORT,
    },
    Target {
        name: "condition",
        run: expr::condition,
        words: expr::condition_words,
        max_len: SHORT,
    },
    Target {
        name: "patterns",
        run: patterns::patterns,
        words: patterns::words,
        max_len: SHORT,
    },
    Target {
        name: "address",
        run: address::address,
        words: address::words,
        max_len: 300,
    },
    Target {
        name: "runtime_api_reader",
        run: runtime_api::reader,
        words: runtime_api::words,
        max_len: LONG,
    },
];

/// Words as mutations want them.
fn owned<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<Vec<u8>> {
    words.into_iter().map(|word| word.into()).collect()
}

/// Lengths at which to cut an input: all of a short one, else its beginning, its end, and some that the bytes choose.
fn cuts(input: &[u8]) -> Vec<usize> {
    let len = input.len();
    if len <= 48 {
        return (0..len).collect();
    }
    let mut at = 0;
    let jump = |byte: &u8| {
        at = (at * 31 + usize::from(*byte) + 1) % len;
        at
    };
    let mut cuts: Vec<usize> = input.iter().take(24).map(jump).collect();
    cuts.extend([0, 1, 2, len - 2, len - 1]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Pieces of a length that the bytes choose.
fn piece(input: &[u8]) -> usize {
    let sum: usize = input.iter().take(64).map(|byte| usize::from(*byte)).sum();
    1 + sum % 37
}
