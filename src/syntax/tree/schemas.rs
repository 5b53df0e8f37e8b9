//! Schemas of request bodies and queries.

use crate::model::keywords::{Format, ScalarType, Transform, UnknownFields};
use crate::syntax::tree::{Expression, Literal, Span, Spanned, Text};

/// `schema NAME [strict|strip|open] { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The name.
    pub name: Text,
    /// The treatment of fields that it doesn't declare, where written.
    pub unknown_fields: Option<Spanned<UnknownFields>>,
    /// Fields, checks and settings, in the order written.
    pub entries: Vec<SchemaEntry>,
}

/// One line of a schema or of a record type.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaEntry {
    /// `FIELD[?]: TYPE FACET… [= default]`
    Field(Field),
    /// `check EXPR [else "message"]`
    Check(Expression, Option<Text>),
    /// `accepts "application/json", …`
    Accepts(Vec<Text>),
}

/// `FIELD[?]: TYPE FACET… [= default]`
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name.
    pub name: Text,
    /// True if a `?` says that the field may be missing.
    pub optional: bool,
    /// The type with its facets.
    pub ty: SchemaType,
    /// `= literal`: a constant, or a list or record of them.
    pub default: Option<Expression>,
}

/// A type with its facets.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaType {
    /// The span of the type and its facets.
    pub span: Span,
    /// The type without its facets.
    pub kind: SchemaTypeKind,
    /// The facets in the order written.
    pub facets: Vec<Facet>,
}

/// The forms of a schema's type.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaTypeKind {
    /// `string`, `int`
    Scalar(ScalarType),
    /// `null`
    Null,
    /// the name of another schema
    Named(String),
    /// `"a" | "b"`
    Enum(Vec<Text>),
    /// `[TYPE FACET…]`
    List(Box<SchemaType>),
    /// `{ a: T, b?: U }`
    Record(Vec<SchemaEntry>),
    /// `{ string: TYPE }`
    Map(Box<SchemaType>),
    /// `A | B`
    Union(Vec<SchemaType>),
    /// `union on "kind" { "card": Card, … }`
    Tagged(Text, Vec<(Text, SchemaType)>),
}

/// One facet of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Facet {
    /// The span of the facet.
    pub span: Span,
    /// The facet without its message.
    pub kind: FacetKind,
    /// `else "message"`
    pub message: Option<Text>,
}

/// The facets.
#[derive(Debug, Clone, PartialEq)]
pub enum FacetKind {
    /// `min N`
    Min(NumberBound),
    /// `max N`
    Max(NumberBound),
    /// `A..B`, on numbers
    Range(NumberBound, NumberBound),
    /// `length A..B`, in Unicode code points
    Length(NumberBound, NumberBound),
    /// `bytes A..B`, in bytes of UTF-8
    Bytes(NumberBound, NumberBound),
    /// `multiple_of N`
    MultipleOf(NumberBound),
    /// `matches /re/`, without the slashes
    Matches(Text),
    /// `one_of "a", "b"`
    OneOf(Vec<Text>),
    /// `email`, `url` and the other formats
    Format(Format),
    /// `trim`, `nfc` and the other normalisations
    Transform(Transform),
    /// `unique`
    Unique,
    /// `secret`
    Secret,
}

/// A number in a facet: always `Literal::Int`, `Literal::Float` or `Literal::Size`.
pub type NumberBound = Spanned<Literal>;
