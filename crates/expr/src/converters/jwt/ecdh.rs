//! Keys agreed on with elliptic curves (RFC 7518, section 4.6).

use super::super::base64::decode_url;
use super::super::json_path;
use super::{bytes_member, member};
use aws_lc_rs::agreement::{self, Algorithm, PrivateKey, UnparsedPublicKey};
use sha2::{Digest, Sha256};

/// A curve and the length of its numbers in bytes.
type Curve = (&'static Algorithm, usize);

fn curve(json: &[u8]) -> Option<Curve> {
    match member(json, "crv")?.as_slice() {
        b"P-256" => Some((&agreement::ECDH_P256, 32)),
        b"P-384" => Some((&agreement::ECDH_P384, 48)),
        b"P-521" => Some((&agreement::ECDH_P521, 66)),
        _ => None,
    }
}

/// A number in exactly so many bytes.
fn sized(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let mut out = vec![0; length.checked_sub(digits.len())?];
    out.extend_from_slice(digits);
    Some(out)
}

/// The point of a public key, uncompressed.
fn point(json: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        point.extend(sized(&bytes_member(json, name)?, length)?);
    }
    Some(point)
}

/// A private key.
pub(super) struct EcKey {
    curve: Curve,
    key: PrivateKey,
}

impl EcKey {
    /// Reads a private JSON Web Key.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let curve = curve(json)?;
        let secret = sized(&bytes_member(json, "d")?, curve.1)?;
        let key = PrivateKey::from_private_key(curve.0, &secret).ok()?;
        // The public half has to belong to it.
        let public = key.compute_public_key().ok()?;
        (public.as_ref() == point(json, curve.1)?).then_some(Self { curve, key })
    }

    /// The key of a PKCS #8 structure.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        const CURVES: [Curve; 3] = [
            (&agreement::ECDH_P256, 32),
            (&agreement::ECDH_P384, 48),
            (&agreement::ECDH_P521, 66),
        ];
        CURVES.into_iter().find_map(|curve| {
            let key = PrivateKey::from_private_key_der(curve.0, pkcs8).ok()?;
            Some(Self { curve, key })
        })
    }

    /// The key that the sender of a token with this header agreed on.
    pub(super) fn agree(&self, header: &[u8], algorithm: &str, length: usize) -> Option<Vec<u8>> {
        let epk = json_path::member(header, "epk")?;
        if curve(epk)?.1 != self.curve.1 {
            return None;
        }
        let peer = UnparsedPublicKey::new(self.curve.0, point(epk, self.curve.1)?);
        let party = |name| match member(header, name) {
            None => Some(Vec::new()),
            Some(text) => decode_url(&text),
        };
        let (sender, receiver) = (party("apu")?, party("apv")?);
        let info = other_info(algorithm, &sender, &receiver, length);
        agreement::agree(&self.key, peer, (), |shared| {
            Ok(derive(shared, &info, length))
        })
        .ok()
    }
}

/// What a derived key is bound to.
fn other_info(algorithm: &str, sender: &[u8], receiver: &[u8], length: usize) -> Vec<u8> {
    let mut info = Vec::new();
    for part in [algorithm.as_bytes(), sender, receiver] {
        info.extend_from_slice(&(part.len() as u32).to_be_bytes());
        info.extend_from_slice(part);
    }
    info.extend_from_slice(&(length as u32 * 8).to_be_bytes());
    info
}

/// The key of so many bytes behind a shared secret.
fn derive(shared: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 32);
    for round in 1u32.. {
        if out.len() >= length {
            break;
        }
        let mut digest = Sha256::new();
        digest.update(round.to_be_bytes());
        digest.update(shared);
        digest.update(info);
        out.extend_from_slice(&digest.finalize());
    }
    out.truncate(length);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7518, appendix C.
    #[test]
    fn the_known_example_is_agreed_on() {
        let bob = br#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;
        let header = br#"{"alg":"ECDH-ES","enc":"A128GCM","apu":"QWxpY2U","apv":"Qm9i","epk":{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}}"#;
        let key = EcKey::parse(bob).expect("a key");
        let agreed = key.agree(header, "A128GCM", 16).expect("agreement");
        assert_eq!(
            agreed,
            decode_url(b"VqqN6vgjbSBcIijNcacQGg").expect("base64")
        );
    }
}
