//! Directives of older versions, translated where their meaning still exists.

use super::options;
use super::rewriting::{self, OLD};
use super::switches::SWITCHES;
use super::timeouts;
use crate::address::{self, Allow};
use crate::parse::{ANY, Fault, Parsed, Parser, Read, Row, Statement, families, valid_in};
use crate::proxy::{CloseMode, Mode, Options};
use crate::server::Server;
use config::{Line, Word};
use std::sync::Arc;

const fn row(name: &'static str, doc: &'static str, read: Read) -> Row {
    Row::new(name, doc, read).args(0, ANY)
}

/// The rows of this family.
pub const ROWS: &[Row] = &[
    row(
        "appsession",
        "Gone since 1.6: persistence on application cookies.",
        appsession,
    ),
    row(
        "bind-process",
        "Gone since 2.5: which process serves the proxy.",
        bind_process,
    ),
    row("block", "Gone since 2.1: http-request deny.", block),
    row("clitimeout", "Gone since 2.1: timeout client.", old_timeout),
    row(
        "contimeout",
        "Gone since 2.1: timeout connect.",
        old_timeout,
    ),
    row("srvtimeout", "Gone since 2.1: timeout server.", old_timeout),
    row(
        "dispatch",
        "Deprecated: a server of this address.",
        dispatch,
    ),
    row(
        "grace",
        "Gone since 2.5: grace in the global section.",
        grace,
    ),
    row(
        "monitor-net",
        "Gone since 2.3: http-request return.",
        monitor_net,
    ),
    row("redisp", "Gone since 2.1: option redispatch.", redispatch),
    row(
        "redispatch",
        "Gone since 2.1: option redispatch.",
        redispatch,
    ),
    row(
        "reqadd",
        "Gone since 2.1: http-request add-header.",
        rewrite,
    ),
    row("reqallow", "Gone since 2.1: http-request allow.", rewrite),
    row(
        "reqdel",
        "Gone since 2.1: http-request del-header.",
        rewrite,
    ),
    row("reqdeny", "Gone since 2.1: http-request deny.", rewrite),
    row("reqiallow", "Gone since 2.1: http-request allow.", rewrite),
    row(
        "reqidel",
        "Gone since 2.1: http-request del-header.",
        rewrite,
    ),
    row("reqideny", "Gone since 2.1: http-request deny.", rewrite),
    row("reqipass", "Gone since 2.1.", reqpass),
    row(
        "reqirep",
        "Gone since 2.1: http-request replace-header.",
        rewrite,
    ),
    row(
        "reqitarpit",
        "Gone since 2.1: http-request tarpit.",
        rewrite,
    ),
    row("reqpass", "Gone since 2.1.", reqpass),
    row(
        "reqrep",
        "Gone since 2.1: http-request replace-header.",
        rewrite,
    ),
    row("reqtarpit", "Gone since 2.1: http-request tarpit.", rewrite),
    row(
        "rspadd",
        "Gone since 2.1: http-response add-header.",
        rewrite,
    ),
    row(
        "rspdel",
        "Gone since 2.1: http-response del-header.",
        rewrite,
    ),
    row("rspdeny", "Gone since 2.1: http-response deny.", rewrite),
    row(
        "rspidel",
        "Gone since 2.1: http-response del-header.",
        rewrite,
    ),
    row("rspideny", "Gone since 2.1: http-response deny.", rewrite),
    row(
        "rspirep",
        "Gone since 2.1: http-response replace-header.",
        rewrite,
    ),
    row(
        "rsprep",
        "Gone since 2.1: http-response replace-header.",
        rewrite,
    ),
    row(
        "transparent",
        "Deprecated: option transparent.",
        transparent_keyword,
    ),
];

/// Reads a line in today's words in place of an old one.
///
/// # Errors
/// When the old form is refused (`--strict`) or today's line is faulty.
fn instead(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    message: &str,
    words: &[String],
) -> Parsed {
    parser.outdated(statement, message, written(words))?;
    reread(parser, statement, words)
}

fn reread(parser: &mut Parser<'_>, statement: Statement<'_>, words: &[String]) -> Parsed {
    let line = Line {
        words: words.iter().map(|word| Word::new(word.as_str())).collect(),
        ..statement.line.clone()
    };
    let caps = parser.proxy()?.caps;
    let answer = parser.table_directive(
        families::PROXY,
        valid_in(caps),
        caps.section(),
        Statement::new(&line),
    );
    // Its words are not those of the file: the whole line is at fault.
    answer.map_err(|fault| Fault { word: 0, ..fault })
}

/// A line as it would be written.
fn written(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    quoted.join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\' | '#' | '$');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

fn old_timeout(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let old = statement.keyword();
    let Some(modern) = timeouts::modern_name(old) else {
        return Ok(());
    };
    outdated_timeout(parser, statement, old, modern)?;
    timeouts::set(parser, statement, modern)
}

/// Tells that a timeout has another name today.
///
/// # Errors
/// When `strict`.
pub(super) fn outdated_timeout(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    old: &str,
    modern: &str,
) -> Parsed {
    let value = statement
        .line
        .word(statement.line.words.len().saturating_sub(1));
    let message = format!(
        "the '{old}' directive is not supported anymore since HAProxy 2.1. Use 'timeout {modern}'."
    );
    parser.outdated(statement, message, format!("timeout {modern} {value}"))
}

/// `mode health`: every request was answered with a 200.
pub(super) fn mode_health(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let message =
        "'mode health' doesn't exist anymore. Please use 'http-request return status 200' instead.";
    parser.outdated(
        statement,
        message,
        "mode http, and: http-request return status 200",
    )?;
    parser.proxy()?.mode = Mode::Http;
    reread(
        parser,
        statement,
        &words(&["http-request", "return", "status", "200"]),
    )
}

fn monitor_net(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let network = statement.required(0, "a network")?;
    let message = format!(
        "'monitor-net' doesn't exist anymore. Please use 'http-request return status 200 if {{ src {network} }}' instead."
    );
    let rule = words(&[
        "http-request",
        "return",
        "status",
        "200",
        "if",
        "{",
        "src",
        network,
        "}",
    ]);
    instead(parser, statement, &message, &rule)
}

fn rewrite(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.keyword();
    let Some(old) = OLD.iter().find(|old| old.name == name) else {
        return Ok(());
    };
    let message = format!(
        "The '{name}' directive is not supported anymore since HAProxy 2.1. Use {} instead.",
        old.instead
    );
    match rewriting::translate(old, &statement.args_from(0)) {
        Ok(rule) => instead(parser, statement, &message, &rule),
        Err(why) => Err(statement
            .fault_here(message)
            .hint(format!("it can't be translated here: {why}"))),
    }
}

fn reqpass(_: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.keyword();
    Err(statement
        .fault_here(format!(
            "The '{name}' directive is not supported anymore since HAProxy 2.1."
        ))
        .hint(
            "it ended the evaluation of the other req* lines: give their translations a condition",
        ))
}

fn block(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let mut rule = words(&["http-request", "deny"]);
    rule.extend(words(&statement.args_from(0)));
    let message = "The 'block' directive is not supported anymore since HAProxy 2.1. Use 'http-request deny' which uses the exact same syntax.";
    instead(parser, statement, message, &rule)
}

fn redispatch(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.keyword();
    let message = format!(
        "keyword '{name}' directive is not supported anymore since HAProxy 2.1. Use 'option redispatch'."
    );
    instead(
        parser,
        statement,
        &message,
        &words(&["option", "redispatch"]),
    )
}

fn appsession(_: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    Err(statement
        .fault_here("'appsession' is not supported anymore since HAProxy 1.6.")
        .hint("learn the cookie in a stick table: 'stick store-response res.cook(NAME)' with 'stick match req.cook(NAME)'"))
}

fn grace(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let time = statement.duration(0)?;
    let message = "the 'grace' keyword is not supported any more since HAProxy version 2.5.";
    parser.outdated(
        statement,
        message,
        format!("grace {} in the 'global' section", statement.arg(0)),
    )?;
    parser.global.grace = parser.global.grace.max(Some(time));
    Ok(())
}

fn bind_process(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    // There is one process, so every choice of processes leads to it.
    parser.outdated(
        statement,
        "'bind-process' is not supported anymore.",
        "nothing: remove the line",
    )
}

fn dispatch(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.required(0, "an address")?;
    statement.at_most(1)?;
    if !super::has_half(parser, statement, super::Half::Back, "'dispatch'")? {
        return Ok(());
    }
    let allow = Allow {
        port_required: true,
        offset: false,
        datagram: false,
        multipath: false,
        ..Allow::SERVER
    };
    let parsed = address::expand(text, &parser.expressions.env)
        .and_then(|text| address::parse(&text, allow));
    let range = parsed.map_err(|error| statement.fault(0, format!("'dispatch' : {error}")))?;
    if !parser.global.exposes[1] {
        let message = "'dispatch' is deprecated in 3.3 and will be removed in 3.5. The modern way to do the same is to \
                       create a server with the same address, and possibly to assign any extra server a weight of zero \
                       if any.";
        let modern = written(&words(&["server", "dispatch", text]));
        parser.warn(statement, message, Some(format!("write: {modern}")));
    }
    let server = Server::direct(range.address, false, statement.origin());
    parser.proxy()?.back.direct = Some(Arc::new(server));
    Ok(())
}

fn transparent_keyword(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let caps = parser.proxy()?.caps;
    if !caps.defaults && !super::has_half(parser, statement, super::Half::Back, "'transparent'")? {
        return Ok(());
    }
    warn_of_transparent(parser, statement, "'transparent'");
    parser.proxy()?.options.set(Options::TRANSPARENT, true);
    Ok(())
}

/// What does the same as `option transparent`.
const TRANSPARENT: &str = "write: server transparent 0.0.0.0";

fn warn_of_transparent(parser: &mut Parser<'_>, statement: Statement<'_>, named: &str) {
    if parser.global.exposes[1] {
        return;
    }
    let message = format!(
        "{named} is deprecated in 3.3 and will be removed in 3.5. The modern way to do the same is to create a server with \
         address 0.0.0.0."
    );
    parser.warn(statement, message, Some(TRANSPARENT.to_owned()));
}

/// Options of older versions; `None` for any other.
pub(super) fn option(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    name: &str,
) -> Option<Parsed> {
    Some(match name {
        "forceclose" => force_close(parser, statement),
        "http-tunnel" => parser.outdated(
            statement,
            "option 'http-tunnel' is not supported any more since HAProxy 2.1, please just remove it, it shouldn't be needed.",
            "nothing: remove the line",
        ),
        "http-use-htx" => parser.outdated(
            statement,
            "option 'http-use-htx' is not supported any more since HAProxy 2.1.",
            "nothing: remove the line",
        ),
        "http_proxy" => Err(statement
            .fault(0, "option 'http_proxy' is not supported any more since HAProxy 2.5.")
            .hint("combine 'http-request do-resolve', 'http-request set-dst' and 'http-request set-uri'")),
        "accept-invalid-http-request" => renamed(parser, statement, name, "accept-unsafe-violations-in-http-request"),
        "accept-invalid-http-response" => renamed(parser, statement, name, "accept-unsafe-violations-in-http-response"),
        "independant-streams" => parser
            .outdated(statement, "option 'independant-streams' is misspelled.", "option independent-streams")
            .and_then(|()| switch(parser, statement, "independent-streams")),
        "transparent" => {
            warn_of_transparent(parser, statement, "option 'transparent'");
            switch(parser, statement, name)
        }
        _ => return None,
    })
}

fn force_close(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let message = "option 'forceclose' is not supported any more since HAProxy 2.0, please just remove it, or use \
                   'option httpclose' if absolutely needed.";
    parser.outdated(statement, message, "option httpclose")?;
    if !statement.is_negated() && !statement.is_default() {
        parser.proxy()?.close_mode = CloseMode::Close;
    }
    Ok(())
}

fn renamed(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    name: &str,
    modern: &'static str,
) -> Parsed {
    let message = format!(
        "option '{name}' is deprecated. please use 'option {modern}' if absolutely needed."
    );
    parser.warn(statement, message, Some(format!("write: option {modern}")));
    switch(parser, statement, modern)
}

fn switch(parser: &mut Parser<'_>, statement: Statement<'_>, name: &str) -> Parsed {
    match SWITCHES.iter().find(|row| row.name == name) {
        Some(row) => options::switch(parser, statement.inner(), row),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, read_with};
    use crate::address::Address;
    use crate::proxy::{CloseMode, Options};

    #[test]
    fn old_forms_work_and_show_the_new_one() {
        let out = listen(
            " redispatch\n option forceclose\n grace 3s\n bind-process 1\n option accept-invalid-http-request\n option http-tunnel",
        );
        let proxy = out.proxy("l");
        assert_eq!(
            (proxy.back.redispatch, proxy.close_mode),
            (Some(-1), CloseMode::Close)
        );
        assert!(proxy.options.has(Options::UNSAFE_REQUEST));
        for modern in [
            "write: option redispatch",
            "write: option httpclose",
            "write: grace 3s in the 'global' section",
        ] {
            assert!(out.messages.contains(modern), "{modern}: {}", out.messages);
        }
        assert_eq!(
            out.loaded.as_ref().and_then(|l| l.snapshot.global.grace),
            Some(3000)
        );
    }

    #[test]
    fn strict_refuses_them() {
        for line in [
            "redispatch",
            "option forceclose",
            "grace 3s",
            "bind-process 1",
            "clitimeout 3",
        ] {
            let text = format!(
                "listen l\n bind 127.0.0.1:80\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n {line}\n"
            );
            assert!(read_with(&text, true).loaded.is_none(), "{line}");
            assert!(read_with(&text, false).loaded.is_some(), "{line}");
        }
    }

    #[test]
    fn what_has_no_successor_is_explained() {
        for (line, hint) in [
            (" appsession a len 3 timeout 3s", "stick table"),
            (" reqpass a", "condition"),
            (" option http_proxy", "set-dst"),
            (" reqdel secret", "can't be translated here"),
        ] {
            let out = listen(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(hint),
                "{line}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn a_dispatch_address_is_no_server() {
        let out = listen(" dispatch 127.0.0.1:81\n server a 127.0.0.1:82");
        let back = &out.proxy("l").back;
        assert_eq!(back.servers.len(), 1);
        let direct = back.direct.as_ref().map(|server| server.address.clone());
        assert_eq!(direct, Some(Address::Inet(([127, 0, 0, 1], 81).into())));
        assert!(
            out.messages.contains("write: server dispatch 127.0.0.1:81"),
            "{}",
            out.messages
        );
        for (address, message) in [
            ("127.0.0.1", "missing port specification in '127.0.0.1'"),
            ("127.0.0.1:+3", "port offset not permitted here"),
            ("127.0.0.1:1-3", "port range not permitted here"),
        ] {
            let out = listen(&format!(" dispatch {address}"));
            let message = format!("'dispatch' : {message}");
            assert!(
                out.loaded.is_none() && out.messages.contains(&message),
                "{}",
                out.messages
            );
        }
    }

    #[test]
    fn a_transparent_proxy_goes_anywhere() {
        for line in [" transparent", " option transparent"] {
            let out = listen(line);
            let direct = out.proxy("l").back.direct.clone();
            assert!(direct.is_some_and(|server| server.mapped_port), "{line}");
            assert!(
                out.messages.contains("write: server transparent 0.0.0.0"),
                "{}",
                out.messages
            );
        }
        let out = listen(" option transparent\n no option transparent");
        assert!(out.proxy("l").back.direct.is_none());
    }

    #[test]
    fn balancing_excludes_both() {
        let out = listen(" balance source\n dispatch 127.0.0.1:81");
        assert!(out.proxy("l").back.direct.is_none());
        let ignored = "dispatch address of proxy 'l' will be ignored in balance mode.";
        assert!(out.messages.contains(ignored), "{}", out.messages);
        let out = listen(" balance source\n option transparent");
        let refused = "cannot use both transparent and balance mode.";
        assert!(
            out.loaded.is_none() && out.messages.contains(refused),
            "{}",
            out.messages
        );
    }

    #[test]
    fn rewriting_becomes_rules() {
        for line in [
            " reqadd X-A:\\ b",
            " rspidel ^Server:.*",
            " block if TRUE",
            " monitor-net 10.0.0.0/8",
            " mode health",
        ] {
            let out = listen(line);
            assert!(out.messages.contains("http-re"), "{line}: {}", out.messages);
        }
    }
}
