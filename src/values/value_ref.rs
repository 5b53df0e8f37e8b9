//! Values that borrow from the policy, the request or the facts, so that reading and comparing them allocates nothing.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::model::list::List;
use crate::model::value::{Key, Value};
use crate::typed::Type;
use crate::values::json;

#[derive(Debug, Clone)]
pub(crate) enum ValueRef<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Timestamp(Timestamp),
    Duration(SignedDuration),
    Ip(IpAddr),
    Network(IpNet),
    List(Items<'a>),
    /// In the order of the fields' names.
    Record(Cow<'a, [(String, Value)]>),
}

/// The elements of a list.
#[derive(Debug, Clone)]
pub(crate) enum Items<'a> {
    Listed(Cow<'a, List>),
    Texts(&'a [String]),
    /// All elements are of the type, which is no list and no record.
    Json(&'a [Json], &'a Type),
}

impl<'a> ValueRef<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::String(text) => Self::text(text),
            Value::List(list) => Self::List(Items::Listed(Cow::Borrowed(list))),
            Value::Record(fields) => Self::Record(Cow::Borrowed(fields)),
            scalar => Self::scalar(scalar),
        }
    }

    pub(crate) fn owned(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::List(list) => Self::List(Items::Listed(Cow::Owned(list))),
            Value::Record(fields) => Self::Record(Cow::Owned(fields.to_vec())),
            scalar => Self::scalar(&scalar),
        }
    }

    fn scalar(value: &Value) -> Self {
        match value {
            Value::Null | Value::String(_) | Value::List(_) | Value::Record(_) => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Timestamp(value) => Self::Timestamp(*value),
            Value::Duration(value) => Self::Duration(*value),
            Value::Ip(value) => Self::Ip(*value),
            Value::Network(value) => Self::Network(*value),
        }
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Timestamp(value) => Value::Timestamp(value),
            Self::Duration(value) => Value::Duration(value),
            Self::Ip(value) => Value::Ip(value),
            Self::Network(value) => Value::Network(value),
            Self::List(items) => Value::List(items.into_list()),
            Self::Record(fields) => Value::Record(fields.into()),
        }
    }

    /// The key of the value: two values are equal if their keys are. The key of a list or a record allocates.
    pub(crate) fn key(&self) -> Key<'_> {
        match self {
            Self::Text(text) => Key::String(text),
            Self::List(Items::Listed(list)) => Key::List(list.iter().map(Value::key).collect()),
            Self::List(Items::Texts(texts)) => Key::List(texts.iter().map(|text| Key::String(text)).collect()),
            Self::List(Items::Json(items, ty)) => Key::List(items.iter().map(|item| key_of(item, ty)).collect()),
            Self::Record(fields) => {
                Key::Record(fields.iter().map(|(name, value)| (name.as_str(), value.key())).collect())
            }
            scalar => scalar.scalar_key(),
        }
    }

    /// The key of a value that borrows nothing.
    #[inline]
    fn scalar_key<'k>(&self) -> Key<'k> {
        match self {
            Self::Bool(value) => Key::Bool(*value),
            Self::Int(value) => Key::Int(*value),
            Self::Float(value) => Key::of_float(*value),
            Self::Timestamp(value) => Key::Timestamp(*value),
            Self::Duration(value) => Key::Duration(*value),
            Self::Ip(value) => Key::of_ip(*value),
            Self::Network(value) => Key::of_network(*value),
            Self::Null | Self::Text(_) | Self::List(_) | Self::Record(_) => Key::Null,
        }
    }
}

impl Items<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Listed(list) => list.len(),
            Self::Texts(texts) => texts.len(),
            Self::Json(items, _) => items.len(),
        }
    }

    /// True if an element satisfies `test`.
    pub(crate) fn any(&self, mut test: impl FnMut(&Key<'_>) -> bool) -> bool {
        match self {
            Self::Listed(list) => list.iter().any(|value| test(&value.key())),
            Self::Texts(texts) => texts.iter().any(|text| test(&Key::String(text))),
            Self::Json(items, ty) => items.iter().any(|item| test(&key_of(item, ty))),
        }
    }

    /// True if an element has this key.
    pub(crate) fn contains(&self, key: &Key<'_>) -> bool {
        match self {
            Self::Listed(list) => list.holds(key),
            Self::Texts(_) | Self::Json(..) => self.any(|known| known == key),
        }
    }

    pub(crate) fn into_list(self) -> List {
        match self {
            Self::Listed(list) => list.into_owned(),
            Self::Texts(texts) => texts.iter().map(|text| Value::String(text.clone())).collect(),
            Self::Json(items, ty) => {
                items.iter().filter_map(|item| json::scalar(item, ty)).map(ValueRef::into_value).collect()
            }
        }
    }
}

/// The key of an element of a list of scalars.
fn key_of<'j>(item: &'j Json, ty: &Type) -> Key<'j> {
    match json::scalar(item, ty) {
        Some(ValueRef::Text(Cow::Borrowed(text))) => Key::String(text),
        Some(scalar) => scalar.scalar_key(),
        None => Key::Null,
    }
}
