//! The document of a JWK set, read key by key, so that no more of it is in memory than one key.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::keys::error::KeySetError;
use crate::keys::jwk::MAX_DEPTH;
use crate::keys::set::MAX_KEYS;
use crate::model::json;
use crate::model::json::Strict;

/// The most values within a key: its members, and what stands in lists.
const MAX_VALUES: usize = 256;
/// The most members of a set beside its keys.
const MAX_MEMBERS: usize = 64;

const NO_KEYS: &str = "no keys";
const TOO_MANY: &str = "too many keys";

/// Hands on each key of a set (RFC 7517 §5).
pub(crate) fn parse(text: &[u8], each: impl FnMut(&Value)) -> Result<(), KeySetError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = deserializer.deserialize_any(Set { each }).and_then(|()| deserializer.end());
    read.map_err(|error| {
        let told = error.to_string();
        if told.starts_with(NO_KEYS) || told.starts_with("invalid type") {
            KeySetError::NoKeys
        } else if told.starts_with(TOO_MANY) {
            KeySetError::TooMany
        } else {
            KeySetError::Unreadable { why: json::explain(&error) }
        }
    })
}

struct Set<E> {
    each: E,
}

impl<'de, E: FnMut(&Value)> Visitor<'de> for Set<E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWK set")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.len() == MAX_MEMBERS {
                return Err(A::Error::custom(json::TOO_MANY));
            }
            match name.as_str() {
                "keys" if !names.contains("keys") => members.next_value_seed(List { each: &mut self.each })?,
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
            if !names.insert(name) {
                return Err(A::Error::custom(json::DUPLICATE));
            }
        }
        if names.contains("keys") { Ok(()) } else { Err(A::Error::custom(NO_KEYS)) }
    }
}

struct List<E> {
    each: E,
}

impl<'de, E: FnMut(&Value)> DeserializeSeed<'de> for List<E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, E: FnMut(&Value)> Visitor<'de> for List<E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut keys: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(key) = keys.next_element_seed(Strict::new(MAX_DEPTH, &MAX_VALUES.into()))? {
            count += 1;
            if count > MAX_KEYS {
                return Err(A::Error::custom(TOO_MANY));
            }
            (self.each)(&key);
        }
        Ok(())
    }
}
