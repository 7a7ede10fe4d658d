//! Process-wide TLS settings.

use crate::parse::options::leading_integer;
use crate::parse::{ANY, Fault, Parsed, Parser, Read, Row, Statement};
use std::sync::Arc;
use tls::settings::{Common, ExtraFiles, GlobalSettings, Verify};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    row("ca-base", 1, "Where authorities' files are.", |p, s| {
        base(p, s)
    }),
    row("crt-base", 1, "Where certificates' files are.", |p, s| {
        base(p, s)
    }),
    row("key-base", 1, "Where keys' files are.", base),
    row(
        "issuers-chain-path",
        1,
        "A directory with issuers to complete chains with.",
        issuers,
    ),
    row(
        "ssl-default-bind-ciphers",
        1,
        "Ciphers of 'bind' lines.",
        shared,
    ),
    row(
        "ssl-default-bind-ciphersuites",
        1,
        "TLS 1.3 ciphers of 'bind' lines.",
        shared,
    ),
    row(
        "ssl-default-bind-client-sigalgs",
        1,
        "Clients' signatures on 'bind' lines.",
        shared,
    ),
    row(
        "ssl-default-bind-curves",
        1,
        "Groups of 'bind' lines.",
        shared,
    ),
    row(
        "ssl-default-bind-options",
        ANY,
        "Other options of 'bind' lines.",
        options,
    ),
    row(
        "ssl-default-bind-sigalgs",
        1,
        "Signatures of 'bind' lines.",
        shared,
    ),
    row(
        "ssl-default-server-ciphers",
        1,
        "Ciphers of 'server' lines.",
        shared,
    ),
    row(
        "ssl-default-server-ciphersuites",
        1,
        "TLS 1.3 ciphers of 'server' lines.",
        shared,
    ),
    row(
        "ssl-default-server-client-sigalgs",
        1,
        "Own signatures on 'server' lines.",
        shared,
    ),
    row(
        "ssl-default-server-curves",
        1,
        "Groups of 'server' lines.",
        shared,
    ),
    row(
        "ssl-default-server-options",
        ANY,
        "Other options of 'server' lines.",
        options,
    ),
    row(
        "ssl-default-server-sigalgs",
        1,
        "Signatures of 'server' lines.",
        shared,
    ),
    row(
        "ssl-dh-param-file",
        1,
        "Parameters of a key exchange that is not offered.",
        no_dh,
    ),
    row(
        "ssl-load-extra-del-ext",
        0,
        "'.crt' is cut off to find files beside it.",
        |p, _| {
            settings(p).drop_extension = true;
            Ok(())
        },
    ),
    row(
        "ssl-load-extra-files",
        ANY,
        "Which files beside a certificate's are read.",
        extra_files,
    ),
    row("ssl-engine", ANY, "An engine of OpenSSL.", refuse_engine),
    row(
        "ssl-mode-async",
        0,
        "Engines that work elsewhere.",
        no_engine,
    ),
    row(
        "ssl-passphrase-cmd",
        ANY,
        "A command that prints the passphrase of a key.",
        passphrase,
    ),
    row(
        "ssl-propquery",
        1,
        "Properties of OpenSSL's providers.",
        no_engine,
    ),
    row("ssl-provider", 1, "A provider of OpenSSL.", no_engine),
    row(
        "ssl-provider-path",
        1,
        "Where OpenSSL's providers are.",
        no_engine,
    ),
    row(
        "ssl-security-level",
        1,
        "OpenSSL's security level.",
        security_level,
    ),
    row(
        "ssl-server-verify",
        1,
        "Whether servers' certificates are checked.",
        server_verify,
    ),
    row(
        "ssl-skip-self-issued-ca",
        0,
        "Roots are left out of chains that are sent.",
        |p, _| {
            settings(p).skip_self_issued = true;
            Ok(())
        },
    ),
    row(
        "tune.ssl.cachesize",
        1,
        "Sessions that are remembered.",
        figures,
    ),
    row(
        "tune.ssl.capture-buffer-size",
        1,
        "Bytes of a ClientHello that are kept.",
        figures,
    ),
    row(
        "tune.ssl.capture-cipherlist-size",
        1,
        "Older form of 'tune.ssl.capture-buffer-size'.",
        figures,
    ),
    row(
        "tune.ssl.default-dh-param",
        1,
        "The size of a key exchange that is not offered.",
        no_dh,
    ),
    row(
        "tune.ssl.force-private-cache",
        0,
        "Every process has a cache of its own.",
        |_, _| Ok(()),
    ),
    row(
        "tune.ssl.hard-maxrecord",
        1,
        "The largest record, whatever happens.",
        figures,
    ),
    row(
        "tune.ssl.keylog",
        1,
        "Whether secrets are kept for fetches.",
        keylog,
    ),
    row(
        "tune.ssl.lifetime",
        1,
        "How long sessions are remembered.",
        lifetime,
    ),
    row("tune.ssl.maxrecord", 1, "The largest record.", figures),
    row(
        "tune.ssl.ssl-ctx-cache-size",
        1,
        "Generated certificates that are kept.",
        figures,
    ),
];

const fn row(name: &'static str, most: usize, doc: &'static str, read: Read) -> Row {
    Row::new(name, doc, read).args(0, most)
}

fn settings<'p>(parser: &'p mut Parser<'_>) -> &'p mut GlobalSettings {
    &mut parser.global.tls
}

fn base(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    let path = expected(statement, "a directory path")?;
    let settings = settings(parser);
    let place = match keyword {
        "ca-base" => &mut settings.ca_base,
        "crt-base" => &mut settings.crt_base,
        _ => &mut settings.key_base,
    };
    if place.is_some() {
        return Err(statement.fault_here(format!("'{keyword}' already specified.")));
    }
    *place = Some(path.into());
    Ok(())
}

fn expected<'l>(statement: Statement<'l>, what: &str) -> Parsed<&'l str> {
    match statement.arg(0) {
        "" => Err(statement.fault_here(format!(
            "global statement '{}' expects {what} as an argument.",
            statement.keyword()
        ))),
        value => Ok(value),
    }
}

fn issuers(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let path = expected(statement, "a directory path")?;
    if settings(parser).issuers.is_some() {
        return Err(statement.fault_here("'issuers-chain-path' already specified."));
    }
    let chains = tls::store::issuers(path).map_err(|why| {
        statement
            .fault(
                0,
                "global statement 'issuers-chain-path' expects a directory path as an argument.",
            )
            .hint(why)
    })?;
    settings(parser).issuers = Some(Arc::new(chains));
    Ok(())
}

/// `ssl-default-bind-ciphers` and its like: an option of lines, for the whole process.
fn shared(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    let name = option_name(keyword);
    let what = match name {
        "curves" => "a curves suite",
        "sigalgs" | "client-sigalgs" => "a SigAlgs string",
        _ => "a cipher suite",
    };
    let value = expected(statement, what)?;
    let common = common(parser, keyword);
    let warning = tls::options::apply(common, name, value)
        .map_err(|why| statement.fault(0, format!("'{keyword}' : {why}")))?;
    if let Some(warning) = warning {
        parser.notice_once(statement, format!("'{keyword}' : {warning}"));
    }
    Ok(())
}

fn option_name(keyword: &str) -> &str {
    let bind = keyword.strip_prefix("ssl-default-bind-");
    let server = keyword.strip_prefix("ssl-default-server-");
    bind.or(server).unwrap_or(keyword)
}

fn common<'p>(parser: &'p mut Parser<'_>, keyword: &str) -> &'p mut Common {
    let settings = settings(parser);
    match keyword.starts_with("ssl-default-bind-") {
        true => &mut settings.bind,
        false => &mut settings.server,
    }
}

fn options(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    if statement.is_empty() {
        return Err(statement.fault_here(format!(
            "global statement '{keyword}' expects an option as an argument."
        )));
    }
    let mut at = 0;
    while at < statement.len() {
        let name = statement.arg(at);
        let of_bind = keyword.starts_with("ssl-default-bind-");
        match name {
            "no-tls-tickets" | "tls-tickets" => {
                let on = Some(name == "tls-tickets");
                match of_bind {
                    true => settings(parser).bind_tickets = on,
                    false => settings(parser).server_tickets = on,
                }
            }
            "prefer-client-ciphers" if of_bind => settings(parser).prefer_client_ciphers = true,
            "strict-sni" if of_bind => settings(parser).bind_strict_sni = true,
            "no-strict-sni" if of_bind => settings(parser).bind_strict_sni = false,
            _ => at += version_option(parser, statement, at, name)?,
        }
        at += 1;
    }
    Ok(())
}

/// An option about protocol versions; says how many words of value it took.
fn version_option(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    name: &str,
) -> Parsed<usize> {
    let keyword = statement.keyword();
    let is_version = [
        "no-sslv3",
        "no-tlsv1",
        "force-sslv3",
        "force-tlsv1",
        "ssl-m",
    ]
    .iter()
    .any(|stem| name.starts_with(stem));
    let Some(count) = tls::options::arity(name).filter(|_| is_version) else {
        return Err(statement.fault(
            at,
            format!("unknown option '{name}' on global statement '{keyword}'."),
        ));
    };
    let value = statement.arg(at + count);
    if value.is_empty() {
        return Err(statement.fault(
            at,
            format!("'{name}' : missing the ssl/tls version on global statement '{keyword}'."),
        ));
    }
    let warning = tls::options::apply(common(parser, keyword), name, value).map_err(|why| {
        statement.fault(
            at + count,
            format!("{why} on global statement '{keyword}'."),
        )
    })?;
    if let Some(warning) = warning {
        parser.notice_once(statement, format!("'{name}' : {warning}"));
    }
    Ok(count)
}

fn no_dh(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    expected(statement, "a value")?;
    parser.notice_once(statement, format!("'{keyword}' has no effect: key exchange over finite fields (DHE) is not offered, curves take its place."));
    Ok(())
}

/// An engine may be where the private keys are; HAProxy is built without engines by default and refuses them then, too.
fn refuse_engine(_: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    Err(statement
        .fault_here("'ssl-engine' is not supported (engines of OpenSSL take no part in TLS here).")
        .hint("remove the line; keys have to be in files"))
}

fn no_engine(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    parser.notice_once(statement, format!("'{keyword}' has no effect: it is about OpenSSL's engines and providers, which are not used here."));
    Ok(())
}

fn security_level(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let level = expected(statement, "a security level from 0 to 5")?;
    match level.parse::<u8>() {
        Ok(0..=2) => Ok(()),
        Ok(3..=5) => {
            parser.notice_once(
                statement,
                format!("'ssl-security-level {level}' : what is offered corresponds to level 2."),
            );
            Ok(())
        }
        _ => Err(statement.fault(
            0,
            "'ssl-security-level' : expects an integer argument between 0 and 5.",
        )),
    }
}

fn extra_files(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let wrong = || {
        statement.fault_here(
            "'ssl-load-extra-files' expects one or multiple arguments (none, all, bundle, sctl, ocsp, issuer).",
        )
    };
    let mut extra = ExtraFiles {
        bundle: false,
        timestamps: false,
        ocsp: false,
        issuer: false,
        key: false,
    };
    for word in statement.args_from(0) {
        match word {
            "none" => {}
            "all" => extra = ExtraFiles::default(),
            "bundle" => extra.bundle = true,
            "sctl" => extra.timestamps = true,
            "ocsp" => extra.ocsp = true,
            "issuer" => extra.issuer = true,
            "key" => extra.key = true,
            _ => return Err(wrong()),
        }
    }
    if statement.is_empty() {
        return Err(wrong());
    }
    settings(parser).extra = extra;
    Ok(())
}

fn passphrase(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    expected(statement, "a command")?;
    let words = statement.args_from(0).into_iter().map(str::to_owned);
    settings(parser).passphrase_command = words.collect();
    Ok(())
}

fn server_verify(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    settings(parser).server_verify = match statement.arg(0) {
        "none" => Verify::None,
        "required" => Verify::Required,
        _ => {
            return Err(statement
                .fault_here("'ssl-server-verify' expects 'none' or 'required' as argument."));
        }
    };
    Ok(())
}

fn figures(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    let text = match statement.arg(0) {
        "" => {
            let message = format!("'{keyword}' expects an integer argument.");
            return Err(statement.fault_here(message));
        }
        text => text,
    };
    let (value, _) = leading_integer(text);
    let value = usize::try_from(value).map_err(|_| {
        statement.fault(0, format!("'{keyword}' expects a positive numeric value."))
    })?;
    let settings = settings(parser);
    match keyword {
        "tune.ssl.cachesize" => settings.cache_size = value,
        "tune.ssl.ssl-ctx-cache-size" => settings.generated = value,
        "tune.ssl.maxrecord" | "tune.ssl.hard-maxrecord" => {
            settings.max_record = Some(value).filter(|value| (1..16_384).contains(value));
        }
        _ => settings.capture = value,
    }
    Ok(())
}

fn lifetime(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let wrong = || -> Fault {
        statement.fault_here(
            "'tune.ssl.lifetime' expects ssl sessions <lifetime> in seconds as argument.",
        )
    };
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(wrong());
    }
    let ms = crate::parse::parse_duration(text, base::units::TimeUnit::Second);
    let value =
        ms.map_err(|why| statement.fault(0, format!("{why} in 'tune.ssl.lifetime' argument.")))?;
    settings(parser).lifetime = u32::try_from(value).unwrap_or(u32::MAX);
    Ok(())
}

fn keylog(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    settings(parser).keylog = match statement.arg(0) {
        "on" => true,
        "off" => false,
        other => {
            return Err(statement.fault_here(format!(
                "'tune.ssl.keylog' expects either 'on' or 'off' but got '{other}'."
            )));
        }
    };
    Ok(())
}
