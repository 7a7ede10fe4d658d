//! The forms of the statistics page: changing the states of servers.

use super::query::{Outcome, decode};
use crate::servers;
use engine::runtime::Runtime;
use std::sync::Arc;

/// What a form asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    action: Option<String>,
    backend: Option<String>,
    servers: Vec<String>,
}

fn read(body: &str) -> Wanted {
    let mut wanted = Wanted::default();
    for pair in body.split('&') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = decode(value);
        match name {
            "action" => wanted.action = Some(value),
            "b" => wanted.backend = Some(value),
            "s" => wanted.servers.push(value),
            _ => {}
        }
    }
    wanted
}

/// Does what a form asks for.
pub fn apply(runtime: &Arc<Runtime>, body: &str) -> Outcome {
    let wanted = read(body);
    let (Some(action), Some(backend)) = (wanted.action, wanted.backend) else {
        return Outcome::None;
    };
    let all = runtime.all_proxies();
    let backend = match backend.strip_prefix('#') {
        Some(id) => all.iter().find(|proxy| id.parse() == Ok(proxy.config.id)),
        None => all
            .iter()
            .find(|proxy| proxy.config.caps.back && *proxy.config.name == *backend),
    };
    let Some(action) = servers::Action::of(&action) else {
        return Outcome::Invalid;
    };
    let Some(backend) = backend.filter(|backend| backend.config.caps.back) else {
        return Outcome::Invalid;
    };
    if wanted.servers.is_empty() {
        return Outcome::None;
    }
    let (mut done, mut unknown) = (0, 0);
    for name in &wanted.servers {
        match backend.server_named(name) {
            Some(server) if action.apply(runtime, backend, &server) => done += 1,
            Some(_) => {}
            None => unknown += 1,
        }
    }
    match (done, unknown) {
        (0, 0) => Outcome::None,
        (0, _) => Outcome::Invalid,
        (_, 0) => Outcome::Done,
        _ => Outcome::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read() {
        let wanted = read("s=srv1&s=srv%202&action=maint&b=%233&x&y=z");
        assert_eq!(wanted.servers, ["srv1", "srv 2"]);
        assert_eq!(wanted.action.as_deref(), Some("maint"));
        assert_eq!(wanted.backend.as_deref(), Some("#3"));
        assert_eq!(read(""), Wanted::default());
    }
}
