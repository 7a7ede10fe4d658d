//! Early data to servers (RFC 8446, section 2.3): sent along with the ClientHello, under the keys of an earlier session.

use crate::failure::Failure;
use parking_lot::Mutex;
use rustls::client::{ClientConnectionData, ClientSessionMemoryCache, ClientSessionStore};
use rustls::pki_types::ServerName;
use rustls::unbuffered::TransmitTlsData;
use std::collections::HashMap;
use std::sync::Arc;

/// What a record of TLS 1.3 adds to its plain text, in bytes: header, content type and tag (RFC 8446, section 5.2).
const ADDED: usize = 5 + 1 + 16;
/// `EndOfEarlyData`: a message without a body in a record of its own.
const END_OF_EARLY_DATA: usize = 4 + ADDED;
/// A record of application data, as encrypted messages look.
const APPLICATION_DATA: u8 = 23;
/// How many names' protocols are remembered for one server.
const NAMES: usize = 1024;

/// What is remembered of a server, by the name asked for.
#[derive(Debug)]
pub(crate) struct Memory {
    sessions: Arc<ClientSessionMemoryCache>,
    /// The protocol last agreed on, which early data has to be in; empty for none.
    protocols: Mutex<HashMap<ServerName<'static>, Box<[u8]>>>,
}

impl Memory {
    pub fn new(sessions: Arc<ClientSessionMemoryCache>) -> Self {
        Self {
            sessions,
            protocols: Mutex::default(),
        }
    }

    /// The protocol last agreed on.
    pub fn protocol(&self, name: &ServerName<'static>) -> Option<Box<[u8]>> {
        self.protocols.lock().get(name).cloned()
    }

    fn remember(&self, name: &ServerName<'static>, protocol: &[u8]) {
        let mut protocols = self.protocols.lock();
        if protocols
            .get(name)
            .is_some_and(|known| **known == *protocol)
        {
            return;
        }
        if protocols.len() >= NAMES {
            protocols.clear();
        }
        protocols.insert(name.clone(), protocol.into());
    }

    /// Forgets the sessions that go by a name: the server does not know them.
    fn forget(&self, name: &ServerName<'static>) {
        while self.sessions.take_tls13_ticket(name).is_some() {}
    }
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// None is to be sent.
    Unwanted,
    /// It is to be sent if there is a session that allows it.
    Wanted,
    /// It can be sent, and some was or not.
    Open { sent: bool },
    /// As much was sent as the server takes.
    Full,
    /// The server's answer is known, or none was sent.
    Settled,
}

/// One connection's early data.
#[derive(Debug)]
pub(crate) struct Early {
    stage: Stage,
    memory: Arc<Memory>,
    name: ServerName<'static>,
    protocol: Box<[u8]>,
}

impl Early {
    /// Early data to a server in a protocol; `None` when none is to be sent on this connection, which may tell for the next.
    pub fn new(
        memory: &Arc<Memory>,
        name: &ServerName<'static>,
        protocol: Option<Box<[u8]>>,
    ) -> Self {
        Self {
            stage: match protocol {
                Some(_) => Stage::Wanted,
                None => Stage::Unwanted,
            },
            memory: memory.clone(),
            name: name.clone(),
            protocol: protocol.unwrap_or_default(),
        }
    }

    /// Whether it is to be sent if there is a session that allows it.
    pub fn is_wanted(&self) -> bool {
        self.stage == Stage::Wanted
    }

    /// Whether it may be sent now.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    /// The protocol it is in, if any was agreed on by name.
    pub fn protocol(&self) -> Option<&[u8]> {
        Some(&*self.protocol).filter(|protocol| !protocol.is_empty())
    }

    /// What follows when all messages so far are encoded: whether to wait for early data before they count as sent.
    pub fn stays_open(&mut self, may_send: bool) -> bool {
        if self.stage == Stage::Wanted {
            self.stage = match may_send {
                true => Stage::Open { sent: false },
                false => Stage::Settled,
            };
        }
        may_send && self.is_open()
    }

    /// Encrypts one record; says how much of `plain` it took, and how many bytes that became.
    pub fn encrypt(
        &mut self,
        transmit: &mut TransmitTlsData<'_, ClientConnectionData>,
        plain: &[u8],
        room: &mut [u8],
    ) -> Result<(usize, usize), Failure> {
        let Some(mut early) = transmit.may_encrypt_early_data() else {
            self.stage = Stage::Full;
            return Ok((0, 0));
        };
        let n = early.encrypt(plain, room).map_err(|_| Failure::INTERNAL)?;
        let taken = n.saturating_sub(ADDED);
        self.stage = match taken < plain.len() {
            true => Stage::Full,
            false => Stage::Open { sent: true },
        };
        Ok((taken, n))
    }

    /// Looks at a message of this end: what follows the server's answer begins with the end of early data if the server has
    /// taken it, and with something longer otherwise.
    pub fn see_message(&mut self, record: &[u8]) -> Result<(), Failure> {
        let sent = match self.stage {
            Stage::Open { sent } => sent,
            Stage::Full => true,
            Stage::Unwanted | Stage::Wanted | Stage::Settled => return Ok(()),
        };
        self.stage = Stage::Settled;
        let accepted =
            record.len() == END_OF_EARLY_DATA && record.first() == Some(&APPLICATION_DATA);
        if accepted {
            return Ok(());
        }
        self.memory.forget(&self.name);
        match sent {
            true => Err(Failure::EARLY_REFUSED),
            false => Ok(()),
        }
    }

    /// Remembers the protocol that was agreed on.
    pub fn remember(&self, protocol: Option<&[u8]>) {
        self.memory
            .remember(&self.name, protocol.unwrap_or_default());
    }
}
