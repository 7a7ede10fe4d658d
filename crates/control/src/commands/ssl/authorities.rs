//! `ssl ca-file`: authorities that peers are judged by.

use super::transaction::{Kind, Pending, abort, base, commit, del, new, shown};
use super::{payload, print, row};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use tls::live::State;
use tls::verify::Authorities;

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["abort", "ssl", "ca-file"],
        Level::Admin,
        "<cafile>",
        "drop authorities that were prepared",
        abort::<Files>,
    ),
    row(
        &["add", "ssl", "ca-file"],
        Level::Admin,
        "<cafile> <payload>",
        "prepare authorities in addition to those of a file",
        |context, reply, args| set(context, reply, args, true),
    ),
    row(
        &["commit", "ssl", "ca-file"],
        Level::Admin,
        "<cafile>",
        "use authorities that were prepared",
        commit::<Files>,
    ),
    row(
        &["del", "ssl", "ca-file"],
        Level::Admin,
        "<cafile>",
        "forget authorities that are not in use",
        del::<Files>,
    ),
    row(
        &["new", "ssl", "ca-file"],
        Level::Admin,
        "<cafile>",
        "make an empty file of authorities to be filled",
        new::<Files>,
    ),
    row(
        &["set", "ssl", "ca-file"],
        Level::Admin,
        "<cafile> <payload>",
        "prepare authorities in place of those of a file",
        |context, reply, args| set(context, reply, args, false),
    ),
    row(
        &["show", "ssl", "ca-file"],
        Level::Operator,
        "[<cafile>[:<index>]]",
        "list the files of authorities, or show those of one",
        show,
    ),
];

/// Files of authorities.
struct Files;

impl Kind for Files {
    type Content = Authorities;
    const NAME: &'static str = "CA";
    const WORD: &'static str = "ca-file";

    fn known(state: &mut State) -> &mut BTreeMap<Arc<str>, Arc<Authorities>> {
        &mut state.store.authorities
    }

    fn pending(state: &mut State) -> &mut Pending<Authorities> {
        &mut state.authorities
    }

    fn complete(state: &mut State) {
        state.know_system();
    }
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, add: bool) {
    let expected = "'set ssl ca-file' expects a filename and CAs as a payload";
    let Some((name, text)) = payload(context, args, reply, expected) else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    state.know_system();
    let refuse = |reply: &mut Reply, why: &str| reply.error(&format!("{why}Can't update {name}!"));
    let (base, word) = match base::<Files>(&mut state, name) {
        Ok(found) => found,
        Err(why) => return refuse(reply, &why),
    };
    let mut all = Authorities::default();
    if add {
        base.iter().for_each(|der| {
            all.add(der);
        });
    }
    let Ok(fresh) = tls::store::parse_authorities(text.as_bytes()) else {
        return refuse(reply, "Invalid payload\n");
    };
    for der in fresh {
        all.add(&der);
    }
    state.authorities = Some((name.into(), Arc::new(all)));
    reply.plain(format_args!("transaction {word} for CA {name}!\n"));
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let mut state = context.runtime.snapshot.certificates.lock();
    state.know_system();
    let word = args.get(0);
    let mut text = String::new();
    if word.is_empty() {
        if let Some((name, pending)) = &state.authorities {
            let count = pending.len();
            let _ = writeln!(text, "# transaction\n*{name} - {count} certificate(s)");
        }
        text.push_str("# filename\n");
        for (name, all) in &state.store.authorities {
            let _ = writeln!(text, "{name} - {} certificate(s)", all.len());
        }
        return reply.plain(format_args!("{text}"));
    }
    let file = match shown::<Files>(context, &mut state, word) {
        Ok(file) => file,
        Err(why) => return reply.error(&why),
    };
    let (all, index) = (file.content, file.index);
    // What is not there is not told from what is empty.
    if all.is_empty() || index.is_some_and(|index| index > all.len()) {
        return;
    }
    let _ = writeln!(text, "Filename: {}\nStatus: {}", file.name, file.status);
    for (at, der) in all.shown().into_iter().enumerate() {
        if index.is_none_or(|index| index == at + 1) {
            print::authority(&mut text, at + 1, der);
        }
    }
    reply.plain(format_args!("{text}"));
}
