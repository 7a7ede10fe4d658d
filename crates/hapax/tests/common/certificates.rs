//! Certificates for tests of TLS.

use std::path::{Path, PathBuf};

/// Writes a self-signed certificate for names with its key, and says where.
pub fn certificate(dir: &Path, file: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let path = dir.join(file);
    let text = made.cert.pem() + &made.signing_key.serialize_pem();
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

/// A file of `recorded/tls`.
pub fn recorded(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/tls");
    std::fs::read(folder.join(name)).expect("a recorded file")
}
