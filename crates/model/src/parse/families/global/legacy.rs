//! Directives of older versions.

use crate::parse::{Parsed, Parser, Row, Statement, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "debug",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Older form of the command line's '-d'.",
        read: debug,
    },
    Row {
        name: "nbproc",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Number of processes, until there were threads.",
        read: nbproc,
    },
    Row {
        name: "tune.chksize",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Buffer size of checks, until they took the others'.",
        read: chksize,
    },
];

fn nbproc(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let message = "nbproc is not supported any more since HAProxy 2.5. Threads will automatically be used on multi-processor machines if available.";
    let processes = match statement.arg(0).parse::<u32>() {
        Ok(processes) if (1..=1024).contains(&processes) => processes,
        _ => return Err(statement.fault_here(message)),
    };
    let modern = match processes {
        1 => "(nothing: one process is all there is)".to_owned(),
        n => format!("nbthread {n}"),
    };
    parser.outdated(statement, message, modern)?;
    // What was asked for is that many processors; one process says nothing of threads.
    if processes > 1 && parser.global.threads.is_none() {
        parser.global.threads = Some(processes);
    }
    Ok(())
}

fn debug(_: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    Err(statement
        .fault_here("'debug' is not supported any more since HAProxy 2.4.")
        .hint("start the program with '-d' for the same effect"))
}

fn chksize(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let message = "option 'tune.chksize' is not supported any more (tune.bufsize is used instead).";
    parser.outdated(statement, message, "(nothing, or 'tune.bufsize')")
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::{load_text, load_with};

    #[test]
    fn processes_become_threads() {
        let (snapshot, messages) = load_text("global\n nbproc 4\n");
        assert_eq!(snapshot.map(|s| s.global.threads), Some(Some(4)));
        assert!(
            messages
                .iter()
                .any(|m| m.starts_with("W 2: nbproc is not supported any more")),
            "{messages:?}"
        );
        let (snapshot, _) = load_text("global\n nbproc 1\n");
        assert_eq!(snapshot.map(|s| s.global.threads), Some(None));
    }

    #[test]
    fn strict_refuses_them() {
        let (snapshot, messages) = load_with("global\n nbproc 4\n", true);
        assert!(
            snapshot.is_none() && messages.iter().any(|m| m.starts_with("A 2: nbproc")),
            "{messages:?}"
        );
    }
}
