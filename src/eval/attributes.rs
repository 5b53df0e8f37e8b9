//! The declared attributes of a caller, a resource, an account or the context.

use std::borrow::Cow;

use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::typed::{Attribute, TypedPolicy};
use crate::values::json;
use crate::values::json::Provenance;

/// Borrowed attributes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attributes<'a> {
    /// Each attribute is converted when it is read.
    Json(&'a Record),
    Slots(&'a Slots),
}

/// Attributes, owned or borrowed.
#[derive(Debug, Clone)]
pub(crate) enum AttributeSet<'a> {
    /// Each attribute is converted when it is read.
    Json(Cow<'a, Record>),
    Slots(Slots),
}

impl AttributeSet<'_> {
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        match self {
            Self::Json(record) => Attributes::Json(record),
            Self::Slots(slots) => Attributes::Slots(slots),
        }
    }

    pub(crate) fn into_owned(self) -> AttributeSet<'static> {
        match self {
            Self::Json(record) => AttributeSet::Json(Cow::Owned(record.into_owned())),
            Self::Slots(slots) => AttributeSet::Slots(slots),
        }
    }

    /// Converts all declared attributes.
    pub(crate) fn slots<'p>(
        record: &Record,
        declared: impl Iterator<Item = &'p Attribute>,
        policy: &TypedPolicy,
    ) -> Self {
        let convert = |attribute: &Attribute| {
            json::member(record.get(&attribute.name), attribute, &policy.shapes, Provenance::Host)
        };
        Self::Slots(Slots::of(declared.map(convert).collect()))
    }

    pub(crate) fn set_classes(&mut self, classes: Vec<u32>) {
        if let Self::Slots(slots) = self {
            slots.classes = classes;
        }
    }
}

/// Converted attributes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    /// In the order of their declarations.
    pub(crate) values: Vec<Known<Value>>,
    /// The class of each attribute whose class diagrams ask for, in the order of the logic.
    pub(crate) classes: Vec<u32>,
}

impl Slots {
    pub(crate) fn of(values: Vec<Known<Value>>) -> Self {
        Self { values, classes: Vec::new() }
    }
}
