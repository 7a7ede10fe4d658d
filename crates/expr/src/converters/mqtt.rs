//! The CONNECT and CONNACK packets of MQTT 3.1, 3.1.1 and 5.0.

use super::text;
use crate::args::Args;
use crate::args::spec::STR;
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::borrow::Cow;

/// Packet types by number, from 1.
const TYPES: [&str; 15] = [
    "connect",
    "connack",
    "publish",
    "puback",
    "pubrec",
    "pubrel",
    "pubcomp",
    "subscribe",
    "suback",
    "unsubscribe",
    "unsuback",
    "pingreq",
    "pingresp",
    "disconnect",
    "auth",
];

const CONNECT: u8 = 1;
const CONNACK: u8 = 2;

/// What a converter asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Flags,
    ProtocolName,
    ProtocolVersion,
    ClientIdentifier,
    WillTopic,
    WillPayload,
    Username,
    Password,
    KeepAlive,
    ReasonCode,
    Property(u8),
}

impl Field {
    fn of(packet: u8, name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if let Ok(id) = name.parse::<u8>() {
            let known = match packet {
                CONNECT => CONNECT_PROPERTIES.contains(&id) || WILL_PROPERTIES.contains(&id),
                CONNACK => CONNACK_PROPERTIES.contains(&id),
                _ => false,
            };
            return known.then_some(Self::Property(id));
        }
        Some(match (packet, name.as_str()) {
            (CONNECT | CONNACK, "flags") => Self::Flags,
            (CONNECT | CONNACK, "protocol_version") => Self::ProtocolVersion,
            (CONNECT, "protocol_name") => Self::ProtocolName,
            (CONNECT, "client_identifier") => Self::ClientIdentifier,
            (CONNECT, "will_topic") => Self::WillTopic,
            (CONNECT, "will_payload") => Self::WillPayload,
            (CONNECT, "username") => Self::Username,
            (CONNECT, "password") => Self::Password,
            (CONNECT, "keepalive") => Self::KeepAlive,
            (CONNACK, "reason_code") => Self::ReasonCode,
            _ => return None,
        })
    }
}

/// The user property, which may come more than once and can't be asked for.
const USER: u8 = 38;
const CONNECT_PROPERTIES: [u8; 9] = [17, 21, 22, 23, 25, 33, 34, 39, USER];
const WILL_PROPERTIES: [u8; 7] = [1, 2, 3, 8, 9, 24, USER];
const CONNACK_PROPERTIES: [u8; 17] = [
    17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 39, 40, 41, 42, USER,
];

/// A reader of a packet's parts.
#[derive(Debug, Clone, Copy)]
struct Reader<'p>(&'p [u8]);

impl<'p> Reader<'p> {
    fn take(&mut self, count: usize) -> Option<&'p [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, size: usize) -> Option<u64> {
        let bytes = self.take(size)?;
        Some(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn string(&mut self) -> Option<&'p [u8]> {
        let length = self.number(2)?;
        self.take(usize::try_from(length).ok()?)
    }

    /// A length of up to four bytes with seven bits each.
    fn length(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

/// A property's value.
#[derive(Debug, Clone, Copy)]
enum Property<'p> {
    Number(u64),
    Text(&'p [u8]),
}

/// How a property is written, and the greatest and least number it may be.
fn number_of(id: u8, reader: &mut Reader<'_>) -> Option<u64> {
    let (size, allowed) = match id {
        1 | 23 | 25 | 36 | 37 | 40 | 41 | 42 => (1, 0..=1),
        19 | 34 => (2, 0..=u64::MAX),
        33 => (2, 1..=u64::MAX),
        2 | 17 | 24 => (4, 0..=u64::MAX),
        39 => (4, 1..=u64::MAX),
        _ => return None,
    };
    reader.number(size).filter(|n| allowed.contains(n))
}

fn is_number(id: u8) -> bool {
    matches!(id, 1 | 2 | 17 | 19 | 23..=25 | 33 | 34 | 36 | 37 | 39..=42)
}

/// A list of properties, each of which may come once.
#[derive(Debug, Default)]
struct Properties<'p>(Vec<(u8, Property<'p>)>);

impl<'p> Properties<'p> {
    fn read(reader: &mut Reader<'p>, allowed: &[u8]) -> Option<Self> {
        let length = reader.length()?;
        let mut list = Reader(reader.take(length)?);
        let mut found = Self::default();
        while let Some(id) = list.byte() {
            if !allowed.contains(&id) {
                return None;
            }
            if id == USER {
                list.string()?;
                list.string()?;
                continue;
            }
            if found.get(id).is_some() {
                return None;
            }
            let value = if is_number(id) {
                Property::Number(number_of(id, &mut list)?)
            } else {
                Property::Text(list.string()?)
            };
            found.0.push((id, value));
        }
        Some(found)
    }

    fn get(&self, id: u8) -> Option<Property<'p>> {
        self.0
            .iter()
            .find(|(i, _)| *i == id)
            .map(|(_, value)| *value)
    }
}

/// A parsed packet.
#[derive(Debug, Default)]
struct Packet<'p> {
    kind: u8,
    flags: u8,
    version: u8,
    protocol: &'p [u8],
    keep_alive: u64,
    client: &'p [u8],
    will: Option<(&'p [u8], &'p [u8])>,
    username: &'p [u8],
    password: &'p [u8],
    reason: u8,
    properties: Properties<'p>,
    will_properties: Properties<'p>,
}

impl<'p> Packet<'p> {
    fn connect(mut reader: Reader<'p>) -> Option<Self> {
        let protocol = reader.string()?;
        let known = [&b"MQTT"[..], b"MQIsdp"];
        known
            .iter()
            .any(|name| name.eq_ignore_ascii_case(protocol))
            .then_some(())?;
        let version = reader.byte().filter(|v| (3..=5).contains(v))?;
        let flags = reader.byte().filter(|flags| flags & 1 == 0)?;
        let mut packet = Self {
            kind: CONNECT,
            flags,
            version,
            protocol,
            keep_alive: reader.number(2)?,
            ..Self::default()
        };
        if version == 5 {
            packet.properties = Properties::read(&mut reader, &CONNECT_PROPERTIES)?;
            let data_without_method =
                packet.properties.get(22).is_some() && packet.properties.get(21).is_none();
            (!data_without_method).then_some(())?;
        }
        packet.client = reader.string()?;
        if flags & 4 != 0 {
            if version == 5 {
                packet.will_properties = Properties::read(&mut reader, &WILL_PROPERTIES)?;
            }
            packet.will = Some((reader.string()?, reader.string()?));
        }
        if flags & 0x80 != 0 {
            packet.username = reader.string()?;
        }
        if flags & 0x40 != 0 {
            packet.password = reader.string()?;
        }
        reader.0.is_empty().then_some(packet)
    }

    /// Two bytes and nothing more are version 3.1.1.
    fn connack(mut reader: Reader<'p>, follows: bool) -> Option<Self> {
        let version = if reader.0.len() == 2 { 4 } else { 5 };
        let mut packet = Self {
            kind: CONNACK,
            version,
            flags: reader.byte().filter(|flags| *flags <= 1)?,
            reason: reader.byte()?,
            ..Self::default()
        };
        if version == 5 {
            packet.properties = Properties::read(&mut reader, &CONNACK_PROPERTIES)?;
        } else if follows {
            return None;
        }
        reader.0.is_empty().then_some(packet)
    }

    fn value(&self, field: Field) -> Option<Property<'p>> {
        let number = |n: u8| Some(Property::Number(u64::from(n)));
        let text = |text: &'p [u8]| (!text.is_empty()).then_some(Property::Text(text));
        match field {
            Field::Flags => number(self.flags),
            Field::ProtocolVersion => number(self.version),
            Field::ReasonCode => number(self.reason),
            Field::KeepAlive => Some(Property::Number(self.keep_alive)),
            Field::ProtocolName => text(self.protocol),
            Field::ClientIdentifier => text(self.client),
            Field::WillTopic => text(self.will?.0),
            Field::WillPayload => text(self.will?.1),
            Field::Username => text(self.username),
            Field::Password => text(self.password),
            Field::Property(id) => self.property(id),
        }
    }

    /// Numbers that are not there are 0.
    fn property(&self, id: u8) -> Option<Property<'p>> {
        if self.version != 5 {
            return None;
        }
        let of_will = self.kind == CONNECT && WILL_PROPERTIES.contains(&id);
        let list = if of_will {
            self.will?;
            &self.will_properties
        } else {
            &self.properties
        };
        match list.get(id) {
            Some(Property::Text(b"")) => None,
            Some(found) => Some(found),
            None => is_number(id).then_some(Property::Number(0)),
        }
    }
}

/// Parses a packet. The outer `None` is for one that is not complete, the inner one for one that is not valid.
fn parse(bytes: &[u8]) -> Option<Option<Packet<'_>>> {
    if bytes.len() < 2 {
        return None;
    }
    let mut reader = Reader(bytes);
    let head = reader.byte()?;
    let Some(length) = reader.length() else {
        return Some(None);
    };
    let follows = reader.0.len() > length;
    let body = Reader(reader.take(length)?);
    Some(match head {
        0x10 => Packet::connect(body),
        0x20 => Packet::connack(body, follows),
        _ => None,
    })
}

fn is_valid<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    Some(Value::Bool(parse(&text(value)?)?.is_some()))
}

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let name = args.text(0).unwrap_or_default();
    let by_name = TYPES.iter().position(|t| t.eq_ignore_ascii_case(&name));
    let packet = by_name
        .map(|at| at + 1)
        .or_else(|| name.parse().ok().filter(|n| (1..=TYPES.len()).contains(n)))
        .and_then(|n| u8::try_from(n).ok())
        .ok_or_else(|| format!("Unknown MQTT type '{name}'"))?;
    let field = args.text(1).unwrap_or_default();
    let field = Field::of(packet, &field)
        .ok_or_else(|| format!("Unknown MQTT field name '{field}' for packet type '{name}'"))?;
    args.set_data((packet, field));
    Ok(())
}

fn field_value<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let (kind, field) = args.data::<(u8, Field)>()?;
    let bytes = text(value)?;
    let packet = parse(&bytes)??;
    let found = match packet.value(*field).filter(|_| packet.kind == *kind)? {
        Property::Number(number) => {
            let mut out = Vec::with_capacity(10);
            crate::cast::write_uint(number, &mut out);
            out
        }
        Property::Text(text) => text.to_vec(),
    };
    Some(Value::Str(Cow::Owned(found)))
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "mqtt_is_valid",
        Type::Bin,
        Type::Bool,
        is_valid,
        "Whether an MQTT packet is valid.",
    ),
    ConverterRow::new(
        "mqtt_field_value",
        Type::Bin,
        Type::Str,
        field_value,
        "A field or property of an MQTT packet.",
    )
    .args(&[STR, STR])
    .check(check),
];
