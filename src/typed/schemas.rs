//! Checked schemas: the shapes of input, with every regex compiled.

use regex::Regex;
use serde_json::Value as Json;

use crate::collections::table::Id;
use crate::model::keywords::{Format, Transform, UnknownFields};
use crate::model::source::Span;
use crate::typed::expressions::Expr;
use crate::typed::types::Attribute;

/// The shape of an object.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// The schema's name; empty where the shape is a field's own.
    pub(crate) name: String,
    pub(crate) unknown_fields: UnknownFields,
    pub(crate) fields: Vec<Field>,
    pub(crate) checks: Vec<Check>,
    /// The media types of a body of this shape; `application/json` if the schema has no `accepts`.
    pub(crate) accepts: Vec<MediaType>,
}

/// A declared field. In validated input it is there unless it is optional and has no default.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) optional: bool,
    pub(crate) default: Option<Json>,
    pub(crate) default_span: Option<Span>,
    pub(crate) secret: bool,
    pub(crate) ty: InputType,
}

/// A rule over the fields of one object.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) expr: Expr,
    pub(crate) message: Option<String>,
    /// The fields that it reads: if one isn't valid, the rule isn't evaluated.
    pub(crate) reads: Vec<Attribute>,
}

/// A media type of a body, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// This one, whose bodies are JSON.
    Json(String),
    /// `TYPE/*+json`: any of that type whose bodies are JSON (RFC 6839 §3.1).
    AnyJson(String),
    /// `application/x-www-form-urlencoded`
    Form,
}

/// The type of a value in the input.
#[derive(Debug)]
pub(crate) enum InputType {
    String(StringRules),
    Int(NumberRules<i64>),
    Float(NumberRules<f64>),
    Bool,
    /// Handed on as RFC 3339 in UTC.
    Timestamp,
    /// Handed on as the language writes it, the largest units first.
    Duration,
    Ip,
    Cidr,
    Any,
    Enum(Vec<String>),
    List(Box<ListRules>),
    /// `{ string: TYPE }`
    Map(Box<MapRules>),
    Record(Box<Shape>),
    Shape(Id<Shape>),
    Nullable(Box<InputType>),
    /// The first member that takes the value.
    Union(Vec<InputType>),
    /// The case that the tag names.
    Tagged(Box<TaggedUnion>),
}

impl InputType {
    /// True if one name of a query may stand several times.
    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::Nullable(ty) => ty.is_list(),
            _ => false,
        }
    }
}

/// Objects whose shape depends on a tag.
#[derive(Debug)]
pub(crate) struct TaggedUnion {
    /// The field that holds the tag.
    pub(crate) tag: String,
    /// Each a record or a shape. Where it doesn't declare the tag itself, the tag is there all the same.
    pub(crate) cases: Vec<Case>,
}

/// A case of a tagged union.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) ty: InputType,
}

/// Transforms, which run first, and then checks, all of which run.
#[derive(Debug, Default)]
pub(crate) struct StringRules {
    /// In the order of `Transform`, so that a second run changes nothing.
    pub(crate) transforms: Vec<Transform>,
    pub(crate) checks: Vec<StringCheck>,
}

/// A check of a string, and the policy's own message for it.
#[derive(Debug)]
pub(crate) struct StringCheck {
    pub(crate) test: StringTest,
    pub(crate) message: Option<String>,
}

/// The test of a string.
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
    Format(Format),
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

/// The rules of a map; bounds are for the number of its members.
#[derive(Debug)]
pub(crate) struct MapRules {
    pub(crate) item: InputType,
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
}
