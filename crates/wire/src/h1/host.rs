//! `Host` against the target's authority (RFC 9110, section 7.2; RFC 3986, section 6.2.3).

use super::class::{self, AUTHORITY};
use super::{ErrorKind, ParseError};
use message::{FieldId, Head, Method};

/// The first byte of a `Host` value that no authority has.
pub(super) fn invalid_byte(value: &[u8]) -> Option<usize> {
    value.iter().position(|&b| !class::is(b, AUTHORITY))
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
fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
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
        return if accept_unsafe {
            Ok(())
        } else {
            check_connect(head, target_at)
        };
    }
    match form(head.target()) {
        Form::Origin => Ok(()),
        Form::Asterisk if !matches!(head.method(), Method::Get) => Ok(()),
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

    let mut new_host = false;
    if let Some(host) = head.known(FieldId::Host)
        && !accept_unsafe
    {
        let (host_name, host_port) = split_port(host);
        let same = host.eq_ignore_ascii_case(authority);
        let equivalent = host_name.eq_ignore_ascii_case(name)
            && host_port.is_none_or(is_default)
            && port.is_none_or(is_default);
        if !same && !equivalent {
            return Err(ParseError::bad(ErrorKind::Host, target_at));
        }
        new_host = strip && host_port.is_some();
    }
    let name_len = name.len();
    let no_path = path_at == target.len() && head.method() != Method::Options;
    if strip || no_path {
        let mut rewritten = Vec::with_capacity(target.len() + 1);
        let kept = if strip { host_at + name_len } else { path_at };
        rewritten.extend_from_slice(target.get(..kept).unwrap_or_default());
        rewritten.extend_from_slice(target.get(path_at..).unwrap_or_default());
        if no_path {
            rewritten.push(b'/');
        }
        let name = name.to_vec();
        head.set_target(&rewritten);
        if new_host {
            head.set_known(FieldId::Host, &name);
        }
    }
    Ok(())
}

fn check_connect(head: &mut Head, target_at: usize) -> Result<(), ParseError> {
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
    let (name, Some(port)) = split_port(authority) else {
        return Err(bad);
    };
    if port.is_empty() || !port.iter().all(u8::is_ascii_digit) {
        return Err(bad);
    }
    let Some(host) = head.known(FieldId::Host) else {
        return Ok(());
    };
    let (host_name, host_port) = split_port(host);
    let default = port == b"80" || port == b"443";
    let same = host.eq_ignore_ascii_case(authority);
    let equivalent =
        default && host_name.eq_ignore_ascii_case(name) && host_port.is_none_or(<[u8]>::is_empty);
    if !same && !equivalent {
        return Err(ParseError::bad(ErrorKind::Host, target_at));
    }
    if default && same {
        let name = name.to_vec();
        head.set_known(FieldId::Host, &name);
    }
    Ok(())
}
