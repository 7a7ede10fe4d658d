//! What can be said only once everything has been read.

use super::{Loaded, Parser};
use crate::Snapshot;
use std::collections::HashMap;
use std::sync::Arc;

/// Resolves names and checks the whole configuration.
pub(super) fn finish(mut parser: Parser<'_>) -> Option<Loaded> {
    super::families::log::resolve(&mut parser);
    super::families::server::finish(&mut parser);
    let proxies = parser.drafts.drain(..).map(|draft| Arc::new(draft.proxy)).collect();
    let logging = std::mem::take(&mut parser.logging);
    let snapshot =
        Snapshot { global: parser.global, proxies, backends: HashMap::new(), frontends: HashMap::new(), logging };
    (parser.diagnostics.alerts() == 0).then_some(Loaded { snapshot, env: parser.env })
}
