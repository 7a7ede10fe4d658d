//! `wait`.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Reply, Rest};
use base::units::{TimeUnit, parse_time};

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["wait"],
    level: Level::Admin,
    args: "{-h|<delay_ms>}",
    doc: "wait for a time",
    run: wait,
}];

const USAGE: &str = "Usage: wait {-h|<duration>}
  - '-h' shows this text
  - <duration> is how long to wait: a number with a unit among 'us', 'ms', 's', 'm', 'h' and 'd',
    milliseconds without one.
";

fn wait(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    match args.get(0) {
        "" => return reply.error("Expects a duration in milliseconds."),
        "-h" => return reply.info(USAGE),
        _ => {}
    }
    match parse_time(args.get(0), TimeUnit::Millisecond) {
        Ok(time) if time.value > 0 && time.trailing.is_none() => {
            if args.get(1).is_empty() {
                reply.rest = Rest::Wait(time.value, "Done.");
            } else {
                reply.error(USAGE);
            }
        }
        _ => reply.error("Invalid duration."),
    }
}
