//! `stick` rules: finding a server in a table, and noting there which one was had.

use super::Stream;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use base::ServerIdx;
use std::sync::Arc;
use stick::{DataType, Key, ServerKey, Table};

/// How many entries one stream notes its server in at most.
const MOST: usize = 8;

/// A table and a key under which the stream's server will be noted.
pub type Noted = (Arc<Table>, Key<'static>);

impl Stream<'_> {
    /// Evaluates the rules that look at the request. A server is only looked for unless there is one already.
    pub(super) fn run_stick_rules(&mut self, backend: &ProxyRuntime, by_rule: bool) {
        for rule in backend.config.back.stick.iter().filter(|r| !r.on_response) {
            let Some((table, key)) = self.stick_key(rule) else {
                continue;
            };
            if rule.matches {
                let now = crate::clock::now_ms();
                let known = table.change(&key, now, |entry| {
                    [DataType::ServerKey, DataType::ServerId]
                        .map(|kind| entry.get(kind, 0).unwrap_or(0))
                });
                let free = !by_rule && self.state.persistence.server.is_none();
                if let Some(known) = known.filter(|_| free) {
                    self.return_to(backend, &table, known);
                }
            }
            if rule.stores {
                self.note_for_later(table, key);
            }
        }
    }

    /// The table and the key of a rule that applies, unless the table is going to be written already.
    fn stick_key(&self, rule: &model::persistence::StickRule) -> Option<Noted> {
        let table = self.session.runtime.tables.get(rule.table as usize)?;
        let busy = |(other, _): &Noted| Arc::ptr_eq(other, table);
        if self.state.noted.iter().any(busy) {
            return None;
        }
        if let Some(condition) = &rule.condition
            && !condition.holds(self)
        {
            return None;
        }
        let value = rule.expr.eval(self).value()?.into_owned();
        let key = expr::stick::key(value, table.config().kind)?;
        Some((table.clone(), key))
    }

    fn note_for_later(&mut self, table: Arc<Table>, key: Key<'static>) {
        if self.state.noted.len() < MOST {
            self.state.noted.push((table, key));
        }
    }

    /// Takes the server that an entry names, by its key if there is one, else by its number.
    fn return_to(&mut self, backend: &ProxyRuntime, table: &Table, [key, id]: [u64; 2]) {
        let text = table.text(key);
        let found = backend.servers.load().iter().find_map(|server| {
            let same = match &text {
                Some(text) => server_key(table, server) == **text,
                None => id != 0 && u64::from(server.config.id) == id,
            };
            (same && self.may_return_to(server)).then_some(server.config.idx)
        });
        if let Some(server) = found {
            self.stick_to(server);
        }
    }

    fn stick_to(&mut self, server: ServerIdx) {
        self.state.persistence.take(server);
    }

    /// Evaluates the rules that look at the response, and notes the server.
    pub(super) fn store_server(&mut self) {
        let backend = self.backend().clone();
        if backend.config.back.stick.is_empty() {
            return;
        }
        for rule in backend.config.back.stick.iter().filter(|r| r.on_response) {
            if let Some((table, key)) = self.stick_key(rule) {
                self.note_for_later(table, key);
            }
        }
        let noted = std::mem::take(&mut self.state.noted);
        let Some(server) = &self.state.server else {
            return;
        };
        if server.config.settings.non_stick {
            return;
        }
        let now = crate::clock::now_ms();
        for (table, key) in noted {
            let text = table.text_number(&server_key(&table, server));
            table.update(&key, now, |entry| {
                entry.set(DataType::ServerId, 0, server.config.id.into());
                entry.set(DataType::ServerKey, 0, text.into());
            });
        }
    }
}

/// What stands for a server in a table.
fn server_key(table: &Table, server: &ServerRuntime) -> String {
    match table.config().server_key {
        ServerKey::Name => server.config.name.to_string(),
        ServerKey::Address => match &server.whereabouts.now().address {
            model::Address::Inet(address) => format!("{}:{}", address.ip(), address.port()),
            other => format!("{other:?}"),
        },
    }
}
