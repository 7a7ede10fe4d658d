//! Servers and backends that commands add to a running process.

use super::{Input, load_with};
use crate::address::Address;
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
const NOT_DYNAMIC: [&str; 29] = [
    "cc",
    "check-sni-auto",
    "enabled",
    "init-addr",
    "log-bufsize",
    "log-proto",
    "max-reuse",
    "namespace",
    "no-agent-check",
    "no-check",
    "no-check-reuse-pool",
    "no-check-send-proxy",
    "no-check-ssl",
    "no-send-proxy-v2-ssl",
    "no-send-proxy-v2-ssl-cn",
    "no-ssl",
    "non-stick",
    "quic-cc-algo",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "sni-auto",
    "socks4",
    "ssl-reuse",
    "stick",
    "tcp-md5sig",
    "tcp-ut",
];

/// The words of a server line, with those taken out that refer to the configuration around it.
struct Line<'a> {
    words: Vec<&'a str>,
    checked: bool,
    track: Option<&'a str>,
}

fn split(words: &[String]) -> Result<Line<'_>, String> {
    let mut line = Line {
        words: words.first().map(String::as_str).into_iter().collect(),
        checked: false,
        track: None,
    };
    let mut rest = words.get(1..).unwrap_or_default();
    while let [option, after @ ..] = rest {
        if NOT_DYNAMIC.contains(&option.as_str()) {
            return Err(format!(
                "'{option}' option is not accepted for dynamic server"
            ));
        }
        let rows = super::families::server::OPTIONS.iter();
        let row = rows
            .flat_map(|rows| rows.iter())
            .find(|row| row.name == option);
        let values = row.map_or(0, |row| usize::try_from(row.args).unwrap_or(0));
        let (values, after) = after.split_at(values.min(after.len()));
        match (option.as_str(), values) {
            ("check", _) => line.checked = true,
            ("track", [track]) => line.track = Some(track),
            _ => {
                line.words.push(option);
                line.words.extend(values.iter().map(String::as_str));
            }
        }
        rest = after;
    }
    match (line.checked, line.track) {
        (true, Some(_)) => Err("unable to enable checks and tracking at the same time!".into()),
        _ => Ok(line),
    }
}

/// Makes a server of a backend from the words of a `server` line behind its name. `default-server` does not count. Whom
/// it follows is not looked up, and certificates have to be there already.
///
/// # Errors
/// What is wrong, as HAProxy words it.
pub fn server(
    certificates: &tls::Inventory,
    environment: &Env,
    backend: &Proxy,
    name: &str,
    words: &[String],
) -> Result<Server, String> {
    let line = split(words)?;
    let mut text = format!(
        "backend {}\n mode {}\n server {name}",
        backend.name,
        backend.mode.name()
    );
    for word in &line.words {
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
        env: environment.clone(),
    };
    let names = expr::VarNames::default();
    let loaded = load_with(input, names, Some(certificates), &mut diagnostics);
    if let Some(fault) = diagnostics
        .iter()
        .find(|diagnostic| diagnostic.severity == Severity::Alert)
    {
        let label = format!("'server {}/{name}' : ", backend.name);
        let message = fault.message.strip_prefix(&label).unwrap_or(&fault.message);
        return Err(message.to_owned());
    }
    let proxy = loaded.and_then(|loaded| loaded.snapshot.proxies.into_iter().next());
    let server = proxy.and_then(|proxy| proxy.back.servers.first().cloned());
    let Some(server) = server else {
        return Err("no server could be made of this.".into());
    };
    let mut server = Server::clone(&server);
    server.settings.check.enabled = line.checked;
    server.settings.track = line.track.map(Arc::from);
    if line.checked && !has_check_port(backend, &server) {
        return Err(format!(
            "config: backend '{}': server '{name}' has neither service port nor check port nor tcp_check rule 'connect' with port information.",
            backend.name
        ));
    }
    Ok(server)
}

/// Whether checks know a port to go to.
fn has_check_port(backend: &Proxy, server: &Server) -> bool {
    let check = &server.settings.check;
    let own = match server.address {
        Address::Inet(address) => !server.mapped_port && address.port() != 0,
        _ => true,
    };
    let script = check.script.as_ref().unwrap_or(&backend.back.check);
    let by_rule = script.first_connect().and_then(|rule| rule.port.as_ref());
    own || check.port.is_some() || by_rule.is_some()
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
        let made = server(
            &tls::Inventory::default(),
            &Env::empty(),
            &proxy(),
            "s1",
            &words("127.0.0.1:80 weight 5 maxconn 3"),
        )
        .expect("a server");
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
            ("127.0.0.1:80 cookie a'b$c check track", "track"),
            (
                "127.0.0.1:80 check track x",
                "unable to enable checks and tracking at the same time!",
            ),
            ("127.0.0.1 check", "has neither service port nor check port"),
            ("127.0.0.1 check port 8 cookie a'b$c", ""),
        ] {
            match server(
                &tls::Inventory::default(),
                &Env::empty(),
                &proxy(),
                "s1",
                &words(line),
            ) {
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
