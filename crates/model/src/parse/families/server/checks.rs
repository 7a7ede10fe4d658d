//! The checks of a proxy's servers, once all sections have been read.

use crate::Global;
use crate::check::CheckKind;
use crate::parse::Draft;
use crate::parse::families::check::NamedCheck;
use crate::proxy::{Mode, Proxy};
use crate::server::Server;
use config::{Diagnostic, Severity};
use std::collections::HashMap;
use std::sync::Arc;

/// Makes the check's script, and finds those that servers name.
pub(super) fn resolve(
    draft: &mut Draft,
    global: &Global,
    named: &HashMap<Arc<str>, NamedCheck>,
    faults: &mut Vec<Diagnostic>,
) {
    let proxy = &mut draft.proxy;
    if !proxy.caps.back {
        return;
    }
    proxy.back.check = Arc::new(draft.check.script());
    if proxy.back.check.kind == CheckKind::External && proxy.mode != Mode::Log {
        external(proxy, global, faults);
    }
    let mut disable_on_404 = proxy.back.disable_on_404;
    let mut servers = std::mem::take(&mut proxy.back.servers);
    for server in &mut servers {
        let Some(name) = server.settings.check.named.clone() else {
            continue;
        };
        match named.get(&name) {
            Some(check) => {
                disable_on_404 |= check.disable_on_404;
                Arc::make_mut(server).settings.check.script = Some(check.script.clone());
            }
            None => faults.push(missing(proxy, server, &name)),
        }
    }
    proxy.back.servers = servers;
    proxy.back.disable_on_404 = disable_on_404;
}

fn missing(proxy: &Proxy, server: &Server, name: &str) -> Diagnostic {
    let (file, line) = server.origin.clone();
    let message = format!(
        "'server {}/{}' : healthcheck section '{name}' not found.",
        proxy.name, server.name
    );
    Diagnostic {
        file: Some(file),
        line,
        ..Diagnostic::global(Severity::Alert, message, false)
    }
    .tight()
}

/// What a check by a program needs of the rest of the configuration.
fn external(proxy: &Proxy, global: &Global, faults: &mut Vec<Diagnostic>) {
    let name = &proxy.name;
    let mut say = |severity, text: String, hint: &str| {
        faults.push(Diagnostic {
            hint: Some(hint.into()),
            ..Diagnostic::global(severity, format!("Proxy '{name}' : {text}"), false)
        });
    };
    if !global.external_check {
        let text = "'option external-check' unable to find required 'global.external-check'.";
        say(
            Severity::Alert,
            text.into(),
            "allow checks by programs in the global section: external-check",
        );
    }
    if proxy.back.external_check.command.is_none() {
        let text = "'option external-check' unable to find required 'external-check command'.";
        say(
            Severity::Alert,
            text.into(),
            "write: external-check command <program>",
        );
    }
    if !global.insecure[0] {
        let text = "'insecure-fork-wanted' not enabled in the global section, 'option external-check' will likely fail.";
        say(
            Severity::Warning,
            text.into(),
            "allow new processes in the global section: insecure-fork-wanted",
        );
    }
}
