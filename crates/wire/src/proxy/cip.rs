//! NetScaler's Client IP insertion: the client's own IP and TCP headers in front of the data, in a legacy and a newer
//! envelope (bind option `accept-netscaler-cip`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::ErrorKind;

/// The client's connection as NetScaler saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CipHeader {
    /// The client's endpoint.
    pub src: SocketAddr,
    /// The endpoint that the client connected to.
    pub dst: SocketAddr,
}

/// What [`parse_cip`] made of the bytes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CipOutcome {
    /// More bytes are needed.
    Incomplete,
    /// The bytes can never become an acceptable block.
    Error(ErrorKind),
    /// A whole block was read.
    Done {
        /// Length of the block in bytes.
        consumed: usize,
        /// What it said.
        header: CipHeader,
    },
}

/// Magic number and length.
const LEGACY: usize = 8;
/// These and the type and inner length.
const STANDARD: usize = 12;
/// An IPv4 header and the ports.
const SHORTEST: usize = 24;
const TCP: u8 = 6;

/// Reads a block that must carry `magic`.
///
/// The block is taken to end where its inner length says.
#[must_use]
pub fn parse_cip(magic: u32, buf: &[u8]) -> CipOutcome {
    let expected = magic.to_be_bytes();
    let seen = buf.len().min(expected.len());
    if buf.get(..seen) != expected.get(..seen) {
        return CipOutcome::Error(ErrorKind::BadMagic);
    }
    match block(buf) {
        None => CipOutcome::Incomplete,
        Some(Ok((consumed, header))) => CipOutcome::Done { consumed, header },
        Some(Err(kind)) => CipOutcome::Error(kind),
    }
}

/// `None` when bytes are missing.
fn block(buf: &[u8]) -> Option<Result<(usize, CipHeader), ErrorKind>> {
    let &[_, _, _, _, a, b, c, d, first, _, hi, lo] = buf.first_chunk::<STANDARD>()?;
    // A version nibble tells the envelopes apart: the newer one's type, 1, starts with a zero byte.
    let legacy = matches!(first >> 4, 4 | 6);
    let (start, length) = if legacy {
        (LEGACY, u32::from_be_bytes([a, b, c, d]) as usize)
    } else {
        (STANDARD, usize::from(u16::from_be_bytes([hi, lo])))
    };
    if length < SHORTEST {
        return Some(Err(ErrorKind::Truncated));
    }
    let consumed = start.checked_add(length)?;
    let packet = buf.get(start..consumed)?;
    Some(endpoints(packet).map(|header| (consumed, header)))
}

fn endpoints(packet: &[u8]) -> Result<CipHeader, ErrorKind> {
    let first = *packet.first().ok_or(ErrorKind::Truncated)?;
    match first >> 4 {
        4 => ipv4(packet, first),
        6 => ipv6(packet),
        _ => Err(ErrorKind::BadProtocol),
    }
}

fn array<const N: usize>(packet: &[u8], at: usize) -> Result<[u8; N], ErrorKind> {
    packet
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .ok_or(ErrorKind::Truncated)
}

fn header(packet: &[u8], src: IpAddr, dst: IpAddr, tcp: usize) -> Result<CipHeader, ErrorKind> {
    let sport = u16::from_be_bytes(array(packet, tcp)?);
    let dport = u16::from_be_bytes(array(packet, tcp + 2)?);
    Ok(CipHeader {
        src: SocketAddr::new(src, sport),
        dst: SocketAddr::new(dst, dport),
    })
}

fn ipv4(packet: &[u8], first: u8) -> Result<CipHeader, ErrorKind> {
    let [protocol] = array(packet, 9)?;
    if protocol != TCP {
        return Err(ErrorKind::BadProtocol);
    }
    let src = Ipv4Addr::from(array::<4>(packet, 12)?);
    let dst = Ipv4Addr::from(array::<4>(packet, 16)?);
    header(
        packet,
        src.into(),
        dst.into(),
        usize::from(first & 0x0f) * 4,
    )
}

fn ipv6(packet: &[u8]) -> Result<CipHeader, ErrorKind> {
    let [next] = array(packet, 6)?;
    if next != TCP {
        return Err(ErrorKind::BadProtocol);
    }
    let src = Ipv6Addr::from(array::<16>(packet, 8)?);
    let dst = Ipv6Addr::from(array::<16>(packet, 24)?);
    header(packet, src.into(), dst.into(), 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: u32 = 0x1234_5678;

    fn packet4(protocol: u8) -> Vec<u8> {
        let mut p = vec![
            0x45, 0, 0, 40, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 1, 1, 1, 10, 2, 2, 2,
        ];
        p.extend_from_slice(&[0x0d, 0x05, 0x11, 0x5c]);
        p.resize(40, 0);
        p
    }

    fn packet6() -> Vec<u8> {
        let mut p = vec![0x60, 0, 0, 0, 0, 20, 6, 64];
        p.extend_from_slice(&"2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
        p.extend_from_slice(&"2001:db8::2".parse::<Ipv6Addr>().unwrap().octets());
        p.extend_from_slice(&[0x0d, 0x05, 0x11, 0x5c]);
        p.resize(60, 0);
        p
    }

    fn legacy(packet: &[u8]) -> Vec<u8> {
        [
            &MAGIC.to_be_bytes()[..],
            &(packet.len() as u32).to_be_bytes(),
            packet,
        ]
        .concat()
    }

    fn standard(packet: &[u8]) -> Vec<u8> {
        let (total, inner) = (packet.len() as u32 + 12, packet.len() as u16);
        [
            &MAGIC.to_be_bytes()[..],
            &total.to_be_bytes(),
            &[0, 1],
            &inner.to_be_bytes(),
            packet,
        ]
        .concat()
    }

    #[test]
    fn both_envelopes_and_families() {
        for (packet, src, dst) in [
            (packet4(6), "10.1.1.1:3333", "10.2.2.2:4444"),
            (packet6(), "[2001:db8::1]:3333", "[2001:db8::2]:4444"),
        ] {
            let header = CipHeader {
                src: src.parse().unwrap(),
                dst: dst.parse().unwrap(),
            };
            for mut block in [legacy(&packet), standard(&packet)] {
                let consumed = block.len();
                for cut in 0..consumed {
                    assert_eq!(parse_cip(MAGIC, &block[..cut]), CipOutcome::Incomplete);
                }
                block.extend_from_slice(b"GET /");
                assert_eq!(
                    parse_cip(MAGIC, &block),
                    CipOutcome::Done { consumed, header }
                );
            }
        }
    }

    #[test]
    fn refusals() {
        assert_eq!(
            parse_cip(MAGIC, b"\x12\x35"),
            CipOutcome::Error(ErrorKind::BadMagic)
        );
        assert_eq!(
            parse_cip(MAGIC, &legacy(&packet4(17))),
            CipOutcome::Error(ErrorKind::BadProtocol)
        );
        let mut other = standard(&packet4(6));
        other[12] = 0x55;
        assert_eq!(
            parse_cip(MAGIC, &other),
            CipOutcome::Error(ErrorKind::BadProtocol)
        );
        let no_packet = standard(&[]).into_iter().chain([0; 9]).collect::<Vec<_>>();
        assert_eq!(
            parse_cip(MAGIC, &no_packet),
            CipOutcome::Error(ErrorKind::Truncated)
        );
    }
}
