//! The types of values, as expressions and schemas see them.

use std::sync::Arc;

use crate::collections::table::{Id, Table};
use crate::typed::permissions::Attribute;
use crate::typed::schemas::{Field, InputType, Shape};

/// The type of a value.
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
    /// Strings, of which only these are values.
    Enum(Arc<[String]>),
    List(Box<Type>),
    Record(Arc<[Attribute]>),
    /// What a schema describes.
    Shape(Id<Shape>),
    Nullable(Box<Type>),
    /// The type of `null` alone.
    Null,
    /// The type of an empty list's elements, of which there are none.
    Never,
    /// What can only be asked whether it is there: `any`, a map, a union.
    Opaque,
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
    /// A record of fields in any order: the order means nothing.
    pub(crate) fn record(mut fields: Vec<Attribute>) -> Self {
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        Self::Record(fields.into())
    }

    /// The type of its values other than `null`.
    pub(crate) fn not_null(&self) -> &Self {
        if let Self::Nullable(inner) = self { inner } else { self }
    }

    /// The type in the language's words.
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

    /// Its fields, where it has some.
    pub(crate) fn field(&self, name: &str, shapes: &Table<Shape>) -> Option<Attribute> {
        match self {
            Self::Record(fields) => fields.iter().find(|field| field.name == name).cloned(),
            Self::Shape(shape) => shapes[*shape].fields.iter().find(|field| field.name == name).map(Field::attribute),
            _ => None,
        }
    }

    /// Its fields, in the order of their names.
    pub(crate) fn fields(&self, shapes: &Table<Shape>) -> Vec<Attribute> {
        match self {
            Self::Record(fields) => fields.to_vec(),
            Self::Shape(shape) => {
                let mut fields: Vec<Attribute> = shapes[*shape].fields.iter().map(Field::attribute).collect();
                fields.sort_by(|one, other| one.name.cmp(&other.name));
                fields
            }
            _ => Vec::new(),
        }
    }

    /// The names of its fields.
    pub(crate) fn field_names<'a>(&'a self, shapes: &'a Table<Shape>) -> Vec<&'a str> {
        match self {
            Self::Record(fields) => fields.iter().map(|field| field.name.as_str()).collect(),
            Self::Shape(shape) => shapes[*shape].fields.iter().map(|field| field.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

/// The type of a validated value as expressions see it.
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
    /// The field as an expression sees it, once the input is valid.
    pub(crate) fn attribute(&self) -> Attribute {
        Attribute { name: self.name.clone(), ty: of_input(&self.ty), optional: self.optional && self.default.is_none() }
    }
}
