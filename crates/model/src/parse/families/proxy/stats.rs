//! `stats`: the statistics page.

use super::condition;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::rules::{Family, Rule, RuleCursor, actions};
use crate::stats::StatsPage;
use base::units::{self, TimeUnit};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "stats",
    valid: Valid::ALL,
    args: (0, ANY),
    doc: "The statistics page.",
    read: stats,
}];

const EXPECTED: &str = "expects 'admin', 'uri', 'realm', 'auth', 'scope', 'enable', 'hide-version', 'show-node', 'show-desc' , 'show-legends' or 'show-version'.";

fn stats(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let value = statement.arg(1);
    let required = |what: &str| match value {
        "" => Err(statement.fault(0, format!("'{}' needs {what}.", statement.arg(0)))),
        value => Ok(Arc::<str>::from(value)),
    };
    let page = |parser: &mut Parser<'_>, change: &mut dyn FnMut(&mut StatsPage)| -> Parsed {
        change(parser.proxy()?.stats.get_or_insert_default());
        Ok(())
    };
    match statement.arg(0) {
        "" => Err(statement.fault_here(format!("missing keyword in 'stats', {EXPECTED}"))),
        "admin" => admin(parser, statement),
        "http-request" => rule(parser, statement),
        "enable" => page(parser, &mut |_| {}),
        "uri" => {
            let uri = required("an URI prefix")?;
            page(parser, &mut |page| page.uri = uri.clone())
        }
        "realm" => {
            let realm = required("an realm name")?;
            page(parser, &mut |page| page.realm = realm.clone())
        }
        "auth" => {
            let account = required("a user:password account")?;
            let (user, password) = account.split_once(':').unwrap_or((&account, ""));
            let account = (Arc::from(user), Arc::from(password));
            page(parser, &mut |page| page.users.push(account.clone()))
        }
        "scope" => {
            let name = required("a proxy name")?;
            page(parser, &mut |page| page.scope.push(name.clone()))
        }
        "refresh" => refresh(parser, statement),
        "hide-version" => page(parser, &mut |page| page.show_version = false),
        "show-version" => page(parser, &mut |page| page.show_version = true),
        "show-legends" => page(parser, &mut |page| page.legends = true),
        "show-modules" => page(parser, &mut |page| page.modules = true),
        "show-node" => page(parser, &mut |page| page.node = Some(value.into())),
        "show-desc" => describe(parser, statement),
        other => Err(statement.fault(0, format!("unknown stats parameter '{other}', {EXPECTED}"))),
    }
}

fn refresh(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.required(1, "an interval after 'stats refresh'")?;
    let time = units::parse_time(text, TimeUnit::Second);
    let seconds = match time {
        Ok(time) if time.trailing.is_none() => time.value,
        Ok(_) | Err(_) => {
            let bad = text.chars().find(|c| !c.is_ascii_digit()).unwrap_or('?');
            let message =
                format!("unexpected character '{bad}' in argument to stats refresh interval.");
            return Err(statement.fault(1, message));
        }
    };
    parser.proxy()?.stats.get_or_insert_default().refresh = Some(seconds);
    Ok(())
}

fn describe(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.args_from(1).join(" ");
    if text.is_empty() && parser.global.description.is_none() {
        let message = "'show-desc' requires a parameter or 'desc' to be set in the global section.";
        return Err(statement.fault(0, message));
    }
    parser.proxy()?.stats.get_or_insert_default().description = Some(text.into());
    Ok(())
}

/// Where the conditions of the page are decided.
fn place(parser: &mut Parser<'_>) -> Parsed<expr::Phases> {
    Ok(Family::HttpRequest.phases(parser.proxy()?.caps))
}

fn admin(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if !expr::Condition::opens(statement.arg(1)) {
        let message = "'stats admin' requires either 'if' or 'unless' followed by a condition.";
        return Err(statement.fault(1, message));
    }
    let place = place(parser)?;
    let condition = condition(parser, statement, 1, place).map_err(|why| {
        let message = format!("error detected while parsing a 'stats admin' rule : {why}.");
        statement.fault(1, message)
    })?;
    let page = parser.proxy()?.stats.get_or_insert_default();
    page.admin.push(condition);
    Ok(())
}

fn rule(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let statement = statement.inner();
    let word = statement.arg(0);
    let Some(row) = actions::find(Family::HttpRequest, word) else {
        let proxy = parser.proxy()?;
        let titled = format!("{} '{}'", proxy.caps.section(), proxy.name);
        let message = actions::unknown(Family::HttpRequest, word, &titled);
        return Err(statement.fault(0, message));
    };
    let mut cursor = RuleCursor::new(parser, statement.inner(), Family::HttpRequest)?;
    let action = (row.parse)(&mut cursor)?;
    let condition = cursor.condition()?;
    let origin = (statement.line.file.clone(), statement.line.number);
    let page = parser.proxy()?.stats.get_or_insert_default();
    page.rules.push(Arc::new(Rule {
        condition,
        action,
        origin,
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    fn of(lines: &str) -> (Option<crate::StatsPage>, Vec<String>) {
        let text = format!(
            "defaults\n timeout client 1s\n timeout connect 1s\n timeout server 1s\n mode http\nlisten l\n bind 127.0.0.1:1\n{lines}\n"
        );
        let (snapshot, messages) = load_text(&text);
        let page = snapshot.and_then(|snapshot| snapshot.proxies[0].stats.clone());
        (page, messages)
    }

    #[test]
    fn every_setting_is_read() {
        let (page, messages) = of(
            " stats uri /s\n stats auth a:b:c\n stats auth d\n stats refresh 2m\n stats scope .\n stats show-node\n stats show-desc two words\n stats admin if TRUE\n stats http-request deny unless TRUE\n stats realm My\\ Realm\n stats show-version",
        );
        let page = page.unwrap_or_else(|| panic!("{messages:?}"));
        assert_eq!((&*page.uri, &*page.realm), ("/s", "My Realm"));
        assert_eq!(page.refresh, Some(120));
        assert_eq!((&*page.users[0].0, &*page.users[0].1), ("a", "b:c"));
        assert_eq!((&*page.users[1].0, &*page.users[1].1), ("d", ""));
        assert_eq!(page.node.as_deref(), Some(""));
        assert_eq!(page.description.as_deref(), Some("two words"));
        assert_eq!((page.admin.len(), page.rules.len()), (1, 1));
        assert!(page.show_version && page.scope.len() == 1);
        assert!(of("").0.is_none());
    }

    #[test]
    fn faults_are_named_as_haproxy_names_them() {
        for (line, message) in [
            ("stats", "missing keyword in 'stats', expects 'admin'"),
            ("stats foo", "unknown stats parameter 'foo', expects"),
            ("stats uri", "'uri' needs an URI prefix."),
            ("stats auth", "'auth' needs a user:password account."),
            ("stats realm", "'realm' needs an realm name."),
            ("stats scope", "'scope' needs a proxy name."),
            (
                "stats refresh x",
                "unexpected character 'x' in argument to stats refresh interval.",
            ),
            (
                "stats admin",
                "'stats admin' requires either 'if' or 'unless'",
            ),
            (
                "stats admin if nope",
                "error detected while parsing a 'stats admin' rule : no such ACL : 'nope'",
            ),
            (
                "stats show-desc",
                "'show-desc' requires a parameter or 'desc'",
            ),
            ("stats http-request foo", "'http-request' expects"),
        ] {
            let (page, messages) = of(&format!(" {line}"));
            let told = messages.iter().any(|m| m.contains(message));
            assert!(page.is_none() && told, "{line}: {messages:?}");
        }
    }
}
