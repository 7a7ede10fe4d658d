//! TLS options of server lines.

use super::certificates;
use crate::parse::Parsed;
use crate::parse::families::server::{ServerLine, name_expression};
use crate::parse::options::{Cursor, OptionRow};
use std::sync::Arc;
use tls::store::based;

type Read<'a, 'b, 'c, 'd> = &'a mut Cursor<'b, 'c, 'd>;

/// The options.
pub const OPTIONS: &[OptionRow<ServerLine>] = &[
    flag("ssl", "TLS to the server."),
    flag("no-ssl", "No TLS to the server."),
    shared(
        "allow-0rtt",
        0,
        "Requests are sent as early data where they may be.",
    ),
    shared("alpn", 1, "Application protocols, the preferred first."),
    shared(
        "ca-file",
        1,
        "Authorities that the server's certificate is checked with.",
    ),
    OptionRow {
        name: "check-alpn",
        args: 1,
        doc: "Application protocols of checks.",
        read: check_alpn,
    },
    OptionRow {
        name: "check-sni",
        args: 1,
        doc: "The name that checks ask for.",
        read: check_sni,
    },
    flag("check-ssl", "Checks speak TLS."),
    shared(
        "ciphers",
        1,
        "Ciphers of TLS 1.2, as an OpenSSL cipher string.",
    ),
    shared("ciphersuites", 1, "Ciphers of TLS 1.3."),
    shared("client-sigalgs", 1, "Signatures that are made here."),
    shared("crl-file", 1, "Revocation lists."),
    OptionRow {
        name: "crt",
        args: 1,
        doc: "The certificate to show to the server.",
        read: crt,
    },
    shared("curves", 1, "Groups for the key exchange."),
    shared("force-sslv3", 0, "Only SSLv3."),
    shared("force-tlsv10", 0, "Only TLS 1.0."),
    shared("force-tlsv11", 0, "Only TLS 1.1."),
    shared("force-tlsv12", 0, "Only TLS 1.2."),
    shared("force-tlsv13", 0, "Only TLS 1.3."),
    shared("ktls", 1, "TLS in the kernel, which is not done here."),
    flag(
        "no-check-sni-auto",
        "Checks ask for no name of their own accord.",
    ),
    flag("no-check-ssl", "Checks do not speak TLS."),
    flag("no-renegotiate", "No renegotiation, which is never done."),
    flag(
        "no-sni-auto",
        "The Host header says nothing about the name asked for.",
    ),
    flag("no-ssl-reuse", "Sessions are not taken up again."),
    shared("no-sslv3", 0, "No SSLv3."),
    flag("no-tls-tickets", "No session tickets."),
    shared("no-tlsv10", 0, "No TLS 1.0."),
    shared("no-tlsv11", 0, "No TLS 1.1."),
    shared("no-tlsv12", 0, "No TLS 1.2."),
    shared("no-tlsv13", 0, "No TLS 1.3."),
    OptionRow {
        name: "no-verifyhost",
        args: 0,
        doc: "No name is checked.",
        read: |line, _| {
            line.draft.tls.verify_host = None;
            Ok(())
        },
    },
    shared("npn", 1, "What ALPN has taken the place of."),
    flag("renegotiate", "Renegotiation, which is never done."),
    shared("sigalgs", 1, "Signatures that the server may make."),
    OptionRow {
        name: "sni",
        args: 1,
        doc: "The name to ask for.",
        read: sni,
    },
    flag(
        "check-sni-auto",
        "Checks ask for the name in their request's Host header.",
    ),
    flag("sni-auto", "The name in the Host header is asked for."),
    shared("ssl-max-ver", 1, "The newest protocol version."),
    shared("ssl-min-ver", 1, "The oldest protocol version."),
    flag("ssl-reuse", "Sessions are taken up again."),
    flag("tls-tickets", "Session tickets."),
    OptionRow {
        name: "verify",
        args: 1,
        doc: "Whether the server's certificate is checked.",
        read: verify,
    },
    OptionRow {
        name: "verifyhost",
        args: 1,
        doc: "The name that the server's certificate must be for.",
        read: verify_host,
    },
];

const fn shared(name: &'static str, args: i8, doc: &'static str) -> OptionRow<ServerLine> {
    OptionRow {
        name,
        args,
        doc,
        read: common,
    }
}

const fn flag(name: &'static str, doc: &'static str) -> OptionRow<ServerLine> {
    OptionRow {
        name,
        args: 0,
        doc,
        read: set_flag,
    }
}

fn set_flag(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let (draft, option) = (&mut line.draft, cursor.option());
    let (name, on) = match option.strip_prefix("no-") {
        Some(name) => (name, false),
        None => (option, true),
    };
    match name {
        "ssl" => {
            draft.tls.switchable = draft.tls.enabled && !on;
            draft.tls.enabled = on;
        }
        "check-ssl" => draft.tls.check = Some(on),
        "check-sni-auto" => draft.check_sni_auto = Some(on),
        "sni-auto" => draft.sni_auto = Some(on),
        "ssl-reuse" => draft.tls.reuse = Some(on),
        "tls-tickets" => draft.tls.tickets = Some(on),
        "renegotiate" if on => {
            let statement = cursor.statement;
            cursor.parser.notice_once(
                statement,
                "'renegotiate' has no effect: TLS 1.3 has no renegotiation, and TLS 1.2 goes without.",
            );
        }
        _ => {}
    }
    Ok(())
}

fn common(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let name = cursor.option();
    let value = match tls::options::arity(name) {
        Some(1) => cursor.value(super::bind::missing(name))?,
        _ => "",
    };
    let warning = tls::options::apply(&mut line.draft.tls.common, name, value)
        .map_err(|why| certificates::fault(cursor, name, &format!("{why}.")))?;
    if let Some(warning) = warning {
        let statement = cursor.statement;
        let message = format!("'{name}' : {warning}");
        cursor.parser.notice_once(statement, message);
    }
    certificates::check_files(cursor, name, value)
}

fn verify(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let method = cursor.value(": missing verify method")?;
    line.draft.tls.common.verify = match tls::words::verify(method) {
        Some(tls::settings::Verify::Optional) | None => {
            return Err(cursor.option_fault(format!(
                ": unknown verify method '{method}', only 'none' and 'required' are supported."
            )));
        }
        found => found,
    };
    Ok(())
}

fn verify_host(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.tls.verify_host = Some(
        cursor
            .value(": missing hostname to verify against.")?
            .into(),
    );
    Ok(())
}

fn crt(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let path: Arc<str> = cursor.value(": missing certificate file path")?.into();
    let global = &cursor.parser.global.tls;
    let full = based(global.crt_base.as_deref(), &path);
    if let Err(why) = cursor.parser.certificates.bundle(&full, global) {
        return Err(cursor.fault(why));
    }
    line.draft.tls.certificate = Some(path);
    Ok(())
}

fn sni(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.sni = Some(name_expression(cursor, ": missing sni expression.")?);
    Ok(())
}

fn check_sni(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check_sni = Some(cursor.value(": missing SNI.")?.into());
    Ok(())
}

fn check_alpn(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let text = cursor.value(": missing the comma-delimited ALPN protocol suite.")?;
    let list = tls::words::alpn(text).map_err(|why| cursor.option_fault(format!(": {why}.")))?;
    line.draft.check_alpn = Some(list);
    Ok(())
}
