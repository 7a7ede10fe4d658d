//! Reading log formats.

use super::alias;
use super::writer::Flags;
use super::{Encoding, Item, LogFormat, Node, Usage};
use crate::context::ParseContext;
use crate::expr::Expr;
use crate::sample::Type;

impl LogFormat {
    /// Reads a format.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse(text: &str, usage: Usage, ctx: &mut ParseContext<'_>) -> Result<Self, String> {
        let mut reader = Reader {
            text,
            rest: text,
            format: Self {
                nodes: Vec::new(),
                usage,
                encoding: Encoding::Plain,
                binary: false,
                early: false,
                reads_server: false,
            },
            defaults: Flags::default(),
        };
        while let Some(c) = reader.rest.chars().next() {
            match c {
                '%' => reader.item(ctx)?,
                ' ' if usage.merge_spaces => {
                    reader.rest = reader.rest.trim_start_matches(' ');
                    reader.format.nodes.push(Node::Space);
                }
                _ => reader.literal(),
            }
        }
        reader.format.early = reader.format.knows_all_early();
        reader.format.reads_server = reader.format.tells_of_server_connection();
        Ok(reader.format)
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    format: LogFormat,
    /// Flags set by `%o`.
    defaults: Flags,
}

impl<'t> Reader<'t> {
    fn position(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    fn push_text(&mut self, text: &str) {
        if let Some(Node::Text(last)) = self.format.nodes.last_mut() {
            let mut joined = std::mem::take(last).into_vec();
            joined.extend_from_slice(&config::bytes_of(text));
            *last = joined.into();
        } else {
            let text = config::bytes_of(text).into();
            self.format.nodes.push(Node::Text(text));
        }
    }

    fn literal(&mut self) {
        let merge = self.format.usage.merge_spaces;
        let end = self
            .rest
            .find(|c| c == '%' || (merge && c == ' '))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.push_text(text);
        self.rest = rest;
    }

    fn item(&mut self, ctx: &mut ParseContext<'_>) -> Result<(), String> {
        let start = self.rest;
        self.rest = &start[1..];
        if let Some(rest) = self.rest.strip_prefix('%') {
            self.rest = rest;
            self.push_text("%");
            return Ok(());
        }
        let mut item = Item {
            flags: self.defaults,
            ..Item::default()
        };
        if self.rest.starts_with('(') {
            self.name(&mut item)?;
        }
        let mut flags_text = None;
        if let Some(rest) = self.rest.strip_prefix('{') {
            let Some(end) = rest.find('}') else {
                return Err(format!("truncated line after '{rest}'"));
            };
            flags_text = Some(&rest[..end]);
            self.rest = &rest[end + 1..];
        }
        if self.rest.starts_with('[') {
            self.apply(flags_text.unwrap_or_default(), &mut item.flags, false);
            return self.expression(item, ctx);
        }
        let name_end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(name_end);
        if name.is_empty() {
            return self.no_alias(flags_text);
        }
        self.rest = rest;
        if name == "o" {
            let mut defaults = self.defaults;
            self.apply(flags_text.unwrap_or_default(), &mut defaults, true);
            self.defaults = defaults;
            return Ok(());
        }
        let Some(row) = alias::find(name) else {
            let message = crate::suggest::with_hint(
                format!("no such format alias '{name}'"),
                name,
                alias::names().filter(|n| n.len() > 2),
            );
            return Err(format!(
                "{message}. If you wanted to emit the '%' character verbatim, you need to use '%%'"
            ));
        };
        self.apply(flags_text.unwrap_or_default(), &mut item.flags, false);
        self.format.nodes.push(Node::Alias(item, row));
        Ok(())
    }

    /// What follows `%` is neither an alias nor an expression.
    fn no_alias(&self, flags: Option<&str>) -> Result<(), String> {
        if flags.is_some() {
            return Err(format!(
                "parse argument modifier without alias name near '%{{{}}}'",
                flags.unwrap_or_default()
            ));
        }
        match self.rest.chars().next() {
            None => Err("truncated line after '%'".into()),
            Some(c @ ' ') => Err(format!(
                "unexpected alias name near '{c}' at position {} line : '{}'. Maybe you want to write a single '%', use the syntax '%%'",
                self.position(),
                self.text
            )),
            // A percent sign before anything else vanishes.
            Some(_) => Ok(()),
        }
    }

    /// Reads `(name:type)`.
    fn name(&mut self, item: &mut Item) -> Result<(), String> {
        let inner = &self.rest[1..];
        let Some(end) = inner.find(')') else {
            return Err(format!("truncated line after '{inner}'"));
        };
        let (name, kind) = match inner[..end].split_once(':') {
            None => (&inner[..end], None),
            Some((name, kind)) => (name, Some(kind)),
        };
        let is_odd = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_');
        if let Some((at, c)) = name.char_indices().find(|(_, c)| is_odd(*c)) {
            return Err(format!(
                "invalid character in custom name near '{c}' at position {} line : '{}'",
                self.position() + 1 + at,
                self.text
            ));
        }
        let kind_at = self.position() + 1 + name.len() + 1;
        item.name = name.into();
        item.cast = match kind {
            None | Some("raw" | "") => None,
            Some("str") => Some(Type::Str),
            Some("sint") => Some(Type::Int),
            Some("bool") => Some(Type::Bool),
            Some(other) => {
                return Err(format!(
                    "unexpected output type '{other}' at position {kind_at} line : '{}'. Supported types are: str, sint, bool, raw",
                    self.text
                ));
            }
        };
        self.rest = &inner[end + 1..];
        Ok(())
    }

    fn expression(&mut self, item: Item, ctx: &mut ParseContext<'_>) -> Result<(), String> {
        let inner = &self.rest[1..];
        if !inner.contains(']') {
            return Err(format!("missing ']' after '{inner}'"));
        }
        let (expr, rest) = Expr::parse_prefix(inner, ctx)
            .map_err(|e| format!("failed to parse sample expression <{inner}> : {e}"))?;
        let Some(rest) = rest.strip_prefix(']') else {
            let read = &inner[..inner.len() - rest.len()];
            return Err(match rest.chars().next() {
                None => format!("missing ']' after '{read}'"),
                Some(c) => format!("expected ']' after '{read}', but found '{c}'"),
            });
        };
        expr.check_phases(ctx)?;
        self.rest = rest;
        self.format.nodes.push(Node::Expr(item, Box::new(expr)));
        Ok(())
    }

    /// Applies `+Q,-E …`; what is no flag changes nothing, as with HAProxy.
    fn apply(&mut self, text: &str, flags: &mut Flags, global: bool) {
        for word in text.split(',') {
            let (set, name) = match word.as_bytes().first() {
                Some(b'+') => (true, &word[1..]),
                Some(b'-') => (false, &word[1..]),
                _ => continue,
            };
            match name {
                // HAProxy encodes nothing where the result must be fit for a header field.
                "bin" | "json" | "cbor" if self.format.usage.encode_for_http => {}
                "Q" => flags.quote = set,
                "E" => flags.escape = set,
                "X" => flags.hex = set,
                "bin" if global => self.format.binary = set,
                "json" | "cbor" => {
                    let encoding = match (set, name) {
                        (false, _) => Encoding::Plain,
                        (true, "json") => Encoding::Json,
                        (true, _) => Encoding::Cbor,
                    };
                    if global {
                        self.format.encoding = encoding;
                    } else {
                        flags.encoding = encoding;
                    }
                }
                _ => {}
            }
        }
    }
}
