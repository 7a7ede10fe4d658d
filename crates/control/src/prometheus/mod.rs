//! The service `prometheus-exporter`: all metrics in Prometheus' text format, metric by metric.

mod metrics;
mod query;
mod values;

use crate::info::FACTS;
use crate::stat::Subject;
use crate::stat::columns::{COLUMNS, COMMON, place};
use crate::stat::value::Value;
use engine::runtime::Runtime;
use engine::service::{Answer, Asked, Body, Pieces};
use query::{Query, Scope};
use std::fmt::Write;
use std::sync::Arc;
use values::{Number, Table};

/// What kind of metric it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up.
    Counter,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    /// Its name behind `haproxy_` and the scope.
    pub name: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// The column of `show stat`, or the line of `show info`.
    pub from: &'static str,
}

/// Answers a scrape.
#[must_use]
pub fn answer(asked: &Asked<'_>) -> Answer {
    let target = String::from_utf8_lossy(asked.head.target());
    let text = target.split_once('?').map_or("", |(_, query)| query);
    let Some(query) = Query::read(text) else {
        return Answer {
            status: 400,
            fields: vec![("content-type", "text/plain".to_owned())],
            body: Body::Whole("A parameter is not understood: 'scope' needs one of global, frontend, backend, server, listener, sticktable, resolver, *, or an empty value.\n".to_owned()),
        };
    };
    Answer {
        status: 200,
        fields: vec![
            ("cache-control", "no-cache".to_owned()),
            ("content-type", "text/plain; version=0.0.4".to_owned()),
        ],
        body: Body::Pieces(Box::new(Exposition::new(query))),
    }
}

/// Where the writing has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The next scope.
    Scope,
    /// Rows of the scope are being read.
    Reading,
    /// The scope's metrics, those of modules behind the others.
    Metric(usize),
}

/// The metrics, written one at a time. The figures of a scope are read once, so that its metrics agree.
struct Exposition {
    query: Query,
    scopes: std::vec::IntoIter<Scope>,
    scope: Scope,
    table: Table,
    step: Step,
}

impl Exposition {
    fn new(query: Query) -> Self {
        let scopes: Vec<Scope> = Scope::ALL
            .into_iter()
            .filter(|scope| query.wants(*scope))
            .collect();
        Self {
            query,
            scopes: scopes.into_iter(),
            scope: Scope::Global,
            table: Table::default(),
            step: Step::Scope,
        }
    }

    fn begin(&mut self, runtime: &Runtime, out: &mut String) -> bool {
        let Some(scope) = self.scopes.next() else {
            return false;
        };
        self.scope = scope;
        match scope.subject() {
            Some(subject) => {
                self.table = Table::new(runtime, subject, &self.query);
                self.step = Step::Reading;
            }
            None if scope == Scope::Global => self.global(runtime, out),
            None if scope == Scope::Resolver => self.resolvers(runtime, out),
            None => self.tables(runtime, out),
        }
        true
    }

    fn tables(&self, runtime: &Runtime, out: &mut String) {
        for (metric, help, value) in metrics::STICK_TABLE {
            let name = format!("haproxy_sticktable_{metric}");
            if runtime.tables.is_empty() || !self.query.has(&name) {
                continue;
            }
            header(&name, help, Kind::Gauge, out);
            // The last one that was declared comes first, as in `show table`.
            for table in runtime.tables.iter().rev() {
                let mut labels = Labels::new(out, &name);
                labels.add("name", table.name());
                labels.add("type", table.config().kind.name());
                labels.end();
                let _ = writeln!(out, " {}", value(table));
            }
        }
    }

    fn resolvers(&self, runtime: &Runtime, out: &mut String) {
        for (column, what) in engine::resolvers::COLUMNS {
            let column = match column {
                "snd_error" => "send_error",
                other => other,
            };
            let name = format!("haproxy_resolver_{column}");
            if runtime.resolvers.is_empty() || !self.query.has(&name) {
                continue;
            }
            header(&name, &column.replace('_', " "), Kind::Gauge, out);
            for section in &runtime.resolvers {
                let servers = section.config.nameservers.iter();
                for (server, counters) in servers.zip(&section.counters) {
                    let mut labels = Labels::new(out, &name);
                    labels.add("resolver", &section.config.name);
                    labels.add("nameserver", &server.name);
                    labels.end();
                    let value = what.map_or(0, |what| counters.get(what));
                    let _ = writeln!(out, " {value}");
                }
            }
        }
    }

    fn global(&self, runtime: &Runtime, out: &mut String) {
        let description = runtime.snapshot.global.description.as_deref();
        let label = description.filter(|_| self.query.descriptions);
        for metric in metrics::PROCESS {
            let name = format!("haproxy_process_{}", metric.name);
            if !self.query.has(&name) {
                continue;
            }
            let fact = FACTS.iter().find(|fact| fact.name == metric.from);
            let value = fact.and_then(|fact| (fact.value)(runtime, false));
            let help = fact.map_or("Not known here", |fact| fact.doc);
            header(&name, help, metric.kind, out);
            let mut labels = Labels::new(out, &name);
            if let Some(text) = label {
                labels.add("desc", text);
            }
            match (metric.from, &value) {
                ("node", Some(Value::Str(text))) => labels.add("node", text),
                ("Build info", Some(Value::Str(text))) => labels.add("version", text),
                _ => {}
            }
            labels.end();
            let number = match &value {
                Some(Value::Str(_)) => Number::Unsigned(1),
                other => Number::of(other.as_ref()),
            };
            let _ = writeln!(out, " {number}");
        }
    }

    /// The scope's metric at a place; `false` behind the last one.
    fn metric(&self, at: usize, out: &mut String) -> bool {
        let Some(subject) = self.scope.subject() else {
            return false;
        };
        let list = self.scope.metrics();
        if let Some(metric) = list.get(at) {
            self.one(subject, metric, out);
            return true;
        }
        let column = COLUMNS.get(COMMON + at - list.len());
        if let Some(column) = column.filter(|_| self.query.extra) {
            let name = format!("haproxy_{}_{}", self.scope.name(), column.name);
            let module = match column.name.split('_').next().unwrap_or_default() {
                "pack" | "qpack" => "h3",
                module => module,
            };
            let at = place(column.name).unwrap_or(0);
            let empty = self.table.rows.iter().all(|row| !row.has(at));
            if self.query.has(&name) && !empty {
                header(&name, &column.name.replace('_', " "), Kind::Counter, out);
                for row in &self.table.rows {
                    let mut labels = self.labels(subject, row, &name, out);
                    labels.add("mod", module);
                    labels.end();
                    let _ = writeln!(out, " {}", row.number(at));
                }
            }
            return true;
        }
        false
    }

    fn labels<'o>(
        &self,
        subject: Subject,
        row: &values::Figures,
        name: &str,
        out: &'o mut String,
    ) -> Labels<'o> {
        let mut labels = Labels::new(out, name);
        labels.add("proxy", &row.proxy);
        match subject {
            Subject::Listener => labels.add("listener", &row.name),
            Subject::Server => labels.add("server", &row.name),
            Subject::Frontend | Subject::Backend => {}
        }
        if let Some(text) = &row.description {
            labels.add("desc", text);
        }
        labels
    }

    fn one(&self, subject: Subject, metric: &Metric, out: &mut String) {
        let name = format!("haproxy_{}_{}", self.scope.name(), metric.name);
        if !self.query.has(&name) || self.table.rows.is_empty() {
            return;
        }
        let column = match metric.from {
            "hrsp" => "hrsp_1xx",
            other => other,
        };
        let at = place(column).unwrap_or(0);
        let help = match metric.from {
            "hrsp" => "Responses, by class of their status",
            _ => COLUMNS.get(at).map_or("", |column| column.doc),
        };
        // HAProxy says what its first value is, and one that is missing is no counter.
        let begins = self.table.rows.first().is_some_and(|row| row.has(at));
        let kind = match metric.kind {
            Kind::Counter if begins || metric.from == "hrsp" => Kind::Counter,
            _ => Kind::Gauge,
        };
        header(&name, help, kind, out);
        if metric.from == "hrsp" {
            return self.responses(subject, &name, at, out);
        }
        let rows = self.table.rows.iter();
        for row in rows.filter(|row| row.http || !is_of_http(subject, metric.from)) {
            match metric.from {
                "check_code" | "check_duration" if !row.is_checked() => {}
                "check_code" => {
                    self.labels(subject, row, &name, out).end();
                    let code = if row.has(at) {
                        row.number(at)
                    } else {
                        Number::Unsigned(0)
                    };
                    let _ = writeln!(out, " {code}");
                }
                "status"
                | "check_status"
                | "agg_server_status"
                | "agg_server_check_status"
                | "agg_check_status" => {
                    for (state, count) in row.states(subject, metric.from) {
                        let mut labels = self.labels(subject, row, &name, out);
                        labels.add("state", state);
                        labels.end();
                        let _ = writeln!(out, " {count}");
                    }
                }
                from => {
                    self.labels(subject, row, &name, out).end();
                    let number = row.number(at);
                    let number = if is_in_ms(from) {
                        number.thousandth()
                    } else {
                        number
                    };
                    let _ = writeln!(out, " {number}");
                }
            }
        }
    }
}

impl Exposition {
    /// Responses by class, `at` being the column of the first.
    fn responses(&self, subject: Subject, name: &str, at: usize, out: &mut String) {
        let codes = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];
        for (offset, code) in codes.into_iter().enumerate() {
            for row in self.table.rows.iter().filter(|row| row.http) {
                let mut labels = self.labels(subject, row, name, out);
                labels.add("code", code);
                labels.end();
                let _ = writeln!(out, " {}", row.number(at + offset));
            }
        }
    }
}

/// Whether a metric is left out for proxies that do not speak HTTP.
fn is_of_http(subject: Subject, column: &str) -> bool {
    const COLUMNS: [&str; 9] = [
        "cache_hits",
        "cache_lookups",
        "comp_byp",
        "comp_in",
        "comp_out",
        "comp_rsp",
        "intercepted",
        "req_rate_max",
        "req_tot",
    ];
    subject != Subject::Listener && COLUMNS.contains(&column)
}

/// Whether a column is in milliseconds, of which metrics make seconds.
fn is_in_ms(column: &str) -> bool {
    const TIMES: [&str; 9] = [
        "qtime",
        "ctime",
        "rtime",
        "ttime",
        "qtime_max",
        "ctime_max",
        "rtime_max",
        "ttime_max",
        "check_duration",
    ];
    TIMES.contains(&column)
}

fn header(name: &str, help: &str, kind: Kind, out: &mut String) {
    let kind = match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
    };
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// The labels of a line being written.
struct Labels<'o> {
    out: &'o mut String,
    any: bool,
}

impl<'o> Labels<'o> {
    fn new(out: &'o mut String, name: &str) -> Self {
        out.push_str(name);
        Self { out, any: false }
    }

    fn add(&mut self, name: &str, value: &str) {
        self.out.push(if self.any { ',' } else { '{' });
        self.any = true;
        let _ = write!(self.out, "{name}=\"");
        for c in value.chars() {
            match c {
                '\\' => self.out.push_str("\\\\"),
                '"' => self.out.push_str("\\\""),
                '\n' => self.out.push_str("\\n"),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn end(self) {
        if self.any {
            self.out.push('}');
        }
    }
}

impl Pieces for Exposition {
    fn fill(&mut self, runtime: &Arc<Runtime>, out: &mut String) -> bool {
        match self.step {
            Step::Scope => self.begin(runtime, out),
            Step::Reading => {
                if !self.table.read_some(runtime) {
                    self.step = Step::Metric(0);
                }
                true
            }
            Step::Metric(at) => {
                self.step = match self.metric(at, out) {
                    true => Step::Metric(at + 1),
                    false => Step::Scope,
                };
                true
            }
        }
    }
}
