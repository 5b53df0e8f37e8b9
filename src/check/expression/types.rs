//! Types of values: as they are written, as schemas make them, and as people read them.

use std::collections::HashMap;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::shape::{Field, InputType, Shape};
use crate::syntax::tree::{self, ValueTypeKind};

use super::super::Checker;
use super::super::names::{suggest, twice, worth_suggesting};
use super::super::typed::{Attribute, Type};

const BUILT_IN: [(&str, Type); 8] = [
    ("string", Type::String),
    ("int", Type::Int),
    ("float", Type::Float),
    ("bool", Type::Bool),
    ("timestamp", Type::Timestamp),
    ("duration", Type::Duration),
    ("ip", Type::Ip),
    ("cidr", Type::Cidr),
];

/// What other languages call these types.
const ELSEWHERE: [(&str, &str); 8] = [
    ("number", "int"),
    ("integer", "int"),
    ("double", "float"),
    ("boolean", "bool"),
    ("text", "string"),
    ("str", "string"),
    ("datetime", "timestamp"),
    ("date", "timestamp"),
];

impl Type {
    /// A record of fields in any order: the order means nothing.
    pub(in crate::check) fn record(mut fields: Vec<Attribute>) -> Self {
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        Self::Record(fields.into())
    }

    /// The type in the language's words.
    pub(in crate::check) fn name(&self, shapes: &Table<Shape>) -> String {
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
            Self::Shape(shape) => shapes[*shape].fields.iter().find(|field| field.name == name).map(attribute),
            _ => None,
        }
    }

    /// Its fields, in the order of their names.
    pub(crate) fn fields(&self, shapes: &Table<Shape>) -> Vec<Attribute> {
        match self {
            Self::Record(fields) => fields.to_vec(),
            Self::Shape(shape) => {
                let mut fields: Vec<Attribute> = shapes[*shape].fields.iter().map(attribute).collect();
                fields.sort_by(|one, other| one.name.cmp(&other.name));
                fields
            }
            _ => Vec::new(),
        }
    }

    /// The names of its fields.
    pub(in crate::check) fn field_names<'a>(&'a self, shapes: &'a Table<Shape>) -> Vec<&'a str> {
        match self {
            Self::Record(fields) => fields.iter().map(|field| field.name.as_str()).collect(),
            Self::Shape(shape) => shapes[*shape].fields.iter().map(|field| field.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

/// A schema's field as an expression sees it, once the input is valid.
pub(crate) fn attribute(field: &Field) -> Attribute {
    Attribute { name: field.name.clone(), ty: of_input(&field.ty), optional: field.optional && field.default.is_none() }
}

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
        InputType::Record(shape) => Type::record(shape.fields.iter().map(attribute).collect()),
        InputType::Shape(shape) => Type::Shape(*shape),
        InputType::Nullable(ty) => Type::Nullable(Box::new(of_input(ty))),
    }
}

impl Checker<'_> {
    /// The type with its article: `` a `string` ``, `` an `int` ``.
    pub(in crate::check) fn a_type(&self, ty: &Type) -> String {
        let article = if matches!(ty, Type::Int | Type::Ip | Type::Opaque) { "an" } else { "a" };
        format!("{article} `{}`", self.type_name(ty))
    }

    pub(in crate::check) fn type_name(&self, ty: &Type) -> String {
        ty.name(&self.shapes.table)
    }

    /// The type of a claim or an attribute, as written.
    pub(in crate::check) fn value_type(&mut self, ty: &tree::ValueType) -> Option<Type> {
        match &ty.kind {
            ValueTypeKind::Named(name) => {
                let built_in = BUILT_IN.iter().find(|(known, _)| known == name).map(|(_, ty)| ty.clone());
                built_in.or_else(|| self.named_shape(name).map(Type::Shape)).or_else(|| {
                    self.unknown_type(name, ty);
                    None
                })
            }
            ValueTypeKind::Enum(values) => {
                let mut seen: HashMap<&str, Span> = HashMap::new();
                for value in values {
                    if let Some(first) = seen.insert(&value.node, value.span) {
                        let error = twice(self.sources, first, value.span, &format!("\"{}\"", value.node));
                        self.report(error);
                    }
                }
                Some(Type::Enum(values.iter().map(|value| value.node.clone()).collect()))
            }
            ValueTypeKind::List(item) => Some(Type::List(Box::new(self.value_type(item)?))),
            ValueTypeKind::Record(fields) => {
                let mut typed: Vec<Attribute> = Vec::new();
                let mut seen: HashMap<&str, Span> = HashMap::new();
                for (name, optional, ty) in fields {
                    if let Some(first) = seen.insert(&name.node, name.span) {
                        let error = twice(self.sources, first, name.span, &format!("field `{}`", name.node));
                        self.report(error);
                        continue;
                    }
                    let Some(ty) = self.value_type(ty) else { continue };
                    typed.push(Attribute { name: name.node.clone(), ty, optional: *optional });
                }
                Some(Type::record(typed))
            }
            ValueTypeKind::Nullable(ty) => Some(Type::Nullable(Box::new(self.value_type(ty)?))),
        }
    }

    fn named_shape(&self, name: &str) -> Option<Id<Shape>> {
        self.shapes.find(name)
    }

    fn unknown_type(&mut self, name: &str, ty: &tree::ValueType) {
        let schemas = self.names.schemas.iter().map(|(name, _)| name);
        let known = BUILT_IN.iter().map(|(name, _)| *name).chain(schemas);
        let elsewhere = ELSEWHERE.iter().find(|(written, _)| *written == name).map(|(_, ours)| (*ours).to_owned());
        let meant = suggest(name, known.filter(|_| worth_suggesting(&self.diagnostics))).map(ToOwned::to_owned);
        let meant = elsewhere.or(meant);
        let error = Diagnostic::error("unknown_type", ty.span, format!("there is no type `{name}`"));
        let error = match meant {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error.help(
                "write `string`, `int`, `float`, `bool`, `timestamp`, `duration`, `ip`, `cidr`, values such as \
                 `\"a\" | \"b\"`, `[T]`, `{ field: T }` or the name of a schema",
            ),
        };
        self.report(error);
    }
}
