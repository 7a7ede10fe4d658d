//! Threads, and where they run.

use super::cpu_map;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "cpu-map",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Which CPUs threads run on.",
        read: cpu_map::read,
    },
    Row {
        name: "nbthread",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Number of threads.",
        read: nbthread,
    },
    Row {
        name: "thread-group",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Threads of a group.",
        read: thread_group,
    },
    Row {
        name: "thread-groups",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Number of thread groups.",
        read: thread_groups,
    },
    Row {
        name: "thread-hard-limit",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Threads used at most.",
        read: thread_hard_limit,
    },
];

/// The largest number of threads and of thread groups.
const MAX_THREADS: i64 = 1024;

const MAX_GROUPS: i64 = 32;

fn bounded(statement: Statement<'_>, max: i64) -> Parsed<u32> {
    let (keyword, text) = (statement.keyword(), statement.arg(0));
    let message =
        || format!("'{keyword}' passed a missing or unparsable integer value in '{text}'");
    let value: i64 = text.parse().map_err(|_| statement.fault_here(message()))?;
    if !(1..=max).contains(&value) {
        return Err(statement.fault(
            0,
            format!("'{keyword}' value must be between 1 and {max} (was {value})"),
        ));
    }
    u32::try_from(value).map_err(|_| statement.fault_here(message()))
}

fn nbthread(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.threads = Some(bounded(statement, MAX_THREADS)?);
    Ok(())
}

fn thread_hard_limit(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.thread_hard_limit = Some(bounded(statement, MAX_THREADS)?);
    Ok(())
}

const ONE_GROUP: &str = "has no effect: all threads are in one group here.";

fn thread_groups(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    bounded(statement, MAX_GROUPS)?;
    parser.notice_once(statement, format!("'thread-groups' {ONE_GROUP}"));
    Ok(())
}

fn thread_group(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    bounded(statement, MAX_GROUPS)?;
    parser.notice_once(statement, format!("'thread-group' {ONE_GROUP}"));
    Ok(())
}
