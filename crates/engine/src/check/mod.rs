//! Health checks.
//!
//! What a check does is a [`script`](model::check::CheckScript), run by [`probe`] against one server; [`agent`] asks a
//! server's agent, [`external`] runs a program; [`schedule`] says when, and [`crate::health`] applies the result. Each
//! worker checks its share of the servers from one task, so that idle checks cost an entry in a heap and nothing else.

mod agent;
mod expect;
mod external;
mod probe;
mod request;
mod schedule;
mod target;
mod wire;

use crate::io::Deadline;
use crate::runtime::{self, Runtime};
use crate::worker::Worker;
use crate::{clock, health, proxy::ServerRuntime};
use model::Observe;
use model::live::health::Finder;
use schedule::Schedule;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use target::Target;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// How many checks of one worker may be under way at a time; the others wait, lest a network that swallows packets
/// turns every server into an open descriptor.
const MOST_AT_ONCE: usize = 4096;

pub(crate) use target::is_checked;

/// Starts a worker's share of the checks; they end with the task.
pub fn start(worker: &Rc<Worker>, runtime: &Arc<Runtime>) -> AbortHandle {
    if worker.index == 0 {
        health::inherit_all(runtime);
    }
    let targets = share(worker.index, runtime);
    let warms = worker.index == 0;
    let runtime = runtime.clone();
    let all = async move {
        tokio::join!(run(runtime.clone(), targets), async {
            if warms {
                warm_up(&runtime).await;
            }
        });
    };
    tokio::task::spawn_local(all).abort_handle()
}

/// A worker's targets, each with the time of its first check in milliseconds from now.
fn share(worker: usize, runtime: &Arc<Runtime>) -> Vec<(u64, Rc<Target>)> {
    let checked: Vec<_> = runtime
        .proxies
        .iter()
        .filter(|proxy| target::has_checks(&proxy.config))
        .flat_map(|proxy| {
            let servers = proxy.servers.load();
            let servers: Vec<_> = servers.iter().cloned().collect();
            servers.into_iter().map(move |server| (proxy, server))
        })
        .flat_map(|(proxy, server)| {
            let finders: Vec<_> = target::finders(&server.config).collect();
            let found = finders.into_iter();
            found.map(move |finder| (proxy, server.clone(), finder))
        })
        .collect();
    let first = |server: &ServerRuntime, finder| {
        let intervals = target::intervals(&server.config.settings.check, finder);
        match finder {
            Finder::Check => server.state.health.lock().interval(&intervals),
            Finder::Agent => intervals.normal,
        }
    };
    let delays = checked
        .iter()
        .map(|(_, server, finder)| first(server, *finder));
    let shortest = delays.min();
    let threads = (runtime.process.threads as usize).max(1);
    checked
        .iter()
        .enumerate()
        .filter(|(at, _)| at % threads == worker)
        .map(|(at, (proxy, server, finder))| {
            let interval = first(server, *finder).max(shortest.unwrap_or(0));
            let most = runtime.snapshot.global.max_spread_checks;
            let spread = most.map_or(interval, |most| interval.min(most));
            let delay = schedule::first_delay(spread, at, checked.len());
            (delay, Rc::new(Target::new(proxy, server, *finder)))
        })
        .collect()
}

async fn run(runtime: Arc<Runtime>, targets: Vec<(u64, Rc<Target>)>) {
    let now = clock::now_ms();
    let mut schedule = Schedule::new(targets.iter().map(|(delay, _)| now + delay));
    let mut running: JoinSet<(usize, u64)> = JoinSet::new();
    let mut deadline = Deadline::default();
    let mut hurries = hurries(&targets);
    loop {
        let now = clock::now_ms();
        while running.len() < MOST_AT_ONCE
            && let Some(at) = schedule.take_due(now)
        {
            if let Some((_, target)) = targets.get(at) {
                let check = once(runtime.clone(), target.clone());
                running.spawn_local(async move { (at, check.await) });
            }
        }
        let next = schedule.next().filter(|_| running.len() < MOST_AT_ONCE);
        let due = std::future::poll_fn(|cx| deadline.poll(cx, next));
        tokio::select! {
            Some(Ok((at, delay))) = running.join_next(), if !running.is_empty() => {
                schedule.put(clock::now_ms() + delay, at);
            }
            Some(at) = hurries.recv() => {
                if let Some((_, target)) = targets.get(at) {
                    let delay = target.intervals.changing.unwrap_or(target.intervals.normal);
                    schedule.hasten(clock::now_ms() + delay, at);
                }
            }
            () = due => {}
        }
    }
}

/// Where targets are told of by their place whose next check live traffic asks for soon (`observe`). Ends with its
/// receiver.
fn hurries(targets: &[(u64, Rc<Target>)]) -> mpsc::UnboundedReceiver<usize> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let observed = targets.iter().enumerate().filter(|(_, (_, target))| {
        let check = &target.server.config.settings.check;
        target.finder == Finder::Check && check.observe != Observe::Nothing
    });
    for (at, (_, target)) in observed {
        let (sender, server) = (sender.clone(), target.server.clone());
        tokio::task::spawn_local(async move {
            loop {
                server.hurry.notified().await;
                if sender.send(at).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// Checks a server unless it is in maintenance, and says after how many milliseconds to do so again.
async fn once(runtime: Arc<Runtime>, target: Rc<Target>) -> u64 {
    let (proxy, server) = (&target.proxy, &target.server);
    let maintained = server.state.admin().in_maintenance();
    match target.finder {
        // The agent may be the one that ends the maintenance.
        Finder::Agent if !server.state.agent_paused() => agent::run(&runtime, &target).await,
        Finder::Check if !maintained && !server.state.checks_paused() => {
            let outcome = match target.is_external() {
                true => external::run(&runtime, &target).await,
                false => probe::run(&runtime, &target).await,
            };
            health::conclude(&runtime, proxy, server, Finder::Check, outcome);
        }
        _ => {}
    }
    let interval = match target.finder {
        Finder::Check => server.state.health.lock().interval(&target.intervals),
        Finder::Agent => target.intervals.normal,
    };
    let percent = runtime.snapshot.global.spread_checks;
    schedule::vary(interval, percent, runtime::random())
}

/// Lets servers that have come up lately take more and more (`slowstart`).
async fn warm_up(runtime: &Arc<Runtime>) {
    let slow = runtime
        .proxies
        .iter()
        .flat_map(|proxy| {
            let servers = proxy.servers.load();
            let servers: Vec<_> = servers.iter().cloned().collect();
            servers.into_iter().map(move |server| (proxy, server))
        })
        .filter(|(_, server)| server.config.settings.slow_start > 0);
    let slow: Vec<_> = slow.collect();
    let shortest = slow
        .iter()
        .map(|(_, server)| server.config.settings.slow_start);
    let Some(shortest) = shortest.min() else {
        return;
    };
    // Twenty steps are smooth enough, and a second is soon enough.
    let tick = Duration::from_millis((shortest / 20).clamp(20, 1000));
    loop {
        tokio::time::sleep(tick).await;
        clock::wake();
        for (proxy, server) in &slow {
            health::warm(runtime, proxy, server);
        }
    }
}
