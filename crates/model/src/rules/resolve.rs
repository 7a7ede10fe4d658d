//! Looking up the names in rules once the whole configuration has been read.

use super::{Action, Family};
use crate::errors::ErrorPages;
use crate::log::LogProfile;
use crate::proxy::Proxy;
use std::collections::HashMap;
use std::sync::Arc;

/// What the names in rules may mean.
pub struct Names<'c> {
    /// The proxy whose rule it is.
    pub proxy: &'c Proxy,
    /// Backends by their names.
    pub backends: &'c dyn Fn(&str) -> Option<&'c Proxy>,
    /// `http-errors` sections.
    pub http_errors: &'c HashMap<Arc<str>, Arc<ErrorPages>>,
    /// `resolvers` sections.
    pub resolvers: &'c [Arc<crate::resolvers::Resolvers>],
    /// Pattern lists and maps.
    pub patterns: &'c expr::pattern::PatternStore,
    /// `log-profile` sections.
    pub log_profiles: &'c HashMap<Arc<str>, Arc<LogProfile>>,
    /// Places of stick tables by name, and what their keys are.
    pub tables: (&'c HashMap<Arc<str>, u32>, &'c [stick::KeyKind]),
}

impl<'c> Names<'c> {
    /// The backend of a name.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<&'c Proxy> {
        (self.backends)(name)
    }

    /// The place of a stick table, and what its keys are.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<(u32, stick::KeyKind)> {
        let (places, kinds) = self.tables;
        let at = *places.get(name)?;
        Some((at, *kinds.get(at as usize)?))
    }
}

/// Looks up the names in all rules of a proxy and returns what is wrong, each with the place of its rule.
#[must_use]
pub fn resolve(names: &Names<'_>) -> Vec<((Arc<str>, u32), String)> {
    let rules = &names.proxy.rules;
    let lists = Family::ALL.map(|family| rules.list(family));
    let name = &names.proxy.name;
    lists
        .into_iter()
        .chain([&rules.redirects[..]])
        .flatten()
        .filter_map(|rule| {
            let why = Action::resolve(&*rule.action, names).err()?;
            Some((rule.origin.clone(), format!("Proxy '{name}': {why}")))
        })
        .collect()
}
