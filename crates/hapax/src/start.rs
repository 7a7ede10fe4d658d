//! From a configuration to a running process.
//!
//! Whatever can fail is done while standard error is still there to tell of it and the previous processes still serve:
//! limits, listening sockets, the process number's file, the jail and the user. Only then are the previous processes
//! dismissed and the terminal left.

use crate::args::Options;
use crate::previous::Previous;
use crate::report::{Reporter, reason};
use crate::worker::Given;
use crate::{environment, limits, privileges, reload};
use engine::handover::Inherited;
use engine::listener::{self, Listeners};
use engine::process::{self, End, ProcessInfo};
use engine::{persist, state_file};
use model::{Address, Global, Snapshot};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often, and how long apart, binding is tried again while previous processes give up their ports.
const RETRIES: u32 = 200;
const RETRY_DELAY: Duration = Duration::from_millis(10);

/// Starts and runs until the end.
pub fn start(
    options: &Options,
    snapshot: Snapshot,
    given: Option<Given>,
    reporter: &mut Reporter,
) -> ExitCode {
    reload::install(options);
    let mut previous = Previous::new(options);
    let (channel, predecessor) =
        given.map_or((None, None), |given| (Some(given.channel), given.previous));
    let states = state_file::load(&snapshot);
    let (images, faults) = persist::load(&snapshot.tables);
    for fault in faults {
        reporter.warning(fault);
    }
    let follows = predecessor.is_some() || !previous.is_empty();
    let prepared = inherit(options, predecessor, reporter)
        .and_then(|inherited| prepare(options, &snapshot, &inherited, &mut previous, reporter));
    let Ok((maxconn, listeners)) = prepared else {
        previous.resume();
        return ExitCode::FAILURE;
    };
    let info = ProcessInfo {
        pid: std::process::id(),
        hostname: environment::hostname(),
        maxconn,
        workers: limits::workers(&snapshot.global),
        follows,
        dump_states: true,
    };
    control::install();
    if let Some(channel) = channel {
        control::master::worker::attach(channel);
    }
    let runtime = process::build(Arc::new(snapshot), &info);
    for warning in state_file::restore(&runtime, &states) {
        reporter.warning(warning);
    }
    for fault in persist::restore(&runtime, &images) {
        reporter.warning(fault);
    }
    if let Err(why) = control::load_counters(&runtime) {
        reporter.warning(why);
    }
    engine::trace::start(&runtime, options.traces.as_ref());
    let (warnings, boot) = (reporter.warnings() as u64, reporter.began().elapsed());
    let boot = u64::try_from(boot.as_millis()).unwrap_or(u64::MAX);
    runtime.process.warnings.store(warnings, Ordering::Relaxed);
    runtime
        .process
        .boot_ms
        .store(boot.max(1), Ordering::Relaxed);
    match process::run(runtime, listeners) {
        Ok(End::Finished) => ExitCode::SUCCESS,
        Ok(End::Signal(signal)) => {
            sys::end_by_signal(signal);
            ExitCode::FAILURE
        }
        Err(error) => {
            reporter.alert(format!("[hapax.main()] Cannot run : {}.", reason(&error)));
            ExitCode::FAILURE
        }
    }
}

/// The listening sockets of the process before this one: a master's former worker, or the one that `-x` names.
fn inherit(
    options: &Options,
    predecessor: Option<OwnedFd>,
    reporter: &mut Reporter,
) -> Result<Inherited, ()> {
    if let Some(connection) = predecessor {
        return Ok(Inherited::request(&connection).unwrap_or_else(|error| {
            reporter.warning(format!(
                "The former worker did not hand over its listening sockets ({}); they are opened again.",
                reason(&error)
            ));
            Inherited::default()
        }));
    }
    let Some(path) = options
        .handover
        .as_deref()
        .filter(|path| *path != Path::new("/dev/null"))
    else {
        return Ok(Inherited::default());
    };
    let written = path.as_os_str().as_bytes();
    let place = OsStr::from_bytes(written.strip_prefix(b"unix@").unwrap_or(written));
    let connected = UnixStream::connect(place).map_err(|_| {
        reporter.warning(format!(
            "Failed to connect to the old process socket '{}'",
            path.display()
        ));
    });
    let requested = connected.and_then(|connection| {
        Inherited::request(&connection).map_err(|error| {
            reporter.warning(format!(
                "'{}' does not hand over its listening sockets ({}); does it have 'expose-fd listeners'?",
                path.display(),
                reason(&error)
            ));
        })
    });
    if requested.is_err() {
        reporter.alert("Failed to get the sockets from the old process!");
    }
    requested
}

/// Everything up to the first connection.
fn prepare(
    options: &Options,
    snapshot: &Snapshot,
    inherited: &Inherited,
    previous: &mut Previous,
    reporter: &mut Reporter,
) -> Result<(u32, Listeners), ()> {
    let global = &snapshot.global;
    let maxconn = limits::settle(snapshot, options.memory, reporter)?;
    if !listens(snapshot) {
        reporter.alert(
            "[hapax.main()] No enabled listener found (check for 'bind' directives) ! Exiting.",
        );
        return Err(());
    }
    let listeners = bind(
        snapshot,
        limits::workers(global),
        inherited,
        previous,
        reporter,
    )?;
    let pidfile = create_pidfile(global, reporter)?;
    privileges::enter_jail(global, reporter)?;
    // A user without rights could not dismiss the processes of another one.
    previous.dismiss();
    privileges::drop_rights(global, reporter)?;
    if global.daemon {
        leave_terminal(pidfile, reporter)?;
    }
    Ok((maxconn, listeners))
}

/// Whether a configuration has anything to listen on.
pub fn listens(snapshot: &Snapshot) -> bool {
    let proxies = || snapshot.proxies.iter().filter(|proxy| !proxy.disabled);
    proxies().any(|proxy| !proxy.front.binds.is_empty())
        || snapshot
            .peers
            .iter()
            .any(|peers| !peers.proxy.front.binds.is_empty())
        || !snapshot.global.stats_sockets.is_empty()
}

/// Binds every listening socket, or none; while previous processes may hold the ports, several times.
fn bind(
    snapshot: &Snapshot,
    workers: usize,
    inherited: &Inherited,
    previous: &mut Previous,
    reporter: &mut Reporter,
) -> Result<Listeners, ()> {
    let mut retries = 0;
    let failures = loop {
        match listener::bind_all(snapshot, workers, inherited) {
            Ok(listeners) => return Ok(listeners),
            Err(failures) if retries >= RETRIES => break failures,
            Err(failures) => {
                previous.pause();
                if previous.is_empty() {
                    break failures;
                }
                retries += 1;
                std::thread::sleep(RETRY_DELAY);
            }
        }
    };
    for failure in failures {
        let (file, line) = &failure.bind.origin;
        let (protocol, place) = describe(&failure.bind.address, failure.datagrams);
        if matches!(failure.bind.address, Address::Reverse(_)) {
            reporter.alert(format!(
                "Starting [{file}:{line}] for {} {}: protocol {protocol}: {}.",
                kind(snapshot, &failure.proxy),
                failure.proxy,
                failure.error,
            ));
            continue;
        }
        reporter.alert(format!(
            "Binding [{file}:{line}] for {} {}: protocol {protocol}: {} ({}){place}.",
            kind(snapshot, &failure.proxy),
            failure.proxy,
            failure.step,
            reason(&failure.error),
        ));
    }
    reporter.alert("[hapax.main()] Some protocols failed to start their listeners! Exiting.");
    Err(())
}

/// How messages call the proxy of a listener. The runtime API's listeners belong to none of the configuration's.
fn kind(snapshot: &Snapshot, name: &str) -> &'static str {
    let proxy = snapshot
        .frontends
        .get(name)
        .and_then(|at| snapshot.proxy(*at));
    if proxy.is_some_and(|proxy| proxy.caps.back) {
        "proxy"
    } else {
        "frontend"
    }
}

/// The protocol and the place of an address, as binding errors name them.
fn describe(address: &Address, datagrams: bool) -> (&'static str, String) {
    let (protocol, place) = place(address);
    let protocol = match protocol {
        "tcpv4" if datagrams => "udp4",
        "tcpv6" if datagrams => "udp6",
        "unix_stream" if datagrams => "unix_dgram",
        other => other,
    };
    (protocol, place)
}

fn place(address: &Address) -> (&'static str, String) {
    match address {
        Address::Inet(at) if at.is_ipv4() => ("tcpv4", format!(" for [{at}]")),
        Address::Inet(at) => ("tcpv6", format!(" for [{}:{}]", at.ip(), at.port())),
        Address::Unix(path) => ("unix_stream", format!(" [{}]", path.display())),
        Address::Abstract { name, .. } => (
            "unix_stream",
            format!(" [abns@{}]", String::from_utf8_lossy(name)),
        ),
        Address::Fd(number) => ("fd", format!(" for [fd@{number}]")),
        Address::SocketPair(number) => ("sockpair", format!(" for [sockpair@{number}]")),
        Address::Reverse(_) => ("rev", String::new()),
    }
}

/// Creates the file for the process number, which only background processes write.
fn create_pidfile(global: &Global, reporter: &mut Reporter) -> Result<Option<File>, ()> {
    let Some(path) = global.pidfile.as_ref().filter(|_| global.daemon) else {
        return Ok(None);
    };
    File::create(path).map(Some).map_err(|error| {
        reporter.alert(format!(
            "[hapax.main()] Cannot create pidfile {} : {}",
            path.display(),
            reason(&error)
        ));
    })
}

fn leave_terminal(pidfile: Option<File>, reporter: &mut Reporter) -> Result<(), ()> {
    let write = move |pid: u32| {
        if let Some(mut file) = pidfile {
            // The parent leaves at once, and the child serves whether or not its number could be written.
            let _ = writeln!(file, "{pid}");
        }
    };
    sys::daemonize(write)
        .map_err(|error| reporter.alert(format!("[hapax.main()] Cannot fork : {}", reason(&error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_listeners() {
        let inet = |text: &str| text.parse().map(Address::Inet);
        assert_eq!(
            inet("127.0.0.1:80").map(|address| describe(&address, false)),
            Ok(("tcpv4", " for [127.0.0.1:80]".to_owned()))
        );
        assert_eq!(
            inet("[::1]:80").map(|address| describe(&address, false)),
            Ok(("tcpv6", " for [::1:80]".to_owned()))
        );
        assert_eq!(
            describe(&Address::Unix("/a".into()), false),
            ("unix_stream", " [/a]".to_owned())
        );
    }
}
