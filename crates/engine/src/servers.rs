//! The servers of a backend, which commands may add and take away while streams look at them.

use crate::proxy::ServerRuntime;
use arc_swap::{ArcSwap, Guard};
use base::ServerIdx;
use std::collections::HashMap;
use std::sync::Arc;

/// Servers by place and by name, in the order in which they came.
#[derive(Debug, Default)]
pub struct ServerList {
    /// By place; the place of a server that was taken away is empty until another one gets it.
    slots: Vec<Option<Arc<ServerRuntime>>>,
    order: Vec<ServerIdx>,
    names: HashMap<Arc<str>, ServerIdx>,
}

impl ServerList {
    fn new(servers: Vec<Arc<ServerRuntime>>) -> Self {
        let mut list = Self::default();
        for server in servers {
            list.put(server);
        }
        list
    }

    fn put(&mut self, server: Arc<ServerRuntime>) {
        let idx = server.config.idx;
        let at = idx.0 as usize;
        if self.slots.len() <= at {
            self.slots.resize(at + 1, None);
        }
        self.names.insert(server.config.name.clone(), idx);
        self.order.push(idx);
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Some(server);
        }
    }

    /// The server at a place.
    #[must_use]
    pub fn at(&self, idx: ServerIdx) -> Option<&Arc<ServerRuntime>> {
        self.slots.get(idx.0 as usize)?.as_ref()
    }

    /// The server of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<ServerRuntime>> {
        self.at(*self.names.get(name)?)
    }

    /// The server that came as the `nth`, from 0.
    #[must_use]
    pub fn nth(&self, nth: usize) -> Option<&Arc<ServerRuntime>> {
        self.at(*self.order.get(nth)?)
    }

    /// All servers in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ServerRuntime>> {
        self.order.iter().filter_map(|idx| self.at(*idx))
    }

    /// All places, empty ones included.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Option<&Arc<ServerRuntime>>> {
        self.slots.iter().map(Option::as_ref)
    }

    /// How many servers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// A place for another server, not among the first `taken`.
    #[must_use]
    pub fn free_place(&self, taken: usize) -> ServerIdx {
        let mut slots = self.slots.iter().enumerate().skip(taken);
        let free = slots.find(|(_, slot)| slot.is_none()).map(|(at, _)| at);
        ServerIdx(free.unwrap_or(self.slots.len()) as u32)
    }
}

/// A [`ServerList`] that may be exchanged while it is read.
#[derive(Debug)]
pub struct Servers(ArcSwap<ServerList>);

impl Servers {
    /// The servers of a backend at its start.
    #[must_use]
    pub fn new(servers: Vec<Arc<ServerRuntime>>) -> Self {
        Self(ArcSwap::from_pointee(ServerList::new(servers)))
    }

    /// The present servers.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<ServerList>> {
        self.0.load()
    }

    /// Adds a server at its place. Callers take turns ([`crate::backend::Dispatch::add`] does).
    pub(crate) fn add(&self, server: Arc<ServerRuntime>) {
        let servers = self.load().iter().cloned().chain([server]).collect();
        self.0.store(Arc::new(ServerList::new(servers)));
    }

    /// Takes a server away.
    pub(crate) fn remove(&self, idx: ServerIdx) {
        let list = self.load();
        let rest = list.iter().filter(|server| server.config.idx != idx);
        self.0
            .store(Arc::new(ServerList::new(rest.cloned().collect())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Server, ServerDraft};

    fn server(name: &str, idx: u32) -> Arc<ServerRuntime> {
        let config = Server {
            idx: ServerIdx(idx),
            id_given: false,
            name: name.into(),
            id: idx + 1,
            guid: None,
            origin: ("t.cfg".into(), 1),
            address: model::Address::Fd(0),
            datagram: false,
            mapped_port: false,
            host: None,
            service: None,
            unresolved: false,
            tls: None,
            settings: ServerDraft::default(),
        };
        Arc::new(ServerRuntime::new(Arc::new(config), 1))
    }

    fn names(servers: &Servers) -> Vec<String> {
        let list = servers.load();
        list.iter().map(|s| s.config.name.to_string()).collect()
    }

    #[test]
    fn a_freed_place_is_given_out_again_and_the_order_is_that_of_coming() {
        let servers = Servers::new(vec![server("a", 0), server("b", 1)]);
        assert_eq!(servers.load().free_place(0), ServerIdx(2));
        servers.remove(ServerIdx(0));
        assert!(servers.load().named("a").is_none());
        assert!(servers.load().at(ServerIdx(0)).is_none());
        assert_eq!(servers.load().free_place(0), ServerIdx(0));
        assert_eq!(servers.load().free_place(2), ServerIdx(2));
        servers.add(server("c", 0));
        assert_eq!(names(&servers), ["b", "c"]);
        assert_eq!(servers.load().len(), 2);
        assert_eq!(servers.load().slots().len(), 2);
    }
}
