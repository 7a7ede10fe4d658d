//! What a scrape asks for.

use super::Metric;
use super::metrics;
use crate::page::decode;
use crate::stat::Subject;

/// A part of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The process.
    Global,
    /// Frontends.
    Frontend,
    /// Listeners.
    Listener,
    /// Backends.
    Backend,
    /// Servers.
    Server,
    /// Stick tables.
    StickTable,
    /// Resolvers.
    Resolver,
}

impl Scope {
    /// All scopes, in the order in which they are written.
    pub const ALL: [Self; 7] = [
        Self::Global,
        Self::Frontend,
        Self::Listener,
        Self::Backend,
        Self::Server,
        Self::StickTable,
        Self::Resolver,
    ];

    /// Its name, which is a part of its metrics' names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Frontend => "frontend",
            Self::Listener => "listener",
            Self::Backend => "backend",
            Self::Server => "server",
            Self::StickTable => "sticktable",
            Self::Resolver => "resolver",
        }
    }

    /// The kind of rows it is about.
    #[must_use]
    pub fn subject(self) -> Option<Subject> {
        match self {
            Self::Frontend => Some(Subject::Frontend),
            Self::Listener => Some(Subject::Listener),
            Self::Backend => Some(Subject::Backend),
            Self::Server => Some(Subject::Server),
            Self::Global | Self::StickTable | Self::Resolver => None,
        }
    }

    /// Its metrics, modules' left aside.
    pub(super) fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Global => metrics::PROCESS,
            Self::Frontend => metrics::FRONTEND,
            Self::Listener => metrics::LISTENER,
            Self::Backend => metrics::BACKEND,
            Self::Server => metrics::SERVER,
            Self::StickTable | Self::Resolver => &[],
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    scopes: u8,
    /// `extra-counters`: the counters of protocols too.
    pub extra: bool,
    /// `no-maint`: without servers in maintenance.
    pub no_maint: bool,
    /// `desc-labels`: with descriptions as labels.
    pub descriptions: bool,
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Query {
    /// Reads a query string; `None` when a scope is not known or has no value.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut query = Self {
            scopes: u8::MAX,
            extra: false,
            no_maint: false,
            descriptions: false,
            include: Vec::new(),
            exclude: Vec::new(),
        };
        let mut named = false;
        for pair in text.split('&') {
            let (name, value) = match pair.split_once('=') {
                Some((name, value)) => (decode(name), Some(decode(value))),
                None => (decode(pair), None),
            };
            match (name.as_str(), value) {
                ("scope", Some(value)) => {
                    if !std::mem::replace(&mut named, true) {
                        query.scopes = 0;
                    }
                    query.add_scope(&value)?;
                }
                ("scope" | "metrics", None) => return None,
                ("metrics", Some(value)) => query.add_metrics(&value),
                ("extra-counters", _) => query.extra = true,
                ("no-maint", _) => query.no_maint = true,
                ("desc-labels", _) => query.descriptions = true,
                _ => {}
            }
        }
        Some(query)
    }

    fn add_scope(&mut self, name: &str) -> Option<()> {
        self.scopes = match name {
            "" => 0,
            "*" => u8::MAX,
            name => {
                let scope = Scope::ALL.iter().find(|scope| scope.name() == name)?;
                self.scopes | scope.bit()
            }
        };
        Some(())
    }

    fn add_metrics(&mut self, list: &str) {
        for name in list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match name.strip_prefix('-') {
                Some(name) => self.exclude.push(name.to_owned()),
                None => self.include.push(name.to_owned()),
            }
        }
    }

    /// Whether a scope is wanted.
    #[must_use]
    pub fn wants(&self, scope: Scope) -> bool {
        self.scopes & scope.bit() != 0
    }

    /// Whether a metric is wanted.
    #[must_use]
    pub fn has(&self, metric: &str) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|name| name == metric);
        included && !self.exclude.iter().any(|name| name == metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Option<Vec<&'static str>> {
        let query = Query::read(text)?;
        let wanted = Scope::ALL.into_iter().filter(|scope| query.wants(*scope));
        Some(wanted.map(Scope::name).collect())
    }

    #[test]
    fn scopes_add_up_and_an_empty_one_starts_anew() {
        assert_eq!(scopes("").map(|all| all.len()), Some(7));
        assert_eq!(scopes("scope=server"), Some(vec!["server"]));
        assert_eq!(
            scopes("scope=frontend&scope=backend"),
            Some(vec!["frontend", "backend"])
        );
        assert_eq!(scopes("scope=*&scope="), Some(vec![]));
        assert_eq!(scopes("scope=&scope=global"), Some(vec!["global"]));
        assert_eq!((scopes("scope"), scopes("scope=x")), (None, None));
    }

    #[test]
    fn metrics_are_included_or_excluded_by_name() {
        let query = Query::read("metrics=a,b&no-maint&extra-counters").expect("a query");
        assert!(query.has("a") && !query.has("c") && query.no_maint && query.extra);
        let query = Query::read("metrics=-a").expect("a query");
        assert!(!query.has("a") && query.has("c"));
    }
}
