//! The figures of one scope, read row by row before its metrics are written.

use super::query::Query;
use crate::command::Level;

use crate::stat::list::{Filter, Rows};
use crate::stat::value::Value;
use crate::stat::{Row, Subject};
use engine::runtime::Runtime;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A figure in the space of a word and its tag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// There is none.
    Missing,
    /// Not negative.
    Unsigned(u64),
    /// Perhaps negative.
    Signed(i32),
    /// With a fraction.
    Float(f64),
    /// Thousandths.
    Thousandths(u64),
}

impl Number {
    /// A cell's figure.
    #[must_use]
    pub fn of(value: Option<&Value>) -> Self {
        match value {
            Some(Value::U32(n)) => Self::Unsigned((*n).into()),
            Some(Value::U64(n)) => Self::Unsigned(*n),
            Some(Value::S32(n)) => Self::Signed(*n),
            Some(Value::Float(n)) => Self::Float(*n),
            Some(Value::Str(_)) | None => Self::Missing,
        }
    }

    /// A figure in milliseconds as one in seconds.
    #[must_use]
    pub fn thousandth(self) -> Self {
        match self {
            Self::Unsigned(n) => Self::Thousandths(n),
            other => other,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("NaN"),
            Self::Unsigned(n) => n.fmt(f),
            Self::Signed(n) => n.fmt(f),
            Self::Float(n) => write!(f, "{n:.6}"),
            Self::Thousandths(n) => write!(f, "{}.{:03}000", n / 1000, n % 1000),
        }
    }
}

/// One row's figures.
#[derive(Debug)]
pub struct Figures {
    /// The proxy's name.
    pub proxy: Arc<str>,
    /// The server's or listener's name.
    pub name: Box<str>,
    /// The proxy's description, when labels carry it.
    pub description: Option<Arc<str>>,
    /// Whether the proxy speaks HTTP.
    pub http: bool,
    status: Box<str>,
    check: Box<str>,
    numbers: Box<[Number]>,
    /// A backend's servers by state and by check result.
    servers: Vec<(Box<str>, Box<str>)>,
}

const SERVER_STATES: [&str; 5] = ["DOWN", "UP", "MAINT", "DRAIN", "NOLB"];
const CHECK_STATES: [&str; 16] = [
    "HANA", "SOCKERR", "L4OK", "L4TOUT", "L4CON", "L6OK", "L6TOUT", "L6RSP", "L7TOUT", "L7RSP",
    "L7OK", "L7OKC", "L7STS", "PROCERR", "PROCTOUT", "PROCOK",
];

/// Which of [`SERVER_STATES`] a server's status means.
fn server_state(status: &str) -> &'static str {
    match status.split(' ').next() {
        Some("UP" | "no") => "UP",
        Some("MAINT") => "MAINT",
        Some("DRAIN") => "DRAIN",
        Some("NOLB") => "NOLB",
        _ => "DOWN",
    }
}

impl Figures {
    fn new(row: &Row) -> Self {
        let text = |column: &str| match row.get(column) {
            Some(Value::Str(text)) => text.as_str(),
            _ => "",
        };
        let numbers = row.cells.iter().map(|cell| Number::of(cell.as_ref()));
        Self {
            proxy: text("pxname").into(),
            http: matches!(text("mode"), "http" | ""),
            name: text("svname").into(),
            description: None,
            status: text("status").into(),
            check: text("check_status").trim_start_matches("* ").into(),
            numbers: numbers.collect(),
            servers: Vec::new(),
        }
    }

    /// The figure in a column.
    #[must_use]
    pub fn number(&self, at: usize) -> Number {
        self.numbers.get(at).copied().unwrap_or(Number::Missing)
    }

    /// Whether checks tell about it.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        !self.check.is_empty()
    }

    /// Whether there is one.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        self.number(at) != Number::Missing
    }

    /// Every state that a metric tells apart, with how much there is of it.
    #[must_use]
    pub fn states(&self, subject: Subject, column: &str) -> Vec<(&'static str, usize)> {
        let one = |states: &[&'static str], present: &str| {
            let states = states.iter();
            states
                .map(|state| (*state, usize::from(*state == present)))
                .collect()
        };
        let word = self.status.split(' ').next().unwrap_or_default();
        match (column, subject) {
            ("status", Subject::Frontend) => {
                one(&["DOWN", "UP"], if word == "OPEN" { "UP" } else { "DOWN" })
            }
            ("status", Subject::Backend) => one(&["DOWN", "UP"], word),
            ("status", Subject::Listener) => one(&["WAITING", "OPEN", "FULL"], word),
            ("status", Subject::Server) => one(&SERVER_STATES, server_state(&self.status)),
            ("check_status", _) if self.check.is_empty() => Vec::new(),
            ("check_status", _) => one(&CHECK_STATES, &self.check),
            ("agg_check_status", _) => self.count(&CHECK_STATES, |(_, check)| check),
            _ => self.count(&SERVER_STATES, |(status, _)| server_state(status)),
        }
    }

    fn count(
        &self,
        states: &[&'static str],
        of: impl Fn(&(Box<str>, Box<str>)) -> &str,
    ) -> Vec<(&'static str, usize)> {
        let mut found: HashMap<&str, usize> = HashMap::new();
        for server in &self.servers {
            *found.entry(of(server)).or_default() += 1;
        }
        let states = states.iter();
        states
            .map(|state| (*state, found.get(state).copied().unwrap_or(0)))
            .collect()
    }
}

/// How many rows are read at a time.
const AT_ONCE: usize = 64;

/// The rows of a scope.
#[derive(Default)]
pub struct Table {
    /// What has been read.
    pub rows: Vec<Figures>,
    source: Option<Rows>,
    subject: Option<Subject>,
    descriptions: bool,
    /// States of servers whose backend has not come yet.
    servers: Vec<(Box<str>, Box<str>)>,
}

impl Table {
    /// The rows of one kind, to be read by [`Table::read_some`].
    #[must_use]
    pub fn new(runtime: &Runtime, subject: Subject, query: &Query) -> Self {
        let mut types = subject.bit();
        if subject == Subject::Backend {
            // Backends tell how their servers are.
            types |= Subject::Server.bit();
        }
        let filter = Filter {
            types,
            no_maint: query.no_maint && subject == Subject::Server,
            ..Filter::default()
        };
        Self {
            source: Some(Rows::new(runtime, filter, Level::User)),
            subject: Some(subject),
            descriptions: query.descriptions,
            ..Self::default()
        }
    }

    /// Reads some rows; `false` once there are no more.
    pub fn read_some(&mut self, runtime: &Runtime) -> bool {
        let Some(source) = &mut self.source else {
            return false;
        };
        for _ in 0..AT_ONCE {
            let Some(row) = source.next(runtime) else {
                return false;
            };
            let mut figures = Figures::new(&row);
            if self.subject == Some(Subject::Backend) && row.subject == Subject::Server {
                self.servers.push((figures.status, figures.check));
                continue;
            }
            figures.servers = std::mem::take(&mut self.servers);
            if self.descriptions {
                let all = runtime.all_proxies();
                let proxy = all.iter().find(|proxy| proxy.config.id == row.ids.0);
                let description = proxy.and_then(|proxy| proxy.config.description.clone());
                figures.description = description;
            }
            self.rows.push(figures);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::columns::place;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        assert_eq!(Number::Missing.to_string(), "NaN");
        assert_eq!(Number::Unsigned(5).thousandth().to_string(), "0.005000");
        assert_eq!(Number::Unsigned(1234).thousandth().to_string(), "1.234000");
        assert_eq!(Number::Signed(-1).to_string(), "-1");
        assert!(place("hrsp_other") == place("hrsp_1xx").map(|at| at + 5));
    }

    #[test]
    fn states_of_servers_are_summed_up() {
        assert_eq!(server_state("no check"), "UP");
        assert_eq!(server_state("MAINT (via a/b)"), "MAINT");
        assert_eq!(server_state("UP 2/3"), "UP");
        assert_eq!(server_state("DOWN 1/2"), "DOWN");
    }
}
