//! `peers` sections (configuration manual, section 11.2): their tables. Nothing is exchanged with other peers yet, so a
//! section in which this process would have somebody to talk to is refused.

use super::table::{self, TableDraft};
use crate::parse::known::not_built;
use crate::parse::sections::OpenSection;
use crate::parse::{Open, Parsed, Parser, Statement};
use config::Line;
use std::collections::HashMap;
use std::sync::Arc;

/// A `peers` section.
pub(crate) struct Peers {
    /// Its name.
    pub name: Arc<str>,
    /// Its line.
    pub origin: (Arc<str>, u32),
    /// `disabled`.
    pub disabled: bool,
    /// Its peers and their lines.
    pub members: Vec<(Arc<str>, Line)>,
    /// Whether it has a table or a listener of its own.
    pub has_content: bool,
}

pub(super) fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("missing name for peers section."));
    }
    statement.at_most(1)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        let message = format!("character '{bad}' is not permitted in 'peers' name '{name}'.");
        return Err(statement.fault(0, message));
    }
    if let Some(other) = parser.peers.iter().find(|peers| *peers.name == *name) {
        let (file, line) = &other.origin;
        let message = format!(
            "peers section '{name}' has the same name as another peers section declared at {file}:{line}."
        );
        return Err(statement.fault(0, message));
    }
    parser.open = Open::Other(Box::new(Section {
        peers: Peers {
            name: name.into(),
            origin: statement.origin(),
            disabled: false,
            members: Vec::new(),
            has_content: false,
        },
        tables: HashMap::new(),
    }));
    Ok(())
}

struct Section {
    peers: Peers,
    /// The lines of its tables, by their names in the section.
    tables: HashMap<Arc<str>, (Arc<str>, u32)>,
}

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        match statement.keyword() {
            "table" => return self.table(parser, statement),
            "disabled" => self.peers.disabled = true,
            "enabled" => self.peers.disabled = false,
            "peer" | "server" => return self.member(parser, statement),
            "bind" => self.peers.has_content = true,
            "shards" => {
                let text = statement.arg(0);
                if text.parse::<u32>().is_err() {
                    let message = format!("'shards' : expects an integer argument, found '{text}'");
                    return Err(statement.fault(0, message));
                }
                return Err(statement.fault_here(not_built("shards", "the peers protocol")));
            }
            keyword @ ("default-bind" | "default-server" | "log") => {
                return Err(statement.fault_here(not_built(keyword, "the peers protocol")));
            }
            keyword => {
                let message = format!("unknown keyword '{keyword}' in 'peers' section");
                return Err(statement.fault_here(message));
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        parser.peers.push(self.peers);
    }
}

impl Section {
    fn table(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let (name, section) = (statement.arg(0), &self.peers.name);
        if let Some((file, line)) = self.tables.get(name) {
            let message = format!(
                "stick-table name '{name}' conflicts with table declared in peers '{section}' at {file}:{line}."
            );
            return Err(statement.fault(0, message));
        }
        let full = format!("{section}/{name}").into();
        let config = table::read(parser, statement, 1, full, false)?;
        self.tables.insert(name.into(), statement.origin());
        self.peers.has_content = true;
        parser.tables.push(TableDraft {
            config,
            origin: statement.origin(),
        });
        Ok(())
    }

    fn member(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let name = statement.required(0, "the name of a peer")?;
        let same = |(other, _): &&(Arc<str>, Line)| **other == *name;
        if let Some((_, line)) = self.peers.members.iter().find(same)
            && parser.env.get("HAPROXY_LOCALPEER") == Some(name)
        {
            let message = format!(
                "'{} {name}' : local peer name already referenced at {}:{}. {name}",
                statement.keyword(),
                line.file,
                line.number
            );
            return Err(statement.fault(0, message));
        }
        self.peers
            .members
            .push((name.into(), statement.line.clone()));
        self.peers.has_content = true;
        Ok(())
    }
}
