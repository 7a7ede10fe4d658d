//! `set anon`, `show anon`: names and addresses in answers that are shared with others.
//!
//! Where an answer is made unrecognisable a text becomes six hexadecimal digits of its hash, the same for the same key, in
//! HAProxy's way: outputs of both can be compared.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::borrow::Cow;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["debug", "dev", "hash"],
        level: Level::User,
        args: "  [msg]",
        doc: "answer with the text, hashed when names are",
        run: hash_text,
    },
    CommandRow {
        words: &["set", "anon", "global-key"],
        level: Level::Operator,
        args: "<value>",
        doc: "change the key that sessions begin with",
        run: set_global,
    },
    CommandRow {
        words: &["set", "anon", "off"],
        level: Level::Operator,
        args: "",
        doc: "show names and addresses as they are",
        run: |context, _, _| context.state.anonymous = None,
    },
    CommandRow {
        words: &["set", "anon", "on"],
        level: Level::Operator,
        args: "[value]",
        doc: "hash names and addresses in this session's answers",
        run: set_on,
    },
    CommandRow {
        words: &["show", "anon"],
        level: Level::User,
        args: "",
        doc: "show whether names and addresses are hashed",
        run: show,
    },
];

/// A text, or its hash if there is a key.
pub(crate) fn hashed<'t>(key: Option<u32>, text: &'t str) -> Cow<'t, str> {
    match key {
        None => Cow::Borrowed(text),
        Some(key) => {
            let hash = xxhash_rust::xxh32::xxh32(text.as_bytes(), key);
            Cow::Owned(format!("{:06x}", hash & 0x00ff_ffff))
        }
    }
}

fn hash_text(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    reply.info(&hashed(context.state.anonymous, args.get(0)));
}

fn key_of(word: &str) -> Option<u32> {
    word.parse().ok().filter(|key| *key > 0)
}

const RANGE: &str = "Value out of range (1 to 4294967295 expected).";

fn set_on(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let global = context
        .runtime
        .process
        .anonymous_key
        .load(Ordering::Relaxed);
    context.state.anonymous = match (args.get(0), global) {
        ("", 0) => Some((engine::runtime::random() as u32).max(1)),
        ("", key) => Some(key),
        (word, _) => match key_of(word) {
            Some(key) => Some(key),
            None => return reply.error(RANGE),
        },
    };
}

fn set_global(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    // Zero is no key: sessions choose one at random then.
    match args.get(0).parse() {
        Ok(key) => (context.runtime.process.anonymous_key).store(key, Ordering::Relaxed),
        Err(_) => reply.error("Value out of range (0 to 4294967295 expected)."),
    }
}

fn show(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    match context.state.anonymous {
        None => reply.info("Anonymized mode disabled"),
        Some(key) => {
            reply.info("Anonymized mode enabled");
            reply.plain(format_args!("Key : {key}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_haproxy() {
        assert_eq!(hashed(Some(123), "abc"), "8ce1ba");
        assert_eq!(hashed(Some(123), "be"), "ee3a57");
        assert_eq!(hashed(None, "be"), "be");
    }
}
