//! JSON that borrows its strings from the text.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::model::json::Tree;

/// A JSON value.
#[derive(Debug)]
pub(crate) enum JsonRef<'de> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'de, str>),
    Array(Vec<JsonRef<'de>>),
    Object(Vec<(Cow<'de, str>, JsonRef<'de>)>),
}

impl JsonRef<'_> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(value) => Value::Number(value),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Array(items) => items.into_iter().map(JsonRef::into_value).collect(),
            Self::Object(members) => {
                members.into_iter().map(|(name, value)| (name.into_owned(), value.into_value())).collect()
            }
        }
    }
}

impl From<()> for JsonRef<'_> {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<bool> for JsonRef<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Number> for JsonRef<'_> {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl<'de> Tree<'de> for JsonRef<'de> {
    type Members = Vec<(Cow<'de, str>, Self)>;
    /// Each name is compared with all others.
    const MOST_MEMBERS: usize = 128;

    fn text(text: Cow<'de, str>) -> Self {
        Self::Text(text)
    }

    fn array(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn object(members: Self::Members) -> Self {
        Self::Object(members)
    }

    fn has(members: &Self::Members, name: &str) -> bool {
        members.iter().any(|(known, _)| known == name)
    }

    fn insert(members: &mut Self::Members, name: Cow<'de, str>, value: Self) {
        members.push((name, value));
    }
}
