//! What tells how the process is doing inside: threads, tasks, libraries, the system.

use super::anonymous::hashed;
use crate::VERSION;
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Reply, Rest};
use engine::clock;
use engine::runtime::Runtime;
use engine::worker::Activity;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["show", "activity"],
        level: Level::Operator,
        args: "[-1|0|thread_num]",
        doc: "show what each thread does",
        run: show_activity,
    },
    CommandRow {
        words: &["show", "dev"],
        level: Level::User,
        args: "",
        doc: "show the system and the process' rights and limits",
        run: show_dev,
    },
    CommandRow {
        words: &["show", "libs"],
        level: Level::Operator,
        args: "",
        doc: "show the program and libraries in memory",
        run: show_libs,
    },
    CommandRow {
        words: &["show", "startup-logs"],
        level: Level::Operator,
        args: "",
        doc: "show what the process said at its start",
        run: |_, reply, _| reply.info(&crate::startup::said()),
    },
    CommandRow {
        words: &["show", "tasks"],
        level: Level::User,
        args: "",
        doc: "show how many tasks there are",
        run: show_tasks,
    },
    CommandRow {
        words: &["show", "threads"],
        level: Level::User,
        args: "",
        doc: "show the threads and what belongs to them",
        run: show_threads,
    },
];

/// What the workers tell of themselves, in their order. A worker that is gone does nothing.
async fn activities(runtime: &Runtime) -> Vec<Activity> {
    let mut all = Vec::new();
    for worker in 0..runtime.process.threads as usize {
        let answer = (runtime.process.orders).ask(worker, |worker| worker.activity());
        all.push(answer.await.unwrap_or_default());
    }
    all
}

/// Answers with what becomes of the workers' activities.
fn told(
    context: &Context<'_>,
    reply: &mut Reply,
    tell: impl FnOnce(&Runtime, &[Activity]) -> String + 'static,
) {
    let runtime: Arc<Runtime> = context.runtime.clone();
    reply.rest = Rest::Task(Box::pin(async move {
        let all = activities(&runtime).await;
        tell(&runtime, &all)
    }));
}

/// A figure of a thread by its name, and how it is read.
type Figure = (&'static str, fn(&Activity) -> u64);

const FIGURES: [Figure; 5] = [
    ("tasks", |thread| thread.tasks),
    ("loops", |thread| thread.loops),
    ("sessions", |thread| thread.sessions),
    ("streams", |thread| thread.streams),
    ("idle_streams", |thread| thread.kept_states),
];

fn show_activity(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let threads = i64::from(context.runtime.process.threads);
    let one = match args.get(0) {
        "" | "-1" => None,
        word => match word.parse::<i64>() {
            Ok(number) if (0..=threads).contains(&number) => Some(number as usize),
            _ => {
                return reply.error("Thread ID number must be between -1 and nbthread");
            }
        },
    };
    told(context, reply, move |runtime, all| {
        activity(runtime, all, one)
    });
}

fn activity(runtime: &Runtime, all: &[Activity], one: Option<usize>) -> String {
    let mut out = String::new();
    let (date, uptime) = (clock::date(), clock::now_ms());
    let _ = writeln!(
        out,
        "thread_id: {} (1..{})\ndate_now: {}.{:06}\nuptime_now: {}.{:03}000",
        runtime.process.threads.min(1),
        all.len(),
        date.seconds,
        date.micros,
        uptime / 1000,
        uptime % 1000
    );
    for (name, read) in FIGURES {
        let total: u64 = all.iter().map(read).sum();
        let _ = match one {
            Some(0) => writeln!(out, "{name}: {total}"),
            Some(number) => {
                let value = all.get(number - 1).map_or(0, read);
                writeln!(out, "{name}: {value}")
            }
            None => {
                let _ = write!(out, "{name}: {total} [");
                for thread in all {
                    let _ = write!(out, " {}", read(thread));
                }
                writeln!(out, " ]")
            }
        };
    }
    out
}

fn show_tasks(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    told(context, reply, |_, all| {
        let total: u64 = all.iter().map(|thread| thread.tasks).sum();
        let mut out = format!("Tasks: {total} ({} threads)\n", all.len());
        for (at, thread) in all.iter().enumerate() {
            let _ = writeln!(out, "  thread {}: {}", at + 1, thread.tasks);
        }
        out
    });
}

fn show_threads(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    told(context, reply, |_, all| {
        let mut out = String::new();
        for (at, thread) in all.iter().enumerate() {
            // Commands are answered by the first one.
            let mark = if at == 0 { '*' } else { ' ' };
            let _ = writeln!(
                out,
                "{mark} Thread {} : loops={} tasks={} sessions={} streams={}",
                at + 1,
                thread.loops,
                thread.tasks,
                thread.sessions,
                thread.streams
            );
        }
        out
    });
}

fn show_libs(_: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (path, (first, last)) in libraries(&maps) {
        let size = last - first;
        reply.plain(format_args!(
            "{first:#014x}-{:#014x} ({size:#09x}) {path}\n",
            last - 1
        ));
    }
}

/// Files in memory with the range of their addresses, in the order in which they come.
fn libraries(maps: &str) -> Vec<(&str, (u64, u64))> {
    let mut found: Vec<(&str, (u64, u64))> = Vec::new();
    for line in maps.lines() {
        let Some(at) = line.find('/') else {
            continue;
        };
        let path = line.get(at..).unwrap_or_default();
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        let number = |text| u64::from_str_radix(text, 16).ok();
        let Some((first, last)) = range.and_then(|(a, b)| number(a).zip(number(b))) else {
            continue;
        };
        match found.iter_mut().find(|(known, _)| *known == path) {
            Some((_, known)) => known.1 = known.1.max(last),
            None => found.push((path, (first, last))),
        }
    }
    found
}

fn show_dev(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    let process = &context.runtime.process;
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let node = text(system.nodename());
    let command = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    let key = context.state.anonymous;
    let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let limit = |limit: Option<u64>| limit.map_or("unlimited".into(), |limit| limit.to_string());
    reply.plain(format_args!(
        "HAProxy version {VERSION}\nPlatform info:\n  OS name: {}\n  OS release: {}\n  OS version: {}\n  OS architecture: {}\n  node name: {}\n",
        text(system.sysname()),
        text(system.release()),
        text(system.version()),
        text(system.machine()),
        hashed(key, &node),
    ));
    reply.plain(format_args!(
        "Process info:\n  pid: {}\n  cmdline: {}\n  threads: {}\n  uid: {}\n  gid: {}\n  fd limit (soft): {}\n  fd limit (hard): {}\n",
        process.pid,
        hashed(key, command.trim_end()),
        process.threads,
        uid.as_raw(),
        gid.as_raw(),
        limit(limits.current),
        limit(limits.maximum),
    ));
    let connections = process.connections.now();
    let limit = process.maxconn.load(Ordering::Relaxed);
    reply.plain(format_args!("  connections: {connections} of {limit}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_memory_are_found_once() {
        let maps = "00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/x\n\
                    00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/x\n\
                    7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n\
                    7f0000002000-7f0000003000 r--p 00000000 08:02 1 /lib/y.so\n";
        assert_eq!(
            libraries(maps),
            [
                ("/usr/bin/x", (0x40_0000, 0x65_2000)),
                ("/lib/y.so", (0x7f00_0000_2000, 0x7f00_0000_3000))
            ]
        );
    }
}
