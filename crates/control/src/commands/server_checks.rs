//! Servers' checks and agents: whether and where they go, and what they are taken to have found.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::health;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use model::Address;
use model::live::health::{Finder, Operation};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["disable", "agent"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "ask a server's agent no more",
        run: |context, reply, args| pause(context, reply, args, Finder::Agent),
    },
    CommandRow {
        words: &["disable", "health"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "check a server no more",
        run: |context, reply, args| pause(context, reply, args, Finder::Check),
    },
    CommandRow {
        words: &["enable", "agent"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "ask a server's agent again",
        run: |context, reply, args| go_on(context, reply, args, Finder::Agent),
    },
    CommandRow {
        words: &["enable", "health"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "check a server again",
        run: |context, reply, args| go_on(context, reply, args, Finder::Check),
    },
];

/// Whether a server has checks or an agent by its configuration.
fn is_configured(server: &ServerRuntime, of: Finder) -> bool {
    let check = &server.config.settings.check;
    match of {
        Finder::Check => check.enabled,
        Finder::Agent => check.agent.enabled,
    }
}

fn pause(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, of: Finder) {
    if let Some((_, server)) = context.server(args.get(0), reply)
        && is_configured(&server, of)
    {
        server.pause(of, true);
    }
}

fn go_on(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, of: Finder) {
    let Some((_, server)) = context.server(args.get(0), reply) else {
        return;
    };
    match (is_configured(&server, of), of) {
        (true, _) => {
            server.pause(of, false);
            if let (Finder::Check, Some(initial)) = (of, server.config.settings.check.initial_state)
            {
                server.state.health.lock().begin_anew(initial);
            }
        }
        (false, Finder::Check) => {
            reply.error("Health check was not configured on this server, cannot enable.");
        }
        (false, Finder::Agent) => {
            reply.error("Agent was not configured on this server, cannot enable.");
        }
    }
}

/// `set server … health`.
pub(super) fn set_health(
    context: &Context<'_>,
    reply: &mut Reply,
    backend: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    word: &str,
) {
    if server.config.settings.track.is_some() {
        return reply.error("cannot change health on a tracking server.");
    }
    let wanted = match word {
        "up" => Operation::Running,
        "stopping" => Operation::Stopping,
        "down" => Operation::Stopped,
        _ => {
            return reply.error("'set server <srv> health' expects 'up', 'stopping', or 'down'.");
        }
    };
    health::force(context.runtime, backend, server, Finder::Check, wanted);
}

/// `set server … agent`.
pub(super) fn set_agent(
    context: &Context<'_>,
    reply: &mut Reply,
    backend: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    word: &str,
) {
    if !is_configured(server, Finder::Agent) || server.state.agent_paused() {
        return reply.error("agent checks are not enabled on this server.");
    }
    let wanted = match word {
        "up" => Operation::Running,
        "down" => Operation::Stopped,
        _ => return reply.error("'set server <srv> agent' expects 'up' or 'down'."),
    };
    health::force(context.runtime, backend, server, Finder::Agent, wanted);
}

/// An address, which may be a name that the system knows.
fn address(text: &str) -> Result<IpAddr, String> {
    if let Ok(ip) = text.parse() {
        return Ok(ip);
    }
    let found = (text, 0).to_socket_addrs().ok();
    let found = found.and_then(|mut found| found.next());
    found
        .map(|address| address.ip())
        .ok_or_else(|| format!("invalid addr '{text}'"))
}

/// A port, 0 standing for none.
fn port(text: &str) -> Result<u16, String> {
    let number: i64 = text
        .parse()
        .map_err(|_| "provided port is not an integer")?;
    u16::try_from(number).map_err(|_| "provided port is invalid".into())
}

/// `<address> [port <port>]` behind the option.
fn address_and_port(args: Args<'_>) -> Result<(IpAddr, Option<u16>), String> {
    let ip = address(args.get(2))?;
    match args.get(3) {
        "port" => Ok((ip, Some(port(args.get(4))?))),
        _ => Ok((ip, None)),
    }
}

/// `set server … agent-addr`.
pub(super) fn set_agent_address(reply: &mut Reply, server: &ServerRuntime, args: Args<'_>) {
    if !is_configured(server, Finder::Agent) {
        return reply.error("agent checks are not enabled on this server");
    }
    if args.get(2).is_empty() {
        return reply
            .error("set server <b>/<s> agent-addr requires an address and optionally a port.");
    }
    match address_and_port(args) {
        Ok((ip, port)) => {
            let mut places = server.check_places.lock();
            places.agent_address = Some(ip);
            places.agent_port = port.unwrap_or(places.agent_port);
        }
        Err(why) => reply.error(&why),
    }
}

/// `set server … agent-port`.
pub(super) fn set_agent_port(reply: &mut Reply, server: &ServerRuntime, text: &str) {
    if !is_configured(server, Finder::Agent) {
        return reply.error("agent checks are not enabled on this server");
    }
    if text.is_empty() {
        return reply.error("set server <b>/<s> agent-port requires a port.");
    }
    match port(text) {
        Ok(port) => server.check_places.lock().agent_port = port,
        Err(why) => reply.error(&why),
    }
}

/// `set server … agent-send`.
pub(super) fn set_agent_send(reply: &mut Reply, server: &ServerRuntime, text: &str) {
    if !is_configured(server, Finder::Agent) {
        return reply.error("agent checks are not enabled on this server.");
    }
    let text = Some(text).filter(|text| !text.is_empty());
    server.check_places.lock().agent_send = text.map(Arc::from);
}

/// `set server … check-addr`.
pub(super) fn set_check_address(reply: &mut Reply, server: &ServerRuntime, args: Args<'_>) {
    if !is_configured(server, Finder::Check) {
        return reply.error("health checks are not enabled on this server");
    }
    if args.get(2).is_empty() {
        return reply
            .error("set server <b>/<s> check-addr requires an address and optionally a port.");
    }
    match address_and_port(args) {
        Ok((ip, port)) => {
            let mut places = server.check_places.lock();
            places.address = Some(Address::Inet(SocketAddr::new(ip, 0)));
            if let Some(port) = port {
                places.port = Some(port).filter(|port| *port != 0);
            }
        }
        Err(why) => reply.error(&why),
    }
}

/// `set server … check-port`.
pub(super) fn set_check_port(reply: &mut Reply, server: &ServerRuntime, text: &str) {
    if !is_configured(server, Finder::Check) {
        return reply.error("health checks are not enabled on this server");
    }
    if text.is_empty() {
        return reply.error("set server <b>/<s> check-port requires a port.");
    }
    match port(text) {
        Ok(port) => server.check_places.lock().port = Some(port).filter(|port| *port != 0),
        Err(why) => reply.error(&why),
    }
}
