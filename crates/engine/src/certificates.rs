//! Who uses the certificates of a configuration, and stapling a response to them while they are in use.

use crate::runtime::Runtime;
use std::sync::Arc;
use tls::live::{Change, Users};
use tls::{Bundle, ocsp};

/// All lines and servers that use certificates, each once.
#[must_use]
pub fn users(runtime: &Runtime) -> Users {
    let mut users = Users::default();
    for proxy in runtime.all_proxies() {
        for bind in &proxy.config.front.binds {
            if let Some(listener) = &bind.tls
                && !users
                    .listeners
                    .iter()
                    .any(|known| Arc::ptr_eq(known, listener))
            {
                users.listeners.push(listener.clone());
            }
        }
        for server in proxy.servers.load().iter() {
            users.connectors.extend(server.config.tls.clone());
        }
    }
    users
}

/// Why a response is stapled to nothing.
pub const NOBODYS: &str =
    "OCSP single response: Certificate ID does not match any certificate or issuer";

/// Staples a response to every certificate of its identifier that has one already or gets one fetched. Connections that begin
/// from now on see it.
///
/// # Errors
/// In HAProxy's words.
pub fn staple(runtime: &Runtime, id: &[u8], response: &Arc<[u8]>) -> Result<(), String> {
    let inventory = &runtime.snapshot.certificates;
    let global = &inventory.global;
    let mut state = inventory.lock();
    let meant = |bundle: &&Arc<Bundle>| {
        (bundle.ocsp.is_some() || bundle.fetches_ocsp(global.ocsp_update))
            && ocsp::is_about(id, bundle, global.issuers.as_deref())
    };
    let bundles = state.store.bundles.values();
    let meant: Vec<Arc<Bundle>> = bundles.filter(meant).cloned().collect();
    if meant.is_empty() {
        return Err(NOBODYS.to_owned());
    }
    let users = users(runtime);
    for bundle in meant {
        let bundle = Arc::new(Bundle {
            ocsp: Some(response.clone()),
            ..(*bundle).clone()
        });
        let (changes, _) = state.exchange(&users, global, &bundle)?;
        changes.into_iter().for_each(Change::make);
        inventory.tokens.set(bundle.clone());
        state.store.bundles.insert(bundle.name.clone(), bundle);
    }
    Ok(())
}
