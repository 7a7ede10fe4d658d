//! `set profiling` and `show profiling`: what tasks cost.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::profile::{self, Cost};
use model::Profiling;
use std::fmt::Write;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["set", "profiling"],
        level: Level::Admin,
        args: "<what> {auto|on|off}",
        doc: "measure what tasks cost, or stop doing so",
        run: set,
    },
    CommandRow {
        words: &["show", "profiling"],
        level: Level::Operator,
        args: "[<what>|<#lines>|<opts>]*",
        doc: "show what tasks cost",
        run: show,
    },
];

const TASKS: &str = "Expects a combination of either 'on', 'auto', 'off', 'lock', 'no-lock', 'memory' or 'no-memory'.";

fn set(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let words = args.0.get(1..).unwrap_or_default();
    match args.get(0) {
        // As HAProxy says without it.
        "memory" => return reply.error("Memory profiling not compiled in."),
        "tasks" if words.is_empty() => return reply.error(TASKS),
        "tasks" => {}
        _ => return reply.error("Expects either 'tasks' or 'memory'."),
    }
    for word in words {
        match word.as_str() {
            "on" => profile::set(Profiling::On),
            "off" => profile::set(Profiling::Off),
            "auto" => profile::set(Profiling::Auto),
            // That is how it is.
            "no-lock" | "no-memory" => {}
            "lock" => {
                return reply.error("The time that tasks spend on locks is not measured.");
            }
            "memory" => {
                return reply.error("The time that tasks spend on memory is not measured.");
            }
            _ => return reply.error(TASKS),
        }
    }
}

/// In which order kinds of tasks are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Calls,
    Name,
    Time,
}

fn show(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let (mut status, mut tasks) = (true, true);
    let (mut order, mut most) = (Order::Calls, usize::MAX);
    for word in args.0 {
        match word.as_str() {
            "all" => (status, tasks) = (true, true),
            "status" => (status, tasks) = (true, false),
            "tasks" => (status, tasks) = (false, true),
            // There are no figures of it.
            "memory" => (status, tasks) = (false, false),
            "byaddr" => order = Order::Name,
            "bytime" => order = Order::Time,
            // Every line is the sum of all tasks of a kind.
            "aggr" => {}
            "byctx" => {
                return reply.error("Tasks are told apart by what they serve, not by who woke them.");
            }
            word => match word.parse() {
                Ok(lines) => most = lines,
                Err(_) => return reply.error("Expects either 'all', 'status', 'tasks', 'memory', 'byaddr', 'bytime', 'byctx', 'aggr' or a max number of output lines."),
            },
        }
    }
    if status {
        let mode = match profile::mode() {
            (Profiling::Off, _) => "off",
            (Profiling::On, _) => "on",
            (Profiling::Auto, false) => "auto-off",
            (Profiling::Auto, true) => "auto-on",
        };
        reply.plain(format_args!(
            "Per-task CPU profiling              : {mode:<14}# set profiling tasks {{on|auto|off}}\n\
             Memory usage profiling              : {:<14}# not built\n",
            "off"
        ));
    }
    if tasks {
        let text = activity(profile::costs(), profile::span(), order, most);
        reply.plain(format_args!("{text}"));
    }
}

fn activity(mut costs: Vec<Cost>, (span, ago): (u64, u64), order: Order, most: usize) -> String {
    match order {
        Order::Calls => costs.sort_by_key(|(_, calls, _)| std::cmp::Reverse(*calls)),
        Order::Name => costs.sort_by_key(|(name, ..)| *name),
        Order::Time => costs.sort_by_key(|(.., nanos)| std::cmp::Reverse(*nanos)),
    }
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let mut out = format!(
        "Tasks activity over {} sec till {} sec ago:\n  \
         function                      calls   cpu_tot   cpu_avg   lkw_avg   lkd_avg   mem_avg   lat_avg\n",
        seconds(span),
        seconds(ago)
    );
    for (name, calls, nanos) in costs.into_iter().take(most) {
        let _ = writeln!(
            out,
            "  {name:<24}{calls:>11}{:>10}{:>10}      -         -         -         -",
            duration(nanos),
            duration(nanos / calls.max(1))
        );
    }
    out
}

/// A duration with four digits and its unit.
fn duration(nanos: u64) -> String {
    let units = [
        (1_000_u64, "ns", 1.0),
        (1_000_000, "us", 1e3),
        (1_000_000_000, "ms", 1e6),
        (60_000_000_000, "s", 1e9),
        (3_600_000_000_000, "m", 6e10),
        (u64::MAX, "h", 3.6e12),
    ];
    let unit = units.into_iter().find(|(below, ..)| nanos < *below);
    let (_, name, size) = unit.unwrap_or((u64::MAX, "h", 3.6e12));
    let value = nanos as f64 / size;
    let digits = match value {
        value if value >= 1000.0 => 0,
        value if value >= 100.0 => 1,
        value if value >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_four_digits() {
        for (nanos, text) in [
            (0, "0.000ns"),
            (646, "646.0ns"),
            (7_381, "7.381us"),
            (10_890, "10.89us"),
            (1_500_000, "1.500ms"),
            (90_000_000_000, "1.500m"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn kinds_are_listed_in_the_order_asked_for() {
        let costs = || vec![("check", 2, 9000), ("session", 10, 5000)];
        let first = |order| {
            let text = activity(costs(), (1234, 5), order, 1);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(
                lines[0],
                "Tasks activity over 1.234 sec till 0.005 sec ago:"
            );
            assert_eq!(lines.len(), 3);
            lines[2].to_owned()
        };
        assert_eq!(
            first(Order::Calls),
            "  session                          10   5.000us   500.0ns      -         -         -         -"
        );
        assert!(first(Order::Time).starts_with("  check"));
        assert!(first(Order::Name).starts_with("  check"));
    }
}
