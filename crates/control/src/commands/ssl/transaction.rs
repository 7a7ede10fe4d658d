//! Files that peers are judged by (authorities, revocation lists), and the one change of each kind that can be under way.

use super::{about_another, indexed, named, users};
use crate::command::{Args, Context};
use crate::reply::Reply;
use std::collections::BTreeMap;
use std::sync::Arc;
use tls::live::State;

/// A change that is being prepared: the file's name, and what it will hold.
pub(super) type Pending<T> = Option<(Arc<str>, Arc<T>)>;

/// A kind of files.
pub(super) trait Kind {
    /// What such a file holds.
    type Content: Default;
    /// What answers call it.
    const NAME: &'static str;
    /// What it is called in commands.
    const WORD: &'static str;
    /// What the answer to a commit without a name calls it.
    const COMMITTED: &'static str = Self::WORD;

    /// Those that are in use.
    fn known(state: &mut State) -> &mut BTreeMap<Arc<str>, Arc<Self::Content>>;
    /// The change that is being prepared.
    fn pending(state: &mut State) -> &mut Pending<Self::Content>;
    /// Learns of files that are there without being named.
    fn complete(_: &mut State) {}
}

/// Makes an empty file.
pub(super) fn new<K: Kind>(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let expected = format!("'new ssl {}' expects a filename", K::WORD);
    let Some(name) = named(args, reply, &expected) else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    K::complete(&mut state);
    let known = K::known(&mut state);
    if known.contains_key(name) {
        return reply.error(&format!("{} file '{name}' already exists!", K::NAME));
    }
    known.insert(name.into(), Arc::default());
    reply.plain(format_args!("New {} file created '{name}'!\n", K::NAME));
}

/// What a change starts from: what is pending already, else what is in use; and the word for that.
///
/// # Errors
/// When another file is being changed, or there is no such file.
pub(super) fn base<K: Kind>(
    state: &mut State,
    name: &str,
) -> Result<(Arc<K::Content>, &'static str), String> {
    if let Some((about, pending)) = K::pending(state) {
        return match **about == *name {
            true => Ok((pending.clone(), "updated")),
            false => Err(about_another(about, name, "set")),
        };
    }
    let known = K::known(state).get(name).cloned();
    known.map(|known| (known, "created")).ok_or_else(|| {
        format!(
            "Can't replace a {} file which is not referenced by the configuration!\n",
            K::NAME
        )
    })
}

/// Gives a change up.
pub(super) fn abort<K: Kind>(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let expected = format!("'abort ssl {}' expects a filename", K::WORD);
    let Some(name) = named(args, reply, &expected) else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    let pending = K::pending(&mut state);
    match pending {
        None => reply.error("No ongoing transaction!"),
        Some((about, _)) if **about != *name => {
            reply.error(about_another(about, name, "abort a transaction for").trim_end());
        }
        Some(_) => {
            *pending = None;
            reply.plain(format_args!(
                "Transaction aborted for certificate '{name}'!\n"
            ));
        }
    }
}

/// Lets a change take effect on every line and server that uses the file, or on none.
pub(super) fn commit<K: Kind>(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let expected = format!("'commit ssl {}' expects a filename", K::COMMITTED);
    let Some(name) = named(args, reply, &expected) else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let users = users(context.runtime);
    let mut state = inventory.lock();
    let pending = K::pending(&mut state);
    let why = match pending.take() {
        None => "No ongoing transaction! !\n".to_owned(),
        Some(other) if *other.0 != *name => {
            let why = about_another(&other.0, name, "set");
            *pending = Some(other);
            why
        }
        Some((about, content)) => {
            let former = K::known(&mut state).insert(about.clone(), content);
            let text = match state.judge_anew(&users, &inventory.global, name) {
                Ok((changes, count)) => {
                    changes.into_iter().for_each(tls::live::Change::make);
                    format!("{}\nSuccess!", ".".repeat(count))
                }
                Err(why) => {
                    K::known(&mut state).extend(former.map(|former| (about, former)));
                    format!("\n{why}\nFailed!")
                }
            };
            return reply.plain(format_args!("Committing {name}{text}\n"));
        }
    };
    reply.error(&format!("{why}Can't commit {name}!"));
}

/// Forgets a file that nobody uses.
pub(super) fn del<K: Kind>(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let expected = format!("'del ssl {}' expects a {} file name", K::WORD, K::NAME);
    let Some(name) = named(args, reply, &expected) else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    K::complete(&mut state);
    let why = match K::known(&mut state).contains_key(name) {
        false => "doesn't exist!",
        true if users(context.runtime).judge_by(name, &inventory.global) => {
            "in use, can't be deleted!"
        }
        true => {
            K::known(&mut state).remove(name);
            return reply.plain(format_args!("{} file '{name}' deleted!\n", K::NAME));
        }
    };
    let kind = K::NAME;
    reply.error(&format!(
        "Can't remove the {kind} file: {kind} file '{name}' {why}"
    ));
}

/// A file that is to be shown.
pub(super) struct Shown<'w, T> {
    /// Its name as it was given.
    pub name: &'w str,
    /// The only part of it that is wanted, from 1 on.
    pub index: Option<usize>,
    /// What it holds.
    pub content: Arc<T>,
    /// What becomes of it at present.
    pub status: &'static str,
}

/// The file that a word names: `*` before the name stands for the change being prepared, a number behind a colon for a
/// part of it.
///
/// # Errors
/// When there is no such file.
pub(super) fn shown<'w, K: Kind>(
    context: &Context<'_>,
    state: &mut State,
    word: &'w str,
) -> Result<Shown<'w, K::Content>, String> {
    let wrong = |()| format!("wrong {} index after colons in '{word}'!", K::NAME);
    let (name, index) = indexed(word).map_err(wrong)?;
    let found = match name.strip_prefix('*') {
        Some(name) => match K::pending(state) {
            Some((about, pending)) if **about == *name => Some((pending.clone(), "Uncommitted")),
            _ => None,
        },
        None => {
            let known = K::known(state).get(name).cloned();
            let global = &context.runtime.snapshot.certificates.global;
            let used = users(context.runtime).judge_by(name, global);
            known.map(|known| (known, if used { "Used" } else { "Unused" }))
        }
    };
    let (content, status) =
        found.ok_or_else(|| format!("Can't display the {} file : Not found!", K::NAME))?;
    Ok(Shown {
        name,
        index,
        content,
        status,
    })
}
