//! What can stand in one place of a request.

use crate::check::typed::{Attribute, Type};
use crate::model::value::{Known, Value};
use crate::shape::InputType;

/// What a read can give, or more: what fits in no room is impossible, and what fits is still to be tried.
#[derive(Debug, Clone)]
pub(super) struct Room<'p> {
    /// The type of its values, where it can have one.
    pub(super) ty: Option<Type>,
    /// Nothing else than these.
    pub(super) only: Option<Vec<Known<Value>>>,
    pub(super) absent: bool,
    pub(super) unknown: bool,
    /// What its texts begin with.
    pub(super) prefix: Option<String>,
    pub(super) uuids: bool,
    /// The schema's rules for it.
    pub(super) rules: Option<&'p InputType>,
}

impl Room<'_> {
    pub(super) fn of(ty: Type) -> Self {
        Self { ty: Some(ty), ..Self::nothing() }
    }

    fn nothing() -> Self {
        Self { ty: None, only: None, absent: false, unknown: false, prefix: None, uuids: false, rules: None }
    }

    pub(super) fn declared(attribute: &Attribute) -> Self {
        Self { absent: attribute.optional, ..Self::of(attribute.ty.clone()) }
    }

    pub(super) fn absent() -> Self {
        Self::nothing().or_absent()
    }

    pub(super) fn unknown() -> Self {
        Self::nothing().or_unknown()
    }

    pub(super) fn only(value: Value) -> Self {
        Self::among(vec![Known::Value(value)])
    }

    pub(super) fn among(values: Vec<Known<Value>>) -> Self {
        Self { only: Some(values), ..Self::nothing() }
    }

    pub(super) fn or_absent(self) -> Self {
        Self { absent: true, ..self }
    }

    pub(super) fn or_unknown(self) -> Self {
        Self { unknown: true, ..self }
    }

    pub(super) fn beginning(self, prefix: String) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    pub(super) fn uuids(self) -> Self {
        Self { uuids: true, ..self }
    }
}

impl<'p> Room<'p> {
    pub(super) fn ruled(self, rules: &'p InputType) -> Self {
        Self { rules: Some(rules), ..self }
    }
}
