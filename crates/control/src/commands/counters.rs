//! Clearing counters.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::runtime::Runtime;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["clear", "counters"],
    level: Level::Operator,
    args: "[all]",
    doc: "forget the highest values, or all counters",
    run: clear,
}];

fn clear(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let all = args.get(0) == "all";
    if all && context.state.level < Level::Admin {
        return reply.error("Permission denied");
    }
    clear_all(context.runtime, all);
}

fn clear_all(runtime: &Runtime, all: bool) {
    for proxy in &runtime.all_proxies() {
        proxy.front.clear(all);
        proxy.back.clear(all);
        proxy.dispatch.queue().clear_max();
        for listener in &proxy.binds {
            listener.connections.clear_max();
            if let Some(counters) = &listener.counters {
                counters.clear(all);
            }
        }
        for server in proxy.servers.load().iter() {
            server.state.counters.clear(all);
            server.state.queued.clear_max();
        }
    }
    runtime.process.connections.clear_max();
    runtime.process.session_rate.clear_max();
    runtime.process.connection_rate.clear_max();
}
