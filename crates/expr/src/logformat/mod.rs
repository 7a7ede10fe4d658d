//! Log formats: text with `%` aliases and `%[expressions]` (configuration manual, 8.2.6).

mod alias;
mod builtin;
mod dates;
mod parse;
mod writer;

pub use builtin::{CLF_HTTP_LOG, ERROR_LOG, HTTP_LOG, HTTPS_LOG, TCP_LOG};
pub use dates::{write_clf_date, write_log_date};

use crate::expr::Expr;
use crate::phases::Phases;
use crate::view::{StreamFacts, View};
use alias::AliasRow;
use writer::{Flags, Writer};

/// What a format is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Missing values are shown as `-`.
    dash_for_missing: bool,
    /// Runs of spaces become one.
    merge_spaces: bool,
    /// What must not stand in a header field is percent-encoded.
    encode_for_http: bool,
}

impl Usage {
    /// Log lines.
    pub const LOG: Self = Self {
        dash_for_missing: true,
        merge_spaces: true,
        encode_for_http: false,
    };
    /// Unique ids.
    pub const UNIQUE_ID: Self = Self {
        dash_for_missing: false,
        merge_spaces: true,
        encode_for_http: true,
    };
    /// Header fields, targets, redirect locations, names.
    pub const HTTP: Self = Self {
        dash_for_missing: false,
        merge_spaces: false,
        encode_for_http: true,
    };
    /// Variables, bodies and other places that take any byte.
    pub const RAW: Self = Self {
        dash_for_missing: false,
        merge_spaces: false,
        encode_for_http: false,
    };
}

/// A compiled log format.
#[derive(Debug)]
pub struct LogFormat {
    nodes: Vec<Node>,
    usage: Usage,
    encoding: Encoding,
    /// Whether binary samples keep their bytes, and CBOR is not shown in hexadecimal.
    binary: bool,
    /// Whether nothing in it has to wait for the end of the stream.
    early: bool,
    /// Whether something in it is about the connection to the server.
    reads_server: bool,
}

/// How items are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Encoding {
    #[default]
    Plain,
    Json,
    Cbor,
}

#[derive(Debug)]
enum Node {
    Text(Box<[u8]>),
    Space,
    Alias(Item, &'static AliasRow),
    Expr(Item, Box<Expr>),
}

/// An item's name, forced type and flags.
#[derive(Debug, Clone, Default)]
struct Item {
    name: Box<str>,
    cast: Option<crate::sample::Type>,
    flags: Flags,
}

impl LogFormat {
    /// Writes the line behind what is in `out` already.
    pub fn render(&self, view: &dyn View, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, self.usage, self.encoding, self.binary);
        let line = Line {
            view,
            facts: self
                .nodes
                .iter()
                .any(|n| matches!(n, Node::Alias(_, row) if row.reads_facts))
                .then(|| view.facts())
                .flatten(),
        };
        writer.open();
        for node in &self.nodes {
            match node {
                Node::Text(text) => writer.literal(text),
                Node::Space => writer.space(),
                Node::Alias(item, row) => {
                    if writer.begin(&item.name, item.flags, item.cast) {
                        (row.write)(&line, &mut writer);
                    }
                }
                Node::Expr(item, expr) => {
                    if writer.begin(&item.name, item.flags, item.cast) {
                        writer.sample(expr.eval(view).value());
                    }
                }
            }
        }
        writer.close();
    }

    /// Where every expression of the format can be had.
    #[must_use]
    pub fn phases(&self) -> Phases {
        self.exprs().fold(Phases::ALL, |set, e| set & e.phases())
    }

    /// The expressions in it.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Expr(_, expr) => Some(&**expr),
            _ => None,
        })
    }

    /// Whether everything in it is known as soon as the response has begun. HAProxy logs then, and not at the end.
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.early
    }

    /// Whether it tells of the connection to the server.
    #[must_use]
    pub fn reads_server_connection(&self) -> bool {
        self.reads_server
    }

    fn tells_of_server_connection(&self) -> bool {
        self.nodes.iter().any(|node| match node {
            Node::Text(_) | Node::Space => false,
            Node::Alias(_, row) => matches!(row.name, "bi" | "bp" | "si" | "sp"),
            Node::Expr(_, expr) => {
                let name = expr.fetch().name;
                name.starts_with("bc_") || name.starts_with("ssl_bc")
            }
        })
    }

    fn knows_all_early(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text(_) | Node::Space => true,
            Node::Alias(_, row) => !alias::LATE.contains(&row.name),
            Node::Expr(_, expr) => {
                let name = expr.fetch().name;
                !name.contains("bytes_") && !LATE_FETCHES.contains(&name)
            }
        })
    }

    /// The whole line when it depends on nothing.
    #[must_use]
    pub fn constant(&self) -> Option<Vec<u8>> {
        let plain = self.encoding == Encoding::Plain
            && self
                .nodes
                .iter()
                .all(|node| matches!(node, Node::Text(_) | Node::Space));
        plain.then(|| {
            let mut out = Vec::new();
            self.render(&crate::view::NoView, &mut out);
            out
        })
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let empty = |node: &Node| matches!(node, Node::Text(text) if text.is_empty());
        self.nodes.iter().all(empty)
    }
}

/// The fetches that tell how a stream ended.
const LATE_FETCHES: [&str; 4] = [
    "fc.timer.total",
    "res.timer.data",
    "txn.timer.total",
    "txn.timer.user",
];

/// What aliases read.
struct Line<'v> {
    view: &'v dyn View,
    facts: Option<StreamFacts<'v>>,
}

#[cfg(test)]
mod tests;
