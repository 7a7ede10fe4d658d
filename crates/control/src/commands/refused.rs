//! Commands of HAProxy that are not built, and why: what they wait for, or what speaks against them.

/// The words with which such commands begin, and the answer.
type Refused = (&'static str, &'static str);

const INSIDE: &str = "This command looks into HAProxy's own memory or disturbs the process on purpose; it is not built.";
const ACME: &str = "This command is not built yet: it waits for ACME.";
const CACHE: &str = "This command is not built yet: it waits for the cache.";
const COUNTERS: &str =
    "This command is not built: there are no counters of conditions in the code.";
const QUIC: &str = "This command is not built yet: it waits for QUIC.";

/// All of them. A command that is built wins over its entry here.
pub const COMMANDS: &[Refused] = &[
    ("acme", ACME),
    ("debug counters", COUNTERS),
    ("debug dev bug", INSIDE),
    ("debug dev check", INSIDE),
    ("debug dev close", INSIDE),
    ("debug dev deadlock", INSIDE),
    ("debug dev delay", INSIDE),
    ("debug dev exit", INSIDE),
    ("debug dev fd", INSIDE),
    ("debug dev hex", INSIDE),
    ("debug dev loop", INSIDE),
    ("debug dev panic", INSIDE),
    ("debug dev sched", INSIDE),
    ("debug dev stream", INSIDE),
    ("debug dev sym", INSIDE),
    ("debug dev task", INSIDE),
    ("debug dev tkill", INSIDE),
    ("debug dev warn", INSIDE),
    ("show cache", CACHE),
    ("show quic", QUIC),
];
