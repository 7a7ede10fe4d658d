//! How many connections, descriptors and how much memory the process may have.

use crate::report::Reporter;
use model::{Global, Options, Snapshot};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The most descriptors used unless `fd-hard-limit` says otherwise, however many the system would give.
const MOST_DESCRIPTORS: u64 = 1 << 20;
/// The connections worth starting for.
const FEWEST_CONNECTIONS: u64 = 100;
/// What a connection takes besides its two buffers, in bytes.
const CONNECTION_COST: u64 = 16 << 10;

/// CPUs this process may run on.
pub fn usable_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Workers to run.
pub fn workers(global: &Global) -> usize {
    let wanted = global
        .threads
        .map_or_else(usable_cpus, |threads| threads as usize);
    let most = global
        .thread_hard_limit
        .map_or(usize::MAX, |most| most as usize);
    wanted.min(most).max(1)
}

/// What a configuration takes of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Descriptors that are open whether or not there are connections.
    fixed: u64,
    /// Whether some proxy splices, which takes two descriptors for every fourth connection.
    splices: bool,
    /// Bytes of memory for one connection.
    per_connection: u64,
}

impl Needs {
    /// Counts what a configuration takes: as HAProxy, ten descriptors for the process, three for each worker, and one for
    /// each listener and health check.
    pub fn of(snapshot: &Snapshot) -> Self {
        let global = &snapshot.global;
        let enabled = || snapshot.proxies.iter().filter(|proxy| !proxy.disabled);
        let listeners: usize = enabled().map(|proxy| proxy.front.binds.len()).sum();
        let checks = enabled()
            .flat_map(|proxy| &proxy.back.servers)
            .filter(|server| server.settings.check.enabled)
            .count();
        let api = match global.stats_sockets.len() as u64 {
            0 => 0,
            sockets => sockets + u64::from(global.stats_maxconn),
        };
        let splicing = [
            Options::SPLICE_AUTO,
            Options::SPLICE_REQUEST,
            Options::SPLICE_RESPONSE,
        ];
        let splices =
            enabled().any(|proxy| splicing.iter().any(|option| proxy.options.has(*option)));
        Self {
            fixed: 10 + 3 * workers(global) as u64 + (listeners + checks) as u64 + api,
            splices: splices && !global.no_splice,
            per_connection: 2 * global.buffer_size as u64 + CONNECTION_COST,
        }
    }

    /// The connections that this many descriptors are enough for.
    fn connections(self, descriptors: u64) -> u64 {
        let free = descriptors.saturating_sub(self.fixed);
        let connections = if self.splices { free * 2 / 5 } else { free / 2 };
        connections.max(FEWEST_CONNECTIONS)
    }

    /// The descriptors that this many connections take.
    fn descriptors(self, connections: u64) -> u64 {
        let pipes = if self.splices {
            connections.div_ceil(4) * 2
        } else {
            0
        };
        self.fixed + 2 * connections + pipes
    }
}

/// Starts the program again in place when its memory is to be limited: the allocator reserves address space at its own
/// start, which the kernel would count against the limit.
///
/// # Errors
/// When the program can't be started again.
pub fn start_without_reserve() -> io::Result<()> {
    const RESERVE: &str = "MIMALLOC_ARENA_RESERVE";
    if std::env::var_os(RESERVE).is_some() {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    let mut words = std::env::args_os();
    again.arg0(words.next().unwrap_or_else(|| "hapax".into()));
    Err(again.args(words).env(RESERVE, "0").exec())
}

/// Settles the limits of the process and applies them. Answers with the limit on connections.
///
/// # Errors
/// When the system refuses them and `strict-limits` is on; it was said why then.
pub fn settle(snapshot: &Snapshot, memory: u64, reporter: &mut Reporter) -> Result<u32, ()> {
    let (global, needs) = (&snapshot.global, Needs::of(snapshot));
    let connections = match global.maxconn.filter(|limit| *limit > 0) {
        Some(limit) => u64::from(limit),
        None => {
            let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
            let derived =
                needs.connections(hard.min(global.fd_hard_limit.unwrap_or(MOST_DESCRIPTORS)));
            let affordable = (memory << 20) / needs.per_connection;
            let limit = if memory > 0 {
                derived.min(affordable.max(1))
            } else {
                derived
            };
            reporter.notice(format!("Automatically setting global.maxconn to {limit}."));
            limit
        }
    };
    raise_descriptors(
        global,
        needs.descriptors(connections),
        connections,
        reporter,
    )?;
    if memory > 0 {
        limit_memory(global, memory, reporter)?;
    }
    Ok(u32::try_from(connections).unwrap_or(u32::MAX))
}

/// Says that a limit can't be had: an error with `strict-limits`, a warning without.
fn complain(global: &Global, message: String, reporter: &mut Reporter) -> Result<(), ()> {
    if global.strict_limits {
        reporter.alert(message);
        return Err(());
    }
    reporter.warning(message);
    Ok(())
}

fn raise_descriptors(
    global: &Global,
    needed: u64,
    connections: u64,
    reporter: &mut Reporter,
) -> Result<(), ()> {
    let wanted = global.ulimit_n.unwrap_or(needed);
    let allowed = global.fd_hard_limit.is_none_or(|most| wanted <= most);
    let current = match allowed {
        true => sys::raise_descriptor_limit(wanted).unwrap_or(0),
        false => global.fd_hard_limit.unwrap_or(0),
    };
    if current < wanted {
        let message = format!(
            "[hapax.main()] Cannot raise FD limit to {wanted}, current limit is {current}. Without 'maxconn' and 'ulimit-n' \
             hapax adapts to the limit by itself; otherwise 'maxconn' should be lower than half of the limit, less one \
             descriptor for each listener and health check."
        );
        complain(global, message, reporter)?;
    }
    if current < needed {
        // An alert that HAProxy goes on after when limits are not strict.
        reporter.alert(format!(
            "[hapax.main()] FD limit ({current}) too low for maxconn={connections}/maxsock={needed}. Please raise \
             'ulimit-n' to {needed} or more to avoid any trouble."
        ));
        return if global.strict_limits {
            Err(())
        } else {
            Ok(())
        };
    }
    Ok(())
}

/// Limits the memory that holds data, not the address space, of which an allocator reserves more than it uses.
fn limit_memory(global: &Global, megabytes: u64, reporter: &mut Reporter) -> Result<(), ()> {
    let bytes = Some(megabytes << 20);
    match setrlimit(
        Resource::Data,
        Rlimit {
            current: bytes,
            maximum: bytes,
        },
    ) {
        Ok(()) => Ok(()),
        Err(error) => complain(
            global,
            format!("[hapax.main()] Cannot fix MEM limit to {megabytes} megs ({error})."),
            reporter,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One listener, two workers: what HAProxy 3.4 derives there.
    const PLAIN: Needs = Needs {
        fixed: 17,
        splices: false,
        per_connection: 1,
    };

    #[test]
    fn connections_from_descriptors() {
        for (descriptors, connections) in [
            (20_000, 9991),
            (1000, 491),
            (500, 241),
            (300, 141),
            (100, 100),
            (5, 100),
        ] {
            assert_eq!(PLAIN.connections(descriptors), connections, "{descriptors}");
        }
        assert_eq!(
            Needs {
                splices: true,
                ..PLAIN
            }
            .connections(20_000),
            7993
        );
    }

    #[test]
    fn descriptors_from_connections() {
        assert_eq!(PLAIN.descriptors(100_000), 200_017);
        assert_eq!(
            Needs {
                splices: true,
                ..PLAIN
            }
            .descriptors(100),
            267
        );
    }

    #[test]
    fn a_hard_limit_on_threads() {
        let global = Global {
            threads: Some(8),
            thread_hard_limit: Some(3),
            ..Global::default()
        };
        assert_eq!(workers(&global), 3);
    }
}
