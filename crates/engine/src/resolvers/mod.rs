//! Name servers: `resolvers` sections, the servers whose names they watch, and names that rules ask for.
//!
//! [`machine`] decides what is asked when and what an answer means, [`records`] and [`choose`] who gets which address; they
//! know no sockets. [`transport`] carries messages. [`task`] is the loop over both, one per section on the first worker;
//! [`watched`] applies what comes of names to servers.

mod choose;
mod counters;
mod machine;
mod records;
mod task;
mod transport;
mod watched;

pub use counters::{COLUMNS, Count, Counters};

use crate::profile::{self, profiled};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use model::IpFamily;
use model::live::Admin;
use model::resolvers::Resolvers;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wire::dns::Name;

/// Names that could not be resolved, since the start of the process.
static FAILED: AtomicU64 = AtomicU64::new(0);

/// How often a name could not be resolved since the start of the process.
#[must_use]
pub fn failed() -> u64 {
    FAILED.load(Ordering::Relaxed)
}

fn count_failed() {
    FAILED.fetch_add(1, Ordering::Relaxed);
}

/// A section at run time.
#[derive(Debug)]
pub struct Section {
    /// Its configuration.
    pub config: Arc<Resolvers>,
    /// Counters of its name servers, in their order.
    pub counters: Box<[Counters]>,
    orders: UnboundedSender<Order>,
    receiver: Mutex<Option<UnboundedReceiver<Order>>>,
}

/// What is asked of a section's task.
#[derive(Debug)]
enum Order {
    /// Somebody wants an address of a name once.
    Resolve(Name, IpFamily, oneshot::Sender<Option<IpAddr>>),
    /// A server has another name.
    Renamed(Arc<ProxyRuntime>, Arc<ServerRuntime>),
}

impl Section {
    /// A section at its start.
    #[must_use]
    pub fn new(config: Arc<Resolvers>) -> Self {
        let (orders, receiver) = unbounded_channel();
        let counters = config.nameservers.iter();
        Self {
            counters: counters.map(|_| Counters::default()).collect(),
            config,
            orders,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

/// The running sections. Dropping it ends them.
#[derive(Debug)]
pub struct Service(Vec<JoinHandle<()>>);

impl Drop for Service {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Starts all sections on this thread's local tasks, which must be those of the first worker.
#[must_use]
pub fn start(runtime: &Arc<Runtime>) -> Service {
    let tasks = runtime.resolvers.iter().filter_map(|section| {
        let orders = section.receiver.lock().take()?;
        let task = task::run(runtime.clone(), section.clone(), orders);
        Some(tokio::task::spawn_local(profiled(profile::Resolver, task)))
    });
    Service(tasks.collect())
}

/// An address of a name, as a section's name servers have it; `None` when there is none, or no such section.
pub async fn resolve(
    runtime: &Runtime,
    section: &str,
    name: &str,
    prefer: IpFamily,
) -> Option<IpAddr> {
    // Sections run for the configuration in place, which sessions may be older than.
    let current = runtime.process.current();
    let section = current.as_deref().unwrap_or(runtime).resolvers(section)?;
    let (reply, answer) = oneshot::channel();
    let order = Order::Resolve(Name::from_text(name)?, prefer, reply);
    section.orders.send(order).ok()?;
    answer.await.ok()?
}

/// Why a server can't be given another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnameable {
    /// Its name is not resolved while running.
    Unwatched,
    /// SRV records name it.
    Service,
    /// It has this name already.
    Same,
    /// This can't be a name.
    Invalid,
}

/// Gives a server another host name, which is resolved from now on, and returns the one before. To be called on the
/// thread of the first worker.
///
/// # Errors
/// When that can't be.
pub fn rename(
    runtime: &Runtime,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    host: &str,
) -> Result<Option<Arc<str>>, Unnameable> {
    let naming = &server.config.settings.naming;
    if server.config.service.is_some() {
        return Err(Unnameable::Service);
    }
    let section = naming.resolvers.as_deref();
    let section = section.and_then(|name| runtime.resolvers(name));
    let section = section.ok_or(Unnameable::Unwatched)?;
    let before = server.whereabouts.now().host.clone();
    if before.as_deref() == Some(host) {
        return Err(Unnameable::Same);
    }
    Name::from_text(host).ok_or(Unnameable::Invalid)?;
    put_name(proxy, server, Some(host.into()));
    let _ = section
        .orders
        .send(Order::Renamed(proxy.clone(), server.clone()));
    Ok(before)
}

/// Notes a server's new name.
fn put_name(proxy: &ProxyRuntime, server: &ServerRuntime, host: Option<Arc<str>>) {
    server.relocate(proxy, |location| location.host = host);
    let admin = Admin(server.state.admin().0 | Admin::RENAMED.0);
    let _ = proxy.dispatch.set_admin(proxy, server.config.idx, admin);
}
