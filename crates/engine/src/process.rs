//! Starting the workers, and what signals do.

use crate::clock;
use crate::health::Followers;
use crate::listener::Listeners;
use crate::proxy::{Listening, ProxyRuntime};
use crate::runtime::{Process, Runtime};
use crate::worker::{self, Phase};
use expr::logformat::{LogFormat, Usage};
use model::Snapshot;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use wire::h1::{CaseMap, Limits};
use wire::h2::{self, Role};

/// What the program found out about the process before the workers start.
#[derive(Debug, Clone)]
pub struct ProcessInfo {
    /// Process id.
    pub pid: u32,
    /// The host name.
    pub hostname: String,
    /// The limit on client connections.
    pub maxconn: u32,
    /// Number of workers.
    pub workers: usize,
    /// Whether it takes the place of another process.
    pub follows: bool,
    /// What happens on SIGHUP: where states are dumped to.
    pub dump_states: bool,
}

/// Builds the running form of a configuration.
#[must_use]
pub fn build(snapshot: Arc<Snapshot>, info: &ProcessInfo) -> Arc<Runtime> {
    clock::start();
    let global = &snapshot.global;
    let process = Arc::new(Process::new(info, global));
    let proxies = snapshot
        .proxies
        .iter()
        .map(|proxy| Arc::new(ProxyRuntime::new(proxy.clone(), info.workers)))
        .collect();
    assemble(snapshot, proxies, process, None)
}

/// A runtime of its parts.
pub(crate) fn assemble(
    snapshot: Arc<Snapshot>,
    proxies: Vec<Arc<ProxyRuntime>>,
    process: Arc<Process>,
    before: Option<&Runtime>,
) -> Arc<Runtime> {
    let global = &snapshot.global;
    let followers = Followers::new(&proxies, |name| {
        let at = snapshot.backends.get(name)?;
        proxies.get(at.0 as usize).cloned()
    });
    let tables_before = before.map_or(&[][..], |before| &before.tables);
    let tables = tables(&snapshot.tables, tables_before);
    let peers = snapshot.peers.iter().map(|config| {
        let known = before.and_then(|before| {
            let mut sections = before.peers.iter();
            sections.find(|section| section.config.name == config.name)
        });
        if let Some(section) = known.filter(|section| section.shares(config, &tables)) {
            return section.clone();
        }
        let (workers, follows) = (process.threads as usize, process.follows);
        let section = crate::peers::Section::new(config.clone(), &tables, workers, follows);
        Arc::new(match known {
            Some(old) => section.following(old),
            None => section,
        })
    });
    let peers = peers.collect();
    let limits = Limits::new(
        global.buffer_size,
        global.rewrite_reserve,
        global.max_headers,
    );
    let http2 = (
        http2_config(global, Role::Server, limits),
        http2_config(global, Role::Client, limits),
    );
    let cases = (!global.header_cases.is_empty()).then(|| {
        let mut cases = CaseMap::new();
        for (from, to) in &global.header_cases {
            // Checked when the configuration was read.
            let _ = cases.insert(from.as_bytes(), to.as_bytes());
        }
        cases
    });
    let resolvers = snapshot.resolvers.iter().cloned();
    let resolvers = resolvers.map(|config| Arc::new(crate::resolvers::Section::new(config)));
    Arc::new(Runtime {
        resolvers: resolvers.collect(),
        snapshot,
        proxies,
        added: Default::default(),
        tables,
        peers,
        process,
        check_orders: Default::default(),
        followers,
        limits,
        http2,
        cases,
        handshake_log: handshake_log(),
    })
}

/// What is announced on HTTP/2 connections.
fn http2_config(global: &model::Global, role: Role, limits: Limits) -> h2::Config {
    let http2 = &global.http2;
    let figures = match role {
        Role::Server => http2.of_clients(),
        Role::Client => http2.of_servers(),
    };
    h2::Config {
        initial_window: figures.initial_window,
        stream_window: figures.stream_window,
        max_streams: figures.max_streams,
        max_glitches: figures.max_glitches,
        max_total_streams: match role {
            Role::Server => http2.max_total_streams,
            Role::Client => 0,
        },
        header_table: http2.header_table,
        max_frame: http2.max_frame,
        websockets: !http2.hides_websockets,
        limits,
        role,
        turns: false,
    }
}

/// The stick tables of a configuration: those of the one before that are declared in the same way, with their entries, and
/// new ones.
#[must_use]
pub fn tables(
    configs: &[stick::TableConfig],
    before: &[Arc<stick::Table>],
) -> Vec<Arc<stick::Table>> {
    let table = |config: &stick::TableConfig| {
        let same = before.iter().find(|table| table.config() == config);
        same.cloned()
            .unwrap_or_else(|| Arc::new(stick::Table::new(config.clone())))
    };
    configs.iter().map(table).collect()
}

/// The beginning of a line about a failed handshake, which no configuration can change.
fn handshake_log() -> Option<LogFormat> {
    let mut compiler = expr::Compiler::new(&expr::tables::TABLES);
    let mut acls = expr::AclSet::default();
    let mut context = expr::ParseContext::new(&mut compiler, &mut acls, expr::Phases::ALL);
    LogFormat::parse("%ci:%cp [%t] %f/%[so_id]: ", Usage::LOG, &mut context).ok()
}

/// How the process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything was done.
    Finished,
    /// It was told to end at once, by this signal.
    Signal(i32),
}

/// Runs the workers until the process is told to end.
///
/// # Errors
/// When threads or event loops can't be started.
pub fn run(runtime: Arc<Runtime>, listeners: Listeners) -> io::Result<End> {
    let process = runtime.process.clone();
    process.set_current(&runtime);
    crate::profile::set(runtime.snapshot.global.profiling);
    let (phase, watch) = watch::channel(Phase::Running);
    for listening in listeners.by_worker.iter().flatten() {
        runtime.process.exposed.add(&listening.bind, &listening.fd);
    }
    let mut threads = Vec::new();
    let mut forwards = Some(listeners.forwards);
    for (index, sockets) in listeners.by_worker.into_iter().enumerate() {
        let forwards = forwards.take();
        let (runtime, watch) = (runtime.clone(), watch.clone());
        let cpus = cpus_of(&runtime, index);
        let thread = std::thread::Builder::new()
            .name(format!("worker-{}", index + 1))
            .spawn(move || {
                if let Some(cpus) = cpus {
                    pin(&cpus);
                }
                worker::run(index, runtime, sockets, forwards, watch)
            })?;
        threads.push(thread);
    }
    drop(watch);
    // Another configuration may take its place, and then it goes with its last session.
    drop(runtime);
    supervise(&process, &phase, &threads)
}

fn cpus_of(runtime: &Runtime, index: usize) -> Option<Vec<usize>> {
    let number = index as u32 + 1;
    runtime
        .snapshot
        .global
        .cpu_map
        .iter()
        .find(|(thread, _)| *thread == number)
        .map(|(_, cpus)| cpus.clone())
}

fn pin(cpus: &[usize]) {
    let mut set = rustix::thread::CpuSet::new();
    for &cpu in cpus
        .iter()
        .filter(|&&cpu| cpu < rustix::thread::CpuSet::MAX_CPU)
    {
        set.set(cpu);
    }
    // A CPU that is not there leaves the thread where it is.
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

type Threads = [std::thread::JoinHandle<io::Result<()>>];

/// Waits for signals and for the workers' end.
fn supervise(
    process: &Arc<Process>,
    phase: &watch::Sender<Phase>,
    threads: &Threads,
) -> io::Result<End> {
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    event_loop.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut soft = signal(SignalKind::user_defined1())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut pause = signal(SignalKind::from_raw(rustix::process::Signal::TTOU.as_raw()))?;
        let mut resume = signal(SignalKind::from_raw(rustix::process::Signal::TTIN.as_raw()))?;
        let mut hard_stop = None;
        let end = loop {
            let deadline = async {
                match hard_stop {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let poll = async {
                let running = threads.iter().any(|thread| !thread.is_finished());
                let pause = if running && hard_stop.is_none() && *phase.borrow() == Phase::Running { 1000 } else { 10 };
                tokio::time::sleep(Duration::from_millis(pause)).await;
            };
            tokio::select! {
                _ = terminate.recv() => break End::Signal(SignalKind::terminate().as_raw_value()),
                _ = interrupt.recv() => break End::Signal(SignalKind::interrupt().as_raw_value()),
                _ = soft.recv() => {
                    let Some(runtime) = process.current() else {
                        continue;
                    };
                    if let Some(grace) = runtime.snapshot.global.grace {
                        tokio::time::sleep(Duration::from_millis(grace)).await;
                    }
                    let after = begin_soft_stop(&runtime, phase);
                    hard_stop = after.map(|after| tokio::time::Instant::now() + after).or(hard_stop);
                }
                _ = pause.recv() => switch_listeners(process, Listening::Running, Listening::Paused),
                _ = resume.recv() => switch_listeners(process, Listening::Paused, Listening::Running),
                _ = hang_up.recv() => dump_states(process),
                () = deadline => break End::Finished,
                () = poll => if threads.iter().all(|thread| thread.is_finished()) { break End::Finished },
            }
        };
        process.stopping.store(true, Ordering::Relaxed);
        let _ = phase.send(Phase::Ending);
        wait_for_workers(threads).await;
        io::Result::Ok(end)
    })
}

async fn wait_for_workers(threads: &Threads) {
    for _ in 0..200 {
        if threads.iter().all(|thread| thread.is_finished()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Stops accepting; says after which time the process ends whatever goes on (`hard-stop-after`).
fn begin_soft_stop(runtime: &Runtime, phase: &watch::Sender<Phase>) -> Option<Duration> {
    let process = &runtime.process;
    process
        .stopping_since
        .store(clock::now_ms(), Ordering::Relaxed);
    process.stopping.store(true, Ordering::Release);
    let _ = phase.send(Phase::Stopping);
    runtime
        .snapshot
        .global
        .hard_stop_after
        .map(Duration::from_millis)
}

/// Pauses or resumes every frontend that is in the first state.
fn switch_listeners(process: &Process, from: Listening, to: Listening) {
    let Some(runtime) = process.current() else {
        return;
    };
    for proxy in runtime
        .proxies
        .iter()
        .filter(|proxy| proxy.config.caps.front)
    {
        proxy.listening.send_if_modified(|state| {
            let changes = *state == from;
            if changes {
                *state = to;
            }
            changes
        });
    }
}

/// What SIGHUP prints: every proxy with its servers, as HAProxy does.
fn dump_states(process: &Process) {
    use expr::view::ProxyView;
    let Some(runtime) = process.current() else {
        return;
    };
    for proxy in &runtime.all_proxies() {
        for server in proxy.servers.load().iter() {
            let state = if server.state.is_usable() {
                "UP"
            } else {
                "DOWN"
            };
            eprintln!(
                "SIGHUP: Server {}/{} is {state}.",
                proxy.config.name, server.config.name
            );
        }
        let usable = proxy.usable_servers();
        let side = if proxy.config.caps.front {
            &proxy.front
        } else {
            &proxy.back
        };
        eprintln!(
            "SIGHUP: Proxy {} has {usable} servers available, {} connections.",
            proxy.config.name,
            side.connections.now()
        );
    }
}
