//! `option httpchk` and `http-check send`.

use super::draft::{ActionDraft, Chosen, RequestDraft, RuleDraft};
use super::{CheckDraft, at, take_comment, take_format, take_value};
use crate::check::Payload;
use crate::parse::{Parsed, Parser, Statement};
use crate::rules::RuleCursor;
use expr::logformat::{LogFormat, Usage};
use std::sync::Arc;

/// Reads `http-check send` behind its keyword.
pub(super) fn send(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<RuleDraft> {
    let mut request = RequestDraft::default();
    let mut comment = None;
    while !cursor.peek().is_empty() {
        let word = cursor.take();
        let missing = format!("'{word}' expects a string as argument");
        match word {
            "comment" => comment = Some(take_comment(cursor)?),
            "meth" => request.method = Some(take_value(cursor, &missing)?.into()),
            "ver" => request.version = Some(take_value(cursor, &missing)?.into()),
            "uri" | "body" => {
                let text = take_value(cursor, &missing)?;
                let payload = Payload::Bytes(text.as_bytes().into());
                *place(&mut request, word) = Some(payload);
            }
            "uri-lf" | "body-lf" => {
                if cursor.peek().is_empty() {
                    cursor.take();
                    return Err(at(cursor, &missing));
                }
                let usage = if word == "uri-lf" {
                    Usage::HTTP
                } else {
                    Usage::RAW
                };
                *place(&mut request, word) = Some(Payload::Format(take_format(cursor, usage)?));
            }
            "hdr" => {
                if cursor.peek().is_empty() || cursor.peek_second().is_empty() {
                    return Err(at(cursor, "'hdr' expects <name> and <value> as arguments"));
                }
                let name = cursor.take().to_ascii_lowercase();
                let format = cursor
                    .format("", Usage::HTTP)
                    .map_err(|why| at(cursor, &why.message))?;
                if !matches!(&*name, "content-length" | "transfer-encoding") {
                    request.headers.push((name.into(), format));
                }
            }
            other => {
                let message = format!(
                    "expects 'comment', 'meth', 'uri', 'uri-lf', 'ver', 'hdr', 'body' or 'body-lf' but got '{other}' \
                     as argument"
                );
                return Err(at(cursor, &message));
            }
        }
    }
    Ok(RuleDraft {
        comment,
        action: ActionDraft::Request(request),
    })
}

fn place<'r>(request: &'r mut RequestDraft, word: &str) -> &'r mut Option<Payload> {
    if word.starts_with("uri") {
        &mut request.uri
    } else {
        &mut request.body
    }
}

/// Reads the arguments of `option httpchk` into a check.
pub(super) fn option(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    draft: &mut CheckDraft,
) -> Parsed {
    let (method, uri, version) = match statement.len() {
        0 => ("", "/", ""),
        1 => ("", statement.arg(0), ""),
        _ => (statement.arg(0), statement.arg(1), statement.arg(2)),
    };
    statement.at_most(4)?;
    let mut headers: Vec<(Arc<str>, Arc<LogFormat>)> = Vec::new();
    let format = |parser: &mut Parser<'_>, at: usize, text: &str| {
        parser
            .in_context(statement, expr::Phases::CHECK, |ctx| {
                LogFormat::parse(text, Usage::HTTP, ctx)
            })
            .map(Arc::new)
            .map_err(|why| statement.fault(at, format!("'option httpchk' : {why}.")))
    };
    if !statement.arg(3).is_empty() {
        headers.push(("host".into(), format(parser, 3, statement.arg(3))?));
    }
    let mut lines = version.split("\r\n");
    let version = lines.next().unwrap_or_default();
    let hidden: Vec<&str> = lines.collect();
    if !hidden.is_empty() {
        for (name, value) in hidden_headers(parser, statement, version, &hidden)? {
            // As it stands: the old form knew no log formats.
            let value = format(parser, 2, &value.replace('%', "%%"))?;
            headers.push((name.into(), value));
        }
    }
    let given = |text: &str| Some(Arc::from(text)).filter(|_| !text.is_empty());
    let rules = draft.http.own();
    rules.request = Some(RequestDraft {
        method: given(method),
        uri: Some(Payload::Bytes(uri.as_bytes().into())),
        version: given(version),
        headers,
        body: None,
    });
    draft.chosen = Chosen::Http;
    Ok(())
}

/// Headers behind the version, as was common before `http-check send` existed.
fn hidden_headers(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    version: &str,
    hidden: &[&str],
) -> Parsed<Vec<(String, String)>> {
    let mut headers = Vec::new();
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
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let message = "'option httpchk' : hiding headers or body at the end of the version string is unsupported. \
                   Use 'http-check send' directive instead.";
    parser.outdated(statement, message, modern)?;
    Ok(headers)
}
