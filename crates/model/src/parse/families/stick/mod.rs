//! Stick tables: `stick-table` of proxies, `table` of peers sections, and the `stick` rules that use them.

mod peers;
mod resolve;
mod rules;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use peers::{Peers, lend, take_back};
pub(crate) use resolve::resolve;
pub(crate) use table::TableDraft;

use crate::parse::sections::SectionRow;
use crate::parse::{ANY, Row, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "stick-table",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The proxy's stick table.",
        read: table::of_proxy,
    },
    Row {
        name: "stick",
        valid: Valid::BE,
        args: (0, ANY),
        doc: "How clients stick to the server they had before.",
        read: rules::stick,
    },
];

/// The sections of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "peers",
    doc: "Stick tables by name, and peers that share them.",
    open: peers::open,
}];
