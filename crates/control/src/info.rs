//! What is known of the process: the lines of `show info`.

pub mod oddities;

use crate::VERSION;
use crate::stat::value::Value;
use engine::clock;
use engine::peers::Status;
use engine::proxy::Listening;
use engine::runtime::Runtime;
use model::live::tally::Tally;
use std::sync::atomic::Ordering;

/// One line of `show info`.
pub struct Fact {
    /// Its number in typed output, which is part of the format. Those that nothing here can tell are left out.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// Origin, nature and scope.
    pub tags: &'static str,
    /// What it tells.
    pub doc: &'static str,
    /// Its value; with `true`, times are as precise as they are known.
    pub value: fn(&Runtime, bool) -> Option<Value>,
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

/// How many other peers are in such a state.
fn peers(runtime: &Runtime, is: impl Fn(Status) -> bool) -> u64 {
    let members = runtime.peers.iter().flat_map(|section| &section.members);
    let others = members.filter(|member| !member.local);
    others
        .filter(|member| is(member.state.lock().status))
        .count() as u64
}

/// What there is none of, such as a limit that is not set.
fn zero(_: &Runtime, _: bool) -> Option<Value> {
    Some(Value::U32(0))
}

fn one(_: &Runtime, _: bool) -> Option<Value> {
    Some(Value::U32(1))
}

/// The limit on memory for data in bytes, 0 for none.
fn memory_limit() -> u64 {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Data);
    limit.current.unwrap_or(0)
}

/// All of them, in order.
pub const FACTS: &[Fact] = &[
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
        |_, _| n32(memory_limit() >> 20),
    ),
    fact(10, "PoolAlloc_MB", "MGPV", "Memory in use in MB", |_, _| {
        n32(resident() >> 20)
    }),
    fact(11, "PoolUsed_MB", "MGPV", "Memory in use in MB", |_, _| {
        n32(resident() >> 20)
    }),
    fact(12, "PoolFailed", "MCPV", "Failed allocations", zero),
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
        20,
        "MaxSslConns",
        "MMPV",
        "Limit on TLS connections, 0 for none",
        |r, _| n32(r.snapshot.global.max_tls_connections),
    ),
    fact(21, "CurrSslConns", "MGPV", "TLS connections", |r, _| {
        n32(r.process.tls.connections.load(Ordering::Relaxed))
    }),
    fact(
        22,
        "CumSslConns",
        "MCPV",
        "TLS connections since the start",
        |r, _| n32(r.process.tls.total.load(Ordering::Relaxed)),
    ),
    fact(
        23,
        "Maxpipes",
        "CLPV",
        "Limit on pipes for splicing, 0 for none",
        zero,
    ),
    fact(24, "PipesUsed", "MGPV", "Pipes in use", |_, _| {
        n32(engine::io::pipes().0)
    }),
    fact(25, "PipesFree", "MGPV", "Pipes kept for use", |_, _| {
        n32(engine::io::pipes().1)
    }),
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
        "TLS connections over the last second",
        |r, _| n32(r.process.tls.accepted.read(clock::now_ms())),
    ),
    fact(
        33,
        "SslRateLimit",
        "CLPV",
        "Limit on SslRate (maxsslrate)",
        |r, _| n32(r.process.max_rates[2].load(Ordering::Relaxed)),
    ),
    fact(34, "MaxSslRate", "MMPV", "Highest SslRate", |r, _| {
        n32(r.process.tls.accepted.max())
    }),
    fact(
        35,
        "SslFrontendKeyRate",
        "MGPV",
        "Keys made for clients over the last second",
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
        "Percentage of client handshakes that took up a session",
        |r, _| n32(r.process.tls.reuse(clock::now_ms())),
    ),
    fact(
        38,
        "SslBackendKeyRate",
        "MRPV",
        "Keys made for servers over the last second",
        |r, _| n32(r.process.tls.server_keys.read(clock::now_ms())),
    ),
    fact(
        39,
        "SslBackendMaxKeyRate",
        "MMPV",
        "Highest SslBackendKeyRate",
        |r, _| n32(r.process.tls.server_keys.max()),
    ),
    fact(
        40,
        "SslCacheLookups",
        "MCPV",
        "Lookups in the TLS session cache",
        |_, _| n32(tls::cache_lookups().0),
    ),
    fact(
        41,
        "SslCacheMisses",
        "MCPV",
        "Lookups there that found nothing",
        |_, _| n32(tls::cache_lookups().1),
    ),
    fact(
        42,
        "CompressBpsIn",
        "MRPV",
        "Bytes given to compression over the last second",
        zero,
    ),
    fact(
        43,
        "CompressBpsOut",
        "MRPV",
        "Bytes that compression made over the last second",
        zero,
    ),
    fact(
        44,
        "CompressBpsRateLim",
        "CLPV",
        "Limit on CompressBpsOut (maxcomprate), 0 for none",
        zero,
    ),
    fact(47, "Tasks", "MGPV", "Tasks", |r, _| {
        n32(streams(r) + u64::from(r.process.connections.now()))
    }),
    fact(48, "Run_queue", "MGPV", "Tasks ready to run", zero),
    fact(
        49,
        "Idle_pct",
        "MaPV",
        "Percentage of the last second that workers slept",
        |r, _| n32(r.process.idle_percent.load(Ordering::Relaxed)),
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
    fact(
        54,
        "Unstoppable Jobs",
        "MGPV",
        "Jobs that no stop ends",
        zero,
    ),
    fact(55, "Listeners", "MGPV", "Open listeners", |r, _| {
        n32(listeners(r))
    }),
    fact(
        56,
        "ActivePeers",
        "MGPV",
        "Peers that are up to date",
        |r, _| n32(peers(r, |status| status != Status::None)),
    ),
    fact(57, "ConnectedPeers", "MGPV", "Peers connected", |r, _| {
        n32(peers(r, |status| status == Status::Established))
    }),
    fact(
        58,
        "DroppedLogs",
        "MGPV",
        "Log lines dropped since the start",
        |_, _| n32(engine::log::dropped()),
    ),
    fact(
        59,
        "BusyPolling",
        "MGPV",
        "Whether workers poll without sleeping, never",
        zero,
    ),
    fact(
        60,
        "FailedResolutions",
        "MGPV",
        "Name resolutions that failed",
        |_, _| n32(engine::resolvers::failed()),
    ),
    fact(
        61,
        "TotalBytesOut",
        "MGPV",
        "Bytes sent to clients since the start",
        |r, _| Some(Value::U64(r.process.tallies.get(Tally::BytesOut))),
    ),
    fact(
        62,
        "TotalSplicedBytesOut",
        "MGPV",
        "Bytes sent to clients past the buffers",
        |r, _| Some(Value::U64(r.process.tallies.get(Tally::H1SplicedOut))),
    ),
    fact(
        63,
        "BytesOutRate",
        "MRPV",
        "Bytes sent to clients over the last second",
        |r, _| Some(Value::U64(r.process.bytes_out_rate.load(Ordering::Relaxed))),
    ),
    fact(
        64,
        "DebugCommandsIssued",
        "MGPV",
        "Debugging commands run, 0 on a sound process",
        |_, _| n32(oddities::debug_commands()),
    ),
    fact(
        65,
        "CumRecvLogs",
        "MCPV",
        "Log messages that came to 'log-forward' sections",
        |_, _| n32(engine::log::received()),
    ),
    fact(66, "Build info", "POSV", "Build", |_, _| text(VERSION)),
    fact(
        67,
        "Memmax_bytes",
        "CLPV",
        "Limit on memory in bytes, 0 for none",
        |_, _| Some(Value::U64(memory_limit())),
    ),
    fact(
        68,
        "PoolAlloc_bytes",
        "MGPV",
        "Memory in use in bytes",
        |_, _| Some(Value::U64(resident())),
    ),
    fact(
        69,
        "PoolUsed_bytes",
        "MGPV",
        "Memory in use in bytes",
        |_, _| Some(Value::U64(resident())),
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
        71,
        "Tainted",
        "SGPV",
        "Experimental features in use",
        |_, _| text(oddities::tainted()),
    ),
    fact(
        72,
        "TotalWarnings",
        "MCPV",
        "Warnings since the start, those about the configuration included",
        |r, _| n32(r.process.warnings.load(Ordering::Relaxed)),
    ),
    fact(
        73,
        "MaxconnReached",
        "MCPV",
        "Times the limit on connections was reached",
        |r, _| n32(r.process.maxconn_reached.load(Ordering::Relaxed)),
    ),
    fact(
        74,
        "BootTime_ms",
        "MDPV",
        "How long the start took in milliseconds",
        |r, _| n32(r.process.boot_ms.load(Ordering::Relaxed)),
    ),
    fact(
        75,
        "Niced_tasks",
        "MGPV",
        "Tasks of another priority than the usual one",
        zero,
    ),
    fact(76, "CurrStreams", "MGPV", "Streams", |r, _| {
        Some(Value::U64(streams(r)))
    }),
    fact(
        77,
        "CumStreams",
        "MGPV",
        "Streams since the start",
        |r, _| Some(Value::U64(r.process.streams.load(Ordering::Relaxed))),
    ),
    fact(
        78,
        "BlockedTrafficWarnings",
        "MGPV",
        "Warnings about workers held up for too long",
        zero,
    ),
    fact(
        79,
        "PatternsAdded",
        "MGPV",
        "Patterns added since the start",
        |r, _| Some(Value::U64(patterns(r) + expr::pattern::freed())),
    ),
    fact(
        80,
        "PatternsFreed",
        "MGPV",
        "Patterns removed since the start",
        |_, _| Some(Value::U64(expr::pattern::freed())),
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

fn streams(runtime: &Runtime) -> u64 {
    let tallies = &runtime.process.tallies;
    let ended = tallies.get(Tally::H1Ended);
    tallies.get(Tally::H1Begun).saturating_sub(ended)
}

/// Memory that is resident, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

fn patterns(runtime: &Runtime) -> u64 {
    let lists = runtime.snapshot.patterns.refs().iter();
    lists.map(|list| list.entry_count() as u64).sum()
}
