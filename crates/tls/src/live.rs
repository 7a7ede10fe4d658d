//! Certificates, authorities, revocation lists and lists of certificates while they are in use: what runtime commands show
//! and change.

use crate::bundle::Bundle;
use crate::client::Connector;
use crate::names::Names;
use crate::revocation::Revocations;
use crate::server::Listener;
use crate::settings::{CertificateLine, GlobalSettings};
use crate::store::Store;
use crate::tokens::Tokens;
use crate::verify::Authorities;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

/// All of it.
#[derive(Debug, Default)]
pub struct Inventory {
    state: Mutex<State>,
    /// The certificates that tokens may be verified and decrypted with.
    pub tokens: Arc<Tokens>,
    /// Process-wide settings.
    pub global: Arc<GlobalSettings>,
}

/// What there is, and what is being prepared.
#[derive(Debug, Default)]
pub struct State {
    /// What is in use.
    pub store: Store,
    /// A certificate being prepared.
    pub certificate: Option<Bundle>,
    /// Authorities being prepared, with their name.
    pub authorities: Option<(Arc<str>, Arc<Authorities>)>,
    /// Revocation lists being prepared, with their name.
    pub revocations: Option<(Arc<str>, Arc<Revocations>)>,
    asked_for_system: bool,
}

/// A change that was checked to be possible and only has to be made.
#[derive(Debug)]
pub enum Change {
    /// Of a listening line.
    Listener(Arc<Listener>, Names),
    /// Of the connections to a server.
    Connector(Arc<Connector>, crate::client::Prepared),
}

impl Change {
    /// Makes it: connections that begin from now on see it.
    pub fn make(self) {
        match self {
            Self::Listener(listener, names) => listener.replace(names),
            Self::Connector(connector, prepared) => connector.apply(prepared),
        }
    }
}

/// What uses certificates.
#[derive(Debug, Default)]
pub struct Users {
    /// Listening lines.
    pub listeners: Vec<Arc<Listener>>,
    /// Servers.
    pub connectors: Vec<Arc<Connector>>,
}

impl Inventory {
    /// Takes over what was read.
    #[must_use]
    pub fn new(store: Store, tokens: Arc<Tokens>, global: GlobalSettings) -> Self {
        let state = State {
            store: Store {
                sealed: true,
                ..store
            },
            ..State::default()
        };
        for bundle in state.store.bundles.values() {
            tokens.set(bundle.clone());
        }
        Self {
            state: Mutex::new(state),
            tokens,
            global: Arc::new(global),
        }
    }

    /// What there is, for as long as the guard is kept.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// Knows of the authorities that the system trusts from now on, as HAProxy does from its start, unless they can't be read.
    pub fn know_system(&mut self) {
        if std::mem::replace(&mut self.asked_for_system, true) {
            return;
        }
        self.store.sealed = false;
        let _ = self.store.authorities("@system-ca");
        self.store.sealed = true;
    }

    /// What changes when a certificate takes the place of the one of its name, or of a list's line. The number of changes is
    /// that of lines and servers.
    ///
    /// # Errors
    /// In words, why it can't be used where that one is.
    pub fn exchange(
        &mut self,
        users: &Users,
        global: &GlobalSettings,
        bundle: &Arc<Bundle>,
    ) -> Result<(Vec<Change>, usize), String> {
        let mut count = 0;
        let mut changes = Vec::new();
        for listener in &users.listeners {
            let names = listener.names();
            let mut lines: Vec<CertificateLine> = Vec::new();
            let mut touched = 0;
            for placed in names.lines() {
                let mut line = placed.entry.clone();
                if line.bundle.name == bundle.name {
                    line.bundle = bundle.clone();
                    touched += 1;
                }
                lines.push(line);
            }
            if touched > 0 {
                let names = listener.prepare(lines, global, &mut self.store)?;
                changes.push(Change::Listener(listener.clone(), names));
            }
            count += touched;
        }
        for connector in &users.connectors {
            if connector
                .bundle()
                .is_some_and(|old| old.name == bundle.name)
            {
                let prepared = connector.prepare(connector.trust(), Some(bundle.clone()))?;
                changes.push(Change::Connector(connector.clone(), prepared));
                count += 1;
            }
        }
        Ok((changes, count))
    }

    /// What changes for those who judge peers by a file that has changed in the store, and how many they are.
    ///
    /// # Errors
    /// In words.
    pub fn judge_anew(
        &mut self,
        users: &Users,
        global: &GlobalSettings,
        file: &str,
    ) -> Result<(Vec<Change>, usize), String> {
        let (mut changes, mut count) = (Vec::new(), 0);
        for listener in &users.listeners {
            let touched = listener.judging_by(file, global);
            if touched == 0 {
                continue;
            }
            count += touched;
            let names = listener.names();
            let lines = names.lines().iter().map(|placed| placed.entry.clone());
            let names = listener.prepare(lines.collect(), global, &mut self.store)?;
            changes.push(Change::Listener(listener.clone(), names));
        }
        for connector in &users.connectors {
            if !connector.judges_by(file) {
                continue;
            }
            count += 1;
            let plan = connector.plan();
            let without_base = GlobalSettings {
                ca_base: None,
                ..global.clone()
            };
            let trust = crate::assemble::trust(&mut self.store, &plan.common, &without_base)?;
            let prepared = connector.prepare(trust, connector.bundle())?;
            changes.push(Change::Connector(connector.clone(), prepared));
        }
        Ok((changes, count))
    }
}

impl Users {
    /// Whether any line or server shows the certificate of this name.
    #[must_use]
    pub fn show(&self, certificate: &str) -> bool {
        let of_lines = self.listeners.iter().any(|listener| {
            let names = listener.names();
            let mut lines = names.lines().iter();
            lines.any(|placed| &*placed.entry.bundle.name == certificate)
        });
        let bundle = |connector: &Arc<Connector>| {
            let bundle = connector.bundle();
            bundle.is_some_and(|bundle| &*bundle.name == certificate)
        };
        of_lines || self.connectors.iter().any(bundle)
    }

    /// Whether anybody judges peers by this file.
    #[must_use]
    pub fn judge_by(&self, file: &str, global: &GlobalSettings) -> bool {
        let mut listeners = self.listeners.iter();
        listeners.any(|listener| listener.judging_by(file, global) > 0)
            || self.connectors.iter().any(|c| c.judges_by(file))
    }
}
