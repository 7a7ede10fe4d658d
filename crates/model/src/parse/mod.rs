//! From configuration text to a [`Snapshot`](crate::Snapshot).
//!
//! The [`Parser`] takes one line after the other. Section keywords stand in [`sections`], directives in the tables of
//! their family; every row names its function, and everything that can be said of a keyword (validity, arity, suggestions,
//! dumps) is derived from its row.

mod known;
mod resolve;
mod sections;
mod statement;
mod table;

pub mod families;

pub use statement::{Fault, Parsed, Statement, parse_duration};
pub use table::{ANY, Row, Valid, find};

use crate::proxy::{Caps, Proxy};
use crate::{Global, Snapshot};
use config::{Diagnostics, Env, Facts, Line, Reader, Source};
use std::collections::HashMap;
use std::sync::Arc;

/// What to read and under which circumstances.
pub struct Input<'a> {
    /// Files or texts in their order.
    pub sources: Vec<Source>,
    /// What conditional blocks may ask.
    pub facts: &'a dyn Facts,
    /// `--strict`: what older versions wrote is an error rather than a warning.
    pub strict: bool,
    /// The environment to start from.
    pub env: Env,
}

/// A configuration that was read.
pub struct Loaded {
    /// The resolved configuration.
    pub snapshot: Snapshot,
    /// The environment as the configuration left it.
    pub env: Env,
}

/// Reads, resolves and checks a configuration. Faults go to `diagnostics`; `None` when there is an error among them.
pub fn load(input: Input<'_>, diagnostics: &mut Diagnostics) -> Option<Loaded> {
    let mut parser = Parser::new(input.env, input.strict, diagnostics);
    let mut reader = Reader::new(input.sources);
    reader.set_strict(input.strict);
    while let Some(line) = reader.next_line(&mut parser.env, input.facts, parser.diagnostics) {
        parser.line(&line);
    }
    parser.close_section();
    resolve::finish(parser)
}

/// A section being read.
#[derive(Default)]
pub enum Open {
    /// None yet, or one that was refused: its lines are skipped.
    #[default]
    Nothing,
    /// `global`.
    Global,
    /// `defaults`, `frontend`, `backend` or `listen`.
    Proxy(Box<Draft>),
    /// Any other section, held by its family.
    Other(Box<dyn sections::OpenSection>),
}

/// A proxy being read: the proxy and what only reading needs.
pub struct Draft {
    /// The proxy so far.
    pub proxy: Proxy,
    /// Its named ACLs.
    pub acls: expr::AclScope,
    /// `http-check`, `tcp-check` and the like may only follow certain options; the last such option.
    pub check_option: Option<&'static str>,
    /// A rule family seen that makes sense in one mode only: keyword and line, for the mode check.
    pub http_only: Vec<(&'static str, (Arc<str>, u32))>,
    /// Error sections named by `errorfiles`, with statuses (empty: all), resolved at the end.
    pub errorfiles: Vec<(Arc<str>, Vec<u16>, Line)>,
    /// `use_backend` targets by name, in step with the rules, and their lines.
    pub switch_names: Vec<(usize, Arc<str>, Line)>,
    /// `use-server` targets by name, in step with the rules, and their lines.
    pub use_server_names: Vec<(usize, Arc<str>, Line)>,
}

impl Draft {
    /// A draft of a proxy.
    #[must_use]
    pub fn new(proxy: Proxy) -> Self {
        Self {
            proxy,
            acls: expr::AclScope::default(),
            check_option: None,
            http_only: Vec::new(),
            errorfiles: Vec::new(),
            switch_names: Vec::new(),
            use_server_names: Vec::new(),
        }
    }
}

/// A `defaults` section that proxies may start from.
pub struct Defaults {
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// Its settings.
    pub draft: Arc<Draft>,
    /// Whether a proxy refers to it.
    pub used: bool,
}

/// The state of reading a configuration.
pub struct Parser<'d> {
    /// Process-wide settings so far.
    pub global: Global,
    /// Proxies that are complete.
    pub drafts: Vec<Draft>,
    /// Places in `drafts` by name.
    pub names: HashMap<Arc<str>, Vec<usize>>,
    /// `defaults` sections so far; the last one applies.
    pub defaults: Vec<Defaults>,
    /// The section that is open.
    pub open: Open,
    /// Where faults go.
    pub diagnostics: &'d mut Diagnostics,
    /// The configuration's environment.
    pub env: Env,
    /// Whether older forms are refused.
    pub strict: bool,
    /// What expressions share: variables, pattern references, names to be resolved.
    pub expressions: expr::Shared,
    /// `http-errors` sections by name.
    pub http_errors: HashMap<Arc<str>, Arc<crate::ErrorPages>>,
    /// `ring`, `log-forward` and `log-profile` sections.
    pub logging: crate::log::Logging,
    /// `log-profile` sections by name.
    pub log_profiles: HashMap<Arc<str>, Arc<crate::log::LogProfile>>,
    /// `log ... profile` names that stand before their section: resolved at the end.
    pub default_path: families::global::paths::DefaultPath,
}

impl<'d> Parser<'d> {
    fn new(env: Env, strict: bool, diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            global: Global::default(),
            drafts: Vec::new(),
            names: HashMap::new(),
            defaults: Vec::new(),
            open: Open::Nothing,
            diagnostics,
            env,
            strict,
            expressions: expr::Shared::default(),
            http_errors: HashMap::new(),
            logging: crate::log::Logging::default(),
            log_profiles: HashMap::new(),
            default_path: families::global::paths::DefaultPath::default(),
        }
    }

    /// Takes one line.
    fn line(&mut self, line: &Line) {
        let statement = Statement::new(line);
        let answer = match sections::find(statement.keyword()) {
            Some(section) => self.open_section(section, statement),
            None => self.directive(statement),
        };
        if let Err(fault) = answer {
            self.report(line, fault);
        }
    }

    /// Reports a fault as an error at its line.
    pub fn report(&mut self, line: &Line, fault: Fault) {
        self.diagnostics.alert(line, fault.word, fault.message, fault.hint);
    }

    /// Reports something that the file's author should know of and that does not keep the program from starting.
    pub fn warn(&mut self, statement: Statement<'_>, message: impl Into<String>, hint: Option<String>) {
        self.diagnostics.warning(statement.line, statement.keyword_at, message.into(), hint);
    }

    /// Reports an older form with its modern equivalent: a warning, or an error when `strict`.
    ///
    /// # Errors
    /// When `strict`.
    pub fn outdated(&mut self, statement: Statement<'_>, message: impl Into<String>, modern: impl Into<String>) -> Parsed {
        let (message, modern) = (message.into(), modern.into());
        if self.strict {
            return Err(statement.fault_here(message).hint(format!("write: {modern}")));
        }
        self.warn(statement, message, Some(format!("write: {modern}")));
        Ok(())
    }

    fn open_section(&mut self, section: &'static sections::SectionRow, statement: Statement<'_>) -> Parsed {
        self.close_section();
        (section.open)(self, statement)
    }

    fn close_section(&mut self) {
        sections::close(self);
    }

    fn directive(&mut self, statement: Statement<'_>) -> Parsed {
        match std::mem::take(&mut self.open) {
            Open::Nothing => self.outside(statement),
            Open::Global => {
                self.open = Open::Global;
                self.table_directive(families::GLOBAL, Valid::ALL, "global", statement)
            }
            Open::Proxy(draft) => {
                let (valid, section) = (valid_in(draft.proxy.caps), draft.proxy.caps.section());
                self.open = Open::Proxy(draft);
                self.table_directive(families::PROXY, valid, section, statement)
            }
            Open::Other(mut other) => {
                let answer = other.line(self, statement);
                self.open = Open::Other(other);
                answer
            }
        }
    }

    fn outside(&mut self, statement: Statement<'_>) -> Parsed {
        // After a refused section its lines would only repeat that it is refused.
        if self.diagnostics.has_errors() {
            return Ok(());
        }
        Err(statement.fault_here(format!("unknown keyword '{}' out of section.", statement.keyword())))
    }

    /// Runs the row of a statement's keyword in a family of tables.
    ///
    /// # Errors
    /// When the keyword is unknown, not valid here or not built, or its function refuses it.
    pub fn table_directive(
        &mut self,
        tables: &[&[Row]],
        valid: Valid,
        section: &str,
        statement: Statement<'_>,
    ) -> Parsed {
        let keyword = statement.keyword();
        let Some(row) = find(tables, keyword) else {
            return Err(known::unknown(tables, section, statement));
        };
        if !row.valid.meets(valid) {
            return self.misplaced(row, valid, section, statement);
        }
        if statement.len() < row.args.0 && !statement.is_negated() {
            return Err(statement.fault_here(format!("'{}' expects at least {} argument(s).", statement.path(), row.args.0)));
        }
        if row.args.1 != ANY {
            statement.at_most(row.args.1)?;
        }
        (row.read)(self, statement)
    }

    /// A known keyword in a section that can't use it: ignored with a warning by HAProxy where a proxy merely lacks the
    /// capability, an error in `defaults`.
    fn misplaced(&mut self, row: &Row, valid: Valid, section: &str, statement: Statement<'_>) -> Parsed {
        if valid == Valid::DEF || section == "defaults" {
            return Err(statement.fault_here(format!("'{}' not allowed in 'defaults' section.", row.name)));
        }
        let missing = if row.valid.meets(Valid::FE) { "frontend" } else { "backend" };
        let name = self.proxy_name();
        let message =
            format!("'{}' ignored because {section} '{name}' has no {missing} capability.", statement.path());
        self.warn(statement, message, None);
        Ok(())
    }

    fn proxy_name(&self) -> String {
        match &self.open {
            Open::Proxy(draft) => draft.proxy.name.to_string(),
            _ => String::new(),
        }
    }

    /// The proxy that is open. Directive functions of proxy tables run only while one is.
    ///
    /// # Errors
    /// When none is open, which no file can bring about.
    pub fn draft(&mut self) -> Parsed<&mut Draft> {
        match &mut self.open {
            Open::Proxy(draft) => Ok(draft),
            _ => Err(Fault::at(0, "this directive belongs in a proxy section.")),
        }
    }

    /// The proxy that is open.
    ///
    /// # Errors
    /// As [`Parser::draft`].
    pub fn proxy(&mut self) -> Parsed<&mut Proxy> {
        self.draft().map(|draft| &mut draft.proxy)
    }
}

/// The validity set of a section with these capabilities.
fn valid_in(caps: Caps) -> Valid {
    match caps {
        Caps { defaults: true, .. } => Valid::DEF,
        Caps { front: true, back: true, .. } => Valid::FE_BE,
        Caps { front: true, .. } => Valid::FE,
        _ => Valid::BE,
    }
}
