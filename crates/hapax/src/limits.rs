//! How many connections and descriptors the process may have.

use crate::report::Reporter;
use model::proxy_options::SPLICING;
use model::{Global, Snapshot};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most descriptors used unless `fd-hard-limit` says otherwise, however many the system would give.
const MOST_DESCRIPTORS: u64 = 1 << 20;
/// Connections that are worth starting for.
const FEWEST_CONNECTIONS: u64 = 100;
