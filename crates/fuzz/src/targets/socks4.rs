//! Answers of SOCKS4 proxies.

use super::piece;
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::socks4::Handshake;

/// However an answer comes in pieces, it is judged once it is whole, by its code alone, and nothing behind it is taken.
pub fn reply(input: &[u8]) {
    let mut handshake = Handshake::new(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80));
    let mut rest = input;
    while !rest.is_empty() && handshake.verdict().is_none() {
        let n = piece(input).min(rest.len()).min(handshake.room().len());
        let (now, later) = rest.split_at(n);
        handshake.room()[..n].copy_from_slice(now);
        handshake.fill(n);
        rest = later;
    }
    let whole = input.get(..8);
    assert_eq!(handshake.verdict(), whole.map(|reply| reply[1] == 0x5a));
    assert_eq!(rest, input.get(8..).unwrap_or_default());
    assert_eq!(handshake.room().len(), 8 - input.len().min(8));
}

/// Answers.
pub fn words() -> Vec<Vec<u8>> {
    let codes = 0x5a..=0x5d;
    codes.map(|code| vec![0, code, 0, 0, 0, 0, 0, 0]).collect()
}
