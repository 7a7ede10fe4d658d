//! `option httpchk` in its plain form, and with headers behind the version.

use crate::parse::{Parsed, Parser, Statement};
use crate::proxy::HttpCheck;
use std::sync::Arc;

pub(super) fn http_check(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (method, uri, version) = match statement.len() {
        0 => ("OPTIONS", "/", ""),
        1 => ("OPTIONS", statement.arg(0), ""),
        _ => (statement.arg(0), statement.arg(1), statement.arg(2)),
    };
    statement.at_most(4)?;
    let mut headers: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    if !statement.arg(3).is_empty() {
        headers.push(("host".into(), statement.arg(3).into()));
    }
    let mut lines = version.split("\r\n");
    let version = lines.next().unwrap_or_default();
    let hidden: Vec<&str> = lines.collect();
    if !hidden.is_empty() {
        hidden_headers(parser, statement, version, &hidden, &mut headers)?;
    }
    let version = if version.is_empty() {
        "HTTP/1.0"
    } else {
        version
    };
    let draft = parser.draft()?;
    draft.check_option = Some("httpchk");
    draft.proxy.back.http_check = Some(Arc::new(HttpCheck {
        method: method.into(),
        uri: uri.into(),
        version: version.into(),
        headers,
    }));
    Ok(())
}

/// Headers behind the version, as was common before `http-check send` existed.
fn hidden_headers(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    version: &str,
    hidden: &[&str],
    headers: &mut Vec<(Arc<str>, Arc<str>)>,
) -> Parsed {
    let end = hidden
        .iter()
        .position(|line| line.is_empty())
        .unwrap_or(hidden.len());
    let (lines, body) = hidden.split_at(end);
    if body.iter().any(|line| !line.is_empty()) {
        return Err(statement
            .fault(
                2,
                "'option httpchk' : hiding a body at the end of the version string is unsupported.",
            )
            .hint("write: http-check send body <string>"));
    }
    let mut modern = format!(
        "http-check send meth {} uri {} ver {version}",
        statement.arg(0),
        statement.arg(1)
    );
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            return Err(statement.fault(2, format!("'option httpchk' : '{line}' is no header.")));
        };
        let value = value.trim();
        modern.push_str(&format!(" hdr {name} \"{value}\""));
        headers.push((name.to_ascii_lowercase().into(), value.into()));
    }
    let message = "'option httpchk' : hiding headers or body at the end of the version string is unsupported. \
                   Use 'http-check send' directive instead.";
    parser.outdated(statement, message, modern)
}

#[cfg(test)]
mod tests {
    use super::super::testing::listen;

    #[test]
    fn headers_behind_the_version_of_a_check() {
        let out = listen(r#" option httpchk HEAD /up "HTTP/1.1\r\nHost:\ www.example.org""#);
        let check = out.proxy("l").back.http_check.clone().expect("a check");
        assert_eq!(
            (&*check.method, &*check.uri, &*check.version),
            ("HEAD", "/up", "HTTP/1.1")
        );
        assert_eq!(check.headers, [("host".into(), "www.example.org".into())]);
        assert!(
            out.messages
                .contains("http-check send meth HEAD uri /up ver HTTP/1.1 hdr Host"),
            "{}",
            out.messages
        );
    }
}
