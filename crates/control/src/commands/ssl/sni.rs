//! `show ssl sni`: which certificate each name gets.

use super::row;
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tls::certificate::seconds;
use tls::{Kind, Listener, Shown};

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["show", "ssl", "sni"],
        Level::Operator,
        "[-f <frontend>] [-A] [-t <offset>]",
        "list the names that clients may ask for with their certificates",
        show,
    ),
    row(
        &["show", "ssl", "providers"],
        Level::Operator,
        "",
        "name what does the cryptography",
        providers,
    ),
];

fn providers(_: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    reply.plain(format_args!("Loaded providers : \n\t- default\n"));
}

/// Which names are wanted.
#[derive(Debug, Default)]
struct Wanted<'a> {
    frontend: Option<&'a str>,
    /// Only certificates that are not valid at this moment any more, in seconds since 1970.
    until: Option<i64>,
}

fn wanted(args: Args<'_>) -> Result<Wanted<'_>, String> {
    let mut wanted = Wanted::default();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0);
    let mut words = args
        .0
        .iter()
        .map(String::as_str)
        .filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match word {
            "-A" => wanted.until = Some(now),
            "-f" => {
                let name = words.next().ok_or("'-f' requires a frontend name!")?;
                wanted.frontend = Some(name);
            }
            "-t" => {
                let offset = words.next().ok_or("'-t' requires an offset argument!")?;
                let offset = base::units::parse_duration(offset, base::units::TimeUnit::Second)
                    .map_err(|_| format!("'{offset}' is not a valid offset!"))?;
                let seconds = i64::try_from(offset.as_secs()).unwrap_or(i64::MAX / 2);
                wanted.until = Some(now + seconds);
            }
            _ => {
                return Err(
                    "Invalid parameters, 'show ssl sni' only supports '-f', '-A' or '-t' options!"
                        .to_owned(),
                );
            }
        }
    }
    Ok(wanted)
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let wanted = match wanted(args) {
        Ok(wanted) => wanted,
        Err(why) => return reply.error(&why),
    };
    let mut text = String::from(
        "# Frontend/Bind\tSNI\tNegative Filter\tType\tFilename\tNotAfter\tNotBefore\n",
    );
    let proxies = context.runtime.all_proxies();
    // A frontend that is not there does not narrow the list.
    let named = wanted
        .frontend
        .filter(|name| proxies.iter().any(|proxy| *proxy.config.name == **name));
    for proxy in proxies.iter() {
        if named.is_some_and(|name| *proxy.config.name != *name) {
            continue;
        }
        let mut last: Option<&Arc<Listener>> = None;
        for bind in &proxy.config.front.binds {
            let Some(listener) = &bind.tls else { continue };
            if last.is_some_and(|last| Arc::ptr_eq(last, listener)) {
                continue;
            }
            last = Some(listener);
            let (file, line) = &bind.origin;
            let place = format!("{}/{file}:{line}", proxy.config.name);
            for shown in listener.names().shown() {
                show_name(&mut text, &place, &shown, wanted.until);
            }
        }
    }
    reply.plain(format_args!("{text}"));
}

fn show_name(out: &mut String, place: &str, shown: &Shown<'_>, until: Option<i64>) {
    let bundle = &shown.placed.instance.bundle;
    let Some(leaf) = bundle.leaf() else { return };
    let [from, end] = leaf.validity;
    if until.is_some_and(|until| seconds(end).is_some_and(|end| end > until)) {
        return;
    }
    let kind = match bundle.kind() {
        Kind::Rsa => "rsa",
        Kind::Ecdsa if leaf.key_algorithm == tls::certificate::oid::EC => "ecdsa",
        Kind::Ecdsa | Kind::Other => "dsa",
    };
    let filters = shown.placed.entry.filters.iter();
    let mut negative: String = filters
        .filter(|filter| shown.name.starts_with(b"*") && filter.starts_with('!'))
        .map(|filter| format!("{filter} "))
        .collect();
    if negative.is_empty() {
        negative.push('-');
    }
    let name = String::from_utf8_lossy(&shown.name);
    let (end, from) = (tls::text::time(end), tls::text::time(from));
    let _ = writeln!(
        out,
        "{place}\t{name}\t{negative}\t{kind}\t{}\t{end}\t{from}",
        bundle.name
    );
}
