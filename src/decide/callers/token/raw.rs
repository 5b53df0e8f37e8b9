//! JSON as it stands in a token, borrowed wherever it can be. Strict: no object has a name twice, and nothing nests deeper
//! than any honest token.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};
use smallvec::SmallVec;

/// How deeply a token's arrays and objects may nest.
pub(crate) const MAX_DEPTH: usize = 32;

/// How many members an object of a token may have: each is held against all others.
const MOST_NAMES: usize = 128;

/// A JSON value.
#[derive(Debug)]
pub(crate) enum Raw<'de> {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond what fits into the other.
    Big(u64),
    Float(f64),
    Text(Cow<'de, str>),
    List(Vec<Raw<'de>>),
    Object(Vec<(Cow<'de, str>, Raw<'de>)>),
}

impl Raw<'_> {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same, made of what lives on its own.
    pub(crate) fn into_json(self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Int(value) => Json::from(value),
            Self::Big(value) => Json::from(value),
            Self::Float(value) => Number::from_f64(value).map_or(Json::Null, Json::Number),
            Self::Text(text) => Json::String(text.into_owned()),
            Self::List(items) => Json::Array(items.into_iter().map(Raw::into_json).collect()),
            Self::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name.into_owned(), value.into_json()));
                Json::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// The names of an object so far, each of which may stand once.
#[derive(Default)]
pub(crate) struct Names<'de> {
    seen: SmallVec<[Cow<'de, str>; 8]>,
}

impl<'de> Names<'de> {
    pub(crate) fn add<E: Error>(&mut self, name: Cow<'de, str>) -> Result<(), E> {
        if self.seen.len() == MOST_NAMES {
            return Err(E::custom("an object has too many names"));
        }
        if self.seen.contains(&name) {
            return Err(E::custom("a name stands twice"));
        }
        self.seen.push(name);
        Ok(())
    }
}

/// Reads a name.
pub(crate) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// Reads a value that nests no deeper than allowed.
#[derive(Clone, Copy)]
pub(crate) struct RawSeed {
    pub(crate) depth: usize,
}

impl RawSeed {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.depth.checked_sub(1).map(|depth| Self { depth }).ok_or_else(|| E::custom("it nests too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for RawSeed {
    type Value = Raw<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RawSeed {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Raw<'de>, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Raw<'de>, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Raw<'de>, E> {
        Ok(Raw::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Raw<'de>, E> {
        Ok(i64::try_from(value).map_or(Raw::Big(value), Raw::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Raw<'de>, E> {
        if value.is_finite() { Ok(Raw::Float(value)) } else { Err(E::custom("a number is out of range")) }
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut names = Names::default();
        let mut object = Vec::new();
        while let Some(name) = members.next_key_seed(NameSeed)? {
            names.add::<A::Error>(name.clone())?;
            object.push((name, members.next_value_seed(inner)?));
        }
        Ok(Raw::Object(object))
    }
}
