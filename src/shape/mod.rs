//! Checked schemas: what a body must look like, with every regex compiled, and whether one does.

mod validate;

pub(crate) use validate::{Validated, Violations, validate, validate_default};

use regex::Regex;
use serde_json::Value as Json;

use crate::model::source::Span;
use crate::model::table::Id;

/// The shape of an object.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// The schema's name; empty where the shape is a field's own.
    pub(crate) name: String,
    pub(crate) unknown_fields: UnknownFields,
    pub(crate) fields: Vec<Field>,
}

/// What happens to fields that a shape doesn't declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum UnknownFields {
    #[default]
    Refuse,
    Strip,
    Keep,
}

/// A declared field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) optional: bool,
    pub(crate) default: Option<Json>,
    pub(crate) default_span: Option<Span>,
    pub(crate) secret: bool,
    pub(crate) ty: InputType,
}

/// The type of a value in the input.
#[derive(Debug)]
pub(crate) enum InputType {
    String(StringRules),
    Int(NumberRules<i64>),
    Float(NumberRules<f64>),
    Bool,
    Any,
    Enum(Vec<String>),
    List(Box<ListRules>),
    Record(Box<Shape>),
    Shape(Id<Shape>),
    Nullable(Box<InputType>),
}

/// Transforms, which run first, and then checks, all of which run.
#[derive(Debug, Default)]
pub(crate) struct StringRules {
    pub(crate) transforms: Vec<Transform>,
    pub(crate) checks: Vec<StringCheck>,
}

/// A normalisation of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    Trim,
    Lowercase,
    Uppercase,
}

/// A check of a string, and the policy's own message for it.
#[derive(Debug)]
pub(crate) struct StringCheck {
    pub(crate) test: StringTest,
    pub(crate) message: Option<String>,
}

/// What a string is checked for.
#[derive(Debug)]
pub(crate) enum StringTest {
    /// In Unicode code points.
    MinLength(u64),
    /// In Unicode code points.
    MaxLength(u64),
    /// In bytes of UTF-8.
    MinBytes(u64),
    /// In bytes of UTF-8.
    MaxBytes(u64),
    Email,
    Uuid,
    Matches(Regex),
    OneOf(Vec<String>),
}

/// Bounds, both inclusive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberRules<N> {
    pub(crate) min: Option<N>,
    pub(crate) max: Option<N>,
    pub(crate) multiple_of: Option<N>,
}

/// The rules of a list.
#[derive(Debug)]
pub(crate) struct ListRules {
    pub(crate) item: InputType,
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    pub(crate) unique: bool,
}
