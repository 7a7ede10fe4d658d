//! `stats-file`: counters that outlive the process, by the `guid` of what they belong to (management manual, "Stats-file").

use crate::command::Level;
use crate::stat::value::Value;
use crate::stat::{Row, Subject, rows, server};
use engine::proxy::ProxyRuntime;
use engine::runtime::Runtime;
use model::Bind;
use model::live::Counters;
use model::live::tally::Tally;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

const FRONT: [&str; 39] = [
    "stot",
    "bin",
    "bout",
    "dreq",
    "dresp",
    "ereq",
    "rate",
    "hrsp_1xx",
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "hrsp_other",
    "req_rate",
    "req_tot",
    "comp_in",
    "comp_out",
    "comp_byp",
    "comp_rsp",
    "conn_rate",
    "conn_tot",
    "intercepted",
    "dcon",
    "dses",
    "wrew",
    "cache_lookups",
    "cache_hits",
    "eint",
    "h1sess",
    "h2sess",
    "h3sess",
    "req_other",
    "h1req",
    "h2req",
    "h3req",
    "reqbin",
    "reqbout",
    "resbin",
    "resbout",
];
const BACK: [&str; 39] = [
    "stot",
    "bin",
    "bout",
    "dreq",
    "dresp",
    "econ",
    "eresp",
    "wretr",
    "wredis",
    "chkfail",
    "chkdown",
    "lastchg",
    "lbtot",
    "rate",
    "hrsp_1xx",
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "hrsp_other",
    "hanafail",
    "req_tot",
    "cli_abrt",
    "srv_abrt",
    "comp_in",
    "comp_out",
    "comp_byp",
    "comp_rsp",
    "lastsess",
    "wrew",
    "connect",
    "reuse",
    "cache_lookups",
    "cache_hits",
    "eint",
    "reqbin",
    "reqbout",
    "resbin",
    "resbout",
];

/// Counters by the columns that show them and nothing else.
const TALLIES: [(&str, Tally); 33] = [
    ("bin", Tally::BytesIn),
    ("bout", Tally::BytesOut),
    ("hrsp_1xx", Tally::Status1),
    ("hrsp_2xx", Tally::Status2),
    ("hrsp_3xx", Tally::Status3),
    ("hrsp_4xx", Tally::Status4),
    ("hrsp_5xx", Tally::Status5),
    ("hrsp_other", Tally::StatusOther),
    ("comp_in", Tally::CompressionIn),
    ("comp_out", Tally::CompressionOut),
    ("comp_byp", Tally::CompressionBypassed),
    ("comp_rsp", Tally::CompressedResponses),
    ("intercepted", Tally::Intercepted),
    ("dcon", Tally::DeniedConnections),
    ("dses", Tally::DeniedSessions),
    ("wrew", Tally::FailedRewrites),
    ("cache_lookups", Tally::CacheLookups),
    ("cache_hits", Tally::CacheHits),
    ("eint", Tally::InternalErrors),
    ("h1sess", Tally::SessionsH1),
    ("h2sess", Tally::SessionsH2),
    ("h3sess", Tally::SessionsH3),
    ("req_other", Tally::RequestsOther),
    ("h1req", Tally::RequestsH1),
    ("h2req", Tally::RequestsH2),
    ("h3req", Tally::RequestsH3),
    ("connect", Tally::Connects),
    ("reuse", Tally::Reuses),
    ("reqbin", Tally::RequestIn),
    ("reqbout", Tally::RequestOut),
    ("resbin", Tally::ResponseIn),
    ("resbout", Tally::ResponseOut),
    ("sess_other", Tally::SessionsOther),
];

/// The identifier of a listening address: the line's prefix and the address' place in its line.
fn listener_guid(proxy: &ProxyRuntime, bind: &Bind) -> Option<String> {
    let prefix = bind.guid_prefix.as_deref()?;
    let line = proxy.config.front.binds.iter();
    let mut line = line.filter(|other| other.origin == bind.origin);
    let at = line.position(|other| std::ptr::eq(&**other, bind))?;
    Some(format!("{prefix}-{at}"))
}

fn write_row(guid: &str, row: &Row, columns: &[&str], out: &mut String) {
    let _ = write!(out, "{guid},");
    for column in columns {
        let _ = match row.get(column) {
            Some(Value::Str(_)) | None => write!(out, "0,"),
            Some(Value::S32(n)) => write!(out, "{},", (*n).max(0)),
            Some(value) => write!(out, "{value},"),
        };
    }
    out.push('\n');
}

fn write_header(section: &str, columns: &[&str], out: &mut String) {
    let _ = writeln!(out, "#{section} guid,{},", columns.join(","));
}

/// Everything with an identifier, as a file that another process can start from.
#[must_use]
pub fn dump(runtime: &Runtime) -> String {
    let mut out = String::new();
    let all = runtime.all_proxies();
    write_header("fe", &FRONT, &mut out);
    for proxy in all.iter().filter(|proxy| proxy.config.caps.front) {
        if let Some(guid) = &proxy.config.guid {
            write_row(guid, &rows::frontend(runtime, proxy), &FRONT, &mut out);
        }
        for (bind, state) in proxy.config.front.binds.iter().zip(&proxy.binds) {
            let row = rows::listener(runtime, proxy, bind, state, Level::User);
            if let (Some(guid), Some(row)) = (listener_guid(proxy, bind), row) {
                write_row(&guid, &row, &FRONT, &mut out);
            }
        }
    }
    out.push('\n');
    write_header("be", &BACK, &mut out);
    for proxy in all.iter().filter(|proxy| proxy.config.caps.back) {
        for server in proxy.servers.load().iter() {
            if let Some(guid) = &server.config.guid {
                let row = server::server(runtime, proxy, server, Level::User);
                write_row(guid, &row, &BACK, &mut out);
            }
        }
        if let Some(guid) = &proxy.config.guid {
            let row = rows::backend(runtime, proxy, Level::User);
            write_row(guid, &row, &BACK, &mut out);
        }
    }
    out
}

/// A line's figures by their columns.
type Figures<'t> = HashMap<&'t str, u64>;

/// Takes counters over from a file's text. Lines that make no sense, and identifiers that nothing has, are passed over.
pub fn load(runtime: &Runtime, text: &str) {
    let mut columns: Option<(Side, Vec<&str>)> = None;
    for line in text.lines() {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if let Some(header) = line.strip_prefix('#') {
            columns = read_header(header);
            continue;
        }
        let Some((side, names)) = &columns else {
            continue;
        };
        let mut cells = line.split(',');
        let guid = cells.next().unwrap_or_default();
        let figures: Figures<'_> = names
            .iter()
            .zip(cells)
            .filter_map(|(name, cell)| Some((*name, cell.parse().ok()?)))
            .collect();
        take_over(runtime, *side, guid, &figures);
    }
}

/// Which half of the proxies a part of the file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Front,
    Back,
}

fn read_header(header: &str) -> Option<(Side, Vec<&str>)> {
    let (section, names) = header.split_once(' ')?;
    let side = match section {
        "fe" => Side::Front,
        "be" => Side::Back,
        _ => return None,
    };
    let mut names = names.split(',').filter(|name| !name.is_empty());
    (names.next() == Some("guid")).then(|| (side, names.collect()))
}

fn take_over(runtime: &Runtime, side: Side, guid: &str, figures: &Figures<'_>) {
    for proxy in &runtime.proxies {
        let own = proxy.config.guid.as_deref() == Some(guid);
        match side {
            Side::Front => {
                if own && proxy.config.caps.front {
                    return put(&proxy.front, Subject::Frontend, figures);
                }
                let binds = proxy.config.front.binds.iter().zip(&proxy.binds);
                for (bind, state) in binds {
                    if let Some(counters) = &state.counters
                        && listener_guid(proxy, bind).as_deref() == Some(guid)
                    {
                        return put(counters, Subject::Listener, figures);
                    }
                }
            }
            Side::Back => {
                if own && proxy.config.caps.back {
                    return put(&proxy.back, Subject::Backend, figures);
                }
                for server in proxy.servers.load().iter() {
                    if server.config.guid.as_deref() == Some(guid) {
                        return put(&server.state.counters, Subject::Server, figures);
                    }
                }
            }
        }
    }
}

fn put(counters: &Counters, subject: Subject, figures: &Figures<'_>) {
    let shared: [(&str, &AtomicU64); 11] = [
        ("stot", &counters.total),
        ("dreq", &counters.denied_requests),
        ("dresp", &counters.denied_responses),
        ("ereq", &counters.request_errors),
        ("econ", &counters.connection_errors),
        ("eresp", &counters.response_errors),
        ("wretr", &counters.retries),
        ("wredis", &counters.redispatches),
        ("lbtot", &counters.balanced),
        ("cli_abrt", &counters.aborts[0]),
        ("srv_abrt", &counters.aborts[1]),
    ];
    for (column, counter) in shared {
        if let Some(value) = figures.get(column) {
            counter.store(*value, Ordering::Relaxed);
        }
    }
    for (column, what) in TALLIES {
        if let Some(value) = figures.get(column) {
            counters.tally(what, *value);
        }
    }
    match (subject, figures.get("conn_tot"), figures.get("req_tot")) {
        // Sessions are connections less those that were refused.
        (Subject::Frontend | Subject::Listener, Some(connections), _) => {
            counters.total.store(*connections, Ordering::Relaxed);
        }
        (Subject::Server, _, Some(requests)) => counters.tally(Tally::RequestsH1, *requests),
        _ => {}
    }
    if let (Subject::Frontend, Some(requests)) = (subject, figures.get("req_tot")) {
        counters.requests.store(*requests, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_their_side_and_columns() {
        let header = read_header("be guid,unknown,stot,");
        assert_eq!(header, Some((Side::Back, vec!["unknown", "stot"])));
        assert_eq!(read_header("inval guid,other,"), None);
        assert_eq!(read_header("fe other,"), None);
    }
}
