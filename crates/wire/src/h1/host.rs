//! `Host` against the target's authority (RFC 9110, section 7.2; RFC 3986, section 6.2.3).

use super::class::{self, AUTHORITY};
use super::fields::{Fate, RawField};
use super::{ErrorKind, ParseError};
use message::{FieldId, Head, Method, Span};

/// Checks one `Host` field. All of them must say the same, and only the `first` is kept.
pub(super) fn merge(
    head: &Head,
    field: RawField,
    first: &mut Option<(usize, usize)>,
) -> Result<Fate, ParseError> {
    let value = head.slice(Span::new(field.value.0, field.value.1));
    if let Some(bad) = invalid_byte(value) {
        return Err(ParseError::bad(ErrorKind::Host, field.value.0 + bad));
    }
    let Some(first) = *first else {
        *first = Some(field.value);
        return Ok(Fate::Keep);
    };
    if value.eq_ignore_ascii_case(head.slice(Span::new(first.0, first.1))) {
        Ok(Fate::Drop)
    } else {
        Err(ParseError::bad(ErrorKind::Host, field.value.0))
    }
}

/// The first byte of a `Host` value that no authority has. Brackets stand around an address, with nothing but a port
/// behind it.
pub(crate) fn invalid_byte(value: &[u8]) -> Option<usize> {
    let find = |from: usize, to: usize| {
        let part = value.get(from..to).unwrap_or_default();
        let at = part.iter().position(|&b| !class::is(b, AUTHORITY));
        at.map(|at| from + at)
    };
    if value.first() != Some(&b'[') {
        return find(0, value.len());
    }
    let Some(close) = value.iter().position(|&b| b == b']') else {
        return Some(0);
    };
    match value.get(close + 1) {
        None | Some(b':') => find(1, close).or_else(|| find(close + 1, value.len())),
        Some(_) => Some(close + 1),
    }
}

/// The form of a request target (RFC 9112, section 3.2).
enum Form<'a> {
    /// `*`
    Asterisk,
    /// `/path`
    Origin,
    /// `scheme://authority/path`
    Absolute { scheme: &'a [u8], rest: usize },
    /// Anything else.
    Other,
}

fn form(target: &[u8]) -> Form<'_> {
    match target {
        b"*" => Form::Asterisk,
        [b'/', ..] => Form::Origin,
        [first, ..] if first.is_ascii_alphabetic() => {
            let end = target
                .iter()
                .position(|&b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')));
            match end {
                Some(end) if target.get(end..).is_some_and(|t| t.starts_with(b"://")) => {
                    Form::Absolute {
                        scheme: target.get(..end).unwrap_or_default(),
                        rest: end + 3,
                    }
                }
                _ => Form::Other,
            }
        }
        _ => Form::Other,
    }
}

/// Host and port of an authority without its user information: the port's range includes the colon, and is absent if
/// there is no colon behind the host.
pub(crate) fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let colon = authority
        .iter()
        .rposition(|&b| b == b':' || b == b']')
        .filter(|&at| authority.get(at) == Some(&b':'));
    match colon {
        Some(at) => (
            authority.get(..at).unwrap_or_default(),
            authority.get(at + 1..),
        ),
        None => (authority, None),
    }
}

/// Checks target and `Host` against each other and takes out what is only the scheme's default.
///
/// `target_at` is where the target stands in the caller's buffer, for the error.
pub(super) fn check(
    head: &mut Head,
    accept_unsafe: bool,
    target_at: usize,
) -> Result<(), ParseError> {
    if head.method() == Method::Connect {
        return check_connect(head, accept_unsafe, target_at);
    }
    match form(head.target()) {
        Form::Origin => Ok(()),
        Form::Asterisk if matches!(head.method(), Method::Options | Method::Other) => Ok(()),
        Form::Absolute { scheme, rest } => {
            let default: &[u8] = if scheme.eq_ignore_ascii_case(b"http") {
                b"80"
            } else if scheme.eq_ignore_ascii_case(b"https") {
                b"443"
            } else {
                b""
            };
            check_absolute(head, rest, default, accept_unsafe, target_at)
        }
        Form::Asterisk | Form::Other => Err(ParseError::bad(ErrorKind::Target, target_at)),
    }
}

fn check_absolute(
    head: &mut Head,
    authority_at: usize,
    default: &'static [u8],
    accept_unsafe: bool,
    target_at: usize,
) -> Result<(), ParseError> {
    let target = head.target();
    let rest = target.get(authority_at..).unwrap_or_default();
    let path_at = authority_at + rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
    let host_at = target
        .get(authority_at..path_at)
        .unwrap_or_default()
        .iter()
        .rposition(|&b| b == b'@')
        .map_or(authority_at, |at| authority_at + at + 1);
    let authority = target.get(host_at..path_at).unwrap_or_default();
    let (name, port) = split_port(authority);
    let is_default = |port: &[u8]| !default.is_empty() && (port.is_empty() || port == default);
    let strip = port.is_some_and(is_default);

    if let Some(host) = head.known(FieldId::Host)
        && !accept_unsafe
        && !same_host(host, authority, is_default)
    {
        return Err(ParseError::bad(ErrorKind::Host, target_at));
    }
    let no_path = path_at == target.len() && head.method() != Method::Options;
    if !strip && !no_path {
        return Ok(());
    }
    let authority_end = if strip { host_at + name.len() } else { path_at };
    let mut rewritten = Vec::with_capacity(target.len() + 1);
    rewritten.extend_from_slice(target.get(..authority_end).unwrap_or_default());
    rewritten.extend_from_slice(target.get(path_at..).unwrap_or_default());
    if no_path {
        rewritten.push(b'/');
    }
    head.set_target(&rewritten);
    if head.has(FieldId::Host) {
        let authority = rewritten.get(host_at..authority_end).unwrap_or_default();
        head.set_known(FieldId::Host, authority);
    }
    Ok(())
}

/// Whether `Host` and the target's authority are the same up to a port that is the default.
fn same_host(host: &[u8], authority: &[u8], is_default: impl Fn(&[u8]) -> bool) -> bool {
    if host.eq_ignore_ascii_case(authority) {
        return true;
    }
    let (host_name, host_port) = split_port(host);
    let (name, port) = split_port(authority);
    host_name.eq_ignore_ascii_case(name)
        && host_port.is_none_or(&is_default)
        && port.is_none_or(&is_default)
}

/// The target of CONNECT must be an authority with a port (RFC 9110, section 9.3.6).
fn check_connect(head: &mut Head, accept_unsafe: bool, target_at: usize) -> Result<(), ParseError> {
    let bad = ParseError::bad(ErrorKind::Authority, target_at);
    let target = head.target();
    let end = target
        .iter()
        .position(|&b| b == b'/')
        .unwrap_or(target.len());
    let authority = target.get(..end).unwrap_or_default();
    let host_at = authority
        .iter()
        .rposition(|&b| b == b'@')
        .map_or(0, |at| at + 1);
    let authority = authority.get(host_at..).unwrap_or_default();
    let (_, port) = split_port(authority);
    let port = port.unwrap_or_default();
    let valid = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    if end == 0 || !valid && !accept_unsafe {
        return Err(bad);
    }
    let Some(host) = head.known(FieldId::Host) else {
        return Ok(());
    };
    let default = port == b"80" || port == b"443";
    let same = host.eq_ignore_ascii_case(authority);
    if !same && !accept_unsafe {
        let is_default = |given: &[u8]| default && (given.is_empty() || given == port);
        if !default || !same_host(host, authority, is_default) {
            return Err(ParseError::bad(ErrorKind::Host, target_at));
        }
    }
    if default && same {
        let name = split_port(host).0.to_vec();
        head.set_known(FieldId::Host, &name);
    }
    Ok(())
}
