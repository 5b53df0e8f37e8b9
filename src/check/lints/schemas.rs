//! Input that is taken without a bound or unread, and secrets that would be shown.

use std::collections::{HashMap, HashSet};

use crate::check::checker::{Checker, Report};
use crate::check::lints::references::{References, each_clause};
use crate::check::lints::regexes::Regexes;
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::{Format, ScalarType};
use crate::model::source::Span;
use crate::syntax::tree::{
    ClauseKind, Facet, FacetKind, Field, SchemaEntry, SchemaType, SchemaTypeKind, UnknownFields,
};

/// The last words of secrets' names.
const SECRET_NAMES: [&str; 11] =
    ["apikey", "cvc", "cvv", "otp", "passcode", "passphrase", "passwd", "password", "pin", "secret", "token"];
/// The first words of tokens' names that aren't secret.
const PLAIN_TOKENS: [&str; 5] = ["continuation", "cursor", "next", "page", "sync"];

/// The place of a type.
#[derive(Clone, Copy)]
struct Place<'t> {
    /// The field it is of.
    field: &'t str,
    /// True for the items of a list or a map.
    items: bool,
}

struct SchemaLinter<'w, 't> {
    checker: &'w Checker<'t>,
    regexes: Regexes<'t>,
    /// True if a body or a query has this shape.
    input: bool,
    query: bool,
}

pub(crate) fn schemas<'t>(checker: &Checker<'t>) {
    let names = &checker.names;
    let (mut bodies, mut queries): (Vec<&'t str>, Vec<&'t str>) = (Vec::new(), Vec::new());
    each_clause(names, &mut |clause| match &clause.kind {
        ClauseKind::Body(name) => bodies.push(&name.node),
        ClauseKind::Query(name) => queries.push(&name.node),
        _ => {}
    });
    let parts =
        names.schemas.iter().map(|(name, schema)| (name, References::of_schema(name, schema).schemas)).collect();
    let queries = reached(queries, &parts);
    let bodies = reached(bodies, &parts);
    let mut linter = SchemaLinter { checker, regexes: Regexes::default(), input: false, query: false };
    for (name, schema) in names.schemas.iter() {
        linter.query = queries.contains(name);
        linter.input = linter.query || bodies.contains(name);
        let unknown = schema.unknown_fields.as_ref().filter(|unknown| unknown.node == UnknownFields::Open);
        if let Some(unknown) = unknown.filter(|_| linter.input) {
            Diagnostic::warning("open_schema", unknown.span, "fields that nobody checked are handed on")
                .report_with(checker, "declare the fields, or write `strip` to leave the others out");
        }
        linter.entries(&schema.entries);
    }
}

/// The schemas that `from` lead to.
fn reached<'t>(mut from: Vec<&'t str>, parts: &HashMap<&'t str, HashSet<&'t str>>) -> HashSet<&'t str> {
    let mut reached = HashSet::new();
    while let Some(name) = from.pop() {
        if reached.insert(name) {
            from.extend(parts.get(name).into_iter().flatten());
        }
    }
    reached
}

impl<'t> SchemaLinter<'_, 't> {
    fn entries(&mut self, entries: &'t [SchemaEntry]) {
        for entry in entries {
            if let SchemaEntry::Field(field) = entry {
                self.field(field);
            }
        }
    }

    fn field(&mut self, field: &'t Field) {
        let name = field.name.node.as_str();
        let is_string = field.ty.kind == SchemaTypeKind::Scalar(ScalarType::String);
        let secret = field.ty.facets.iter().find(|facet| facet.kind == FacetKind::Secret);
        if is_string && secret.is_none() && names_a_secret(name) {
            self.warn(
                "plain_secret",
                field.name.span,
                format!("`{name}` would be shown in messages and logs"),
                "add `secret` to its facets",
            );
        }
        if let (Some(secret), true) = (secret, self.query) {
            let message = format!("`{name}` is a secret in a URL, which logs and browsers keep");
            self.warn("secret_in_query", secret.span, message, "take it in a body, or in a header");
        }
        self.schema_type(&field.ty, Place { field: name, items: false });
    }

    fn schema_type(&mut self, ty: &'t SchemaType, place: Place<'t>) {
        for facet in &ty.facets {
            if let FacetKind::Matches(pattern) = &facet.kind {
                self.regexes.loose(pattern, self.checker);
            }
        }
        let what = if place.items { format!("an item of `{}`", place.field) } else { format!("`{}`", place.field) };
        match &ty.kind {
            SchemaTypeKind::Scalar(ScalarType::String) => {
                if self.input && !ty.facets.iter().any(|facet| self.bounds_text(facet)) {
                    let message = format!("{what} may be as long as the body");
                    self.warn("unbounded_string", ty.span, message, "add `max N`, in characters, or `bytes A..B`");
                }
            }
            SchemaTypeKind::Scalar(ScalarType::Any) => {
                if self.input {
                    self.warn("unchecked_field", ty.span, format!("{what} may be anything"), "declare what it holds");
                }
            }
            SchemaTypeKind::Scalar(_) | SchemaTypeKind::Null | SchemaTypeKind::Named(_) | SchemaTypeKind::Enum(_) => {}
            SchemaTypeKind::List(item) | SchemaTypeKind::Map(item) => {
                let bounded = ty.facets.iter().any(|facet| matches!(facet.kind, FacetKind::Max(_)));
                if self.input && !bounded {
                    let message = format!("{what} may have as many items as the body has room for");
                    self.warn("unbounded_list", ty.span, message, "add `max N` behind the closing bracket");
                }
                self.schema_type(item, Place { items: true, ..place });
            }
            SchemaTypeKind::Record(entries) => self.entries(entries),
            SchemaTypeKind::Union(members) => members.iter().for_each(|ty| self.schema_type(ty, place)),
            SchemaTypeKind::Tagged(_, cases) => cases.iter().for_each(|(_, ty)| self.schema_type(ty, place)),
        }
    }

    fn bounds_text(&mut self, facet: &'t Facet) -> bool {
        match &facet.kind {
            FacetKind::Max(_) | FacetKind::Length(..) | FacetKind::Bytes(..) | FacetKind::OneOf(_) => true,
            FacetKind::Matches(pattern) => self.regexes.bounds(pattern),
            FacetKind::Format(format) => *format != Format::Url,
            _ => false,
        }
    }

    fn warn(&self, code: &'static str, span: Span, message: String, help: &str) {
        Diagnostic::warning(code, span, message).report_with(self.checker, help);
    }
}

/// True for the name of a secret: `password`, `newPassword`, `api_key`.
fn names_a_secret(name: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let mut fresh = true;
    for c in name.chars() {
        if c == '_' || c == '-' {
            fresh = true;
            continue;
        }
        match words.last_mut().filter(|_| !fresh && !c.is_ascii_uppercase()) {
            Some(word) => word.push(c),
            None => words.push(c.to_ascii_lowercase().to_string()),
        }
        fresh = false;
    }
    match words.as_slice() {
        [.., before, last] if before == "api" && last == "key" => true,
        [before @ .., last] => {
            SECRET_NAMES.contains(&last.as_str()) && !before.iter().any(|word| PLAIN_TOKENS.contains(&word.as_str()))
        }
        [] => false,
    }
}
