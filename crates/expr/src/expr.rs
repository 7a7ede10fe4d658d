//! Expressions: a fetch and the converters behind it.

use crate::arglist;
use crate::args::Args;
use crate::cast;
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::{ConverterRow, FetchRow};
use crate::sample::{Outcome, Type, Value};
use crate::view::{NoView, Side, View};
use std::borrow::Cow;
use std::fmt;

/// A compiled expression such as `src,ipmask(24)`.
pub struct Expr {
    fetch: &'static FetchRow,
    args: Args,
    steps: Vec<Step>,
    output: Type,
    constant: Option<Value<'static>>,
}

struct Step {
    row: &'static ConverterRow,
    args: Args,
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|step| step.row.name);
        f.debug_list()
            .entry(&self.fetch.name)
            .entries(steps)
            .finish()
    }
}

impl Expr {
    /// Reads an expression from the first word, and converters from further words as long as they are converters.
    /// Returns how many words it took.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse(words: &[&str], ctx: &mut ParseContext<'_>) -> Result<(Self, usize), String> {
        let Some(text) = words.first() else {
            return Err("missing fetch method".into());
        };
        let (mut expr, mut rest) = Self::parse_text(text, ctx)?;
        let mut used = 1;
        loop {
            if !rest.is_empty() {
                return Err(expr.missing_comma());
            }
            let Some(word) = words.get(used) else { break };
            // An isolated word that is no converter belongs to whoever reads on.
            if ctx.compiler.tables.converter(identifier(word)).is_none() {
                break;
            }
            rest = expr.parse_converter(word, ctx)?;
            rest = expr.parse_converters(rest, ctx)?;
            used += 1;
        }
        expr.fold();
        Ok((expr, used))
    }

    /// Reads one expression that takes the whole text.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse_str(text: &str, ctx: &mut ParseContext<'_>) -> Result<Self, String> {
        Self::parse(&[text], ctx).map(|(expr, _)| expr)
    }

    /// Reads an expression from the start of a text and returns what follows it.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse_prefix<'t>(
        text: &'t str,
        ctx: &mut ParseContext<'_>,
    ) -> Result<(Self, &'t str), String> {
        let (mut expr, rest) = Self::parse_text(text, ctx)?;
        expr.fold();
        Ok((expr, rest))
    }

    fn parse_text<'t>(
        text: &'t str,
        ctx: &mut ParseContext<'_>,
    ) -> Result<(Self, &'t str), String> {
        let name = identifier(text);
        if name.is_empty() {
            return Err("missing fetch method".into());
        }
        let Some(row) = ctx.compiler.tables.fetch(name) else {
            return Err(unknown_fetch(name, ctx));
        };
        Self::parse_with(row, name, "fetch method", &text[name.len()..], ctx)
    }

    /// Reads arguments and converters behind the fetch `row`, written as `keyword`.
    pub(crate) fn parse_with<'t>(
        row: &'static FetchRow,
        keyword: &str,
        what: &str,
        rest: &'t str,
        ctx: &mut ParseContext<'_>,
    ) -> Result<(Self, &'t str), String> {
        let owner = format!("{} '{keyword}'{}", ctx.keyword_kind, ctx.place);
        let (mut args, rest) = arglist::parse(rest, row.args, &owner, ctx)
            .map_err(|e| format!("{what} '{keyword}' : {}", e.text))?;
        if let Some(check) = row.check {
            check(&mut args, ctx)
                .map_err(|e| format!("invalid args in {what} '{keyword}' : {e}"))?;
        }
        let mut expr = Self {
            fetch: row,
            args,
            steps: Vec::new(),
            output: row.output,
            constant: None,
        };
        let rest = expr.parse_converters(rest, ctx)?;
        Ok((expr, rest))
    }

    /// Reads `,converter(…),…` as far as commas lead.
    fn parse_converters<'t>(
        &mut self,
        mut rest: &'t str,
        ctx: &mut ParseContext<'_>,
    ) -> Result<&'t str, String> {
        while rest.starts_with(',') {
            let text = rest.trim_start_matches(',');
            if text.is_empty() {
                return Ok(text);
            }
            rest = self.parse_converter(text, ctx)?;
        }
        Ok(rest)
    }

    fn parse_converter<'t>(
        &mut self,
        text: &'t str,
        ctx: &mut ParseContext<'_>,
    ) -> Result<&'t str, String> {
        let name = identifier(text);
        let Some(row) = ctx.compiler.tables.converter(name) else {
            return Err(unknown_converter(name, ctx));
        };
        let owner = format!(
            "conversion keyword '{name}' for {} '{}'{}",
            ctx.keyword_kind, self.fetch.name, ctx.place
        );
        let before = ctx.compiler.references.len();
        let (mut args, rest) =
            arglist::parse(&text[name.len()..], row.args, &owner, ctx).map_err(|e| {
                format!(
                    "invalid arg {} in converter '{name}' : {}",
                    e.position, e.text
                )
            })?;
        debug_assert!(ctx.compiler.references.len() >= before);
        if !cast::exists(self.output, row.input) {
            return Err(format!("converter '{name}' cannot be applied"));
        }
        if let Some(check) = row.check {
            check(&mut args, ctx)
                .map_err(|e| format!("invalid args in converter '{name}' : {e}"))?;
        }
        if row.output != Type::Same {
            self.output = row.output;
        }
        self.steps.push(Step { row, args });
        Ok(rest)
    }

    /// The complaint about text right behind a parenthesis.
    pub(crate) fn missing_comma(&self) -> String {
        match self.steps.last() {
            None => "missing comma after fetch keyword".into(),
            Some(step) => format!("missing comma after converter '{}'", step.row.name),
        }
    }

    /// Evaluates once what depends on nothing.
    fn fold(&mut self) {
        if !self.fetch.constant || !self.steps.iter().all(|step| step.row.pure) {
            return;
        }
        let value = match (self.fetch.fetch)(&self.args, &NoView) {
            Outcome::Found(value) => self.apply(value, &NoView),
            _ => None,
        };
        self.constant = value.map(Value::into_owned);
    }

    fn apply<'a>(&'a self, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
        let mut value = value;
        for step in &self.steps {
            if !fits(value.kind(), step.row.input) {
                value = cast::cast(value, step.row.input)?;
            }
            value = (step.row.convert)(&step.args, value, view)?;
            if !fits_buffer(&value, view) {
                return None;
            }
        }
        Some(value)
    }

    /// Evaluates the expression.
    pub fn eval<'a>(&'a self, view: &'a dyn View) -> Outcome<'a> {
        if let Some(constant) = &self.constant {
            return Outcome::Found(borrowed(constant));
        }
        match (self.fetch.fetch)(&self.args, view) {
            Outcome::Found(value) => Outcome::of(self.apply(value, view)),
            Outcome::Tentative(value) => match self.apply(value, view) {
                Some(value) => Outcome::Tentative(value),
                None => Outcome::NotYet,
            },
            Outcome::Missing if self.awaits_head(view) => Outcome::NotYet,
            other => other,
        }
    }

    /// Whether what is missing may come with the rest of a head.
    fn awaits_head(&self, view: &dyn View) -> bool {
        let awaits = |side, need| view.is_head_pending(side) && self.need() == need;
        awaits(Side::Request, "HTTP request headers")
            || awaits(Side::Response, "HTTP response headers")
    }

    /// Evaluates the expression and casts the sample; what can't be cast is missing.
    pub fn eval_as<'a>(&'a self, to: Type, view: &'a dyn View) -> Outcome<'a> {
        match self.eval(view) {
            Outcome::Found(value) => Outcome::of(cast::cast(value, to)),
            Outcome::Tentative(value) => {
                cast::cast(value, to).map_or(Outcome::Missing, Outcome::Tentative)
            }
            other => other,
        }
    }

    /// Hands every value of the expression to `test` until one satisfies it.
    pub fn any<'a>(
        &'a self,
        view: &'a dyn View,
        mut test: impl FnMut(&Value<'a>) -> bool,
    ) -> Verdict {
        let Some(each) = self.fetch.each.filter(|_| self.constant.is_none()) else {
            return match self.eval(view) {
                Outcome::Found(value) => Verdict::of(test(&value), false),
                Outcome::Tentative(value) => Verdict::of(test(&value), true),
                Outcome::Missing => Verdict::No,
                Outcome::NotYet => Verdict::NotYet,
            };
        };
        if self.awaits_head(view) {
            return Verdict::NotYet;
        }
        let mut passed = false;
        let may_change = each(&self.args, view, &mut |value| {
            match self.apply(value, view) {
                Some(value) => {
                    passed = test(&value);
                    !passed
                }
                // A converter without a result ends the walk.
                None => false,
            }
        });
        Verdict::of(passed, may_change)
    }

    /// Where the expression can be had.
    #[must_use]
    pub fn phases(&self) -> Phases {
        self.fetch.phases
    }

    /// The type of its samples; [`Type::Any`] when only the sample tells.
    #[must_use]
    pub fn output(&self) -> Type {
        self.output
    }

    /// The fetch's row.
    #[must_use]
    pub fn fetch(&self) -> &'static FetchRow {
        self.fetch
    }

    /// Whether converters follow the fetch.
    #[must_use]
    pub fn has_converters(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The value, when it depends on nothing.
    #[must_use]
    pub fn constant(&self) -> Option<&Value<'static>> {
        self.constant.as_ref()
    }

    /// Complains when the expression can't be had anywhere that `ctx` allows.
    ///
    /// # Errors
    /// HAProxy's wording of what is missing there.
    pub fn check_phases(&self, ctx: &ParseContext<'_>) -> Result<(), String> {
        if self.phases().intersects(ctx.phases) {
            return Ok(());
        }
        Err(format!(
            "sample fetch <{}> may not be reliably used here because it needs '{}' which is not available here.",
            self.fetch.name,
            self.need()
        ))
    }

    /// What has to be there for this expression, as messages name it.
    #[must_use]
    pub fn need(&self) -> &'static str {
        self.phases().need_of(self.fetch.name)
    }
}

/// What a test over the values of an expression came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A value satisfies it.
    Yes,
    /// None does, and none will.
    No,
    /// None does yet.
    NotYet,
}

impl Verdict {
    fn of(passed: bool, may_change: bool) -> Self {
        match (passed, may_change) {
            (true, _) => Self::Yes,
            (false, true) => Self::NotYet,
            (false, false) => Self::No,
        }
    }
}

/// Whether a text is no longer than what HAProxy could hold; the size is only asked for when it may matter.
fn fits_buffer(value: &Value<'_>, view: &dyn View) -> bool {
    const SMALL: usize = 1024;
    match value {
        Value::Str(text) | Value::Bin(text) => {
            text.len() <= SMALL || text.len() <= view.process().buffer_size()
        }
        _ => true,
    }
}

fn fits(kind: Type, wanted: Type) -> bool {
    kind == wanted
        || matches!(wanted, Type::Any | Type::Same)
        || (wanted == Type::Addr && matches!(kind, Type::Ipv4 | Type::Ipv6))
}

/// The same value with its text borrowed.
#[must_use]
pub fn borrowed<'a>(value: &'a Value<'_>) -> Value<'a> {
    match value {
        Value::Bool(v) => Value::Bool(*v),
        Value::Int(v) => Value::Int(*v),
        Value::Ip(v) => Value::Ip(*v),
        Value::Str(v) => Value::Str(Cow::Borrowed(v)),
        Value::Bin(v) => Value::Bin(Cow::Borrowed(v)),
        Value::Method(m, v) => Value::Method(*m, Cow::Borrowed(v)),
    }
}

/// The keyword at the start of a text.
pub(crate) fn identifier(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | ':')))
        .unwrap_or(text.len());
    &text[..end]
}

pub(crate) fn unknown_fetch(name: &str, ctx: &ParseContext<'_>) -> String {
    let tables = ctx.compiler.tables;
    match tables.fetch_needs(name) {
        Some(needs) => format!("fetch method '{name}' is not built yet: needs {needs}"),
        None => crate::suggest::with_hint(
            format!("unknown fetch method '{name}'"),
            name,
            tables.fetch_names().chain(tables.acl_names()),
        ),
    }
}

fn unknown_converter(name: &str, ctx: &ParseContext<'_>) -> String {
    crate::suggest::with_hint(
        format!("unknown converter '{name}'"),
        name,
        ctx.compiler.tables.converter_names(),
    )
}
