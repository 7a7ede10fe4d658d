//! `ssl crl-file`: revocation lists that peers are judged by.

use super::transaction::{Kind, Pending, abort, base, commit, del, new, shown};
use super::{payload, print, row};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use tls::Revocations;
use tls::live::State;

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["abort", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "drop revocation lists that were prepared",
        abort::<Files>,
    ),
    row(
        &["commit", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "use revocation lists that were prepared",
        commit::<Files>,
    ),
    row(
        &["del", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "forget revocation lists that are not in use",
        del::<Files>,
    ),
    row(
        &["new", "ssl", "crl-file"],
        Level::Admin,
        "<crlfile>",
        "make an empty file of revocation lists to be filled",
        new::<Files>,
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

/// Files of revocation lists.
struct Files;

impl Kind for Files {
    type Content = Revocations;
    const NAME: &'static str = "CRL";
    const WORD: &'static str = "crl-file";
    // HAProxy's own words name the other kind of file here.
    const COMMITTED: &'static str = "ca-file";

    fn known(state: &mut State) -> &mut BTreeMap<Arc<str>, Arc<Revocations>> {
        &mut state.store.revocations
    }

    fn pending(state: &mut State) -> &mut Pending<Revocations> {
        &mut state.revocations
    }
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let expected = "'set ssl crl-file' expects a filename and CRLs as a payload";
    let Some((name, text)) = payload(context, args, reply, expected) else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    let refuse = |reply: &mut Reply, why: &str| reply.error(&format!("{why}Can't update {name}!"));
    let word = match base::<Files>(&mut state, name) {
        Ok((_, word)) => word,
        Err(why) => return refuse(reply, &why),
    };
    let begins = text.contains("-----BEGIN ");
    let parsed = tls::store::parse_revocations(text.as_bytes()).ok();
    let Some(all) = parsed.filter(|_| begins) else {
        return refuse(reply, "Invalid payload\n");
    };
    state.revocations = Some((name.into(), Arc::new(all)));
    reply.plain(format_args!("transaction {word} for CRL {name}!\n"));
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let mut state = context.runtime.snapshot.certificates.lock();
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
    let file = match shown::<Files>(context, &mut state, word) {
        Ok(file) => file,
        Err(why) => return reply.error(&why),
    };
    let prepared = word.starts_with('*');
    let status = match file.content.is_empty() && !prepared {
        true => "Empty",
        false => file.status,
    };
    let _ = writeln!(text, "Filename: {}\nStatus: {status}", file.name);
    for (at, list) in file.content.iter().enumerate() {
        if file.index.is_none_or(|index| index == at + 1) {
            print::revocation_list(&mut text, at + 1, list);
        }
    }
    reply.plain(format_args!("{text}"));
}
