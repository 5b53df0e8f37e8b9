//! Values at run time: borrowed values, values from JSON, and the operators between them.

pub(crate) mod json;
pub(crate) mod operators;
pub(crate) mod value_ref;
