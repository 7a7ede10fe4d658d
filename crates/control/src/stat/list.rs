//! The rows of all proxies, one at a time.

use super::{Row, Subject, rows, server};
use crate::command::Level;
use engine::proxy::ProxyRuntime;
use engine::runtime::Runtime;
use model::live::Admin;
use std::sync::Arc;

/// Which rows are wanted.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The proxy's number; `None` for all.
    pub proxy: Option<u32>,
    /// Bits of [`Subject::bit`].
    pub types: u32,
    /// The server's number; `None` for all.
    pub server: Option<u32>,
    /// Without servers that are down.
    pub up: bool,
    /// Without servers in maintenance.
    pub no_maint: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            proxy: None,
            types: u32::MAX,
            server: None,
            up: false,
            no_maint: false,
        }
    }
}

/// Goes through all rows: of each proxy the frontend, its listeners, its servers, the backend.
pub struct Rows {
    proxies: Vec<Arc<ProxyRuntime>>,
    filter: Filter,
    level: Level,
    /// The place of the next proxy.
    proxy: usize,
    /// Its next row.
    step: usize,
}

impl Rows {
    /// All rows that a filter lets pass, with what a level may see.
    #[must_use]
    pub fn new(runtime: &Runtime, filter: Filter, level: Level) -> Self {
        Self {
            proxies: runtime.all_proxies(),
            filter,
            level,
            proxy: 0,
            step: 0,
        }
    }

    /// Those of some proxies only.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&ProxyRuntime) -> bool) -> Self {
        self.proxies.retain(|proxy| wanted(proxy));
        self
    }

    /// The next row.
    pub fn next(&mut self, runtime: &Runtime) -> Option<Row> {
        while let Some(proxy) = self.proxies.get(self.proxy) {
            let row = self.row_at(runtime, proxy);
            self.step += 1;
            if self.step > proxy.binds.len() + proxy.servers.load().len() + 1 || self.passes(proxy)
            {
                (self.proxy, self.step) = (self.proxy + 1, 0);
            }
            if row.is_some() {
                return row;
            }
        }
        None
    }

    fn passes(&self, proxy: &ProxyRuntime) -> bool {
        let id = proxy.config.id;
        proxy.config.disabled || self.filter.proxy.is_some_and(|wanted| wanted != id)
    }

    fn row_at(&self, runtime: &Runtime, proxy: &Arc<ProxyRuntime>) -> Option<Row> {
        if self.passes(proxy) {
            return None;
        }
        let caps = proxy.config.caps;
        let wants = |subject: Subject| self.filter.types & subject.bit() != 0;
        let Some(step) = self.step.checked_sub(1) else {
            return (caps.front && wants(Subject::Frontend))
                .then(|| rows::frontend(runtime, proxy));
        };
        if let Some(state) = proxy.binds.get(step) {
            let bind = proxy.config.front.binds.get(step)?;
            let other = self.filter.server.is_some_and(|id| id != bind.id);
            return (wants(Subject::Listener) && !other)
                .then(|| rows::listener(runtime, proxy, bind, state, self.level))
                .flatten();
        }
        let servers = proxy.servers.load();
        let Some(found) = servers.nth(step - proxy.binds.len()) else {
            return (caps.back && wants(Subject::Backend))
                .then(|| rows::backend(runtime, proxy, self.level));
        };
        let admin = found.state.admin();
        let down = admin.in_maintenance() || !found.state.is_up();
        let passed = (self.filter.up && down)
            || (self.filter.no_maint && admin.has(Admin::MAINT))
            || self.filter.server.is_some_and(|id| id != found.config.id);
        (wants(Subject::Server) && !passed)
            .then(|| server::server(runtime, proxy, found, self.level))
    }
}
