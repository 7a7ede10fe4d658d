//! `ssl ca-file`: authorities that peers are judged by.

use super::{about_another, indexed, named, payload, print, row, users};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::fmt::Write;
use std::sync::Arc;
use tls::verify::Authorities;

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["abort", "ssl", "ca-file"],
        Level::Admin,
        "<cafile>",
        "drop authorities that were prepared",
        abort,
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
        commit,
    ),
    row(
        &["del", "ssl", "ca-file"],
        Level::Admin,
        "<cafile>",
        "forget authorities that are not in use",
        del,
    ),
    row(
        &["new", "ssl", "ca-file"],
        Level::Admin,
        "<cafile>",
        "make an empty file of authorities to be filled",
        new,
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

fn new(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'new ssl ca-file' expects a filename") else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    state.know_system();
    if state.store.authorities.contains_key(name) {
        return reply.error(&format!("CA file '{name}' already exists!"));
    }
    state.store.authorities.insert(name.into(), Arc::default());
    reply.plain(format_args!("New CA file created '{name}'!\n"));
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, add: bool) {
    let expected = "'set ssl ca-file' expects a filename and CAs as a payload";
    let Some((name, text)) = payload(context, args, reply, expected) else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    state.know_system();
    let refuse = |reply: &mut Reply, why: &str| reply.error(&format!("{why}Can't update {name}!"));
    let (base, word) = match &state.authorities {
        Some((about, _)) if **about != *name => {
            return refuse(reply, &about_another(about, name, "set"));
        }
        Some((_, pending)) => (pending.clone(), "updated"),
        None => match state.store.authorities.get(name) {
            Some(known) => (known.clone(), "created"),
            None => {
                let why = "Can't replace a CA file which is not referenced by the configuration!\n";
                return refuse(reply, why);
            }
        },
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

fn abort(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'abort ssl ca-file' expects a filename") else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    match &state.authorities {
        None => reply.error("No ongoing transaction!"),
        Some((about, _)) if **about != *name => {
            reply.error(about_another(about, name, "abort a transaction for").trim_end());
        }
        Some(_) => {
            state.authorities = None;
            reply.plain(format_args!(
                "Transaction aborted for certificate '{name}'!\n"
            ));
        }
    }
}

fn commit(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'commit ssl ca-file' expects a filename") else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let users = users(context.runtime);
    let mut state = inventory.lock();
    let why = match state.authorities.take() {
        None => "No ongoing transaction! !\n".to_owned(),
        Some((about, pending)) if *about != *name => {
            let why = about_another(&about, name, "set");
            state.authorities = Some((about, pending));
            why
        }
        Some((about, pending)) => {
            let former = state.store.authorities.insert(about.clone(), pending);
            let outcome = state.judge_anew(&users, &inventory.global, name);
            let text = match outcome {
                Ok((changes, count)) => {
                    changes.into_iter().for_each(tls::live::Change::make);
                    format!("{}\nSuccess!", ".".repeat(count))
                }
                Err(why) => {
                    state
                        .store
                        .authorities
                        .extend(former.map(|former| (about, former)));
                    format!("\n{why}\nFailed!")
                }
            };
            return reply.plain(format_args!("Committing {name}{text}\n"));
        }
    };
    reply.error(&format!("{why}Can't commit {name}!"));
}

fn del(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'del ssl ca-file' expects a CA file name") else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    state.know_system();
    let why = match state.store.authorities.contains_key(name) {
        false => "doesn't exist!",
        true if users(context.runtime).judge_by(name, &inventory.global) => {
            "in use, can't be deleted!"
        }
        true => {
            state.store.authorities.remove(name);
            return reply.plain(format_args!("CA file '{name}' deleted!\n"));
        }
    };
    reply.error(&format!("Can't remove the CA file: CA file '{name}' {why}"));
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
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
    let Ok((name, index)) = indexed(word) else {
        return reply.error(&format!("wrong CA index after colons in '{word}'!"));
    };
    let found = match name.strip_prefix('*') {
        Some(name) => match &state.authorities {
            Some((about, pending)) if **about == *name => Some((pending.clone(), "Uncommitted")),
            _ => None,
        },
        None => {
            let known = state.store.authorities.get(name).cloned();
            let used = users(context.runtime).judge_by(name, &inventory.global);
            known.map(|known| (known, if used { "Used" } else { "Unused" }))
        }
    };
    let Some((all, status)) = found else {
        return reply.error("Can't display the CA file : Not found!");
    };
    // What is not there is not told from what is empty.
    if all.is_empty() || index.is_some_and(|index| index > all.len()) {
        return;
    }
    let _ = writeln!(text, "Filename: {name}\nStatus: {status}");
    for (at, der) in all.shown().into_iter().enumerate() {
        if index.is_none_or(|index| index == at + 1) {
            print::authority(&mut text, at + 1, der);
        }
    }
    reply.plain(format_args!("{text}"));
}
