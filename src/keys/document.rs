//! The document of a JWK set, read key by key, so that no more of it is in memory than one key.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::keys::error::KeySetError;
use crate::keys::jwk::MAX_DEPTH;
use crate::keys::set::MAX_KEYS;
use crate::model::json::{JsonError, Members, StrictReader};

/// The most values within a key: its members, and the items of lists.
const MAX_VALUES: usize = 256;

/// Calls `each` with each key of a set (RFC 7517 §5).
pub(crate) fn parse(text: &[u8], each: impl FnMut(&Value)) -> Result<(), KeySetError> {
    let mut set = Set { each, has_keys: false, has_too_many: false };
    match StrictReader::new(MAX_VALUES).object(serde_json::Deserializer::from_slice(text), &mut set) {
        Ok(()) if set.has_keys => Ok(()),
        Err(_) if set.has_too_many => Err(KeySetError::TooMany),
        Ok(()) | Err(JsonError::WrongType) => Err(KeySetError::NoKeys),
        Err(error) => Err(KeySetError::Unreadable { why: error.message() }),
    }
}

struct Set<E> {
    each: E,
    has_keys: bool,
    has_too_many: bool,
}

impl<'de, E: FnMut(&Value)> Members<'de> for Set<E> {
    const MOST: usize = 64;

    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, reader: &StrictReader) -> Result<(), A::Error> {
        if name == "keys" {
            self.has_keys = true;
            return map.next_value_seed(KeyList { set: self, reader });
        }
        map.next_value::<IgnoredAny>().map(drop)
    }
}

struct KeyList<'s, E> {
    set: &'s mut Set<E>,
    reader: &'s StrictReader,
}

impl<'de, E: FnMut(&Value)> DeserializeSeed<'de> for KeyList<'_, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, E: FnMut(&Value)> Visitor<'de> for KeyList<'_, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut keys: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(key) = keys.next_element_seed(self.reader.value(MAX_DEPTH))? {
            count += 1;
            if count > MAX_KEYS {
                self.set.has_too_many = true;
                return Err(A::Error::custom("too many keys"));
            }
            (self.set.each)(&key);
            self.reader.allow_values(MAX_VALUES);
        }
        Ok(())
    }
}
