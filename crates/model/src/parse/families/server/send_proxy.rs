//! Server options about the PROXY protocol header that connections start with.

use super::ServerLine;
use crate::parse::Parsed;
use crate::parse::options::{Cursor, OptionRow};
use crate::server::SendProxy;
use expr::{LogFormat, Phases};
use std::sync::Arc;

type Read<'a, 'b, 'c, 'd> = &'a mut Cursor<'b, 'c, 'd>;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[
    OptionRow {
        name: "no-send-proxy",
        args: 0,
        doc: "No PROXY protocol version 1.",
        read: |s, _| without(s, 1),
    },
    OptionRow {
        name: "no-send-proxy-v2",
        args: 0,
        doc: "No PROXY protocol version 2.",
        read: |s, _| without(s, 2),
    },
    OptionRow {
        name: "no-send-proxy-v2-ssl",
        args: 0,
        doc: "No PROXY protocol version 2 with TLS facts.",
        read: |s, _| without_ssl(s),
    },
    OptionRow {
        name: "no-send-proxy-v2-ssl-cn",
        args: 0,
        doc: "No PROXY protocol version 2 with TLS facts.",
        read: |s, _| without_ssl(s),
    },
    OptionRow {
        name: "proxy-v2-options",
        args: 1,
        doc: "What goes into a version 2 header.",
        read: options,
    },
    OptionRow {
        name: "send-proxy",
        args: 0,
        doc: "PROXY protocol version 1.",
        read: |s, _| with(s, 1, &[]),
    },
    OptionRow {
        name: "send-proxy-v2",
        args: 0,
        doc: "PROXY protocol version 2.",
        read: |s, _| with(s, 2, &[]),
    },
    OptionRow {
        name: "send-proxy-v2-ssl",
        args: 0,
        doc: "PROXY protocol version 2 with TLS facts.",
        read: |s, _| with(s, 2, &["ssl"]),
    },
    OptionRow {
        name: "send-proxy-v2-ssl-cn",
        args: 0,
        doc: "PROXY protocol version 2 with TLS facts and the certificate's name.",
        read: |s, _| with(s, 2, &["ssl", "cert-cn"]),
    },
    OptionRow {
        name: "set-proxy-v2-tlv-fmt",
        args: -1,
        doc: "Adds a value to a version 2 header.",
        read: tlv,
    },
];

fn settings(line: &mut ServerLine) -> &mut SendProxy {
    Arc::make_mut(line.draft.send_proxy.get_or_insert_default())
}

fn with(line: &mut ServerLine, version: u8, facts: &[&str]) -> Parsed {
    let settings = settings(line);
    // Version 2 stays once it was asked for.
    settings.version = settings.version.max(version);
    for fact in facts {
        add_fact(settings, fact);
    }
    Ok(())
}

fn add_fact(settings: &mut SendProxy, fact: &str) {
    if !settings.ssl.iter().any(|known| &**known == fact) {
        settings.ssl.push(fact.into());
    }
}

fn without(line: &mut ServerLine, version: u8) -> Parsed {
    let settings = settings(line);
    if settings.version == version {
        settings.version = 0;
    }
    Ok(())
}

fn without_ssl(line: &mut ServerLine) -> Parsed {
    settings(line).ssl.clear();
    without(line, 2)
}

fn options(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let settings = settings(line);
    for option in cursor.word().split(',') {
        match option {
            "crc32c" => settings.crc32c = true,
            "unique-id" => settings.unique_id = true,
            "authority" => settings.authority = true,
            "ssl" => add_fact(settings, "ssl"),
            "cert-cn" | "ssl-cipher" | "cert-sig" | "cert-key" => {
                add_fact(settings, "ssl");
                add_fact(settings, option);
            }
            _ => {
                let known = [
                    "crc32c",
                    "unique-id",
                    "authority",
                    "ssl",
                    "cert-cn",
                    "ssl-cipher",
                    "cert-sig",
                    "cert-key",
                ];
                let fault = cursor.fault(format!("'{option}' : proxy v2 option not implemented."));
                return Err(fault.hint(format!("the options are {}", known.join(", "))));
            }
        }
    }
    Ok(())
}

/// `set-proxy-v2-tlv-fmt(<id>) <fmt>`.
fn tlv(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let kind = tlv_kind(cursor.option()).map_err(|why| cursor.option_fault(format!(": {why}")))?;
    let text = cursor.value(": expects a format as argument.")?;
    let statement = cursor.statement;
    let format = cursor
        .parser
        .in_context(statement, Phases::SERVER_SOURCE, |ctx| {
            LogFormat::parse(text, expr::logformat::Usage::RAW, ctx)
        });
    let format = format.map_err(|why| cursor.option_fault(format!(": {why}")))?;
    settings(line).tlvs.push((kind, Arc::new(format)));
    Ok(())
}

fn tlv_kind(option: &str) -> Result<u8, &'static str> {
    let text = option
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    let text = text.ok_or("the TLV ID is missing, as in set-proxy-v2-tlv-fmt(0xE0).")?;
    let number = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse::<u64>(),
    };
    let number = number.map_err(|_| "could not convert TLV ID.")?;
    u8::try_from(number).map_err(|_| "the maximum allowed TLV ID is 255.")
}
