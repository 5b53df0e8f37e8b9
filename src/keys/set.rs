//! JWK sets (RFC 7517 §5): the public keys of a token issuer. A set is untrusted input.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::keys::algorithm::SignatureAlgorithm;
use crate::keys::error::KeySetError;
use crate::keys::pair::Pair;
use crate::keys::public::Flaw;
use crate::keys::verify::VerifyingKey;
use crate::keys::{document, jwk};

/// The longest set in bytes.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most keys of a set.
pub(crate) const MAX_KEYS: usize = 10_000;
/// The longest name of a key that is repeated, in bytes.
const MAX_LEGIBLE: usize = 128;

const AMBIGUOUS: Flaw = "another key of the set has its `kid`, for the same algorithm: nobody can say which is meant";

/// The public keys of a JWK set (RFC 7517 §5), ready to verify. Clones share them.
///
/// A key that can't be used is skipped, so that a set can contain keys for other uses and of unknown kinds.
///
/// ```
/// use portcullis::keys::KeySet;
///
/// let set = KeySet::parse(br#"{ "keys": [
///     { "kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
///     { "kty": "oct", "kid": "2", "k": "c2VjcmV0" }
/// ] }"#).expect("it is a set");
/// assert_eq!(set.len(), 1);
/// assert_eq!(set.skipped()[0].key_id.as_deref(), Some("2"));
/// ```
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<Content>,
}

/// The content of a set.
#[derive(Default, PartialEq)]
struct Content {
    keys: Vec<VerifyingKey>,
    /// The place of the key of a name for an algorithm. Names are whatever an issuer likes, so they aren't hashed.
    by_id: BTreeMap<String, BTreeMap<SignatureAlgorithm, usize>>,
    /// The place of the only key for an algorithm; none where there are several.
    alone: BTreeMap<SignatureAlgorithm, Option<usize>>,
    skipped: Vec<SkippedKey>,
}

/// A skipped key of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// Its index in the set.
    pub position: usize,
    /// Its `kid`, if it has at most 128 printable ASCII characters.
    pub key_id: Option<String>,
    /// The reason, such as ``its `use` isn't `sig` ``, without any value of the key.
    pub why: &'static str,
}

impl KeySet {
    /// Parses a set from JSON.
    ///
    /// # Errors
    ///
    /// It has more than 4 MiB or 10,000 keys, isn't JSON, is JSON that two readers could read differently, or has no list
    /// `keys`.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MAX_BYTES {
            return Err(KeySetError::TooLong);
        }
        let mut reading = Reading::default();
        document::parse(json, |key| reading.add(key))?;
        Ok(reading.finish())
    }

    /// Returns the number of usable keys.
    pub fn len(&self) -> usize {
        self.keys.keys.len()
    }

    /// True if no key is usable.
    pub fn is_empty(&self) -> bool {
        self.keys.keys.is_empty()
    }

    /// Returns the skipped keys, in the set's order.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.keys.skipped
    }

    /// The key that verifies a token: of the token's `kid`, and for its algorithm; where the token names none, the only one
    /// for its algorithm.
    pub(crate) fn select(
        &self,
        key_id: Option<&str>,
        algorithm: SignatureAlgorithm,
    ) -> Result<&VerifyingKey, &'static str> {
        let place = match key_id {
            Some(id) => {
                let named = self.keys.by_id.get(id).ok_or("no key of the set has the token's `kid`")?;
                named.get(&algorithm).ok_or("the set's key of the token's `kid` isn't for the token's algorithm")?
            }
            None => {
                let alone = self.keys.alone.get(&algorithm).ok_or("no key of the set is for the token's algorithm")?;
                alone.as_ref().ok_or("the token names no key, and several of the set could be meant")?
            }
        };
        self.keys.keys.get(*place).ok_or("no key of the set has the token's `kid`")
    }
}

/// A set as far as it has been read.
#[derive(Default)]
struct Reading {
    count: usize,
    good: Vec<(usize, Pair)>,
    skipped: Vec<SkippedKey>,
}

impl Reading {
    fn add(&mut self, key: &Value) {
        let position = self.count;
        self.count += 1;
        let members = key.as_object();
        match members.ok_or("it isn't a JSON object").and_then(jwk::public) {
            Ok(pair) => self.good.push((position, pair)),
            Err(why) => self.skipped.push(SkippedKey { position, key_id: members.and_then(legible_id), why }),
        }
    }

    fn finish(self) -> KeySet {
        let ambiguous = self.ambiguous();
        let mut content = Content { skipped: self.skipped, ..Content::default() };
        for ((position, pair), ambiguous) in self.good.into_iter().zip(ambiguous) {
            match ambiguous {
                true => {
                    // Of keys that nobody can tell apart, none is the only one.
                    content.alone.extend(pair.algorithms().map(|algorithm| (algorithm, None)));
                    let key_id = pair.id.filter(|id| is_legible(id));
                    content.skipped.push(SkippedKey { position, key_id, why: AMBIGUOUS });
                }
                false => content.add(pair),
            }
        }
        content.skipped.sort_by_key(|skipped| skipped.position);
        KeySet { keys: Arc::new(content) }
    }

    /// For each good key, true if another key has the same `kid` for the same algorithm.
    fn ambiguous(&self) -> Vec<bool> {
        let mut counts: BTreeMap<(&str, SignatureAlgorithm), usize> = BTreeMap::new();
        for (_, pair) in &self.good {
            for meaning in meanings(pair) {
                *counts.entry(meaning).or_default() += 1;
            }
        }
        let is_shared = |meaning| counts.get(&meaning).is_some_and(|count| *count > 1);
        self.good.iter().map(|(_, pair)| meanings(pair).any(is_shared)).collect()
    }
}

impl Content {
    fn add(&mut self, pair: Pair) {
        let place = self.keys.len();
        for algorithm in pair.algorithms() {
            self.alone.entry(algorithm).and_modify(|alone| *alone = None).or_insert(Some(place));
            if let Some(id) = &pair.id {
                self.by_id.entry(id.clone()).or_default().insert(algorithm, place);
            }
        }
        self.keys.push(VerifyingKey::public(pair.public, pair.pinned));
    }
}

/// The `kid` and the algorithms by which tokens refer to this key.
fn meanings(pair: &Pair) -> impl Iterator<Item = (&str, SignatureAlgorithm)> {
    pair.id.as_deref().into_iter().flat_map(|id| pair.algorithms().map(move |algorithm| (id, algorithm)))
}

fn legible_id(members: &Map<String, Value>) -> Option<String> {
    members.get("kid").and_then(Value::as_str).filter(|id| is_legible(id)).map(ToOwned::to_owned)
}

fn is_legible(id: &str) -> bool {
    (1..=MAX_LEGIBLE).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.keys, &other.keys) || self.keys == other.keys
    }
}

impl fmt::Debug for KeySet {
    /// Counts alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.len()).field("skipped", &self.skipped().len()).finish()
    }
}

impl fmt::Display for SkippedKey {
    /// One line, such as ``key 2 (`old`): its `use` isn't `sig` ``, counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key_id {
            Some(id) => write!(f, "key {} (`{id}`): {}", self.position + 1, self.why),
            None => write!(f, "key {}: {}", self.position + 1, self.why),
        }
    }
}
