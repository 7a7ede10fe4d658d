//! How the process runs: in the background, under a master, and for how long.

use super::limits::figure;
use crate::parse::families::log;
use crate::parse::{Parsed, Parser, Row, Statement, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "daemon",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Runs in the background.",
        read: |p, _| on(&mut p.global.daemon),
    },
    Row {
        name: "expose-deprecated-directives",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Allows deprecated directives.",
        read: |p, _| expose(p, 1),
    },
    Row {
        name: "expose-experimental-directives",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Allows experimental directives.",
        read: |p, _| expose(p, 0),
    },
    Row {
        name: "external-check",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Allows checks by external programs.",
        read: external_check,
    },
    Row {
        name: "grace",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "How long listeners stay open on a soft stop.",
        read: grace,
    },
    Row {
        name: "hard-stop-after",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "How long a soft stop may last.",
        read: hard_stop_after,
    },
    Row {
        name: "log-send-hostname",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The host name in log messages.",
        read: log::send_hostname,
    },
    Row {
        name: "master-worker",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Runs a master that supervises the worker.",
        read: master_worker,
    },
    Row {
        name: "mworker-max-reloads",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Reloads that an old worker survives.",
        read: max_reloads,
    },
    Row {
        name: "noreuseport",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Does not share listening ports by SO_REUSEPORT.",
        read: |p, _| on(&mut p.global.no_reuseport),
    },
    Row {
        name: "nosplice",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Does not forward in the kernel.",
        read: |p, _| on(&mut p.global.no_splice),
    },
    Row {
        name: "pidfile",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Where process numbers are written.",
        read: pidfile,
    },
    Row {
        name: "quiet",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Says nothing at the start.",
        read: |p, _| on(&mut p.global.quiet),
    },
    Row {
        name: "strict-limits",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Fails when limits can't be set.",
        read: strict_limits,
    },
    Row {
        name: "zero-warning",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Does not start with warnings.",
        read: |p, _| on(&mut p.global.zero_warning),
    },
];

pub(super) fn on(place: &mut bool) -> Parsed {
    *place = true;
    Ok(())
}

fn expose(parser: &mut Parser<'_>, which: usize) -> Parsed {
    if let Some(place) = parser.global.exposes.get_mut(which) {
        *place = true;
    }
    Ok(())
}

fn pidfile(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match (statement.arg(0), &parser.global.pidfile) {
        ("", _) => {
            return Err(statement.fault_here("'pidfile' expects a file name as an argument."));
        }
        (_, Some(_)) => parser.warn(statement, "'pidfile' already specified. Continuing.", None),
        (file, None) => parser.global.pidfile = Some(file.into()),
    }
    Ok(())
}

pub(super) fn duration(statement: Statement<'_>) -> Parsed<u64> {
    let keyword = statement.keyword();
    if statement.is_empty() {
        return Err(statement.fault_here(format!("'{keyword}' expects <time> as argument.")));
    }
    let read = crate::parse::parse_duration(statement.arg(0), base::units::TimeUnit::Millisecond);
    read.map_err(|why| statement.fault(0, format!("{why} in argument to <{keyword}>.")))
}

fn hard_stop_after(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.hard_stop_after = Some(duration(statement)?);
    Ok(())
}

fn grace(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.grace = Some(duration(statement)?);
    Ok(())
}

fn external_check(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => {}
        "preserve-env" => parser.global.external_check_keeps_env = true,
        other => {
            let message = format!(
                "'external-check' only supports 'preserve-env' as an argument, found '{other}'."
            );
            return Err(statement.fault(0, message));
        }
    }
    parser.global.external_check = true;
    Ok(())
}

fn master_worker(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => {
            let message = "The 'master-worker' keyword is deprecated in 3.3 and will be removed in 3.5. Use -W or -Ws in the startup script instead.";
            parser.warn(statement, message, None);
        }
        "no-exit-on-failure" => {}
        _ => {
            return Err(statement.fault(
                0,
                "'master-worker' only supports 'no-exit-on-failure' option",
            ));
        }
    }
    parser.global.master_worker = true;
    Ok(())
}

fn max_reloads(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    // The master reads the number by itself.
    figure(parser, statement).map(drop)
}

fn strict_limits(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.strict_limits = !statement.is_negated();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn identity_and_life() {
        let text = "global\n user root\n group root\n chroot /var\n pidfile /run/p\n daemon\n node a-1\n hard-stop-after 30s\n grace 5\n nbthread 2\n setcap cap_net_raw\n no strict-limits\n unix-bind prefix /run mode 600 user root\nfrontend f\n bind /x.sock\n timeout client 1s\n";
        let (snapshot, messages) = load_text(text);
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        let global = &snapshot.global;
        assert_eq!(
            (global.uid, global.gid, global.threads),
            (Some(0), Some(0), Some(2))
        );
        assert_eq!(
            (global.hard_stop_after, global.grace),
            (Some(30_000), Some(5))
        );
        assert!(global.daemon && !global.strict_limits);
        let bind = &snapshot.proxies[0].front.binds[0];
        assert_eq!(bind.address, crate::Address::Unix("/run/x.sock".into()));
        assert_eq!((bind.unix_mode, bind.unix_owner.0), (Some(0o600), Some(0)));
    }

    #[test]
    fn messages_are_those_operators_know() {
        for (line, message) in [
            (
                "nbthread",
                "A 2: 'nbthread' passed a missing or unparsable integer value in ''",
            ),
            (
                "nbthread 5000",
                "A 2: 'nbthread' value must be between 1 and 1024 (was 5000)",
            ),
            (
                "thread-groups 100",
                "A 2: 'thread-groups' value must be between 1 and 32 (was 100)",
            ),
            (
                "user nosuch",
                "A 2: cannot find user id for 'nosuch' (0:Success)",
            ),
            (
                "user root\n uid 0",
                "A 3: user/uid already specified. Continuing.",
            ),
            (
                "chroot /a\n chroot /b",
                "W 3: 'chroot' is already specified. Continuing.",
            ),
            (
                "daemon x",
                "A 2: 'daemon' cannot handle unexpected argument 'x'.",
            ),
            (
                "hard-stop-after x",
                "A 2: unexpected character 'x' in argument to <hard-stop-after>.",
            ),
            (
                "set-dumpable foo",
                "A 2: 'set-dumpable' only supports 'on' and 'off' as an argument, found 'foo'.",
            ),
            (
                "master-worker foo",
                "A 2: 'master-worker' only supports 'no-exit-on-failure' option",
            ),
            (
                "h1-case-adjust foo Bar",
                "A 2: <from> and <to> must not differ except the case",
            ),
            (
                "no daemon",
                "A 2: negation/default currently supported only for options, log, busy-polling, set-dumpable, strict-limits, insecure-fork-wanted and numa-cpu-mapping.",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(
                messages.first().map(String::as_str),
                Some(message),
                "{line}"
            );
        }
    }

    #[test]
    fn groups_of_threads_are_one() {
        let (snapshot, messages) =
            load_text("global\n thread-groups 2\n thread-group 1 1-2\n thread-group 2 3-4\n");
        assert!(snapshot.is_some());
        let notices = messages.iter().filter(|m| m.starts_with('N')).count();
        assert_eq!(notices, 2, "one for each keyword: {messages:?}");
    }
}
