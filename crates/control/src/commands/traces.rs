//! `trace` and `show trace` (management manual).

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Reply, Severity};
use engine::trace;
use model::trace::{Source, configure, status, statuses};

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["show", "trace"],
        level: Level::User,
        args: "[<source>]",
        doc: "show live tracing state",
        run: show,
    },
    CommandRow {
        words: &["trace"],
        level: Level::Operator,
        args: "<module> [cmd [args...]]",
        doc: "manage live tracing",
        run: set,
    },
];

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let settings = trace::settings();
    let dropped = |sink: &str| trace::dropped(context.runtime, sink);
    let text = match args.get(0) {
        "" => statuses(&settings, dropped),
        name => match Source::named(name) {
            Ok(source) => status(&settings, source, dropped),
            Err(_) => return reply.error("No such trace source"),
        },
    };
    reply.info(&text);
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let words: Vec<&str> = args.0.iter().map(String::as_str).collect();
    let sinks = trace::sinks(context.runtime);
    let told = trace::change(context.runtime, |settings| {
        let known = |name: &str| sinks.iter().any(|sink| *sink.name == *name);
        configure(settings, &words, &sinks, known)
    });
    match told {
        Ok(text) if text.is_empty() => {}
        Ok(text) if words.first() == Some(&"0") => reply.message(Severity::Notice, &text),
        Ok(text) => reply.message(Severity::Warning, &text),
        Err(text) => reply.error(&text),
    }
}
