//! Socket options that no safe crate offers.

use std::ffi::{c_int, c_void};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd};

fn set<T>(fd: impl AsFd, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    let value = std::ptr::from_ref(value).cast::<c_void>();
    // SAFETY: `value` points to `len` readable bytes for the duration of the call, and the descriptor is open.
    let outcome = unsafe { libc::setsockopt(fd.as_fd().as_raw_fd(), level, name, value, len) };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// `SO_MARK`.
///
/// # Errors
/// Those of `setsockopt(2)`; it takes a privilege.
pub fn set_mark(fd: impl AsFd, mark: u32) -> io::Result<()> {
    set(fd, libc::SOL_SOCKET, libc::SO_MARK, &mark)
}

/// `TCP_REPAIR`: the connection can be closed without a word to the peer.
///
/// # Errors
/// Those of `setsockopt(2)`; it takes a privilege.
pub fn set_repair(fd: impl AsFd) -> io::Result<()> {
    let on: c_int = 1;
    set(fd, libc::IPPROTO_TCP, libc::TCP_REPAIR, &on)
}

/// `IP_TOS` or `IPV6_TCLASS`.
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn set_tos(fd: impl AsFd, v6: bool, tos: u8) -> io::Result<()> {
    let value = c_int::from(tos);
    if v6 {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &value)
    } else {
        set(fd, libc::IPPROTO_IP, libc::IP_TOS, &value)
    }
}

/// `IP_TRANSPARENT` or `IPV6_TRANSPARENT`: foreign addresses may be bound to.
///
/// # Errors
/// Those of `setsockopt(2)`; it takes a privilege.
pub fn set_transparent(fd: impl AsFd, v6: bool) -> io::Result<()> {
    let on: c_int = 1;
    if v6 {
        set(fd, libc::SOL_IPV6, libc::IPV6_TRANSPARENT, &on)
    } else {
        set(fd, libc::SOL_IP, libc::IP_TRANSPARENT, &on)
    }
}

/// `IP_BIND_ADDRESS_NO_PORT`: the port is chosen when connecting, so that many connections can share a source address.
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn set_bind_address_no_port(fd: impl AsFd) -> io::Result<()> {
    let on: c_int = 1;
    set(fd, libc::SOL_IP, libc::IP_BIND_ADDRESS_NO_PORT, &on)
}

/// `TCP_MAXSEG`.
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn set_mss(fd: impl AsFd, mss: i32) -> io::Result<()> {
    set(fd, libc::IPPROTO_TCP, libc::TCP_MAXSEG, &mss)
}

/// `TCP_NOTSENT_LOWAT`: with so many bytes that can't be sent yet the socket takes no more.
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn set_unsent_limit(fd: impl AsFd, bytes: u32) -> io::Result<()> {
    set(fd, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, &bytes)
}

/// `TCP_DEFER_ACCEPT`, in seconds.
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn set_defer_accept(fd: impl AsFd, seconds: i32) -> io::Result<()> {
    set(fd, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, &seconds)
}

/// `TCP_FASTOPEN`: data may come with the packet that opens a connection, of which so many may wait to be acknowledged
/// (RFC 7413).
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn set_fast_open(fd: impl AsFd, waiting: i32) -> io::Result<()> {
    set(fd, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, &waiting)
}

/// `TCP_FASTOPEN_CONNECT`: a connection is opened by the first bytes sent, which go along (RFC 7413).
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn set_fast_open_connect(fd: impl AsFd) -> io::Result<()> {
    let on: c_int = 1;
    set(fd, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, &on)
}

/// `TCP_SAVE_SYN`: keeps the head of the packet that opened a connection.
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn save_syn(fd: impl AsFd, mode: u8) -> io::Result<()> {
    const TCP_SAVE_SYN: c_int = 27;
    set(fd, libc::IPPROTO_TCP, TCP_SAVE_SYN, &c_int::from(mode))
}

/// `SO_BINDTODEVICE`.
///
/// # Errors
/// Those of `setsockopt(2)`, and a name that is too long.
pub fn bind_to_interface(fd: impl AsFd, interface: &str) -> io::Result<()> {
    let mut name = [0u8; libc::IFNAMSIZ];
    let room = name
        .get_mut(..interface.len())
        .filter(|room| room.len() < libc::IFNAMSIZ);
    room.ok_or(io::ErrorKind::InvalidInput)?
        .copy_from_slice(interface.as_bytes());
    set(fd, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &name)
}

/// `TCP_MD5SIG` for every peer of the socket's family (RFC 2385).
///
/// # Errors
/// Those of `setsockopt(2)`, and a key of more than 80 bytes.
pub fn set_md5_signature(
    fd: impl AsFd,
    peer: Option<std::net::SocketAddr>,
    v6: bool,
    key: &[u8],
) -> io::Result<()> {
    const TCP_MD5SIG: c_int = 14;
    const TCP_MD5SIG_EXT: c_int = 32;
    const PREFIX: u8 = 1;
    #[repr(C)]
    struct Signature {
        address: [u8; 128],
        flags: u8,
        prefix_len: u8,
        key_len: u16,
        interface: c_int,
        key: [u8; 80],
    }
    let mut signature = Signature {
        address: [0; 128],
        flags: 0,
        prefix_len: 0,
        key_len: key.len() as u16,
        interface: 0,
        key: [0; 80],
    };
    signature
        .key
        .get_mut(..key.len())
        .ok_or(io::ErrorKind::InvalidInput)?
        .copy_from_slice(key);
    let family = if v6 { libc::AF_INET6 } else { libc::AF_INET } as u16;
    signature.address[..2].copy_from_slice(&family.to_ne_bytes());
    match peer {
        // A fixed peer: the plain form.
        Some(std::net::SocketAddr::V4(peer)) => {
            signature.address[4..8].copy_from_slice(&peer.ip().octets())
        }
        Some(std::net::SocketAddr::V6(peer)) => {
            signature.address[8..24].copy_from_slice(&peer.ip().octets())
        }
        // Any peer: a prefix of length 0.
        None => {
            signature.flags = PREFIX;
            return set(fd, libc::IPPROTO_TCP, TCP_MD5SIG_EXT, &signature);
        }
    }
    set(fd, libc::IPPROTO_TCP, TCP_MD5SIG, &signature)
}

/// `SO_ORIGINAL_DST`: where an IPv4 connection was meant for before the system's address translation brought it here;
/// `None` where nothing keeps track of that.
pub fn original_destination(fd: impl AsFd) -> Option<SocketAddrV4> {
    let mut address = libc::sockaddr_in {
        sin_family: 0,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: 0 },
        sin_zero: [0; 8],
    };
    let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: `address` has room for `length` bytes for the duration of the call, and the descriptor is open.
    let outcome = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::SOL_IP,
            libc::SO_ORIGINAL_DST,
            std::ptr::from_mut(&mut address).cast(),
            &mut length,
        )
    };
    let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
    (outcome == 0).then(|| SocketAddrV4::new(ip, u16::from_be(address.sin_port)))
}

#[cfg(test)]
mod tests {
    use super::{original_destination, set_unsent_limit};
    use std::io::{ErrorKind, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    /// How many bytes a connection takes whose peer reads none.
    fn taken(limit: Option<u32>) -> usize {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).expect("a connection");
        let (_server, _) = listener.accept().expect("a connection");
        client.set_nonblocking(true).expect("a socket");
        if let Some(limit) = limit {
            set_unsent_limit(&client, limit).expect("an option");
        }
        let mut taken = 0;
        loop {
            match client.write(&[0; 4096]) {
                Ok(n) => taken += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return taken,
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn what_can_not_be_sent_yet_is_limited() {
        let (all, limited) = (taken(None), taken(Some(4096)));
        assert!(limited < all / 2, "{limited} of {all}");
    }

    #[test]
    fn what_was_not_translated_was_meant_for_here() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let _client = TcpStream::connect(address).expect("a connection");
        let (server, _) = listener.accept().expect("a connection");
        // Nobody may keep track of connections here.
        let original = original_destination(&server);
        assert!(original.is_none_or(|original| address == original.into()));
        let (one, _other) = UnixStream::pair().expect("a pair");
        assert_eq!(original_destination(&one), None);
    }
}
