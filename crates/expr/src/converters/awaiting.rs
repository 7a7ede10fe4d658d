//! Converters of subsystems that are still to come.

use crate::row::Awaiting;

/// Known converters that are not built yet.
pub static AWAITING: &[Awaiting] = &[Awaiting {
    needs: "the store of TLS certificates",
    names: &["jwt_decrypt_cert", "jwt_verify_cert", "x509_v_err_str"],
}];
