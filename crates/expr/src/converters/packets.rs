//! Ethernet frames and IP packets, as saved from a connection's first segment.

use super::tcp_header::Segment;
use super::{block, part, text};
use crate::args::Args;
use crate::args::spec::OPT_INT;
use crate::row::{Convert, ConverterRow};
use crate::sample::{Type, Value};
use crate::view::View;
use std::net::IpAddr;
use std::ops::Range;

const VLAN: [u8; 2] = [0x81, 0];

/// The length of a frame's header with its VLAN tags; something must follow it.
fn header_length(frame: &[u8]) -> Option<usize> {
    let mut at = 12;
    while frame.get(at..at + 2)? == VLAN {
        at += 4;
    }
    (frame.len() > at + 2).then_some(at + 2)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn slice<'a>(value: Value<'a>, range: Range<usize>) -> Option<Value<'a>> {
    let bytes = text(value)?;
    (range.end <= bytes.len()).then(|| Value::Bin(part(bytes, range)))
}

/// The parts of an IP packet.
struct Packet<'p> {
    bytes: &'p [u8],
    version: u8,
}

const NEXT_HEADERS: [u8; 5] = [0, 43, 44, 51, 60];

impl<'p> Packet<'p> {
    fn new(bytes: &'p [u8]) -> Option<Self> {
        let version = bytes.first()? >> 4;
        Some(Self { bytes, version })
    }

    fn by_version<T>(
        &self,
        v4: impl FnOnce() -> Option<T>,
        v6: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        match self.version {
            4 => v4(),
            6 => v6(),
            _ => None,
        }
    }

    fn tos(&self) -> Option<u8> {
        self.by_version(
            || self.bytes.get(1).copied(),
            || short(self.bytes, 0).map(|word| (word >> 4) as u8),
        )
    }

    fn do_not_fragment(&self) -> Option<bool> {
        self.by_version(
            || self.bytes.get(6).map(|bits| bits & 0x40 != 0),
            || Some(true),
        )
    }

    fn ttl(&self) -> Option<u8> {
        let whole = |length: usize, at: usize| {
            self.bytes
                .get(..length)
                .and_then(|head| head.get(at))
                .copied()
        };
        self.by_version(|| whole(20, 8), || whole(40, 7))
    }

    fn address(&self, destination: bool) -> Option<IpAddr> {
        let second = usize::from(destination);
        self.by_version(
            || {
                let from = 12 + 4 * second;
                let bytes: [u8; 4] = self.bytes.get(..20)?.get(from..from + 4)?.try_into().ok()?;
                Some(bytes.into())
            },
            || {
                let from = 8 + 16 * second;
                let bytes: [u8; 16] = self
                    .bytes
                    .get(..40)?
                    .get(from..from + 16)?
                    .try_into()
                    .ok()?;
                Some(bytes.into())
            },
        )
    }

    /// The transport's protocol number and, behind options and extension headers, where its header begins.
    fn transport(&self) -> Option<(u8, usize)> {
        if self.version == 4 {
            let length = usize::from(self.bytes.first()? & 15) * 4;
            return Some((*self.bytes.get(9)?, length));
        }
        let mut next = (self.version == 6).then(|| self.bytes.get(..40)?.get(6).copied())??;
        let mut at = 40;
        while NEXT_HEADERS.contains(&next) {
            let header = self.bytes.get(at..at + 2)?;
            next = *header.first()?;
            at += (usize::from(*header.get(1)?) + 1) * 8;
        }
        (at <= self.bytes.len()).then_some((next, at))
    }

    fn header(&self) -> Option<Range<usize>> {
        let (_, end) = self.transport()?;
        (end <= self.bytes.len()).then_some(0..end)
    }

    /// What identifies the sender's stack (configuration manual, `ip.fp`), with more of it as the bits of `mode` ask for.
    fn fingerprint(&self, mode: i64) -> Option<Vec<u8>> {
        let (protocol, start) = self.transport()?;
        let segment = Segment::new(self.bytes.get(start..)?).filter(|_| protocol == 6)?;
        let ttl = self.ttl()?;
        let plain = if self.version == 4 { 20 } else { 40 };
        let class = match ttl {
            0..=32 => 0,
            33..=64 => 1,
            65..=128 => 2,
            _ => 3u8,
        };
        let kinds = segment.option_kinds()?;
        let flags = segment.flags()?;
        let bits = u8::from(self.version == 6) << 7
            | u8::from(self.do_not_fragment()?) << 6
            | class << 4
            | u8::from(start > plain) << 3
            | u8::from(segment.has_data()?) << 2
            | u8::from(flags & 0x80 != 0) << 1
            | u8::from(flags & 0x40 != 0);
        let scale = match segment.option(3)? {
            Some(option) => option
                .first()
                .map_or(0, |scale| scale.saturating_add(1).min(15)),
            None => 0,
        };
        let mut out = vec![self.tos()?, bits, (segment.header_words()? << 4) | scale];
        out.extend(segment.window()?.to_be_bytes());
        out.extend(segment.segment_size()?.to_be_bytes());
        out.push(kinds.iter().fold(0, |seen, kind| {
            seen | match kind {
                0 | 1 => 0,
                2..=8 => 1 << (kind - 2),
                _ => 0x80,
            }
        }));
        if mode & 1 != 0 {
            out.push(ttl);
        }
        if mode & 2 != 0 {
            out.extend_from_slice(&kinds);
        }
        if mode & 4 != 0 {
            match self.address(false)? {
                IpAddr::V4(ip) => out.extend(ip.octets()),
                IpAddr::V6(ip) => out.extend(ip.octets()),
            }
        }
        Some(out)
    }
}

/// One function per row.
macro_rules! readers {
    ($($name:ident |$value:ident, $args:ident| $result:expr;)*) => {
        $(fn $name<'a>($args: &'a Args, $value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
            let _ = $args;
            $result
        })*
    };
}

fn integer<'a>(value: impl Into<i64>) -> Option<Value<'a>> {
    Some(Value::Int(value.into()))
}

readers! {
    eth_data |value, args| {
        let frame = text(value)?;
        let from = header_length(&frame)?;
        let end = frame.len();
        Some(Value::Bin(part(frame, from..end)))
    };
    eth_dst |value, args| slice(value, 0..6);
    eth_src |value, args| slice(value, 6..12);
    eth_hdr |value, args| {
        let frame = text(value)?;
        let end = header_length(&frame)?;
        Some(Value::Bin(part(frame, 0..end)))
    };
    eth_proto |value, args| {
        let frame = text(value)?;
        integer(short(&frame, header_length(&frame)? - 2)?)
    };
    eth_vlan |value, args| {
        let frame = text(value)?;
        let end = header_length(&frame).filter(|end| *end > 14)?;
        integer(short(&frame, end - 4)? & 0xfff)
    };
    ip_data |value, args| {
        let packet = text(value)?;
        let from = Packet::new(&packet)?.header()?.end;
        let end = packet.len();
        Some(Value::Bin(part(packet, from..end)))
    };
    ip_hdr |value, args| {
        let packet = text(value)?;
        let range = Packet::new(&packet)?.header()?;
        Some(Value::Bin(part(packet, range)))
    };
    ip_df |value, args| integer(Packet::new(&text(value)?)?.do_not_fragment()?);
    ip_dst |value, args| Packet::new(&text(value)?)?.address(true).map(Value::Ip);
    ip_src |value, args| Packet::new(&text(value)?)?.address(false).map(Value::Ip);
    ip_proto |value, args| integer(Packet::new(&text(value)?)?.transport()?.0);
    ip_tos |value, args| integer(Packet::new(&text(value)?)?.tos()?);
    ip_ttl |value, args| integer(Packet::new(&text(value)?)?.ttl()?);
    ip_ver |value, args| integer(Packet::new(&text(value)?)?.version);
    ip_fp |value, args| {
        block(Packet::new(&text(value)?)?.fingerprint(args.int(0).unwrap_or(0))?)
    };
}

const fn row(
    name: &'static str,
    output: Type,
    convert: Convert,
    doc: &'static str,
) -> ConverterRow {
    ConverterRow::new(name, Type::Bin, output, convert, doc)
}

pub(super) static ROWS: &[ConverterRow] = &[
    row(
        "eth.data",
        Type::Bin,
        eth_data,
        "What follows a frame's header.",
    ),
    row(
        "eth.dst",
        Type::Bin,
        eth_dst,
        "A frame's destination address.",
    ),
    row(
        "eth.hdr",
        Type::Bin,
        eth_hdr,
        "A frame's header with its VLAN tags.",
    ),
    row("eth.proto", Type::Int, eth_proto, "A frame's protocol."),
    row("eth.src", Type::Bin, eth_src, "A frame's source address."),
    row("eth.vlan", Type::Int, eth_vlan, "A frame's last VLAN."),
    row("ip.data", Type::Bin, ip_data, "What follows an IP header."),
    row(
        "ip.df",
        Type::Int,
        ip_df,
        "Whether a packet must not be fragmented.",
    ),
    row("ip.dst", Type::Addr, ip_dst, "A packet's destination."),
    row(
        "ip.fp",
        Type::Bin,
        ip_fp,
        "A fingerprint of the sender's stack.",
    )
    .args(&[OPT_INT]),
    row(
        "ip.hdr",
        Type::Bin,
        ip_hdr,
        "An IP header with options or extensions.",
    ),
    row(
        "ip.proto",
        Type::Int,
        ip_proto,
        "A packet's transport protocol.",
    ),
    row("ip.src", Type::Addr, ip_src, "A packet's source."),
    row("ip.tos", Type::Int, ip_tos, "A packet's type of service."),
    row("ip.ttl", Type::Int, ip_ttl, "A packet's time to live."),
    row("ip.ver", Type::Int, ip_ver, "The version of IP."),
];
