//! What parsing an expression needs to know and leaves behind.

use crate::acl::AclSet;
use crate::args::ArgKind;
use crate::pattern::PatternStore;
use crate::phases::Phases;
use crate::row::Tables;
use crate::vars::VarNames;
use base::{ProxyIdx, ServerIdx};
use std::sync::{Arc, OnceLock};

/// What a name in an argument turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A frontend or backend.
    Proxy(ProxyIdx),
    /// The frontend of the stream that is looked at: a rule of a `defaults` section that names none.
    OwnFrontend,
    /// The backend of the stream that is looked at, likewise.
    OwnBackend,
    /// A server of a backend.
    Server(ProxyIdx, ServerIdx),
    /// A stick table, by its place in the snapshot.
    Table(u32),
    /// A user list, by its place in the snapshot.
    UserList(u32),
}

/// A name in an argument, to be resolved once the whole configuration has been read.
pub type ReferenceSlot = OnceLock<Target>;

/// A name to resolve.
#[derive(Debug, Clone)]
pub struct Reference {
    /// What it names: a frontend, backend, server, table or user list.
    pub kind: ArgKind,
    /// The name; empty for the proxy at hand (or its own table).
    pub name: String,
    /// Where the answer goes.
    pub slot: Arc<ReferenceSlot>,
    /// Which argument of what, counted from 1, as messages name it: `fetch keyword 'nbsrv'`.
    pub argument: usize,
    /// The keyword it is an argument of: `sample fetch keyword 'nbsrv'`.
    pub owner: String,
    /// The proxy in which the expression stands; empty outside of proxies.
    pub proxy: String,
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// A condition on the groups of a user, to be checked once user lists are known.
#[derive(Debug, Clone)]
pub struct GroupTest {
    /// The user list.
    pub list: Arc<ReferenceSlot>,
    /// The groups.
    pub groups: Vec<Box<str>>,
    /// The proxy.
    pub proxy: String,
    /// The name of the condition; empty for an anonymous one.
    pub acl: String,
}

/// What all expressions of a configuration share.
pub struct Compiler {
    /// The environment that expressions see.
    pub env: config::Env,
    /// The keywords.
    pub tables: &'static Tables,
    /// The variables' names.
    pub names: VarNames,
    /// Pattern lists and maps, shared by file name.
    pub patterns: PatternStore,
    /// Names to resolve.
    pub references: Vec<Reference>,
    /// Event sinks that expressions name, with file and line; which there are is known once the whole configuration has
    /// been read.
    pub sinks: Vec<(String, String, u32)>,
    /// The public keys that tokens are verified with.
    pub public_keys: Arc<crate::converters::jwt::PublicKeys>,
    /// The algorithms with which tokens may be encrypted.
    pub jwe: Arc<crate::converters::jwt::Allowed>,
    /// The certificates that tokens may be verified and decrypted with.
    pub tokens: Arc<tls::Tokens>,
    /// Certificates that converters name, to be read once the whole configuration has been read.
    pub token_certificates: Vec<TokenCertificate>,
    /// Conditions on groups of users.
    pub group_tests: Vec<GroupTest>,
}

/// A certificate that a converter names.
#[derive(Debug, Clone)]
pub struct TokenCertificate {
    /// Its name.
    pub name: String,
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
}

impl Compiler {
    /// A compiler over the given tables, in the environment of the process.
    #[must_use]
    pub fn new(tables: &'static Tables) -> Self {
        Self {
            env: config::Env::new(),
            tables,
            names: VarNames::default(),
            patterns: PatternStore::default(),
            references: Vec::new(),
            sinks: Vec::new(),
            public_keys: Arc::default(),
            jwe: Arc::default(),
            tokens: Arc::default(),
            token_certificates: Vec::new(),
            group_tests: Vec::new(),
        }
    }
}

/// Where an expression stands and what it may use.
pub struct ParseContext<'c> {
    /// What all expressions share.
    pub compiler: &'c mut Compiler,
    /// The named conditions of the proxy at hand.
    pub acls: &'c mut AclSet,
    /// The proxy at hand; empty outside of proxies.
    pub proxy: &'c str,
    /// The file being read.
    pub file: &'c str,
    /// The line being read.
    pub line: u32,
    /// Where the expression will be evaluated.
    pub phases: Phases,
    /// What the expression belongs to, as messages about names in it say: ` in http-request expression`.
    pub place: &'static str,
    /// What a fetch is called in such messages: a keyword of a sample fetch, or of a condition.
    pub(crate) keyword_kind: &'static str,
    /// Complaints that are not errors.
    pub warnings: Vec<String>,
}

impl<'c> ParseContext<'c> {
    /// A context for expressions evaluated in any of `phases`.
    pub fn new(compiler: &'c mut Compiler, acls: &'c mut AclSet, phases: Phases) -> Self {
        Self {
            compiler,
            acls,
            proxy: "",
            file: "",
            line: 0,
            phases,
            place: "",
            keyword_kind: "sample fetch keyword",
            warnings: Vec::new(),
        }
    }

    /// The same context for an expression of the directive or option that `keyword` begins.
    #[must_use]
    pub fn of(mut self, keyword: &str) -> Self {
        self.place = place_of(keyword);
        self
    }

    /// The same context at a place of a file.
    #[must_use]
    pub fn at(mut self, proxy: &'c str, file: &'c str, line: u32) -> Self {
        (self.proxy, self.file, self.line) = (proxy, file, line);
        self
    }
}

/// How messages name the place of an expression, by the words that begin its line.
fn place_of(keyword: &str) -> &'static str {
    const PLACES: [(&str, &str); 14] = [
        ("http-request", " in http-request expression"),
        ("http-response", " in http-response response"),
        ("http-after-response", " in http-response response"),
        ("http-error", " in http-error directive"),
        ("tcp-request content", " in tcp-request content expression"),
        ("tcp-check", " in tcp-check expression"),
        ("use_backend", " in use_backend expression"),
        ("balance", " in use-server or balance expression"),
        ("server", " in server directive"),
        ("stick", " in stick rule"),
        ("log-format-sd", " in log-format-sd string"),
        ("log-format", " in log-format string"),
        ("error-log-format", " in log-format string"),
        ("unique-id-format", " in unique-id-format string"),
    ];
    let begins = |words: &str| {
        let rest = keyword.strip_prefix(words);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let place = PLACES.into_iter().find(|(words, _)| begins(words));
    place.map_or("", |(_, place)| place)
}
