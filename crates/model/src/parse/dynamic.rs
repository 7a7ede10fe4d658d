//! Servers and backends that commands add to a running process.

use super::{Input, load};
use crate::proxy::{Caps, Mode, Proxy};
use crate::server::Server;
use config::{Diagnostics, Env, Facts, Severity, Source};
use std::sync::Arc;

/// Nothing is asked of conditions in a command.
struct NoFacts;

impl Facts for NoFacts {
    fn feature(&self, _: &str) -> bool {
        false
    }

    fn enabled(&self, _: &str) -> Option<bool> {
        None
    }

    fn version(&self) -> &str {
        ""
    }
}

/// Options of servers that only make sense in a file, as HAProxy has it.
const NOT_DYNAMIC: [&str; 4] = ["init-addr", "init-state", "resolvers", "namelb"];
/// Options that need more than a new server to work.
const NOT_BUILT: [(&str, &str); 3] = [
    ("check", "checks of servers added at run time"),
    ("agent-check", "checks of servers added at run time"),
    ("track", "checks of servers added at run time"),
];

/// Makes a server of a backend from the words of a `server` line behind its name. `default-server` does not count.
///
/// # Errors
/// What is wrong, as HAProxy words it.
pub fn server(backend: &Proxy, name: &str, words: &[String]) -> Result<Server, String> {
    let options = words.get(1..).unwrap_or_default();
    for option in options {
        if NOT_DYNAMIC.contains(&option.as_str()) {
            return Err(format!(
                "'{option}' option is not accepted for dynamic server"
            ));
        }
        if let Some((option, waits)) = NOT_BUILT.iter().find(|(known, _)| known == option) {
            return Err(super::known::not_built(option, waits));
        }
    }
    let mut text = format!(
        "backend {}\n mode {}\n server {name}",
        backend.name,
        backend.mode.name()
    );
    for word in words {
        text.push(' ');
        quote(word, &mut text);
    }
    text.push('\n');
    let mut diagnostics = Diagnostics::default();
    let input = Input {
        sources: vec![Source::Text {
            name: "cli".into(),
            text: text.into_bytes(),
        }],
        facts: &NoFacts,
        strict: false,
        env: Env::empty(),
    };
    let loaded = load(input, &mut diagnostics);
    if let Some(fault) = diagnostics
        .iter()
        .find(|diagnostic| diagnostic.severity == Severity::Alert)
    {
        let label = format!("'server {}/{name}' : ", backend.name);
        let message = fault.message.strip_prefix(&label).unwrap_or(&fault.message);
        let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})"));
        return Err(format!("{message}{}", hint.unwrap_or_default()));
    }
    let proxy = loaded.and_then(|loaded| loaded.snapshot.proxies.into_iter().next());
    let server = proxy.and_then(|proxy| proxy.back.servers.first().cloned());
    match server {
        Some(server) => Ok(Server::clone(&server)),
        None => Err("no server could be made of this.".into()),
    }
}

/// Writes a word so that the configuration's reader takes it as it is.
fn quote(word: &str, out: &mut String) {
    out.push('\'');
    for c in word.chars() {
        match c {
            '\'' => out.push_str("'\\''"),
            '\n' | '\r' | '\0' => {}
            c => out.push(c),
        }
    }
    out.push('\'');
}

/// Makes a backend without servers from a `defaults` section.
///
/// # Errors
/// What keeps it from being made, as HAProxy words it.
pub fn backend(
    defaults: &Proxy,
    name: &str,
    mode: Option<&str>,
    guid: Option<&str>,
) -> Result<Proxy, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "character '{c}' is not permitted in 'backend' name '{name}'."
        ));
    }
    let mode = match mode {
        None if !defaults.mode_given => {
            return Err(format!(
                "Mode is required as '{}' default proxy does not explicitly defines it.",
                defaults.name
            ));
        }
        None => defaults.mode,
        Some("tcp") => Mode::Tcp,
        Some("http") => Mode::Http,
        Some(_) => return Err("Mode is not supported.".into()),
    };
    if !matches!(mode, Mode::Tcp | Mode::Http) {
        return Err("Mode is not supported.".into());
    }
    let rules = &defaults.rules;
    if !rules.tcp_connection.is_empty() || !rules.tcp_session.is_empty() {
        return Err("a backend section cannot inherit from a defaults section defining 'tcp-request connection' or 'tcp-request session' rules.".into());
    }
    let mut proxy = Proxy {
        name: name.into(),
        id: 0,
        guid: guid.map(Arc::from),
        caps: Caps::BACKEND,
        mode,
        defaults_name: Some(defaults.name.clone()),
        disabled: false,
        ..defaults.clone()
    };
    proxy.back.servers.clear();
    Ok(proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn proxy() -> Proxy {
        Proxy::new("be".into(), Caps::BACKEND, ("t.cfg".into(), 1))
    }

    #[test]
    fn servers_are_read_as_lines_are() {
        let made =
            server(&proxy(), "s1", &words("127.0.0.1:80 weight 5 maxconn 3")).expect("a server");
        assert_eq!((made.settings.weight, made.settings.maxconn), (5, 3));
        for (line, fault) in [
            ("127.0.0.1:80 foo", "unknown keyword 'foo'"),
            ("127.0.0.1:x", "invalid character"),
            (
                "127.0.0.1:80 init-addr none",
                "'init-addr' option is not accepted for dynamic server",
            ),
            ("127.0.0.1:80 weight 300", "weight"),
            ("127.0.0.1:80 cookie a'b$c", ""),
        ] {
            match server(&proxy(), "s1", &words(line)) {
                Err(why) => assert!(!fault.is_empty() && why.contains(fault), "{line}: {why}"),
                Ok(made) => {
                    assert!(fault.is_empty(), "{line}");
                    assert_eq!(made.settings.cookie.as_deref(), Some("a'b$c"));
                }
            }
        }
    }

    #[test]
    fn backends_need_a_mode() {
        let mut defaults = proxy();
        defaults.name = "def".into();
        let made = backend(&defaults, "b1", None, None);
        assert!(made.is_err_and(|why| why.starts_with("Mode is required")));
        let made = backend(&defaults, "b1", Some("http"), None).expect("a backend");
        assert_eq!((made.mode, made.caps), (Mode::Http, Caps::BACKEND));
        assert!(backend(&defaults, "b 1", Some("http"), None).is_err());
        defaults.mode_given = true;
        assert!(backend(&defaults, "b1", None, None).is_ok());
    }
}
