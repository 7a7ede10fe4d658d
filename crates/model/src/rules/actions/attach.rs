//! `attach-srv`: a client's connection becomes one of a server's.

use super::ActionRow;
use crate::address::Address;
use crate::parse::Parsed;
use crate::proxy::{Mode, Proxy};
use crate::rules::{Action, Attachment, Families, Flow, Names, RuleCursor, Stream};
use crate::server::Server;
use expr::{Expr, Type, Value};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow {
    name: "attach-srv",
    takes_suffix: false,
    families: Families::SESSION,
    doc: "Hands the connection to a server, which sends requests over it.",
    parse,
}];

#[derive(Debug)]
struct Attach {
    /// `<backend>/<server>` as written.
    target: Box<str>,
    backend: Arc<str>,
    server: Arc<str>,
    name: Option<Arc<Expr>>,
}

impl Action for Attach {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let name = self.name.as_ref().and_then(|name| {
            match name.eval_as(Type::Str, stream.view()).value() {
                Some(Value::Str(name)) => Some(name.as_ref().into()),
                _ => None,
            }
        });
        stream.attach(Attachment {
            backend: self.backend.clone(),
            server: self.server.clone(),
            name,
        });
        Flow::Continue
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        if names.proxy.mode != Mode::Http {
            return Err("attach-srv rule requires HTTP proxy mode.".into());
        }
        let target = &self.target;
        if !target.contains('/') || self.server.is_empty() {
            return Err(format!("attach-srv rule: invalid server name '{target}'."));
        }
        let Some(backend) = names.backend(&self.backend) else {
            return Err(format!("attach-srv rule: no such backend '{target}'."));
        };
        let mut servers = backend.back.servers.iter();
        let Some(server) = servers.find(|server| server.name == self.server) else {
            return Err(format!("attach-srv rule: no such server '{target}'."));
        };
        match (self.name.is_some(), has_names(server, backend, names.proxy)) {
            (true, false) => Err(format!(
                "attach-srv rule has a name argument while server '{target}' does not use pool-conn-name; either reconfigure the server or remove the name argument from this attach-srv rule."
            )),
            (false, true) => Err(format!(
                "attach-srv rule has no name argument while server '{target}' uses pool-conn-name; either add a name argument to the attach-srv rule or reconfigure the server."
            )),
            _ => Ok(()),
        }
    }

    fn advice(&self, names: &Names<'_>) -> Option<String> {
        let servers = &names.backend(&self.backend)?.back.servers;
        let server = servers.iter().find(|server| server.name == self.server)?;
        (!matches!(server.address, Address::Reverse(_))).then(|| {
            format!(
                "attach-srv rule closes what it is to hand to server '{}', which has an address of its own instead of 'rhttp@'.",
                self.target
            )
        })
    }
}

/// Whether a server's connections have names. Those that come of the host a request asks for (`sni-auto`) are known only
/// once the backend has been looked at, which is before its frontend when it stands before it.
fn has_names(server: &Server, backend: &Proxy, frontend: &Proxy) -> bool {
    let settings = &server.settings;
    let by_host = settings.tls.enabled && settings.sni_auto != Some(false);
    settings.pool_name.is_some()
        || settings.sni.is_some()
        || (by_host && backend.idx < frontend.idx)
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let [experimental, _] = cursor.parser.global.exposes;
    if !experimental {
        return Err(cursor.plain_fault(
            "'attach-srv' action is experimental, must be allowed via a global 'expose-experimental-directives'",
        ));
    }
    let target = cursor.take();
    let (backend, server) = target.split_once('/').unwrap_or((target, ""));
    let name = match cursor.take_if("name") {
        true if cursor.peek().is_empty() => return Err(cursor.plain_fault("missing name value")),
        true => Some(cursor.expression(None)?),
        false => None,
    };
    Ok(Box::new(Attach {
        target: target.into(),
        backend: backend.into(),
        server: server.into(),
        name,
    }))
}
