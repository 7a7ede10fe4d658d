//! `ssl crl-file`: revocation lists that peers are judged by.

use super::{about_another, indexed, named, payload, print, row, users};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::fmt::Write;
use std::sync::Arc;

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["abort", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "drop revocation lists that were prepared",
        abort,
    ),
    row(
        &["commit", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "use revocation lists that were prepared",
        commit,
    ),
    row(
        &["del", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "forget revocation lists that are not in use",
        del,
    ),
    row(
        &["new", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "make an empty file of revocation lists to be filled",
        new,
    ),
    row(
        &["set", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile> <payload>",
        "prepare revocation lists in place of those of a file",
        set,
    ),
    row(
        &["show", "ssl", "crl-file"],
        Level::Operator,
        "[<crlfile>[:<index>]]",
        "list the files of revocation lists, or show those of one",
        show,
    ),
];

fn new(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'new ssl crl-file' expects a filename") else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    if state.store.revocations.contains_key(name) {
        return reply.error(&format!("CRL file '{name}' already exists!"));
    }
    state.store.revocations.insert(name.into(), Arc::default());
    reply.plain(format_args!("New CRL file created '{name}'!\n"));
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let expected = "'set ssl crl-file' expects a filename and CRLs as a payload";
    let Some((name, text)) = payload(context, args, reply, expected) else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    let refuse = |reply: &mut Reply, why: &str| reply.error(&format!("{why}Can't update {name}!"));
    let word = match &state.revocations {
        Some((about, _)) if **about != *name => {
            return refuse(reply, &about_another(about, name, "set"));
        }
        Some(_) => "updated",
        None if state.store.revocations.contains_key(name) => "created",
        None => {
            let why = "Can't replace a CRL file which is not referenced by the configuration!\n";
            return refuse(reply, why);
        }
    };
    let begins = text.contains("-----BEGIN ");
    let parsed = tls::store::parse_revocations(text.as_bytes()).ok();
    let Some(all) = parsed.filter(|_| begins) else {
        return refuse(reply, "Invalid payload\n");
    };
    state.revocations = Some((name.into(), Arc::new(all)));
    reply.plain(format_args!("transaction {word} for CRL {name}!\n"));
}

fn abort(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'abort ssl crl-file' expects a filename") else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    match &state.revocations {
        None => reply.error("No ongoing transaction!"),
        Some((about, _)) if **about != *name => {
            reply.error(about_another(about, name, "abort a transaction for").trim_end());
        }
        Some(_) => {
            state.revocations = None;
            reply.plain(format_args!(
                "Transaction aborted for certificate '{name}'!\n"
            ));
        }
    }
}

fn commit(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    // HAProxy's own words name the other kind of file here.
    let Some(name) = named(args, reply, "'commit ssl ca-file' expects a filename") else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let users = users(context.runtime);
    let mut state = inventory.lock();
    let why = match state.revocations.take() {
        None => "No ongoing transaction! !\n".to_owned(),
        Some((about, pending)) if *about != *name => {
            let why = about_another(&about, name, "set");
            state.revocations = Some((about, pending));
            why
        }
        Some((about, pending)) => {
            let former = state.store.revocations.insert(about.clone(), pending);
            let outcome = state.judge_anew(&users, &inventory.global, name);
            let text = match outcome {
                Ok((changes, count)) => {
                    changes.into_iter().for_each(tls::live::Change::make);
                    format!("{}\nSuccess!", ".".repeat(count))
                }
                Err(why) => {
                    state
                        .store
                        .revocations
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
    let Some(name) = named(args, reply, "'del ssl crl-file' expects a CRL file name") else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    let why = match state.store.revocations.contains_key(name) {
        false => "doesn't exist!",
        true if users(context.runtime).judge_by(name, &inventory.global) => {
            "in use, can't be deleted!"
        }
        true => {
            state.store.revocations.remove(name);
            return reply.plain(format_args!("CRL file '{name}' deleted!\n"));
        }
    };
    reply.error(&format!(
        "Can't remove the CRL file: CRL file '{name}' {why}"
    ));
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let inventory = &context.runtime.snapshot.certificates;
    let state = inventory.lock();
    let word = args.get(0);
    let mut text = String::new();
    if word.is_empty() {
        if let Some((name, _)) = &state.revocations {
            let _ = writeln!(text, "# transaction\n*{name}");
        }
        text.push_str("# filename\n");
        for name in state.store.revocations.keys() {
            let _ = writeln!(text, "{name}");
        }
        return reply.plain(format_args!("{text}"));
    }
    let Ok((name, index)) = indexed(word) else {
        return reply.error(&format!("wrong CRL index after colons in '{word}'!"));
    };
    let found = match name.strip_prefix('*') {
        Some(name) => match &state.revocations {
            Some((about, pending)) if **about == *name => Some((pending.clone(), "Uncommitted")),
            _ => None,
        },
        None => {
            let known = state.store.revocations.get(name).cloned();
            let used = users(context.runtime).judge_by(name, &inventory.global);
            known.map(|known| match (known.is_empty(), used) {
                (true, _) => (known, "Empty"),
                (false, true) => (known, "Used"),
                (false, false) => (known, "Unused"),
            })
        }
    };
    let Some((all, status)) = found else {
        return reply.error("Can't display the CRL file : Not found!");
    };
    let _ = writeln!(text, "Filename: {name}\nStatus: {status}");
    for (at, list) in all.iter().enumerate() {
        if index.is_none_or(|index| index == at + 1) {
            print::revocation_list(&mut text, at + 1, list);
        }
    }
    reply.plain(format_args!("{text}"));
}
