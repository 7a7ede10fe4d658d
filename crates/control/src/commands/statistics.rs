//! `show stat`.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use crate::stat::columns::{COLUMNS, MODULE_COLUMNS};
use crate::stat::value::write_json_tags;
use crate::stat::{Row, Subject, rows};
use engine::proxy::ProxyRuntime;
use engine::runtime::Runtime;
use model::live::Admin;
use std::fmt::Write;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "stat"],
    level: Level::User,
    args: "[json|no-maint|typed|up]*",
    doc: "show the counters of proxies and servers",
    run: show,
}];

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Typed,
    Json,
}

/// Which rows are wanted.
#[derive(Debug, Clone)]
struct Filter {
    /// The proxy's number; `None` for all.
    proxy: Option<u32>,
    /// Bits of [`Subject::bit`].
    types: u32,
    /// The server's number; `None` for all.
    server: Option<u32>,
    up: bool,
    no_maint: bool,
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let mut filter = Filter {
        proxy: None,
        types: u32::MAX,
        server: None,
        up: false,
        no_maint: false,
    };
    let mut words = args.0;
    if words.first().map(String::as_str) == Some("domain") {
        if args.get(1) != "proxy" {
            return reply.error("Invalid statistics domain.");
        }
        words = words.get(2..).unwrap_or_default();
    }
    if let [proxy, types, server, rest @ ..] = words {
        let Some(id) = proxy_id(context.runtime, proxy) else {
            return reply.error("No such proxy.");
        };
        filter.proxy = id;
        filter.types = number(types).unwrap_or(u32::MAX);
        filter.server = number(server);
        words = rest;
    }
    let mut form = Form::Csv;
    for word in words {
        match word.as_str() {
            "typed" => form = Form::Typed,
            "json" => form = Form::Json,
            "up" => filter.up = true,
            "no-maint" => filter.no_maint = true,
            "desc" => return reply.error("'show stat desc' is not available."),
            _ => {}
        }
    }
    match form {
        Form::Csv => write_header(&mut reply.text),
        Form::Json => reply.text.push('['),
        Form::Typed => {}
    }
    reply.dump(Statistics {
        proxies: context.runtime.all_proxies(),
        filter,
        form,
        level: context.state.level,
        proxy: 0,
        step: 0,
        first: true,
    });
}

/// A number; negative ones and other words stand for all.
fn number(word: &str) -> Option<u32> {
    word.parse().ok()
}

/// The number of a proxy given by number or name; `Some(None)` for all.
fn proxy_id(runtime: &Runtime, word: &str) -> Option<Option<u32>> {
    if let Ok(id) = word.parse::<i64>() {
        return Some(u32::try_from(id).ok());
    }
    let all = runtime.all_proxies();
    let named = all.iter().find(|p| &*p.config.name == word)?;
    Some(Some(named.config.id))
}

fn write_header(out: &mut String) {
    out.push_str("# ");
    for name in COLUMNS.iter().map(|column| column.name) {
        let _ = write!(out, "{name},");
    }
    out.push_str("-,");
    for name in MODULE_COLUMNS {
        let _ = write!(out, "{name},");
    }
    out.push('\n');
}

/// The rows of all proxies, one at a time.
struct Statistics {
    proxies: Vec<Arc<ProxyRuntime>>,
    filter: Filter,
    form: Form,
    level: Level,
    /// The place of the next proxy.
    proxy: usize,
    /// Its next row: the frontend, its servers, the backend.
    step: usize,
    first: bool,
}

impl Dump for Statistics {
    fn fill(&mut self, runtime: &Runtime, out: &mut String) -> bool {
        while let Some(proxy) = self.proxies.get(self.proxy) {
            let row = self.row_at(runtime, proxy);
            self.step += 1;
            if self.step > proxy.servers.load().len() + 1 {
                (self.proxy, self.step) = (self.proxy + 1, 0);
            }
            if let Some(row) = row {
                self.write(&row, out);
                return true;
            }
        }
        if self.form == Form::Json {
            out.push_str("]\n");
        }
        false
    }
}

impl Statistics {
    fn row_at(&self, runtime: &Runtime, proxy: &Arc<ProxyRuntime>) -> Option<Row> {
        let (filter, config) = (&self.filter, &proxy.config);
        if config.disabled || filter.proxy.is_some_and(|id| id != config.id) {
            return None;
        }
        let wants = |subject: Subject| filter.types & subject.bit() != 0;
        match self.step {
            0 => (config.caps.front && wants(Subject::Frontend))
                .then(|| rows::frontend(runtime, proxy)),
            step if step <= proxy.servers.load().len() => {
                let servers = proxy.servers.load();
                let server = servers.nth(step - 1)?;
                let admin = server.state.admin();
                let down = admin.has(Admin::MAINT) || !server.state.is_up();
                let passed = (filter.up && down)
                    || (filter.no_maint && admin.has(Admin::MAINT))
                    || filter.server.is_some_and(|id| id != server.config.id);
                (wants(Subject::Server) && !passed)
                    .then(|| rows::server(runtime, proxy, server, self.level))
            }
            _ => (config.caps.back && wants(Subject::Backend))
                .then(|| rows::backend(proxy, self.level)),
        }
    }

    fn write(&mut self, row: &Row, out: &mut String) {
        match self.form {
            Form::Csv => write_csv(row, out),
            Form::Typed => write_typed(row, out),
            Form::Json => {
                if !self.first {
                    out.push(',');
                }
                write_json(row, out);
            }
        }
        self.first = false;
    }
}

fn write_csv(row: &Row, out: &mut String) {
    for cell in &row.cells {
        if let Some(value) = cell {
            value.write_csv(out);
        }
        out.push(',');
    }
    out.push_str("-,");
    out.extend(std::iter::repeat_n(',', MODULE_COLUMNS.len()));
    out.push('\n');
}

/// The tags of a cell. A backend's highest rate is a gauge to HAProxy.
fn tags(row: &Row, at: usize) -> &'static str {
    let Some(column) = COLUMNS.get(at) else {
        return "";
    };
    match (column.name, row.subject) {
        ("rate_max", Subject::Backend) => "MGPV",
        ("act" | "bck", Subject::Backend) => "MGPV",
        _ => column.tags,
    }
}

fn cells(row: &Row) -> impl Iterator<Item = (usize, &'static str, &crate::stat::value::Value)> {
    let named = row.cells.iter().zip(&COLUMNS).enumerate();
    named.filter_map(|(at, (cell, column))| Some((at, column.name, cell.as_ref()?)))
}

fn write_typed(row: &Row, out: &mut String) {
    let (letter, (proxy, id)) = (row.subject.letter(), row.ids);
    for (at, name, value) in cells(row) {
        let (tags, kind) = (tags(row, at), value.kind());
        let _ = writeln!(
            out,
            "{letter}.{proxy}.{id}.{at}.{name}.1:{tags}:{kind}:{value}"
        );
    }
}

fn write_json(row: &Row, out: &mut String) {
    let (subject, (proxy, id)) = (row.subject.name(), row.ids);
    out.push('[');
    for (count, (at, name, value)) in cells(row).enumerate() {
        if count > 0 {
            out.push(',');
        }
        let _ = write!(
            out,
            "{{\"objType\":\"{subject}\",\"proxyId\":{proxy},\"id\":{id},\"field\":{{\"pos\":{at},\"name\":\"{name}\"}},\"processNum\":1,"
        );
        write_json_tags(out, tags(row, at));
        out.push_str(",\"value\":");
        value.write_json(out);
        out.push('}');
    }
    out.push(']');
}
