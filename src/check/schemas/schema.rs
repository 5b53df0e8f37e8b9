//! Schemas to shapes: facets fit their types, bounds can be met, regexes compile.

use serde_json::Value as Json;

use crate::check::checker::{Checker, Report};
use crate::check::schemas::media::accepts;
use crate::check::schemas::regex::Regexes;
use crate::check::schemas::shapes::Shapes;
use crate::check::settings::{Seen, stands_twice};
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::model::duration;
use crate::model::host::unmapped;
use crate::schemas::validate::validate_default;
use crate::syntax::tree;
use crate::syntax::tree::{Expression, ExpressionKind, FacetKind, Literal, SchemaEntry, SchemaType, SchemaTypeKind};
use crate::typed::schemas::{Field, InputType, Shape};

/// Turns schemas into shapes.
pub(crate) struct SchemaChecker<'c, 't> {
    pub(crate) checker: &'c Checker<'t>,
    pub(crate) regexes: &'c mut Regexes,
    pub(crate) shapes: Shapes,
}

/// Returns the shapes of all declared schemas, their checks apart, which are typed later.
pub(crate) fn shapes(checker: &Checker<'_>, regexes: &mut Regexes) -> Shapes {
    let mut schemas = SchemaChecker { checker, regexes, shapes: Shapes::declared(&checker.names) };
    for (id, schema) in schemas.shapes.table.ids().zip(checker.names.schemas.values()) {
        let mut shape = schemas.shape(&schema.entries);
        shape.name = schema.name.node.clone();
        shape.unknown_fields = schema.unknown_fields.as_ref().map(|written| written.node).unwrap_or_default();
        shape.accepts = accepts(checker, schema, &shape);
        *schemas.shapes.table.row_mut(id) = shape;
    }
    let shapes = schemas.shapes;
    if finite(checker, &shapes) {
        defaults(checker, &shapes.table);
        tags(checker, &shapes.table);
    }
    shapes
}

impl SchemaChecker<'_, '_> {
    pub(crate) fn shape(&mut self, entries: &[SchemaEntry]) -> Shape {
        let mut shape = Shape::default();
        let mut seen = Seen::default();
        for entry in entries {
            let SchemaEntry::Field(field) = entry else { continue };
            let name = &field.name;
            let again = |first| stands_twice(&format!("field `{}`", name.node), first, name.span);
            if seen.first(name, self.checker, again) {
                shape.fields.extend(self.field(field));
            }
        }
        shape
    }

    fn field(&mut self, field: &tree::Field) -> Option<Field> {
        let default = match &field.default {
            Some(default) => Some(constant(default, self.checker)?),
            None => None,
        };
        let ty = self.input_type(&field.ty)?;
        Some(Field {
            name: field.name.node.clone(),
            optional: field.optional,
            default,
            default_span: field.default.as_ref().map(|default| default.span),
            secret: is_secret(&field.ty),
            ty,
        })
    }
}

/// A schema that holds itself in a required field has no finite value.
fn finite(checker: &Checker<'_>, shapes: &Shapes) -> bool {
    // A shape is finite once all its required fields are. Each is looked at anew when one that it waited for turns
    // out to be; what is left when nothing changes any more isn't finite.
    let mut finite = vec![false; shapes.table.len()];
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); shapes.table.len()];
    let rows: Vec<&Shape> = shapes.table.iter().collect();
    let mut due: Vec<usize> = (0..rows.len()).rev().collect();
    while let Some(row) = due.pop() {
        let Some(shape) = rows.get(row).filter(|_| finite.get(row) == Some(&false)) else { continue };
        let others = infinite_fields(shape, &finite);
        for other in &others {
            waiting.iter_mut().skip(*other).take(1).for_each(|rows| rows.push(row));
        }
        if others.is_empty() {
            finite.iter_mut().skip(row).take(1).for_each(|slot| *slot = true);
            due.extend(waiting.get_mut(row).map(std::mem::take).unwrap_or_default());
        }
    }
    let declared = checker.names.schemas.values().map(|schema| &schema.name);
    let infinite = || declared.clone().zip(&finite).filter(|(_, finite)| !**finite).map(|(name, _)| name);
    for name in infinite() {
        Diagnostic::error("infinite_schema", name.span, format!("no finite value satisfies `{}`", name.node))
            .label("holds itself in a required field")
            .report_with(checker, "make that field optional, nullable, or a list that may be empty");
    }
    infinite().next().is_none()
}

/// A default passes for validated input, so it must be valid itself.
fn defaults(checker: &Checker<'_>, shapes: &Table<Shape>) {
    for field in shapes.iter().flat_map(all_fields) {
        let (Some(default), Some(span)) = (&field.default, field.default_span) else { continue };
        let why = match validate_default(shapes, &field.ty, default) {
            Ok(normal) if normal.value == *default => continue,
            Ok(_) => "write it as it would be handed on, transforms applied and nothing left out".to_owned(),
            Err(violations) => violations.first_message(),
        };
        let message = format!("the default of `{}` isn't valid: {why}", field.name);
        Diagnostic::error("invalid_default", span, message)
            .report_with(checker, "write a default that the field itself would take and leave as it is");
    }
}

/// A case that declares the tag itself must take it, or no value has that case.
fn tags(checker: &Checker<'_>, shapes: &Table<Shape>) {
    let types = shapes.iter().flat_map(|shape| &shape.fields).flat_map(|field| types_within(&field.ty));
    let unions = types.filter_map(|ty| if let InputType::Tagged(union) = ty { Some(union) } else { None });
    for (union, case) in unions.flat_map(|union| union.cases.iter().map(move |case| (union, case))) {
        let fields = match &case.ty {
            InputType::Shape(shape) => &shapes[*shape].fields,
            InputType::Record(shape) => &shape.fields,
            _ => continue,
        };
        let Some(field) = fields.iter().find(|field| field.name == union.tag) else { continue };
        let tag = Json::from(case.name.as_str());
        if validate_default(shapes, &field.ty, &tag).is_ok_and(|normal| normal.value == tag) {
            continue;
        }
        let message = format!("no value has this case: its own `{}` doesn't take `{}`", union.tag, case.name);
        Diagnostic::error("tag_refused", case.span, message)
            .report_with(checker, format!("leave `{}` out of the case: the union declares it", union.tag));
    }
}

/// Named shapes that aren't known to be finite yet, one of which must be before this one is; none where it is already.
fn infinite_fields(shape: &Shape, finite: &[bool]) -> Vec<usize> {
    let required = shape.fields.iter().filter(|field| !field.optional && field.default.is_none());
    let mut infinite = required.map(|field| infinite_in(&field.ty, finite));
    infinite.find(|rows| !rows.is_empty()).unwrap_or_default()
}

fn infinite_in(ty: &InputType, finite: &[bool]) -> Vec<usize> {
    // One finite member is enough.
    let all = |members: Vec<Vec<usize>>| {
        if members.iter().any(Vec::is_empty) { Vec::new() } else { members.concat() }
    };
    match ty {
        InputType::Shape(shape) if finite.get(shape.row()) == Some(&true) => Vec::new(),
        InputType::Shape(shape) => vec![shape.row()],
        InputType::Record(shape) => infinite_fields(shape, finite),
        InputType::List(rules) if rules.min.unwrap_or(0) > 0 => infinite_in(&rules.item, finite),
        InputType::Map(rules) if rules.min.unwrap_or(0) > 0 => infinite_in(&rules.item, finite),
        InputType::Union(members) => all(members.iter().map(|member| infinite_in(member, finite)).collect()),
        InputType::Tagged(union) => all(union.cases.iter().map(|case| infinite_in(&case.ty, finite)).collect()),
        InputType::String(_)
        | InputType::Int(_)
        | InputType::Float(_)
        | InputType::Bool
        | InputType::Timestamp
        | InputType::Duration
        | InputType::Ip
        | InputType::Cidr
        | InputType::Any
        | InputType::Enum(_)
        | InputType::List(_)
        | InputType::Map(_)
        | InputType::Nullable(_) => Vec::new(),
    }
}

/// The JSON of a default: a constant, or a list or record of them.
fn constant(expression: &Expression, checker: &Checker<'_>) -> Option<Json> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Null) => Some(Json::Null),
        ExpressionKind::Literal(Literal::Bool(value)) => Some(Json::from(*value)),
        ExpressionKind::Literal(Literal::Int(value)) => Some(Json::from(*value)),
        ExpressionKind::Literal(Literal::Float(value)) => Some(Json::from(*value)),
        ExpressionKind::Literal(Literal::String(value)) => Some(Json::from(value.clone())),
        ExpressionKind::Literal(Literal::Timestamp(value)) => Some(Json::from(value.to_string())),
        ExpressionKind::Literal(Literal::Duration(value)) => Some(Json::from(duration::text(*value))),
        ExpressionKind::Literal(Literal::Ip(value)) => Some(Json::from(value.to_canonical().to_string())),
        ExpressionKind::Literal(Literal::Network(value)) => Some(Json::from(unmapped(*value).to_string())),
        ExpressionKind::Literal(Literal::Size(value)) => Some(Json::from(*value)),
        ExpressionKind::List(items) => items.iter().map(|item| constant(item, checker)).collect(),
        ExpressionKind::Record(fields) => {
            fields.iter().map(|(name, value)| Some((name.node.clone(), constant(value, checker)?))).collect()
        }
        _ => {
            Diagnostic::error("not_constant", expression.span, "a default must be a constant")
                .report_with(checker, "write a number, a string, `true`, `false`, `null`, or a list of them");
            None
        }
    }
}

/// A field is secret as soon as any part of it is.
fn is_secret(ty: &SchemaType) -> bool {
    let itself = ty.facets.iter().any(|facet| facet.kind == FacetKind::Secret);
    itself
        || match &ty.kind {
            SchemaTypeKind::List(item) | SchemaTypeKind::Map(item) => is_secret(item),
            SchemaTypeKind::Union(members) => members.iter().any(is_secret),
            SchemaTypeKind::Tagged(_, members) => members.iter().any(|(_, member)| is_secret(member)),
            // The fields of a record have secrets of their own.
            SchemaTypeKind::Scalar(_)
            | SchemaTypeKind::Null
            | SchemaTypeKind::Named(_)
            | SchemaTypeKind::Enum(_)
            | SchemaTypeKind::Record(_) => false,
        }
}

/// A shape's fields, and those of its own records, however deep.
fn all_fields(shape: &Shape) -> Vec<&Field> {
    let below = |field| {
        types_within(field).into_iter().flat_map(|ty| match ty {
            InputType::Record(shape) => shape.fields.iter().collect(),
            _ => Vec::new(),
        })
    };
    shape.fields.iter().flat_map(|field| std::iter::once(field).chain(below(&field.ty))).collect()
}

/// A type and all types inside it, apart from those inside named shapes.
fn types_within(ty: &InputType) -> Vec<&InputType> {
    let mut found = Vec::new();
    let mut due = vec![ty];
    while let Some(ty) = due.pop() {
        found.push(ty);
        match ty {
            InputType::Record(shape) => due.extend(shape.fields.iter().map(|field| &field.ty)),
            InputType::List(rules) => due.push(&rules.item),
            InputType::Map(rules) => due.push(&rules.item),
            InputType::Nullable(ty) => due.push(ty),
            InputType::Union(members) => due.extend(members),
            InputType::Tagged(union) => due.extend(union.cases.iter().map(|case| &case.ty)),
            _ => {}
        }
    }
    found
}
