//! Addresses to bind to, to be refused by, and to get no answer from.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, SockAddr, Socket, Type};

/// A port that was free a moment ago, kept from other users of this crate while it lives. Between processes a file
/// lock does it: a program that binds with `SO_REUSEPORT` would share the port of another test without an error.
#[derive(Debug)]
pub struct PortGuard {
    /// The port's number.
    pub port: u16,
    _lock: File,
}

/// Finds a free TCP port on the loopback.
///
/// # Errors
/// When the system has none, or the lock file cannot be made.
pub fn free_port() -> io::Result<PortGuard> {
    let folder = std::env::temp_dir().join("hapax-testkit-ports");
    std::fs::create_dir_all(&folder)?;
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let lock = File::create(folder.join(port.to_string()))?;
        if lock.try_lock().is_ok() {
            return Ok(PortGuard { port, _lock: lock });
        }
    }
}

fn bound() -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
    let address = socket
        .local_addr()?
        .as_socket()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok((socket, address))
}

/// An address that refuses connections: bound, so that nobody else gets it, and not listening.
#[derive(Debug)]
pub struct Refused {
    _socket: Socket,
    /// Where to be refused.
    pub address: SocketAddr,
}

impl Refused {
    /// Takes such an address.
    ///
    /// # Panics
    /// When no port is free.
    pub fn new() -> Self {
        match bound() {
            Ok((socket, address)) => Self {
                _socket: socket,
                address,
            },
            Err(error) => panic!("no port to refuse with: {error}"),
        }
    }
}

impl Default for Refused {
    fn default() -> Self {
        Self::new()
    }
}

/// An address where connecting gets no answer: a listener whose accept queue is full.
#[derive(Debug)]
pub struct Blackhole {
    _socket: Socket,
    _filling: Vec<TcpStream>,
    /// Where nobody answers.
    pub address: SocketAddr,
}

impl Blackhole {
    /// Takes such an address.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        let make = || -> io::Result<Self> {
            let (socket, address) = bound()?;
            socket.listen(0)?;
            let filling = vec![TcpStream::connect(address)?];
            Ok(Self {
                _socket: socket,
                _filling: filling,
                address,
            })
        };
        match make() {
            Ok(hole) => hole,
            Err(error) => panic!("no port that does not answer: {error}"),
        }
    }
}

impl Default for Blackhole {
    fn default() -> Self {
        Self::new()
    }
}
