//! Streams: `show sess`, `shutdown session`, `shutdown sessions server`.
//!
//! Each worker tells of its own streams, some at a time, so that neither a long list nor a slow reader keeps traffic waiting.

mod print;

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Pieces, Reply, Rest};
use base::units::{TimeUnit, parse_time};
use engine::runtime::Runtime;
use engine::stream::Seen;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["show", "sess"],
        level: Level::Operator,
        args: "[help|<id>|all|susp] [opts...]",
        doc: "list streams, or show all about some",
        run: show,
    },
    CommandRow {
        words: &["shutdown", "session"],
        level: Level::Admin,
        args: "[id]",
        doc: "end a stream",
        run: shutdown,
    },
    CommandRow {
        words: &["shutdown", "sessions", "server"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "end the streams on a server",
        run: shutdown_on_server,
    },
];

/// How many streams are told of at a time.
const BATCH: usize = 100;

const USAGE: &str = "Usage: show sess [<id> | all | susp | help] [<options>*]
Lists streams, one per line.
  <id>         all about the stream of this identifier (0x...)
  all          all about every stream that the options let pass
  susp         streams that should have ended and are still there
  help         show this text
Options:
  show-uri     the request line too, if there was one
  older <age>  only streams older than this (seconds by default)
  server <b/s> only streams on this server
  backend <b>  only streams in this backend
  frontend <f> only streams of this frontend
";

/// The number of a stream written as an identifier.
fn number(word: &str) -> Option<u64> {
    let number = match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => word.parse().ok()?,
    };
    number.checked_sub(print::FIRST)
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wish {
    number: Option<u64>,
    long: bool,
    suspicious: bool,
    request_line: bool,
    older: u64,
    frontend: Option<String>,
    backend: Option<String>,
    server: Option<String>,
}

impl Wish {
    fn read(context: &Context<'_>, reply: &mut Reply, args: Args<'_>) -> Option<Self> {
        let mut wish = Self::default();
        let mut words = args.0.iter().map(String::as_str);
        let mut first = true;
        while let Some(word) = words.next() {
            match word {
                "all" => wish.long = true,
                "susp" => wish.suspicious = true,
                "show-uri" => wish.request_line = true,
                "older" => wish.older = age(reply, words.next())?,
                "frontend" => {
                    let frontend = context.frontend(words.next().unwrap_or_default(), reply)?;
                    wish.frontend = Some(frontend.config.name.to_string());
                }
                "backend" => {
                    let name = words.next().unwrap_or_default();
                    if name.is_empty() {
                        reply.error("A backend name is expected.");
                        return None;
                    }
                    let Some(backend) = context.runtime.backend(name) else {
                        reply.error("No such backend.");
                        return None;
                    };
                    wish.backend = Some(backend.config.name.to_string());
                }
                "server" => {
                    let path = words.next().unwrap_or_default();
                    if path.is_empty() {
                        reply.error("Missing server name (<backend>/<server>).");
                        return None;
                    }
                    let (backend, server) = context.server(path, reply)?;
                    wish.backend = Some(backend.config.name.to_string());
                    wish.server = Some(server.config.name.to_string());
                }
                word if first && word.starts_with(|c: char| c.is_ascii_digit()) => {
                    // No stream has a number that is not one.
                    wish.number = Some(number(word).unwrap_or(u64::MAX));
                    wish.long = true;
                }
                other => {
                    reply.error(&format!(
                        "Unsupported option '{other}', try 'help' for more info."
                    ));
                    return None;
                }
            }
            first = false;
        }
        Some(wish)
    }

    fn fits(&self, seen: &Seen) -> bool {
        let party = seen.backend.as_ref().map(|backend| &*backend.name);
        let server = seen.server.as_ref().map(|(name, ..)| &**name);
        let is = |wanted: &Option<String>, name: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| name == Some(wanted))
        };
        self.number.is_none_or(|number| number == seen.number)
            && (!self.suspicious || seen.lingers)
            && seen.age >= self.older
            && is(&self.frontend, Some(&seen.frontend.name))
            && is(&self.backend, party)
            && is(&self.server, server)
    }
}

fn age(reply: &mut Reply, word: Option<&str>) -> Option<u64> {
    let Some(word) = word else {
        reply.error("Expects a minimum age (in seconds by default).");
        return None;
    };
    match parse_time(word, TimeUnit::Second) {
        Ok(time) if time.trailing.is_none() => Some(time.value.saturating_mul(1000)),
        _ => {
            reply.error("Invalid age.");
            None
        }
    }
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if args.get(0) == "help" {
        return reply.info(USAGE);
    }
    let Some(wish) = Wish::read(context, reply, args) else {
        return;
    };
    let streams = &context.runtime.process.streams;
    reply.rest = Rest::Pieces(Box::new(Listing {
        wish,
        key: context.state.anonymous,
        below: streams.load(Ordering::Relaxed),
        worker: 0,
        from: 0,
        any: false,
    }));
}

/// The streams of one worker after the other. Those that begin after the command are left out, so that there is an end.
struct Listing {
    wish: Wish,
    key: Option<u32>,
    below: u64,
    worker: usize,
    from: u64,
    any: bool,
}

impl Listing {
    async fn piece(&mut self, runtime: &Runtime) -> Option<String> {
        let process = &runtime.process;
        if self.worker >= process.threads as usize {
            let missing = self.wish.number.is_some() && !self.any;
            self.wish.number = None;
            return missing.then(|| "Session not found.\n".to_owned());
        }
        let range = match self.wish.number {
            Some(number) => (number, number.saturating_add(1)),
            None => (self.from, self.below),
        };
        let wish = self.wish.clone();
        let answer = process.orders.ask(self.worker, move |worker| {
            worker.streams(range, BATCH, &|seen| wish.fits(seen))
        });
        // A worker that is gone has no streams.
        let (seen, more) = answer.await.unwrap_or_default();
        match more {
            Some(from) => self.from = from,
            None => (self.worker, self.from) = (self.worker + 1, 0),
        }
        self.any |= !seen.is_empty();
        let mut out = String::new();
        for stream in &seen {
            match self.wish.long {
                true => print::long(stream, self.key, &mut out),
                false => print::short(stream, self.key, self.wish.request_line, &mut out),
            }
        }
        Some(out)
    }
}

impl Pieces for Listing {
    fn next<'p>(
        &'p mut self,
        runtime: &'p Arc<Runtime>,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + 'p>> {
        Box::pin(self.piece(runtime))
    }
}

fn shutdown(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if args.get(0).is_empty() {
        return reply.error("Session pointer expected (use 'show sess').");
    }
    let Some(number) = number(args.get(0)) else {
        return reply.error(NO_SESSION);
    };
    let runtime = context.runtime.clone();
    let severity = context.state.severity;
    reply.rest = Rest::Task(Box::pin(async move {
        for worker in 0..runtime.process.threads as usize {
            let answer = (runtime.process.orders).ask(worker, move |worker| worker.kill(number));
            if answer.await == Ok(true) {
                return String::new();
            }
        }
        let mut reply = Reply::new(severity);
        reply.error(NO_SESSION);
        reply.text
    }));
}

const NO_SESSION: &str = "No such session (use 'show sess').";

fn shutdown_on_server(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some((backend, server)) = context.server(args.get(0), reply) else {
        return;
    };
    for worker in 0..context.runtime.process.threads as usize {
        let names = (backend.config.name.clone(), server.config.name.clone());
        let end = move |worker: &std::rc::Rc<engine::worker::Worker>| {
            worker.kill_on(&names.0, &names.1);
        };
        // Nobody waits for it: the streams end as soon as their workers come to it.
        drop(context.runtime.process.orders.ask(worker, end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_hexadecimal_or_decimal() {
        assert_eq!(
            number("0x10").zip(number("16")).map(|(a, b)| a == b),
            Some(true)
        );
        assert_eq!(number("x"), None);
        assert_eq!(number("0x"), None);
    }
}
