//! `resolvers` sections: name servers, and how their answers are taken (configuration manual, section 5.3).

use crate::address::IpFamily;
use std::net::SocketAddr;
use std::sync::Arc;

/// A `resolvers` section.
#[derive(Debug, Clone)]
pub struct Resolvers {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands.
    pub origin: (Arc<str>, u32),
    /// All of them are asked at the same time.
    pub nameservers: Vec<Nameserver>,
    /// `accepted_payload_size`: the longest answer over UDP, in bytes.
    pub payload_size: u16,
    /// `resolve_retries`: how often a question is sent before it counts as unanswered.
    pub retries: u32,
    /// `timeout resolve`: milliseconds between two resolutions of a name.
    pub resolve_timeout: u64,
    /// `timeout retry`: milliseconds to wait for an answer.
    pub retry_timeout: u64,
    /// `hold`.
    pub hold: Holds,
}

/// A name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nameserver {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it is asked over TCP only.
    pub stream: bool,
    /// `maxconn`: how many TCP connections there may be at once; 0 for no limit.
    pub maxconn: u32,
}

/// How long past a valid answer a failure is not believed, by kind, and how long answers stay good; in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// The name does not exist.
    pub nx: u64,
    /// Refused by the name server.
    pub refused: u64,
    /// No answer.
    pub timeout: u64,
    /// Any other failure.
    pub other: u64,
    /// How long `do-resolve` uses an answer again.
    pub valid: u64,
    /// How long a record that is not answered any more is kept.
    pub obsolete: u64,
}

impl Resolvers {
    /// A section without name servers.
    #[must_use]
    pub fn new(name: &str, origin: (Arc<str>, u32)) -> Self {
        const HALF_A_MINUTE: u64 = 30_000;
        Self {
            name: name.into(),
            origin,
            nameservers: Vec::new(),
            payload_size: 512,
            retries: 3,
            resolve_timeout: 1000,
            retry_timeout: 1000,
            hold: Holds {
                nx: HALF_A_MINUTE,
                refused: HALF_A_MINUTE,
                timeout: HALF_A_MINUTE,
                other: HALF_A_MINUTE,
                valid: 10_000,
                obsolete: 0,
            },
        }
    }
}

/// `dns-accept-family`: the families of addresses that are asked for and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AcceptedFamilies {
    /// `auto`: IPv4, and IPv6 while the system has a way to it.
    #[default]
    Auto,
    /// `ipv4,ipv6`.
    Both,
    /// One only.
    Only(IpFamily),
}
