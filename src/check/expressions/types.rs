//! Types as policies write them, and as messages name them.

use std::collections::HashMap;

use crate::check::Checker;
use crate::check::names::{suggest, twice, worth_suggesting};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
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

impl Checker<'_> {
    /// The type with its article: `` a `string` ``, `` an `int` ``.
    pub(crate) fn a_type(&self, ty: &Type) -> String {
        let article = if matches!(ty, Type::Int | Type::Ip | Type::Opaque) { "an" } else { "a" };
        format!("{article} `{}`", self.type_name(ty))
    }

    pub(crate) fn type_name(&self, ty: &Type) -> String {
        ty.name(&self.shapes.table)
    }

    /// Resolves the type of a claim or an attribute.
    pub(crate) fn value_type(&mut self, ty: &tree::ValueType) -> Option<Type> {
        match &ty.kind {
            ValueTypeKind::Named(name) => {
                let built_in = BUILT_IN.iter().find(|(known, _)| known == name).map(|(_, ty)| ty.clone());
                built_in.or_else(|| self.shapes.find(name).map(Type::Shape)).or_else(|| {
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
