//! `show events`: what is in rings, and what comes into them.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Pieces, Reply, Rest};
use engine::log::{self, Ring};
use engine::runtime::Runtime;
use std::fmt::Write;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["show", "events"],
    level: Level::User,
    args: "[<sink>] [-w] [-n] [-0]",
    doc: "show the sinks of events, or what is in one",
    run: show,
}];

/// About how many bytes are taken from a ring at a time.
const PIECE: usize = 16 * 1024;

/// The ring of events that name no other.
const BUFFER: &str = "buf0";

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let name = args.get(0);
    if name.is_empty() {
        return list(context.runtime, reply);
    }
    if matches!(name, "stdout" | "stderr") {
        return reply.error("Nothing to report for this sink");
    }
    let ring = match name {
        BUFFER => Some(context.runtime.process.events.clone()),
        name => log::named(&context.runtime.snapshot, name),
    };
    let Some(ring) = ring else {
        return reply.error("No such event sink");
    };
    let (mut waits, mut new, mut end) = (false, false, b'\n');
    for option in args.0.iter().skip(1) {
        match option.as_str() {
            "-w" => waits = true,
            "-n" => new = true,
            "-nw" | "-wn" => (waits, new) = (true, true),
            "-0" => end = 0,
            _ => return reply.error("unknown option"),
        }
    }
    let next = if new { ring.end() } else { 0 };
    // What comes later is not waited for: the answer ends where the ring ended when it was asked for.
    let last = if waits { u64::MAX } else { ring.end() };
    reply.rest = Rest::Pieces(Box::new(Following {
        ring,
        next,
        last,
        end,
    }));
}

fn list(runtime: &Runtime, reply: &mut Reply) {
    let out = &mut reply.text;
    out.push_str(
        "Supported events sinks are listed below. Add -0(zero), -w(wait), -n(new). Any key to stop.\n",
    );
    let mut sink = |name: &str, kind: &str, dropped: u64, about: &str| {
        let _ = writeln!(
            out,
            "    {name:<10} : type={kind}, {dropped} dropped, {about}"
        );
    };
    let lost = |name| engine::trace::dropped(runtime, name);
    sink("stdout", "fd", lost("stdout"), "standard output (fd#1)");
    sink("stderr", "fd", lost("stderr"), "standard output (fd#2)");
    let dropped = runtime.process.events.dropped();
    sink(BUFFER, "buffer", dropped, "in-memory ring buffer");
    for section in &runtime.snapshot.logging.rings {
        let ring = log::named(&runtime.snapshot, &section.name);
        let dropped = ring.map_or(0, |ring| ring.dropped());
        let about = section.description.as_deref().unwrap_or(&section.name);
        sink(&section.name, "buffer", dropped, about);
    }
}

/// The messages of a ring. Nothing is kept for a slow reader: it misses what has made room.
struct Following {
    ring: Arc<Ring>,
    next: u64,
    last: u64,
    end: u8,
}

impl Following {
    async fn piece(&mut self) -> Option<String> {
        let mut out = Vec::new();
        while self.next < self.last {
            // Listening before looking: what comes in between is not missed.
            let mut news = pin!(self.ring.news.notified());
            news.as_mut().enable();
            let next = self.ring.peek(self.next, PIECE, self.end, &mut out);
            let found = next != self.next;
            self.next = next;
            if found {
                return Some(String::from_utf8_lossy(&out).into_owned());
            }
            if self.last != u64::MAX {
                return None;
            }
            news.await;
        }
        None
    }
}

impl Pieces for Following {
    fn next<'p>(
        &'p mut self,
        _: &'p Arc<Runtime>,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + 'p>> {
        Box::pin(self.piece())
    }

    fn ends_by_input(&self) -> bool {
        self.last == u64::MAX
    }
}
