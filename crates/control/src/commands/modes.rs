//! `expert-mode` and `experimental-mode` (management manual, section 9.3).

use crate::command::{Args, CommandRow, Level};
use crate::reply::Reply;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["experimental-mode"],
        level: Level::Admin,
        args: "[on|off]",
        doc: "let this session run experimental commands",
        run: |context, reply, args| {
            switch(
                &mut context.state.experimental,
                "experimental-mode",
                reply,
                args,
            );
        },
    },
    CommandRow {
        words: &["expert-mode"],
        level: Level::Admin,
        args: "[on|off]",
        doc: "let this session run commands for experts",
        run: |context, reply, args| switch(&mut context.state.expert, "expert-mode", reply, args),
    },
];

fn switch(mode: &mut bool, name: &str, reply: &mut Reply, args: Args<'_>) {
    match args.get(0) {
        "" => reply.info(&format!("{name} is {}", if *mode { "ON" } else { "OFF" })),
        // As in HAProxy, any other word switches it off.
        word => *mode = word == "on",
    }
}
