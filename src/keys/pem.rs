//! Key pairs as the text of PEM (RFC 7468): a private key, from which both halves come, or a public one.

use pem_rfc7468::Decoder;
use zeroize::Zeroizing;

use crate::keys::algorithm::KeyKind;
use crate::keys::pair::Pair;
use crate::keys::private::PrivateKey;
use crate::keys::public::{Flaw, PublicKey};

/// The longest text in bytes. A private RSA key of 8192 bits has less than 7 KiB.
const MAX_TEXT: usize = 16 * 1024;

const NO_PEM: Flaw =
    "it isn't one key as PEM, which begins with `-----BEGIN` and ends with the same words after `-----END`";
const NO_KEY: Flaw = "it is no public RSA, P-256, P-384 or Ed25519 key";

/// Reads the one key of a text.
pub(crate) fn parse(text: &[u8]) -> Result<Pair, Flaw> {
    if text.len() > MAX_TEXT {
        return Err("it is longer than 16 KiB, which no key is: supply one key alone");
    }
    let mut decoder = Decoder::new_detect_wrap(text.trim_ascii()).map_err(|_| NO_PEM)?;
    if let Some(help) = unsupported(decoder.type_label()) {
        return Err(help);
    }
    let mut buffer = Zeroizing::new(vec![0; decoder.remaining_len()]);
    let label = decoder.type_label();
    let der = decoder.decode(&mut buffer).map_err(|_| NO_PEM)?;
    match label {
        "PRIVATE KEY" => PrivateKey::pkcs8(der).map(Pair::private),
        "RSA PRIVATE KEY" => PrivateKey::pkcs1(der).map(Pair::private),
        "EC PRIVATE KEY" => PrivateKey::sec1(der).map(Pair::private),
        "RSA PUBLIC KEY" => PublicKey::rsa_der(der).map(Pair::public),
        _ => spki(der).map(Pair::public),
    }
}

/// The advice for a text without a readable key.
fn unsupported(label: &str) -> Option<Flaw> {
    match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PUBLIC KEY" | "RSA PUBLIC KEY" => None,
        "ENCRYPTED PRIVATE KEY" => Some("it is encrypted: decrypt it with `openssl pkcs8`"),
        "CERTIFICATE" => Some("it is a certificate: take its key out with `openssl x509 -pubkey -noout`"),
        "EC PARAMETERS" => {
            Some("it begins with the parameters of a curve: convert it with `openssl pkcs8 -topk8 -nocrypt`")
        }
        "OPENSSH PRIVATE KEY" => Some("it is a key of OpenSSH: convert it with `ssh-keygen -p -m PKCS8`"),
        _ => Some("it is PEM of something else than a key: convert a private one with `openssl pkcs8 -topk8 -nocrypt`"),
    }
}

/// `SubjectPublicKeyInfo` (RFC 5280 §4.1) of whichever kind it is.
fn spki(der: &[u8]) -> Result<PublicKey, Flaw> {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
        if let Ok(key) = PublicKey::of_curve(kind, der) {
            return Ok(key);
        }
    }
    PublicKey::rsa_der(der).map_err(|flaw| if flaw == crate::keys::public::NO_RSA { NO_KEY } else { flaw })
}
