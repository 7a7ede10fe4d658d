//! The options that choose a check, those with a fixed script among them.

use super::draft::{Chosen, gentle_connect};
use super::{CheckDraft, http};
use crate::check::{CheckAction, CheckStep, Expect, Matcher, Payload, Protocol};
use crate::live::health::Status;
use crate::parse::{Fault, Parsed, Parser, Statement};
use expr::logformat::{LogFormat, Usage};
use expr::regex::Regex;
use expr::{Expr, Phases};
use std::sync::Arc;

/// An option that chooses a check.
pub(crate) struct CheckOption {
    /// Its name.
    pub name: &'static str,
    /// Reads its arguments into a check.
    pub read: fn(&mut Parser<'_>, Statement<'_>, &mut CheckDraft) -> Parsed,
}

/// All of them, in the order of HAProxy's messages; the last one is none of `healthcheck` sections.
pub(crate) const OPTIONS: &[CheckOption] = &[
    CheckOption {
        name: "tcp-check",
        read: |_, statement, draft| {
            statement.at_most(0)?;
            draft.tcp.own();
            draft.chosen = Chosen::Tcp;
            Ok(())
        },
    },
    CheckOption {
        name: "httpchk",
        read: http::option,
    },
    CheckOption {
        name: "ssl-hello-chk",
        read: ssl_hello,
    },
    CheckOption {
        name: "smtpchk",
        read: smtp,
    },
    CheckOption {
        name: "pgsql-check",
        read: pgsql,
    },
    CheckOption {
        name: "redis-check",
        read: redis,
    },
    CheckOption {
        name: "mysql-check",
        read: mysql,
    },
    CheckOption {
        name: "ldap-check",
        read: ldap,
    },
    CheckOption {
        name: "spop-check",
        read: spop,
    },
    CheckOption {
        name: "external-check",
        read: |_, statement, draft| {
            statement.at_most(0)?;
            draft.chosen = Chosen::External;
            Ok(())
        },
    },
];

/// Reads an option of a proxy.
pub(crate) fn read(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let mut draft = std::mem::take(&mut parser.draft()?.check);
    let name = statement.keyword();
    let answer = match OPTIONS.iter().find(|option| option.name == name) {
        Some(option) => (option.read)(parser, statement, &mut draft),
        None => Ok(()),
    };
    parser.draft()?.check = draft;
    answer
}

/// Builds a fixed script.
struct Builder<'a, 'd, 'l> {
    parser: &'a mut Parser<'d>,
    statement: Statement<'l>,
    steps: Vec<CheckStep>,
}

impl<'a, 'd, 'l> Builder<'a, 'd, 'l> {
    fn new(parser: &'a mut Parser<'d>, statement: Statement<'l>) -> Self {
        Self {
            parser,
            statement,
            steps: Vec::new(),
        }
    }

    fn push(&mut self, action: CheckAction) {
        self.steps.push(CheckStep {
            number: self.steps.len() + 1,
            comment: None,
            action,
        });
    }

    fn send(&mut self, bytes: &[u8]) {
        self.push(CheckAction::Send(Payload::Bytes(bytes.into())));
    }

    fn expect(&mut self, expect: Expect) {
        self.push(CheckAction::Expect(Arc::new(expect)));
    }

    fn fault(&self, why: &str) -> Fault {
        self.statement.fault_here(why)
    }

    fn regex(&self, text: &str) -> Parsed<Arc<Regex>> {
        Regex::new(text, false)
            .map(Arc::new)
            .map_err(|why| self.fault(&why))
    }

    fn format(&mut self, text: &str) -> Parsed<Option<Arc<LogFormat>>> {
        let format = self
            .parser
            .in_context(self.statement, Phases::CHECK, |ctx| {
                LogFormat::parse(text, Usage::RAW, ctx)
            });
        format
            .map(|format| Some(Arc::new(format)))
            .map_err(|why| self.fault(&why))
    }

    fn code(&mut self, text: &str) -> Parsed<Option<Arc<Expr>>> {
        let expr = self
            .parser
            .in_context(self.statement, Phases::CHECK, |ctx| {
                Expr::parse_str(text, ctx)
            });
        expr.map(|expr| Some(Arc::new(expr)))
            .map_err(|why| self.fault(&why))
    }

    fn done(self, draft: &mut CheckDraft) {
        draft.chosen = Chosen::Fixed(self.steps.into());
    }
}

fn matching(matcher: Matcher, min_recv: usize, error: Status) -> Expect {
    Expect {
        min_recv: Some(min_recv),
        error_status: Some(error),
        ..Expect::new(matcher)
    }
}

/// An SSLv3 client hello with the suites that were common in its day, in hexadecimal digits but for the time.
fn client_hello() -> String {
    const RANDOM: &[u8] = b"HAPROXYSSLCHK\nHAPROXYSSLCHK\n";
    let suites = (0x01..=0x1b).chain(0x2f..=0x3a).map(|suite| [0, suite]);
    let suites: Vec<u8> = suites.flatten().collect();
    // 28 bytes that stand for random ones follow the time.
    let mut hello = RANDOM.to_vec();
    hello.extend([0, 0, suites.len() as u8]);
    hello.extend(&suites);
    hello.extend([1, 0]);
    let len = hello.len() + 6;
    let rest: String = hello.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "16030000{:02x}010000{len:02x}0300%[date(),htonl,hex]{rest}",
        len + 4
    )
}

fn ssl_hello(parser: &mut Parser<'_>, statement: Statement<'_>, draft: &mut CheckDraft) -> Parsed {
    statement.at_most(0)?;
    let mut script = Builder::new(parser, statement);
    let hello = script.format(&client_hello())?;
    if let Some(hello) = hello {
        script.push(CheckAction::Send(Payload::HexFormat(hello)));
    }
    let record = script.regex("^1[56]")?;
    // HAProxy says nothing of what came instead.
    let nothing = script.format("")?;
    script.expect(Expect {
        on_error: nothing,
        ok_status: Some(Status::L6Ok),
        timeout_status: Some(Status::L6Timeout),
        ..matching(Matcher::BinaryRegex(record), 5, Status::L6Response)
    });
    script.done(draft);
    Ok(())
}

fn smtp(parser: &mut Parser<'_>, statement: Statement<'_>, draft: &mut CheckDraft) -> Parsed {
    const TEXT: &str = "%[res.payload(4,0),ltrim(' '),cut_crlf]";
    const CODE: &str = "res.payload(0,3)";
    statement.at_most(2)?;
    let hello = match (statement.arg(0), statement.arg(1)) {
        (hello @ ("EHLO" | "HELO"), domain) if !domain.is_empty() => {
            format!("{hello} {domain}\r\n")
        }
        _ => "HELO localhost\r\n".to_owned(),
    };
    let mut script = Builder::new(parser, statement);
    script.push(gentle_connect());
    let line = script.regex("^[0-9]{3}[ \r]")?;
    let whole = script.format("%[res.payload(0,0),cut_crlf]")?;
    script.expect(Expect {
        on_error: whole,
        ..matching(Matcher::Regex(line), 4, Status::L7Response)
    });
    for (pattern, send, waits, last) in [
        ("^2[0-9]{2}[ \r]", "", false, false),
        (
            "^(2[0-9]{2}-[^\r]*\r\n)*2[0-9]{2}[ \r]",
            &*hello,
            true,
            false,
        ),
        ("^2[0-9]{2}[- \r]", "QUIT\r\n", false, true),
    ] {
        if !send.is_empty() {
            script.send(send.as_bytes());
        }
        let good = script.regex(pattern)?;
        let text = script.format(TEXT)?;
        let code = script.code(CODE)?;
        script.expect(Expect {
            min_recv: Some(4).filter(|_| !waits),
            on_success: text.clone().filter(|_| last),
            on_error: text,
            status_code: code,
            ..matching(Matcher::Regex(good), 4, Status::L7Status)
        });
    }
    script.done(draft);
    Ok(())
}

fn pgsql(parser: &mut Parser<'_>, statement: Statement<'_>, draft: &mut CheckDraft) -> Parsed {
    if statement.len() < 2 {
        return Err(
            statement.fault_here("'option pgsql-check' expects 'user <username>' as argument.")
        );
    }
    if statement.arg(0) != "user" {
        return Err(statement.fault(
            0,
            "'option pgsql-check' only supports optional values: 'user'.",
        ));
    }
    statement.at_most(2)?;
    let user = statement.arg(1);
    let mut startup = b"\x00\x03\x00\x00user\0".to_vec();
    startup.extend(user.as_bytes());
    startup.extend(b"\0\0");
    let len = u32::try_from(startup.len() + 4).unwrap_or(u32::MAX);
    let message = [&len.to_be_bytes()[..], &startup].concat();
    let mut script = Builder::new(parser, statement);
    script.push(gentle_connect());
    script.send(&message);
    let error = script.regex("^E")?;
    let severity = script.format("%[res.payload(6,0)]")?;
    script.expect(Expect {
        inverse: true,
        on_error: severity,
        ..matching(Matcher::Regex(error), 5, Status::L7Response)
    });
    // Any way to authenticate will do.
    let authentication = script.regex("^52000000[0-9A-F]{2}000000(0[02-9A]|0B|0C)")?;
    let good = script.format("PostgreSQL server is ok")?;
    let bad = script.format("PostgreSQL unknown error")?;
    script.expect(Expect {
        on_success: good,
        on_error: bad,
        ..matching(Matcher::BinaryRegex(authentication), 9, Status::L7Status)
    });
    script.done(draft);
    Ok(())
}

fn redis(parser: &mut Parser<'_>, statement: Statement<'_>, draft: &mut CheckDraft) -> Parsed {
    statement.at_most(0)?;
    let mut script = Builder::new(parser, statement);
    script.send(b"*1\r\n$4\r\nPING\r\n");
    let good = script.format("Redis server is ok")?;
    let bad = script.format("%[res.payload(0,0),cut_crlf]")?;
    script.expect(Expect {
        error_status: Some(Status::L7Status),
        on_success: good,
        on_error: bad,
        ..Expect::new(Matcher::Text(b"+PONG\r\n"[..].into()))
    });
    script.done(draft);
    Ok(())
}

fn mysql(parser: &mut Parser<'_>, statement: Statement<'_>, draft: &mut CheckDraft) -> Parsed {
    let login = match (statement.arg(0), statement.arg(1), statement.arg(2)) {
        ("", ..) => None,
        ("user", "", _) => {
            let message = "'option mysql-check user' expects <username> as argument.";
            return Err(statement.fault(0, message));
        }
        ("user", user, "" | "post-41") => Some(login(user, Login::Post41)),
        ("user", user, "pre-41") => Some(login(user, Login::Pre41)),
        ("user", user, "post-80") => Some(login(user, Login::Post80)),
        ("user", _, other) => {
            let message = format!(
                "keyword 'user' only supports 'post-41', 'pre-41' and 'post-80' (got '{other}')."
            );
            return Err(statement.fault(2, message));
        }
        (other, ..) => {
            let message = format!(
                "'option mysql-check' only supports optional values: 'user' (got '{other}')."
            );
            return Err(statement.fault(0, message));
        }
    };
    statement.at_most(3)?;
    let mut script = Builder::new(parser, statement);
    script.push(gentle_connect());
    if let Some(login) = &login {
        script.send(login);
    }
    script.expect(Expect::new(Matcher::Protocol(Protocol::MysqlGreeting)));
    if login.is_some() {
        script.expect(Expect::new(Matcher::Protocol(Protocol::MysqlLogin)));
    }
    script.done(draft);
    Ok(())
}

/// How a MySQL check logs in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Login {
    Pre41,
    Post41,
    Post80,
}

/// The login of a user without password, and the command to quit (MySQL's client protocol, `HandshakeResponse`).
fn login(user: &str, how: Login) -> Vec<u8> {
    const NATIVE: &[u8] = b"mysql_native_password\0";
    const QUIT: &[u8] = &[1, 0, 0, 0, 1];
    let mut body = Vec::with_capacity(user.len() + 64);
    match how {
        // Capabilities and the longest packet.
        Login::Pre41 => body.extend([0x00, 0x80, 0x00, 0x00, 0x01]),
        Login::Post41 | Login::Post80 => {
            let plugins = if how == Login::Post80 { 8 } else { 0 };
            body.extend([0x00, 0x82, plugins, 0x00, 0x00, 0x80, 0x00, 0x01]);
            // UTF-8, and what is reserved.
            body.push(0x21);
            body.extend([0; 23]);
        }
    }
    body.extend(user.as_bytes());
    // The end of the name, and no password.
    body.extend([0, 0]);
    if how == Login::Post80 {
        body.extend(NATIVE);
    }
    let [a, b, c, _] = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = vec![a, b, c, 1];
    out.extend(body);
    out.extend(QUIT);
    out
}

fn ldap(parser: &mut Parser<'_>, statement: Statement<'_>, draft: &mut CheckDraft) -> Parsed {
    /// An anonymous bind (RFC 4511, section 4.2).
    const BIND: &[u8] = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
    statement.at_most(0)?;
    let mut script = Builder::new(parser, statement);
    script.send(BIND);
    let sequence = script.regex("^30")?;
    let other = script.format("Not LDAPv3 protocol")?;
    script.expect(Expect {
        on_error: other,
        ..matching(Matcher::BinaryRegex(sequence), 14, Status::L7Response)
    });
    script.expect(Expect::new(Matcher::Protocol(Protocol::Ldap)));
    script.done(draft);
    Ok(())
}

fn spop(parser: &mut Parser<'_>, statement: Statement<'_>, draft: &mut CheckDraft) -> Parsed {
    /// The greeting of the proxy's side, with the mark of a health check (SPOE document, section 3.2.4).
    const HELLO: &[u8] =
        b"\x00\x00\x00\x4e\x01\x00\x00\x00\x01\x00\x00\x12supported-versions\x08\x032.0\
\x0emax-frame-size\x03\xfc\xf0\x06\x0ccapabilities\x08\x00\x0bhealthcheck\x11";
    statement.at_most(0)?;
    let mut script = Builder::new(parser, statement);
    script.send(HELLO);
    script.expect(Expect::new(Matcher::Protocol(Protocol::Spop)));
    script.done(draft);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn mysql_logins() {
        assert_eq!(
            hex(&login("user", Login::Pre41)),
            "0b00000100800000017573657200000100000001"
        );
        assert_eq!(
            hex(&login("user", Login::Post41)),
            format!(
                "260000010082000000800001 21{}7573657200000100000001",
                "00".repeat(23)
            )
            .replace(' ', "")
        );
        let native = login("user", Login::Post80);
        assert_eq!((native.first(), native.get(6)), (Some(&0x3c), Some(&8)));
        assert!(native.ends_with(b"user\0\0mysql_native_password\0\x01\0\0\0\x01"));
    }

    #[test]
    fn the_client_hello_is_a_whole_record() {
        let hello = client_hello();
        let (before, after) = hello.split_once("%[date(),htonl,hex]").expect("a time");
        assert_eq!(before, "1603000079010000750300");
        // The record without its header holds as much as it says.
        assert_eq!((before.len() + 8 + after.len()) / 2, 5 + 0x79);
        assert!(after.starts_with("484150524f5859") && after.ends_with("003a0100"));
    }
}
