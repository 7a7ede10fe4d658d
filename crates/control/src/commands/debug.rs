//! `debug dev`: what is of use to somebody who looks for a fault, and can do no harm.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use engine::log::{self, Message};
use engine::runtime::Runtime;

/// The rows of this family, which need `expert-mode on`.
pub const EXPERT: &[CommandRow] = &[
    CommandRow {
        words: &["debug", "dev", "log"],
        level: Level::Admin,
        args: "   [msg] ...",
        doc: "send a message to the global logs",
        run: send,
    },
    CommandRow {
        words: &["debug", "dev", "write"],
        level: Level::Admin,
        args: " [size]",
        doc: "answer with so many bytes",
        run: write,
    },
];

/// The level of a message, as HAProxy's.
const INFO: u8 = 6;
/// Bytes of a line.
const LINE: u64 = 64;

fn send(context: &mut Context<'_>, _: &mut Reply, args: Args<'_>) {
    let global = &context.runtime.snapshot.global;
    let text = args.0.join(" ");
    let message = Message {
        level: INFO,
        tag: global.log_tag.as_deref().unwrap_or("haproxy"),
        structured_data: b"",
        text: text.as_bytes(),
    };
    log::emit(context.runtime, &global.logs, &message);
}

fn write(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    match args.get(0).parse() {
        Ok(left) => reply.dump(Dots { left }),
        Err(_) => reply.error("Missing output size."),
    }
}

/// So many bytes, in lines.
struct Dots {
    left: u64,
}

impl Dump for Dots {
    fn fill(&mut self, _: &Runtime, out: &mut String) -> bool {
        let length = self.left.min(LINE);
        self.left -= length;
        out.extend(std::iter::repeat_n('.', length as usize));
        if length > 0 {
            out.push('\n');
        }
        self.left > 0
    }
}
