//! The binary header (PROXY protocol specification, section 2.2).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Addresses, Command, ErrorKind, Header, Outcome, Version, tlv};

/// The first twelve bytes of every version 2 header.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and protocol, length.
pub(super) const FIXED: usize = 16;
pub(super) const TCP4: u8 = 0x11;
pub(super) const TCP6: u8 = 0x21;
pub(super) const UNIX: u8 = 0x31;

/// Reads a version 2 header.
///
/// As strict as HAProxy 3.4: the PROXY command is taken for TCP over IPv4 and IPv6 only, and everything behind the
/// fixed part of a LOCAL header must be valid TLVs whatever the announced family, addresses included.
#[must_use]
pub fn parse_v2(buf: &[u8]) -> Outcome<'_> {
    let seen = buf.len().min(SIGNATURE.len());
    if buf.get(..seen) != SIGNATURE.get(..seen) {
        return Outcome::Error(ErrorKind::NotHeader);
    }
    let Some(&[_, _, _, _, _, _, _, _, _, _, _, _, ver_cmd, family, hi, lo]) =
        buf.first_chunk::<FIXED>()
    else {
        return match buf.get(SIGNATURE.len()) {
            Some(v) if v >> 4 != 2 => Outcome::Error(ErrorKind::NotHeader),
            _ => Outcome::Incomplete,
        };
    };
    if ver_cmd >> 4 != 2 {
        return Outcome::Error(ErrorKind::NotHeader);
    }
    let consumed = FIXED + usize::from(u16::from_be_bytes([hi, lo]));
    let Some(block) = buf.get(..consumed) else {
        return Outcome::Incomplete;
    };
    match body(block, ver_cmd, family) {
        Ok(header) => Outcome::Done { consumed, header },
        Err(kind) => Outcome::Error(kind),
    }
}

fn body(block: &[u8], ver_cmd: u8, family: u8) -> Result<Header<'_>, ErrorKind> {
    let (command, addresses, start) = match (ver_cmd & 0x0f, family) {
        (0, _) => (Command::Local, Addresses::Unknown, FIXED),
        (1, TCP4) => (
            Command::Proxy,
            inet4(block).ok_or(ErrorKind::BadHeader)?,
            FIXED + 12,
        ),
        (1, TCP6) => (
            Command::Proxy,
            inet6(block).ok_or(ErrorKind::BadHeader)?,
            FIXED + 36,
        ),
        _ => return Err(ErrorKind::BadHeader),
    };
    let tlvs = tlv::check(block, start)?;
    Ok(Header {
        version: Version::V2,
        command,
        addresses,
        tlvs,
    })
}

fn ports(bytes: &[u8]) -> Option<(u16, u16)> {
    let &[a, b, c, d] = bytes.first_chunk::<4>()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

fn inet4(block: &[u8]) -> Option<Addresses<'static>> {
    let (src, rest) = block.get(FIXED..)?.split_first_chunk::<4>()?;
    let (dst, rest) = rest.split_first_chunk::<4>()?;
    let (sport, dport) = ports(rest)?;
    let (src, dst) = (Ipv4Addr::from(*src), Ipv4Addr::from(*dst));
    Some(Addresses::Inet {
        src: SocketAddr::new(src.into(), sport),
        dst: SocketAddr::new(dst.into(), dport),
    })
}

fn inet6(block: &[u8]) -> Option<Addresses<'static>> {
    let (src, rest) = block.get(FIXED..)?.split_first_chunk::<16>()?;
    let (dst, rest) = rest.split_first_chunk::<16>()?;
    let (sport, dport) = ports(rest)?;
    let (src, dst) = (Ipv6Addr::from(*src), Ipv6Addr::from(*dst));
    Some(Addresses::Inet {
        src: SocketAddr::new(src.into(), sport),
        dst: SocketAddr::new(dst.into(), dport),
    })
}
