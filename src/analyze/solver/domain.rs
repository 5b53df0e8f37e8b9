//! Domains: the values that one slot of a request can have.

use crate::model::value::{Known, Value};
use crate::typed::schemas::InputType;
use crate::typed::{Attribute, Type};

/// The values of a read, or a superset of them: the evaluation confirms the values that the solver takes from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Domain<'p> {
    /// The type of the values. `None` if the read never has a value.
    pub(crate) ty: Option<Type>,
    /// The exact list of values, if there is one.
    pub(crate) only: Option<Vec<Known<Value>>>,
    pub(crate) absent: bool,
    pub(crate) unknown: bool,
    /// All texts begin with it.
    pub(crate) prefix: Option<String>,
    pub(crate) uuids: bool,
    /// The rules of the schema.
    pub(crate) rules: Option<&'p InputType>,
}

impl<'p> Domain<'p> {
    pub(crate) fn of(ty: Type) -> Self {
        Self { ty: Some(ty), ..Self::default() }
    }

    pub(crate) fn declared(attribute: &Attribute) -> Self {
        Self { absent: attribute.optional, ..Self::of(attribute.ty.clone()) }
    }

    pub(crate) fn absent() -> Self {
        Self::default().or_absent()
    }

    pub(crate) fn unknown() -> Self {
        Self::default().or_unknown()
    }

    pub(crate) fn only(value: Value) -> Self {
        Self::among(vec![Known::Value(value)])
    }

    pub(crate) fn among(values: Vec<Known<Value>>) -> Self {
        Self { only: Some(values), ..Self::default() }
    }

    pub(crate) fn or_absent(self) -> Self {
        Self { absent: true, ..self }
    }

    pub(crate) fn or_unknown(self) -> Self {
        Self { unknown: true, ..self }
    }

    pub(crate) fn with_prefix(self, prefix: String) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    pub(crate) fn with_rules(self, rules: &'p InputType) -> Self {
        Self { rules: Some(rules), ..self }
    }
}
