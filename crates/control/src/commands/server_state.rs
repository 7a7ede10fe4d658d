//! Servers' states and weights.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::clock;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use model::live::Admin;
use model::live::health::Operation;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["disable", "server"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "put a server into maintenance (see 'set server')",
        run: |context, reply, args| switch(context, reply, args, "maint"),
    },
    CommandRow {
        words: &["enable", "server"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "take a server out of maintenance (see 'set server')",
        run: |context, reply, args| switch(context, reply, args, "ready"),
    },
    CommandRow {
        words: &["get", "weight"],
        level: Level::User,
        args: "<bk>/<srv>",
        doc: "show a server's weight and the configured one",
        run: get_weight,
    },
    CommandRow {
        words: &["set", "server"],
        level: Level::Admin,
        args: "<bk>/<srv> [opts]",
        doc: "change a server's state or weight",
        run: set_server,
    },
    CommandRow {
        words: &["set", "weight"],
        level: Level::Admin,
        args: "<bk>/<srv> <weight>",
        doc: "change a server's weight (see 'set server')",
        run: |context, reply, args| {
            if let Some((backend, server)) = context.server(args.get(0), reply) {
                set_weight(reply, &backend, &server, args.get(1));
            }
        },
    },
];

fn switch(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, state: &str) {
    if let Some((backend, server)) = context.server(args.get(0), reply) {
        set_state(context, reply, &backend, &server, state);
    }
}

fn get_weight(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if let Some((_, server)) = context.server(args.get(0), reply) {
        let (now, initial) = (server.state.weight(), server.config.settings.weight);
        reply.plain(format_args!("{now} (initial {initial})\n"));
    }
}

fn set_server(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some((backend, server)) = context.server(args.get(0), reply) else {
        return;
    };
    match args.get(1) {
        "state" => set_state(context, reply, &backend, &server, args.get(2)),
        "fqdn" => super::resolvers::set_host(context, reply, &backend, &server, args.get(2)),
        "weight" => set_weight(reply, &backend, &server, args.get(2)),
        _ => reply.error("usage: set server <backend>/<server> fqdn | state | weight"),
    }
}

fn set_state(
    context: &Context<'_>,
    reply: &mut Reply,
    backend: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    state: &str,
) {
    let own = match state {
        "ready" => 0,
        "drain" => Admin::DRAIN.0,
        "maint" => Admin::MAINT.0,
        _ => {
            return reply.error("'set server <srv> state' expects 'ready', 'drain' and 'maint'.");
        }
    };
    let changed = Admin::MAINT.0 | Admin::DRAIN.0;
    let admin = Admin(server.state.admin().0 & !changed | own);
    apply(context.runtime, backend, server, admin);
}

/// Gives a server its state, and those that follow it (`track`) theirs.
fn apply(
    runtime: &Runtime,
    backend: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    admin: Admin,
) {
    let before = server.state.admin();
    if before == admin {
        return;
    }
    let idx = server.config.idx;
    let returns = before.in_maintenance() && !admin.in_maintenance();
    if returns && server.config.settings.track.is_none() {
        // It is taken for alive until its checks, which stood still, say something else.
        let mut health = server.state.health.lock();
        health.revive(clock::now_ms());
        drop(health);
        let _ = backend.dispatch.set_usable(backend, idx, true);
    }
    let _ = backend.dispatch.set_admin(backend, idx, admin);
    let inherited = match (admin.in_maintenance(), admin.allows()) {
        (true, _) => Admin::INHERITED.0,
        (false, false) => Admin::INHERITED_DRAIN.0,
        (false, true) => 0,
    };
    let operation = server.state.health.lock().operation();
    for (proxy, follower) in &followers(runtime, backend, server) {
        let mask = Admin::INHERITED.0 | Admin::INHERITED_DRAIN.0;
        let admin = Admin(follower.state.admin().0 & !mask | inherited);
        if inherited & Admin::INHERITED.0 == 0 {
            let now = clock::now_ms();
            follower.state.health.lock().set_operation(operation, now);
            let up = operation == Operation::Running;
            let _ = proxy.dispatch.set_usable(proxy, follower.config.idx, up);
        }
        apply(runtime, proxy, follower, admin);
    }
}

/// The servers that follow another one.
fn followers(
    runtime: &Runtime,
    backend: &ProxyRuntime,
    server: &ServerRuntime,
) -> Vec<(Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
    let mut found = Vec::new();
    for proxy in runtime.all_proxies() {
        for follower in proxy.servers.load().iter() {
            let Some(track) = follower.config.settings.track.as_deref() else {
                continue;
            };
            let (followed, name) = track.split_once('/').unwrap_or((&proxy.config.name, track));
            if *followed == *backend.config.name && *name == *server.config.name {
                found.push((proxy.clone(), follower.clone()));
            }
        }
    }
    found
}

fn set_weight(reply: &mut Reply, backend: &ProxyRuntime, server: &ServerRuntime, text: &str) {
    let initial = server.config.settings.weight;
    match weight(text, initial) {
        Ok(weight) if weight != 0 && weight != initial && !backend.dispatch.is_dynamic() => {
            reply.error(
                "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.",
            );
        }
        Ok(weight) => backend
            .dispatch
            .set_weight(backend, server.config.idx, weight),
        Err(refusal) => reply.error(refusal),
    }
}

/// The weight that a text means to a server: absolute, or in percent of the configured weight.
fn weight(text: &str, initial: u32) -> Result<u32, &'static str> {
    if text.is_empty() {
        return Err("Require <weight> or <weight%>.");
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    if end == 0 {
        return Err("Empty weight string empty or preceded by garbage");
    }
    let (digits, unit) = digits.split_at(end);
    if !unit.is_empty() && unit != "%" {
        return Err("Trailing garbage in weight string");
    }
    let value: u64 = digits.parse().unwrap_or(u64::MAX);
    let negative = text.starts_with('-') && value > 0;
    if unit.is_empty() {
        return match u32::try_from(value) {
            Ok(weight @ 0..=256) if !negative => Ok(weight),
            _ => Err("Absolute weight can only be between 0 and 256 inclusive."),
        };
    }
    if negative {
        return Err("Relative weight must be positive.");
    }
    let weight = u64::from(initial).saturating_mul(value) / 100;
    Ok(u32::try_from(weight).unwrap_or(u32::MAX).min(256))
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn weights_are_absolute_or_relative() {
        assert_eq!(weight("20", 10), Ok(20));
        assert_eq!(weight("256", 10), Ok(256));
        assert_eq!(weight("50%", 10), Ok(5));
        assert_eq!(weight("33%", 10), Ok(3));
        assert_eq!(weight("3000%", 10), Ok(256));
        assert!(weight("257", 10).is_err() && weight("-1", 10).is_err());
        assert!(weight("5x", 10).is_err() && weight("x", 10).is_err() && weight("", 10).is_err());
        assert!(weight("99999999999999999999", 10).is_err());
    }
}
