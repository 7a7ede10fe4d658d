//! Sans-IO codecs: HTTP/1, HTTP/2, PROXY protocol, SOCKS4, peers, syslog and health-check protocols.
#![forbid(unsafe_code)]

pub mod check;
pub mod dns;
pub mod h1;
pub mod h2;
pub mod peers;
pub mod proxy;
pub mod socks4;
pub mod syslog;
pub mod websocket;
