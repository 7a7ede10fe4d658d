//! TLS options of `bind` lines.

use super::certificates;
use crate::parse::Parsed;
use crate::parse::families::bind::BindLine;
use crate::parse::options::{Cursor, OptionRow};
use std::sync::Arc;
use tls::settings::BindSettings;

type Read<'a, 'b, 'c, 'd> = &'a mut Cursor<'b, 'c, 'd>;

/// The options.
pub const OPTIONS: &[OptionRow<BindLine>] = &[
    flag("ssl", "TLS on this line."),
    shared("allow-0rtt", 0, "Early data is accepted."),
    shared("alpn", 1, "Application protocols, the preferred first."),
    shared(
        "ca-file",
        1,
        "Authorities that clients' certificates are checked with.",
    ),
    OptionRow {
        name: "ca-ignore-err",
        args: 1,
        doc: "Errors of authorities that are ignored.",
        read: |line, cursor| ignored(line, cursor, true),
    },
    OptionRow {
        name: "ca-sign-file",
        args: 1,
        doc: "The authority that signs generated certificates.",
        read: sign_file,
    },
    OptionRow {
        name: "ca-sign-pass",
        args: 1,
        doc: "The passphrase of that authority's key.",
        read: sign_pass,
    },
    shared(
        "ca-verify-file",
        1,
        "Authorities to check with whose names are not sent.",
    ),
    shared(
        "ciphers",
        1,
        "Ciphers of TLS 1.2, as an OpenSSL cipher string.",
    ),
    shared("ciphersuites", 1, "Ciphers of TLS 1.3."),
    shared("client-sigalgs", 1, "Signatures that clients may make."),
    shared("crl-file", 1, "Revocation lists."),
    OptionRow {
        name: "crt",
        args: 1,
        doc: "A certificate with its key, or a directory of such.",
        read: |line, cursor| crt(line, cursor, false),
    },
    OptionRow {
        name: "crt-ignore-err",
        args: 1,
        doc: "Errors of clients' certificates that are ignored.",
        read: |line, cursor| ignored(line, cursor, false),
    },
    OptionRow {
        name: "crt-list",
        args: 1,
        doc: "A list of certificates with options and names.",
        read: crt_list,
    },
    shared("curves", 1, "Groups for the key exchange."),
    OptionRow {
        name: "default-crt",
        args: 1,
        doc: "The certificate for clients that ask for no name or an unknown one.",
        read: |line, cursor| crt(line, cursor, true),
    },
    shared("ecdhe", 1, "A group for the key exchange."),
    shared("force-sslv3", 0, "Only SSLv3."),
    shared("force-tlsv10", 0, "Only TLS 1.0."),
    shared("force-tlsv11", 0, "Only TLS 1.1."),
    shared("force-tlsv12", 0, "Only TLS 1.2."),
    shared("force-tlsv13", 0, "Only TLS 1.3."),
    flag(
        "generate-certificates",
        "Certificates are made for names that have none.",
    ),
    shared("ktls", 1, "TLS in the kernel, which is not done here."),
    shared("no-alpn", 0, "No application protocols."),
    shared("no-ca-names", 0, "Names of authorities are not sent."),
    shared("no-sslv3", 0, "No SSLv3."),
    flag(
        "no-strict-sni",
        "Unknown names get the default certificate.",
    ),
    flag("no-tls-tickets", "Sessions are kept here only."),
    shared("no-tlsv10", 0, "No TLS 1.0."),
    shared("no-tlsv11", 0, "No TLS 1.1."),
    shared("no-tlsv12", 0, "No TLS 1.2."),
    shared("no-tlsv13", 0, "No TLS 1.3."),
    shared("npn", 1, "What ALPN has taken the place of."),
    flag("prefer-client-ciphers", "Clients choose the cipher."),
    shared("sigalgs", 1, "Signatures that are made here."),
    shared("ssl-max-ver", 1, "The newest protocol version."),
    shared("ssl-min-ver", 1, "The oldest protocol version."),
    flag("strict-sni", "Unknown names are refused."),
    flag("tls-tickets", "Sessions are kept by clients, in tickets."),
    OptionRow {
        name: "tls-ticket-keys",
        args: 1,
        doc: "A file with the keys of tickets.",
        read: ticket_keys,
    },
    shared("verify", 1, "Whether clients need a certificate."),
];

const fn shared(name: &'static str, args: i8, doc: &'static str) -> OptionRow<BindLine> {
    OptionRow {
        name,
        args,
        doc,
        read: common,
    }
}

const fn flag(name: &'static str, doc: &'static str) -> OptionRow<BindLine> {
    OptionRow {
        name,
        args: 0,
        doc,
        read: set_flag,
    }
}

/// Takes over what the process says of all lines at this place of the file.
pub fn take_defaults(parser: &crate::parse::Parser<'_>, line: &mut BindLine) {
    if line.bind.tls_settings.enabled {
        settings(line).defaults = parser.global.tls.bind.clone();
    }
}

fn settings(line: &mut BindLine) -> &mut BindSettings {
    Arc::make_mut(&mut line.bind.tls_settings)
}

fn set_flag(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let settings = settings(line);
    match cursor.option() {
        "ssl" => settings.enabled = true,
        "generate-certificates" => settings.generate = true,
        "strict-sni" => settings.strict_sni = Some(true),
        "no-strict-sni" => settings.strict_sni = Some(false),
        "tls-tickets" => settings.tickets = Some(true),
        "no-tls-tickets" => settings.tickets = Some(false),
        _ => settings.prefer_client_ciphers = true,
    }
    Ok(())
}

/// An option that lines of crt-lists and servers have as well.
fn common(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let name = cursor.option();
    let value = match tls::options::arity(name) {
        Some(1) => cursor.value(missing(name))?,
        _ => "",
    };
    let warning = tls::options::apply(&mut settings(line).common, name, value)
        .map_err(|why| certificates::fault(cursor, name, &why))?;
    if let Some(warning) = warning {
        let statement = cursor.statement;
        let message = format!("'{name}' : {warning}");
        cursor.parser.notice_once(statement, message);
    }
    certificates::check_files(cursor, name, value)
}

/// What HAProxy says when a value is missing.
pub(super) fn missing(name: &str) -> &'static str {
    match name {
        "alpn" => ": missing the comma-delimited ALPN protocol suite",
        "npn" => ": missing the comma-delimited NPN protocol suite",
        "ca-file" | "ca-verify-file" => ": missing CAfile path",
        "crl-file" => ": missing CRLfile path",
        "ciphers" | "ciphersuites" => ": missing cipher suite",
        "curves" | "ecdhe" => ": missing curve suite",
        "sigalgs" | "client-sigalgs" => ": missing signature algorithm list",
        "ssl-min-ver" | "ssl-max-ver" => ": missing the ssl/tls version",
        "verify" => ": missing verify method",
        _ => ": missing value",
    }
}

fn ignored(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>, authorities: bool) -> Parsed {
    let list = cursor.value(": missing error IDs list")?;
    let set = tls::words::ignored(list).map_err(|word| {
        cursor.option_fault(format!(
            ": error constant '{word}' unknown in error IDs list '{list}'"
        ))
    })?;
    match authorities {
        true => settings(line).ca_ignored = set,
        false => settings(line).ignored = set,
    }
    Ok(())
}

fn crt(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>, default: bool) -> Parsed {
    let path = cursor.value(": missing certificate location")?;
    let (lines, list) =
        certificates::load(cursor.parser, path, default).map_err(|why| cursor.fault(why))?;
    let settings = settings(line);
    settings.lines.extend(lines);
    settings.lists.extend(list);
    Ok(())
}

fn crt_list(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let path = cursor.value(": missing certificate location")?;
    let lines = certificates::load_list(cursor, path)?;
    let settings = settings(line);
    settings.lines.extend(lines);
    settings.lists.push(path.into());
    Ok(())
}

fn ticket_keys(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let path = cursor.value(": missing TLS ticket keys file path")?;
    let keys =
        certificates::ticket_keys(path).map_err(|why| cursor.fault(format!("'{path}' : {why}")))?;
    let settings = settings(line);
    settings.ticket_keys = Some(Arc::new(keys));
    Ok(())
}

fn sign_file(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let path = cursor.value(": missing CAfile path")?;
    settings(line).sign_file = Some(path.into());
    Ok(())
}

fn sign_pass(line: &mut BindLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let passphrase = cursor.value(": missing CAkey password")?;
    settings(line).sign_pass = Some(passphrase.into());
    Ok(())
}
