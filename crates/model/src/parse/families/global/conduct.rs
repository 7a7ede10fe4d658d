//! How the process stops, whom it talks to, and how long it reads.

use super::process::duration;
use crate::global::CloseSpread;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use std::time::Duration;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "close-spread-time",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Over which time a soft stop closes idle connections.",
        read: close_spread,
    },
    Row {
        name: "force-cfg-parser-pause",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Pauses the reading of the configuration.",
        read: pause,
    },
    Row {
        name: "harden.reject-privileged-ports.tcp",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Rejects clients that come from ports below 1024.",
        read: reject_privileged,
    },
];

fn close_spread(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.close_spread = match statement.arg(0) {
        "infinite" => CloseSpread::Never,
        _ => match duration(statement)? {
            0 => CloseSpread::AtOnce,
            time => CloseSpread::Over(time),
        },
    };
    statement.at_most(1)
}

fn pause(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const LONGEST: u64 = 65_535;
    if !parser.global.exposes[0] {
        let keyword = statement.keyword();
        let message = format!(
            "'{keyword}' directive is experimental, must be allowed via a global 'expose-experimental-directives'"
        );
        return Err(statement
            .fault_here(message)
            .hint("write before it: expose-experimental-directives"));
    }
    statement.at_most(1)?;
    let range = "'force-cfg-parser-pause' expects a timer value between 0 and 65535 ms.";
    if statement.is_empty() {
        return Err(statement.fault_here(range));
    }
    let time = duration(statement)?;
    if time > LONGEST {
        return Err(statement.fault(0, range));
    }
    std::thread::sleep(Duration::from_millis(time));
    Ok(())
}

fn reject_privileged(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.rejects_privileged_ports = match statement.arg(0) {
        "on" => true,
        "off" => false,
        _ => {
            let message = format!("'{}' expects either 'on' or 'off'.", statement.keyword());
            return Err(statement.fault_here(message));
        }
    };
    statement.at_most(1)
}

#[cfg(test)]
mod tests {
    use crate::global::CloseSpread;
    use crate::parse::testing::load_text;
    use std::time::{Duration, Instant};

    fn refused(line: &str) -> String {
        let (snapshot, messages) = load_text(&format!("global\n {line}\n"));
        assert!(snapshot.is_none(), "{line}");
        messages.join("\n")
    }

    #[test]
    fn closing_is_spread() {
        for (text, spread) in [
            ("2s", CloseSpread::Over(2000)),
            ("infinite", CloseSpread::Never),
            ("0", CloseSpread::AtOnce),
        ] {
            let (snapshot, messages) = load_text(&format!("global\n close-spread-time {text}\n"));
            let global = snapshot.map(|snapshot| snapshot.global.close_spread);
            assert_eq!(global, Some(spread), "{messages:?}");
        }
        assert!(refused("close-spread-time").contains("expects <time> as argument."));
        assert!(refused("close-spread-time x").contains("unexpected character 'x' in argument"));
    }

    #[test]
    fn reading_pauses() {
        let line = "force-cfg-parser-pause 50";
        assert!(refused(line).contains("is experimental, must be allowed"));
        let begin = Instant::now();
        let (snapshot, messages) = load_text(&format!(
            "global\n expose-experimental-directives\n {line}\n"
        ));
        assert!(snapshot.is_some(), "{messages:?}");
        assert!(begin.elapsed() >= Duration::from_millis(50));
        let long = refused("expose-experimental-directives\n force-cfg-parser-pause 66s");
        assert!(long.contains("between 0 and 65535 ms"), "{long}");
    }

    #[test]
    fn privileged_ports() {
        let name = "harden.reject-privileged-ports.tcp";
        for (word, on) in [("on", true), ("off", false)] {
            let (snapshot, messages) = load_text(&format!("global\n {name} {word}\n"));
            let set = snapshot.map(|snapshot| snapshot.global.rejects_privileged_ports);
            assert_eq!(set, Some(on), "{messages:?}");
        }
        assert!(refused(name).contains("expects either 'on' or 'off'."));
    }
}
