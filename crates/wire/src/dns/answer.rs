//! Taking answers apart.

use super::{CLASS, CNAME, HEADER, Name, Question, Type};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A record that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An address.
    Address(IpAddr),
    /// A place of a service.
    Service(Service),
}

/// Where a service is (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Lower ones come first.
    pub priority: u16,
    /// Its share among those of the same priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host.
    pub target: Name,
    /// The host's addresses, as far as the answer has them.
    pub addresses: Vec<IpAddr>,
}

/// Why an answer has no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It can't be understood, or is no answer.
    Malformed,
    /// It is about another name.
    WrongName,
    /// It is about another type of records.
    WrongType,
    /// The name does not exist.
    NoSuchName,
    /// The name server refuses to answer.
    Refused,
    /// The name server reports another error.
    Failed,
    /// The name has no records of this type.
    Empty,
    /// It did not fit.
    Truncated,
    /// The name stands for another one that has no records of this type.
    DanglingAlias,
    /// There are records, but none of the type that was asked for.
    Unexpected,
}

/// A message's identifier; `None` when it is too short for one to be an answer.
#[must_use]
pub fn id(message: &[u8]) -> Option<u16> {
    let header = message.get(..HEADER)?;
    Some(u16::from_be_bytes([header[0], header[1]]))
}

/// Whether the answer did not fit, so that it is worth asking over TCP.
#[must_use]
pub fn is_truncated(message: &[u8]) -> bool {
    message.get(2).is_some_and(|flags| flags & 0x02 != 0)
}

/// A place in a message.
struct Reader<'m> {
    message: &'m [u8],
    at: usize,
}

/// A record's head and where its data lies.
struct Raw {
    name: Name,
    kind: u16,
    class: u16,
    data: std::ops::Range<usize>,
}

impl Reader<'_> {
    fn u16(&mut self) -> Option<u16> {
        let bytes = self.message.get(self.at..self.at + 2)?;
        self.at += 2;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn name(&mut self) -> Option<Name> {
        let (name, end) = Name::read(self.message, self.at)?;
        self.at = end;
        Some(name)
    }

    fn record(&mut self) -> Option<Raw> {
        let name = self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        // How long the record may be kept is not asked: names are resolved again at times of our own.
        let _ = (self.u16()?, self.u16()?);
        let length = usize::from(self.u16()?);
        let data = self.at..self.at + length;
        self.message.get(data.clone())?;
        self.at = data.end;
        Some(Raw {
            name,
            kind,
            class,
            data,
        })
    }
}

/// The address in a record's data.
fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    if kind == Type::A.number() {
        let bytes: [u8; 4] = data.try_into().ok()?;
        return Some(Ipv4Addr::from(bytes).into());
    }
    let bytes: [u8; 16] = data.try_into().ok()?;
    Some(Ipv6Addr::from(bytes).into())
}

fn is_address(kind: u16) -> bool {
    kind == Type::A.number() || kind == Type::Aaaa.number()
}

fn service(message: &[u8], data: &std::ops::Range<usize>) -> Option<Service> {
    let mut reader = Reader {
        message: message.get(..data.end)?,
        at: data.start,
    };
    Some(Service {
        priority: reader.u16()?,
        weight: reader.u16()?,
        port: reader.u16()?,
        target: reader.name()?,
        addresses: Vec::new(),
    })
}

/// The records that answer a question, in the order of the message.
///
/// # Errors
/// When there are none, and why.
pub fn parse(message: &[u8], question: &Question) -> Result<Vec<Record>, Fault> {
    let mut reader = Reader { message, at: 2 };
    let mut field = || reader.u16().ok_or(Fault::Malformed);
    let (flags, questions, answers) = (field()?, field()?, field()?);
    let (authorities, additional) = (field()?, field()?);
    const RESPONSE: u16 = 0x8000;
    if flags & RESPONSE == 0 || questions > 1 {
        return Err(Fault::Malformed);
    }
    if questions == 1 {
        check_question(&mut reader, question)?;
    }
    match flags & 0x000f {
        0 if questions == 0 => return Err(Fault::Malformed),
        0 => {}
        3 => return Err(Fault::NoSuchName),
        5 => return Err(Fault::Refused),
        _ => return Err(Fault::Failed),
    }
    if answers == 0 {
        return Err(Fault::Empty);
    }
    if is_truncated(message) {
        return Err(Fault::Truncated);
    }
    let mut records = read_answers(&mut reader, answers, question)?;
    for _ in 0..authorities {
        reader.record().ok_or(Fault::Malformed)?;
    }
    add_addresses(&mut reader, additional, &mut records)?;
    Ok(records)
}

fn check_question(reader: &mut Reader<'_>, question: &Question) -> Result<(), Fault> {
    let name = reader.name().ok_or(Fault::Malformed)?;
    let kind = reader.u16().ok_or(Fault::Malformed)?;
    let class = reader.u16().ok_or(Fault::Malformed)?;
    if name != question.name {
        return Err(Fault::WrongName);
    }
    if kind != question.kind.number() || class != CLASS {
        return Err(Fault::WrongType);
    }
    Ok(())
}

/// Reads the answers, which follow the name's aliases one after the other.
fn read_answers(
    reader: &mut Reader<'_>,
    count: u16,
    question: &Question,
) -> Result<Vec<Record>, Fault> {
    let mut owner = question.name.clone();
    let mut records = Vec::new();
    let mut ends_in_alias = false;
    for at in 0..count {
        let raw = reader.record().ok_or(Fault::Malformed)?;
        if raw.class != CLASS {
            continue;
        }
        if raw.name != owner {
            return Err(match at {
                0 => Fault::WrongName,
                _ => Fault::DanglingAlias,
            });
        }
        ends_in_alias = raw.kind == CNAME;
        let data = reader.message.get(raw.data.clone()).unwrap_or_default();
        if raw.kind == CNAME {
            let message = reader.message.get(..raw.data.end).unwrap_or_default();
            let (target, _) = Name::read(message, raw.data.start).ok_or(Fault::Malformed)?;
            owner = target;
        } else if raw.kind == question.kind.number() {
            let record = match question.kind {
                Type::Srv => service(reader.message, &raw.data).map(Record::Service),
                Type::A | Type::Aaaa => address(raw.kind, data).map(Record::Address),
            };
            records.push(record.ok_or(Fault::Malformed)?);
        }
    }
    match records.is_empty() {
        true if ends_in_alias => Err(Fault::DanglingAlias),
        true => Err(Fault::Unexpected),
        false => Ok(records),
    }
}

/// Gives services the addresses that come along.
fn add_addresses(reader: &mut Reader<'_>, count: u16, records: &mut [Record]) -> Result<(), Fault> {
    for _ in 0..count {
        let raw = reader.record().ok_or(Fault::Malformed)?;
        if !is_address(raw.kind) || raw.class != CLASS {
            continue;
        }
        let data = reader.message.get(raw.data).unwrap_or_default();
        let ip = address(raw.kind, data).ok_or(Fault::Malformed)?;
        for record in &mut *records {
            if let Record::Service(service) = record
                && service.target == raw.name
            {
                service.addresses.push(ip);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
