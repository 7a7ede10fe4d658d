//! Which backend takes a stream, and which server: `use_backend`, `default_backend`, `use-server`.

use super::{Half, condition, log_format};
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::{SwitchRule, SwitchTarget, UseServerRule};
use base::{ProxyIdx, ServerIdx};
use expr::logformat::Usage;
use expr::{Condition, Phases};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "use_backend",
        valid: Valid::FE,
        args: (0, ANY),
        doc: "The backend for what meets a condition.",
        read: use_backend,
    },
    Row {
        name: "default_backend",
        valid: Valid::FE_DEF,
        args: (0, 1),
        doc: "The backend for the rest.",
        read: default_backend,
    },
    Row {
        name: "use-server",
        valid: Valid::BE,
        args: (0, ANY),
        doc: "The server for what meets a condition.",
        read: use_server,
    },
    Row {
        name: "force-be-switch",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "When a disabled backend is chosen all the same.",
        read: force_switch,
    },
];

fn use_backend(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'use_backend' expects a backend name."));
    }
    let condition = match statement.arg(1) {
        "" => None,
        word if Condition::opens(word) => Some(
            condition(parser, statement, 1, Phases::FE_USE_BACKEND).map_err(|why| {
                statement.fault(
                    1,
                    format!("error detected while parsing switching rule : {why}."),
                )
            })?,
        ),
        word => {
            return Err(statement.fault(
                1,
                format!("unexpected keyword '{word}' after switching rule, only 'if' and 'unless' are allowed."),
            ));
        }
    };
    let target = if name.contains("%[") || is_alias(name) {
        let format = log_format(parser, statement, name, Usage::RAW, Phases::FE_USE_BACKEND)
            .map_err(|why| {
                statement.fault(
                    0,
                    format!("failed to parse use_backend rule '{name}' : {why}."),
                )
            })?;
        SwitchTarget::Dynamic(format)
    } else {
        let draft = parser.draft()?;
        draft.switch_names.push((
            draft.proxy.front.switch_rules.len(),
            name.into(),
            statement.line.clone(),
        ));
        // Stands in until the backends are known.
        SwitchTarget::Static(ProxyIdx(0))
    };
    parser
        .proxy()?
        .front
        .switch_rules
        .push(SwitchRule { target, condition });
    Ok(())
}

/// Whether a name holds a log-format alias rather than plain text.
fn is_alias(name: &str) -> bool {
    let mut rest = name;
    while let Some((_, after)) = rest.split_once('%') {
        match after.strip_prefix('%') {
            Some(literal) => rest = literal,
            None => return true,
        }
    }
    false
}

fn default_backend(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'default_backend' expects a backend name."));
    }
    parser.proxy()?.front.default_backend = Some(name.into());
    Ok(())
}

fn use_server(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'use-server' expects a server name."));
    }
    if !Condition::opens(statement.arg(1)) {
        return Err(statement.fault(
            1,
            "'use-server' requires either 'if' or 'unless' followed by a condition.",
        ));
    }
    let condition = condition(parser, statement, 1, Phases::BE_SET_SERVER).map_err(|why| {
        statement.fault(
            1,
            format!("error detected while parsing switching rule : {why}."),
        )
    })?;
    let target = if is_alias(name) {
        Err(
            log_format(parser, statement, name, Usage::RAW, Phases::BE_SET_SERVER).map_err(
                |why| {
                    statement.fault(
                        0,
                        format!("failed to parse use-server rule '{name}' : {why}."),
                    )
                },
            )?,
        )
    } else {
        let draft = parser.draft()?;
        draft.use_server_names.push((
            draft.proxy.back.use_server.len(),
            name.into(),
            statement.line.clone(),
        ));
        Ok(ServerIdx(0))
    };
    parser.proxy()?.back.use_server.push(UseServerRule {
        target,
        condition: Some(condition),
    });
    Ok(())
}

fn force_switch(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let caps = parser.proxy()?.caps;
    if caps.defaults || !Half::Front.is_in(caps) {
        return Err(
            statement.fault_here("'force-be-switch' only available in frontend or listen section.")
        );
    }
    if !Condition::opens(statement.arg(0)) {
        return Err(statement.fault(
            0,
            "'force-be-switch' requires either 'if' or 'unless' followed by a condition.",
        ));
    }
    let condition: Arc<Condition> = condition(parser, statement, 0, Phases::FE_USE_BACKEND)
        .map_err(|why| {
            statement.fault(
                0,
                format!("error detected while parsing switching rule : {why}."),
            )
        })?;
    parser.proxy()?.front.force_switch.push(condition);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;
    use super::is_alias;
    use crate::proxy::SwitchTarget;

    const BACKENDS: &str = "\nbackend a\n mode http\n timeout connect 1s\n timeout server 1s\n server s1 127.0.0.1:1\n server s2 127.0.0.1:2\nbackend b\n mode http\n timeout connect 1s\n timeout server 1s\n";

    fn front(lines: &str) -> super::super::testing::Outcome {
        read(&format!(
            "frontend f\n mode http\n bind 127.0.0.1:80\n timeout client 1s\n{lines}{BACKENDS}"
        ))
    }

    #[test]
    fn names_are_resolved_wherever_they_stand() {
        let out = front(
            " use_backend b if TRUE\n use_backend %[src]\n default_backend a\n force-be-switch unless TRUE",
        );
        let rules = &out.proxy("f").front;
        assert!(
            matches!(rules.switch_rules[0].target, SwitchTarget::Static(at) if at == out.proxy("b").idx)
        );
        assert!(matches!(
            rules.switch_rules[1].target,
            SwitchTarget::Dynamic(_)
        ));
        assert_eq!(rules.default_backend_idx, Some(out.proxy("a").idx));
        assert_eq!(rules.force_switch.len(), 1);
    }

    #[test]
    fn servers_are_resolved() {
        let out = read(
            "backend a\n mode http\n timeout connect 1s\n timeout server 1s\n use-server s2 if TRUE\n server s1 127.0.0.1:1\n server s2 127.0.0.1:2\n",
        );
        assert!(matches!(out.proxy("a").back.use_server[0].target, Ok(at) if at.0 == 1));
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (" use_backend", "'use_backend' expects a backend name."),
            (
                " use_backend a foo",
                "unexpected keyword 'foo' after switching rule, only 'if' and 'unless' are allowed.",
            ),
            (
                " use_backend a if zoo",
                "error detected while parsing switching rule : no such ACL : 'zoo'",
            ),
            (
                " use_backend zz",
                "Proxy 'f': unable to find required use_backend: 'zz'.",
            ),
            (
                " default_backend zz",
                "Proxy 'f': unable to find required default_backend: 'zz'.",
            ),
            (
                " default_backend f",
                "Proxy 'f': unable to find required default_backend: 'f'.",
            ),
            (
                " force-be-switch foo",
                "'force-be-switch' requires either 'if' or 'unless' followed by a condition.",
            ),
        ] {
            let out = front(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
        let out =
            read("backend a\n use-server zz if TRUE\n timeout connect 1s\n timeout server 1s\n");
        assert!(
            out.messages.contains(
                "backend 'a' : unable to find server 'zz' referenced in a 'use-server' rule."
            ),
            "{}",
            out.messages
        );
    }

    #[test]
    fn doubled_percent_signs_are_text() {
        assert!(!is_alias("a%%b") && is_alias("%ci") && is_alias("%%%[src]"));
    }
}
