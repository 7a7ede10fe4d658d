//! The client's side of SOCKS4: the request for a connection to an IPv4 address, and its answer.

use std::net::SocketAddrV4;

const REQUEST_LEN: usize = 16;
const REPLY_LEN: usize = 8;
const VERSION: u8 = 4;
const CONNECT: u8 = 1;
const GRANTED: u8 = 0x5a;
/// The user on whose behalf connections are asked for, as proxies that sort by it expect of HAProxy.
const USER: &[u8; 8] = b"HAProxy\0";

/// The exchange that comes before everything else on a connection to a SOCKS4 proxy.
#[derive(Debug)]
pub struct Handshake {
    request: [u8; REQUEST_LEN],
    sent: usize,
    reply: [u8; REPLY_LEN],
    received: usize,
}

impl Handshake {
    /// The request for a connection.
    #[must_use]
    pub fn new(to: SocketAddrV4) -> Self {
        let mut request = [0; REQUEST_LEN];
        let [high, low] = to.port().to_be_bytes();
        let head = [VERSION, CONNECT, high, low];
        let address = to.ip().octets();
        let fields = head.iter().chain(&address).chain(USER);
        for (place, byte) in request.iter_mut().zip(fields) {
            *place = *byte;
        }
        Self {
            request,
            sent: 0,
            reply: [0; REPLY_LEN],
            received: 0,
        }
    }

    /// What is still to be sent.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.request.get(self.sent..).unwrap_or_default()
    }

    /// Notes how much of it has been sent.
    pub fn advance(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count).min(REQUEST_LEN);
    }

    /// Where the rest of the answer belongs; nothing behind it may be read.
    #[must_use]
    pub fn room(&mut self) -> &mut [u8] {
        self.reply.get_mut(self.received..).unwrap_or_default()
    }

    /// Notes how much of the room has been filled.
    pub fn fill(&mut self, count: usize) {
        self.received = self.received.saturating_add(count).min(REPLY_LEN);
    }

    /// Whether the proxy grants the connection, once it has answered. Nothing but the answer's code counts: proxies
    /// differ in what else they say.
    #[must_use]
    pub fn verdict(&self) -> Option<bool> {
        (self.received == REPLY_LEN).then(|| self.reply[1] == GRANTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn to(ip: u32, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::from(ip), port)
    }

    fn answered(reply: &[u8]) -> Option<bool> {
        let mut handshake = Handshake::new(to(1, 1));
        let n = handshake.room().len().min(reply.len());
        handshake.room()[..n].copy_from_slice(&reply[..n]);
        handshake.fill(n);
        handshake.verdict()
    }

    #[test]
    fn a_request_is_what_haproxy_sends() {
        let handshake = Handshake::new(to(0x0a01_0203, 8080));
        assert_eq!(
            handshake.pending(),
            b"\x04\x01\x1f\x90\x0a\x01\x02\x03HAProxy\0"
        );
    }

    #[test]
    fn answers() {
        assert_eq!(answered(b"\0\x5a\0\0\0\0\0\0"), Some(true));
        assert_eq!(answered(b"\x04\x5a\0\0\0\0\0\0more"), Some(true));
        assert_eq!(answered(b"\0\x5b\0\0\0\0\0\0"), Some(false));
        assert_eq!(answered(b"HTTP/1.1 400"), Some(false));
        assert_eq!(answered(b"\0\x5a\0"), None);
    }

    proptest! {
        #[test]
        fn a_request_is_sent_once_whatever_its_pieces(ip: u32, port: u16, piece in 1usize..20) {
            let mut handshake = Handshake::new(to(ip, port));
            let mut sent = Vec::new();
            while !handshake.pending().is_empty() {
                let n = piece.min(handshake.pending().len());
                sent.extend_from_slice(&handshake.pending()[..n]);
                handshake.advance(n);
            }
            prop_assert_eq!(&sent[..2], b"\x04\x01");
            prop_assert_eq!(&sent[2..4], port.to_be_bytes());
            prop_assert_eq!(&sent[4..8], ip.to_be_bytes());
            prop_assert_eq!(&sent[8..], b"HAProxy\0");
        }

        #[test]
        fn only_the_code_of_a_whole_answer_counts(reply in prop::collection::vec(any::<u8>(), 0..12)) {
            let granted = reply.get(1).map(|code| *code == 0x5a);
            prop_assert_eq!(answered(&reply), granted.filter(|_| reply.len() >= 8));
        }
    }
}
