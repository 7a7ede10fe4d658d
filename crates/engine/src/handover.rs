//! Listening sockets on their way from an old process to a new one (`-x`, `expose-fd listeners`).
//!
//! The new process connects to the old one's runtime API and says `_getsocks`. It is answered with the number of sockets as
//! an integer in the machine's byte order, then with messages that carry descriptors and, for each of them, a record: the
//! length and name of its network namespace, the length and name of its interface, and an integer of options. It confirms
//! each message with an integer. HAProxy speaks the same, so either may follow the other.

use crate::listener::abstract_address;
use model::{Address, Bind};
use parking_lot::Mutex;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrAny, SocketAddrUnix, sockopt,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The command that asks for the sockets.
pub const COMMAND: &str = "_getsocks";
/// Descriptors in one message at most; the system's own limit is one more.
const PER_MESSAGE: usize = 252;
/// How long either side waits for the other.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// The longest record: two names with their lengths, and the options.
const RECORD: usize = 2 * 256 + 4;
/// More sockets than any process holds; a larger number is none of ours.
const MOST: usize = 1 << 20;

/// The listening sockets that this process would hand over.
#[derive(Debug, Default)]
pub struct Exposed(Mutex<Vec<Entry>>);

/// Where a listening socket is, apart from its address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The network namespace it was made in.
    namespace: Option<Arc<str>>,
    /// The interface it is bound to.
    interface: Option<Arc<str>>,
}

impl Surroundings {
    fn of(bind: &Bind) -> Self {
        Self {
            namespace: bind
                .namespace
                .as_ref()
                .map(|namespace| namespace.name.clone()),
            interface: bind.interface.clone(),
        }
    }
}

/// A listening socket with its surroundings.
pub type OpenSocket = (Surroundings, Arc<OwnedFd>);
type Entry = (Surroundings, Weak<OwnedFd>);

impl Exposed {
    /// Enters a socket, which leaves the list when it is closed.
    pub fn add(&self, bind: &Bind, fd: &Arc<OwnedFd>) {
        let mut list = self.0.lock();
        list.retain(|(_, known)| known.strong_count() > 0);
        list.push((Surroundings::of(bind), Arc::downgrade(fd)));
    }

    /// Those still open, each with its surroundings.
    #[must_use]
    pub fn open(&self) -> Vec<OpenSocket> {
        let list = self.0.lock();
        list.iter()
            .filter_map(|(around, fd)| Some((around.clone(), fd.upgrade()?)))
            .collect()
    }
}

/// The record of a socket.
fn record(around: &Surroundings) -> Vec<u8> {
    let mut record = Vec::new();
    for name in [&around.namespace, &around.interface] {
        let name = name.as_deref().unwrap_or_default().as_bytes();
        let len = u8::try_from(name.len()).unwrap_or(0);
        record.push(len);
        record.extend(name.iter().take(len.into()));
    }
    record.extend(0_i32.to_ne_bytes());
    record
}

/// Reads a record off the front of `bytes`.
fn read_record(bytes: &mut &[u8]) -> Option<Surroundings> {
    let mut name = || {
        let (len, rest) = bytes.split_first()?;
        let (name, rest) = rest.split_at_checked((*len).into())?;
        *bytes = rest;
        Some((!name.is_empty()).then(|| String::from_utf8_lossy(name).into()))
    };
    let (namespace, interface) = (name()?, name()?);
    *bytes = bytes.get(4..)?;
    Some(Surroundings {
        namespace,
        interface,
    })
}

/// Hands over the sockets to the peer of a non-blocking connection that asked for them.
///
/// `ready` waits until the connection can be read (`true`) or written.
///
/// # Errors
/// When the peer is gone or does not confirm.
pub async fn send<W: Future<Output = io::Result<()>>>(
    peer: impl AsFd,
    sockets: &[OpenSocket],
    ready: impl Fn(bool) -> W,
) -> io::Result<()> {
    let count = i32::try_from(sockets.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    send_all(&peer, &count.to_ne_bytes(), &[], &ready).await?;
    for chunk in sockets.chunks(PER_MESSAGE) {
        let records: Vec<u8> = chunk
            .iter()
            .flat_map(|(around, _)| record(around))
            .collect();
        send_all(&peer, &records, chunk, &ready).await?;
        let mut answer = [0; 4];
        let mut have = 0;
        while have < answer.len() {
            let room = answer.get_mut(have..).unwrap_or_default();
            match rustix::net::recv(&peer, &mut *room, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok((n, _)) => have += n,
                Err(rustix::io::Errno::AGAIN) => ready(true).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

async fn send_all<W: Future<Output = io::Result<()>>>(
    peer: impl AsFd,
    bytes: &[u8],
    sockets: &[OpenSocket],
    ready: &impl Fn(bool) -> W,
) -> io::Result<()> {
    let fds: Vec<_> = sockets.iter().map(|(_, fd)| fd.as_fd()).collect();
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        // Descriptors go with the first byte.
        let fds = if done == 0 { fds.as_slice() } else { &[] };
        match send_with(&peer, rest, fds) {
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready(false).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends bytes, and descriptors with the first of them.
///
/// # Errors
/// Those of `sendmsg(2)`.
pub fn send_with(
    peer: impl AsFd,
    bytes: &[u8],
    fds: &[std::os::fd::BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PER_MESSAGE))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags = SendFlags::NOSIGNAL;
    Ok(rustix::net::sendmsg(
        peer,
        &[IoSlice::new(bytes)],
        &mut control,
        flags,
    )?)
}

/// Receives bytes and the descriptors that came with them.
///
/// # Errors
/// Those of `recvmsg(2)`.
pub fn receive_with(peer: impl AsFd, room: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PER_MESSAGE + 1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::net::recvmsg(
        peer,
        &mut [IoSliceMut::new(room)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    Ok(received.bytes)
}

/// A listening socket that came from another process.
#[derive(Debug)]
struct Received {
    fd: Arc<OwnedFd>,
    around: Surroundings,
}

/// Listening sockets that came from another process.
#[derive(Debug, Default)]
pub struct Inherited(Vec<Received>);

impl Inherited {
    /// Asks the old process at the other end of a blocking connection.
    ///
    /// # Errors
    /// When it does not answer in the form expected within a second.
    pub fn request(peer: impl AsFd) -> io::Result<Self> {
        let fd = peer.as_fd();
        sockopt::set_socket_timeout(fd, sockopt::Timeout::Recv, Some(PATIENCE))?;
        rustix::net::send(fd, format!("{COMMAND}\n").as_bytes(), SendFlags::NOSIGNAL)?;
        let mut count = [0; 4];
        let (got, _) = rustix::net::recv(fd, &mut count, RecvFlags::WAITALL)?;
        let count = usize::try_from(i32::from_ne_bytes(count))
            .ok()
            .filter(|count| got == 4 && *count <= MOST)
            .ok_or(io::ErrorKind::InvalidData)?;
        let (mut fds, mut records) = (Vec::new(), Vec::new());
        let mut room = vec![0; PER_MESSAGE * RECORD];
        while fds.len() < count {
            let n = receive_with(fd, &mut room, &mut fds)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            records.extend_from_slice(room.get(..n).unwrap_or_default());
            let have = i32::try_from(fds.len()).unwrap_or(i32::MAX);
            rustix::net::send(fd, &have.to_ne_bytes(), SendFlags::NOSIGNAL)?;
        }
        let mut rest = records.as_slice();
        let sockets = fds.into_iter().map(|fd| {
            let around = read_record(&mut rest)?;
            let fd = Arc::new(fd);
            Some(Received { fd, around })
        });
        let sockets = sockets.collect::<Option<Vec<_>>>();
        sockets
            .map(Self)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The sockets of this very process, for listeners that go on under another configuration.
    pub(crate) fn from_exposed(exposed: &Exposed) -> Self {
        let open = exposed.open().into_iter();
        Self(open.map(|(around, fd)| Received { fd, around }).collect())
    }

    /// Those that a bind line would have to open, and nothing but listening streams.
    pub(crate) fn matching(&self, bind: &Bind) -> Vec<OwnedFd> {
        let around = Surroundings::of(bind);
        let fits = |socket: &&Received| {
            socket.around == around
                && is_listening_stream(&socket.fd)
                && rustix::net::getsockname(&socket.fd).is_ok_and(|name| is_at(&name, bind))
                && is_v6only(&socket.fd, bind)
                && is_multipath(&socket.fd) == bind.multipath
        };
        let found = self.0.iter().filter(fits);
        found
            .filter_map(|socket| socket.fd.try_clone().ok())
            .collect()
    }
}

fn is_listening_stream(fd: impl AsFd) -> bool {
    sockopt::socket_acceptconn(&fd).is_ok_and(|listens| listens)
        && sockopt::socket_type(&fd).is_ok_and(|kind| kind == rustix::net::SocketType::STREAM)
}

fn is_multipath(fd: impl AsFd) -> bool {
    let protocol = sockopt::socket_protocol(fd);
    protocol.is_ok_and(|protocol| protocol == Some(rustix::net::ipproto::MPTCP))
}

/// Whether a socket differs from a bind line in the addresses that `v6only` leaves out.
fn is_v6only(fd: impl AsFd, bind: &Bind) -> bool {
    match bind.address {
        Address::Inet(SocketAddr::V6(_)) => {
            sockopt::ipv6_v6only(fd).is_ok_and(|only| only == bind.v6only.unwrap_or(false))
        }
        _ => true,
    }
}

/// Whether a socket's name is where a bind line listens.
fn is_at(name: &SocketAddrAny, bind: &Bind) -> bool {
    match &bind.address {
        Address::Inet(wanted) => SocketAddr::try_from(name.clone()).is_ok_and(|at| at == *wanted),
        Address::Unix(path) => SocketAddrUnix::try_from(name.clone()).is_ok_and(|at| {
            use std::os::unix::ffi::OsStrExt;
            let wanted = path.as_os_str().as_bytes();
            at.path_bytes()
                .is_some_and(|at| without_suffix(at) == wanted)
        }),
        Address::Abstract {
            name: wanted,
            padded,
        } => {
            let same = |at: SocketAddrUnix| {
                abstract_address(wanted, *padded).is_ok_and(|wanted| wanted == at)
            };
            SocketAddrUnix::try_from(name.clone()).is_ok_and(same)
        }
        Address::Fd(_) | Address::SocketPair(_) | Address::Reverse(_) => false,
    }
}

/// A Unix socket is bound as `<path>.<pid>.tmp` and renamed, which its name does not follow.
fn without_suffix(name: &[u8]) -> &[u8] {
    let Some(rest) = name.strip_suffix(b".tmp") else {
        return name;
    };
    let digits = rest.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let rest = rest.get(..rest.len() - digits).unwrap_or_default();
    match rest.strip_suffix(b".") {
        Some(path) if digits > 0 => path,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_haproxy() {
        // What HAProxy 3.4 sends for a socket bound to an interface, and for one that is not.
        let nowhere = Surroundings::default();
        let bound = Surroundings {
            interface: Some("lo".into()),
            ..Surroundings::default()
        };
        let elsewhere = Surroundings {
            namespace: Some("ns".into()),
            ..bound.clone()
        };
        assert_eq!(record(&bound), b"\0\x02lo\0\0\0\0");
        assert_eq!(record(&nowhere), b"\0\0\0\0\0\0");
        assert_eq!(record(&elsewhere), b"\x02ns\x02lo\0\0\0\0");
        let mut bytes: &[u8] = b"\0\0\0\0\0\0\0\x02lo\0\0\0\0\x02ns\x02lo\0\0\0\0";
        assert_eq!(read_record(&mut bytes), Some(nowhere));
        assert_eq!(read_record(&mut bytes), Some(bound));
        assert_eq!(read_record(&mut bytes), Some(elsewhere));
        assert_eq!(read_record(&mut bytes), None);
    }

    #[test]
    fn names_of_unix_sockets_lose_their_suffix() {
        for (name, path) in [
            ("/a/b.sock.12.tmp", "/a/b.sock"),
            ("/a/b.sock", "/a/b.sock"),
            ("/a/b.tmp", "/a/b.tmp"),
            ("/a/12.tmp", "/a/12.tmp"),
        ] {
            assert_eq!(without_suffix(name.as_bytes()), path.as_bytes());
        }
    }

    #[test]
    fn broken_records_are_refused() {
        for broken in [&b""[..], b"\0", b"\x05ab", b"\0\x02l", b"\0\0\0\0\0"] {
            assert_eq!(read_record(&mut &*broken), None, "{broken:?}");
        }
    }
}
