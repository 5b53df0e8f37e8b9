//! The media types of bodies, and the fields that a query or a form can hold.

use crate::check::checker::{Checker, Report};
use crate::check::settings::SeenEntries;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::SchemaEntry;
use crate::typed::schemas::{InputType, MediaType, Shape};

const FORM: &str = "application/x-www-form-urlencoded";

/// The `accepts` of a schema, whose fields are known.
pub(crate) fn accepts(checker: &Checker<'_>, schema: &tree::Schema, shape: &Shape) -> Vec<MediaType> {
    let mut entries = SeenEntries::default();
    let mut accepted = Vec::new();
    let lists = schema.entries.iter().filter_map(|entry| match entry {
        SchemaEntry::Accepts(types) => Some(types),
        SchemaEntry::Field(_) | SchemaEntry::Check(..) => None,
    });
    for types in lists {
        let Some(span) = types.first().map(|ty| ty.span) else { continue };
        if !entries.first_of("accepts", span, checker) {
            continue;
        }
        for written in types {
            let Some(ty) = media_type(&written.node) else {
                let message = format!("bodies of `{}` can't be read", written.node);
                Diagnostic::error("media_type_unreadable", written.span, message).report_with(
                    checker,
                    format!(
                        "write `application/json`, a type that ends in `+json`, `application/*+json` or `{FORM}`; a \
                     route takes other bodies with `body raw`"
                    ),
                );
                continue;
            };
            if ty == MediaType::Form {
                flat(checker, written.span, "form", schema, shape);
            }
            if accepted.contains(&ty) {
                Diagnostic::error("duplicate_name", written.span, format!("`{}` stands twice", written.node))
                    .report_with(checker, "keep one of them");
            } else {
                accepted.push(ty);
            }
        }
    }
    accepted
}

/// Every field has a form as text.
pub(crate) fn flat(checker: &Checker<'_>, span: Span, what: &str, schema: &tree::Schema, shape: &Shape) {
    for field in &shape.fields {
        let Some(kind) = without_text(&field.ty, None) else { continue };
        let written = schema.entries.iter().find_map(|entry| match entry {
            SchemaEntry::Field(written) if written.name.node == field.name => Some(written.name.span),
            _ => None,
        });
        let message = format!("a {what} can't hold `{}` of `{}`: it is {kind}", field.name, shape.name);
        let error = Diagnostic::error("not_flat", span, message).help(match what {
            "form" => "leave forms out, or give the field a type without parts, or a list of such",
            _ => "give the field a type without parts, or a list of such; or take it in a body",
        });
        checker.report(match written {
            Some(written) => error.also(written, "declared here"),
            None => error,
        });
    }
}

/// Reports entries for whole bodies in a record, which is only a part of one.
pub(crate) fn no_schema_entries(checker: &Checker<'_>, entries: &[SchemaEntry]) {
    for entry in entries {
        let (span, word) = match entry {
            SchemaEntry::Check(expression, _) => (Some(expression.span), "check"),
            SchemaEntry::Accepts(types) => (types.first().map(|ty| ty.span), "accepts"),
            SchemaEntry::Field(_) => continue,
        };
        if let Some(span) = span {
            Diagnostic::error("misplaced_entry", span, format!("a record can't have `{word}`"))
                .report_with(checker, "declare a schema of these fields, and name it here");
        }
    }
}

/// The kind of a type that can't be read from text. A list can be, from several texts, unless another type holds it.
fn without_text(ty: &InputType, list: Option<&'static str>) -> Option<&'static str> {
    match ty {
        InputType::String(_)
        | InputType::Int(_)
        | InputType::Float(_)
        | InputType::Bool
        | InputType::Timestamp
        | InputType::Duration
        | InputType::Ip
        | InputType::Cidr
        | InputType::Any
        | InputType::Enum(_) => None,
        InputType::List(rules) => list.or_else(|| without_text(&rules.item, Some("a list of lists"))),
        InputType::Nullable(ty) => without_text(ty, list),
        InputType::Union(members) => {
            members.iter().find_map(|member| without_text(member, Some("a union with a list")))
        }
        InputType::Map(_) => Some("a map"),
        InputType::Record(_) => Some("a record"),
        InputType::Shape(_) => Some("a schema"),
        InputType::Tagged(_) => Some("a tagged union"),
    }
}

/// A media type whose bodies can be read (RFC 9110 §8.3.1: case doesn't matter).
fn media_type(written: &str) -> Option<MediaType> {
    let lower = written.to_ascii_lowercase();
    let (top, subtype) = lower.split_once('/')?;
    // RFC 6838 §4.2
    let restricted = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    if lower == FORM {
        return Some(MediaType::Form);
    }
    if !restricted(top) {
        return None;
    }
    match subtype.strip_suffix("+json") {
        Some("*") => Some(MediaType::AnyJson(top.to_owned())),
        Some(name) if restricted(name) => Some(MediaType::Json(lower)),
        _ if lower == "application/json" => Some(MediaType::Json(lower)),
        _ => None,
    }
}
