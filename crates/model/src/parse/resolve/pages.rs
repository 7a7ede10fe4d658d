//! Error pages, shared by proxies that take them all from the same `defaults` section.

use super::bare;
use crate::errors::ErrorPages;
use crate::parse::Parser;
use config::Severity;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) fn resolve(parser: &mut Parser<'_>) {
    let mut known: HashMap<usize, Arc<ErrorPages>> = HashMap::new();
    let mut said = Vec::new();
    for draft in &mut parser.drafts {
        let key = draft.errorfiles.address();
        if let Some(pages) = known.get(&key) {
            draft.proxy.errors = pages.clone();
            continue;
        }
        let (pages, messages) = draft
            .errorfiles
            .resolve(&draft.proxy.name, &parser.http_errors);
        said.extend(messages);
        draft.proxy.errors = Arc::new(pages);
        known.insert(key, draft.proxy.errors.clone());
    }
    for message in said {
        match message {
            Ok(warning) => bare(parser, Severity::Warning, warning),
            Err(error) => bare(parser, Severity::Alert, error),
        }
    }
}
