//! `httpclient.*`: the process' own HTTP client (configuration manual, section 3.4).

use crate::address::IpFamily;
use crate::client::{HttpClient, Said};
use crate::parse::options::leading_integer;
use crate::parse::{Parsed, Parser, Row, Statement, parse_duration};
use ::tls::settings::Verify;
use ::tls::store::based;
use base::units::TimeUnit;
use config::{Diagnostic, Severity};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row::new(
        "httpclient.resolvers.disabled",
        "Names are looked up by the system, not by name servers.",
        resolvers_disabled,
    ),
    Row::new(
        "httpclient.resolvers.id",
        "The 'resolvers' section that knows names.",
        |parser, statement| {
            client(parser).resolvers = Some(said(statement));
            Ok(())
        },
    ),
    Row::new(
        "httpclient.resolvers.prefer",
        "The family of addresses to prefer.",
        prefer,
    ),
    Row::new(
        "httpclient.retries",
        "How often an attempt that failed is made again.",
        retries,
    ),
    Row::new(
        "httpclient.ssl.ca-file",
        "The authorities to judge servers by.",
        |parser, statement| {
            client(parser).ca_file = Some(said(statement));
            Ok(())
        },
    ),
    Row::new(
        "httpclient.ssl.verify",
        "Whether servers' certificates are checked.",
        verify,
    ),
    Row::new(
        "httpclient.timeout.connect",
        "How long a connection attempt may take.",
        connect_timeout,
    ),
];

fn client<'p>(parser: &'p mut Parser<'_>) -> &'p mut HttpClient {
    &mut parser.global.http_client
}

fn said(statement: Statement<'_>) -> Said {
    Said {
        text: statement.arg(0).into(),
        origin: statement.origin(),
    }
}

fn resolvers_disabled(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    client(parser).resolvers_disabled = match statement.arg(0) {
        "on" => true,
        "off" => false,
        other => {
            let message = format!(
                "'{}' expects either 'on' or 'off' but got '{other}'.",
                statement.keyword()
            );
            return Err(statement.fault_here(message));
        }
    };
    Ok(())
}

fn prefer(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    client(parser).prefer = match statement.arg(0) {
        "ipv4" => IpFamily::V4,
        "ipv6" => IpFamily::V6,
        _ => return Err(choice(statement, "'ipv4' or 'ipv6'")),
    };
    Ok(())
}

fn choice(statement: Statement<'_>, words: &str) -> crate::parse::Fault {
    let keyword = statement.keyword();
    statement.fault_here(format!("'{keyword}' expects {words} as argument."))
}

fn integer<'l>(statement: Statement<'l>) -> Parsed<&'l str> {
    match statement.arg(0) {
        "" => {
            let message = format!("'{}' expects an integer argument.", statement.keyword());
            Err(statement.fault_here(message))
        }
        text => Ok(text),
    }
}

fn retries(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = integer(statement)?;
    let (value, clean) = leading_integer(text);
    if !clean {
        let message = format!("'{text}' is not a number and is taken for {value}.");
        parser.warn(statement, message, None);
    }
    client(parser).retries = u32::try_from(value.max(0)).unwrap_or(u32::MAX);
    Ok(())
}

fn verify(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    client(parser).verify = Some(match statement.arg(0) {
        "none" => Verify::None,
        "required" => Verify::Required,
        _ => return Err(choice(statement, "'none' or 'required'")),
    });
    Ok(())
}

fn connect_timeout(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = integer(statement)?;
    let time = parse_duration(text, TimeUnit::Millisecond)
        .map_err(|why| statement.fault(0, format!("{why} in '{}'.", statement.keyword())))?;
    client(parser).connect_timeout = time;
    Ok(())
}

/// Looks into what was said once everything is read: the section has to be there, and so has the file. What nobody spoke of
/// may be missing.
pub fn finish(parser: &mut Parser<'_>) {
    let base = parser.global.tls.ca_base.clone();
    let client = &mut parser.global.http_client;
    if let Some(said) = &mut client.ca_file {
        said.text = based(base.as_deref(), &said.text).into();
    }
    let mut faults = Vec::new();
    if let (Some(said), Some(name)) = (&client.resolvers, client.section()) {
        let known = parser
            .resolvers
            .iter()
            .any(|section| *section.name == *name);
        if !known {
            faults.push((
                said.origin.clone(),
                format!("'httpclient.resolvers.id' : unable to find resolvers '{name}'."),
            ));
        }
    }
    // Files can't be read any more behind a 'chroot'.
    let early =
        client.ca_file.is_some() || client.verify.is_some() || parser.global.chroot.is_some();
    if early && let Err(why) = client.prepare() {
        let origin = client.ca_file.as_ref().map(|said| said.origin.clone());
        if let Some(origin) = origin {
            faults.push((
                origin,
                format!("httpclient: cannot initialize SSL verify with 'ca-file': {why}."),
            ));
        }
    }
    for ((file, line), message) in faults {
        let fault = Diagnostic {
            file: Some(file),
            line,
            ..Diagnostic::global(Severity::Alert, message, false)
        };
        parser.diagnostics.push(fault.tight());
    }
}

#[cfg(test)]
mod tests {
    use crate::address::IpFamily;
    use crate::parse::testing::load_text;

    fn global(lines: &str) -> Result<crate::Global, Vec<String>> {
        let (snapshot, messages) = load_text(&format!("global\n{lines}\n"));
        snapshot.map(|snapshot| snapshot.global).ok_or(messages)
    }

    #[test]
    fn settings_and_their_defaults() {
        let plain = global("").expect("valid").http_client;
        assert_eq!((plain.retries, plain.connect_timeout), (3, 5000));
        assert_eq!(plain.section(), Some("default"));
        assert!(plain.prefer == IpFamily::V6 && plain.verifies());
        let set = global(" httpclient.retries 1\n httpclient.timeout.connect 2s\n httpclient.resolvers.prefer ipv4\n httpclient.ssl.verify none").expect("valid");
        let set = set.http_client;
        assert_eq!((set.retries, set.connect_timeout), (1, 2000));
        assert!(set.prefer == IpFamily::V4 && !set.verifies());
        // Without a check there is nothing that could be missing.
        assert!(set.connector().is_some());
        let off = global(" httpclient.resolvers.disabled on").expect("valid");
        assert_eq!(off.http_client.section(), None);
        let other = "resolvers r\n nameserver a 192.0.2.1:53\nglobal\n httpclient.resolvers.id r\n";
        let (snapshot, messages) = load_text(other);
        let client = snapshot
            .unwrap_or_else(|| panic!("{messages:?}"))
            .global
            .http_client;
        assert_eq!(client.section(), Some("r"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, message) in [
            (
                "resolvers.disabled foo",
                "A 2: 'httpclient.resolvers.disabled' expects either 'on' or 'off' but got 'foo'.",
            ),
            (
                "resolvers.id foo",
                "A 2: 'httpclient.resolvers.id' : unable to find resolvers 'foo'.",
            ),
            (
                "resolvers.prefer ipv5",
                "A 2: 'httpclient.resolvers.prefer' expects 'ipv4' or 'ipv6' as argument.",
            ),
            (
                "retries",
                "A 2: 'httpclient.retries' expects an integer argument.",
            ),
            (
                "retries 3x",
                "W 2: '3x' is not a number and is taken for 3.",
            ),
            (
                "ssl.verify optional",
                "A 2: 'httpclient.ssl.verify' expects 'none' or 'required' as argument.",
            ),
            (
                "ssl.ca-file /nonexistent",
                "A 2: httpclient: cannot initialize SSL verify with 'ca-file': unable to load CA file '/nonexistent'.",
            ),
            (
                "timeout.connect 5x",
                "A 2: unexpected character 'x' in 'httpclient.timeout.connect'.",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n httpclient.{line}\n"));
            assert!(
                messages.iter().any(|m| m == message),
                "{line}: {messages:?}"
            );
        }
    }
}
