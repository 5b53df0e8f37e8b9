//! Shapes of input.

use crate::syntax::tree::{Expression, Literal, Span, Spanned, Text};

/// `schema NAME [strict|strip|open] { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Its name.
    pub name: Text,
    /// What happens to fields that it doesn't declare, where written.
    pub unknown_fields: Option<Spanned<UnknownFields>>,
    /// Fields, checks and settings, in the order written.
    pub entries: Vec<SchemaEntry>,
}

/// What a schema does with fields that it doesn't declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownFields {
    /// An error; the default.
    Strict,
    /// Taken out.
    Strip,
    /// Passed on.
    Open,
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
    /// Its name.
    pub name: Text,
    /// Whether a `?` says that it may be missing.
    pub optional: bool,
    /// Its type with facets.
    pub ty: SchemaType,
    /// `= literal`: a constant, or a list or record of them.
    pub default: Option<Expression>,
}

/// A type with its facets.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaType {
    /// Where it stands.
    pub span: Span,
    /// Which type.
    pub kind: SchemaTypeKind,
    /// What else must hold, in the order written.
    pub facets: Vec<Facet>,
}

/// The forms of a schema's type.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaTypeKind {
    /// `string`, `int`, or another schema's name
    Named(String),
    /// `"a" | "b"`
    Enum(Vec<Text>),
    /// `[TYPE FACET…]`
    List(Box<SchemaType>),
    /// `{ a: T, b?: U }`
    Record(Vec<SchemaEntry>),
    /// `{ string: TYPE }`
    Map(Box<SchemaType>),
    /// `A | B`, with `null` as the named type `null`
    Union(Vec<SchemaType>),
    /// `union on "kind" { "card": Card, … }`
    Tagged(Text, Vec<(Text, SchemaType)>),
}

/// One facet and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Facet {
    /// Where it stands.
    pub span: Span,
    /// Which facet.
    pub kind: FacetKind,
    /// `else "message"`
    pub message: Option<Text>,
}

/// The facets of LANGUAGE's schemas.
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
    /// A single word: `email url uuid date datetime ip hostname trim lowercase uppercase nfc unique secret`
    Word(String),
}

/// A number in a facet: always `Literal::Int`, `Literal::Float` or `Literal::Size`.
pub type NumberBound = Spanned<Literal>;
