//! What was agreed on for a connection.

use super::{BACK, FRONT};
use crate::args::Args;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, View};
use std::borrow::Cow;
use tls::Seen;

fn text<'a>(value: impl Into<Cow<'a, [u8]>>) -> Value<'a> {
    Value::Str(value.into())
}

fn binary(value: &[u8]) -> Option<Value<'_>> {
    (!value.is_empty()).then_some(Value::Bin(Cow::Borrowed(value)))
}

/// A secret in hexadecimal digits.
fn secret<'a>(tls: &'a Seen, label: &str) -> Option<Value<'a>> {
    let secret = tls.observed.secret(label)?;
    let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(text(digits.into_bytes()))
}

fn session_key(tls: &Seen) -> Option<Value<'_>> {
    binary(tls.observed.secret("CLIENT_RANDOM")?)
}

fn session_id(tls: &Seen) -> Option<Value<'_>> {
    binary(&tls.observed.server_hello.as_deref()?.1)
}

fn server_random(tls: &Seen) -> Option<Value<'_>> {
    binary(&tls.observed.server_hello.as_deref()?.0)
}

fn key_size(tls: &Seen) -> Option<Value<'_>> {
    Some(Value::Int(
        tls::words::suite_bits(tls.cipher_name()?).into(),
    ))
}

macro_rules! of {
    ($side:expr, $tls:ident => $value:expr) => {{
        fn fetch<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            fn read($tls: &Seen) -> Option<Value<'_>> {
                $value
            }
            Outcome::of(view.tls($side).and_then(read))
        }
        fetch
    }};
}

/// HAProxy gives secrets of the server's side the places of the client's.
const fn back(name: &str) -> Phases {
    match name.as_bytes() {
        [.., b's', b'e', b'c', b'r', b'e', b't'] => FRONT,
        [.., b's', b'e', b'c', b'r', b'e', b't', b'_', b'0'] => FRONT,
        _ => BACK,
    }
}

macro_rules! both {
    ($($front:literal $back:literal $output:ident $doc:literal $tls:ident => $value:expr;)*) => {
        /// The rows of this family.
        pub const ROWS: &[FetchRow] = &[
            $(
                FetchRow::new($front, Type::$output, FRONT, of!(Side::Request, $tls => $value), $doc),
                FetchRow::new($back, Type::$output, back($back), of!(Side::Response, $tls => $value), $doc),
            )*
            FetchRow::new("ssl_fc", Type::Bool, FRONT, is_tls, "Whether the client's connection is TLS."),
            FetchRow::new("ssl_bc", Type::Bool, BACK, is_server_tls, "Whether the server's connection is TLS."),
            FetchRow::new("ssl_fc_err", Type::Int, FRONT, error, "OpenSSL's number of the error on the client's side."),
            FetchRow::new("ssl_bc_err", Type::Int, BACK, server_error, "OpenSSL's number of the error on the server's side."),
            FetchRow::new("ssl_fc_err_str", Type::Str, FRONT, error_text, "OpenSSL's text for that error."),
            FetchRow::new("ssl_bc_err_str", Type::Str, BACK, server_error_text, "OpenSSL's text for that error."),
            FetchRow::new("ssl_fc_has_sni", Type::Bool, FRONT, of!(Side::Request, tls => Some(Value::Bool(tls.observed.server_name.is_some()))), "Whether the client asked for a name."),
            FetchRow::new("ssl_fc_has_crt", Type::Bool, FRONT, of!(Side::Request, tls => Some(Value::Bool(!tls.is_resumed() && tls.peer_certificates().next().is_some()))), "Whether the client showed a certificate on this very connection."),
            FetchRow::new("ssl_fc_has_early", Type::Bool, FRONT, of!(Side::Request, tls => Some(Value::Bool(tls.is_ahead()))), "Whether early data came and the handshake is not over, so that the request may be a replay."),
            FetchRow::new("ssl_fc_early_rcvd", Type::Bool, FRONT, of!(Side::Request, tls => Some(Value::Bool(tls.observed.early_data))), "Whether early data came."),
            FetchRow::new("ssl_fc_crtname", Type::Str, FRONT, of!(Side::Request, tls => Some(text(tls.observed.instance.as_ref()?.bundle.name.as_bytes()))), "The name of the certificate in use."),
        ];
    };
}

both! {
    "ssl_fc_alg_keysize" "ssl_bc_alg_keysize" Int "Bits of the cipher's key." tls => key_size(tls);
    "ssl_fc_use_keysize" "ssl_bc_use_keysize" Int "Bits of the cipher's key that are used." tls => key_size(tls);
    "ssl_fc_alpn" "ssl_bc_alpn" Str "The application protocol agreed on." tls => Some(text(tls.alpn()?));
    "ssl_fc_npn" "ssl_bc_npn" Str "What NPN agreed on, which is not offered." _tls => None;
    "ssl_fc_cipher" "ssl_bc_cipher" Str "The cipher." tls => Some(text(tls.cipher_name()?.as_bytes()));
    "ssl_fc_curve" "ssl_bc_curve" Str "The group of the key exchange." tls => Some(text(tls.group_name()?.as_bytes()));
    "ssl_fc_protocol" "ssl_bc_protocol" Str "The protocol version." tls => Some(text(tls.version_name()?.as_bytes()));
    "ssl_fc_is_resumed" "ssl_bc_is_resumed" Bool "Whether a session was taken up again." tls => Some(Value::Bool(tls.is_resumed()));
    "ssl_fc_sni" "ssl_bc_sni" Str "The name asked for." tls => Some(text(&**tls.observed.server_name.as_ref()?));
    "ssl_fc_session_id" "ssl_bc_session_id" Bin "The session's id." tls => session_id(tls);
    "ssl_fc_session_key" "ssl_bc_session_key" Bin "The master secret of TLS 1.2." tls => session_key(tls);
    "ssl_fc_client_random" "ssl_bc_client_random" Bin "The client's random." tls => binary(&tls.observed.client_random);
    "ssl_fc_server_random" "ssl_bc_server_random" Bin "The server's random." tls => server_random(tls);
    "ssl_fc_client_early_traffic_secret" "ssl_bc_client_early_traffic_secret" Str "A secret of TLS 1.3." tls => secret(tls, "CLIENT_EARLY_TRAFFIC_SECRET");
    "ssl_fc_client_handshake_traffic_secret" "ssl_bc_client_handshake_traffic_secret" Str "A secret of TLS 1.3." tls => secret(tls, "CLIENT_HANDSHAKE_TRAFFIC_SECRET");
    "ssl_fc_server_handshake_traffic_secret" "ssl_bc_server_handshake_traffic_secret" Str "A secret of TLS 1.3." tls => secret(tls, "SERVER_HANDSHAKE_TRAFFIC_SECRET");
    "ssl_fc_client_traffic_secret_0" "ssl_bc_client_traffic_secret_0" Str "A secret of TLS 1.3." tls => secret(tls, "CLIENT_TRAFFIC_SECRET_0");
    "ssl_fc_server_traffic_secret_0" "ssl_bc_server_traffic_secret_0" Str "A secret of TLS 1.3." tls => secret(tls, "SERVER_TRAFFIC_SECRET_0");
    "ssl_fc_exporter_secret" "ssl_bc_exporter_secret" Str "A secret of TLS 1.3." tls => secret(tls, "EXPORTER_SECRET");
    "ssl_fc_early_exporter_secret" "ssl_bc_early_exporter_secret" Str "A secret of TLS 1.3." tls => secret(tls, "EARLY_EXPORTER_SECRET");
}

fn is_tls<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(view.tls(Side::Request).is_some()))
}

fn is_server_tls<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(view.tls(Side::Response).is_some()))
}

/// The error's number; 0 without one.
fn number(view: &dyn View, side: Side) -> Outcome<'_> {
    match view.tls_failure(side) {
        Some(failure) => Outcome::Found(Value::Int(failure.code().into())),
        None if view.tls(side).is_some() => Outcome::Found(Value::Int(0)),
        None => Outcome::Missing,
    }
}

fn words(view: &dyn View, side: Side) -> Outcome<'_> {
    let failure = view.tls_failure(side);
    Outcome::of(failure.map(|failure| text(failure.describe().into_bytes())))
}

fn error<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    number(view, Side::Request)
}

fn server_error<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    number(view, Side::Response)
}

fn error_text<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    words(view, Side::Request)
}

fn server_error_text<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    words(view, Side::Response)
}
