//! How clients find their server again: `cookie`, `dynamic-cookie-key`, `persist`, `force-persist`, `ignore-persist`.

use super::condition;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::persistence::{Cookie, CookieMode, PersistRule};
use base::units::{TimeError, TimeUnit, parse_time};
use expr::{Condition, Expr, Phases};
use std::fmt::Write;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "cookie",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "The cookie by which clients find their server again.",
        read: cookie,
    },
    Row {
        name: "dynamic-cookie-key",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "The secret from which servers' cookies are made.",
        read: key,
    },
    Row {
        name: "force-persist",
        valid: Valid::BE,
        args: (0, ANY),
        doc: "When clients get their server even if it is down.",
        read: |parser, statement| rule(parser, statement, true),
    },
    Row {
        name: "ignore-persist",
        valid: Valid::BE,
        args: (0, ANY),
        doc: "When it does not matter which server clients had.",
        read: |parser, statement| rule(parser, statement, false),
    },
    Row {
        name: "persist",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "Persistence by the cookie of the remote desktop protocol.",
        read: persist,
    },
];

fn key(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let secret = statement.arg(0);
    if secret.is_empty() {
        let message = "'dynamic-cookie-key' expects <secret_key> as argument.";
        return Err(statement.fault_here(message));
    }
    parser.proxy()?.back.dynamic_cookie_key = Some(secret.into());
    Ok(())
}

fn rule(parser: &mut Parser<'_>, statement: Statement<'_>, force: bool) -> Parsed {
    let name = statement.keyword();
    if !Condition::opens(statement.arg(0)) {
        let message = format!("'{name}' requires either 'if' or 'unless' followed by a condition.");
        return Err(statement.fault_here(message));
    }
    let condition = condition(parser, statement, 0, Phases::BE_REQUEST_CONTENT).map_err(|why| {
        let message = format!("error detected while parsing a '{name}' rule : {why}.");
        statement.fault(0, message)
    })?;
    parser
        .proxy()?
        .back
        .persist
        .push(PersistRule { force, condition });
    Ok(())
}

fn persist(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here("missing persist method."));
    }
    let Some(rest) = text.strip_prefix("rdp-cookie") else {
        return Err(statement.fault(0, "unknown persist method."));
    };
    let name = match rest.strip_prefix('(') {
        None => "msts",
        Some(inside) => match inside.split_once(')') {
            Some((name, _)) if !name.is_empty() => name,
            _ => {
                let message = "persist rdp-cookie(name)' requires an rdp cookie name.";
                return Err(statement.fault(0, message));
            }
        },
    };
    let fetch = format!("req.rdp_cookie({name})");
    let expr = parser
        .in_context(statement, Phases::BE_SET_SERVER, |ctx| {
            Expr::parse_str(&fetch, ctx)
        })
        .map_err(|why| statement.fault(0, why))?;
    parser.proxy()?.back.persist_rdp = Some(Arc::new(expr));
    Ok(())
}

fn cookie(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'cookie' expects <cookie_name> as argument."));
    }
    let mut cookie = Cookie::new(name);
    let mut modes = 0;
    let (mut domains, mut flags, mut attributes) = (String::new(), [false; 2], String::new());
    let mut at = 1;
    while at < statement.len() {
        let word = statement.arg(at);
        let mut mode = |wanted| {
            cookie.mode = wanted;
            modes += 1;
        };
        match word {
            "rewrite" => mode(CookieMode::Rewrite),
            "insert" => mode(CookieMode::Insert),
            "prefix" => mode(CookieMode::Prefix),
            "indirect" => cookie.indirect = true,
            "nocache" => cookie.nocache = true,
            "postonly" => cookie.postonly = true,
            "preserve" => cookie.preserve = true,
            "httponly" => flags[0] = true,
            "secure" => flags[1] = true,
            "dynamic" => cookie.dynamic = true,
            "domain" => {
                at += 1;
                domain(parser, statement, at, &mut domains)?;
            }
            "maxidle" | "maxlife" => {
                at += 1;
                let seconds = seconds(statement, at, word)?;
                match word {
                    "maxidle" => cookie.maxidle = seconds,
                    _ => cookie.maxlife = seconds,
                }
            }
            "attr" => {
                at += 1;
                attribute(statement, at, &mut attributes)?;
            }
            _ => {
                let message = "'cookie' supports 'rewrite', 'insert', 'prefix', 'indirect', 'nocache', 'postonly', 'domain', 'maxidle', 'dynamic', 'maxlife' and 'attr' options.";
                return Err(statement.fault(at, message));
            }
        }
        at += 1;
    }
    if modes > 1 {
        let message = "cookie 'rewrite', 'insert' and 'prefix' modes are incompatible.";
        return Err(statement.fault_here(message));
    }
    if cookie.mode == CookieMode::Rewrite && cookie.indirect {
        let message = "cookie 'rewrite' and 'indirect' modes are incompatible.";
        return Err(statement.fault_here(message));
    }
    if cookie.preserve && cookie.mode != CookieMode::Insert && !cookie.indirect {
        let message = "cookie 'preserve' requires at least 'insert' or 'indirect'.";
        return Err(statement.fault_here(message));
    }
    let mut text = domains;
    for (flag, shown) in flags.into_iter().zip(["; HttpOnly", "; Secure"]) {
        text.push_str(if flag { shown } else { "" });
    }
    text.push_str(&attributes);
    cookie.attributes = text.into();
    parser.proxy()?.back.cookie = Some(Arc::new(cookie));
    Ok(())
}

fn domain(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    domains: &mut String,
) -> Parsed {
    let domain = statement.arg(at);
    if domain.is_empty() {
        return Err(statement.fault_here("'domain' expects <domain> as argument."));
    }
    if !domain.get(1..).is_some_and(|rest| rest.contains('.')) {
        let message = format!(
            "domain '{domain}' contains no embedded dot, this configuration may not work properly (see RFC6265#5.2.3)."
        );
        parser.warn(statement, message, None);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if let Some(bad) = domain.chars().find(|c| !allowed(*c)) {
        let message = format!("character '{bad}' is not permitted in domain name '{domain}'.");
        return Err(statement.fault(at, message));
    }
    let _ = write!(domains, "; domain={domain}");
    Ok(())
}

fn seconds(statement: Statement<'_>, at: usize, of: &str) -> Parsed<i64> {
    let text = statement.arg(at);
    if text.is_empty() {
        let what = if of == "maxidle" {
            "idletime"
        } else {
            "lifetime"
        };
        let message = format!("'{of}' expects <{what}> in seconds as argument.");
        return Err(statement.fault_here(message));
    }
    let stray = |place: usize| {
        let wrong = text.get(place..).and_then(|rest| rest.chars().next());
        let wrong = wrong.map(String::from).unwrap_or_default();
        let message = format!("unexpected character '{wrong}' in argument to <{of}>.");
        statement.fault(at, message)
    };
    match parse_time(text, TimeUnit::Second) {
        Ok(time) if time.trailing.is_none() => Ok(i64::try_from(time.value).unwrap_or(i64::MAX)),
        Ok(time) => Err(stray(time.trailing.unwrap_or_default())),
        Err(TimeError::Empty) => Err(stray(0)),
        Err(TimeError::Character(place)) => Err(stray(place)),
        Err(TimeError::Overflow) => {
            let message = format!(
                "timer overflow in argument <{text}> to <{of}>, maximum value is 2147483647 s (~68 years)."
            );
            Err(statement.fault(at, message))
        }
    }
}

fn attribute(statement: Statement<'_>, at: usize, attributes: &mut String) -> Parsed {
    let text = statement.arg(at);
    if text.is_empty() {
        return Err(statement.fault_here("'attr' expects <value> as argument."));
    }
    let bad = text.chars().find(|c| c.is_ascii_control() || *c == ';');
    if let Some(bad) = bad {
        let message = format!(
            "character '%x{:02X}' is not permitted in attribute value.",
            u32::from(bad)
        );
        return Err(statement.fault(at, message));
    }
    let _ = write!(attributes, "; {text}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;
    use crate::persistence::CookieMode;

    fn messages(line: &str) -> Vec<String> {
        load_text(&format!("backend b\n mode http\n {line}\n")).1
    }

    #[test]
    fn cookies_are_read_with_their_options() {
        let text = "backend b\n mode http\n cookie A insert indirect nocache postonly preserve httponly secure domain .foo.com domain bar.net maxidle 10m maxlife 60 attr SameSite=Lax attr z dynamic\n dynamic-cookie-key k\n option persist\n force-persist if TRUE\n ignore-persist unless TRUE\n persist rdp-cookie\n";
        let (snapshot, said) = load_text(text);
        let Some(snapshot) = snapshot else {
            panic!("{said:?}")
        };
        let back = &snapshot.backend("b").unwrap().back;
        let cookie = back.cookie.as_deref().unwrap();
        assert_eq!(
            &*cookie.attributes,
            "; domain=.foo.com; domain=bar.net; HttpOnly; Secure; SameSite=Lax; z"
        );
        assert_eq!((cookie.maxidle, cookie.maxlife), (600, 60));
        assert!(cookie.mode == CookieMode::Insert && cookie.indirect && cookie.dynamic);
        let forces: Vec<bool> = back.persist.iter().map(|rule| rule.force).collect();
        assert_eq!(forces, [true, false]);
        assert!(back.persist_rdp.is_some() && back.dynamic_cookie_key.as_deref() == Some("k"));
    }

    #[test]
    fn faults_are_those_of_the_reference() {
        let incompatible = "cookie 'rewrite', 'insert' and 'prefix' modes are incompatible.";
        let required = "'force-persist' requires either 'if' or 'unless' followed by a condition.";
        for (line, message) in [
            ("cookie", "'cookie' expects <cookie_name> as argument."),
            ("cookie A insert rewrite", incompatible),
            ("cookie A insert prefix", incompatible),
            (
                "cookie A rewrite indirect",
                "cookie 'rewrite' and 'indirect' modes are incompatible.",
            ),
            (
                "cookie A prefix preserve",
                "cookie 'preserve' requires at least 'insert' or 'indirect'.",
            ),
            (
                "cookie A insert foo",
                "'cookie' supports 'rewrite', 'insert', 'prefix', 'indirect', 'nocache', 'postonly', 'domain', 'maxidle', 'dynamic', 'maxlife' and 'attr' options.",
            ),
            (
                "cookie A insert domain",
                "'domain' expects <domain> as argument.",
            ),
            (
                "cookie A insert maxidle",
                "'maxidle' expects <idletime> in seconds as argument.",
            ),
            (
                "cookie A insert maxidle x",
                "unexpected character 'x' in argument to <maxidle>.",
            ),
            (
                "cookie A insert maxlife 1y",
                "unexpected character 'y' in argument to <maxlife>.",
            ),
            (
                "cookie A insert attr",
                "'attr' expects <value> as argument.",
            ),
            (
                "cookie A insert attr a;b",
                "character '%x3B' is not permitted in attribute value.",
            ),
            (
                "dynamic-cookie-key",
                "'dynamic-cookie-key' expects <secret_key> as argument.",
            ),
            ("force-persist", required),
            ("force-persist foo", required),
            (
                "force-persist if foo",
                "error detected while parsing a 'force-persist' rule : no such ACL : 'foo'.",
            ),
            ("persist", "missing persist method."),
            ("persist foo", "unknown persist method."),
            (
                "persist rdp-cookie(",
                "persist rdp-cookie(name)' requires an rdp cookie name.",
            ),
        ] {
            assert_eq!(messages(line), [format!("A 3: {message}")], "{line}");
        }
        assert_eq!(
            messages("cookie A insert domain foo"),
            [
                "W 3: domain 'foo' contains no embedded dot, this configuration may not work properly (see RFC6265#5.2.3)."
            ]
        );
        assert_eq!(
            load_text("backend b\n cookie A insert\n").1,
            ["W 0: cookie will be ignored for backend 'b' (needs 'mode http')."]
        );
    }
}
