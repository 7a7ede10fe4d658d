//! The task that fetches responses, one after the other.

use super::entry::Status;
use super::{Id, now};
use crate::certificates;
use crate::client::{Call, Request, Url};
use crate::log::{self, Message};
use crate::runtime::Runtime;
use std::sync::Arc;
use std::time::Duration;
use tls::certificate::Certificate;
use tls::{Bundle, ocsp};

/// Where a frontend's name would stand in logs.
const NAME: &str = "<OCSP-UPDATE>";
/// The level of the line about an update.
const NOTICE: u8 = 5;
/// How long a responder may take for each part of its answer, in milliseconds: those after it wait.
const PATIENCE: u64 = 30_000;
/// The longest response that is taken, in bytes.
const LONGEST: usize = 65_536;
/// Shorter requests are part of the URL (RFC 6960, appendix A).
const URL_LENGTH: usize = 255;
/// How long the clock of the system is believed in, in seconds: it may be set.
const BELIEVED: i64 = 60;

/// Fetches what is due as long as it runs.
pub async fn run(runtime: Arc<Runtime>) {
    let updates = &runtime.process.ocsp;
    let disabled = runtime.snapshot.global.ocsp_updates.disabled;
    loop {
        let next = {
            let entries = updates.entries.lock();
            let due = entries
                .iter()
                .filter_map(|(id, entry)| Some((entry.due(disabled)?, id.clone())));
            due.min()
        };
        match next {
            Some((at, id)) if at <= now() => update(&runtime, &id).await,
            next => {
                let wait = next.map_or(BELIEVED, |(at, _)| (at - now()).clamp(1, BELIEVED));
                let wait = Duration::from_secs(wait.unsigned_abs());
                // Whether the bell or the time woke it makes no difference.
                let _ = tokio::time::timeout(wait, updates.bell.notified()).await;
            }
        }
    }
}

async fn update(runtime: &Arc<Runtime>, id: &Id) {
    let updates = &runtime.process.ocsp;
    if let Some(entry) = updates.entries.lock().get_mut(id) {
        entry.begin();
    }
    let mut call = None;
    let outcome = fetch(runtime, id, &mut call).await;
    let http = outcome == Err(Status::Http);
    let mut entries = updates.entries.lock();
    let Some(entry) = entries.get_mut(id) else {
        return;
    };
    let delays = runtime.snapshot.global.ocsp_updates.delays;
    entry.end(outcome, now(), delays);
    let text = format!(
        "{NAME} {} {} \"{}\" {} {}",
        entry.path,
        entry.status.number(),
        entry.status,
        entry.failures,
        entry.successes
    );
    if !entry.regular {
        // It was only asked for once.
        entries.remove(id);
    }
    drop(entries);
    let global = &runtime.snapshot.global;
    let message = Message {
        level: NOTICE,
        tag: global.log_tag.as_deref().unwrap_or("haproxy"),
        structured_data: b"",
        text: text.as_bytes(),
    };
    log::emit(runtime, &global.logs, &message);
    if let Some(call) = call.filter(|_| http) {
        call.log(runtime);
    }
}

/// The certificate of an identifier, with its issuer's.
fn certificate(runtime: &Runtime, id: &Id) -> Option<(Arc<Bundle>, Vec<u8>)> {
    let inventory = &runtime.snapshot.certificates;
    let issuers = inventory.global.issuers.as_deref();
    let state = inventory.lock();
    let mut bundles = state.store.bundles.values();
    let found = bundles.find(|bundle| ocsp::is_about(id, bundle, issuers))?;
    let issuer = ocsp::issuer_of(found, issuers)?;
    Some((found.clone(), issuer.to_vec()))
}

/// Fetches a response and puts it in place.
async fn fetch(
    runtime: &Arc<Runtime>,
    id: &Id,
    made: &mut Option<Call>,
) -> Result<Arc<[u8]>, Status> {
    let gone = || Status::NotInserted(certificates::NOBODYS.to_owned());
    let (bundle, issuer) = certificate(runtime, id).ok_or_else(gone)?;
    let leaf = bundle.leaf().ok_or_else(gone)?;
    let request = request(runtime, leaf.ocsp_uri().unwrap_or_default(), id).ok_or(Status::Http)?;
    let call = made.insert(Call::new(NAME, request));
    call.run(runtime).await.map_err(|_| Status::Http)?;
    let (good, typed) = (call.head().status() == 200, is_response(call));
    let body = call.body(runtime, LONGEST).await;
    let body = body.ok().filter(|_| good).ok_or(Status::Http)?;
    if !typed {
        return Err(Status::NoResponse);
    }
    let time = now();
    let issuer = Certificate::parse(&issuer).map_err(|_| gone())?;
    ocsp::verify(&body, &issuer, time).map_err(Status::Invalid)?;
    let about = ocsp::check(&body, time).map_err(|why| Status::NotInserted(why.to_owned()))?;
    if about != *id {
        return Err(gone());
    }
    let response: Arc<[u8]> = body.into();
    certificates::staple(runtime, id, &response).map_err(Status::NotInserted)?;
    Ok(response)
}

fn is_response(call: &Call) -> bool {
    let kind = call.head().get(b"content-type");
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/ocsp-response"))
}

/// The request for a certificate of this identifier, to a responder at this URL.
fn request(runtime: &Runtime, uri: &str, id: &[u8]) -> Option<Request> {
    let der = ocsp::request(id);
    let digits = tls::pem::encode_base64(&der);
    let short = digits.len() < URL_LENGTH;
    let (method, text, body) = match short {
        true => ("GET", format!("{uri}/{}", escaped(&digits)), Vec::new()),
        false => ("POST", uri.to_owned(), der),
    };
    let kind = ("content-type", "application/ocsp-request".to_owned());
    Some(Request {
        method,
        url: Url::parse(&text)?,
        fields: if short { Vec::new() } else { vec![kind] },
        body,
        proxy: runtime.snapshot.global.ocsp_updates.proxy.clone(),
        timeout: Some(PATIENCE),
    })
}

/// Base64 with what has a meaning in a URL escaped.
fn escaped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + 16);
    for digit in digits.chars() {
        match digit {
            '+' => out.push_str("%2B"),
            '/' => out.push_str("%2F"),
            '=' => out.push_str("%3D"),
            digit => out.push(digit),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_do_not_break_the_url() {
        assert_eq!(escaped("aB3+/=="), "aB3%2B%2F%3D%3D");
    }
}
