//! The secrets of a policy, made ready: which of them are there, strong enough and different, and the keys made
//! of them.

use std::fmt;

use aws_lc_rs::hmac;
use jsonwebtoken::DecodingKey;

use crate::check::typed::{Proof, Purpose, Secret, Token, TypedPolicy};
use crate::model::keys::{BindError, KeyProblem, Keys};
use crate::model::table::{Id, Table};

/// A policy's keys. Never printed.
pub(crate) struct BoundKeys {
    /// One a token, in the policy's order; none where this version doesn't verify its kind.
    tokens: Table<Option<DecodingKey>>,
    csrf: Option<hmac::Key>,
}

impl fmt::Debug for BoundKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundKeys").finish_non_exhaustive()
    }
}

impl BoundKeys {
    /// Takes what the policy names off the ring; every problem is reported at once.
    pub(crate) fn bind(policy: &TypedPolicy, ring: &Keys) -> Result<Self, BindError> {
        let problems = problems(policy, ring);
        if !problems.is_empty() {
            return Err(BindError { problems });
        }
        let bytes = |secret: Id<Secret>| ring.secret(&policy.secrets[secret].name).unwrap_or_default();
        let csrf = policy.csrf.as_ref().and_then(|csrf| csrf.token.as_ref());
        Ok(Self {
            tokens: policy
                .tokens
                .iter()
                .map(|token| match token.proof {
                    Proof::Hmac(_, secret) => Some(DecodingKey::from_secret(bytes(secret))),
                    Proof::KeyPair(..) | Proof::KeySet(..) | Proof::Opaque => None,
                })
                .collect(),
            csrf: csrf.map(|layer| hmac::Key::new(hmac::HMAC_SHA256, bytes(layer.secret))),
        })
    }

    /// None at all, for requests that bring nothing to verify.
    pub(crate) fn none() -> Self {
        Self { tokens: Table::new(), csrf: None }
    }

    pub(super) fn token(&self, token: Id<Token>) -> Option<&DecodingKey> {
        self.tokens.id(token.row()).and_then(|id| self.tokens[id].as_ref())
    }

    pub(crate) fn csrf(&self) -> Option<&hmac::Key> {
        self.csrf.as_ref()
    }
}

fn problems(policy: &TypedPolicy, ring: &Keys) -> Vec<KeyProblem> {
    let mut problems = Vec::new();
    let mut present: Vec<(&str, &[u8])> = Vec::new();
    for secret in policy.secrets.iter() {
        let name = secret.name.clone();
        let Some(bytes) = ring.secret(&name) else {
            problems.push(KeyProblem::Missing { name });
            continue;
        };
        let purpose = secret.used.map(|(purpose, _)| purpose);
        if ring.is_key_pair(&name) && !matches!(purpose, None | Some(Purpose::KeyPair(_))) {
            problems.push(KeyProblem::KeyPair { name });
            continue;
        }
        if let (Some(pinned), Some(used)) = (ring.pinned(&name), purpose.and_then(Purpose::algorithm))
            && !same_algorithm(pinned, used)
        {
            let (pinned, used) = (pinned.to_owned(), used.to_owned());
            problems.push(KeyProblem::WrongAlgorithm { name, pinned, used });
            continue;
        }
        let least = purpose.map_or(0, Purpose::least_bytes);
        if bytes.len() < least {
            problems.push(KeyProblem::TooShort { name, length: bytes.len(), least });
            continue;
        }
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            problems.push(KeyProblem::Constant { name });
            continue;
        }
        let key = unpadded(bytes);
        if let Some((first, _)) = present.iter().find(|(_, known)| *known == key) {
            problems.push(KeyProblem::Equal { first: (*first).to_owned(), second: name });
        }
        present.push((&secret.name, key));
    }
    problems
}

/// `Ed25519` is another name of `EdDSA` (RFC 9864 §2.2).
fn same_algorithm(one: &str, other: &str) -> bool {
    let name = |algorithm| if algorithm == "Ed25519" { "EdDSA" } else { algorithm };
    name(one) == name(other)
}

/// HMAC pads a key with zeros (RFC 2104 §2), so keys that differ in zeros at the end are one key.
fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}
