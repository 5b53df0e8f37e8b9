//! The types of values, as expressions and schemas see them.

use std::sync::Arc;

use crate::collections::table::{Id, Table};
use crate::typed::schemas::{Field, InputType, Shape};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    String,
    Int,
    Float,
    Bool,
    Timestamp,
    Duration,
    Ip,
    Cidr,
    /// The values are strings.
    Enum(Arc<[String]>),
    List(Box<Type>),
    Record(Arc<[Attribute]>),
    Shape(Id<Shape>),
    Nullable(Box<Type>),
    /// The type of `null` alone.
    Null,
    /// The type of an empty list's elements.
    Never,
    /// `any`, a map or a union, which expressions can only test with `has`.
    Opaque,
}

/// A declared attribute of a resource, of `context`, of the caller or of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
}

/// The built-in types by their names in the language.
pub(crate) const BUILT_IN: [(&str, Type); 8] = [
    ("string", Type::String),
    ("int", Type::Int),
    ("float", Type::Float),
    ("bool", Type::Bool),
    ("timestamp", Type::Timestamp),
    ("duration", Type::Duration),
    ("ip", Type::Ip),
    ("cidr", Type::Cidr),
];

impl Type {
    /// A record. The order of the fields means nothing.
    pub(crate) fn record(mut fields: Vec<Attribute>) -> Self {
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        Self::Record(fields.into())
    }

    /// The type of its values other than `null`.
    pub(crate) fn not_null(&self) -> &Self {
        if let Self::Nullable(inner) = self { inner } else { self }
    }

    /// The type as policies write it.
    pub(crate) fn name(&self, shapes: &Table<Shape>) -> String {
        let built_in = BUILT_IN.iter().find(|(_, ty)| ty == self);
        match self {
            Self::Enum(values) => {
                const SHOWN: usize = 4;
                let shown: Vec<String> = values.iter().take(SHOWN).map(|value| format!("\"{value}\"")).collect();
                format!("{}{}", shown.join(" | "), if values.len() > SHOWN { " | …" } else { "" })
            }
            Self::List(item) => format!("[{}]", item.name(shapes)),
            Self::Record(_) => "{ … }".to_owned(),
            Self::Shape(shape) => shapes[*shape].name.clone(),
            Self::Nullable(ty) => format!("{} | null", ty.name(shapes)),
            Self::Null => "null".to_owned(),
            Self::Never => "[]".to_owned(),
            Self::Opaque => "any".to_owned(),
            _ => built_in.map(|(name, _)| (*name).to_owned()).unwrap_or_default(),
        }
    }

    pub(crate) fn field(&self, name: &str, shapes: &Table<Shape>) -> Option<Attribute> {
        match self {
            Self::Record(fields) => fields.iter().find(|field| field.name == name).cloned(),
            Self::Shape(shape) => shapes[*shape].fields.iter().find(|field| field.name == name).map(Field::attribute),
            _ => None,
        }
    }

    /// The fields in the order of their names.
    pub(crate) fn fields(&self, shapes: &Table<Shape>) -> Vec<Attribute> {
        let mut fields: Vec<Attribute> = match self {
            Self::Record(fields) => fields.to_vec(),
            Self::Shape(shape) => shapes[*shape].fields.iter().map(Field::attribute).collect(),
            _ => Vec::new(),
        };
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        fields
    }

    pub(crate) fn field_names<'a>(&'a self, shapes: &'a Table<Shape>) -> Vec<&'a str> {
        match self {
            Self::Record(fields) => fields.iter().map(|field| field.name.as_str()).collect(),
            Self::Shape(shape) => shapes[*shape].fields.iter().map(|field| field.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

/// The type of validated input in expressions.
fn of_input(ty: &InputType) -> Type {
    match ty {
        InputType::String(_) => Type::String,
        InputType::Int(_) => Type::Int,
        InputType::Float(_) => Type::Float,
        InputType::Bool => Type::Bool,
        InputType::Timestamp => Type::Timestamp,
        InputType::Duration => Type::Duration,
        InputType::Ip => Type::Ip,
        InputType::Cidr => Type::Cidr,
        InputType::Any | InputType::Map(_) | InputType::Union(_) | InputType::Tagged(_) => Type::Opaque,
        InputType::Enum(values) => Type::Enum(values.as_slice().into()),
        InputType::List(rules) => Type::List(Box::new(of_input(&rules.item))),
        InputType::Record(shape) => Type::record(shape.fields.iter().map(Field::attribute).collect()),
        InputType::Shape(shape) => Type::Shape(*shape),
        InputType::Nullable(ty) => Type::Nullable(Box::new(of_input(ty))),
    }
}

impl Field {
    /// The field of valid input in expressions.
    pub(crate) fn attribute(&self) -> Attribute {
        Attribute { name: self.name.clone(), ty: of_input(&self.ty), optional: self.optional && self.default.is_none() }
    }
}
