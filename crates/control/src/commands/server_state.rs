//! Servers' states and weights.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::health;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use model::live::{Admin, weight};
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
        doc: "change a server's state, weight, address or health",
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

const USAGE: &str = "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | check-port | fqdn | health | ssl | state | weight";

fn set_server(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some((backend, server)) = context.server(args.get(0), reply) else {
        return;
    };
    match args.get(1) {
        "addr" => super::server_place::set_address(reply, &backend, &server, args),
        "agent" => super::server_checks::set_agent(context, reply, &backend, &server, args.get(2)),
        "agent-addr" => super::server_checks::set_agent_address(reply, &server, args),
        "agent-port" => super::server_checks::set_agent_port(reply, &server, args.get(2)),
        "agent-send" => super::server_checks::set_agent_send(reply, &server, args.get(2)),
        "check-addr" => super::server_checks::set_check_address(reply, &server, args),
        "check-port" => super::server_checks::set_check_port(reply, &server, args.get(2)),
        "fqdn" => super::resolvers::set_host(context, reply, &backend, &server, args.get(2)),
        "health" => {
            super::server_checks::set_health(context, reply, &backend, &server, args.get(2))
        }
        "ssl" => super::server_place::set_tls(reply, &server, args.get(2)),
        "state" => set_state(context, reply, &backend, &server, args.get(2)),
        "weight" => set_weight(reply, &backend, &server, args.get(2)),
        _ => reply.error(USAGE),
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
    set_own_state(context.runtime, backend, server, own);
}

/// Gives a server the state that is decided about itself: bits of [`Admin::MAINT`] and [`Admin::DRAIN`].
pub(crate) fn set_own_state(
    runtime: &Arc<Runtime>,
    backend: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    own: u32,
) {
    let changed = Admin::MAINT.0 | Admin::DRAIN.0;
    let admin = Admin(server.state.admin().0 & !changed | own);
    health::set_admin(runtime, backend, server, admin);
}

fn set_weight(reply: &mut Reply, backend: &ProxyRuntime, server: &ServerRuntime, text: &str) {
    let initial = server.config.settings.weight;
    match weight::parse(text, initial) {
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
