//! Keys that verify, made ready once.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;

use crate::keys::algorithm::{HmacAlgorithm, SignatureAlgorithm};
use crate::keys::public::PublicKey;

/// A key that verifies signatures of the algorithms that it was made for.
pub(crate) struct VerifyingKey {
    form: Form,
}

enum Form {
    Secret(HmacAlgorithm, Box<hmac::Key>),
    /// The key prepared for each algorithm, at its first use: few of an RSA key's six are ever used.
    Public(PublicKey, Box<[(SignatureAlgorithm, OnceLock<Option<ParsedPublicKey>>)]>),
}

impl VerifyingKey {
    pub(crate) fn secret(algorithm: HmacAlgorithm, bytes: &[u8]) -> Self {
        Self { form: Form::Secret(algorithm, Box::new(hmac::Key::new(algorithm.mac(), bytes))) }
    }

    /// A key for the one algorithm that it is pinned to, or for all algorithms of its kind.
    pub(crate) fn public(key: PublicKey, pinned: Option<SignatureAlgorithm>) -> Self {
        let all = key.kind().algorithms().iter().copied();
        let allowed = all.filter(|algorithm| pinned.is_none_or(|pinned| pinned == *algorithm));
        let prepared = allowed.map(|algorithm| (algorithm, OnceLock::new())).collect();
        Self { form: Form::Public(key, prepared) }
    }

    /// The algorithms of key pairs that it was made for.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = SignatureAlgorithm> {
        let prepared = match &self.form {
            Form::Public(_, prepared) => prepared.as_ref(),
            Form::Secret(..) => &[],
        };
        prepared.iter().map(|(algorithm, _)| *algorithm)
    }

    /// True if the signature is valid. ECDSA signatures are of fixed length, never DER (RFC 7518 §3.4).
    pub(crate) fn verify(&self, algorithm: SignatureAlgorithm, signed: &[u8], signature: &[u8]) -> bool {
        let Form::Public(key, prepared) = &self.form else { return false };
        let Some((_, prepared)) = prepared.iter().find(|(known, _)| *known == algorithm) else { return false };
        let ready = prepared.get_or_init(|| key.prepare(algorithm));
        ready.as_ref().is_some_and(|key| key.verify_sig(signed, signature).is_ok())
    }

    /// True if the MAC is valid. The comparison takes constant time.
    pub(crate) fn verify_mac(&self, algorithm: HmacAlgorithm, signed: &[u8], mac: &[u8]) -> bool {
        match &self.form {
            Form::Secret(known, key) => *known == algorithm && hmac::verify(key, signed, mac).is_ok(),
            Form::Public(..) => false,
        }
    }
}

impl PartialEq for VerifyingKey {
    /// Secrets are never compared.
    fn eq(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Form::Public(one, _), Form::Public(other_key, _)) => {
                one == other_key && self.algorithms().eq(other.algorithms())
            }
            (Form::Public(..) | Form::Secret(..), _) => false,
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").finish_non_exhaustive()
    }
}
