//! Values as evaluation sees them: borrowed from the policy, the request or the facts wherever they stand there already,
//! so that reading and comparing them allocates nothing.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::eval::facts;
use crate::model::list::List;
use crate::model::value::{Key, Value};
use crate::typed::Type;

/// A value, borrowed where that is possible.
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
    /// Each of which was found to be of the type, which is a plain one.
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
            plain => Self::plain(plain),
        }
    }

    pub(crate) fn owned(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::List(list) => Self::List(Items::Listed(Cow::Owned(list))),
            Value::Record(fields) => Self::Record(Cow::Owned(fields.to_vec())),
            plain => Self::plain(&plain),
        }
    }

    fn plain(value: &Value) -> Self {
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

    /// What data share exactly if they are equal; of a plain one, without allocation.
    pub(crate) fn key(&self) -> Key<'_> {
        match self {
            Self::Null => Key::Null,
            Self::Bool(value) => Key::Bool(*value),
            Self::Int(value) => Key::Int(*value),
            Self::Float(value) => Key::of_float(*value),
            Self::Text(text) => Key::String(text),
            Self::Timestamp(value) => Key::Timestamp(*value),
            Self::Duration(value) => Key::Duration(*value),
            Self::Ip(value) => Key::of_ip(*value),
            Self::Network(value) => Key::of_network(*value),
            Self::List(Items::Listed(list)) => Key::List(list.iter().map(Value::key).collect()),
            Self::List(Items::Texts(texts)) => Key::List(texts.iter().map(|text| Key::String(text)).collect()),
            Self::List(Items::Json(items, ty)) => Key::List(items.iter().map(|item| key_of(item, ty)).collect()),
            Self::Record(fields) => {
                Key::Record(fields.iter().map(|(name, value)| (name.as_str(), value.key())).collect())
            }
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

    /// Whether an element satisfies `test`.
    pub(crate) fn any(&self, mut test: impl FnMut(&Key<'_>) -> bool) -> bool {
        match self {
            Self::Listed(list) => list.iter().any(|value| test(&value.key())),
            Self::Texts(texts) => texts.iter().any(|text| test(&Key::String(text))),
            Self::Json(items, ty) => items.iter().any(|item| test(&key_of(item, ty))),
        }
    }

    /// Whether an element equals this.
    pub(crate) fn holds(&self, key: &Key<'_>) -> bool {
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
                let typed = items.iter().filter_map(|item| facts::plain(item, ty));
                typed.map(ValueRef::into_value).collect()
            }
        }
    }
}

/// Of an element that was found to be of a plain type, which keeps its text where it stands.
fn key_of<'j>(item: &'j Json, ty: &Type) -> Key<'j> {
    match facts::plain(item, ty) {
        Some(ValueRef::Text(Cow::Borrowed(text))) => Key::String(text),
        Some(ValueRef::Bool(value)) => Key::Bool(value),
        Some(ValueRef::Int(value)) => Key::Int(value),
        Some(ValueRef::Float(value)) => Key::of_float(value),
        Some(ValueRef::Timestamp(value)) => Key::Timestamp(value),
        Some(ValueRef::Duration(value)) => Key::Duration(value),
        Some(ValueRef::Ip(value)) => Key::of_ip(value),
        Some(ValueRef::Network(value)) => Key::of_network(value),
        Some(ValueRef::Text(Cow::Owned(_)) | ValueRef::Null | ValueRef::List(_) | ValueRef::Record(_)) | None => {
            Key::Null
        }
    }
}
