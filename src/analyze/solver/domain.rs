//! What can stand in one place of a request.

use crate::model::value::{Known, Value};
use crate::typed::schemas::InputType;
use crate::typed::{Attribute, Type};

/// What a read can give, or more: what fits in no room is impossible, and what fits is still to be tried.
#[derive(Debug, Clone)]
pub(crate) struct Room<'p> {
    /// The type of its values, where it can have one.
    pub(crate) ty: Option<Type>,
    /// Nothing else than these.
    pub(crate) only: Option<Vec<Known<Value>>>,
    pub(crate) absent: bool,
    pub(crate) unknown: bool,
    /// What its texts begin with.
    pub(crate) prefix: Option<String>,
    pub(crate) uuids: bool,
    /// The schema's rules for it.
    pub(crate) rules: Option<&'p InputType>,
}

impl Room<'_> {
    pub(crate) fn of(ty: Type) -> Self {
        Self { ty: Some(ty), ..Self::nothing() }
    }

    fn nothing() -> Self {
        Self { ty: None, only: None, absent: false, unknown: false, prefix: None, uuids: false, rules: None }
    }

    pub(crate) fn declared(attribute: &Attribute) -> Self {
        Self { absent: attribute.optional, ..Self::of(attribute.ty.clone()) }
    }

    pub(crate) fn absent() -> Self {
        Self::nothing().or_absent()
    }

    pub(crate) fn unknown() -> Self {
        Self::nothing().or_unknown()
    }

    pub(crate) fn only(value: Value) -> Self {
        Self::among(vec![Known::Value(value)])
    }

    pub(crate) fn among(values: Vec<Known<Value>>) -> Self {
        Self { only: Some(values), ..Self::nothing() }
    }

    pub(crate) fn or_absent(self) -> Self {
        Self { absent: true, ..self }
    }

    pub(crate) fn or_unknown(self) -> Self {
        Self { unknown: true, ..self }
    }

    pub(crate) fn beginning(self, prefix: String) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    pub(crate) fn uuids(self) -> Self {
        Self { uuids: true, ..self }
    }
}

impl<'p> Room<'p> {
    pub(crate) fn ruled(self, rules: &'p InputType) -> Self {
        Self { rules: Some(rules), ..self }
    }
}
