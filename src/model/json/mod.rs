//! Strict JSON (RFC 8259): no object has a key twice, and depth and size are limited. Texts that two parsers could read
//! differently are refused.

pub(crate) mod borrowed;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer as _, Error, MapAccess, SeqAccess, Visitor};
use serde_json::de::Read;
use serde_json::{Deserializer, Map, Number, Value};
use smallvec::SmallVec;

/// A rule that a JSON text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonError {
    Syntax,
    TrailingText,
    /// The value is of another type than its reader takes.
    WrongType,
    DuplicateKey,
    TooManyValues,
    TooDeep,
}

impl JsonError {
    /// A message that quotes nothing of the text.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Syntax | Self::WrongType => "it isn't JSON",
            Self::TrailingText => "something follows the JSON value",
            Self::DuplicateKey => "an object has a key twice",
            Self::TooManyValues => "there are too many values",
            Self::TooDeep => "arrays and objects nest too deeply",
        }
    }
}

/// Parses a whole text whose arrays and objects nest no deeper than `depth`.
pub(crate) fn parse(text: &[u8], depth: usize) -> Result<Value, JsonError> {
    let reader = StrictReader::new(usize::MAX);
    let mut deserializer = Deserializer::from_slice(text);
    let value = reader.value(depth).deserialize(&mut deserializer).map_err(|error| reader.explain(&error))?;
    deserializer.end().map_err(|_| JsonError::TrailingText)?;
    Ok(value)
}

/// A tree that JSON is read into.
pub(crate) trait Tree<'de>: From<()> + From<bool> + From<Number> {
    type Members: Default;
    /// The most members of an object.
    const MOST_MEMBERS: usize;

    fn text(text: Cow<'de, str>) -> Self;
    fn array(items: Vec<Self>) -> Self;
    fn object(members: Self::Members) -> Self;
    fn has(members: &Self::Members, name: &str) -> bool;
    fn insert(members: &mut Self::Members, name: Cow<'de, str>, value: Self);
}

impl<'de> Tree<'de> for Value {
    type Members = Map<String, Self>;
    const MOST_MEMBERS: usize = usize::MAX;

    fn text(text: Cow<'de, str>) -> Self {
        Self::String(text.into_owned())
    }

    fn array(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn object(members: Self::Members) -> Self {
        Self::Object(members)
    }

    fn has(members: &Self::Members, name: &str) -> bool {
        members.contains_key(name)
    }

    fn insert(members: &mut Self::Members, name: Cow<'de, str>, value: Self) {
        members.insert(name.into_owned(), value);
    }
}

/// Takes the members of a text's object one by one.
pub(crate) trait Members<'de> {
    /// The most members of the object.
    const MOST: usize;

    /// Reads the value of a member.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, reader: &StrictReader) -> Result<(), A::Error>;
}

/// The limits of a text, and the rule that it breaks.
pub(crate) struct StrictReader {
    /// The number of values that arrays and objects may still have.
    values_left: Cell<usize>,
    broken: Cell<Option<JsonError>>,
}

impl StrictReader {
    pub(crate) fn new(values: usize) -> Self {
        Self { values_left: Cell::new(values), broken: Cell::new(None) }
    }

    pub(crate) fn allow_values(&self, values: usize) {
        self.values_left.set(values);
    }

    /// Reads a value whose arrays and objects nest no deeper than `depth`.
    pub(crate) fn value<T>(&self, depth: usize) -> TreeSeed<'_, T> {
        TreeSeed { depth, reader: self, tree: PhantomData }
    }

    /// Reads a whole text that is an object.
    pub(crate) fn object<'de, R: Read<'de>>(
        &self,
        mut text: Deserializer<R>,
        members: &mut impl Members<'de>,
    ) -> Result<(), JsonError> {
        let read = text.deserialize_any(ObjectVisitor { reader: self, members });
        read.and_then(|()| text.end()).map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &serde_json::Error) -> JsonError {
        self.broken.get().unwrap_or(if error.is_data() { JsonError::WrongType } else { JsonError::Syntax })
    }

    fn fail<T, E: Error>(&self, rule: JsonError) -> Result<T, E> {
        self.broken.set(Some(rule));
        Err(E::custom(rule.message()))
    }

    fn count<E: Error>(&self) -> Result<(), E> {
        match self.values_left.get().checked_sub(1) {
            Some(left) => {
                self.values_left.set(left);
                Ok(())
            }
            None => self.fail(JsonError::TooManyValues),
        }
    }

    fn deeper<E: Error>(&self, depth: usize) -> Result<usize, E> {
        depth.checked_sub(1).map_or_else(|| self.fail(JsonError::TooDeep), Ok)
    }
}

/// Reads a value into a tree.
pub(crate) struct TreeSeed<'s, T> {
    depth: usize,
    reader: &'s StrictReader,
    tree: PhantomData<T>,
}

impl<'de, T: Tree<'de>> DeserializeSeed<'de> for TreeSeed<'_, T> {
    type Value = T;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Tree<'de>> Visitor<'de> for TreeSeed<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::from(()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Ok(T::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Ok(T::from(Number::from(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Ok(T::from(Number::from(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        Number::from_f64(value).map_or_else(|| self.reader.fail(JsonError::Syntax), |value| Ok(T::from(value)))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        let depth = self.reader.deeper(self.depth)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.reader.value(depth))? {
            self.reader.count()?;
            list.push(item);
        }
        Ok(T::array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let depth = self.reader.deeper(self.depth)?;
        let (mut members, mut count) = (T::Members::default(), 0);
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if T::has(&members, &name) {
                return self.reader.fail(JsonError::DuplicateKey);
            }
            if count == T::MOST_MEMBERS {
                return self.reader.fail(JsonError::TooManyValues);
            }
            count += 1;
            self.reader.count()?;
            T::insert(&mut members, name, map.next_value_seed(self.reader.value(depth))?);
        }
        Ok(T::object(members))
    }
}

struct ObjectVisitor<'s, M> {
    reader: &'s StrictReader,
    members: &'s mut M,
}

impl<'de, M: Members<'de>> Visitor<'de> for ObjectVisitor<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if names.contains(&name) {
                return self.reader.fail(JsonError::DuplicateKey);
            }
            if names.seen.len() == M::MOST {
                return self.reader.fail(JsonError::TooManyValues);
            }
            self.members.read(&name, &mut map, self.reader)?;
            names.add(name);
        }
        Ok(())
    }
}

/// A name that borrows from the text if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);

/// The names of an object's members.
#[derive(Default)]
struct Names<'de> {
    seen: SmallVec<[Cow<'de, str>; 16]>,
    /// The bits of the names: most names that are new have one that isn't set.
    bits: u64,
}

impl<'de> Names<'de> {
    fn contains(&self, name: &str) -> bool {
        self.bits & bit(name) != 0 && self.seen.iter().any(|seen| seen == name)
    }

    fn add(&mut self, name: Cow<'de, str>) {
        self.bits |= bit(&name);
        self.seen.push(name);
    }
}

fn bit(name: &str) -> u64 {
    let (first, last) = (name.as_bytes().first(), name.as_bytes().last());
    let mixed = first.zip(last).map_or(0, |(first, last)| usize::from(*first) ^ (usize::from(*last) << 2) ^ name.len());
    1 << (mixed % 64)
}
