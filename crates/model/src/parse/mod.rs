//! From configuration text to a [`Snapshot`](crate::Snapshot).
//!
//! The [`Parser`] takes one line after the other. Section keywords stand in [`sections`], directives in the tables of
//! their family; every row names its function, and everything that can be said of a keyword (validity, arity, suggestions,
//! dumps) is derived from its row.

pub mod accounts;
pub mod dynamic;
pub mod known;
pub mod options;
mod resolve;
pub mod sections;
mod statement;
mod table;
mod view;

pub mod families;

pub use statement::{Fault, Parsed, Statement, parse_duration};
pub use table::{ANY, Read, Row, Valid, find};

use crate::proxy::{Caps, Proxy};
use crate::rules::Family;
use crate::{Global, Snapshot};
use config::{Diagnostic, Diagnostics, Env, Facts, Line, Prefix, Reader, Severity, Source};
use expr::{ParseContext, Phases};
use std::collections::{HashMap, HashSet};
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
    load_after(input, expr::VarNames::default(), diagnostics)
}

/// As [`load`], for a configuration that follows another one: variables that both know keep their numbers.
pub fn load_after(
    input: Input<'_>,
    variables: expr::VarNames,
    diagnostics: &mut Diagnostics,
) -> Option<Loaded> {
    load_with(input, variables, None, diagnostics)
}

/// As [`load_after`], with certificates that are there already, as a `global` section that is not there wants them: no other
/// certificates are read.
fn load_with(
    input: Input<'_>,
    variables: expr::VarNames,
    certificates: Option<&::tls::Inventory>,
    diagnostics: &mut Diagnostics,
) -> Option<Loaded> {
    let mut parser = Parser::new(input.env, input.strict, diagnostics);
    parser.expressions.names = variables;
    if let Some(certificates) = certificates {
        parser.certificates = certificates.lock().store.clone();
        parser.global.tls = (*certificates.global).clone();
    }
    let mut reader = Reader::new(input.sources).strict(input.strict);
    while let Some(line) =
        reader.next_line(&mut parser.expressions.env, input.facts, parser.diagnostics)
    {
        if let Some(section) = parser.line(&line) {
            reader.set_section(section);
        }
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
    pub acls: expr::AclSet,
    /// Its health check.
    pub check: families::check::CheckDraft,
    /// What `ssl-f-use` lines name.
    pub certificates: Vec<::tls::settings::CertificateLine>,
    /// A rule family seen that makes sense in one mode only: keyword and line, for the mode check.
    pub http_only: Vec<(&'static str, (Arc<str>, u32))>,
    /// How many rules of each list came from the `defaults` section, whose lists end there.
    pub inherited_rules: [usize; Family::ALL.len()],
    /// Lines that give error pages, resolved at the end.
    pub errorfiles: families::proxy::errors::ErrorSources,
    /// `use_backend` targets by name, in step with the rules, and their lines.
    pub switch_names: Vec<(usize, Arc<str>, Line)>,
    /// `use-server` targets by name, in step with the rules, and their lines.
    pub use_server_names: Vec<(usize, Arc<str>, Line)>,
    /// What the checks at the end need to know.
    pub notes: families::proxy::Notes,
    /// The lines of `server` directives by the server's name.
    pub server_lines: HashMap<Arc<str>, u32>,
}

impl Draft {
    /// A draft of a proxy.
    #[must_use]
    pub fn new(proxy: Proxy) -> Self {
        Self {
            proxy,
            acls: expr::AclSet::default(),
            check: families::check::CheckDraft::default(),
            certificates: Vec::new(),
            http_only: Vec::new(),
            inherited_rules: [0; Family::ALL.len()],
            errorfiles: families::proxy::errors::ErrorSources::default(),
            switch_names: Vec::new(),
            use_server_names: Vec::new(),
            notes: families::proxy::Notes::default(),
            server_lines: HashMap::new(),
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
    /// Whether older forms are refused.
    pub strict: bool,
    /// Whether the section at hand was refused.
    section_refused: bool,
    /// What expressions share: variables, pattern references, names to be resolved.
    pub expressions: expr::Compiler,
    /// `http-errors` sections by name.
    pub http_errors: HashMap<Arc<str>, Arc<crate::ErrorPages>>,
    /// `ring`, `log-forward` and `log-profile` sections.
    pub logging: crate::log::Logging,
    /// `traces` sections.
    pub traces: families::traces::TraceDraft,
    /// `log-profile` sections by name.
    pub log_profiles: HashMap<Arc<str>, Arc<crate::log::LogProfile>>,
    /// `resolvers` sections.
    pub resolvers: Vec<Arc<crate::resolvers::Resolvers>>,
    /// Certificates and what belongs to them.
    pub certificates: tls::Store,
    /// Stick tables so far.
    pub(crate) tables: Vec<families::stick::TableDraft>,
    /// `peers` sections so far.
    pub(crate) peers: Vec<families::stick::Peers>,
    /// `userlist` sections.
    pub user_lists: Vec<Arc<crate::users::UserList>>,
    /// Network namespaces that have been named.
    pub namespaces: crate::namespace::Namespaces,
    /// `fcgi-app` sections: name and place.
    pub fcgi_apps: HashMap<Arc<str>, (Arc<str>, u32)>,
    /// Pattern lists (`false`) and maps (`true`) that rules change.
    pub changed_lists: Vec<(Box<str>, bool)>,
    /// `default-path`.
    pub default_path: families::global::paths::DefaultPath,
    /// `healthcheck` sections by name.
    pub healthchecks: HashMap<Arc<str>, families::check::NamedCheck>,
    /// Who has which `guid` among servers.
    pub server_guids: HashMap<Arc<str>, String>,
    /// Of what a file has been told already that it has no effect.
    noticed: HashSet<(Arc<str>, String)>,
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
            strict,
            section_refused: false,
            expressions: expr::Compiler {
                env,
                ..expr::Compiler::new(&expr::tables::TABLES)
            },
            http_errors: HashMap::new(),
            logging: crate::log::Logging::default(),
            traces: families::traces::TraceDraft::default(),
            log_profiles: HashMap::new(),
            resolvers: Vec::new(),
            certificates: tls::Store::default(),
            tables: Vec::new(),
            peers: Vec::new(),
            user_lists: Vec::new(),
            namespaces: Default::default(),
            changed_lists: Vec::new(),
            fcgi_apps: HashMap::new(),
            default_path: families::global::paths::DefaultPath::default(),
            healthchecks: HashMap::new(),
            server_guids: HashMap::new(),
            noticed: HashSet::new(),
        }
    }

    /// Takes one line. Answers with the section's name, or its keyword without one, when the line opens a section.
    fn line<'l>(&mut self, line: &'l Line) -> Option<&'l str> {
        let statement = Statement::new(line);
        let section = sections::find(statement.keyword());
        let answer = match section {
            _ if line.prefix != Prefix::None && !may_be_negated(statement.keyword()) => Err(statement.fault_here(format!(
                "negation/default currently supported only for {}.",
                "options, log, busy-polling, set-dumpable, strict-limits, insecure-fork-wanted and numa-cpu-mapping"
            ))),
            Some(section) => self.open_section(section, statement),
            None => self.directive(statement),
        };
        if let Err(fault) = answer {
            self.report(line, fault);
        }
        section.map(|_| match statement.arg(0) {
            "" => statement.keyword(),
            name => name,
        })
    }

    /// Reports a fault as an error at its line.
    pub fn report(&mut self, line: &Line, fault: Fault) {
        self.push(Severity::Alert, line, fault);
    }

    fn push(&mut self, severity: Severity, line: &Line, fault: Fault) {
        let mut diagnostic = Diagnostic::at(severity, line, fault.word, fault.message);
        diagnostic.hint = fault.hint;
        self.diagnostics.push(diagnostic);
    }

    /// Reports a fault as a warning at its line.
    pub fn warn_of(&mut self, line: &Line, fault: Fault) {
        self.push(Severity::Warning, line, fault);
    }

    /// Tells once per file what is accepted without having an effect.
    pub fn notice_once(&mut self, statement: Statement<'_>, message: impl Into<String>) {
        let key = (statement.line.file.clone(), statement.path());
        if self.noticed.insert(key) {
            self.push(
                Severity::Notice,
                statement.line,
                Fault::at(statement.keyword_at, message),
            );
        }
    }

    /// Runs `read` with what an expression at this line may use, and reports its warnings.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn in_context<R>(
        &mut self,
        statement: Statement<'_>,
        phases: Phases,
        read: impl FnOnce(&mut ParseContext<'_>) -> Result<R, String>,
    ) -> Result<R, String> {
        let mut none = expr::AclSet::default();
        let (acls, name): (_, Arc<str>) = match &mut self.open {
            Open::Proxy(draft) => (&mut draft.acls, draft.proxy.name.clone()),
            _ => (&mut none, "".into()),
        };
        let line = statement.line;
        let mut context = ParseContext::new(&mut self.expressions, acls, phases)
            .at(&name, &line.file, line.number)
            .of(&statement.path());
        let answer = read(&mut context);
        for warning in std::mem::take(&mut context.warnings) {
            self.warn(statement, warning, None);
        }
        answer
    }

    /// Reports something that the file's author should know of and that does not keep the program from starting.
    pub fn warn(
        &mut self,
        statement: Statement<'_>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let fault = Fault {
            message: message.into(),
            word: statement.keyword_at,
            hint,
        };
        self.warn_of(statement.line, fault);
    }

    /// Reports an older form with its modern equivalent: a warning, or an error when `strict`.
    ///
    /// # Errors
    /// When `strict`.
    pub fn outdated(
        &mut self,
        statement: Statement<'_>,
        message: impl Into<String>,
        modern: impl Into<String>,
    ) -> Parsed {
        let (message, modern) = (message.into(), modern.into());
        if self.strict {
            return Err(statement
                .fault_here(message)
                .hint(format!("write: {modern}")));
        }
        self.warn(statement, message, Some(format!("write: {modern}")));
        Ok(())
    }

    fn open_section(
        &mut self,
        section: &'static sections::SectionRow,
        statement: Statement<'_>,
    ) -> Parsed {
        self.close_section();
        let opened = (section.open)(self, statement);
        self.section_refused = opened.is_err();
        opened
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
        if self.section_refused {
            return Ok(());
        }
        let keyword = statement.keyword();
        let fault = statement.fault_here(format!("unknown keyword '{keyword}' out of section."));
        const COMMANDS: [&str; 8] = [
            "cat",
            "cp",
            "echo",
            "export",
            "mkdir",
            "sudo",
            "sysctl",
            "systemctl",
        ];
        Err(match COMMANDS.contains(&keyword) {
            true => fault.hint(
                "this is a command for a shell: run it there, and remove the line or begin it with '#'",
            ),
            false => fault,
        })
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
        if statement.len() < row.args.0 && statement.line.prefix == Prefix::None {
            return Err(statement.fault_here(format!(
                "'{}' expects at least {} argument(s).",
                statement.path(),
                row.args.0
            )));
        }
        if row.args.1 != ANY {
            statement.at_most(row.args.1)?;
        }
        (row.read)(self, statement)
    }

    /// A known keyword in a section that can't use it: ignored with a warning by HAProxy where a proxy merely lacks the
    /// capability, an error in `defaults`.
    fn misplaced(
        &mut self,
        row: &Row,
        valid: Valid,
        section: &str,
        statement: Statement<'_>,
    ) -> Parsed {
        if valid == Valid::DEF || section == "defaults" {
            return Err(
                statement.fault_here(format!("'{}' not allowed in 'defaults' section.", row.name))
            );
        }
        let missing = if row.valid.meets(Valid::FE) {
            "frontend"
        } else {
            "backend"
        };
        let name = self.proxy_name();
        if REFUSED_WHEN_MISPLACED.contains(&row.name) {
            let message = format!(
                "'{}' not allowed because {section} '{name}' has no {missing} capability.",
                row.name
            );
            return Err(statement.fault_here(message));
        }
        let message = format!(
            "'{}' ignored because {section} '{name}' has no {missing} capability.",
            statement.path()
        );
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

/// Directives that are refused rather than ignored where the proxy lacks the capability.
const REFUSED_WHEN_MISPLACED: &[&str] = &["default-server", "server", "server-template"];

/// Whether `no` or `default` may stand in front of a keyword.
fn may_be_negated(keyword: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "option",
        "log",
        "busy-polling",
        "set-dumpable",
        "strict-limits",
        "insecure-fork-wanted",
        "numa-cpu-mapping",
    ];
    KEYWORDS.contains(&keyword)
}

/// The validity set of a section with these capabilities.
fn valid_in(caps: Caps) -> Valid {
    match caps {
        Caps { defaults: true, .. } => Valid::DEF,
        Caps {
            front: true,
            back: true,
            ..
        } => Valid::FE_BE,
        Caps { front: true, .. } => Valid::FE,
        _ => Valid::BE,
    }
}

#[cfg(test)]
mod effects;
#[cfg(test)]
pub(crate) mod testing {
    //! Reading small configurations in tests.

    use super::{Input, load};
    use crate::Snapshot;
    use config::{Diagnostics, Env, Facts, Severity, Source};

    /// A program without features.
    pub(crate) struct NoFacts;

    impl Facts for NoFacts {
        fn feature(&self, _: &str) -> bool {
            false
        }

        fn enabled(&self, _: &str) -> Option<bool> {
            None
        }

        fn version(&self) -> &str {
            "3.4.0"
        }
    }

    /// Reads a text: the configuration, and its messages as `severity line: text`, the severity being its first letter.
    pub(crate) fn load_text(text: &str) -> (Option<Snapshot>, Vec<String>) {
        load_with(text, false)
    }

    /// The same, refusing older forms when `strict`.
    pub(crate) fn load_with(text: &str, strict: bool) -> (Option<Snapshot>, Vec<String>) {
        let mut diagnostics = Diagnostics::default();
        let sources = vec![Source::Text {
            name: "t.cfg".into(),
            text: text.as_bytes().to_vec(),
        }];
        let mut env = Env::empty();
        env.set("HOME", "/root");
        let loaded = load(
            Input {
                sources,
                facts: &NoFacts,
                strict,
                env,
            },
            &mut diagnostics,
        );
        let letter = |severity| match severity {
            Severity::Alert => 'A',
            Severity::Warning => 'W',
            Severity::Notice => 'N',
            Severity::Diag => 'D',
        };
        let messages = diagnostics
            .iter()
            .map(|d| format!("{} {}: {}", letter(d.severity), d.line, d.message))
            .collect();
        (loaded.map(|loaded| loaded.snapshot), messages)
    }
}
