//! Where checks and questions to an agent go beside the server's own address: as configured, then as commands say.

use model::{Address, CheckSettings};
use std::net::IpAddr;
use std::sync::Arc;

/// The places of a server's checks.
#[derive(Debug, Clone)]
pub struct Places {
    /// `addr`, else where the server is.
    pub address: Option<Address>,
    /// `port`, else the server's own.
    pub port: Option<u16>,
    /// `agent-addr`, else `addr` or where the server is.
    pub agent_address: Option<IpAddr>,
    /// `agent-port`.
    pub agent_port: u16,
    /// `agent-send`.
    pub agent_send: Option<Arc<str>>,
}

impl Places {
    /// Those of the configuration.
    #[must_use]
    pub fn new(check: &CheckSettings) -> Self {
        Self {
            address: check.address.clone(),
            port: check.port,
            agent_address: check.agent.address,
            agent_port: check.agent.port,
            agent_send: check.agent.send.clone(),
        }
    }
}
