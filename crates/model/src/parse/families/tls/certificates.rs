//! Reading certificate files while the configuration is read, so that a fault shows the line that names them.

use crate::parse::options::Cursor;
use crate::parse::{Fault, Parsed, Parser};
use config::Severity;
use std::path::Path;
use std::sync::Arc;
use tls::crtlist::{Entry, List};
use tls::settings::{CertificateLine, TicketKeys};
use tls::store::{PlaceError, based};

/// A fault of an option, in HAProxy's shape.
pub(super) fn fault(cursor: &Cursor<'_, '_, '_>, name: &str, why: &str) -> Fault {
    match why.starts_with("unable to set") || why.contains("' : unknown ssl") {
        true => cursor.fault(why),
        false => cursor.fault(format!("'{name}' : {why}")),
    }
}

/// Reads the file of an option that names one, so that it is known to be good.
pub(super) fn check_files(cursor: &mut Cursor<'_, '_, '_>, name: &str, path: &str) -> Parsed {
    let based = based(cursor.parser.global.tls.ca_base.as_deref(), path);
    let store = &mut cursor.parser.certificates;
    let read = match name {
        "ca-file" | "ca-verify-file" => store.authorities(&based).map(drop),
        "crl-file" => store.revocations(&based).map(drop),
        _ => return Ok(()),
    };
    read.map_err(|why| {
        cursor
            .fault(format!("'{name}' : unable to load {based}"))
            .hint(why)
    })
}

/// What may be wrong with a `crt`, in HAProxy's shape.
fn misplaced(path: &str, error: PlaceError) -> String {
    match error {
        PlaceError::Load(why) => why,
        PlaceError::Differs(text) => {
            let text = format!(
                "Can't load '{path}', is already defined with incompatible parameters:\n {text}"
            );
            indented(&text)
        }
    }
}

/// A message of several lines, below what it is about.
fn indented(text: &str) -> String {
    let lines = text.trim_end().lines();
    lines.map(|line| format!("\n  {line}")).collect()
}

/// Reads what a `crt` names: a file, several that belong together, or a directory, which is a list.
pub(super) fn load(
    parser: &mut Parser<'_>,
    path: &str,
    default: bool,
) -> Result<(Vec<CertificateLine>, Option<Arc<str>>), String> {
    let global = &parser.global.tls;
    let path = based(global.crt_base.as_deref(), path);
    let store = &mut parser.certificates;
    let line = |bundle, list| CertificateLine {
        bundle,
        common: None,
        filters: Vec::new(),
        default,
        list,
    };
    if !store.bundles.contains_key(&*path) && Path::new(&path).is_dir() {
        let name: Arc<str> = path.as_str().into();
        let (mut lines, mut entries) = (Vec::new(), Vec::new());
        for file in tls::store::directory(&path)? {
            let Ok(file) = file.into_os_string().into_string() else {
                continue;
            };
            let bundle = store
                .placed(&file, None, global)
                .map_err(|error| misplaced(&file, error))?;
            lines.push(line(bundle, Some((name.clone(), 0, entries.len()))));
            entries.push(Entry::plain(&file, 0));
        }
        let list = List {
            is_directory: true,
            entries,
        };
        store.lists.insert(name.clone(), list);
        return Ok((lines, Some(name)));
    }
    let mut lines = Vec::new();
    for file in store.variants(&path, global) {
        let bundle = store
            .placed(&file, None, global)
            .map_err(|error| misplaced(&file, error))?;
        lines.push(line(bundle, None));
    }
    Ok((lines, None))
}

/// Reads a crt-list and the certificates that it names.
pub(super) fn load_list(
    cursor: &mut Cursor<'_, '_, '_>,
    path: &str,
) -> Parsed<Vec<CertificateLine>> {
    let text = std::fs::read(path).map_err(|error| {
        let why = error.to_string();
        let why = why.split(" (os error").next().unwrap_or_default();
        cursor.option_fault(format!(": cannot open file '{path}' : {why}"))
    })?;
    let mut warnings = Vec::new();
    let entries = tls::crtlist::read(&text, &mut |line, text| warnings.push((line, text)));
    for (line, text) in warnings {
        let message = format!("crt-list '{path}' line {line} : {text}");
        let diagnostic = config::Diagnostic::global(Severity::Notice, message, false);
        cursor.parser.diagnostics.push(diagnostic);
    }
    let entries = entries.map_err(|error| {
        cursor.option_fault(format!(": parsing [{path}:{}]: {}", error.line, error.what))
    })?;
    let list: Arc<str> = path.into();
    let (mut lines, mut kept) = (Vec::new(), Vec::new());
    for entry in entries {
        place_entry(cursor.parser, &list, entry, &mut lines, &mut kept).map_err(|fault| {
            let (entry, fault) = *fault;
            match fault {
                PlaceError::Load(why) => cursor.option_fault(format!(
                    ": {why} (line {} of '{path}')",
                    entry.line
                )),
                PlaceError::Differs(text) => {
                    let text = format!(
                        "'crt-list' : '{}' in crt-list '{path}' line {}, is already defined with incompatible parameters:\n {text}",
                        entry.path, entry.line
                    );
                    cursor.fault(indented(&text))
                }
            }
        })?;
    }
    let known = List {
        is_directory: false,
        entries: kept,
    };
    cursor.parser.certificates.lists.insert(list, known);
    Ok(lines)
}

/// Reads the certificates of a list's line, which may be several of different key types.
pub(super) fn place_entry(
    parser: &mut Parser<'_>,
    list: &Arc<str>,
    entry: Entry,
    lines: &mut Vec<CertificateLine>,
    kept: &mut Vec<Entry>,
) -> Result<(), Box<(Entry, PlaceError)>> {
    if let Some(common) = &entry.common
        && let Err(why) = check_common(parser, common)
    {
        return Err(Box::new((entry, PlaceError::Load(why))));
    }
    let global = &parser.global.tls;
    let path = based(global.crt_base.as_deref(), &entry.path);
    let store = &mut parser.certificates;
    for file in store.variants(&path, global) {
        let entry = Entry {
            path: file.clone(),
            ..entry.clone()
        };
        match store.placed(&file, Some(&entry.files), global) {
            Ok(bundle) => lines.push(CertificateLine {
                bundle,
                common: entry.common.clone(),
                filters: entry.filters.clone(),
                default: false,
                list: Some((list.clone(), entry.line, kept.len())),
            }),
            Err(error) => return Err(Box::new((entry, error))),
        }
        kept.push(entry);
    }
    Ok(())
}

/// Reads the files that the options of a list's line name.
fn check_common(parser: &mut Parser<'_>, common: &tls::settings::Common) -> Result<(), String> {
    let base = parser.global.tls.ca_base.clone();
    for path in [&common.ca_file, &common.ca_verify_file]
        .into_iter()
        .flatten()
    {
        parser
            .certificates
            .authorities(&based(base.as_deref(), path))?;
    }
    if let Some(path) = &common.crl_file {
        parser
            .certificates
            .revocations(&based(base.as_deref(), path))?;
    }
    Ok(())
}

/// Reads a file of ticket keys: at least one line of base64 with 48 or 80 bytes.
pub(super) fn ticket_keys(path: &str) -> Result<TicketKeys, String> {
    let text = std::fs::read(path).map_err(|_| "unable to load ssl tickets keys file")?;
    let mut keys = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let key = tls::pem::decode_base64(line).filter(|key| matches!(key.len(), 48 | 80));
        keys.push(
            key.ok_or_else(|| format!("unable to decode base64 key line {}", keys.len() + 1))?,
        );
    }
    match keys.len() {
        0 => Err("no key in the file".to_owned()),
        _ => TicketKeys::new(path, keys),
    }
}
