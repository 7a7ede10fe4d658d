//! `show servers state` and `show servers conn`.

use super::anonymous::hashed;
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use engine::state_file;
use std::fmt::Write;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["show", "servers", "conn"],
        level: Level::User,
        args: "[<backend>]",
        doc: "show how connections to servers are used",
        run: show_connections,
    },
    CommandRow {
        words: &["show", "servers", "state"],
        level: Level::User,
        args: "[<backend>]",
        doc: "show what of the servers can change at run time",
        run: show_states,
    },
];

/// What a line says about a server.
type Line = fn(&Runtime, &ProxyRuntime, &ServerRuntime, &mut String);

/// One line per server, of one backend or of all.
struct Servers {
    line: Line,
    /// What names are hashed with.
    key: Option<u32>,
    backends: Vec<Arc<ProxyRuntime>>,
    /// Places of the next backend and of its next server.
    at: (usize, usize),
}

impl Dump for Servers {
    fn fill(&mut self, runtime: &Runtime, out: &mut String) -> bool {
        while let Some(proxy) = self.backends.get(self.at.0) {
            let servers = proxy.servers.load();
            let Some(server) = servers.nth(self.at.1) else {
                self.at = (self.at.0 + 1, 0);
                continue;
            };
            self.at.1 += 1;
            let begin = out.len();
            (self.line)(runtime, proxy, server, out);
            if self.key.is_some() {
                let line = out.split_off(begin);
                let names = [&*proxy.config.name, &*server.config.name];
                out.push_str(&without_names(&line, names, self.key));
            }
            return true;
        }
        false
    }
}

/// A line with the names of backend and server, wherever they stand among its first words, hashed.
fn without_names(line: &str, [backend, server]: [&str; 2], key: Option<u32>) -> String {
    let path = format!("{backend}/{server}");
    let words = line.splitn(5, ' ').enumerate().map(|(at, word)| match at {
        0 if word == path => format!("{}/{}", hashed(key, backend), hashed(key, server)),
        1 if word == backend => hashed(key, backend).into_owned(),
        3 if word == server => hashed(key, server).into_owned(),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The dump over the backend that is named, or over all.
fn servers(context: &Context<'_>, reply: &mut Reply, name: &str, line: Line) -> Option<Servers> {
    let backends = if name.is_empty() {
        context.runtime.all_proxies()
    } else if let Some(backend) = context.runtime.backend(name) {
        vec![backend]
    } else {
        reply.error("Can't find backend.");
        return None;
    };
    Some(Servers {
        line,
        key: context.state.anonymous,
        backends,
        at: (0, 0),
    })
}

fn show_states(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if let Some(dump) = servers(context, reply, args.get(0), state_line) {
        reply.plain(format_args!("{}", state_file::HEADER));
        reply.dump(dump);
    }
}

fn address(server: &ServerRuntime) -> (String, u16) {
    let location = server.whereabouts.now();
    let ip = location.ip().map_or("-".into(), |ip| ip.to_string());
    (ip, location.port())
}

fn state_line(_: &Runtime, proxy: &ProxyRuntime, server: &ServerRuntime, out: &mut String) {
    state_file::write_line(proxy, server, out);
}

fn show_connections(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(dump) = servers(context, reply, args.get(0), connection_line) else {
        return;
    };
    let threads = context.runtime.process.threads;
    reply.plain(format_args!(
        "# bkname/svname bkid/svid addr port - purge_delay served used_cur used_max need_est idle_sess unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[{threads}]\n"
    ));
    reply.dump(dump);
}

fn connection_line(
    runtime: &Runtime,
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    out: &mut String,
) {
    let (state, config) = (&server.state, &server.config);
    let (ip, port) = address(server);
    let used = &state.counters.connections;
    let attached = server.attached.as_deref();
    let attached = attached.map_or_else(Vec::new, |attached| {
        attached.idle(runtime.process.threads as usize)
    });
    let idle = server.idle.total() + attached.iter().sum::<usize>();
    let limit = config.settings.pool_max.map_or(-1, i64::from);
    // Nothing estimates how many connections will be needed, and every idle connection has been used before.
    let _ = write!(
        out,
        "{}/{} {}/{} {ip} {port} - {} {} {} {} 0 0 0 {idle} {limit} {idle}",
        proxy.config.name,
        config.name,
        proxy.config.id,
        config.id,
        config.settings.pool_purge_delay,
        used.now(),
        used.now(),
        used.max(),
    );
    for worker in 0..runtime.process.threads as usize {
        let attached = attached.get(worker).copied().unwrap_or(0);
        let _ = write!(out, " {}", server.idle.len(worker) + attached);
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hashed_where_they_stand() {
        let hash = |line| without_names(line, ["be", "s1"], Some(123));
        assert_eq!(
            hash("4 be 1 s1 127.0.0.1 2"),
            "4 ee3a57 1 0a7bc4 127.0.0.1 2"
        );
        assert_eq!(
            hash("be/s1 4/1 127.0.0.1 80"),
            "ee3a57/0a7bc4 4/1 127.0.0.1 80"
        );
        assert_eq!(
            hash("1 s1 2 be be s1"),
            "1 s1 2 be be s1",
            "only in their places"
        );
    }
}
