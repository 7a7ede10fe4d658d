//! How a connection begins: three lines from whoever connects, a status in answer.

/// The longest line of a hello.
const LONGEST: usize = 512;
const PROTOCOL: &[u8] = b"HAProxyS";

/// What the connecting side says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello<'b> {
    /// The minor version: 0 without heartbeats, 1 with them.
    pub minor: u8,
    /// Whom it wants to talk to.
    pub target: &'b [u8],
    /// Its own name.
    pub name: &'b [u8],
}

/// The answer to a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 200
    Succeeded,
    /// 300
    TryAgain,
    /// 501
    ProtocolError,
    /// 502
    BadVersion,
    /// 503: the name of the side that answers.
    LocalName,
    /// 504: the name of the side that asks.
    RemoteName,
}

impl Status {
    const ALL: [(Self, u16); 6] = [
        (Self::Succeeded, 200),
        (Self::TryAgain, 300),
        (Self::ProtocolError, 501),
        (Self::BadVersion, 502),
        (Self::LocalName, 503),
        (Self::RemoteName, 504),
    ];

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        Self::ALL
            .iter()
            .find(|(status, _)| *status == self)
            .map_or(501, |(_, number)| *number)
    }
}

/// How far a hello has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening<'b> {
    /// Not complete.
    Partial,
    /// Complete, with its length.
    Complete(Hello<'b>, usize),
    /// To be answered with this status.
    Refused(Status),
}

/// A line and what follows it.
type Split<'b> = (&'b [u8], &'b [u8]);

/// The line at the beginning of `bytes` without its end, and what follows; `Ok(None)` as long as it is not complete.
fn line(bytes: &[u8]) -> Result<Option<Split<'_>>, ()> {
    match memchr::memchr(b'\n', bytes) {
        Some(end) if end <= LONGEST => {
            let line = bytes.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            Ok(Some((line, bytes.get(end + 1..).unwrap_or_default())))
        }
        None if bytes.len() <= LONGEST => Ok(None),
        _ => Err(()),
    }
}

/// Reads a hello.
#[must_use]
pub fn opening(bytes: &[u8]) -> Opening<'_> {
    let refused = Opening::Refused(Status::ProtocolError);
    let (first, rest) = match line(bytes) {
        Ok(Some(found)) => found,
        Ok(None) => return Opening::Partial,
        Err(()) => return refused,
    };
    let Some(version) = first
        .strip_prefix(PROTOCOL)
        .and_then(|rest| rest.strip_prefix(b" "))
    else {
        return refused;
    };
    let minor = match version {
        b"2.0" => 0,
        b"2.1" => 1,
        _ => return Opening::Refused(Status::BadVersion),
    };
    let (target, rest) = match line(rest) {
        Ok(Some(found)) => found,
        Ok(None) => return Opening::Partial,
        Err(()) => return refused,
    };
    let (last, rest) = match line(rest) {
        Ok(Some(found)) => found,
        Ok(None) => return Opening::Partial,
        Err(()) => return refused,
    };
    let Some(end) = memchr::memchr(b' ', last) else {
        return refused;
    };
    let hello = Hello {
        minor,
        target,
        name: last.get(..end).unwrap_or_default(),
    };
    Opening::Complete(hello, bytes.len() - rest.len())
}

/// Writes a hello of version 2.`minor`.
pub fn write_hello(out: &mut Vec<u8>, hello: Hello<'_>, pid: u32) {
    out.extend_from_slice(PROTOCOL);
    out.extend_from_slice(format!(" 2.{}\n", hello.minor).as_bytes());
    out.extend_from_slice(hello.target);
    out.push(b'\n');
    out.extend_from_slice(hello.name);
    out.extend_from_slice(format!(" {pid} 1\n").as_bytes());
}

/// Writes a status.
pub fn write_status(out: &mut Vec<u8>, status: Status) {
    out.extend_from_slice(format!("{}\n", status.number()).as_bytes());
}

/// The status at the beginning of `bytes` and its length; `Ok(None)` as long as it is not complete.
///
/// # Errors
/// When it is none.
pub fn next_status(bytes: &[u8]) -> Result<Option<(Status, usize)>, super::Fault> {
    let malformed = super::Fault::Malformed;
    let Some((line, rest)) = line(bytes).map_err(|()| malformed)? else {
        return match bytes.len() > 8 {
            true => Err(malformed),
            false => Ok(None),
        };
    };
    let number = std::str::from_utf8(line).ok().and_then(|s| s.parse().ok());
    let found = Status::ALL.iter().find(|(_, n)| Some(*n) == number);
    let (status, _) = found.ok_or(malformed)?;
    Ok(Some((*status, bytes.len() - rest.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What HAProxy 3.4 answers to each.
    #[test]
    fn hellos_are_answered_as_recorded() {
        let answer = |bytes: &'static [u8]| match opening(bytes) {
            Opening::Complete(hello, _) => (200, hello.target, hello.name, hello.minor),
            Opening::Refused(status) => (status.number(), &b""[..], &b""[..], 0),
            Opening::Partial => (0, &b""[..], &b""[..], 0),
        };
        assert_eq!(
            answer(b"HAProxyS 2.1\na\nb 123 0\n"),
            (200, &b"a"[..], &b"b"[..], 1)
        );
        assert_eq!(
            answer(b"HAProxyS 2.0\na\nb 123 0\n"),
            (200, &b"a"[..], &b"b"[..], 0)
        );
        assert_eq!(
            answer(b"HAProxyS 2.1\r\na\r\nb 1 1\r\n"),
            (200, &b"a"[..], &b"b"[..], 1)
        );
        assert_eq!(answer(b"HAProxyS 2.2\na\nb 1 0\n").0, 502);
        assert_eq!(answer(b"HAProxyS 3.0\na\nb 1 0\n").0, 502);
        assert_eq!(answer(b"HAProxyX 2.1\na\nb 1 0\n").0, 501);
        assert_eq!(answer(b"HAProxyS 2.1\na\nb\n").0, 501);
        assert_eq!(answer(b"GET / HTTP/1.1\r\n\r\n\n").0, 501);
        assert_eq!(answer(b"HAProxyS 2.1\na\nb 12").0, 0);
        assert_eq!(answer(&[b'x'; 600]).0, 501);
    }

    #[test]
    fn statuses_come_back() {
        for (status, number) in Status::ALL {
            let mut out = Vec::new();
            write_status(&mut out, status);
            assert_eq!(out, format!("{number}\n").as_bytes());
            assert_eq!(next_status(&out), Ok(Some((status, out.len()))));
        }
        assert_eq!(next_status(b"20"), Ok(None));
        assert!(next_status(b"600\n").is_err() && next_status(b"123456789").is_err());
    }
}
