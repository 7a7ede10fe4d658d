//! Certificates and what belongs to them: looking at them and changing them (management manual, section 9.3).
//!
//! What is changed is prepared first, in a transaction, and takes effect with its commit: all of it or nothing. Connections
//! keep what they began with.

mod authorities;
mod certificates;
mod lists;
mod ocsp;
mod print;
mod revocations;
mod sni;
mod ticket_keys;
mod tokens;
mod transaction;

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::certificates::users;

/// The rows of this family.
pub const ROWS: &[&[CommandRow]] = &[
    authorities::ROWS,
    certificates::ROWS,
    lists::ROWS,
    ocsp::ROWS,
    revocations::ROWS,
    sni::ROWS,
    ticket_keys::ROWS,
    tokens::ROWS,
];

const fn row(
    words: &'static [&'static str],
    level: Level,
    args: &'static str,
    doc: &'static str,
    run: crate::command::Run,
) -> CommandRow {
    CommandRow {
        words,
        level,
        args,
        doc,
        run,
    }
}

/// The first word, or a refusal that says what is expected.
fn named<'a>(args: Args<'a>, reply: &mut Reply, expected: &str) -> Option<&'a str> {
    match args.get(0) {
        "" => {
            reply.error(expected);
            None
        }
        name => Some(name),
    }
}

/// A name with an index behind a colon; `Err` when that is no number from 1 on.
fn indexed(word: &str) -> Result<(&str, Option<usize>), ()> {
    match word.rsplit_once(':') {
        None => Ok((word, None)),
        Some((name, index)) => match index.parse() {
            Ok(0) | Err(_) => Err(()),
            Ok(index) => Ok((name, Some(index))),
        },
    }
}

/// What is said when another transaction is under way.
fn about_another(about: &str, wanted: &str, verb: &str) -> String {
    format!("The ongoing transaction is about '{about}' but you are trying to {verb} '{wanted}'\n")
}

/// The words and the payload of a command that takes both; refuses when one is missing.
fn payload<'a>(
    context: &Context<'a>,
    args: Args<'a>,
    reply: &mut Reply,
    expected: &str,
) -> Option<(&'a str, &'a str)> {
    match (args.get(0), context.payload) {
        ("", _) | (_, None) => {
            reply.error(expected);
            None
        }
        (name, Some(payload)) => Some((name, payload)),
    }
}
