//! `ssl crt-list`: lists of certificates with options and names.

use super::{row, users};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::runtime::Runtime;
use std::fmt::Write;
use std::sync::Arc;
use tls::Listener;
use tls::crtlist::{Entry, read_line};
use tls::live::{Change, State};
use tls::settings::{CertificateLine, GlobalSettings};
use tls::store::{PlaceError, based};

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["add", "ssl", "crt-list"],
        Level::Admin,
        "<list> <cert> [opts]*",
        "add a line to a list, given as a word or as a payload",
        add,
    ),
    row(
        &["del", "ssl", "crt-list"],
        Level::Admin,
        "<list> <cert[:line]>",
        "remove a line from a list",
        del,
    ),
    row(
        &["show", "ssl", "crt-list"],
        Level::Operator,
        "[-n] [<list>]",
        "list the lists, or show the lines of one",
        show,
    ),
];

/// The name of a list without slashes at its end.
fn trimmed(name: &str) -> &str {
    match name.trim_end_matches('/') {
        "" => name,
        trimmed => trimmed,
    }
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let (numbered, name) = match args.get(0) {
        "-n" => (true, args.get(1)),
        name => (false, name),
    };
    let inventory = &context.runtime.snapshot.certificates;
    let state = inventory.lock();
    let mut text = String::new();
    if name.is_empty() {
        if numbered {
            return reply.error("'show ssl crt-list -n' expects a filename or a directory");
        }
        for name in state.store.lists.keys() {
            let _ = writeln!(text, "{name}");
        }
        return reply.plain(format_args!("{text}"));
    }
    let Some(list) = state.store.lists.get(trimmed(name)) else {
        return reply.error("didn't find the specified filename");
    };
    let based = |path: &str| based(inventory.global.ca_base.as_deref(), path);
    let _ = writeln!(text, "# {}", trimmed(name));
    for entry in &list.entries {
        let _ = writeln!(text, "{}", entry.show(&entry.path, numbered, &based));
    }
    reply.plain(format_args!("{text}"));
}

/// The listening lines that use a list.
fn using(runtime: &Runtime, list: &str) -> Vec<Arc<Listener>> {
    let listeners = users(runtime).listeners.into_iter();
    let uses = |listener: &Arc<Listener>| listener.settings().lists.iter().any(|l| **l == *list);
    listeners.filter(uses).collect()
}

fn add(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let (name, word) = (args.get(0), args.get(1));
    let payload = context.payload.filter(|payload| !payload.is_empty());
    if name.is_empty() || (word.is_empty() && payload.is_none()) {
        return reply.error("'add ssl crtlist' expects a filename and a certificate name");
    }
    let name = trimmed(name);
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    let made = entry(&mut state, &inventory.global, name, word, payload);
    let (entry, line) = match made {
        Ok(made) => made,
        Err(why) => return reply.error(&format!("Can't edit the crt-list: {why}")),
    };
    let mut changes = Vec::new();
    let mut text = format!(
        "Inserting certificate '{}' in crt-list '{name}'",
        entry.path
    );
    for listener in using(context.runtime, name) {
        let names = listener.names();
        let mut lines: Vec<CertificateLine> = names
            .lines()
            .iter()
            .map(|placed| placed.entry.clone())
            .collect();
        lines.push(line.clone());
        match listener.prepare(lines, &inventory.global, &mut state.store) {
            Ok(names) => changes.push(Change::Listener(listener.clone(), names)),
            Err(why) => {
                let place = place_of(context.runtime, &listener).unwrap_or_default();
                let _ = writeln!(text, ".\n{}\nFailed!", place.replace("{}", &why));
                return reply.plain(format_args!("{text}"));
            }
        }
        text.push('.');
    }
    changes.into_iter().for_each(Change::make);
    if let Some(list) = state.store.lists.get_mut(name) {
        list.entries.push(entry);
    }
    drop(state);
    engine::ocsp::follow(context.runtime);
    reply.plain(format_args!("{text}\nSuccess!\n"));
}

/// How a fault of a listening line is worded, with `{}` for the fault.
fn place_of(runtime: &Runtime, listener: &Arc<Listener>) -> Option<String> {
    runtime.all_proxies().iter().find_map(|proxy| {
        let mut binds = proxy.config.front.binds.iter();
        let bind =
            binds.find(|bind| bind.tls.as_ref().is_some_and(|t| Arc::ptr_eq(t, listener)))?;
        let (file, line) = &bind.origin;
        Some(format!(
            "Proxy '{}': {{}} for bind '{}' at [{file}:{line}].",
            proxy.config.name, bind.written
        ))
    })
}

/// A line to be added, with what it means for listening lines.
fn entry(
    state: &mut State,
    global: &GlobalSettings,
    name: &str,
    word: &str,
    payload: Option<&str>,
) -> Result<(Entry, CertificateLine), String> {
    let read = match payload {
        None => Entry::plain(word, 0),
        Some(payload) => {
            let payload = payload.trim_end_matches(['\n', '\r']);
            if payload.contains('\n') {
                return Err("only one line of payload is supported!".to_owned());
            }
            let parsed = read_line(payload, &mut |_| ());
            let parsed = parsed.map_err(|why| format!("parsing [CLI:1]: {why}"))?;
            parsed.unwrap_or_else(|| Entry::plain("#", 0))
        }
    };
    let list = state.store.lists.get(name);
    let list = list.ok_or_else(|| format!("crt-list '{name}' does not exist!"))?;
    let bare = read.options.is_empty() && read.filters.is_empty();
    if list.is_directory && !bare {
        return Err("this is a directory, SSL configuration, crt-store keywords and filters are not allowed".to_owned());
    }
    let serial = 1 + list
        .entries
        .iter()
        .map(|entry| entry.line)
        .max()
        .unwrap_or(0);
    if let Some(common) = &read.common {
        known_files(state, global, common)?;
    }
    // A certificate goes by the name that it was made with, too.
    let full = based(global.crt_base.as_deref(), &read.path);
    let path = match state.store.bundles.contains_key(&*full) {
        true => full,
        false
            if state.store.bundles.contains_key(&*read.path)
                && read.path.starts_with(['/', '@']) =>
        {
            read.path.clone()
        }
        false => return Err(format!("certificate '{full}' does not exist!")),
    };
    let bundle = state.store.placed(&path, Some(&read.files), global);
    let bundle = bundle.map_err(|error| match error {
        PlaceError::Load(why) => why,
        PlaceError::Differs(text) => {
            format!("'{path}' is already instantiated with incompatible parameters:\n {text}")
        }
    })?;
    if bundle.chain.is_empty() {
        return Err(format!("certificate '{path}' is empty!"));
    }
    let place: Arc<str> = name.into();
    let line = CertificateLine {
        bundle,
        common: read.common.clone(),
        filters: read.filters.clone(),
        default: false,
        list: Some((place, serial, new_place())),
    };
    let entry = Entry {
        path,
        line: serial,
        ..read
    };
    Ok((entry, line))
}

/// A place that no line of a list has had yet, and that lines of files don't come to.
fn new_place() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(usize::MAX / 2);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Whether the files that options name are there.
fn known_files(
    state: &State,
    global: &GlobalSettings,
    common: &tls::settings::Common,
) -> Result<(), String> {
    let base = global.ca_base.as_deref();
    for (option, file) in [
        ("ca-file", &common.ca_file),
        ("ca-verify-file", &common.ca_verify_file),
    ] {
        if let Some(file) = file
            && !state.store.authorities.contains_key(&*based(base, file))
            && !state.store.authorities.contains_key(file)
        {
            return Err(format!("'{option}' : unable to load {}", based(base, file)));
        }
    }
    match &common.crl_file {
        Some(file)
            if !state.store.revocations.contains_key(&*based(base, file))
                && !state.store.revocations.contains_key(file) =>
        {
            Err(format!("'crl-file' : unable to load {}", based(base, file)))
        }
        _ => Ok(()),
    }
}

fn del(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let (name, word) = (args.get(0), args.get(1));
    if name.is_empty() || word.is_empty() {
        return reply.error("'del ssl crtlist' expects a filename and a certificate name");
    }
    if let Err(why) = remove(context, trimmed(name), word) {
        return reply.error(&format!("Can't delete the entry: {why}"));
    }
    let path = word.rsplit_once(':').map_or(word, |(path, _)| path);
    reply.plain(format_args!(
        "Entry '{path}' deleted in crtlist '{}'!\n",
        trimmed(name)
    ));
}

fn remove(context: &Context<'_>, name: &str, word: &str) -> Result<(), String> {
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    let (path, number) = match word.rsplit_once(':') {
        None => (word, None),
        Some((path, number)) => match number.parse::<usize>() {
            Ok(number) => (path, Some(number)),
            Err(_) => return Err(format!("wrong line number after colons in '{word}'!")),
        },
    };
    let list = state.store.lists.get(name);
    let list = list.ok_or_else(|| format!("crt-list '{name}' does not exist!"))?;
    if !state.store.bundles.contains_key(path) {
        return Err(format!("certificate '{path}' does not exist!"));
    }
    let of_path = |entry: &&Entry| entry.path == path;
    let found: Vec<usize> = list
        .entries
        .iter()
        .filter(of_path)
        .map(|e| e.line)
        .collect();
    let lines: Vec<String> = found.iter().map(usize::to_string).collect();
    let line = match (&found[..], number) {
        ([], _) => {
            return Err(format!(
                "can't find the certificate '{path}' in the crt-list '{name}'!"
            ));
        }
        (found, Some(number)) if found.contains(&number) => number,
        (_, Some(_)) => {
            return Err(format!(
                "found a certificate '{path}' but the line number is incorrect, please specify a correct line number preceded by colons ({})!",
                lines.join(", ")
            ));
        }
        ([line], None) => *line,
        (_, None) => {
            return Err(format!(
                "found the certificate '{path}' in several entries, please specify a line number preceded by colons ({})!",
                lines.join(", ")
            ));
        }
    };
    let is_meant = |entry: &CertificateLine| {
        let list = entry.list.as_ref();
        &*entry.bundle.name == path
            && list.is_some_and(|(list, n, _)| **list == *name && *n == line)
    };
    let mut defaults = String::new();
    let mut changes = Vec::new();
    for listener in using(context.runtime, name) {
        let names = listener.names();
        let needed = names
            .lines()
            .iter()
            .any(|p| p.entry.default && is_meant(&p.entry));
        if needed && !listener.line.strict {
            let places = place_of(context.runtime, &listener).unwrap_or_default();
            let place = places.rsplit_once(" at [").map_or("", |(_, place)| place);
            let _ = writeln!(defaults, "\t- {}", place.trim_end_matches("]."));
        }
        let kept = names.lines().iter().map(|placed| placed.entry.clone());
        let kept = kept.filter(|entry| !is_meant(entry)).collect();
        let names = listener.prepare(kept, &inventory.global, &mut state.store)?;
        changes.push(Change::Listener(listener.clone(), names));
    }
    if !defaults.is_empty() {
        return Err(format!(
            "certificate '{path}' cannot be deleted, it is used as default certificate by the following frontends:\n{defaults}"
        ));
    }
    changes.into_iter().for_each(Change::make);
    if let Some(list) = state.store.lists.get_mut(name) {
        let at = list
            .entries
            .iter()
            .position(|e| e.path == path && e.line == line);
        at.map(|at| list.entries.remove(at));
    }
    Ok(())
}
