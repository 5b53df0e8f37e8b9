//! Comes in: the pairs of a schema. Goes out: its tree. It never asks whether a facet fits its type.

use crate::syntax::literal;
use crate::syntax::lower::expressions::regex;
use crate::syntax::lower::{Lowering, Pair, Parts};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{
    Facet, FacetKind, Field, NumberBound, Schema, SchemaEntry, SchemaType, SchemaTypeKind, Span, Spanned, Text,
    UnknownFields,
};

/// A `schema` pair.
pub(crate) fn schema(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Schema> {
    let mut parts = Parts::of(pair);
    let name = lowering.text(&parts.pick(Rule::name)?);
    let unknown_fields = parts.take_next(Rule::unknown_fields).map(|word| Spanned {
        node: match word.as_str() {
            "strip" => UnknownFields::Strip,
            "open" => UnknownFields::Open,
            _ => UnknownFields::Strict,
        },
        span: lowering.span(&word),
    });
    Some(Schema { name, unknown_fields, entries: entries(lowering, parts)? })
}

fn entries(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<Vec<SchemaEntry>> {
    parts
        .map(|entry| {
            let entry = Parts::of(entry).next()?;
            let rule = entry.as_rule();
            let mut parts = Parts::of(entry);
            Some(match rule {
                Rule::field => SchemaEntry::Field(field(lowering, parts)?),
                Rule::check => {
                    let expression = lowering.expression(parts.pick(Rule::expression)?)?;
                    SchemaEntry::Check(expression, otherwise(lowering, &mut parts))
                }
                _ => {
                    parts.pick(Rule::k_accepts)?;
                    SchemaEntry::Accepts(lowering.texts(parts))
                }
            })
        })
        .collect()
}

/// `else "message"`, if it comes next
fn otherwise(lowering: &mut Lowering<'_>, parts: &mut Parts<'_>) -> Option<Text> {
    let message = Parts::of(parts.take_next(Rule::otherwise)?).pick(Rule::string)?;
    Some(lowering.text(&message))
}

fn field(lowering: &mut Lowering<'_>, mut parts: Parts<'_>) -> Option<Field> {
    let name = lowering.text(&parts.pick(Rule::entry_name)?);
    let optional = parts.take_next(Rule::question).is_some();
    let ty = schema_type(lowering, parts.pick(Rule::schema_type)?)?;
    let default = match parts.pick(Rule::expression) {
        Some(default) => Some(lowering.expression(default)?),
        None => None,
    };
    Some(Field { name, optional, ty, default })
}

/// A `schema_type` pair. Strings among the alternatives make one enum, whose facets are those of its strings.
fn schema_type(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<SchemaType> {
    let span = lowering.span(&pair);
    let mut alternatives: Vec<SchemaType> = Vec::new();
    let mut enum_at = None;
    for part in Parts::of(pair) {
        let alternative = alternative(lowering, part)?;
        let is_enum = matches!(alternative.kind, SchemaTypeKind::Enum(_));
        let known = enum_at.filter(|_| is_enum).and_then(|at: usize| alternatives.get_mut(at));
        match (known, alternative) {
            (
                Some(SchemaType { span, kind: SchemaTypeKind::Enum(texts), facets }),
                SchemaType { span: more_span, kind: SchemaTypeKind::Enum(more_texts), facets: more_facets },
            ) => {
                *span = span.to(more_span);
                texts.extend(more_texts);
                facets.extend(more_facets);
            }
            (_, alternative) => {
                if is_enum {
                    enum_at = Some(alternatives.len());
                }
                alternatives.push(alternative);
            }
        }
    }
    if alternatives.len() > 1 {
        return Some(SchemaType { span, kind: SchemaTypeKind::Union(alternatives), facets: Vec::new() });
    }
    alternatives.pop()
}

fn alternative(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<SchemaType> {
    let span = lowering.span(&pair);
    let mut parts = Parts::of(pair);
    let ty = parts.next()?;
    let kind = match ty.as_rule() {
        Rule::string => SchemaTypeKind::Enum(vec![lowering.text(&ty)]),
        Rule::schema_list => {
            let item = Parts::of(ty).pick(Rule::schema_type)?;
            SchemaTypeKind::List(Box::new(schema_type(lowering, item)?))
        }
        Rule::schema_record => record(entries(lowering, Parts::of(ty))?),
        Rule::tagged_union => {
            let mut parts = Parts::of(ty);
            let tag = lowering.text(&parts.pick(Rule::string)?);
            let cases = parts.map(|case| {
                let mut case = Parts::of(case);
                let name = lowering.text(&case.pick(Rule::string)?);
                Some((name, schema_type(lowering, case.pick(Rule::schema_type)?)?))
            });
            SchemaTypeKind::Tagged(tag, cases.collect::<Option<_>>()?)
        }
        _ => SchemaTypeKind::Named(ty.as_str().to_owned()),
    };
    let facets = parts.map(|part| facet(lowering, part)).collect::<Option<_>>()?;
    Some(SchemaType { span, kind, facets })
}

/// `{ string: TYPE }`, with nothing else to say, is a map; other braces hold a record.
fn record(mut entries: Vec<SchemaEntry>) -> SchemaTypeKind {
    match entries.pop() {
        Some(SchemaEntry::Field(Field { name, optional: false, ty, default: None }))
            if name.node == "string" && entries.is_empty() =>
        {
            SchemaTypeKind::Map(Box::new(ty))
        }
        Some(last) => {
            entries.push(last);
            SchemaTypeKind::Record(entries)
        }
        None => SchemaTypeKind::Record(entries),
    }
}

fn facet(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Facet> {
    let span = lowering.span(&pair);
    let mut parts = Parts::of(pair);
    let first = parts.next()?;
    let kind = match first.as_rule() {
        Rule::k_min => FacetKind::Min(bound(lowering, parts.next()?)?),
        Rule::k_max => FacetKind::Max(bound(lowering, parts.next()?)?),
        Rule::k_multiple_of => FacetKind::MultipleOf(bound(lowering, parts.next()?)?),
        Rule::k_length => range(lowering, parts.next()?).map(|(low, high)| FacetKind::Length(low, high))?,
        Rule::k_bytes => range(lowering, parts.next()?).map(|(low, high)| FacetKind::Bytes(low, high))?,
        Rule::range => range(lowering, first).map(|(low, high)| FacetKind::Range(low, high))?,
        Rule::k_matches => FacetKind::Matches(regex(lowering, &parts.next()?)),
        Rule::k_one_of => {
            let mut texts = Vec::new();
            while let Some(text) = parts.take_next(Rule::string) {
                texts.push(lowering.text(&text));
            }
            FacetKind::OneOf(texts)
        }
        _ => FacetKind::Word(first.as_str().to_owned()),
    };
    Some(Facet { span, kind, message: otherwise(lowering, &mut parts) })
}

fn range(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<(NumberBound, NumberBound)> {
    let mut parts = Parts::of(pair);
    Some((bound(lowering, parts.next()?)?, bound(lowering, parts.next()?)?))
}

fn bound(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<NumberBound> {
    let span: Span = lowering.span(&pair);
    let node = literal::literal(lowering, &pair.into_inner().next()?)?;
    Some(Spanned { node, span })
}
