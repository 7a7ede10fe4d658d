//! Certificates: the client's, the frontend's own, the server's.

use super::FRONT;
use crate::args::spec::{OPT_INT, OPT_STR};
use crate::args::{ArgSpec, Args};
use crate::context::ParseContext;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, View};
use std::borrow::Cow;
use tls::certificate::{Certificate, DNS_NAME, EMAIL, IP_ADDRESS, URI};
use tls::{der, name};

/// Whose certificate.
#[derive(Clone, Copy)]
enum Whose {
    Client,
    Own,
    Server,
}

fn certificate(view: &dyn View, whose: Whose) -> Option<Certificate<'_>> {
    let der = match whose {
        Whose::Client => view.tls(Side::Request)?.peer_certificates().next()?,
        Whose::Server => view.tls(Side::Response)?.peer_certificates().next()?,
        Whose::Own => {
            let instance = view.tls(Side::Request)?.observed.instance.as_ref()?;
            instance.bundle.chain.first()?
        }
    };
    Certificate::parse(der).ok()
}

fn text<'a>(value: impl Into<Cow<'a, [u8]>>) -> Value<'a> {
    Value::Str(value.into())
}

/// A time without its century, as long as that is the present one.
fn time(element: der::Element<'_>) -> Value<'_> {
    let digits = element.content;
    match element.tag {
        der::GENERALIZED_TIME => text(digits.strip_prefix(b"20").unwrap_or(digits)),
        _ => text(digits),
    }
}

fn serial<'a>(certificate: &Certificate<'a>) -> Value<'a> {
    let digits = match certificate.serial {
        [0, rest @ ..] if !rest.is_empty() => rest,
        digits => digits,
    };
    Value::Bin(Cow::Borrowed(digits))
}

fn algorithm<'a>(identifier: &[u8]) -> Option<Value<'a>> {
    let kind = der::Reader::new(identifier).expect(der::OID).ok()?;
    Some(text(name::algorithm(kind.content).into_bytes()))
}

/// A name as the arguments want it: attribute, occurrence, format.
fn distinguished<'a>(args: &Args, whole: &'a [u8]) -> Option<Value<'a>> {
    match (args.str(0), args.str(2)) {
        (Some(entry), _) if !entry.is_empty() => {
            name::entry(whole, entry, args.int(1).unwrap_or(0)).map(text)
        }
        (_, Some(_)) => Some(text(name::rfc2253(whole))),
        _ => Some(text(name::oneline(whole))),
    }
}

fn check_format(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    match args.str(2) {
        None | Some(b"") | Some(b"rfc2253") => Ok(()),
        Some(_) => Err("only rfc2253 or a blank value are currently supported".to_owned()),
    }
}

/// The alternative names in OpenSSL's form.
fn alternative_names<'a>(certificate: &Certificate<'a>) -> Option<Value<'a>> {
    let mut out = Vec::new();
    for entry in certificate.alternative_names() {
        if !out.is_empty() {
            out.extend_from_slice(b", ");
        }
        match entry.tag {
            DNS_NAME => out.extend_from_slice(b"DNS:"),
            EMAIL => out.extend_from_slice(b"email:"),
            URI => out.extend_from_slice(b"URI:"),
            IP_ADDRESS => {
                out.extend_from_slice(b"IP Address:");
                out.extend_from_slice(address(entry.content).as_bytes());
                continue;
            }
            _ => {
                out.extend_from_slice(b"othername:<unsupported>");
                continue;
            }
        }
        out.extend_from_slice(entry.content);
    }
    (!out.is_empty()).then(|| text(out))
}

/// An address as OpenSSL writes it: IPv6 groups are not shortened.
fn address(bytes: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return std::net::Ipv4Addr::from(v4).to_string();
    }
    match <[u8; 16]>::try_from(bytes) {
        Ok(v6) => {
            let groups = std::net::Ipv6Addr::from(v6).segments();
            groups.map(|group| format!("{group:X}")).join(":")
        }
        Err(_) => "<invalid>".to_owned(),
    }
}

const NAME: &[ArgSpec] = &[OPT_STR, OPT_INT, OPT_STR];

macro_rules! of {
    ($whose:ident, |$args:ident, $certificate:ident| $value:expr) => {{
        fn fetch<'a>($args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            let _ = $args;
            Outcome::of(certificate(view, Whose::$whose).and_then(|$certificate| $value))
        }
        fetch
    }};
}

macro_rules! rows {
    ($whose:ident $who:literal $der:literal $issuer:literal $key:literal $after:literal $before:literal $subject:literal
     $serial:literal $sha1:literal $signature:literal $version:literal) => {
        [
            FetchRow::new(
                $der,
                Type::Bin,
                FRONT,
                of!($whose, |a, c| Some(Value::Bin(Cow::Borrowed(c.der)))),
                concat!($who, " certificate."),
            ),
            FetchRow::new(
                $issuer,
                Type::Str,
                FRONT,
                of!($whose, |a, c| distinguished(a, c.issuer)),
                concat!("The issuer of ", $who, " certificate."),
            )
            .args(NAME)
            .check(check_format),
            FetchRow::new(
                $key,
                Type::Str,
                FRONT,
                of!($whose, |a, c| Some(text(
                    name::algorithm(c.key_algorithm).into_bytes()
                ))),
                concat!("The key algorithm of ", $who, " certificate."),
            ),
            FetchRow::new(
                $after,
                Type::Str,
                FRONT,
                of!($whose, |a, c| Some(time(c.validity[1]))),
                concat!("The end of ", $who, " certificate's validity."),
            ),
            FetchRow::new(
                $before,
                Type::Str,
                FRONT,
                of!($whose, |a, c| Some(time(c.validity[0]))),
                concat!("The beginning of ", $who, " certificate's validity."),
            ),
            FetchRow::new(
                $subject,
                Type::Str,
                FRONT,
                of!($whose, |a, c| distinguished(a, c.subject)),
                concat!("The subject of ", $who, " certificate."),
            )
            .args(NAME)
            .check(check_format),
            FetchRow::new(
                $serial,
                Type::Bin,
                FRONT,
                of!($whose, |a, c| Some(serial(&c))),
                concat!("The serial number of ", $who, " certificate."),
            ),
            FetchRow::new(
                $sha1,
                Type::Bin,
                FRONT,
                of!($whose, |a, c| Some(Value::Bin(Cow::Owned(
                    tls::store::sha1(c.der)
                )))),
                concat!("The SHA-1 fingerprint of ", $who, " certificate."),
            ),
            FetchRow::new(
                $signature,
                Type::Str,
                FRONT,
                of!($whose, |a, c| algorithm(c.signature_algorithm)),
                concat!("The signature algorithm of ", $who, " certificate."),
            ),
            FetchRow::new(
                $version,
                Type::Int,
                FRONT,
                of!($whose, |a, c| Some(Value::Int(c.version.into()))),
                concat!("The version of ", $who, " certificate."),
            ),
        ]
    };
}

const CLIENT: [FetchRow; 10] = rows!(Client "the client's" "ssl_c_der" "ssl_c_i_dn" "ssl_c_key_alg" "ssl_c_notafter" "ssl_c_notbefore" "ssl_c_s_dn" "ssl_c_serial" "ssl_c_sha1" "ssl_c_sig_alg" "ssl_c_version");
const OWN: [FetchRow; 10] = rows!(Own "the frontend's" "ssl_f_der" "ssl_f_i_dn" "ssl_f_key_alg" "ssl_f_notafter" "ssl_f_notbefore" "ssl_f_s_dn" "ssl_f_serial" "ssl_f_sha1" "ssl_f_sig_alg" "ssl_f_version");
const SERVER: [FetchRow; 10] = rows!(Server "the server's" "ssl_s_der" "ssl_s_i_dn" "ssl_s_key_alg" "ssl_s_notafter" "ssl_s_notbefore" "ssl_s_s_dn" "ssl_s_serial" "ssl_s_sha1" "ssl_s_sig_alg" "ssl_s_version");

const MORE: [FetchRow; 9] = [
    FetchRow::new(
        "ssl_c_san",
        Type::Str,
        FRONT,
        of!(Client, |a, c| alternative_names(&c)),
        "The alternative names of the client's certificate.",
    ),
    FetchRow::new(
        "ssl_c_r_dn",
        Type::Str,
        FRONT,
        root,
        "The subject of the root that the client's certificate leads to.",
    )
    .args(NAME)
    .check(check_format),
    FetchRow::new(
        "ssl_c_chain_der",
        Type::Bin,
        FRONT,
        client_chain,
        "The issuers of the client's certificate, as they came.",
    ),
    FetchRow::new(
        "ssl_s_chain_der",
        Type::Bin,
        FRONT,
        server_chain,
        "The server's certificate and its issuers.",
    ),
    FetchRow::new(
        "ssl_c_used",
        Type::Bool,
        FRONT,
        used,
        "Whether the client has shown a certificate, on this connection or when the session began.",
    ),
    FetchRow::new(
        "ssl_c_verify",
        Type::Int,
        FRONT,
        verify,
        "OpenSSL's number of the error that verification ended with.",
    ),
    FetchRow::new(
        "ssl_c_err",
        Type::Int,
        FRONT,
        error,
        "OpenSSL's number of the first error of the client's certificate.",
    ),
    FetchRow::new(
        "ssl_c_ca_err",
        Type::Int,
        FRONT,
        authority_error,
        "OpenSSL's number of the first error of an authority.",
    ),
    FetchRow::new(
        "ssl_c_ca_err_depth",
        Type::Int,
        FRONT,
        authority_depth,
        "The depth of that authority.",
    ),
];

const fn joined() -> [FetchRow; 39] {
    let mut all = [CLIENT[0]; 39];
    let mut at = 0;
    while at < 10 {
        all[at] = CLIENT[at];
        all[10 + at] = OWN[at];
        all[20 + at] = SERVER[at];
        at += 1;
    }
    at = 0;
    while at < 9 {
        all[30 + at] = MORE[at];
        at += 1;
    }
    all
}

/// The rows of this family.
pub const ROWS: &[FetchRow] = &joined();

fn chain(view: &dyn View, side: Side) -> Outcome<'_> {
    let Some(tls) = view.tls(side).filter(|tls| !tls.is_resumed()) else {
        return Outcome::Missing;
    };
    // Of a client's chain, OpenSSL leaves out the client's own certificate.
    let own = usize::from(side == Side::Request);
    let all: Vec<u8> = tls
        .peer_certificates()
        .skip(own)
        .flatten()
        .copied()
        .collect();
    Outcome::of((!all.is_empty()).then_some(Value::Bin(Cow::Owned(all))))
}

fn client_chain<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    chain(view, Side::Request)
}

fn server_chain<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    chain(view, Side::Response)
}

/// The root is where the chain ends that was built when the certificate was judged.
fn root<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let tls = view.tls(Side::Request);
    let root = tls.and_then(|tls| tls.observed.root.as_deref());
    Outcome::of(root.and_then(|root| distinguished(args, root)))
}

fn used<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let tls = view.tls(Side::Request);
    Outcome::of(tls.map(|tls| Value::Bool(tls.peer_certificates().next().is_some())))
}

fn judged(view: &dyn View, read: fn(&tls::Judgement) -> u8) -> Outcome<'_> {
    let tls = view.tls(Side::Request);
    Outcome::of(tls.map(|tls| Value::Int(read(&tls.observed.judgement).into())))
}

fn verify<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    judged(view, |judgement| judgement.result)
}

fn error<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    judged(view, |judgement| judgement.certificate)
}

fn authority_error<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    judged(view, |judgement| judgement.authority.0)
}

fn authority_depth<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    judged(view, |judgement| judgement.authority.1)
}
