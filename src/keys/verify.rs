//! Keys that verify, made ready once.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;

use crate::keys::algorithm::{HmacAlgorithm, SignatureAlgorithm};
use crate::keys::public::PublicKey;

/// A key that verifies. It says no to every algorithm but those that it was made for.
pub(crate) struct VerifyingKey {
    form: Form,
}

enum Form {
    Secret(HmacAlgorithm, Box<hmac::Key>),
    /// One entry an algorithm, filled when it is first asked for: of an RSA key, few of the six ever are.
    Public(PublicKey, Box<[(SignatureAlgorithm, OnceLock<Option<ParsedPublicKey>>)]>),
}

impl VerifyingKey {
    pub(crate) fn secret(algorithm: HmacAlgorithm, bytes: &[u8]) -> Self {
        Self { form: Form::Secret(algorithm, Box::new(hmac::Key::new(algorithm.mac(), bytes))) }
    }

    /// For the one algorithm that it is pinned to, or for all that go with its kind.
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

    /// Whether the signature is one of the signed bytes. Of ECDSA it is as long as JWS says, never DER (RFC 7518 §3.4).
    pub(crate) fn verify(&self, algorithm: SignatureAlgorithm, signed: &[u8], signature: &[u8]) -> bool {
        let Form::Public(key, prepared) = &self.form else { return false };
        let Some((_, prepared)) = prepared.iter().find(|(known, _)| *known == algorithm) else { return false };
        let ready = prepared.get_or_init(|| key.prepare(algorithm));
        ready.as_ref().is_some_and(|key| key.verify_sig(signed, signature).is_ok())
    }

    /// Whether the MAC is one of the signed bytes. How long that takes tells nothing of where they differ.
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
