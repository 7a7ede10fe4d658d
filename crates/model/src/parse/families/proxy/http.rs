//! What only HTTP proxies have: connection reuse, monitoring, unique identifiers, retries.

use super::{Half, condition, log_format};
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::{RetryOn, Reuse};
use expr::logformat::Usage;
use expr::{Condition, Phases};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "http-reuse",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "Whether server connections are shared.",
        read: reuse,
    },
    Row {
        name: "http-send-name-header",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "Request header that tells the server's name.",
        read: send_name_header,
    },
    Row {
        name: "monitor-uri",
        valid: Valid::FE_DEF,
        args: (0, 1),
        doc: "Path answered by the proxy itself.",
        read: monitor_uri,
    },
    Row {
        name: "monitor",
        valid: Valid::FE,
        args: (0, ANY),
        doc: "When monitor-uri reports a failure.",
        read: monitor,
    },
    Row {
        name: "unique-id-format",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "How a request is identified.",
        read: unique_id_format,
    },
    Row {
        name: "unique-id-header",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Request header with the identifier.",
        read: unique_id_header,
    },
    Row {
        name: "retry-on",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "What a request is sent again for.",
        read: retry_on,
    },
];

fn reuse(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let reuse = match statement.arg(0) {
        "never" => Reuse::Never,
        "safe" => Reuse::Safe,
        "aggressive" => Reuse::Aggressive,
        "always" => Reuse::Always,
        _ => {
            return Err(statement.fault(
                0,
                "'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'.",
            ));
        }
    };
    statement.inner().at_most(0)?;
    parser.proxy()?.back.reuse = reuse;
    Ok(())
}

fn send_name_header(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    // Overwriting one of these would change where the message ends or whom it is for.
    const KEPT: [&str; 5] = [
        "connection",
        "content-length",
        "host",
        "transfer-encoding",
        "upgrade",
    ];
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'http-send-name-header' requires a header string."));
    }
    let lower = name.to_ascii_lowercase();
    if KEPT.contains(&lower.as_str()) {
        return Err(statement.fault(
            0,
            format!(
                "'{name}' cannot be used as header name for 'http-send-name-header' directive."
            ),
        ));
    }
    statement.at_most(1)?;
    parser.proxy()?.back.send_name_header = Some(lower.into());
    Ok(())
}

fn monitor_uri(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let uri = statement.arg(0);
    if uri.is_empty() {
        return Err(statement.fault_here("'monitor-uri' expects an URI."));
    }
    parser.proxy()?.front.monitor_uri = Some(uri.into());
    Ok(())
}

fn monitor(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.arg(0) != "fail" {
        return Err(statement.fault(0, "'monitor' only supports 'fail'."));
    }
    if !Condition::opens(statement.arg(1)) {
        return Err(statement.fault(
            1,
            "'monitor fail' requires either 'if' or 'unless' followed by a condition.",
        ));
    }
    let condition = condition(parser, statement, 1, Phases::FE_REQUEST_HEADERS).map_err(|why| {
        statement.fault(
            1,
            format!("error detected while parsing a 'monitor fail' condition : {why}."),
        )
    })?;
    parser.proxy()?.front.monitor_fail.push(condition);
    Ok(())
}

fn unique_id_format(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here("unique-id-format expects an argument."));
    }
    if statement.len() > 1 {
        return Err(statement.fault(
            1,
            "unique-id-format expects only one argument, don't forget to escape spaces!",
        ));
    }
    // A backend's requests that need an identifier are those of its health checks.
    let caps = parser.proxy()?.caps;
    let places = match (caps.defaults, caps.front) {
        (true, _) => Phases::FE_REQUEST_HEADERS | Phases::CHECK,
        (false, true) => Phases::FE_REQUEST_HEADERS,
        (false, false) => Phases::CHECK,
    };
    let format = log_format(parser, statement, text, Usage::UNIQUE_ID, places)
        .map_err(|why| statement.fault(0, format!("failed to parse unique-id : {why}.")))?;
    parser.proxy()?.front.unique_id = Some(format);
    Ok(())
}

fn unique_id_header(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("unique-id-header expects an argument."));
    }
    statement.at_most(1)?;
    parser.proxy()?.front.unique_id_header = Some(name.to_ascii_lowercase().into());
    Ok(())
}

fn retry_on(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const NAMES: [&str; 7] = [
        "none",
        "conn-failure",
        "empty-response",
        "junk-response",
        "response-timeout",
        "0rtt-rejected",
        "all-retryable-errors",
    ];
    if !Half::Back.is_in(parser.proxy()?.caps) {
        return Err(statement.fault_here("'retry-on' only available in backend or listen section"));
    }
    if statement.is_empty() {
        return Err(
            statement.fault_here("'retry-on' needs at least one keyword to specify when to retry")
        );
    }
    let mut on = RetryOn {
        connection_failure: false,
        ..RetryOn::DEFAULT
    };
    for (at, word) in statement.args_from(0).into_iter().enumerate() {
        match word {
            "none" if statement.len() > 1 => {
                return Err(statement.fault(at, "'retry-on' 'none' keyword only usable alone"));
            }
            "none" => {}
            "conn-failure" => on.connection_failure = true,
            "empty-response" => on.empty_response = true,
            "junk-response" => on.junk_response = true,
            "response-timeout" => on.response_timeout = true,
            "0rtt-rejected" => on.zero_rtt_rejected = true,
            "all-retryable-errors" => add_retryable(&mut on),
            other => match status_bit(other) {
                Some(bit) => on.statuses |= bit,
                None => {
                    let fault =
                        statement.fault(at, format!("'retry-on': unknown keyword '{other}'"));
                    return Err(match config::suggest::nearest(other, NAMES) {
                        Some(near) => fault.hint(format!("did you mean '{near}'?")),
                        None => {
                            fault.hint(format!("statuses that can be retried on: {}", statuses()))
                        }
                    });
                }
            },
        }
    }
    parser.proxy()?.back.retry_on = on;
    Ok(())
}

fn statuses() -> String {
    RetryOn::STATUSES
        .map(|status| status.to_string())
        .join(", ")
}

fn status_bit(word: &str) -> Option<u16> {
    let status: u16 = word.parse().ok()?;
    RetryOn::STATUSES
        .iter()
        .position(|known| *known == status)
        .map(|at| 1 << at)
}

/// What `all-retryable-errors` stands for (configuration manual, `retry-on`).
fn add_retryable(on: &mut RetryOn) {
    on.connection_failure = true;
    on.empty_response = true;
    on.junk_response = true;
    on.response_timeout = true;
    on.zero_rtt_rejected = true;
    for status in ["500", "502", "503", "504"] {
        on.statuses |= status_bit(status).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, read, tcp};
    use crate::proxy::Reuse;

    #[test]
    fn settings_are_read() {
        let out = listen(
            " http-reuse always\n http-send-name-header X-Server\n monitor-uri /up\n monitor fail if TRUE\n unique-id-header X-Id\n unique-id-format %ci",
        );
        let proxy = out.proxy("l");
        assert_eq!(
            (proxy.back.reuse, proxy.back.send_name_header.as_deref()),
            (Reuse::Always, Some("x-server"))
        );
        assert_eq!(
            (
                proxy.front.monitor_uri.as_deref(),
                proxy.front.monitor_fail.len()
            ),
            (Some("/up"), 1)
        );
        assert!(
            proxy.front.unique_id.is_some()
                && proxy.front.unique_id_header.as_deref() == Some("x-id")
        );
    }

    #[test]
    fn retries() {
        let on = |line: &str| listen(line).proxy("l").back.retry_on;
        assert!(!on(" retry-on none").connection_failure);
        let all = on(" retry-on all-retryable-errors 404");
        assert!(
            all.needs_request()
                && all.connection_failure
                && all.response_timeout
                && all.statuses != 0
        );
        assert!(!on(" retry-on conn-failure").needs_request());
        assert!(on(" retry-on 504").needs_request());
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (
                " http-reuse foo",
                "'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'.",
            ),
            (
                " http-reuse always x",
                "'http-reuse always' cannot handle unexpected argument 'x'.",
            ),
            (
                " http-send-name-header Host",
                "'Host' cannot be used as header name for 'http-send-name-header' directive.",
            ),
            (
                " monitor fail",
                "'monitor fail' requires either 'if' or 'unless' followed by a condition.",
            ),
            (
                " monitor fail if zoo",
                "error detected while parsing a 'monitor fail' condition : no such ACL : 'zoo'",
            ),
            (
                " unique-id-format a b",
                "unique-id-format expects only one argument, don't forget to escape spaces!",
            ),
            (" retry-on 402", "'retry-on': unknown keyword '402'"),
            (
                " retry-on none 500",
                "'retry-on' 'none' keyword only usable alone",
            ),
        ] {
            let out = listen(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn a_monitor_path_needs_http() {
        let out = tcp(" monitor-uri /a");
        assert!(
            out.messages.contains(
                "'monitor-uri' statement ignored for proxy 'l' as it requires HTTP mode."
            ),
            "{}",
            out.messages
        );
        let out = read("defaults x\n monitor fail if TRUE\n");
        assert!(
            out.messages
                .contains("'monitor' not allowed in 'defaults' section."),
            "{}",
            out.messages
        );
    }
}
