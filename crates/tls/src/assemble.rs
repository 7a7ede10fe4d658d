//! From what a configuration says to what connections use.

use crate::bundle::Bundle;
use crate::client::{Connector, Plan};
use crate::names::Names;
use crate::resume::{Resumption, SessionCache};
use crate::server::{Instance, Line, Listener, Trust};
use crate::settings::{BindSettings, Common, GlobalSettings, ServerSettings, Verify};
use crate::store::{Store, based};
use std::collections::HashMap;
use std::sync::Arc;

/// The authorities and revocation lists that settings name.
///
/// # Errors
/// In words, when a file can't be read.
pub fn trust(store: &mut Store, common: &Common, global: &GlobalSettings) -> Result<Trust, String> {
    let path = |path: &str| based(global.ca_base.as_deref(), path);
    let mut authorities = |file: &Option<Arc<str>>| {
        let file = file.as_deref().map(path);
        file.map(|file| store.authorities(&file)).transpose()
    };
    let (own, more) = (
        authorities(&common.ca_file)?,
        authorities(&common.ca_verify_file)?,
    );
    let lists = common.crl_file.as_deref().map(path);
    Ok(Trust {
        authorities: own,
        more,
        revocations: lists.map(|file| store.revocations(&file)).transpose()?,
    })
}

/// What a listening line's connections use.
///
/// # Errors
/// In words.
pub fn listener(
    settings: &BindSettings,
    global: &GlobalSettings,
    store: &mut Store,
    cache: &Arc<SessionCache>,
) -> Result<Listener, String> {
    let tickets = settings.tickets.or(global.bind_tickets).unwrap_or(true);
    let line = Line {
        strict: settings.strict_sni.unwrap_or(global.bind_strict_sni),
        capture: global.capture > 0,
        ignored: (settings.ignored, settings.ca_ignored),
        prefer_client: settings.prefer_client_ciphers || global.prefer_client_ciphers,
        resumption: Arc::new(Resumption::new(
            cache,
            tickets,
            settings.ticket_keys.as_deref(),
            global.lifetime,
        )?),
        max_record: global.max_record,
        keylog: global.keylog,
    };
    let names = names(&line, settings, global, store)?;
    Ok(Listener::new(line, names))
}

/// The certificates of a listening line by name.
///
/// # Errors
/// In words.
pub fn names(
    line: &Line,
    settings: &BindSettings,
    global: &GlobalSettings,
    store: &mut Store,
) -> Result<Names, String> {
    let general = settings.common.or(&settings.defaults);
    let general_trust = trust(store, &general, global)?;
    if general.verify.unwrap_or_default() != Verify::None
        && general_trust.authorities.is_none()
        && general_trust.more.is_none()
    {
        return Err("verify is enabled but no CA file specified".to_owned());
    }
    let mut names = Names::default();
    // The same certificate with the same settings is one instance, however many names it has.
    let mut plain: HashMap<*const Bundle, Arc<Instance>> = HashMap::new();
    let mut first: Vec<Arc<Instance>> = Vec::new();
    for (number, entry) in settings.lines.iter().enumerate() {
        let instance = match &entry.common {
            None => match plain.get(&Arc::as_ptr(&entry.bundle)) {
                Some(known) => known.clone(),
                None => {
                    let bundle = entry.bundle.clone();
                    let made = Arc::new(Instance::new(line, &general, &general_trust, bundle)?);
                    plain.insert(Arc::as_ptr(&entry.bundle), made.clone());
                    made
                }
            },
            Some(own) => {
                let common = own.or(&general);
                let trust = trust(store, &common, global)?;
                Arc::new(Instance::new(line, &common, &trust, entry.bundle.clone())?)
            }
        };
        names.add(&instance, &entry.filters, number);
        if entry.default {
            names.add_default(&instance);
        }
        if is_beside(&first, &instance) {
            first.push(instance);
        }
    }
    if !names.has_default() {
        for instance in &first {
            names.add_default(instance);
        }
    }
    Ok(names)
}

/// Whether an instance is the first of a line, or another key type of the first.
fn is_beside(first: &[Arc<Instance>], instance: &Instance) -> bool {
    let stem = |name: &str| {
        let kinds = [".rsa", ".ecdsa", ".dsa"];
        let found = kinds.iter().find_map(|kind| name.strip_suffix(kind));
        found.map(str::to_owned)
    };
    match first.first() {
        None => true,
        Some(one) => {
            let (one, other) = (stem(&one.bundle.name), stem(&instance.bundle.name));
            one.is_some()
                && one == other
                && !first.iter().any(|known| known.kind() == instance.kind())
        }
    }
}

/// How connections to a server are made.
///
/// # Errors
/// In words.
pub fn connector(
    settings: &ServerSettings,
    global: &GlobalSettings,
    store: &mut Store,
) -> Result<Connector, String> {
    let mut common = settings.common.or(&settings.defaults);
    common.verify = common.verify.or(Some(global.server_verify));
    let trust = trust(store, &common, global)?;
    let bundle = match &settings.certificate {
        Some(path) => {
            let path = based(global.crt_base.as_deref(), path);
            Some(store.bundle(&path, global)?)
        }
        None => None,
    };
    if common.verify == Some(Verify::Required) && trust.authorities.is_none() {
        return Err("verify is enabled but no CA file specified".to_owned());
    }
    Connector::new(Plan {
        common,
        trust,
        bundle,
        verify_host: settings.verify_host.clone(),
        reuse: settings.reuse.unwrap_or(true),
        tickets: settings.tickets.or(global.server_tickets).unwrap_or(true),
        keylog: global.keylog,
    })
}
