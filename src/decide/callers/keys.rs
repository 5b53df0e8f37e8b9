//! The keys of a policy: checks that they are present, strong, different and of the right kind, and prepares them.

use std::fmt;

use aws_lc_rs::hmac;

use crate::collections::table::{Id, Table};
use crate::keys::{BindError, Entry, KeyProblem, KeySet, Keys, Pair, SigningKey, VerifyingKey};
use crate::typed;
use crate::typed::{Proof, Purpose, Secret, Service, SignatureAlgorithm, Token, TypedPolicy};

/// A policy's keys. Never printed.
pub(crate) struct BoundKeys {
    /// One per token; `None` if a key set or the host verifies it.
    tokens: Table<Option<VerifyingKey>>,
    /// One per token; `None` if the ring has no key that signs it.
    signers: Table<Option<SigningKey>>,
    /// One per declared key set; `None` if the ring has none of that name.
    sets: Table<Option<KeySet>>,
    csrf: Option<hmac::Key>,
}

impl fmt::Debug for BoundKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundKeys").finish_non_exhaustive()
    }
}

impl BoundKeys {
    /// Takes the policy's keys from the ring, or reports every problem.
    pub(crate) fn bind(policy: &TypedPolicy, ring: &Keys) -> Result<Self, BindError> {
        let problems = problems(policy, ring);
        if !problems.is_empty() {
            return Err(BindError { problems });
        }
        let entry = |secret: Id<Secret>| ring.secret(&policy.secrets[secret].name);
        let csrf = policy.csrf.as_ref().and_then(|csrf| csrf.token.as_ref());
        Ok(Self {
            tokens: policy.tokens.iter().map(|token| verifying(&token.proof, entry)).collect(),
            signers: policy.tokens.iter().map(|token| signing(&token.proof, entry)).collect(),
            sets: policy.key_sets.iter().map(|set| ring.set(&set.name).cloned()).collect(),
            csrf: csrf.and_then(|layer| match entry(layer.secret)? {
                Entry::Secret(bytes, _) => Some(hmac::Key::new(hmac::HMAC_SHA256, bytes)),
                Entry::Pair(_) | Entry::Unusable(_) => None,
            }),
        })
    }

    /// No keys, for requests without tokens.
    pub(crate) fn none() -> Self {
        Self { tokens: Table::new(), signers: Table::new(), sets: Table::new(), csrf: None }
    }

    /// The key that verifies a token, if the ring has it.
    pub(crate) fn token(&self, token: Id<Token>) -> Option<&VerifyingKey> {
        self.tokens.id(token.row()).and_then(|id| self.tokens[id].as_ref())
    }

    /// The key that signs a token.
    pub(crate) fn signer(&self, token: Id<Token>) -> Option<&SigningKey> {
        self.signers.id(token.row()).and_then(|id| self.signers[id].as_ref())
    }

    /// A declared key set, if the ring has it.
    pub(crate) fn set(&self, set: Id<typed::KeySet>) -> Option<&KeySet> {
        self.sets.id(set.row()).and_then(|id| self.sets[id].as_ref())
    }

    pub(crate) fn csrf(&self) -> Option<&hmac::Key> {
        self.csrf.as_ref()
    }
}

fn verifying<'r>(proof: &Proof, entry: impl Fn(Id<Secret>) -> Option<&'r Entry>) -> Option<VerifyingKey> {
    match proof {
        Proof::Hmac(algorithm, secret) => match entry(*secret)? {
            Entry::Secret(bytes, _) => Some(VerifyingKey::secret(*algorithm, bytes)),
            Entry::Pair(_) | Entry::Unusable(_) => None,
        },
        Proof::KeyPair(algorithm, secret) => match entry(*secret)? {
            Entry::Pair(pair) => Some(pair.verifying(*algorithm)),
            Entry::Secret(..) | Entry::Unusable(_) => None,
        },
        Proof::KeySet(..) | Proof::Opaque => None,
    }
}

fn signing<'r>(proof: &Proof, entry: impl Fn(Id<Secret>) -> Option<&'r Entry>) -> Option<SigningKey> {
    match proof {
        Proof::Hmac(algorithm, secret) => match entry(*secret)? {
            Entry::Secret(bytes, _) => Some(SigningKey::secret(*algorithm, bytes)),
            Entry::Pair(_) | Entry::Unusable(_) => None,
        },
        Proof::KeyPair(algorithm, secret) => match entry(*secret)? {
            Entry::Pair(pair) => SigningKey::private(*algorithm, pair),
            Entry::Secret(..) | Entry::Unusable(_) => None,
        },
        Proof::KeySet(..) | Proof::Opaque => None,
    }
}

fn problems(policy: &TypedPolicy, ring: &Keys) -> Vec<KeyProblem> {
    let mut problems: Vec<_> = ring.names_of_two().map(|name| KeyProblem::Twice { name: name.to_owned() }).collect();
    let mut present: Vec<(&str, &Entry)> = Vec::new();
    for (id, secret) in policy.secrets.enumerate() {
        let name = secret.name.clone();
        let Some(entry) = ring.secret(&name) else {
            problems.push(match ring.set(&name) {
                Some(_) => KeyProblem::KeySet { name },
                None => KeyProblem::Missing { name },
            });
            continue;
        };
        if let Err(problem) = fits(policy, id, entry) {
            problems.push(problem);
            continue;
        }
        if let Some((first, _)) = present.iter().find(|(_, known)| are_equal(known, entry)) {
            problems.push(KeyProblem::Equal { first: (*first).to_owned(), second: name });
        }
        present.push((&secret.name, entry));
    }
    let is_secret = |name: &str| policy.secrets.iter().any(|secret| secret.name == name);
    let sets = policy.key_sets.iter().filter(|set| ring.set(&set.name).is_none() && !is_secret(&set.name));
    let wrong = sets.filter(|set| ring.secret(&set.name).is_some());
    problems.extend(wrong.map(|set| KeyProblem::NoKeySet { name: set.name.clone() }));
    problems
}

/// Checks that an entry of the ring fits the policy's use of it.
fn fits(policy: &TypedPolicy, secret: Id<Secret>, entry: &Entry) -> Result<(), KeyProblem> {
    let name = policy.secrets[secret].name.clone();
    let purpose = policy.secrets[secret].used.map(|(purpose, _)| purpose);
    match (entry, purpose) {
        (Entry::Unusable(why), _) => Err(KeyProblem::Unusable { name, why }),
        (Entry::Secret(..), Some(Purpose::KeyPair(algorithm))) => {
            Err(KeyProblem::Bytes { name, used: algorithm.name() })
        }
        (Entry::Secret(bytes, pinned), _) => fits_bytes(name, bytes, pinned.as_deref(), purpose),
        (Entry::Pair(pair), Some(Purpose::KeyPair(algorithm))) => fits_pair(policy, secret, pair, algorithm),
        (Entry::Pair(_), None) => Ok(()),
        (Entry::Pair(_), Some(Purpose::Hmac(_) | Purpose::Sealing | Purpose::Password)) => {
            Err(KeyProblem::KeyPair { name })
        }
    }
}

fn fits_bytes(name: String, bytes: &[u8], pinned: Option<&str>, purpose: Option<Purpose>) -> Result<(), KeyProblem> {
    if let (Some(pinned), Some(used)) = (pinned, purpose.and_then(Purpose::algorithm))
        && pinned != used
    {
        return Err(KeyProblem::WrongAlgorithm { name, pinned: pinned.to_owned(), used: used.to_owned() });
    }
    let least = purpose.map_or(0, Purpose::least_bytes);
    if bytes.len() < least {
        return Err(KeyProblem::TooShort { name, length: bytes.len(), least });
    }
    if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
        return Err(KeyProblem::Constant { name });
    }
    Ok(())
}

fn fits_pair(
    policy: &TypedPolicy,
    secret: Id<Secret>,
    pair: &Pair,
    algorithm: SignatureAlgorithm,
) -> Result<(), KeyProblem> {
    let name = policy.secrets[secret].name.clone();
    let (kind, used, needed) = (pair.kind().name(), algorithm.name(), algorithm.key_kind().name());
    if pair.kind() != algorithm.key_kind() {
        return Err(KeyProblem::WrongKind { name, kind, used, needed });
    }
    if let Some(pinned) = pair.pinned().filter(|pinned| *pinned != algorithm) {
        return Err(KeyProblem::WrongAlgorithm { name, pinned: pinned.name().to_owned(), used: used.to_owned() });
    }
    match issued_with(policy, secret) {
        Some(token) if !pair.can_sign() => Err(KeyProblem::CannotSign { name, token: token.name.clone() }),
        _ => Ok(()),
    }
}

/// The token that a route issues and this key signs, if there is one.
fn issued_with(policy: &TypedPolicy, secret: Id<Secret>) -> Option<&Token> {
    let is_signed = |token: &Token| matches!(token.proof, Proof::KeyPair(_, key) if key == secret);
    let is_issued = |id: Id<Token>| {
        policy.routes.iter().any(|route| route.issues.contains(&id) || route.service == Service::Rotate(id))
    };
    policy.tokens.enumerate().find(|(id, token)| is_signed(token) && is_issued(*id)).map(|(_, token)| token)
}

/// True if both are the same key: each would verify the signatures of the other.
fn are_equal(one: &Entry, other: &Entry) -> bool {
    match (one, other) {
        (Entry::Secret(one, _), Entry::Secret(other, _)) => unpadded(one) == unpadded(other),
        (Entry::Pair(one), Entry::Pair(other)) => one.is_same(other),
        _ => false,
    }
}

/// HMAC pads a key with zeros (RFC 2104 §2), so keys that differ in zeros at the end are one key.
fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}
