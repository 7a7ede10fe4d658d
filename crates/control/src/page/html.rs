//! The page itself, written section by section.

use super::query::{Outcome, Query};
use super::words::{self, Mood, duration, escape, number, text};
use super::{chart, rows};
use crate::VERSION;
use crate::servers::Action;
use crate::stat::columns::{COLUMNS, COMMON};
use crate::stat::list::Rows;
use crate::stat::value::Value;
use crate::stat::{Row, Subject};
use engine::clock;
use engine::proxy::ProxyRuntime;
use engine::runtime::{Runtime, random};
use engine::service::{AskedPage, Pieces};
use model::StatsPage;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The columns of the tables: heading over a group, then each column's key and heading.
const GROUPS: &[(&str, &[(&str, &str)])] = &[
    (
        "Queue",
        &[("qcur", "Cur"), ("qmax", "Max"), ("qlimit", "Limit")],
    ),
    (
        "Session rate",
        &[("rate", "Cur"), ("rate_max", "Max"), ("rate_lim", "Limit")],
    ),
    (
        "Sessions",
        &[
            ("scur", "Cur"),
            ("smax", "Max"),
            ("slim", "Limit"),
            ("stot", "Total"),
            ("lbtot", "LbTot"),
            ("lastsess", "Last"),
        ],
    ),
    ("Bytes", &[("bin", "In"), ("bout", "Out")]),
    ("Denied", &[("dreq", "Req"), ("dresp", "Resp")]),
    (
        "Errors",
        &[("ereq", "Req"), ("econ", "Conn"), ("eresp", "Resp")],
    ),
    ("Warnings", &[("wretr", "Retr"), ("wredis", "Redis")]),
    (
        "Server",
        &[
            ("weight", "Wght"),
            ("act", "Act"),
            ("bck", "Bck"),
            ("chkfail", "Chk"),
            ("chkdown", "Dwn"),
            ("downtime", "Dwntme"),
            ("throttle", "Thrtle"),
        ],
    ),
];

/// What is written next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Head,
    Rows,
    Foot,
}

/// A page being written.
pub struct Page {
    rows: Rows,
    settings: StatsPage,
    query: Query,
    admin: bool,
    nonce: String,
    step: Step,
    /// The number of the proxy whose section is open.
    open: Option<u32>,
    /// Whether its section has a form.
    form: bool,
}

impl Page {
    /// The page for a request.
    #[must_use]
    pub fn new(asked: &AskedPage<'_>, query: Query) -> Self {
        Self {
            rows: rows(asked, &query),
            settings: asked.page.clone(),
            query,
            admin: asked.admin,
            nonce: format!("{:016x}{:016x}", random(), random()),
            step: Step::Head,
            open: None,
            form: false,
        }
    }

    /// The fields that keep anything but the page's own parts from being loaded or run.
    #[must_use]
    pub fn policy(&self) -> Vec<(&'static str, String)> {
        let nonce = &self.nonce;
        vec![
            (
                "content-security-policy",
                format!(
                    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
                ),
            ),
            ("x-content-type-options", "nosniff".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
        ]
    }

    fn head(&self, runtime: &Runtime, out: &mut String) {
        let process = &runtime.process;
        out.push_str("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Statistics");
        let node = match self.settings.node.as_deref() {
            Some("") => Some(process.node.as_str()),
            other => other,
        };
        if let Some(node) = node {
            out.push_str(" of ");
            escape(node, out);
        }
        let nonce = &self.nonce;
        let _ = write!(
            out,
            "</title><link rel=\"icon\" href=\"data:,\"><style nonce=\"{nonce}\">{STYLE}</style></head>\n<body>\n<header><h1>Statistics"
        );
        if let Some(node) = node {
            out.push_str(" of ");
            escape(node, out);
        }
        out.push_str("</h1>");
        let description = match self.settings.description.as_deref() {
            Some("") => runtime.snapshot.global.description.as_deref(),
            other => other,
        };
        if let Some(description) = description {
            out.push_str("<p>");
            escape(description, out);
            out.push_str("</p>");
        }
        self.process(runtime, out);
        self.links(out);
        out.push_str("</header>\n");
        if let Some(outcome) = self.query.outcome {
            self.tell(outcome, out);
        }
    }

    fn process(&self, runtime: &Runtime, out: &mut String) {
        let process = &runtime.process;
        let now = clock::now_ms();
        let version = match self.settings.show_version {
            true => format!("version {VERSION}, "),
            false => String::new(),
        };
        let _ = write!(
            out,
            "<p>{version}pid {} (process #1, nbthread = {}), up for {}</p><p>maxconn {}, {} connections now, {} per second; {} requests in all</p>",
            process.pid,
            process.threads,
            duration(now / 1000),
            process.maxconn.load(Ordering::Relaxed),
            process.connections.now(),
            process.connection_rate.read(now),
            process.streams.load(Ordering::Relaxed),
        );
        out.push_str("<p class=\"legend\"><span class=\"good\">\u{25cf} up</span><span class=\"fair\">\u{25cf} up, going down</span><span class=\"bad\">\u{25cf} down</span><span class=\"resting\">\u{25cf} maintenance or drain</span><span class=\"plain\">\u{25cb} not checked</span></p>");
    }

    fn link(&self, text: &str, query: &Query, out: &mut String) {
        out.push_str("<a href=\"");
        escape(&self.settings.uri, out);
        escape(&query.view(), out);
        let _ = write!(out, "\">{text}</a> ");
    }

    fn links(&self, out: &mut String) {
        let query = Query {
            outcome: None,
            ..self.query.clone()
        };
        out.push_str("<nav><form method=\"get\">Scope: <input name=\"scope\" size=\"8\" maxlength=\"20\" value=\"");
        escape(query.scope.as_deref().unwrap_or_default(), out);
        out.push_str("\"></form><span class=\"script\">Filter: <input id=\"filter\" size=\"12\" type=\"search\"></span>");
        let toggled = |up: bool, no_maint: bool, no_refresh: bool| Query {
            up: query.up ^ up,
            no_maint: query.no_maint ^ no_maint,
            no_refresh: query.no_refresh ^ no_refresh,
            ..query.clone()
        };
        let label =
            |on: bool, with: &'static str, without: &'static str| if on { with } else { without };
        self.link(
            label(query.up, "Show all servers", "Hide 'DOWN' servers"),
            &toggled(true, false, false),
            out,
        );
        self.link(
            label(
                query.no_maint,
                "Show servers in maintenance",
                "Hide 'MAINT' servers",
            ),
            &toggled(false, true, false),
            out,
        );
        if self.settings.refresh.is_some() {
            self.link(
                label(query.no_refresh, "Enable refresh", "Disable refresh"),
                &toggled(false, false, true),
                out,
            );
        }
        self.link("Refresh now", &query, out);
        for (form, text) in [
            ("csv", "CSV export"),
            ("json", "JSON export"),
            ("json-schema", "schema"),
        ] {
            out.push_str("<a href=\"");
            escape(&self.settings.uri, out);
            let _ = write!(out, ";{form};norefresh");
            if let Some(scope) = &query.scope {
                let only = Query {
                    scope: Some(scope.clone()),
                    ..Query::default()
                };
                escape(&only.view(), out);
            }
            let _ = write!(out, "\">{text}</a> ");
        }
        out.push_str("</nav>");
    }

    fn tell(&self, outcome: Outcome, out: &mut String) {
        let (class, text) = match outcome {
            Outcome::Done => ("", "Done."),
            Outcome::None => ("", "Nothing has changed."),
            Outcome::Part => (
                "fair",
                "Done in part: some servers are not known, or their names are not unique.",
            ),
            Outcome::Invalid => (
                "bad",
                "Nothing was done: the action, the backend or the servers are not known.",
            ),
            Outcome::Exceeded => (
                "bad",
                "Nothing was done: the form is larger than the buffer (tune.bufsize). Choose fewer servers at a time.",
            ),
            Outcome::Denied => ("bad", "Nothing was done: changes are not allowed here."),
        };
        let _ = write!(out, "<p class=\"note {class}\">{text} ");
        let query = Query {
            outcome: None,
            ..self.query.clone()
        };
        self.link("Close", &query, out);
        out.push_str("</p>\n");
    }

    fn begin_section(&mut self, runtime: &Runtime, row: &Row, out: &mut String) {
        let all = runtime.all_proxies();
        let proxy = all.iter().find(|proxy| proxy.config.id == row.ids.0);
        let name = text(row, "pxname");
        out.push_str("<section class=\"proxy\" id=\"");
        escape(name, out);
        out.push_str("\" data-name=\"");
        escape(name, out);
        out.push_str("\"><div class=\"head\"><h2><a href=\"#");
        escape(name, out);
        out.push_str("\">");
        escape(name, out);
        out.push_str("</a></h2>");
        self.form = self.admin && proxy.is_some_and(|proxy| proxy.config.caps.back);
        if let Some(proxy) = proxy {
            self.describe(proxy, out);
        }
        out.push_str("</div>");
        if self.form {
            out.push_str("<form method=\"post\">");
        }
        self.table_head(out);
    }

    fn describe(&self, proxy: &ProxyRuntime, out: &mut String) {
        let config = &proxy.config;
        if let Some(description) = &config.description {
            out.push_str("<span>");
            escape(description, out);
            out.push_str("</span>");
        }
        if self.settings.legends {
            let _ = write!(
                out,
                "<span class=\"dim\">cap: {}, mode: {}, id: {}</span>",
                config.caps.section(),
                config.mode.name(),
                config.id
            );
        }
        for (side, name) in [(0, "frontend"), (1, "backend")] {
            let samples = proxy.last_hour(side);
            if samples.iter().any(|(all, _)| *all > 0) {
                let _ = write!(out, "<span class=\"dim\">{name} ");
                chart::write(&samples, &format!("{} {name}", config.name), out);
                out.push_str("</span>");
            }
        }
    }

    fn table_head(&self, out: &mut String) {
        out.push_str("<div class=\"scroll\"><table><thead><tr>");
        if self.form {
            out.push_str("<th rowspan=\"2\"><input type=\"checkbox\" class=\"script\" data-all aria-label=\"all servers\"></th>");
        }
        out.push_str("<th rowspan=\"2\" class=\"text\" data-sort=\"svname\">Name</th><th rowspan=\"2\" class=\"text\" data-sort=\"status\">Status</th>");
        for (group, columns) in GROUPS {
            let _ = write!(out, "<th colspan=\"{}\">{group}</th>", columns.len());
        }
        out.push_str("</tr><tr>");
        for (key, heading) in GROUPS.iter().flat_map(|(_, columns)| *columns) {
            let _ = write!(out, "<th data-sort=\"{key}\">{heading}</th>");
        }
        out.push_str("</tr></thead><tbody>\n");
    }

    fn row(&self, row: &Row, out: &mut String) {
        let kind = match row.subject {
            Subject::Frontend => "frontend sum",
            Subject::Listener => "listener",
            Subject::Server => "server",
            Subject::Backend => "backend sum",
        };
        let name = text(row, "svname");
        let _ = write!(out, "<tr class=\"{kind}\" data-name=\"");
        escape(name, out);
        out.push_str("\">");
        if self.form {
            out.push_str("<td>");
            if row.subject == Subject::Server {
                out.push_str("<input type=\"checkbox\" name=\"s\" value=\"");
                escape(name, out);
                out.push_str("\" aria-label=\"choose ");
                escape(name, out);
                out.push_str("\">");
            }
            out.push_str("</td>");
        }
        self.name_cell(row, name, out);
        self.status_cell(row, out);
        for (group, columns) in GROUPS {
            for (key, heading) in *columns {
                cell(row, key, &format!("{group} {heading}"), out);
            }
        }
        out.push_str("</tr>\n");
    }

    /// The name, with everything else that is known behind it.
    fn name_cell(&self, row: &Row, name: &str, out: &mut String) {
        let shown = match row.subject {
            Subject::Frontend => "Frontend",
            Subject::Backend => "Backend",
            _ => name,
        };
        out.push_str("<td class=\"text wide\" data-key=\"svname\" data-value=\"");
        escape(name, out);
        out.push_str("\"><details id=\"d:");
        escape(text(row, "pxname"), out);
        out.push('/');
        escape(name, out);
        out.push_str("\"><summary>");
        escape(shown, out);
        out.push_str("</summary><dl>");
        let last = if self.settings.modules {
            COLUMNS.len()
        } else {
            COMMON
        };
        let cells = row.cells.iter().zip(&COLUMNS).take(last);
        for (value, column) in cells {
            let Some(value) = value.as_ref().filter(|_| is_detail(column.name)) else {
                continue;
            };
            out.push_str("<dt title=\"");
            escape(column.doc, out);
            let _ = write!(out, "\">{}</dt><dd>", column.name);
            escape(&value.to_string(), out);
            out.push_str("</dd>");
        }
        out.push_str("</dl></details></td>");
    }

    fn status_cell(&self, row: &Row, out: &mut String) {
        let status = text(row, "status");
        let mood = Mood::of(status);
        let _ = write!(
            out,
            "<td class=\"text wide state {}\" data-key=\"status\">",
            mood.class()
        );
        if let Some(since) = number(row, "lastchg") {
            let _ = write!(out, "<span class=\"dim\">{}</span> ", duration(since));
        }
        escape(status, out);
        let reason = match row.subject {
            Subject::Server => words::reason(row),
            Subject::Backend if status.starts_with("DOWN") => {
                Some("No server is left that could take traffic.".to_owned())
            }
            _ => None,
        };
        if let Some(reason) = reason {
            out.push_str("<div class=\"why\">");
            escape(&reason, out);
            out.push_str("</div>");
        }
        out.push_str("</td>");
    }

    fn end_section(&self, out: &mut String) {
        out.push_str("</tbody></table></div>");
        if self.form {
            let id = self.open.unwrap_or(0);
            let _ = write!(
                out,
                "<p>Choose the action to perform on the checked servers: <select name=\"action\"><option value=\"\"></option>"
            );
            for (_, name, label) in Action::ALL {
                let _ = write!(out, "<option value=\"{name}\">{label}</option>");
            }
            let _ = write!(
                out,
                "</select><input type=\"hidden\" name=\"b\" value=\"#{id}\"> <button>Apply</button></p></form>"
            );
        }
        out.push_str("</section>\n");
    }
}

/// Whether a column stands in the details: those of the table and the names do not.
fn is_detail(name: &str) -> bool {
    let in_table = GROUPS
        .iter()
        .flat_map(|(_, columns)| *columns)
        .any(|(key, _)| *key == name);
    !in_table && !matches!(name, "pxname" | "svname" | "status" | "pid" | "type")
}

fn cell(row: &Row, key: &str, label: &str, out: &mut String) {
    let _ = write!(out, "<td data-key=\"{key}\"");
    if let Some(value) = row.get(key) {
        let _ = write!(out, " data-label=\"{label}\" data-value=\"{value}\">");
        match (key, value) {
            ("downtime", Value::U32(seconds)) => out.push_str(&duration((*seconds).into())),
            ("lastsess", Value::S32(seconds)) => match u64::try_from(*seconds) {
                Ok(seconds) => out.push_str(&duration(seconds)),
                Err(_) => out.push('?'),
            },
            ("act" | "bck", Value::U32(on)) if row.subject == Subject::Server => {
                out.push(if *on == 0 { '-' } else { 'Y' });
            }
            (_, value) => escape(&value.to_string(), out),
        }
        out.push_str("</td>");
    } else {
        out.push_str("></td>");
    }
}

impl Pieces for Page {
    fn fill(&mut self, runtime: &Arc<Runtime>, out: &mut String) -> bool {
        match self.step {
            Step::Head => {
                self.head(runtime, out);
                self.step = Step::Rows;
            }
            Step::Rows => {
                let row = self.rows.next(runtime);
                let proxy = row.as_ref().map(|row| row.ids.0);
                if self.open.is_some() && self.open != proxy {
                    self.end_section(out);
                }
                match row {
                    Some(row) => {
                        if self.open != proxy {
                            self.begin_section(runtime, &row, out);
                            self.open = proxy;
                        }
                        self.row(&row, out);
                    }
                    None => self.step = Step::Foot,
                }
            }
            Step::Foot => {
                let nonce = &self.nonce;
                let _ = writeln!(
                    out,
                    "<script nonce=\"{nonce}\">{SCRIPT}</script></body></html>"
                );
                return false;
            }
        }
        true
    }
}
