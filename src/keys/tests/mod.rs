//! Keys of every kind, in every form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

pub(crate) mod forms;
pub(crate) mod sets;
pub(crate) mod signatures;
pub(crate) mod vectors;

use serde_json::{Map, Value, json};

use crate::keys::algorithm::{KeyKind, SignatureAlgorithm};
use crate::keys::pair::Pair;
use crate::keys::{jwk, pem};

/// A file of `tests/keys`.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/", $name))
    };
}
use fixture;

/// One key in all its forms.
struct Key {
    kind: KeyKind,
    /// Both halves, first as `PRIVATE KEY`.
    private: &'static [&'static str],
    /// The public half, first as `PUBLIC KEY`.
    public: &'static [&'static str],
    jwk: &'static str,
    public_jwk: &'static str,
}

const KEYS: [Key; 4] = [
    Key {
        kind: KeyKind::Rsa,
        private: &[fixture!("rsa2048.pem"), fixture!("rsa2048.pkcs1.pem")],
        public: &[fixture!("rsa2048.public.pem"), fixture!("rsa2048.public.pkcs1.pem")],
        jwk: fixture!("rsa2048.jwk"),
        public_jwk: fixture!("rsa2048.public.jwk"),
    },
    Key {
        kind: KeyKind::P256,
        private: &[fixture!("p256.pem"), fixture!("p256.sec1.pem")],
        public: &[fixture!("p256.public.pem"), fixture!("p256.public.compressed.pem")],
        jwk: fixture!("p256.jwk"),
        public_jwk: fixture!("p256.public.jwk"),
    },
    Key {
        kind: KeyKind::P384,
        private: &[fixture!("p384.pem"), fixture!("p384.sec1.pem")],
        public: &[fixture!("p384.public.pem")],
        jwk: fixture!("p384.jwk"),
        public_jwk: fixture!("p384.public.jwk"),
    },
    Key {
        kind: KeyKind::Ed25519,
        private: &[fixture!("ed25519.pem")],
        public: &[fixture!("ed25519.public.pem")],
        jwk: fixture!("ed25519.jwk"),
        public_jwk: fixture!("ed25519.public.jwk"),
    },
];

const ALGORITHMS: [SignatureAlgorithm; 9] = [
    SignatureAlgorithm::Rs256,
    SignatureAlgorithm::Rs384,
    SignatureAlgorithm::Rs512,
    SignatureAlgorithm::Ps256,
    SignatureAlgorithm::Ps384,
    SignatureAlgorithm::Ps512,
    SignatureAlgorithm::Es256,
    SignatureAlgorithm::Es384,
    SignatureAlgorithm::EdDsa,
];

/// The key of a kind.
fn key(kind: KeyKind) -> &'static Key {
    KEYS.iter().find(|key| key.kind == kind).unwrap()
}

impl Key {
    fn pair(&self) -> Pair {
        pem::parse(self.private[0].as_bytes()).unwrap()
    }
}

/// The members of a JWK.
fn members(jwk: &str) -> Map<String, Value> {
    serde_json::from_str(jwk).unwrap()
}

/// A JWK with other members; `null` takes one away.
fn changed(jwk: &str, changes: Value) -> String {
    let mut members = members(jwk);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(members.shift_remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(members).to_string()
}

/// The pair of a JWK, which isn't a secret.
fn read(text: &str) -> Result<Pair, &'static str> {
    match jwk::parse(text.as_bytes())? {
        jwk::Jwk::Pair(pair) => Ok(pair),
        jwk::Jwk::Secret { .. } => panic!("it is a secret"),
    }
}

/// A JWK set.
fn set_of(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
