//! What a proxy is: mode, identity, limits and named ACLs.

use super::{Half, clamp, integer, not_built, not_in_anonymous_defaults, number};
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::{Affinity, Mode, StateSource};
use expr::{AclSet, Phases};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "mode",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "What the proxy speaks: tcp, http or log.",
        read: mode,
    },
    Row {
        name: "disabled",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Switches the proxy off.",
        read: |p, _| disable(p, true),
    },
    Row {
        name: "enabled",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Switches the proxy on.",
        read: |p, _| disable(p, false),
    },
    Row {
        name: "id",
        valid: Valid::FE_BE,
        args: (0, 1),
        doc: "A fixed numeric identifier.",
        read: id,
    },
    Row {
        name: "guid",
        valid: Valid::FE_BE,
        args: (0, ANY),
        doc: "An identifier unique among all objects.",
        read: guid,
    },
    Row {
        name: "description",
        valid: Valid::FE_BE,
        args: (0, ANY),
        doc: "A text for the statistics.",
        read: description,
    },
    Row {
        name: "maxconn",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Connections at a time.",
        read: maxconn,
    },
    Row {
        name: "backlog",
        valid: Valid::FE_DEF,
        args: (0, 1),
        doc: "Length of the accept queue.",
        read: backlog,
    },
    Row {
        name: "fullconn",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Load at which servers reach their maxconn.",
        read: fullconn,
    },
    Row {
        name: "rate-limit",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "New sessions per second.",
        read: rate_limit,
    },
    Row {
        name: "retries",
        valid: Valid::BE_DEF,
        args: (0, 1),
        doc: "Attempts after the first to connect.",
        read: retries,
    },
    Row {
        name: "load-server-state-from-file",
        valid: Valid::BE_DEF,
        args: (0, 1),
        doc: "Where servers' states at the start come from.",
        read: load_state,
    },
    Row {
        name: "server-state-file-name",
        valid: Valid::BE,
        args: (0, 1),
        doc: "The file with the states of this backend's servers.",
        read: state_file_name,
    },
    Row {
        name: "hash-preserve-affinity",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "When hashing stays with a busy server.",
        read: hash_preserve_affinity,
    },
    Row {
        name: "max-keep-alive-queue",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Queue length beyond which a kept server is left.",
        read: max_keep_alive_queue,
    },
    Row {
        name: "acl",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "A named condition.",
        read: acl,
    },
];

fn mode(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let mode = match statement.arg(0) {
        "tcp" => Mode::Tcp,
        "http" => Mode::Http,
        "log" => Mode::Log,
        "spop" => return Err(not_built(statement, 0, "mode spop", "SPOE")),
        "haterm" => {
            return Err(not_built(
                statement,
                0,
                "mode haterm",
                "the built-in test server",
            ));
        }
        "health" => return super::legacy::mode_health(parser, statement),
        other => {
            let fault = statement.fault(0, format!("unknown proxy mode '{other}'."));
            return Err(
                match config::suggest::nearest(other, ["tcp", "http", "log"]) {
                    Some(near) => fault.hint(format!("did you mean '{near}'?")),
                    None => fault.hint("modes are tcp, http and log"),
                },
            );
        }
    };
    let proxy = parser.proxy()?;
    (proxy.mode, proxy.mode_given) = (mode, true);
    Ok(())
}

fn disable(parser: &mut Parser<'_>, off: bool) -> Parsed {
    parser.proxy()?.disabled = off;
    Ok(())
}

fn id(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let id = number(parser, statement, 0, "'id' expects an integer argument.")?;
    if id <= 0 {
        return Err(statement.fault(0, "custom id has to be > 0."));
    }
    let draft = parser.draft()?;
    draft.proxy.id = clamp(id);
    draft.notes.id = Some(statement.line.clone());
    Ok(())
}

fn guid(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here("'guid' : expects an argument"));
    }
    check_guid(text).map_err(|why| statement.fault(0, format!("'guid': {why}")))?;
    let draft = parser.draft()?;
    draft.proxy.guid = Some(text.into());
    draft.notes.guid = Some(statement.line.clone());
    Ok(())
}

/// Whether a text can be a GUID (configuration manual, `guid`).
///
/// # Errors
/// Why it can't.
pub(crate) fn check_guid(text: &str) -> Result<(), String> {
    const LONGEST: usize = 127;
    if text.len() > LONGEST {
        return Err(format!("value is longer than {LONGEST} characters"));
    }
    match text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "-_:.".contains(*c)))
    {
        Some(c) => Err(format!("invalid character '{c}'")),
        None => Ok(()),
    }
}

fn description(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("'description' expects a string argument."));
    }
    parser.proxy()?.description = Some(statement.args_from(0).join(" ").into());
    Ok(())
}

/// Warns of a limit in the wrong half, where another keyword was probably meant.
fn meant_other(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    half: Half,
    other: &str,
) -> Parsed<bool> {
    let proxy = parser.proxy()?;
    if half.is_in(proxy.caps) {
        return Ok(false);
    }
    let (section, name) = (proxy.caps.section(), proxy.name.clone());
    let message = format!(
        "'{}' ignored because {section} '{name}' has no {} capability. Maybe you want '{other}' instead ?",
        statement.keyword(),
        half.name()
    );
    parser.warn(
        statement,
        message,
        Some(format!("write: {other} {}", statement.arg(0))),
    );
    Ok(true)
}

fn maxconn(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if meant_other(parser, statement, Half::Front, "fullconn")? {
        return Ok(());
    }
    let value = number(
        parser,
        statement,
        0,
        "'maxconn' expects an integer argument.",
    )?;
    parser.proxy()?.front.maxconn = clamp(value);
    Ok(())
}

fn backlog(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let value = number(
        parser,
        statement,
        0,
        "'backlog' expects an integer argument.",
    )?;
    parser.proxy()?.front.backlog = clamp(value);
    Ok(())
}

fn fullconn(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if meant_other(parser, statement, Half::Back, "maxconn")? {
        return Ok(());
    }
    let value = number(
        parser,
        statement,
        0,
        "'fullconn' expects an integer argument.",
    )?;
    parser.proxy()?.back.fullconn = clamp(value);
    Ok(())
}

fn rate_limit(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let what = statement.arg(0);
    if what != "sessions" {
        return Err(statement.fault(
            0,
            format!("'rate-limit' only supports 'sessions' (got '{what}')"),
        ));
    }
    let inner = statement.inner();
    let rate = integer(
        inner,
        0,
        "expects expects an integer value (in sessions/second)",
    )?;
    inner.at_most(1)?;
    if super::has_half(parser, statement, Half::Front, "rate-limit sessions")? {
        parser.proxy()?.front.session_rate_limit = clamp(rate);
    }
    Ok(())
}

fn retries(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let value = number(
        parser,
        statement,
        0,
        "'retries' expects an integer argument (dispatch counts for one).",
    )?;
    parser.proxy()?.back.retries = clamp(value);
    Ok(())
}

fn load_state(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.proxy()?.back.state_source = match statement.arg(0) {
        "global" => StateSource::Global,
        "local" => StateSource::Local,
        "none" => StateSource::Nothing,
        other => {
            let message = format!(
                "'load-server-state-from-file' expects 'global', 'local' or 'none'. Got '{other}'"
            );
            return Err(statement.fault(0, message));
        }
    };
    Ok(())
}

fn state_file_name(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.proxy()?.back.state_file = match statement.arg(0) {
        "" | "use-backend-name" => None,
        name => Some(name.into()),
    };
    Ok(())
}

fn hash_preserve_affinity(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let affinity = match statement.arg(0) {
        "always" => Affinity::Always,
        "maxconn" => Affinity::Maxconn,
        "maxqueue" => Affinity::Maxqueue,
        "" => {
            return Err(statement.fault_here("'hash-preserve-affinity' needs a keyword to specify when to preserve hash affinity")
                .hint("use always, maxconn or maxqueue"));
        }
        other => {
            return Err(statement
                .fault(
                    0,
                    format!("'hash-preserve-affinity': unknown keyword '{other}'"),
                )
                .hint("use always, maxconn or maxqueue"));
        }
    };
    parser.proxy()?.back.balance.affinity = affinity;
    statement.at_most(1)
}

fn max_keep_alive_queue(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let value = integer(
        statement,
        0,
        "expects expects an integer value (or -1 to disable)",
    )?;
    statement.at_most(1)?;
    if super::has_half(parser, statement, Half::Back, "max-keep-alive-queue")? {
        let value = value.clamp(-1, i64::from(i32::MAX));
        parser.proxy()?.back.max_keep_alive_queue = i32::try_from(value).unwrap_or(-1);
    }
    Ok(())
}

fn acl(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    not_in_anonymous_defaults(parser, statement)?;
    let words = statement.args_from(0);
    if words.is_empty() {
        return Err(statement.fault_here("missing ACL name."));
    }
    parser
        .in_context(statement, Phases::ALL, |ctx| {
            AclSet::parse_line(&words, ctx)
        })
        .map_err(|why| statement.fault(0, why))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, read, tcp};
    use crate::proxy::Mode;

    #[test]
    fn limits_are_read() {
        let out = listen(
            " maxconn 20\n backlog 7\n fullconn 30\n retries 5\n rate-limit sessions 9\n max-keep-alive-queue 4\n hash-preserve-affinity always",
        );
        let proxy = out.proxy("l");
        assert_eq!(
            (proxy.mode, proxy.front.maxconn, proxy.front.backlog),
            (Mode::Http, 20, 7)
        );
        assert_eq!(
            (
                proxy.back.fullconn,
                proxy.back.retries,
                proxy.front.session_rate_limit
            ),
            (30, 5, 9)
        );
        assert_eq!(proxy.back.max_keep_alive_queue, 4);
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (" mode foo", "unknown proxy mode 'foo'."),
            (" id 0", "custom id has to be > 0."),
            (" guid a$b", "'guid': invalid character '$'"),
            (" maxconn", "'maxconn' expects an integer argument."),
            (
                " rate-limit foo 3",
                "'rate-limit' only supports 'sessions' (got 'foo')",
            ),
            (
                " rate-limit sessions 3x",
                "'rate-limit sessions' : unexpected character 'x' in integer value '3x'",
            ),
            (
                " hash-preserve-affinity foo",
                "'hash-preserve-affinity': unknown keyword 'foo'",
            ),
            (" mode spop", "'mode spop' is known but not built yet"),
        ] {
            let out = tcp(line);
            assert!(out.loaded.is_none(), "{line} was accepted");
            assert!(out.messages.contains(message), "{line}: {}", out.messages);
        }
    }

    #[test]
    fn figures_with_junk_count_up_to_it() {
        let out = tcp(" maxconn 10k");
        assert_eq!(out.proxy("l").front.maxconn, 10);
        assert!(
            out.messages
                .contains("'maxconn' value '10k' is no integer, 10 is used."),
            "{}",
            out.messages
        );
    }

    #[test]
    fn a_limit_in_the_wrong_half_names_the_right_one() {
        let out = read("backend b\n maxconn 10\n timeout connect 1s\n timeout server 1s\n");
        assert!(out.messages.contains("'maxconn' ignored because backend 'b' has no frontend capability. Maybe you want 'fullconn' instead ?"), "{}", out.messages);
        assert_eq!(out.proxy("b").front.maxconn, 0);
    }

    #[test]
    fn acls_need_a_named_defaults_section() {
        let out = read("defaults\n acl a src 1.1.1.1\n");
        assert!(
            out.messages
                .contains("'acl' not allowed in anonymous 'defaults' section."),
            "{}",
            out.messages
        );
    }
}
