//! Sans-IO codecs: HTTP/1, PROXY protocol and health-check protocols.
#![forbid(unsafe_code)]

pub mod h1;
pub mod proxy;
