//! The human-readable line (PROXY protocol specification, section 2.1), read as leniently as HAProxy reads it.
//!
//! The number syntax is looser than the specification's: leading zeroes are taken, an absent number is zero, ports
//! keep their low 16 bits and IPv4 octets carry into their neighbour, missing octets are zero.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Addresses, Command, ErrorKind, Header, MIN_LEN, Outcome, Tlvs, Version};

/// Why a line was not taken.
enum Stop {
    /// The bytes end too soon.
    Missing,
    Bad,
}

/// Reads a version 1 line.
#[must_use]
pub fn parse_v1(buf: &[u8]) -> Outcome<'_> {
    const NAME: &[u8] = b"PROXY ";
    let seen = buf.len().min(NAME.len());
    if buf.get(..seen) != NAME.get(..seen) && buf.len() >= MIN_LEN {
        return Outcome::Error(ErrorKind::NotHeader);
    }
    if buf.len() < MIN_LEN {
        return short(buf);
    }
    let mut cursor = Cursor {
        buf,
        at: NAME.len(),
    };
    let parsed = if cursor.skip(b"UNKNOWN\r\n") {
        Ok(Addresses::Unknown)
    } else if cursor.skip(b"TCP4 ") {
        cursor.tcp4()
    } else if cursor.skip(b"TCP6 ") {
        cursor.tcp6()
    } else {
        return Outcome::Error(ErrorKind::BadProtocol);
    };
    match parsed {
        Err(Stop::Missing) => Outcome::Incomplete,
        Err(Stop::Bad) => Outcome::Error(ErrorKind::BadHeader),
        Ok(addresses) => Outcome::Done {
            consumed: cursor.at,
            header: Header {
                version: Version::V1,
                command: if addresses == Addresses::Unknown {
                    Command::Local
                } else {
                    Command::Proxy
                },
                addresses,
                tlvs: Tlvs::default(),
            },
        },
    }
}

/// Fewer bytes than the shortest line: HAProxy judges `PROXY UNKNOWN` before the line's end, everything else later.
fn short(buf: &[u8]) -> Outcome<'_> {
    const LINES: [&[u8]; 3] = [b"PROXY UNKNOWN\r\n", b"PROXY TCP4 ", b"PROXY TCP6 "];
    let possible = LINES
        .iter()
        .any(|line| line.starts_with(buf) || buf.starts_with(line));
    if possible {
        Outcome::Incomplete
    } else {
        Outcome::Error(ErrorKind::NotHeader)
    }
}

struct Cursor<'a> {
    buf: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.buf.get(self.at).copied()
    }

    fn skip(&mut self, word: &[u8]) -> bool {
        let found = self
            .buf
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word));
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        match self.peek() {
            None => Err(Stop::Missing),
            Some(b) if b == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(Stop::Bad),
        }
    }

    /// A run of digits, wrapping; zero when there is none.
    fn number(&mut self) -> u32 {
        let mut value = 0u32;
        while let Some(b @ b'0'..=b'9') = self.peek() {
            value = value.wrapping_mul(10).wrapping_add(u32::from(b - b'0'));
            self.at += 1;
        }
        value
    }

    /// A number's last three digits, so up to 999: what exceeds an octet carries into the one before.
    fn octet(&mut self) -> u32 {
        let mut value = 0;
        while let Some(b @ b'0'..=b'9') = self.peek() {
            value = (value * 10 + u32::from(b - b'0')) % 1000;
            self.at += 1;
        }
        value
    }

    /// Up to four numbers between dots.
    fn ipv4(&mut self) -> Ipv4Addr {
        let mut address = 0u32;
        for octet in 0..4 {
            let shift = 24 - 8 * octet;
            address = address.wrapping_add(self.octet() << shift);
            if octet == 3 || self.peek() != Some(b'.') {
                break;
            }
            self.at += 1;
        }
        Ipv4Addr::from(address)
    }

    fn tcp4(&mut self) -> Result<Addresses<'static>, Stop> {
        let src = self.ipv4();
        self.expect(b' ')?;
        let dst = self.ipv4();
        self.expect(b' ')?;
        let sport = self.number() as u16;
        self.expect(b' ')?;
        let dport = self.number() as u16;
        self.expect(b'\r')?;
        self.expect(b'\n')?;
        Ok(inet(src.into(), sport, dst.into(), dport))
    }

    /// Four words, then anything up to the end of the line.
    fn tcp6(&mut self) -> Result<Addresses<'static>, Stop> {
        let rest = self.buf.get(self.at..).unwrap_or_default();
        let end = memchr::memchr2(b'\r', b'\n', rest).ok_or(Stop::Missing)?;
        let line = rest.get(..end).unwrap_or_default();
        self.at += end;
        self.expect(b'\r')?;
        self.expect(b'\n')?;
        let mut words = line.split(|&b| b == b' ');
        let mut word = || words.next().ok_or(Stop::Bad);
        let (src, dst) = (ipv6(word()?)?, ipv6(word()?)?);
        let (sport, dport) = (port(word()?)?, port(word()?)?);
        Ok(inet(src.into(), sport, dst.into(), dport))
    }
}

fn ipv6(word: &[u8]) -> Result<Ipv6Addr, Stop> {
    std::str::from_utf8(word)
        .ok()
        .and_then(|w| w.parse().ok())
        .ok_or(Stop::Bad)
}

fn port(word: &[u8]) -> Result<u16, Stop> {
    let mut cursor = Cursor { buf: word, at: 0 };
    let port = cursor.number() as u16;
    if cursor.peek().is_some() {
        Err(Stop::Bad)
    } else {
        Ok(port)
    }
}

fn inet(src: IpAddr, sport: u16, dst: IpAddr, dport: u16) -> Addresses<'static> {
    Addresses::Inet {
        src: SocketAddr::new(src, sport),
        dst: SocketAddr::new(dst, dport),
    }
}
