//! Proxies by name.

use crate::parse::Draft;
use base::ProxyIdx;
use std::collections::HashMap;
use std::sync::Arc;

/// Frontends and backends by name; a `listen` is both.
pub(super) struct Names {
    pub(super) frontends: HashMap<Arc<str>, ProxyIdx>,
    pub(super) backends: HashMap<Arc<str>, ProxyIdx>,
}

impl Names {
    /// The names of these proxies, which know their places.
    pub(super) fn new(drafts: &[Draft]) -> Self {
        let mut names = Self {
            frontends: HashMap::new(),
            backends: HashMap::with_capacity(drafts.len()),
        };
        for draft in drafts {
            let proxy = &draft.proxy;
            if proxy.caps.front {
                names
                    .frontends
                    .entry(proxy.name.clone())
                    .or_insert(proxy.idx);
            }
            if proxy.caps.back {
                names
                    .backends
                    .entry(proxy.name.clone())
                    .or_insert(proxy.idx);
            }
        }
        names
    }
}

/// The place of an index in a list of drafts.
pub(super) fn place(idx: ProxyIdx) -> usize {
    idx.0 as usize
}
