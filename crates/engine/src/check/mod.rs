//! Health checks.
//!
//! What a check does is a [`script`](script::Script), run by [`probe`] against one server; [`schedule`] says when, and
//! [`effect`] applies the result: [`Health`](model::live::health::Health) decides, the balancer and the logs are told.
//! Each worker checks its share of the servers from one task, so that idle checks cost an entry in a heap and nothing
//! else.

mod effect;
mod probe;
mod schedule;
mod script;
mod target;

use crate::io::Deadline;
use crate::runtime::{self, Runtime};
use crate::worker::Worker;
use crate::{clock, proxy::ServerRuntime};
use effect::Board;
use schedule::Schedule;
use std::rc::Rc;
use std::sync::Arc;
use target::Target;
use tokio::task::{AbortHandle, JoinSet};

/// How many checks of one worker may be under way at a time; the others wait, lest a network that swallows packets
/// turns every server into an open descriptor.
const MOST_AT_ONCE: usize = 4096;

pub(crate) use target::is_checked;

/// Starts a worker's share of the checks; they end with the task.
pub fn start(worker: &Rc<Worker>, runtime: &Arc<Runtime>) -> AbortHandle {
    let board = Rc::new(Board::new(runtime));
    if worker.index == 0 {
        board.inherit();
    }
    let targets = share(worker.index, runtime);
    tokio::task::spawn_local(run(runtime.clone(), board, targets)).abort_handle()
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
        .filter(|(_, server)| target::is_checked(&server.config))
        .collect();
    let first = |server: &ServerRuntime| {
        let intervals = target::intervals(&server.config.settings.check);
        server.state.health.lock().interval(&intervals)
    };
    let shortest = checked.iter().map(|(_, server)| first(server)).min();
    let threads = (runtime.process.threads as usize).max(1);
    let mut scripts = script::Cache::default();
    checked
        .iter()
        .enumerate()
        .filter(|(at, _)| at % threads == worker)
        .map(|(at, (proxy, server))| {
            let interval = first(server).max(shortest.unwrap_or(0));
            let most = runtime.snapshot.global.max_spread_checks;
            let spread = most.map_or(interval, |most| interval.min(most));
            let delay = schedule::first_delay(spread, at, checked.len());
            let script = scripts.get(&proxy.config);
            (delay, Rc::new(Target::new(proxy, server, script)))
        })
        .collect()
}

async fn run(runtime: Arc<Runtime>, board: Rc<Board>, targets: Vec<(u64, Rc<Target>)>) {
    let now = clock::now_ms();
    let mut schedule = Schedule::new(targets.iter().map(|(delay, _)| now + delay));
    let mut running: JoinSet<(usize, u64)> = JoinSet::new();
    let mut deadline = Deadline::default();
    loop {
        let now = clock::now_ms();
        while running.len() < MOST_AT_ONCE
            && let Some(at) = schedule.take_due(now)
        {
            if let Some((_, target)) = targets.get(at) {
                let check = once(runtime.clone(), board.clone(), target.clone());
                running.spawn_local(async move { (at, check.await) });
            }
        }
        let next = schedule.next().filter(|_| running.len() < MOST_AT_ONCE);
        let due = std::future::poll_fn(|cx| deadline.poll(cx, next));
        tokio::select! {
            Some(Ok((at, delay))) = running.join_next(), if !running.is_empty() => {
                schedule.put(clock::now_ms() + delay, at);
            }
            () = due => {}
        }
    }
}

/// Checks a server unless it is in maintenance, and says after how many milliseconds to do so again.
async fn once(runtime: Arc<Runtime>, board: Rc<Board>, target: Rc<Target>) -> u64 {
    if !target.server.state.admin().in_maintenance() {
        let outcome = probe::run(&runtime, &target).await;
        board.conclude(&target, outcome);
    }
    let interval = target
        .server
        .state
        .health
        .lock()
        .interval(&target.intervals);
    let percent = runtime.snapshot.global.spread_checks;
    schedule::vary(interval, percent, runtime::random())
}
