//! Lowers schemas. It doesn't check that a facet fits its type.

use crate::model::keywords::{Format, Keyword as _, ScalarType, Transform, UnknownFields};
use crate::syntax::literal;
use crate::syntax::lower::expressions::regex;
use crate::syntax::lower::{Lowering, Pair, Parts, optional};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{
    Facet, FacetKind, Field, NumberBound, Schema, SchemaEntry, SchemaType, SchemaTypeKind, Span, Spanned, Text,
};

/// Lowers a `schema` pair after its keyword.
pub(crate) fn schema(lowering: &mut Lowering<'_>, mut parts: Parts<'_>) -> Option<Schema> {
    let name = lowering.next_text(&mut parts)?;
    let unknown_fields = optional(parts.take_next(Rule::unknown_fields), |word| {
        Some(Spanned { node: UnknownFields::find(word.as_str())?, span: lowering.span(&word) })
    })?;
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
                    let expression = lowering.next_expression(&mut parts)?;
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

/// Lowers `else "message"` if it comes next.
fn otherwise(lowering: &mut Lowering<'_>, parts: &mut Parts<'_>) -> Option<Text> {
    let message = Parts::of(parts.take_next(Rule::otherwise)?).pick(Rule::string)?;
    Some(lowering.text(&message))
}

fn field(lowering: &mut Lowering<'_>, mut parts: Parts<'_>) -> Option<Field> {
    let name = lowering.text(&parts.pick(Rule::entry_name)?);
    let is_optional = parts.take_next(Rule::question).is_some();
    let ty = schema_type(lowering, parts.pick(Rule::schema_type)?)?;
    let default = optional(parts.pick(Rule::expression), |default| lowering.expression(default))?;
    Some(Field { name, optional: is_optional, ty, default })
}

/// Lowers a `schema_type` pair. Strings among the alternatives make one enum, which takes the facets of its strings.
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
        _ if ty.as_str() == "null" => SchemaTypeKind::Null,
        _ => match ScalarType::find(ty.as_str()) {
            Some(scalar) => SchemaTypeKind::Scalar(scalar),
            None => SchemaTypeKind::Named(ty.as_str().to_owned()),
        },
    };
    let facets = parts.map(|part| facet(lowering, part)).collect::<Option<_>>()?;
    Some(SchemaType { span, kind, facets })
}

/// Returns a map for `{ string: TYPE }` alone, and a record for all other entries.
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
        _ => facet_word(first.as_str())?,
    };
    Some(Facet { span, kind, message: otherwise(lowering, &mut parts) })
}

fn facet_word(word: &str) -> Option<FacetKind> {
    match word {
        "unique" => Some(FacetKind::Unique),
        "secret" => Some(FacetKind::Secret),
        _ => Format::find(word).map(FacetKind::Format).or_else(|| Transform::find(word).map(FacetKind::Transform)),
    }
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
