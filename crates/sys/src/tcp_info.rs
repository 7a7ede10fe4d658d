//! What the kernel measures of a TCP connection.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// A part of Linux' `TCP_INFO`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Smoothed round-trip time in microseconds.
    pub rtt: u32,
    /// Its variation in microseconds.
    pub rtt_variation: u32,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Segments acknowledged out of order.
    pub sacked: u32,
    /// Segments held to be lost.
    pub lost: u32,
    /// Segments sent again and not acknowledged yet.
    pub retransmitted: u32,
    /// Forward acknowledgements.
    pub forward_acks: u32,
    /// How far segments may be out of order before they are held to be lost.
    pub reordering: u32,
}

/// `TCP_INFO` of a connection.
///
/// # Errors
/// Those of `getsockopt(2)`, above all for sockets of another kind.
pub fn tcp_info(fd: impl AsFd) -> io::Result<TcpInfo> {
    // SAFETY: the structure has only integers, for which zero bytes are a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` has room for `length` bytes for the duration of the call, and the descriptor is open.
    let outcome = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            std::ptr::from_mut(&mut info).cast(),
            &mut length,
        )
    };
    if outcome != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(TcpInfo {
        rtt: info.tcpi_rtt,
        rtt_variation: info.tcpi_rttvar,
        unacked: info.tcpi_unacked,
        sacked: info.tcpi_sacked,
        lost: info.tcpi_lost,
        retransmitted: info.tcpi_retrans,
        forward_acks: info.tcpi_fackets,
        reordering: info.tcpi_reordering,
    })
}

/// The SYN packet that the system kept of an accepted connection (`tcp-ss`); it keeps it no longer once it was read.
///
/// # Errors
/// Those of `getsockopt(2)`.
pub fn saved_syn(fd: impl AsFd) -> io::Result<Vec<u8>> {
    const TCP_SAVED_SYN: libc::c_int = 28;
    let mut packet = vec![0u8; 1024];
    let mut length = packet.len() as libc::socklen_t;
    // SAFETY: `packet` has room for `length` bytes for the duration of the call, and the descriptor is open.
    let outcome = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            TCP_SAVED_SYN,
            packet.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if outcome != 0 {
        return Err(io::Error::last_os_error());
    }
    packet.truncate(length as usize);
    Ok(packet)
}

#[cfg(test)]
mod tests {
    use super::tcp_info;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    #[test]
    fn connections_are_measured_and_other_sockets_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let client =
            TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let info = tcp_info(&client).expect("figures");
        assert!(info.rtt > 0 && info.reordering > 0, "{info:?}");
        let (one, _other) = UnixStream::pair().expect("a pair");
        assert!(tcp_info(&one).is_err());
    }
}
