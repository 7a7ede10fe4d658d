//! Name servers: their counters, and servers' host names.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::resolvers::{self, COLUMNS, Section, Unnameable};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "resolvers"],
    level: Level::User,
    args: "[id]",
    doc: "show the counters of name servers",
    run: show,
}];

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let all = &context.runtime.resolvers;
    match args.get(0) {
        "" => all.iter().for_each(|section| write(section, reply)),
        name => match context.runtime.resolvers(name) {
            Some(section) => write(section, reply),
            None => reply.error("Can't find that resolvers section"),
        },
    }
}

fn write(section: &Section, reply: &mut Reply) {
    reply.plain(format_args!("Resolvers section {}\n", section.config.name));
    let servers = section.config.nameservers.iter();
    for (server, counters) in servers.zip(&section.counters) {
        reply.plain(format_args!(" nameserver {}:\n", server.name));
        for (name, what) in COLUMNS {
            let value = what.map_or(0, |what| counters.get(what));
            let label = format!("{name}:");
            reply.plain(format_args!("  {label:<12} {value}\n"));
        }
    }
}

/// The columns of `show stat domain resolvers`, which names one of them otherwise.
pub(super) fn statistics(context: &Context<'_>, reply: &mut Reply) {
    let mut line = String::from("# id,pid,");
    for (name, _) in COLUMNS {
        line.push_str(if name == "snd_error" {
            "send_error"
        } else {
            name
        });
        line.push(',');
    }
    reply.plain(format_args!("{line}\n"));
    for section in &context.runtime.resolvers {
        let servers = section.config.nameservers.iter();
        for (server, counters) in servers.zip(&section.counters) {
            let mut line = format!("{},{},", server.name, section.config.name);
            for (_, what) in COLUMNS {
                let value = what.map_or(0, |what| counters.get(what));
                line.push_str(&format!("{value},"));
            }
            reply.plain(format_args!("{line}\n"));
        }
    }
}

/// `set server … fqdn`.
pub(super) fn set_host(
    context: &Context<'_>,
    reply: &mut Reply,
    backend: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    host: &str,
) {
    if host.is_empty() {
        return reply.error("set server <b>/<s> fqdn requires a FQDN.");
    }
    let name = format!("{}/{}", backend.config.name, server.config.name);
    let by = "by 'stats socket command'";
    let refusal = match resolvers::rename(context.runtime, backend, server, host) {
        Ok(before) => {
            let before = before.as_deref().unwrap_or("(null)");
            return reply.info(&format!(
                "{name} changed its FQDN from {before} to {host} {by}"
            ));
        }
        Err(Unnameable::Same) => format!("no need to change the FDQN {by}"),
        Err(Unnameable::Invalid) => format!("could not update {name} FQDN {by}"),
        Err(Unnameable::Service) => {
            "set server <b>/<s> fqdn failed because SRV resolution is configured.".into()
        }
        Err(Unnameable::Unwatched) => {
            "set server <b>/<s> fqdn failed because no resolution is configured.".into()
        }
    };
    reply.error(&refusal);
}
