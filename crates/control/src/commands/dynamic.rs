//! Adding and removing servers and backends.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use model::parse::dynamic;
use model::{Server, ServerDraft};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["add", "backend"],
        level: Level::Admin,
        args: "<backend>",
        doc: "add a backend that starts from a 'defaults' section",
        run: add_backend,
    },
    CommandRow {
        words: &["add", "server"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "add a server",
        run: add_server,
    },
    CommandRow {
        words: &["del", "backend"],
        level: Level::Admin,
        args: "<backend>",
        doc: "remove a backend without servers",
        run: del_backend,
    },
    CommandRow {
        words: &["del", "server"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "remove a server that is in maintenance",
        run: del_server,
    },
];

const USAGE: &str = "Usage: add backend <name> from <defproxy> [mode <px_mode>] [guid <val>].";

fn add_backend(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let name = args.get(0);
    if name.is_empty() {
        return reply.error("Require backend name.");
    }
    if args.get(1) != "from" || args.get(2).is_empty() {
        return reply.error("Usage: add backend <name> from <defproxy>.");
    }
    let runtime = context.runtime;
    let Some(defaults) = runtime.snapshot.defaults.get(args.get(2)) else {
        return reply.error(&format!("Cannot find default proxy '{}'.", args.get(2)));
    };
    let (mut mode, mut guid) = (None, None);
    for pair in args.0.get(3..).unwrap_or_default().chunks(2) {
        match pair {
            [word, value] if word == "mode" => mode = Some(value.as_str()),
            [word, value] if word == "guid" => guid = Some(value.as_str()),
            _ => return reply.error(USAGE),
        }
    }
    let made = match dynamic::backend(defaults, name, mode, guid) {
        Ok(made) => made,
        Err(why) => return reply.error(&why),
    };
    match runtime.add_backend(made) {
        Ok(()) => reply.info("New backend registered."),
        Err(other) => reply.error(&format!(
            "Error during backend creation : name is already used by other proxy '{} {}'.",
            other.config.caps.section(),
            other.config.name
        )),
    }
}

fn del_backend(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let runtime = context.runtime;
    match removable_backend(runtime, args.get(0)) {
        Ok(backend) => {
            runtime.remove_backend(&backend);
            reply.info("Backend deleted.");
        }
        Err(why) => reply.error(why),
    }
}

/// The backend of this name, if it may be removed now.
pub(super) fn removable_backend(
    runtime: &Runtime,
    name: &str,
) -> Result<Arc<ProxyRuntime>, &'static str> {
    let backend = runtime.backend(name).ok_or("No such backend.")?;
    if backend.config.caps.front {
        return Err("Cannot delete a listen section.");
    }
    if runtime.table_named(&backend.config.name).is_some() && !runtime.is_added(&backend) {
        return Err("Cannot remove a backend with stick-table.");
    }
    let pinned = &runtime.snapshot.pinned_proxies;
    if pinned.contains(&backend.config.idx) {
        return Err(PINNED_PROXY);
    }
    if !backend.unpublished.load(Ordering::Relaxed) {
        return Err("Backend must be unpublished prior to its deletion.");
    }
    if !backend.servers.load().is_empty() {
        return Err("Only a backend without server can be deleted.");
    }
    if backend.back.connections.now() > 0 {
        return Err(STREAMS);
    }
    Ok(backend)
}

/// What passes by itself.
pub(super) const STREAMS: &str = "Backend still has attached streams.";
const PINNED_PROXY: &str =
    "This proxy cannot be removed at runtime due to other configuration elements pointing to it.";
const PINNED: &str =
    "This server cannot be removed at runtime due to other configuration elements pointing to it.";

fn add_server(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let path = args.get(0);
    let Some((backend, name)) = path.split_once('/').filter(|(_, name)| !name.is_empty()) else {
        return reply.error("Require 'backend/server'.");
    };
    if args.get(1).is_empty() {
        return reply.error("'server' expects <name> and <addr>[:<port>] as arguments.");
    }
    let Some(backend) = context.runtime.backend(backend) else {
        return reply.error("No such backend.");
    };
    if !backend.dispatch.is_dynamic() {
        return reply.error(&format!(
            "Backend does not support dynamic servers : backend '{}' uses a non dynamic load balancing method.",
            backend.config.name
        ));
    }
    if backend.server_named(name).is_some() {
        return reply.error("Already exists a server with the same name in backend.");
    }
    let words = args.0.get(1..).unwrap_or_default();
    let made = match dynamic::server(
        &context.runtime.snapshot.certificates,
        &context.runtime.snapshot.environment,
        &backend.config,
        name,
        words,
    ) {
        Ok(made) => made,
        Err(why) => return reply.error(&why),
    };
    let followed = match made.settings.track.as_deref() {
        None => Ok(None),
        Some(track) => followed(context.runtime, &backend, track).map(Some),
    };
    let registered = followed.and_then(|followed| {
        let mut made = made;
        if let Some((proxy, server)) = &followed {
            let name = format!("{}/{}", proxy.config.name, server.config.name);
            made.settings.track = Some(name.into());
        }
        let server = register(context.runtime, &backend, made)?;
        context
            .runtime
            .welcome(&backend, &server, followed.as_ref());
        Ok(())
    });
    match registered {
        Ok(()) => reply.info("New server registered."),
        Err(why) => reply.error(&why),
    }
}

/// Puts a server into its backend, in maintenance and under a number that is free.
fn register(
    runtime: &Runtime,
    backend: &Arc<ProxyRuntime>,
    made: Server,
) -> Result<Arc<ServerRuntime>, String> {
    if let Some(guid) = &made.guid {
        for proxy in runtime.all_proxies() {
            let list = proxy.servers.load();
            let mut holders = list.iter();
            if let Some(other) = holders.find(|other| other.config.guid.as_ref() == Some(guid)) {
                return Err(format!(
                    "'guid': duplicate entry with server {}/{}.",
                    proxy.config.name, other.config.name
                ));
            }
        }
    }
    let list = backend.servers.load();
    let holder = |id: u32| list.iter().find(|server| server.config.id == id);
    let id = if made.id_given {
        if let Some(other) = holder(made.id) {
            let (file, line) = &other.config.origin;
            return Err(format!(
                "'id' : custom id {} already used at {file}:{line} ('server {}').",
                made.id, other.config.name
            ));
        }
        made.id
    } else {
        (1..).find(|id| holder(*id).is_none()).unwrap_or(u32::MAX)
    };
    let settings = ServerDraft {
        disabled: true,
        ..made.settings
    };
    // Places of servers of the configuration stay theirs: followers and expressions name them.
    let configured = backend.config.back.servers.len();
    let config = Server {
        idx: list.free_place(configured),
        id,
        settings,
        ..made
    };
    drop(list);
    let server = ServerRuntime::added(Arc::new(config), runtime.process.threads as usize);
    let server = Arc::new(server);
    let added = backend.dispatch.add(backend, server.clone());
    added.ok_or("Already exists a server with the same name in backend.")?;
    Ok(server)
}

/// The server that a new one is to follow (`track`).
fn followed(
    runtime: &Runtime,
    own: &Arc<ProxyRuntime>,
    track: &str,
) -> Result<(Arc<ProxyRuntime>, Arc<ServerRuntime>), String> {
    let (backend, name) = match track.split_once('/') {
        Some((backend, name)) => {
            let found = runtime.backend(backend).ok_or_else(|| {
                format!("unable to find required proxy '{backend}' for tracking.")
            })?;
            (found, name)
        }
        None => (own.clone(), track),
    };
    let server = backend
        .server_named(name)
        .ok_or_else(|| format!("unable to find required server '{name}' for tracking."))?;
    let settings = &server.config.settings;
    let why = if server.added {
        "is a dynamic server"
    } else if !settings.check.enabled && !settings.check.agent.enabled && settings.track.is_none() {
        "does not have any check nor agent enabled"
    } else {
        return Ok((backend, server));
    };
    Err(format!(
        "unable to use {}/{name} for tracking as it {why}.",
        backend.config.name
    ))
}

fn del_server(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some((backend, server)) = context.server(args.get(0), reply) else {
        return;
    };
    let removed = removable_server(context.runtime, &backend, &server).and_then(|()| {
        let removed = backend.dispatch.remove(&backend, &server);
        removed.then_some(()).ok_or(BUSY)
    });
    match removed {
        Ok(()) => {
            server.close_kept();
            context.runtime.dismiss(&backend, &server);
            reply.info("Server deleted.");
        }
        Err(Refusal::Now(why) | Refusal::Ever(why)) => reply.error(why),
    }
}

/// Why a server can't be removed: for the time being, or as long as the configuration is what it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    /// It may do later.
    Now(&'static str),
    /// It never will.
    Ever(&'static str),
}

const BUSY: Refusal =
    Refusal::Now("Server still has connections attached to it, cannot remove it.");

/// Whether a server may be removed now.
pub(super) fn removable_server(
    runtime: &Runtime,
    backend: &ProxyRuntime,
    server: &ServerRuntime,
) -> Result<(), Refusal> {
    let place = (backend.config.idx, server.config.idx);
    let own = format!("{}/{}", backend.config.name, server.config.name);
    let follows = |follower: &ServerRuntime, proxy: &ProxyRuntime| {
        let track = follower.config.settings.track.as_deref();
        track.is_some_and(|track| match track.contains('/') {
            true => *track == *own,
            false => proxy.config.idx == place.0 && *track == *server.config.name,
        })
    };
    let followed = runtime.all_proxies().iter().any(|proxy| {
        let list = proxy.servers.load();
        list.iter().any(|other| follows(other, proxy))
    });
    let pinned = !server.added && runtime.snapshot.pinned.contains(&place);
    if followed || pinned {
        return Err(Refusal::Ever(PINNED));
    }
    if !server.state.admin().in_maintenance() {
        return Err(Refusal::Ever(
            "Only servers in maintenance mode can be deleted.",
        ));
    }
    let busy = server.state.counters.connections.now() > 0 || server.idle.used() > 0;
    if busy { Err(BUSY) } else { Ok(()) }
}
