//! Names in rules: `http-errors` sections, capture slots, log profiles.

use super::bare;
use crate::parse::Parser;
use crate::rules::{Names, resolve};
use config::Severity;

/// Looks up the names in the rules of every proxy.
pub(super) fn check(parser: &mut Parser<'_>) {
    let mut faults = Vec::new();
    for draft in &parser.drafts {
        let names = Names {
            proxy: &draft.proxy,
            http_errors: &parser.http_errors,
            log_profiles: &parser.log_profiles,
            resolvers: &parser.resolvers,
        };
        faults.extend(resolve(&names));
    }
    for (_, message) in faults {
        bare(parser, Severity::Alert, message);
    }
}
