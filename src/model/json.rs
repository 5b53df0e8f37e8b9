//! Strict JSON (RFC 8259): one value, no key twice, no deeper than allowed. What two parsers could read
//! differently is refused.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses a whole text whose arrays and objects nest no deeper than `depth`. The error says what is wrong, never what
/// was there.
pub(crate) fn parse(text: &[u8], depth: usize) -> Result<Value, &'static str> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value =
        Strict::new(depth, &Cell::new(usize::MAX)).deserialize(&mut deserializer).map_err(|error| explain(&error))?;
    deserializer.end().map_err(|_| "something follows the JSON value")?;
    Ok(value)
}

pub(crate) const DUPLICATE: &str = "an object has a key twice";
pub(crate) const TOO_MANY: &str = "there are too many values";
const TOO_DEEP: &str = "arrays and objects nest too deeply";

/// serde's messages quote the input; ours don't.
pub(crate) fn explain(error: &serde_json::Error) -> &'static str {
    let told = error.to_string();
    if told.starts_with(DUPLICATE) {
        DUPLICATE
    } else if told.starts_with(TOO_MANY) {
        TOO_MANY
    } else if told.starts_with(TOO_DEEP) || told.starts_with("recursion limit") {
        TOO_DEEP
    } else {
        "it isn't JSON"
    }
}

/// Reads one value within a text.
#[derive(Clone, Copy)]
pub(crate) struct Strict<'r> {
    depth: usize,
    /// How many more values may stand in arrays and objects.
    room: &'r Cell<usize>,
}

impl<'r> Strict<'r> {
    /// Of a value whose arrays and objects nest no deeper than `depth`, and hold no more than `room` values in all.
    pub(crate) fn new(depth: usize, room: &'r Cell<usize>) -> Self {
        Self { depth, room }
    }

    /// One more value stands in an array or an object.
    fn count<E: Error>(self) -> Result<(), E> {
        let room = self.room.get().checked_sub(1).ok_or_else(|| E::custom(TOO_MANY))?;
        self.room.set(room);
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            self.count()?;
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(DUPLICATE));
            }
            self.count()?;
            let value = entries.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
