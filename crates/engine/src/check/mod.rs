//! Health checks.
//!
//! What a check does is a [`script`](model::check::CheckScript), run by [`probe`] against one server; [`agent`] asks a
//! server's agent, [`external`] runs a program; [`schedule`] says when, and [`crate::health`] applies the result. Each
//! worker checks its share of the servers from one task, so that idle checks cost an entry in a heap and nothing else.

mod agent;
mod expect;
mod external;
mod http2;
mod places;
mod probe;
mod request;
mod schedule;
mod target;
mod wire;

use crate::io::Deadline;
use crate::profile::{self, profiled};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::{self, Runtime};
use crate::turns::in_turns;
use crate::worker::Worker;
use crate::{clock, health, trace};
use model::Observe;
use model::live::health::Finder;
use parking_lot::Mutex;
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

pub use places::Places;
pub(crate) use target::is_checked;

/// Tells the first worker of servers that commands add or take away.
#[derive(Debug)]
pub struct Orders {
    sender: mpsc::UnboundedSender<Order>,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<Order>>>,
}

type Order = (Arc<ProxyRuntime>, Arc<ServerRuntime>);

impl Default for Orders {
    fn default() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl Orders {
    /// Has a server looked after that is new, or left alone that is gone.
    pub fn attend(&self, proxy: &Arc<ProxyRuntime>, server: &Arc<ServerRuntime>) {
        // Without a receiver the runtime is not the present one any more.
        let _ = self.sender.send((proxy.clone(), server.clone()));
    }
}

/// Starts a worker's share of the checks; they end with the task.
pub fn start(worker: &Rc<Worker>, runtime: &Arc<Runtime>) -> AbortHandle {
    let first = worker.index == 0;
    if first {
        health::inherit_all(runtime);
    }
    let orders = match first {
        true => runtime.check_orders.receiver.lock().take(),
        false => None,
    };
    let (worker, runtime) = (worker.index, runtime.clone());
    let all = async move {
        let mut watch = Watch::new(share(worker, &runtime).await);
        tokio::join!(watch.run(&runtime, orders), async {
            if first {
                warm_up(&runtime).await;
            }
        });
    };
    tokio::task::spawn_local(profiled(profile::Checks, all)).abort_handle()
}

/// A worker's targets, each with the time of its first check in milliseconds from now.
async fn share(worker: usize, runtime: &Arc<Runtime>) -> Vec<(u64, Rc<Target>)> {
    let mut checked = Vec::new();
    in_turns(&runtime.proxies, |proxy| {
        if !target::has_checks(&proxy.config) {
            return;
        }
        for server in proxy.servers.load().iter() {
            let finders = target::finders(&server.config);
            checked.extend(finders.map(|finder| (proxy, server.clone(), finder)));
        }
    })
    .await;
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
    let most = runtime.snapshot.global.max_spread_checks;
    let mut share = Vec::new();
    in_turns(
        checked.iter().enumerate(),
        |(at, (proxy, server, finder))| {
            if at % threads == worker {
                let interval = first(server, *finder).max(shortest.unwrap_or(0));
                let spread = most.map_or(interval, |most| interval.min(most));
                let delay = schedule::first_delay(spread, at, checked.len());
                share.push((delay, Rc::new(Target::new(worker, proxy, server, *finder))));
            }
        },
    )
    .await;
    share
}

/// What a worker looks after.
struct Watch {
    /// By number; a number whose server is gone is free.
    targets: Vec<Option<Rc<Target>>>,
    schedule: Schedule,
    running: JoinSet<(usize, u64)>,
    /// What goes on beside the checks for single servers; ends with them.
    beside: JoinSet<()>,
    /// Tells numbers whose next check live traffic asks for soon (`observe`).
    hurry: mpsc::UnboundedSender<usize>,
    hurries: mpsc::UnboundedReceiver<usize>,
}

impl Watch {
    fn new(targets: Vec<(u64, Rc<Target>)>) -> Self {
        let now = clock::now_ms();
        let (hurry, hurries) = mpsc::unbounded_channel();
        let mut watch = Self {
            schedule: Schedule::new(targets.iter().map(|(delay, _)| now + delay)),
            targets: Vec::new(),
            running: JoinSet::new(),
            beside: JoinSet::new(),
            hurry,
            hurries,
        };
        for (at, (_, target)) in targets.into_iter().enumerate() {
            watch.listen(at, &target);
            watch.targets.push(Some(target));
        }
        watch
    }

    async fn run(
        &mut self,
        runtime: &Arc<Runtime>,
        mut orders: Option<mpsc::UnboundedReceiver<Order>>,
    ) {
        let mut deadline = Deadline::default();
        loop {
            self.start_due(runtime);
            let room = self.running.len() < MOST_AT_ONCE;
            let next = self.schedule.next().filter(|_| room);
            let due = std::future::poll_fn(|cx| deadline.poll(cx, next));
            tokio::select! {
                Some(Ok((at, delay))) = self.running.join_next(), if !self.running.is_empty() => {
                    self.again(at, delay);
                }
                Some(at) = self.hurries.recv() => {
                    if let Some(Some(target)) = self.targets.get(at) {
                        let delay = target.intervals.changing.unwrap_or(target.intervals.normal);
                        self.schedule.hasten(clock::now_ms() + delay, at);
                    }
                }
                Some((proxy, server)) = next_order(&mut orders) => {
                    self.attend(runtime, &proxy, &server);
                }
                () = due => {}
            }
        }
    }

    fn start_due(&mut self, runtime: &Arc<Runtime>) {
        let now = clock::now_ms();
        while self.running.len() < MOST_AT_ONCE
            && let Some(at) = self.schedule.take_due(now)
        {
            if let Some(Some(target)) = self.targets.get(at) {
                let check = once(runtime.clone(), target.clone());
                let check = profiled(profile::Check, async move { (at, check.await) });
                self.running.spawn_local(check);
            }
        }
    }

    /// Lets a target wait for its next check, unless its server is gone.
    fn again(&mut self, at: usize, delay: u64) {
        let Some(place) = self.targets.get_mut(at) else {
            return;
        };
        if place
            .as_ref()
            .is_some_and(|target| target.server.is_removed())
        {
            *place = None;
        } else {
            self.schedule.put(clock::now_ms() + delay, at);
        }
    }

    /// Looks after a server that a command has added, or no more after one that a command has taken away.
    fn attend(
        &mut self,
        runtime: &Arc<Runtime>,
        proxy: &Arc<ProxyRuntime>,
        server: &Arc<ServerRuntime>,
    ) {
        if server.is_removed() {
            for (at, place) in self.targets.iter_mut().enumerate() {
                let found = place
                    .as_ref()
                    .is_some_and(|target| Arc::ptr_eq(&target.server, server));
                // A check that is under way ends first.
                if found && self.schedule.remove(at) {
                    *place = None;
                }
            }
            return;
        }
        if target::has_checks(&proxy.config) {
            for finder in target::finders(&server.config) {
                // Only the first worker is told of such servers.
                self.add(Rc::new(Target::new(0, proxy, server, finder)));
            }
        }
        if server.config.settings.slow_start > 0 {
            let (runtime, proxy, server) = (runtime.clone(), proxy.clone(), server.clone());
            self.beside.spawn_local(async move {
                let servers = [(proxy, server)];
                while !servers.iter().any(|(_, server)| server.is_removed()) {
                    warm_once(&runtime, &servers).await;
                }
            });
        }
    }

    fn add(&mut self, target: Rc<Target>) {
        let free = self.targets.iter().position(Option::is_none);
        let at = free.unwrap_or(self.targets.len());
        self.listen(at, &target);
        if free.is_none() {
            self.targets.push(None);
        }
        if let Some(place) = self.targets.get_mut(at) {
            *place = Some(target);
        }
        self.schedule.put(clock::now_ms(), at);
    }

    /// Hears what live traffic says of a target.
    fn listen(&mut self, at: usize, target: &Target) {
        let check = &target.server.config.settings.check;
        if target.finder != Finder::Check || check.observe == Observe::Nothing {
            return;
        }
        let (hurry, server) = (self.hurry.clone(), target.server.clone());
        self.beside.spawn_local(async move {
            loop {
                server.hurry.notified().await;
                if server.is_removed() || hurry.send(at).is_err() {
                    return;
                }
            }
        });
    }
}

/// The next order; none ever comes where there is nobody to give them.
async fn next_order(orders: &mut Option<mpsc::UnboundedReceiver<Order>>) -> Option<Order> {
    match orders {
        Some(orders) => orders.recv().await,
        None => std::future::pending().await,
    }
}

/// Checks a server unless it is in maintenance, and says after how many milliseconds to do so again.
async fn once(runtime: Arc<Runtime>, target: Rc<Target>) -> u64 {
    let (proxy, server) = (&target.proxy, &target.server);
    let maintained = server.state.admin().in_maintenance();
    if trace::watches(trace::Event::CheckStart) {
        let of = (&**proxy, server);
        trace::check(
            trace::Event::CheckStart,
            "check due",
            of,
            target.finder,
            None,
        );
    }
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
    let mut slow = Vec::new();
    in_turns(&runtime.proxies, |proxy| {
        let servers = proxy.servers.load();
        let growing = servers
            .iter()
            .filter(|server| server.config.settings.slow_start > 0);
        slow.extend(growing.map(|server| (proxy.clone(), server.clone())));
    })
    .await;
    while !slow.is_empty() {
        warm_once(runtime, &slow).await;
    }
}

/// Waits a while, and lets each of these servers take what it has grown to.
async fn warm_once(runtime: &Arc<Runtime>, servers: &[(Arc<ProxyRuntime>, Arc<ServerRuntime>)]) {
    let times = servers
        .iter()
        .map(|(_, server)| server.config.settings.slow_start);
    let shortest = times.min().unwrap_or_default();
    // Twenty steps are smooth enough, and a second is soon enough.
    tokio::time::sleep(Duration::from_millis((shortest / 20).clamp(20, 1000))).await;
    clock::wake();
    for (proxy, server) in servers {
        health::warm(runtime, proxy, server);
    }
}
