//! Keys that sign, and the tokens that they sign: compact JWS (RFC 7515 §7.1), the same for the same claims.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::keys::algorithm::{HmacAlgorithm, SignatureAlgorithm};
use crate::keys::pair::Pair;
use crate::keys::private::PrivateKey;

/// A key that signs, with one algorithm.
pub(crate) struct SigningKey {
    form: Form,
    /// Its name, which its tokens bear.
    id: Option<String>,
}

enum Form {
    Secret(HmacAlgorithm, Box<hmac::Key>),
    Private(SignatureAlgorithm, Arc<PrivateKey>),
}

impl SigningKey {
    pub(crate) fn secret(algorithm: HmacAlgorithm, bytes: &[u8]) -> Self {
        Self { form: Form::Secret(algorithm, Box::new(hmac::Key::new(algorithm.mac(), bytes))), id: None }
    }

    /// None where the pair can't sign with the algorithm: its public half is alone, it is of another kind, or every
    /// signature would be another.
    pub(crate) fn private(algorithm: SignatureAlgorithm, pair: &Pair) -> Option<Self> {
        let serves = algorithm.is_repeatable() && pair.algorithms().any(|known| known == algorithm);
        let private = pair.private.clone().filter(|_| serves)?;
        Some(Self { form: Form::Private(algorithm, private), id: pair.id.clone() })
    }

    /// A token of these claims; `JWT` is its type where there is no other.
    pub(crate) fn token(&self, typ: Option<&str>, claims: &Map<String, Value>) -> Option<String> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), self.algorithm().into());
        header.insert("typ".to_owned(), typ.unwrap_or("JWT").into());
        header.extend(self.id.as_deref().map(|id| ("kid".to_owned(), id.into())));
        let mut token = part(&header)?;
        token.push('.');
        token.push_str(&part(claims)?);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }

    fn algorithm(&self) -> &'static str {
        match &self.form {
            Form::Secret(algorithm, _) => algorithm.name(),
            Form::Private(algorithm, _) => algorithm.name(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.form {
            Form::Secret(_, key) => Some(hmac::sign(key, message).as_ref().to_vec()),
            Form::Private(algorithm, key) => key.sign(*algorithm, message),
        }
    }
}

fn part(members: &Map<String, Value>) -> Option<String> {
    Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(members).ok()?))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}
