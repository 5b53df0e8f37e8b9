//! Schemas to shapes: facets fit their types, bounds can be met, regexes compile.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::syntax::tree::{
    self, Expression, ExpressionKind, FacetKind, Literal, SchemaEntry, SchemaType, SchemaTypeKind,
};

use super::Checker;
use super::facet::{float_bound, int_bound};
use super::names::{suggest, unsupported, worth_suggesting};
use crate::shape::{Field, InputType, ListRules, Shape, UnknownFields, validate_default};

const TYPES: [&str; 5] = ["string", "int", "float", "bool", "any"];

/// Schemas being turned into shapes.
pub(super) struct Shapes {
    pub(super) table: Table<Shape>,
    rows: HashMap<String, usize>,
    pub(super) regexes: usize,
}

impl Shapes {
    pub(super) fn none() -> Self {
        Self { table: Table::new(), rows: HashMap::new(), regexes: 0 }
    }

    pub(super) fn find(&self, name: &str) -> Option<Id<Shape>> {
        self.rows.get(name).and_then(|row| self.table.id(*row))
    }
}

impl Checker<'_> {
    /// One row a declared schema, in the order written.
    pub(super) fn shapes(&mut self) -> Shapes {
        let declared: Vec<_> = self.names.schemas.iter().map(|(_, schema)| *schema).collect();
        let mut shapes = Shapes {
            table: declared.iter().map(|_| Shape::default()).collect(),
            rows: declared.iter().enumerate().map(|(row, schema)| (schema.name.node.clone(), row)).collect(),
            regexes: 0,
        };
        for (row, schema) in declared.into_iter().enumerate() {
            let mut shape = self.shape(&schema.entries, &mut shapes);
            shape.name = schema.name.node.clone();
            shape.unknown_fields = match schema.unknown_fields.as_ref().map(|written| written.node) {
                Some(tree::UnknownFields::Strip) => UnknownFields::Strip,
                Some(tree::UnknownFields::Open) => UnknownFields::Keep,
                Some(tree::UnknownFields::Strict) | None => UnknownFields::Refuse,
            };
            if let Some(id) = shapes.table.id(row) {
                *shapes.table.row_mut(id) = shape;
            }
        }
        if self.finite(&shapes) {
            self.defaults(&shapes.table);
        }
        shapes
    }

    fn shape(&mut self, entries: &[SchemaEntry], shapes: &mut Shapes) -> Shape {
        let mut shape = Shape::default();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for entry in entries {
            match entry {
                SchemaEntry::Field(field) => {
                    if let Some(first) = seen.insert(&field.name.node, field.name.span) {
                        let message = format!("field `{}` stands twice", field.name.node);
                        let error = Diagnostic::error("duplicate_name", field.name.span, message)
                            .also(first, "first written here")
                            .help("keep one of them");
                        self.report(error);
                        continue;
                    }
                    if let Some(field) = self.field(field, shapes) {
                        shape.fields.push(field);
                    }
                }
                SchemaEntry::Check(expression, _) => self.report(unsupported(expression.span, "`check` in a schema")),
                SchemaEntry::Accepts(types) => {
                    if let Some(first) = types.first() {
                        self.report(unsupported(first.span, "`accepts` in a schema"));
                    }
                }
            }
        }
        shape
    }

    fn field(&mut self, field: &tree::Field, shapes: &mut Shapes) -> Option<Field> {
        let default = match &field.default {
            Some(default) => Some(constant(default, &mut self.diagnostics)?),
            None => None,
        };
        let ty = self.input_type(&field.ty, shapes)?;
        Some(Field {
            name: field.name.node.clone(),
            optional: field.optional,
            default,
            default_span: field.default.as_ref().map(|default| default.span),
            secret: is_secret(&field.ty),
            ty,
        })
    }

    fn input_type(&mut self, ty: &SchemaType, shapes: &mut Shapes) -> Option<InputType> {
        match &ty.kind {
            SchemaTypeKind::Named(name) => self.named_type(name, ty, shapes),
            SchemaTypeKind::Enum(values) => {
                self.no_facets(ty, "an enum");
                let mut seen: HashMap<&str, Span> = HashMap::new();
                for value in values {
                    if let Some(first) = seen.insert(&value.node, value.span) {
                        self.report(
                            Diagnostic::error("duplicate_name", value.span, format!("`{}` stands twice", value.node))
                                .also(first, "first written here")
                                .help("keep one of them"),
                        );
                    }
                }
                Some(InputType::Enum(values.iter().map(|value| value.node.clone()).collect()))
            }
            SchemaTypeKind::List(item) => {
                let item = self.input_type(item, shapes);
                let rules = self.list_rules(ty);
                Some(InputType::List(Box::new(ListRules { item: item?, ..rules })))
            }
            SchemaTypeKind::Record(entries) => {
                self.no_facets(ty, "a record");
                Some(InputType::Record(Box::new(self.shape(entries, shapes))))
            }
            SchemaTypeKind::Union(members) => self.union(ty, members, shapes),
            SchemaTypeKind::Map(_) => {
                self.report(unsupported(ty.span, "a map type"));
                None
            }
            SchemaTypeKind::Tagged(..) => {
                self.report(unsupported(ty.span, "`union on`"));
                None
            }
        }
    }

    /// `TYPE | null` is the one union of this version.
    fn union(&mut self, ty: &SchemaType, members: &[SchemaType], shapes: &mut Shapes) -> Option<InputType> {
        let is_null = |member: &SchemaType| matches!(&member.kind, SchemaTypeKind::Named(name) if name == "null");
        match members {
            [one, null] | [null, one] if is_null(null) && !is_null(one) => {
                self.no_facets(ty, "a union");
                Some(InputType::Nullable(Box::new(self.input_type(one, shapes)?)))
            }
            _ => {
                self.report(unsupported(ty.span, "a union of types"));
                None
            }
        }
    }

    fn named_type(&mut self, name: &str, ty: &SchemaType, shapes: &mut Shapes) -> Option<InputType> {
        match name {
            "string" => Some(InputType::String(self.string_rules(&ty.facets, shapes))),
            "int" => Some(InputType::Int(self.number_rules(&ty.facets, "int", int_bound))),
            "float" => Some(InputType::Float(self.number_rules(&ty.facets, "float", float_bound))),
            "bool" => {
                self.no_facets(ty, "a `bool`");
                Some(InputType::Bool)
            }
            "any" => {
                self.no_facets(ty, "`any`");
                Some(InputType::Any)
            }
            "timestamp" | "duration" | "ip" | "cidr" | "null" => {
                self.report(unsupported(ty.span, &format!("the type `{name}` in a schema")));
                None
            }
            _ => {
                self.no_facets(ty, "a schema");
                if let Some(shape) = shapes.find(name) {
                    return Some(InputType::Shape(shape));
                }
                let known = TYPES.into_iter().chain(self.names.schemas.iter().map(|(schema, _)| schema));
                let meant = if worth_suggesting(&self.diagnostics) { suggest(name, known) } else { None };
                let error = Diagnostic::error("unknown_type", ty.span, format!("there is no type or schema `{name}`"));
                self.diagnostics.push(match meant {
                    Some(meant) => error.help(format!("did you mean `{meant}`?")),
                    None => error
                        .help(format!("write `string`, `int`, `float`, `bool` or `any`, or declare `schema {name}`")),
                });
                None
            }
        }
    }

    /// A schema that holds itself in a required field has no finite value.
    fn finite(&mut self, shapes: &Shapes) -> bool {
        // A shape is finite once all its required fields are. Each is looked at anew when one that it waited for turns
        // out to be; what is left when nothing changes any more isn't finite.
        let mut finite = vec![false; shapes.table.len()];
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); shapes.table.len()];
        let rows: Vec<&Shape> = shapes.table.iter().collect();
        let mut due: Vec<usize> = (0..rows.len()).rev().collect();
        while let Some(row) = due.pop() {
            let Some(shape) = rows.get(row).filter(|_| finite.get(row) == Some(&false)) else { continue };
            match first_infinite(shape, &finite) {
                Some(other) => waiting.iter_mut().skip(other).take(1).for_each(|rows| rows.push(row)),
                None => {
                    finite.iter_mut().skip(row).take(1).for_each(|slot| *slot = true);
                    due.extend(waiting.get_mut(row).map(std::mem::take).unwrap_or_default());
                }
            }
        }
        let infinite: Vec<usize> =
            finite.iter().enumerate().filter(|(_, finite)| !**finite).map(|(row, _)| row).collect();
        let declared: Vec<_> = self.names.schemas.iter().map(|(_, schema)| schema.name.clone()).collect();
        for name in infinite.iter().filter_map(|row| declared.get(*row)) {
            self.report(
                Diagnostic::error("infinite_schema", name.span, format!("no finite value satisfies `{}`", name.node))
                    .label("holds itself in a required field")
                    .help("make that field optional, nullable, or a list"),
            );
        }
        infinite.is_empty()
    }

    /// A default passes for validated input, so it must be valid itself.
    fn defaults(&mut self, shapes: &Table<Shape>) {
        for field in shapes.iter().flat_map(all_fields) {
            let (Some(default), Some(span)) = (&field.default, field.default_span) else { continue };
            let why = match validate_default(shapes, &field.ty, default.clone()) {
                Ok(normal) if normal.body == *default => continue,
                Ok(_) => "write it as it would be handed on, transforms applied and nothing left out".to_owned(),
                Err(violations) => violations.first_message(),
            };
            let message = format!("the default of `{}` isn't valid: {why}", field.name);
            self.report(
                Diagnostic::error("invalid_default", span, message)
                    .help("write a default that the field itself would take and leave as it is"),
            );
        }
    }
}

/// A named shape that isn't known to be finite yet, without which this one isn't.
fn first_infinite(shape: &Shape, finite: &[bool]) -> Option<usize> {
    let required = shape.fields.iter().filter(|field| !field.optional && field.default.is_none());
    required.map(|field| &field.ty).find_map(|ty| infinite_in(ty, finite))
}

fn infinite_in(ty: &InputType, finite: &[bool]) -> Option<usize> {
    match ty {
        InputType::Shape(shape) => Some(shape.row()).filter(|row| finite.get(*row) != Some(&true)),
        InputType::Record(shape) => first_infinite(shape, finite),
        InputType::List(rules) if rules.min.unwrap_or(0) == 0 => None,
        InputType::List(rules) => infinite_in(&rules.item, finite),
        InputType::String(_)
        | InputType::Int(_)
        | InputType::Float(_)
        | InputType::Bool
        | InputType::Any
        | InputType::Enum(_)
        | InputType::Nullable(_) => None,
    }
}

/// The JSON of a default: a constant, or a list or record of them.
fn constant(expression: &Expression, out: &mut Vec<Diagnostic>) -> Option<Json> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Null) => Some(Json::Null),
        ExpressionKind::Literal(Literal::Bool(value)) => Some(Json::from(*value)),
        ExpressionKind::Literal(Literal::Int(value)) => Some(Json::from(*value)),
        ExpressionKind::Literal(Literal::Float(value)) => Some(Json::from(*value)),
        ExpressionKind::Literal(Literal::String(value)) => Some(Json::from(value.clone())),
        ExpressionKind::List(items) => items.iter().map(|item| constant(item, out)).collect(),
        ExpressionKind::Record(fields) => {
            fields.iter().map(|(name, value)| Some((name.node.clone(), constant(value, out)?))).collect()
        }
        _ => {
            out.push(
                Diagnostic::error("not_constant", expression.span, "a default must be a constant")
                    .help("write a number, a string, `true`, `false`, `null`, or a list of them"),
            );
            None
        }
    }
}

/// A field is secret as soon as any part of it is.
fn is_secret(ty: &SchemaType) -> bool {
    let itself = ty.facets.iter().any(|facet| matches!(&facet.kind, FacetKind::Word(word) if word == "secret"));
    itself
        || match &ty.kind {
            SchemaTypeKind::List(item) | SchemaTypeKind::Map(item) => is_secret(item),
            SchemaTypeKind::Union(members) => members.iter().any(is_secret),
            SchemaTypeKind::Tagged(_, members) => members.iter().any(|(_, member)| is_secret(member)),
            // The fields of a record have secrets of their own.
            SchemaTypeKind::Named(_) | SchemaTypeKind::Enum(_) | SchemaTypeKind::Record(_) => false,
        }
}

/// The fields of a type's own records, however deep.
fn fields_within(ty: &InputType) -> Vec<&Field> {
    match ty {
        InputType::Record(shape) => all_fields(shape),
        InputType::List(rules) => fields_within(&rules.item),
        InputType::Nullable(ty) => fields_within(ty),
        _ => Vec::new(),
    }
}

fn all_fields(shape: &Shape) -> Vec<&Field> {
    shape.fields.iter().flat_map(|field| std::iter::once(field).chain(fields_within(&field.ty))).collect()
}
