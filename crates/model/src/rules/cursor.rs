//! Walking over the words of a rule line.

use super::Family;
use crate::parse::{Fault, Parsed, Parser, Statement};
use crate::proxy::Proxy;
use base::units::{self, TimeError, TimeUnit};
use expr::logformat::{LogFormat, Usage};
use expr::regex::Regex;
use expr::{Condition, Expr, ParseContext, Phases, VarId};
use std::sync::Arc;

/// The words of a rule line behind its action, and what reading them needs.
pub struct RuleCursor<'p, 'd, 'l> {
    /// The configuration so far.
    pub parser: &'p mut Parser<'d>,
    statement: Statement<'l>,
    family: Family,
    phases: Phases,
    /// How faults begin; they stand alone when it is empty.
    prefix: String,
    at: usize,
}

impl<'p, 'd, 'l> RuleCursor<'p, 'd, 'l> {
    /// A cursor at the first word behind the action, which is the statement's keyword.
    ///
    /// # Errors
    /// When no proxy is open.
    pub fn new(
        parser: &'p mut Parser<'d>,
        statement: Statement<'l>,
        family: Family,
    ) -> Parsed<Self> {
        let proxy = parser.proxy()?;
        let prefix = match family.is_http() {
            true => format!(
                "error detected in {} while parsing '{}' rule : ",
                titled(proxy),
                statement.path()
            ),
            false => String::new(),
        };
        let phases = family.phases(proxy.caps);
        Ok(Self {
            parser,
            statement,
            family,
            phases,
            prefix,
            at: 0,
        })
    }

    /// A cursor at the first word of a health check's rule behind its keyword, wherever that stands. What faults begin
    /// with is left to the caller.
    #[must_use]
    pub fn for_check(parser: &'p mut Parser<'d>, statement: Statement<'l>) -> Self {
        Self {
            parser,
            statement,
            family: Family::TcpContent,
            phases: Phases::CHECK,
            prefix: String::new(),
            at: 0,
        }
    }

    /// A cursor at the first word behind the proxy keyword `redirect`.
    ///
    /// # Errors
    /// When no proxy is open.
    pub fn for_redirect(parser: &'p mut Parser<'d>, statement: Statement<'l>) -> Parsed<Self> {
        let prefix = format!(
            "error detected in {} while parsing redirect rule : ",
            titled(parser.proxy()?)
        );
        let cursor = Self::new(parser, statement, Family::HttpRequest)?;
        Ok(Self { prefix, ..cursor })
    }

    /// The list that the rule will stand in.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The action as written, with what stands in parentheses behind it.
    #[must_use]
    pub fn action(&self) -> &'l str {
        self.statement.keyword()
    }

    /// What stands in parentheses behind the action; `None` when they are missing or something follows them.
    #[must_use]
    pub fn suffix(&self) -> Option<&'l str> {
        self.action().split_once('(')?.1.strip_suffix(')')
    }

    /// The whole keyword: list and action.
    #[must_use]
    pub fn path(&self) -> String {
        self.statement.path()
    }

    /// The line.
    #[must_use]
    pub fn statement(&self) -> Statement<'l> {
        self.statement
    }

    /// The proxy that the rule belongs to.
    ///
    /// # Errors
    /// When none is open.
    pub fn proxy(&mut self) -> Parsed<&mut Proxy> {
        self.parser.proxy()
    }

    /// The next word, empty at the end of the line.
    #[must_use]
    pub fn peek(&self) -> &'l str {
        self.statement.arg(self.at)
    }

    /// The word after the next one.
    #[must_use]
    pub fn peek_second(&self) -> &'l str {
        self.statement.arg(self.at + 1)
    }

    /// The index of the next word among the statement's arguments.
    #[must_use]
    pub fn index(&self) -> usize {
        self.at
    }

    /// Whether the arguments are over: the line ends or its condition begins.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.peek().is_empty() || Condition::opens(self.peek())
    }

    /// Takes the next word whatever it is.
    pub fn take(&mut self) -> &'l str {
        let word = self.peek();
        self.at += usize::from(!word.is_empty());
        word
    }

    /// Takes the next word when it is this one.
    pub fn take_if(&mut self, word: &str) -> bool {
        let found = self.peek() == word;
        self.at += usize::from(found);
        found
    }

    /// Takes the next word, which must be there.
    ///
    /// # Errors
    /// With `missing` when it is not.
    pub fn expect(&mut self, missing: &str) -> Parsed<&'l str> {
        if self.peek().is_empty() {
            return Err(self.fault(missing));
        }
        Ok(self.take())
    }

    /// A fault at the next word.
    #[must_use]
    pub fn fault(&self, message: impl AsRef<str>) -> Fault {
        let message = message.as_ref();
        let stop = if self.prefix.is_empty() || message.ends_with('.') {
            ""
        } else {
            "."
        };
        self.statement
            .fault(self.at, format!("{}{message}{stop}", self.prefix))
    }

    /// A fault at the word before the next one.
    #[must_use]
    pub fn fault_before(&self, message: impl AsRef<str>) -> Fault {
        let fault = self.fault(message);
        Fault {
            word: fault.word.saturating_sub(1),
            ..fault
        }
    }

    /// A fault at the next word whose message stands alone.
    #[must_use]
    pub fn plain_fault(&self, message: impl Into<String>) -> Fault {
        self.statement.fault(self.at, message)
    }

    /// The fault of something that HAProxy has and that is not built here.
    #[must_use]
    pub fn not_built(&self, what: &str, waits_for: &str) -> Fault {
        self.plain_fault(crate::parse::known::not_built(what, waits_for))
    }

    /// How the messages of TCP rules name the proxy: `frontend 'f'`.
    ///
    /// # Errors
    /// When none is open.
    pub fn titled_proxy(&mut self) -> Parsed<String> {
        self.parser.proxy().map(|proxy| titled(proxy))
    }

    /// Warns about the line.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.parser.warn(self.statement, message, None);
    }

    pub(super) fn in_context<R>(
        &mut self,
        read: impl FnOnce(&mut ParseContext<'_>) -> Result<R, String>,
    ) -> Result<R, String> {
        self.parser.in_context(self.statement, self.phases, read)
    }

    /// Takes an expression. Faults about where it can be had name `shown`, or its own words without that.
    ///
    /// # Errors
    /// When it is faulty or can't be had in this list.
    pub fn expression(&mut self, shown: Option<&str>) -> Parsed<Arc<Expr>> {
        let text = self.peek();
        let words = self.statement.args_from(self.at);
        let (expr, used) = self
            .in_context(|ctx| Expr::parse(&words, ctx))
            .map_err(|why| self.fault(why))?;
        if !expr.phases().intersects(self.phases) {
            return Err(self.fault(format!(
                "fetch method '{}' extracts information from '{}', none of which is available here",
                shown.unwrap_or(text),
                expr.need()
            )));
        }
        self.at += used;
        Ok(Arc::new(expr))
    }

    /// Takes a log-format.
    ///
    /// # Errors
    /// With `missing` when there is none, or what is wrong with it.
    pub fn format(&mut self, missing: &str, usage: Usage) -> Parsed<Arc<LogFormat>> {
        if self.peek().is_empty() {
            return Err(self.fault(missing));
        }
        let format = self.format_of(self.peek(), usage)?;
        self.at += 1;
        Ok(format)
    }

    /// Reads a log-format that does not stand on the line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn format_of(&mut self, text: &str, usage: Usage) -> Parsed<Arc<LogFormat>> {
        self.in_context(|ctx| LogFormat::parse(text, usage, ctx))
            .map(Arc::new)
            .map_err(|why| self.fault(why))
    }

    /// Takes a regular expression.
    ///
    /// # Errors
    /// With `missing` when there is none, or what is wrong with it.
    pub fn regex(&mut self, missing: &str, shown: &str) -> Parsed<Arc<Regex>> {
        let text = self.peek();
        if text.is_empty() {
            return Err(self.fault(missing));
        }
        let regex = Regex::new(text, false)
            .map_err(|why| self.fault(format!("{shown}regex '{text}' is invalid (error={why})")))?;
        if regex.backtracks() {
            self.warn(format!(
                "regex '{text}' needs look-around or back-references and is matched by backtracking, which is slower."
            ));
        }
        self.at += 1;
        Ok(Arc::new(regex))
    }

    /// Interns a variable's name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn variable(&mut self, name: &str) -> Parsed<VarId> {
        self.parser
            .expressions
            .names
            .intern(name)
            .map_err(|why| self.fault(why))
    }

    /// Takes the condition that ends the line, if there is one.
    ///
    /// # Errors
    /// When something else follows, or the condition is faulty.
    pub fn condition(&mut self) -> Parsed<Option<Condition>> {
        let word = self.peek();
        if word.is_empty() {
            return Ok(None);
        }
        if !Condition::opens(word) {
            return Err(self.unexpected(word));
        }
        let words = self.statement.args_from(self.at);
        let condition = self
            .in_context(|ctx| Condition::parse(&words, ctx))
            .map_err(|why| self.condition_fault(word, &why))?;
        let place = self.phases;
        if let Some(warning) = condition.phase_warning(place) {
            self.warn(format!("{warning}."));
        }
        Ok(Some(condition))
    }

    fn unexpected(&mut self, word: &str) -> Fault {
        let path = self.path();
        if self.family.is_http() {
            return self.plain_fault(format!(
                "'{path}' expects either 'if' or 'unless' followed by a condition but found '{word}'."
            ));
        }
        let proxy = self.titled_proxy().unwrap_or_default();
        self.plain_fault(format!(
            "'{path}' only accepts 'if' or 'unless', in {proxy} (got '{word}')"
        ))
    }

    fn condition_fault(&mut self, word: &str, why: &str) -> Fault {
        let path = self.path();
        if path == "redirect" {
            return self.fault(format!("error in condition: {why}"));
        }
        if self.family.is_http() {
            return self.plain_fault(format!(
                "error detected while parsing an '{path}' condition : {why}."
            ));
        }
        let proxy = self.titled_proxy().unwrap_or_default();
        self.plain_fault(format!(
            "'{path}' : error detected in {proxy} while parsing '{word}' condition : {why}"
        ))
    }

    /// Reads a duration in milliseconds; `rule` is named in the fault.
    ///
    /// # Errors
    /// When it is none.
    pub fn milliseconds(&self, text: &str, rule: &str) -> Parsed<u64> {
        match units::parse_time(text, TimeUnit::Millisecond) {
            Ok(time) if time.trailing.is_none() => Ok(time.value),
            Ok(time) => Err(self.stray(text, time.trailing.unwrap_or_default(), rule)),
            Err(TimeError::Empty) => Err(self.stray(text, 0, rule)),
            Err(TimeError::Character(at)) => Err(self.stray(text, at, rule)),
            Err(TimeError::Overflow) => Err(self.fault(format!(
                "timer overflow{rule} (maximum value is 2147483647 ms or ~24.8 days)"
            ))),
        }
    }

    /// Reads a size in bytes.
    ///
    /// # Errors
    /// When it is none.
    pub fn bytes(&self, text: &str) -> Parsed<u64> {
        units::parse_size(text)
            .map(u64::from)
            .map_err(|why| self.stray(text, why.offset(), ""))
    }

    fn stray(&self, text: &str, at: usize, rule: &str) -> Fault {
        let character = text.get(at..).and_then(|rest| rest.chars().next());
        let character = character.map(String::from).unwrap_or_default();
        self.fault(format!("unexpected character '{character}'{rule}"))
    }
}

/// How messages name a proxy.
fn titled(proxy: &Proxy) -> String {
    format!("{} '{}'", proxy.caps.section(), proxy.name)
}
