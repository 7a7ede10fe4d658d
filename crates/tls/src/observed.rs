//! What is seen of a handshake beyond what rustls tells: parts of the hellos, how the peer's certificate was judged, secrets.

use crate::hello::ClientHello;
use crate::server::Instance;
use std::cell::RefCell;
use std::sync::Arc;

/// How the peer's certificate was judged, by OpenSSL's numbers (`X509_V_ERR_*`); 0 stands for no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judgement {
    /// The error that verification ended with, whether it was ignored or not.
    pub result: u8,
    /// The first error of the certificate itself.
    pub certificate: u8,
    /// The first error of an authority in its chain, and that one's depth.
    pub authority: (u8, u8),
    /// Whether an error at depth 0 or above (`true`) ended the handshake.
    pub refused: Option<bool>,
}

/// A secret with its label in key logs.
pub type Secret = (Box<str>, Box<[u8]>);

/// What is seen of a handshake.
#[derive(Debug, Default)]
pub struct Observed {
    /// Whether any byte came.
    pub heard: bool,
    /// Whether early data came.
    pub early_data: bool,
    /// The ClientHello, if it is to be kept.
    pub hello: Option<Box<ClientHello>>,
    /// The protocol version within the ClientHello.
    pub hello_version: u16,
    /// The name that the client asked for.
    pub server_name: Option<Box<[u8]>>,
    /// The client's random.
    pub client_random: [u8; 32],
    /// The server's random and its session id.
    pub server_hello: Option<Box<([u8; 32], Vec<u8>)>>,
    /// How the peer's certificate was judged.
    pub judgement: Judgement,
    /// The subject of the authority at the end of the peer's chain, if the chain leads to one that is trusted.
    pub root: Option<Box<[u8]>>,
    /// Secrets by their label in key logs.
    pub secrets: Vec<Secret>,
    /// The certificate in use on this side, with what was configured for it.
    pub instance: Option<Arc<Instance>>,
}

/// The random of a HelloRetryRequest begins like this (RFC 8446, section 4.1.3).
const RETRY: [u8; 4] = [0xcf, 0x21, 0xad, 0x74];

impl Observed {
    /// Takes what is needed from a ClientHello; keeps it with `keep` bytes of its lists.
    pub(crate) fn take_hello(&mut self, mut hello: Box<ClientHello>, keep: usize) {
        hello.captured = keep;
        self.client_random = hello.random();
        self.hello_version = hello.legacy_version();
        self.server_name = hello.server_name().map(Into::into);
        self.hello = Some(hello).filter(|_| keep > 0);
    }

    /// Looks for a ServerHello in a record.
    pub(crate) fn see_server_hello(&mut self, record: &[u8]) {
        if self.server_hello.is_some() {
            return;
        }
        let Some(([22, 3, _, _, _, 2, _, _, _, _, _], body)) = record.split_first_chunk::<11>()
        else {
            return;
        };
        let Some((random, rest)) = body.split_first_chunk::<32>() else {
            return;
        };
        if random.starts_with(&RETRY) {
            return;
        }
        let id = rest
            .split_first()
            .and_then(|(&length, rest)| rest.get(..usize::from(length)));
        self.server_hello = Some(Box::new((*random, id.unwrap_or_default().to_vec())));
    }

    /// Looks for the client's random in its own ClientHello.
    pub(crate) fn see_client_hello(&mut self, record: &[u8]) {
        if let Some(([22, 3, _, _, _, 1, _, _, _, _, _], body)) = record.split_first_chunk::<11>()
            && let Some(random) = body.first_chunk::<32>()
        {
            self.client_random = *random;
        }
    }

    /// The secret of this label.
    #[must_use]
    pub fn secret(&self, label: &str) -> Option<&[u8]> {
        let found = self.secrets.iter().find(|(is, _)| &**is == label);
        found.map(|(_, secret)| &**secret)
    }
}

// Callbacks of rustls don't know their connection; what they say is collected right after the call that made them.
thread_local! {
    static JUDGED: RefCell<Option<Judgement>> = const { RefCell::new(None) };
    static ROOT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
    static SECRETS: RefCell<Vec<Secret>> = const { RefCell::new(Vec::new()) };
}

/// Leaves a judgement for the connection being processed on this thread.
pub(crate) fn judged(judgement: Judgement) {
    JUDGED.set(Some(judgement));
}

/// Leaves the end of a chain for the connection being processed on this thread.
pub(crate) fn rooted(subject: Option<Vec<u8>>) {
    ROOT.set(subject);
}

/// Leaves a secret for the connection being processed on this thread.
fn keep_secret(label: &str, secret: &[u8]) {
    SECRETS.with_borrow_mut(|secrets| secrets.push((label.into(), secret.into())));
}

/// Collects what callbacks left for a connection.
pub(crate) fn collect(observed: &mut Observed) {
    if let Some(judgement) = JUDGED.take() {
        observed.judgement = judgement;
        observed.root = ROOT.take().map(Into::into);
    }
    SECRETS.with_borrow_mut(|secrets| {
        if !secrets.is_empty() {
            observed.secrets.append(secrets);
        }
    });
}

/// Keeps secrets for fetches: the master secret of TLS 1.2 always, those of TLS 1.3 only where `tune.ssl.keylog` asks.
#[derive(Debug)]
pub(crate) struct KeepSecrets {
    pub all: bool,
}

impl rustls::KeyLog for KeepSecrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        if self.will_log(label) {
            keep_secret(label, secret);
        }
    }

    fn will_log(&self, label: &str) -> bool {
        self.all || label == "CLIENT_RANDOM"
    }
}
