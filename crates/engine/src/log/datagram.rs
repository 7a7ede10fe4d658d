//! Batches of datagrams: one system call for many lines, whatever their destinations.

use super::registry::count_dropped;
use model::Address;
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg;
use rustix::net::{
    AddressFamily, MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, SocketAddrUnix,
    SocketFlags, SocketType,
};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::OwnedFd;

/// Lines and bytes of a full batch.
const FULL: (usize, usize) = (128, 60_000);

/// One worker's datagrams for destinations of all families.
#[derive(Debug, Default)]
pub struct Datagrams {
    families: [Family; 3],
}

/// A destination: a family and a place among its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    family: usize,
    address: usize,
}

#[derive(Debug, Default)]
struct Family {
    socket: Option<OwnedFd>,
    addresses: Vec<(Address, SocketAddrAny)>,
    bytes: Vec<u8>,
    lines: Vec<(usize, Range<usize>)>,
}

impl Datagrams {
    /// The place of an address, entered when it is new.
    ///
    /// # Errors
    /// When datagrams can't be sent there.
    pub fn place(&mut self, address: &Address) -> io::Result<Place> {
        let (number, any) = match address {
            Address::Inet(inet @ SocketAddr::V4(_)) => (0, inet.as_any()),
            Address::Inet(inet @ SocketAddr::V6(_)) => (1, inet.as_any()),
            Address::Unix(path) => (2, SocketAddrUnix::new(path)?.as_any()),
            Address::Abstract { name, padded } => (
                2,
                crate::listener::abstract_address(name, *padded)?.as_any(),
            ),
            Address::Fd(_) | Address::SocketPair(_) => {
                return Err(io::ErrorKind::Unsupported.into());
            }
        };
        let family = self
            .families
            .get_mut(number)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let known = family
            .addresses
            .iter()
            .position(|(known, _)| known == address);
        let at = known.unwrap_or_else(|| {
            family.addresses.push((address.clone(), any));
            family.addresses.len() - 1
        });
        Ok(Place {
            family: number,
            address: at,
        })
    }

    /// Adds a line that `write` writes.
    pub fn add(&mut self, place: Place, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(family) = self.families.get_mut(place.family) else {
            return;
        };
        let start = family.bytes.len();
        write(&mut family.bytes);
        family
            .lines
            .push((place.address, start..family.bytes.len()));
        if family.lines.len() >= FULL.0 || family.bytes.len() >= FULL.1 {
            family.flush(place.family);
        }
    }

    /// Sends all lines.
    pub fn flush(&mut self) {
        for (number, family) in self.families.iter_mut().enumerate() {
            if !family.lines.is_empty() {
                family.flush(number);
            }
        }
    }
}

impl Family {
    fn flush(&mut self, number: usize) {
        if self.socket.is_none() {
            self.socket = open(number).ok();
        }
        match &self.socket {
            Some(socket) => self.send(socket),
            None => count_dropped(self.lines.len()),
        }
        self.lines.clear();
        self.bytes.clear();
    }

    fn send(&self, socket: &OwnedFd) {
        let lines: Vec<(usize, [IoSlice<'_>; 1])> = self
            .lines
            .iter()
            .map(|(address, range)| {
                (
                    *address,
                    [IoSlice::new(
                        self.bytes.get(range.clone()).unwrap_or_default(),
                    )],
                )
            })
            .collect();
        let mut control: Vec<SendAncillaryBuffer<'_, '_, '_>> = lines
            .iter()
            .map(|_| SendAncillaryBuffer::default())
            .collect();
        let mut messages: Vec<MMsgHdr<'_>> = Vec::with_capacity(lines.len());
        for ((address, slices), control) in lines.iter().zip(&mut control) {
            if let Some((_, any)) = self.addresses.get(*address) {
                messages.push(MMsgHdr::new_with_addr(any, slices, control));
            }
        }
        let mut rest = &mut messages[..];
        while !rest.is_empty() {
            match rustix::net::sendmmsg(socket, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => rest = rest.get_mut(sent.max(1)..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(_) => {
                    // The error is that of the first: it is lost, the others may have better luck.
                    count_dropped(1);
                    rest = rest.get_mut(1..).unwrap_or_default();
                }
            }
        }
    }
}

fn open(number: usize) -> io::Result<OwnedFd> {
    let family = match number {
        0 => AddressFamily::INET,
        1 => AddressFamily::INET6,
        _ => AddressFamily::UNIX,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(rustix::net::socket_with(
        family,
        SocketType::DGRAM,
        flags,
        None,
    )?)
}
