//! Schemas to shapes: facets fit their types, bounds can be met, regexes compile.

use std::collections::HashMap;

use regex::RegexBuilder;
use serde_json::Value as Json;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::syntax::tree::{
    self, Expression, ExpressionKind, Facet, FacetKind, Literal, NumberBound, SchemaEntry, SchemaType, SchemaTypeKind,
};

use super::Checker;
use super::names::{suggest, unsupported};
use super::shape::{
    Field, InputType, ListRules, NumberRules, Shape, StringCheck, StringRules, StringTest, Transform, UnknownFields,
};

/// A compiled regex may take so many bytes; and a policy may have so many of them.
const REGEX_BYTES: usize = 256 * 1024;
const MOST_REGEXES: usize = 1_000;

const TYPES: [&str; 5] = ["string", "int", "float", "bool", "any"];

/// Schemas being turned into shapes.
pub(super) struct Shapes {
    pub(super) table: Table<Shape>,
    rows: HashMap<String, usize>,
    regexes: usize,
}

impl Shapes {
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
        self.finite(&shapes);
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
        let secret =
            field.ty.facets.iter().any(|facet| matches!(&facet.kind, FacetKind::Word(word) if word == "secret"));
        let default = match &field.default {
            Some(default) => Some((constant(default, &mut self.diagnostics)?, default.span)),
            None => None,
        };
        let ty = self.input_type(&field.ty, shapes)?;
        if let Some((value, span)) = &default
            && !fits(value, &ty)
        {
            let message = format!("the default of `{}` isn't of the field's type", field.name.node);
            self.report(
                Diagnostic::error("type_mismatch", *span, message)
                    .also(field.ty.span, "the type")
                    .help("write a default of that type, or change the type"),
            );
        }
        Some(Field {
            name: field.name.node.clone(),
            optional: field.optional,
            default: default.map(|(value, _)| value),
            secret,
            ty,
        })
    }

    fn input_type(&mut self, ty: &SchemaType, shapes: &mut Shapes) -> Option<InputType> {
        match &ty.kind {
            SchemaTypeKind::Named(name) => self.named_type(name, ty, shapes),
            SchemaTypeKind::Enum(values) => {
                self.no_facets(ty, "an enum");
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
                let meant = suggest(name, known);
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

    fn string_rules(&mut self, facets: &[Facet], shapes: &mut Shapes) -> StringRules {
        let mut rules = StringRules::default();
        for facet in facets {
            let mut tests = Vec::new();
            match &facet.kind {
                FacetKind::Min(bound) => tests.extend(self.length(bound).map(StringTest::MinLength)),
                FacetKind::Max(bound) => tests.extend(self.length(bound).map(StringTest::MaxLength)),
                FacetKind::Length(least, most) => {
                    tests.extend(self.length(least).map(StringTest::MinLength));
                    tests.extend(self.length(most).map(StringTest::MaxLength));
                }
                FacetKind::Bytes(least, most) => {
                    tests.extend(self.length(least).map(StringTest::MinBytes));
                    tests.extend(self.length(most).map(StringTest::MaxBytes));
                }
                FacetKind::Matches(pattern) => tests.extend(self.regex(pattern, shapes)),
                FacetKind::OneOf(values) => {
                    tests.push(StringTest::OneOf(values.iter().map(|value| value.node.clone()).collect()));
                }
                FacetKind::Word(word) => match word.as_str() {
                    "trim" => rules.transforms.push(Transform::Trim),
                    "lowercase" => rules.transforms.push(Transform::Lowercase),
                    "uppercase" => rules.transforms.push(Transform::Uppercase),
                    "email" => tests.push(StringTest::Email),
                    "uuid" => tests.push(StringTest::Uuid),
                    "secret" => {}
                    "unique" => self.misplaced(facet, "a `string`"),
                    other => self.report(unsupported(facet.span, &format!("the facet `{other}`"))),
                },
                FacetKind::Range(..) | FacetKind::MultipleOf(_) => self.misplaced(facet, "a `string`"),
            }
            let message = facet.message.as_ref().map(|message| message.node.clone());
            rules.checks.extend(tests.into_iter().map(|test| StringCheck { test, message: message.clone() }));
        }
        self.possible_length(facets, &rules);
        rules
    }

    /// Some length must satisfy both bounds.
    fn possible_length(&mut self, facets: &[Facet], rules: &StringRules) {
        let least = rules.checks.iter().filter_map(|check| match check.test {
            StringTest::MinLength(length) => Some(length),
            _ => None,
        });
        let most = rules.checks.iter().filter_map(|check| match check.test {
            StringTest::MaxLength(length) | StringTest::MaxBytes(length) => Some(length),
            _ => None,
        });
        if let (Some(least), Some(most), Some(facet)) = (least.max(), most.min(), facets.last())
            && least > most
        {
            self.impossible(facet.span, format!("no string has at least {least} and at most {most} characters"));
        }
        let fewest = rules.checks.iter().filter_map(|check| match check.test {
            StringTest::MinBytes(bytes) => Some(bytes),
            _ => None,
        });
        let most = rules.checks.iter().filter_map(|check| match check.test {
            StringTest::MaxBytes(bytes) => Some(bytes),
            // The longest code point has four bytes (RFC 3629 §3).
            StringTest::MaxLength(length) => Some(length.saturating_mul(4)),
            _ => None,
        });
        if let (Some(least), Some(most), Some(facet)) = (fewest.max(), most.min(), facets.last())
            && least > most
        {
            self.impossible(facet.span, format!("no string has at least {least} and at most {most} bytes"));
        }
    }

    fn impossible(&mut self, span: Span, message: impl Into<String>) {
        self.report(
            Diagnostic::error("impossible_bounds", span, message).help("make the lower bound at most the upper one"),
        );
    }

    fn regex(&mut self, pattern: &tree::Text, shapes: &mut Shapes) -> Option<StringTest> {
        shapes.regexes += 1;
        if shapes.regexes > MOST_REGEXES {
            if shapes.regexes == MOST_REGEXES + 1 {
                let message = format!("a policy may have at most {MOST_REGEXES} regexes");
                self.report(
                    Diagnostic::error("too_many_regexes", pattern.span, message).help("share schemas that are alike"),
                );
            }
            return None;
        }
        let built = RegexBuilder::new(&pattern.node).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES).build();
        match built {
            Ok(regex) => Some(StringTest::Matches(regex)),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.report(
                    Diagnostic::error("invalid_regex", pattern.span, "the regex is too large once compiled")
                        .help("use smaller repetitions, or `min` and `max` for lengths"),
                );
                None
            }
            Err(error) => {
                // The last line of the crate's message says what is wrong; the ones before draw the pattern.
                let told = error.to_string();
                let why = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.report(
                    Diagnostic::error("invalid_regex", pattern.span, format!("the regex isn't valid: {why}")).help(
                        "the syntax is that of the `regex` crate: linear time, no look-around, no back-references",
                    ),
                );
                None
            }
        }
    }

    fn number_rules<N: Copy + PartialOrd>(
        &mut self,
        facets: &[Facet],
        name: &str,
        read: fn(&NumberBound) -> Option<N>,
    ) -> NumberRules<N> {
        let mut rules = NumberRules { min: None, max: None, multiple_of: None };
        for facet in facets {
            let mut bound = |bound: &NumberBound| {
                let value = read(bound);
                if value.is_none() {
                    self.diagnostics.push(
                        Diagnostic::error("type_mismatch", bound.span, format!("this bound isn't of type `{name}`"))
                            .help(format!("write a number of type `{name}`")),
                    );
                }
                value
            };
            match &facet.kind {
                FacetKind::Min(least) => rules.min = bound(least),
                FacetKind::Max(most) => rules.max = bound(most),
                FacetKind::Range(least, most) => {
                    rules.min = bound(least);
                    rules.max = bound(most);
                }
                FacetKind::MultipleOf(step) => rules.multiple_of = bound(step),
                FacetKind::Word(word) if word == "secret" => {}
                _ => self.misplaced(facet, &format!("an `{name}`")),
            }
        }
        if let (Some(least), Some(most), Some(facet)) = (rules.min, rules.max, facets.last())
            && least > most
        {
            self.impossible(facet.span, "no number is within these bounds");
        }
        rules
    }

    /// The rules of a list, its items' type left open.
    fn list_rules(&mut self, ty: &SchemaType) -> ListRules {
        let mut rules = ListRules { item: InputType::Any, min: None, max: None, unique: false };
        for facet in &ty.facets {
            match &facet.kind {
                FacetKind::Min(bound) => rules.min = self.length(bound),
                FacetKind::Max(bound) => rules.max = self.length(bound),
                FacetKind::Word(word) if word == "unique" => rules.unique = true,
                FacetKind::Word(word) if word == "secret" => {}
                _ => self.misplaced(facet, "a list"),
            }
        }
        if let (Some(least), Some(most), Some(facet)) = (rules.min, rules.max, ty.facets.last())
            && least > most
        {
            let message = format!("no list has at least {least} and at most {most} elements");
            self.impossible(facet.span, message);
        }
        rules
    }

    fn length(&mut self, bound: &NumberBound) -> Option<u64> {
        let length = match &bound.node {
            Literal::Int(length) => u64::try_from(*length).ok(),
            Literal::Size(bytes) => Some(*bytes),
            _ => None,
        };
        if length.is_none() {
            self.report(
                Diagnostic::error("type_mismatch", bound.span, "a length is a whole number, 0 or more")
                    .help("write a whole number, such as `max 200`"),
            );
        }
        length
    }

    fn no_facets(&mut self, ty: &SchemaType, what: &str) {
        for facet in &ty.facets {
            if !matches!(&facet.kind, FacetKind::Word(word) if word == "secret") {
                self.misplaced(facet, what);
            }
        }
    }

    fn misplaced(&mut self, facet: &Facet, what: &str) {
        self.report(
            Diagnostic::error("misplaced_facet", facet.span, format!("{what} can't have this facet"))
                .help("take it out, or change the type"),
        );
    }

    /// A schema that holds itself in a required field has no finite value.
    fn finite(&mut self, shapes: &Shapes) {
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

fn int_bound(bound: &NumberBound) -> Option<i64> {
    match bound.node {
        Literal::Int(value) => Some(value),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound beyond 2^53 is rounded as any float is")]
fn float_bound(bound: &NumberBound) -> Option<f64> {
    match bound.node {
        Literal::Int(value) => Some(value as f64),
        Literal::Float(value) => Some(value),
        _ => None,
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

/// Whether a default is of the field's type; its facets aren't asked.
fn fits(value: &Json, ty: &InputType) -> bool {
    match ty {
        InputType::String(_) => value.is_string(),
        InputType::Int(_) => value.is_i64(),
        InputType::Float(_) => value.is_number(),
        InputType::Bool => value.is_boolean(),
        InputType::Any => true,
        InputType::Enum(values) => value.as_str().is_some_and(|value| values.iter().any(|known| known == value)),
        InputType::List(rules) => {
            value.as_array().is_some_and(|items| items.iter().all(|item| fits(item, &rules.item)))
        }
        InputType::Record(_) | InputType::Shape(_) => value.is_object(),
        InputType::Nullable(ty) => value.is_null() || fits(value, ty),
    }
}
