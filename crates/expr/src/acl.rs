//! Named conditions: lists of expressions with the patterns they are matched against.

use crate::args::ArgKind;
use crate::cast;
use crate::condition::Match;
use crate::context::{GroupTest, ParseContext};
use crate::expr::{self, Expr, Verdict};
use crate::pattern::{Method, PatternCell, PatternSet};
use crate::phases::Phases;
use crate::sample::{Type, Value};
use crate::view::View;
use hashbrown::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};

/// One expression of a condition with its patterns.
#[derive(Debug)]
pub struct AclExpr {
    keyword: Box<str>,
    expr: Expr,
    method: Method,
    cells: Vec<PatternCell>,
}

impl AclExpr {
    /// Reads `fetch[,converter…] [flags] [patterns…]`.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse(words: &[&str], ctx: &mut ParseContext<'_>) -> Result<Self, String> {
        let before = (ctx.keyword_kind, ctx.place);
        (ctx.keyword_kind, ctx.place) = ("ACL keyword", "");
        let read = Self::read(words, ctx);
        (ctx.keyword_kind, ctx.place) = before;
        read
    }

    fn read(words: &[&str], ctx: &mut ParseContext<'_>) -> Result<Self, String> {
        let text = words.first().copied().unwrap_or_default();
        let keyword = expr::identifier(text);
        let row = ctx.compiler.tables.acl(keyword);
        let known = ctx.compiler.references.len();
        let mut used = 1;
        let (expr, rest) = match row {
            Some(row) => {
                let Some(fetch) = ctx.compiler.tables.fetch(row.fetch) else {
                    return Err(expr::unknown_fetch(row.fetch, ctx));
                };
                Expr::parse_with(fetch, keyword, "ACL keyword", &text[keyword.len()..], ctx)
            }
            // Converters of a fetch that is no keyword of ACLs may stand in words of their own.
            None => Expr::parse(words, ctx).map(|(expr, taken)| {
                used = taken;
                (expr, "")
            }),
        }
        .map_err(|e| match row {
            Some(_) => format!("ACL keyword '{keyword}' : {e}").replacen(
                &format!("ACL keyword '{keyword}' : ACL keyword '{keyword}' : "),
                &format!("ACL keyword '{keyword}' : "),
                1,
            ),
            None => format!("{e} in ACL expression '{text}'"),
        })?;
        for reference in ctx.compiler.references.iter_mut().skip(known) {
            if let Some(named) = reference.owner.strip_prefix("sample fetch keyword") {
                reference.owner = format!("ACL keyword{named}");
            }
        }
        if !rest.is_empty() {
            return Err(format!(
                "{} in ACL expression '{text}'",
                expr.missing_comma()
            ));
        }
        if let Some(row) = row.filter(|row| row.name != row.fetch || row.name == "method")
            && (expr.has_converters() || words.get(1..).is_some_and(|w| w.contains(&"-m")))
            && (row.name.rsplit('_').next() == Some(row.method.name()) || row.name == "method")
        {
            ctx.warnings.push(format!(
                "original matching method '{}' was overwritten and will not be applied as expected.",
                row.name
            ));
        }
        let implied = row
            .filter(|_| !expr.has_converters())
            .map(|row| row.method)
            .or_else(|| Method::default_for(expr.output()));
        let dotted: Vec<String>;
        let dotted_words: Vec<&str>;
        let mut pattern_words = words.get(used..).unwrap_or_default();
        if row.is_some_and(|row| row.fetch == "req.ssl_ver") {
            dotted = pattern_words
                .iter()
                .map(|word| dotted_version(word))
                .collect();
            dotted_words = dotted.iter().map(String::as_str).collect();
            pattern_words = &dotted_words;
        }
        let mut patterns = Patterns::read(pattern_words, keyword, ctx, &expr, implied)?;
        patterns.warn_if_idle(keyword, ctx);
        if expr.fetch().name == "http_auth_group" && patterns.method == Method::Str {
            note_group_test(words.get(used..).unwrap_or_default(), ctx);
        }
        Ok(Self {
            keyword: keyword.into(),
            expr,
            method: patterns.method,
            cells: std::mem::take(&mut patterns.cells),
        })
    }

    fn test(&self, value: &Value<'_>) -> bool {
        match self.method {
            Method::Found => true,
            Method::Bool => match value {
                Value::Bool(v) => *v,
                other => cast::cast(other.clone(), Type::Bool) == Some(Value::Bool(true)),
            },
            _ => self.cells.iter().any(|cell| cell.matches(value)),
        }
    }

    /// Evaluates the expression and matches its values.
    pub fn matches(&self, view: &dyn View) -> Verdict {
        self.expr.any(view, |value| self.test(value))
    }

    /// The keyword as written.
    #[must_use]
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// The expression.
    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.expr
    }
}

/// The flags and patterns behind an expression.
struct Patterns {
    method: Method,
    cells: Vec<PatternCell>,
    /// Whether a pattern, a file or `--` was there.
    intended: bool,
}

impl Patterns {
    fn read(
        words: &[&str],
        keyword: &str,
        ctx: &mut ParseContext<'_>,
        expr: &Expr,
        implied: Option<Method>,
    ) -> Result<Self, String> {
        let mut words = words;
        let mut explicit = None;
        let mut ignore_case = false;
        let mut unique_id = None;
        let mut resolve = true;
        let (mut is_map, mut closed) = (false, false);
        let mut files = Vec::new();
        while let [flag, tail @ ..] = words
            && flag.starts_with('-')
        {
            let argument = tail.first().copied();
            let needs_argument = |what: &str| {
                argument.ok_or_else(|| format!("missing {what} after '{flag}' in ACL expression."))
            };
            match *flag {
                "-i" => ignore_case = true,
                "-n" => resolve = false,
                "-u" => {
                    let id = needs_argument("unique id")?;
                    let id = id
                        .parse()
                        .map_err(|_| "the argument of -u must be an integer")?;
                    unique_id = Some(id);
                    words = tail;
                }
                "-M" => is_map = true,
                "-f" => {
                    files.push((needs_argument("file name")?, ignore_case));
                    words = tail;
                }
                "-m" => {
                    let name = needs_argument("matching method")?;
                    if explicit.is_some() {
                        return Err("only one explicit matching method can be defined with '-m' parameter. if migrating from an old version, just keep the last one".into());
                    }
                    explicit = Some(Method::of(name).ok_or_else(|| {
                        format!("unknown matching method '{name}' when parsing ACL expression")
                    })?);
                    words = tail;
                }
                "--" => {
                    closed = true;
                    words = tail;
                    break;
                }
                other => {
                    return Err(format!(
                        "'{other}' is not a valid ACL option. Please use '--' before any pattern beginning with a '-'"
                    ));
                }
            }
            words = words.get(1..).unwrap_or_default();
        }
        let Some(method) = explicit.or(implied) else {
            return Err(format!(
                "matching method must be specified first (using '-m') when using a sample fetch of this type ('{}')",
                expr.fetch().name
            ));
        };
        if !cast::exists(expr.output(), method.sample_type()) {
            return Err(format!(
                "matching method '{}' cannot be used with a sample of type '{}'",
                method.name(),
                expr.output().name()
            ));
        }
        let mut cells = Vec::new();
        let intended = closed || !files.is_empty() || !words.is_empty();
        for (name, ignore_case) in files {
            let list = ctx.compiler.patterns.file(name, is_map)?;
            list.note_use(
                false,
                format!("acl at file '{}' line {}", ctx.file, ctx.line),
            );
            cells.push(list.cell(method, ignore_case)?);
        }
        if method.takes_patterns() {
            let mut set = PatternSet::new(method, ignore_case);
            let by_name =
                explicit.is_none() && expr.output() == Type::Method && keyword == "method";
            if method == Method::Ip && resolve {
                add_networks(&mut set, words)?;
            } else if by_name && ignore_case {
                // Well-known methods are known by their names as they are: what only resembles one is another method.
                let words: Vec<&str> = words
                    .iter()
                    .copied()
                    .filter(|w| !resembles_method(w))
                    .collect();
                add_patterns(&mut set, &words, method)?;
            } else {
                add_patterns(&mut set, words, method)?;
            }
            let cell = ctx.compiler.patterns.inline(set, unique_id)?;
            let place = format!("acl '{keyword}' file '{}' line {}", ctx.file, ctx.line);
            cell.list().note_use(false, place);
            cells.push(cell);
        }
        let told = cells.iter().find_map(PatternCell::backtracking_warning);
        ctx.warnings.extend(told);
        Ok(Self {
            method,
            cells,
            intended,
        })
    }

    fn warn_if_idle(&mut self, keyword: &str, ctx: &mut ParseContext<'_>) {
        if self.method.takes_patterns() && !self.intended {
            ctx.warnings.push(format!(
                "parsing acl keyword '{keyword}' :\n  no pattern to match against were provided, so this ACL will never match.\n  If this is what you intended, please add '--' to get rid of this warning.\n  If you intended to match only for existence, please use '-m found'.\n  If you wanted to force an int to match as a bool, please use '-m bool'.\n"
            ));
        }
    }
}

/// Remembers a condition on groups of the user list that was named last.
fn note_group_test(words: &[&str], ctx: &mut ParseContext<'_>) {
    // Groups from files may change later.
    if words.first().is_some_and(|word| word.starts_with('-')) {
        return;
    }
    let compiler = &mut *ctx.compiler;
    let mut named = compiler.references.iter().rev();
    let Some(list) = named.find(|reference| reference.kind == ArgKind::UserList) else {
        return;
    };
    compiler.group_tests.push(GroupTest {
        list: list.slot.clone(),
        groups: words.iter().map(|word| (*word).into()).collect(),
        proxy: ctx.proxy.to_owned(),
        acl: String::new(),
    });
}

/// Turns a version `3.1`, or a range of them, into the number that `req.ssl_ver` yields.
fn dotted_version(word: &str) -> String {
    let number = |version: &str| -> Option<String> {
        if version.is_empty() {
            return Some(String::new());
        }
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        let (major, minor): (u16, u16) = (major.parse().ok()?, minor.parse().ok()?);
        Some((u32::from(major) << 16 | u32::from(minor)).to_string())
    };
    let range: Option<Vec<String>> = word.splitn(2, ':').map(number).collect();
    range.map_or_else(|| word.to_owned(), |parts| parts.join(":"))
}

/// Whether a text would be the name of a well-known method, were it not for the letter case.
fn resembles_method(word: &str) -> bool {
    let known = |text: &str| message::Method::of(text.as_bytes()).name().is_some();
    !known(word) && known(&word.to_ascii_uppercase())
}

/// Adds networks; what is no address is the name of a host, whose first IPv4 address counts.
fn add_networks(set: &mut PatternSet, words: &[&str]) -> Result<(), String> {
    for word in words {
        let fault = match set.add(&config::bytes_of(word), None) {
            Ok(()) => continue,
            Err(fault) => fault,
        };
        let (host, mask) = word.split_at(word.find('/').unwrap_or(word.len()));
        let found = (host, 0).to_socket_addrs().ok();
        let address = found.and_then(|mut all| all.find(SocketAddr::is_ipv4));
        let ip = address.ok_or(fault)?.ip();
        set.add(format!("{ip}{mask}").as_bytes(), None)?;
    }
    Ok(())
}

/// Adds the patterns written in the configuration; integer methods understand operators before them.
fn add_patterns(set: &mut PatternSet, words: &[&str], method: Method) -> Result<(), String> {
    if !matches!(method, Method::Int | Method::Len) {
        return words
            .iter()
            .try_for_each(|word| set.add(&config::bytes_of(word), None));
    }
    let mut operator = "eq";
    for word in words {
        match *word {
            "eq" | "gt" | "ge" | "lt" | "le" => {
                operator = word;
                continue;
            }
            _ => {}
        }
        let is_numeric = word
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.'));
        if !is_numeric {
            return Err(if operator == "eq" {
                format!("'{word}' is not a number")
            } else {
                format!("'{word}' is neither a number nor a supported operator")
            });
        }
        // Behind an operator only the number before a colon counts.
        let number = || {
            let (low, _) = word.split_once(':').unwrap_or((word, ""));
            low.parse::<i64>()
                .map_err(|_| format!("'{word}' is not a valid number range"))
        };
        let range = match operator {
            "gt" => format!("{}:", number()?.saturating_add(1)),
            "ge" => format!("{}:", number()?),
            "lt" => format!(":{}", number()?.saturating_sub(1)),
            "le" => format!(":{}", number()?),
            _ => (*word).to_owned(),
        };
        set.add(&config::bytes_of(&range), None)?;
    }
    Ok(())
}

/// A named condition. Later lines of the same name add alternatives, which conditions read before see as well.
#[derive(Debug)]
pub struct Acl {
    name: Box<str>,
    expr: AclExpr,
    next: OnceLock<Arc<Acl>>,
}

impl Acl {
    /// A condition of one expression.
    #[must_use]
    pub fn new(name: &str, expr: AclExpr) -> Self {
        Self {
            name: name.into(),
            expr,
            next: OnceLock::new(),
        }
    }

    /// Its name; empty for an anonymous one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &AclExpr> {
        std::iter::successors(Some(self), |acl| acl.next.get().map(|next| &**next))
            .map(|acl| &acl.expr)
    }

    /// Whether any expression matches among those that can be had in a place.
    pub fn matches(&self, view: &dyn View, place: Phases) -> Match {
        let mut result = Match::No;
        let present = self
            .exprs()
            .filter(|expr| expr.expr.phases().intersects(place));
        for expr in present {
            match expr.matches(view) {
                Verdict::Yes => return Match::Yes,
                Verdict::NotYet => result = Match::NotYet,
                Verdict::No => {}
            }
        }
        result
    }

    /// Where at least one of its expressions can be had.
    #[must_use]
    pub fn phases(&self) -> Phases {
        self.exprs()
            .fold(Phases::NONE, |set, e| set | e.expr.phases())
    }
}

/// The named conditions of one proxy.
#[derive(Debug, Default, Clone)]
pub struct AclSet {
    first: HashMap<Box<str>, Arc<Acl>>,
}

impl AclSet {
    /// Reads the words behind `acl`: a name and an expression.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse_line(words: &[&str], ctx: &mut ParseContext<'_>) -> Result<(), String> {
        let name = words.first().copied().unwrap_or_default();
        if let Some(bad) = name
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':')))
        {
            return Err(format!(
                "character '{bad}' is not permitted in acl name '{name}'."
            ));
        }
        if matches!(name, "or" | "||") {
            return Err(format!(
                "acl name '{name}' will never match. 'or' is used to express a logical disjunction within a condition."
            ));
        }
        let expr = AclExpr::parse(words.get(1..).unwrap_or_default(), ctx)
            .map_err(|e| format!("error detected while parsing ACL '{name}' : {e}."))?;
        if let Some(test) = ctx.compiler.group_tests.last_mut()
            && test.acl.is_empty()
            && expr.expr.fetch().name == "http_auth_group"
        {
            test.acl = name.to_owned();
        }
        ctx.acls.add(name, expr);
        Ok(())
    }

    /// Adds an expression to the condition `name`.
    pub fn add(&mut self, name: &str, expr: AclExpr) {
        let mut new = Arc::new(Acl::new(name, expr));
        let Some(first) = self.first.get(name) else {
            self.first.insert(name.into(), new);
            return;
        };
        let mut last = first;
        loop {
            match last.next.set(new) {
                Ok(()) => return,
                Err(back) => new = back,
            }
            match last.next.get() {
                Some(next) => last = next,
                None => return,
            }
        }
    }

    /// The condition of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Acl>> {
        self.first.get(name)
    }

    /// The names of all conditions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.first.keys().map(|name| &**name)
    }
}

/// The expression behind a predefined condition (configuration manual, 7.4).
#[must_use]
pub fn predefined(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "FALSE" => &["always_false"],
        "HTTP" => &["req.proto_http"],
        "HTTP_1.0" => &["req.ver", "1.0"],
        "HTTP_1.1" => &["req.ver", "1.1"],
        "HTTP_2.0" => &["req.ver", "2.0"],
        "HTTP_3.0" => &["req.ver", "3.0"],
        "HTTP_CONTENT" => &["req.hdr_val(content-length)", "gt", "0"],
        "HTTP_URL_ABS" => &["url_reg", "^[^/:]*://"],
        "HTTP_URL_SLASH" => &["url_beg", "/"],
        "HTTP_URL_STAR" => &["url", "*"],
        "LOCALHOST" => &["src", "127.0.0.1/8", "::1"],
        "METH_CONNECT" => &["method", "CONNECT"],
        "METH_DELETE" => &["method", "DELETE"],
        "METH_GET" => &["method", "GET", "HEAD"],
        "METH_HEAD" => &["method", "HEAD"],
        "METH_OPTIONS" => &["method", "OPTIONS"],
        "METH_POST" => &["method", "POST"],
        "METH_PUT" => &["method", "PUT"],
        "METH_TRACE" => &["method", "TRACE"],
        "RDP_COOKIE" => &["req.rdp_cookie_cnt", "gt", "0"],
        "REQ_CONTENT" => &["req.len", "gt", "0"],
        "TRUE" => &["always_true"],
        "WAIT_END" => &["wait_end"],
        _ => return None,
    })
}
