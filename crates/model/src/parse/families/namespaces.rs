//! `namespace_list` sections and the option `namespace` of `bind` and `server` lines.

use crate::namespace::{Namespace, ServerNamespace};
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{Fault, Open, Parsed, Parser, Statement};
use std::sync::Arc;

/// The section of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "namespace_list",
    doc: "Network namespaces that PROXY headers may name.",
    open,
}];

/// The option of `bind` lines.
pub const BIND: &[OptionRow<super::bind::BindLine>] = &[OptionRow {
    name: "namespace",
    args: 1,
    doc: "The network namespace to listen in.",
    read: |line, cursor| {
        let name = cursor.value(": missing namespace id")?;
        line.bind.namespace = Some(named(cursor, name)?);
        Ok(())
    },
}];

/// The option of `server` lines.
pub const SERVER: &[OptionRow<super::server::ServerLine>] = &[OptionRow {
    name: "namespace",
    args: 1,
    doc: "The network namespace to connect in.",
    read: |line, cursor| {
        let name = cursor.value(" : expects <name> as argument.")?;
        line.draft.namespace = Some(match name {
            "*" => ServerNamespace::Client,
            name => ServerNamespace::Fixed(named(cursor, name)?),
        });
        Ok(())
    },
}];

const HINT: &str = "it has to be in /var/run/netns: ip netns add <name>";

fn named(cursor: &mut Cursor<'_, '_, '_>, name: &str) -> Result<Arc<Namespace>, Fault> {
    let opened = cursor.parser.namespaces.open(name);
    opened.map_err(|error| {
        let fault = cursor.option_fault(format!(": Cannot open namespace '{name}': {error}."));
        fault.hint(HINT)
    })
}

fn open(parser: &mut Parser<'_>, _: Statement<'_>) -> Parsed {
    parser.open = Open::Other(Box::new(Section));
    Ok(())
}

struct Section;

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        if statement.keyword() != "namespace" {
            let message = format!(
                "unknown keyword '{}' in 'namespace_list' section",
                statement.keyword()
            );
            return Err(statement.fault_here(message));
        }
        let name = statement.required(0, "a name")?;
        statement.at_most(1)?;
        if parser.namespaces.find(name.as_bytes()).is_some() {
            return Err(statement.fault(0, format!("Namespace '{name}' is already added.")));
        }
        let opened = parser.namespaces.open(name);
        let fault = |error| {
            let message = format!("Cannot open namespace '{name}': {error}.");
            statement.fault(0, message).hint(HINT)
        };
        opened.map(drop).map_err(fault)
    }

    fn close(self: Box<Self>, _: &mut Parser<'_>) {}
}
