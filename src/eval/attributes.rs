//! The declared attributes of a caller, a resource or the context, as JSON or already converted.

use std::borrow::Cow;

use crate::eval::facts;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::typed::{Attribute, TypedPolicy};

/// Declared attributes, as somebody gave them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attributes<'a> {
    /// To be looked at when they are read.
    Json(&'a Record),
    /// Looked at already, in the order of their declarations.
    Slots(&'a Slots),
}

/// Attributes, as somebody gave them.
#[derive(Debug, Clone)]
pub(crate) enum AttributeSet<'a> {
    /// To be looked at when they are read.
    Json(Cow<'a, Record>),
    /// Looked at already.
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

    /// Looked at now, for good.
    pub(crate) fn slots<'p>(
        record: &Record,
        declared: impl Iterator<Item = &'p Attribute>,
        policy: &TypedPolicy,
    ) -> Self {
        let slot = |attribute: &Attribute| facts::made(record.get(&attribute.name), attribute, &policy.shapes);
        Self::Slots(Slots::of(declared.map(slot).collect()))
    }

    pub(crate) fn set_classes(&mut self, classes: Vec<u32>) {
        if let Self::Slots(slots) = self {
            slots.classes = classes;
        }
    }
}

/// Attributes that were looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    /// In the order of their declarations.
    pub(crate) values: Vec<Known<Value>>,
    /// What diagrams ask of them, answered: the class of each attribute that has any, in the order of the logic.
    pub(crate) classes: Vec<u32>,
}

impl Slots {
    pub(crate) fn of(values: Vec<Known<Value>>) -> Self {
        Self { values, classes: Vec::new() }
    }
}
