//! The types of claims and attributes, as they are written.

use crate::check::checker::{Checker, Report};
use crate::check::schemas::shapes::Shapes;
use crate::check::settings::Seen;
use crate::check::suggest::suggest;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::ValueTypeKind;
use crate::typed::types::BUILT_IN;
use crate::typed::{Attribute, Type};

/// The names of these types in other languages.
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

/// Returns the attribute that a declaration describes; nothing where its type is in error.
pub(crate) fn attribute(checker: &Checker<'_>, shapes: &Shapes, written: &tree::Attribute) -> Option<Attribute> {
    let ty = value_type(checker, shapes, &written.ty)?;
    Some(Attribute { name: written.name.node.clone(), ty, optional: written.optional })
}

pub(crate) fn value_type(checker: &Checker<'_>, shapes: &Shapes, ty: &tree::ValueType) -> Option<Type> {
    match &ty.kind {
        ValueTypeKind::Named(name) => {
            let built_in = BUILT_IN.iter().find(|(known, _)| known == name).map(|(_, ty)| ty.clone());
            let found = built_in.or_else(|| shapes.find(name).map(Type::Shape));
            if found.is_none() {
                unknown_type(checker, name, ty);
            }
            found
        }
        ValueTypeKind::Enum(values) => {
            let mut seen = Seen::default();
            for value in values {
                seen.first(value, checker, |first| {
                    checker.findings.twice(first, value.span, &format!("\"{}\"", value.node))
                });
            }
            Some(Type::Enum(values.iter().map(|value| value.node.clone()).collect()))
        }
        ValueTypeKind::List(item) => Some(Type::List(Box::new(value_type(checker, shapes, item)?))),
        ValueTypeKind::Record(fields) => {
            let mut typed: Vec<Attribute> = Vec::new();
            let mut seen = Seen::default();
            for (name, optional, ty) in fields {
                let again = |first| checker.findings.twice(first, name.span, &format!("field `{}`", name.node));
                if seen.first(name, checker, again)
                    && let Some(ty) = value_type(checker, shapes, ty)
                {
                    typed.push(Attribute { name: name.node.clone(), ty, optional: *optional });
                }
            }
            Some(Type::record(typed))
        }
        ValueTypeKind::Nullable(ty) => Some(Type::Nullable(Box::new(value_type(checker, shapes, ty)?))),
    }
}

fn unknown_type(checker: &Checker<'_>, name: &str, ty: &tree::ValueType) {
    let known = BUILT_IN.iter().map(|(name, _)| *name).chain(checker.names.schemas.names());
    let elsewhere = ELSEWHERE.iter().find(|(written, _)| *written == name).map(|(_, ours)| *ours);
    let meant = elsewhere.or_else(|| suggest(name, known.take(checker.findings.most_names())));
    let error = Diagnostic::error("unknown_type", ty.span, format!("there is no type `{name}`"));
    match meant {
        Some(meant) => error.help(format!("did you mean `{meant}`?")),
        None => error.help(
            "write `string`, `int`, `float`, `bool`, `timestamp`, `duration`, `ip`, `cidr`, values such as \
             `\"a\" | \"b\"`, `[T]`, `{ field: T }` or the name of a schema",
        ),
    }
    .report(checker);
}
