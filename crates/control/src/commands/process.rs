//! The process: `show info`, `show version`, `show env`.

use crate::VERSION;
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use crate::stat::value::{Value, write_json_tags};
use engine::clock;
use engine::proxy::Listening;
use engine::runtime::Runtime;
use model::live::tally::Tally;
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["show", "env"],
        level: Level::Operator,
        args: "[var]",
        doc: "show the process' environment variables",
        run: show_env,
    },
    CommandRow {
        words: &["show", "info"],
        level: Level::User,
        args: "[desc|json|typed|float]*",
        doc: "show what is known about the process",
        run: show_info,
    },
    CommandRow {
        words: &["show", "version"],
        level: Level::User,
        args: "",
        doc: "show the version",
        run: |_, reply, _| reply.info(VERSION),
    },
];

fn show_env(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let name = args.get(0);
    let mut found = name.is_empty();
    for (key, value) in std::env::vars_os() {
        if name.is_empty() || key == name {
            found = true;
            let (key, value) = (key.to_string_lossy(), value.to_string_lossy());
            reply.plain(format_args!("{key}={value}\n"));
        }
    }
    if !found {
        reply.error("Variable not found");
    }
}

/// One line of `show info`.
struct Fact {
    /// Its number in typed output, which is part of the format. Those that nothing here can tell are left out.
    number: u32,
    name: &'static str,
    /// Origin, nature and scope.
    tags: &'static str,
    doc: &'static str,
    value: fn(&Runtime, bool) -> Option<Value>,
}

const fn fact(
    number: u32,
    name: &'static str,
    tags: &'static str,
    doc: &'static str,
    value: fn(&Runtime, bool) -> Option<Value>,
) -> Fact {
    Fact {
        number,
        name,
        tags,
        doc,
        value,
    }
}

fn text(text: impl Into<String>) -> Option<Value> {
    Some(Value::Str(text.into()))
}

fn n32(n: impl TryInto<u32>) -> Option<Value> {
    Some(Value::U32(n.try_into().unwrap_or(u32::MAX)))
}

/// What there is none of, such as a limit that is not set.
fn zero(_: &Runtime, _: bool) -> Option<Value> {
    Some(Value::U32(0))
}

fn one(_: &Runtime, _: bool) -> Option<Value> {
    Some(Value::U32(1))
}

const FACTS: &[Fact] = &[
    fact(
        0,
        "Name",
        "POSV",
        "Product whose behaviour this is",
        |_, _| text("HAProxy"),
    ),
    fact(1, "Version", "POSV", "Version", |_, _| text(VERSION)),
    fact(2, "Release_date", "POSV", "Date of that version", |_, _| {
        text("2026/06/03")
    }),
    fact(
        3,
        "Nbthread",
        "CGSV",
        "Worker threads (nbthread)",
        |r, _| n32(r.process.threads),
    ),
    fact(4, "Nbproc", "CGSV", "Worker processes, always 1", one),
    fact(
        5,
        "Process_num",
        "KGPV",
        "Number of this process, always 1",
        one,
    ),
    fact(6, "Pid", "SGPV", "Process id", |r, _| n32(r.process.pid)),
    fact(7, "Uptime", "MDPV", "Time since the start", |_, _| {
        text(uptime())
    }),
    fact(
        8,
        "Uptime_sec",
        "MDPV",
        "Time since the start in seconds",
        |_, float| seconds(clock::now_ms(), float),
    ),
    fact(
        9,
        "Memmax_MB",
        "CLPV",
        "Limit on memory in MB, 0 for none",
        zero,
    ),
    fact(
        13,
        "Ulimit-n",
        "CLPV",
        "Limit on file descriptors",
        |_, _| n32(descriptors()),
    ),
    fact(14, "Maxsock", "CLPV", "Limit on sockets", |_, _| {
        n32(descriptors())
    }),
    fact(
        15,
        "Maxconn",
        "CLPV",
        "Limit on client connections",
        |r, _| n32(r.process.maxconn.load(Ordering::Relaxed)),
    ),
    fact(
        16,
        "Hard_maxconn",
        "CLPV",
        "The most that this limit can be set to",
        |r, _| n32(r.process.hard_maxconn),
    ),
    fact(17, "CurrConns", "MGPV", "Client connections", |r, _| {
        n32(r.process.connections.now())
    }),
    fact(
        18,
        "CumConns",
        "MCPV",
        "Connections accepted since the start",
        |r, _| n32(r.process.accepted.load(Ordering::Relaxed)),
    ),
    fact(
        19,
        "CumReq",
        "MCPV",
        "Requests taken since the start",
        |r, _| n32(r.process.streams.load(Ordering::Relaxed)),
    ),
    fact(
        26,
        "ConnRate",
        "MRPV",
        "Client connections over the last second",
        |r, _| n32(r.process.connection_rate.read(clock::now_ms())),
    ),
    fact(
        27,
        "ConnRateLimit",
        "CLPV",
        "Limit on ConnRate (maxconnrate)",
        |r, _| n32(r.process.max_rates[0].load(Ordering::Relaxed)),
    ),
    fact(28, "MaxConnRate", "MMPV", "Highest ConnRate", |r, _| {
        n32(r.process.connection_rate.max())
    }),
    fact(
        29,
        "SessRate",
        "MRPV",
        "Client sessions over the last second",
        |r, _| n32(r.process.session_rate.read(clock::now_ms())),
    ),
    fact(
        30,
        "SessRateLimit",
        "CLPV",
        "Limit on SessRate (maxsessrate)",
        |r, _| n32(r.process.max_rates[1].load(Ordering::Relaxed)),
    ),
    fact(31, "MaxSessRate", "MRPV", "Highest SessRate", |r, _| {
        n32(r.process.session_rate.max())
    }),
    fact(
        32,
        "SslRate",
        "MRPV",
        "TLS handshakes with clients over the last second",
        |r, _| n32(r.process.tls.handshakes.read(clock::now_ms())),
    ),
    fact(34, "MaxSslRate", "MMPV", "Highest SslRate", |r, _| {
        n32(r.process.tls.handshakes.max())
    }),
    fact(
        35,
        "SslFrontendKeyRate",
        "MGPV",
        "New TLS keys with clients over the last second",
        |r, _| n32(r.process.tls.keys.read(clock::now_ms())),
    ),
    fact(
        36,
        "SslFrontendMaxKeyRate",
        "MMPV",
        "Highest SslFrontendKeyRate",
        |r, _| n32(r.process.tls.keys.max()),
    ),
    fact(
        37,
        "SslFrontendSessionReuse_pct",
        "MGPV",
        "TLS sessions of clients taken up again, in percent",
        |r, _| n32(r.process.tls.reuse(clock::now_ms())),
    ),
    fact(
        38,
        "SslBackendKeyRate",
        "MRPV",
        "New TLS keys with servers over the last second",
        |r, _| n32(r.process.tls.server_keys.read(clock::now_ms())),
    ),
    fact(
        39,
        "SslBackendMaxKeyRate",
        "MMPV",
        "Highest SslBackendKeyRate",
        |r, _| n32(r.process.tls.server_keys.max()),
    ),
    fact(50, "node", "COSV", "Name of the node (node)", |r, _| {
        text(&*r.process.node)
    }),
    fact(
        51,
        "description",
        "COSV",
        "Description of the node (description)",
        |r, _| text(r.snapshot.global.description.as_deref()?),
    ),
    fact(
        52,
        "Stopping",
        "MGPV",
        "Whether the process ends with its last connection",
        |r, _| n32(u32::from(r.process.is_stopping())),
    ),
    fact(
        53,
        "Jobs",
        "MGPV",
        "Client connections and listeners",
        |r, _| n32(u64::from(r.process.connections.now()) + listeners(r) as u64),
    ),
    fact(55, "Listeners", "MGPV", "Open listeners", |r, _| {
        n32(listeners(r))
    }),
    fact(
        59,
        "BusyPolling",
        "MGPV",
        "Whether workers poll without sleeping, never",
        zero,
    ),
    fact(
        61,
        "TotalBytesOut",
        "MGPV",
        "Bytes sent to clients since the start",
        |r, _| Some(Value::U64(bytes_out(r))),
    ),
    fact(66, "Build info", "POSV", "Build", |_, _| text(VERSION)),
    fact(
        67,
        "Memmax_bytes",
        "CLPV",
        "Limit on memory in bytes, 0 for none",
        zero,
    ),
    fact(
        70,
        "Start_time_sec",
        "MDPV",
        "When the process was started, in seconds of the Unix epoch",
        |_, float| {
            let date = clock::date();
            let now = u64::try_from(date.seconds).unwrap_or(0) * 1000;
            let now = now + u64::from(date.micros / 1000);
            seconds(now.saturating_sub(clock::now_ms()), float)
        },
    ),
    fact(
        77,
        "CumStreams",
        "MGPV",
        "Streams since the start",
        |r, _| Some(Value::U64(r.process.streams.load(Ordering::Relaxed))),
    ),
    fact(81, "NbThreadGroups", "CGSV", "Thread groups, always 1", one),
];

fn seconds(ms: u64, float: bool) -> Option<Value> {
    if float {
        Some(Value::Float(ms as f64 / 1000.0))
    } else {
        n32(ms / 1000)
    }
}

fn uptime() -> String {
    let seconds = clock::now_ms() / 1000;
    let (days, hours) = (seconds / 86400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    format!("{days}d {hours}h{minutes:02}m{seconds:02}s")
}

fn descriptors() -> u64 {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.unwrap_or(u64::MAX)
}

fn listeners(runtime: &Runtime) -> usize {
    let open = |proxy: &&std::sync::Arc<engine::proxy::ProxyRuntime>| {
        *proxy.listening.borrow() != Listening::Stopped
    };
    let proxies = runtime.proxies.iter().filter(open);
    let binds: usize = proxies.map(|proxy| proxy.config.front.binds.len()).sum();
    binds + runtime.snapshot.global.stats_sockets.len()
}

fn bytes_out(runtime: &Runtime) -> u64 {
    let proxies = runtime.proxies.iter();
    let present: u64 = proxies
        .map(|proxy| proxy.front.tallies.get(Tally::BytesOut))
        .sum();
    let forgotten = &runtime.process.forgotten_bytes_out;
    present + forgotten.load(Ordering::Relaxed)
}

fn show_info(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let asks = |word: &str| args.0.iter().any(|arg| arg == word);
    let (json, typed, desc, float) = (asks("json"), asks("typed"), asks("desc"), asks("float"));
    let out = &mut reply.text;
    if json {
        out.push('[');
    }
    let mut first = true;
    for fact in FACTS {
        let Some(value) = (fact.value)(context.runtime, float) else {
            continue;
        };
        if json {
            write_json(out, fact, &value, first);
            first = false;
            continue;
        }
        let (number, name, tags) = (fact.number, fact.name, fact.tags);
        let _ = match typed {
            true => write!(out, "{number}.{name}.1:{tags}:{}:{value}", value.kind()),
            false => write!(out, "{name}: {value}"),
        };
        if desc {
            let _ = write!(out, ":\"{}\"", fact.doc);
        }
        out.push('\n');
    }
    if json {
        out.push_str("]\n");
    }
}

fn write_json(out: &mut String, fact: &Fact, value: &Value, first: bool) {
    if !first {
        out.push(',');
    }
    let (number, name) = (fact.number, fact.name);
    let _ = write!(
        out,
        "{{\"field\":{{\"pos\":{number},\"name\":\"{name}\"}},\"processNum\":1,"
    );
    write_json_tags(out, fact.tags);
    out.push_str(",\"value\":");
    value.write_json(out);
    out.push('}');
}
