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

/// One worker's datagrams, by destination.
#[derive(Debug, Default)]
pub struct Datagrams {
    outlets: Vec<Outlet>,
}

/// A destination's place among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(usize);

#[derive(Debug)]
struct Outlet {
    address: Address,
    to: SocketAddrAny,
    /// Connected, for a datagram then costs the system no search for a route; but for Unix sockets, whose server may be
    /// replaced by another one at the same path.
    socket: Option<OwnedFd>,
    bytes: Vec<u8>,
    lines: Vec<Range<usize>>,
}

impl Datagrams {
    /// The place of an address, entered when it is new.
    ///
    /// # Errors
    /// When datagrams can't be sent there.
    pub fn place(&mut self, address: &Address) -> io::Result<Place> {
        let known = |outlet: &Outlet| outlet.address == *address;
        if let Some(at) = self.outlets.iter().position(known) {
            return Ok(Place(at));
        }
        let to = match address {
            Address::Inet(inet) => inet.as_any(),
            Address::Unix(path) => SocketAddrUnix::new(path)?.as_any(),
            Address::Abstract { name, padded } => {
                crate::listener::abstract_address(name, *padded)?.as_any()
            }
            Address::Fd(_) | Address::SocketPair(_) | Address::Reverse(_) => {
                return Err(io::ErrorKind::Unsupported.into());
            }
        };
        self.outlets.push(Outlet {
            address: address.clone(),
            to,
            socket: None,
            bytes: Vec::new(),
            lines: Vec::new(),
        });
        Ok(Place(self.outlets.len() - 1))
    }

    /// Adds a line that `write` writes.
    pub fn add(&mut self, place: Place, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(outlet) = self.outlets.get_mut(place.0) else {
            return;
        };
        let start = outlet.bytes.len();
        write(&mut outlet.bytes);
        outlet.lines.push(start..outlet.bytes.len());
        if outlet.lines.len() >= FULL.0 || outlet.bytes.len() >= FULL.1 {
            outlet.flush();
        }
    }

    /// Sends all lines.
    pub fn flush(&mut self) {
        for outlet in self.outlets.iter_mut().filter(|o| !o.lines.is_empty()) {
            outlet.flush();
        }
    }
}

impl Outlet {
    fn flush(&mut self) {
        if self.socket.is_none() {
            self.socket = self.open().ok();
        }
        match &self.socket {
            // What has gone wrong may be the socket's: a route or an address of this machine that has changed.
            Some(socket) if self.send(socket).is_err() => self.socket = None,
            Some(_) => {}
            None => count_dropped(self.lines.len()),
        }
        self.lines.clear();
        self.bytes.clear();
    }

    fn is_unix(&self) -> bool {
        !matches!(self.address, Address::Inet(_))
    }

    fn open(&self) -> io::Result<OwnedFd> {
        let family = match self.address {
            Address::Inet(SocketAddr::V4(_)) => AddressFamily::INET,
            Address::Inet(SocketAddr::V6(_)) => AddressFamily::INET6,
            _ => AddressFamily::UNIX,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
        if !self.is_unix() {
            rustix::net::connect(&socket, &self.to)?;
        }
        Ok(socket)
    }

    fn send(&self, socket: &OwnedFd) -> Result<(), Errno> {
        let slices: Vec<[IoSlice<'_>; 1]> = self
            .lines
            .iter()
            .map(|range| {
                [IoSlice::new(
                    self.bytes.get(range.clone()).unwrap_or_default(),
                )]
            })
            .collect();
        let mut control: Vec<SendAncillaryBuffer<'_, '_, '_>> = slices
            .iter()
            .map(|_| SendAncillaryBuffer::default())
            .collect();
        let unix = self.is_unix();
        let mut messages: Vec<MMsgHdr<'_>> = slices
            .iter()
            .zip(&mut control)
            .map(|(slices, control)| match unix {
                true => MMsgHdr::new_with_addr(&self.to, slices, control),
                false => MMsgHdr::new(slices, control),
            })
            .collect();
        let (mut outcome, mut refused) = (Ok(()), 0);
        let mut rest = &mut messages[..];
        while !rest.is_empty() {
            match rustix::net::sendmmsg(socket, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => rest = rest.get_mut(sent.max(1)..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                // Nobody listened to an earlier one. Having said so, the system takes this one.
                Err(Errno::CONNREFUSED) if !unix && refused < self.lines.len() => refused += 1,
                Err(error) => {
                    // The error is that of the first: it is lost, the others may have better luck.
                    count_dropped(1);
                    outcome = Err(error);
                    rest = rest.get_mut(1..).unwrap_or_default();
                }
            }
        }
        outcome
    }
}
