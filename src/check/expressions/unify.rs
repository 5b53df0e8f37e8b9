//! Unifies the types of two expressions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::check::expressions::Typed;
use crate::check::expressions::typer::Typer;
use crate::check::suggest::{list, suggest};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Expression, ExpressionKind, Literal};
use crate::typed::{Attribute, Type};
use crate::values::operators::Side;

enum Failure {
    Mismatch,
    /// The mismatch is reported already, at a more precise place.
    Reported,
}

impl Typer<'_, '_> {
    /// Unifies two types, or reports the mismatch with a message that begins with `what`. A literal takes the type of the
    /// expression beside it.
    pub(crate) fn unified(&mut self, left: Side<'_>, right: Side<'_>, span: Span, what: &str) -> Option<Type> {
        match self.unify(left, right) {
            Ok(ty) => Some(ty),
            Err(Failure::Reported) => None,
            Err(Failure::Mismatch) => {
                let message = format!("{what} `{}` and `{}`", self.type_name(left.1), self.type_name(right.1));
                self.refuse("type_mismatch", span, message, conversion(left.1, right.1))
            }
        }
    }

    /// Unifies the types of the elements of `[a, b]` or of the operands of `a ?? b`.
    pub(crate) fn unified_all(&mut self, parts: &[Expression], typed: &[Typed], what: &str) -> Option<Type> {
        let mut ty = Type::Never;
        for (part, typed) in parts.iter().zip(typed) {
            ty = self.unified((parts.first()?, &ty), (part, &typed.ty), part.span, what)?;
        }
        Some(ty)
    }

    /// True if an expression of type `ty` can be used as `wanted`, or if a literal in it is reported as no value of an enum.
    pub(crate) fn fits(&mut self, expression: &Expression, ty: &Type, wanted: &Type) -> bool {
        match (ty, wanted) {
            (Type::Enum(_), Type::String) => true,
            (Type::Enum(one), Type::Enum(other)) => {
                let known: HashSet<&String> = other.iter().collect();
                one.iter().all(|value| known.contains(value))
            }
            (Type::Null, Type::Nullable(_)) => true,
            (other, Type::Nullable(inner)) if !matches!(other, Type::Nullable(_)) => {
                self.fits(expression, other, inner)
            }
            (Type::List(one), Type::List(other)) => match &expression.kind {
                ExpressionKind::List(items) => items.is_empty() || items.iter().all(|item| self.fits(item, one, other)),
                _ => self.fits(expression, one, other),
            },
            _ => match self.unify((expression, ty), (expression, wanted)) {
                Ok(unified) => unified == *wanted,
                Err(Failure::Reported) => true,
                Err(Failure::Mismatch) => false,
            },
        }
    }

    fn unify(&mut self, left: Side<'_>, right: Side<'_>) -> Result<Type, Failure> {
        match (left.1, right.1) {
            (Type::Opaque, _) | (_, Type::Opaque) => Err(Failure::Mismatch),
            (one, other) if one == other => Ok(one.clone()),
            (Type::Never, other) | (other, Type::Never) => Ok(other.clone()),
            (Type::Nullable(_), Type::Null) => Ok(left.1.clone()),
            (Type::Null, Type::Nullable(_)) => Ok(right.1.clone()),
            (Type::Nullable(one), Type::Nullable(other)) => Ok(nullable(self.unify((left.0, one), (right.0, other))?)),
            (Type::Nullable(one), _) => Ok(nullable(self.unify((left.0, one), right)?)),
            (_, Type::Nullable(other)) => Ok(nullable(self.unify(left, (right.0, other))?)),
            (Type::Int, Type::Float) if is_literal(left.0) => Ok(Type::Float),
            (Type::Float, Type::Int) if is_literal(right.0) => Ok(Type::Float),
            (Type::Enum(values), Type::String) => self.unify_enum(values, right.0),
            (Type::String, Type::Enum(values)) => self.unify_enum(values, left.0),
            (Type::Enum(one), Type::Enum(other)) => {
                self.budget.spend(one.len() + other.len());
                let known: HashSet<&String> = one.iter().collect();
                let shared = other.iter().any(|value| known.contains(value));
                if shared { Ok(Type::String) } else { Err(Failure::Mismatch) }
            }
            (Type::List(one), Type::List(other)) => {
                Ok(Type::List(Box::new(self.unify((left.0, one), (right.0, other))?)))
            }
            (Type::Record(_) | Type::Shape(_), Type::Record(_) | Type::Shape(_)) => self.unify_records(left, right),
            _ => Err(Failure::Mismatch),
        }
    }

    /// Unifies a string with an enum. Literals must be values of the enum.
    fn unify_enum(&mut self, values: &Arc<[String]>, text: &Expression) -> Result<Type, Failure> {
        self.budget.spend(values.len());
        let known: HashSet<&str> = values.iter().map(String::as_str).collect();
        let (mut sound, mut written_out) = (true, true);
        let mut due = vec![text];
        while let Some(part) = due.pop() {
            match &part.kind {
                ExpressionKind::Literal(Literal::String(written)) if !known.contains(written.as_str()) => {
                    self.no_value(written, part.span, values);
                    sound = false;
                }
                ExpressionKind::Literal(_) => {}
                ExpressionKind::List(parts) | ExpressionKind::Coalesce(parts) => due.extend(parts.iter().rev()),
                _ => written_out = false,
            }
        }
        match (sound, written_out) {
            (false, _) => Err(Failure::Reported),
            (true, true) => Ok(Type::Enum(values.clone())),
            (true, false) => Ok(Type::String),
        }
    }

    fn no_value(&mut self, written: &str, span: Span, values: &[String]) {
        let most = self.checker.findings.most_names();
        let known = || values.iter().map(String::as_str).take(most);
        let error = Diagnostic::error("unknown_value", span, format!("there is no value \"{written}\" here"));
        self.report_once(match (suggest(written, known()), list(known())) {
            (Some(meant), _) => error.help(format!("did you mean \"{meant}\"?")),
            (None, Some(names)) => error.help(format!("the values are {}", names.replace('`', "\""))),
            (None, None) => error.help("see the declaration for the values"),
        });
    }

    /// Unifies records, which must have the same fields.
    fn unify_records(&mut self, left: Side<'_>, right: Side<'_>) -> Result<Type, Failure> {
        let (one, other) = (left.1.fields(&self.shapes.table), right.1.fields(&self.shapes.table));
        self.budget.spend(one.len() + other.len());
        if one.len() != other.len() {
            return Err(Failure::Mismatch);
        }
        let (written, written_there) = (literal_fields(left.0), literal_fields(right.0));
        let mut fields = Vec::with_capacity(one.len());
        for (one, other) in one.into_iter().zip(other) {
            if one.name != other.name {
                return Err(Failure::Mismatch);
            }
            let ty = match (&one.ty, &other.ty) {
                // Schemas may contain themselves, so two of them unify by name.
                (Type::Shape(a), Type::Shape(b)) if a == b => one.ty.clone(),
                (Type::Shape(_), Type::Shape(_)) => return Err(Failure::Mismatch),
                (ty, ty_there) => {
                    let here = written.get(one.name.as_str()).copied().unwrap_or(left.0);
                    let there = written_there.get(one.name.as_str()).copied().unwrap_or(right.0);
                    self.unify((here, ty), (there, ty_there))?
                }
            };
            fields.push(Attribute { name: one.name, ty, optional: one.optional || other.optional });
        }
        Ok(Type::record(fields))
    }
}

fn nullable(ty: Type) -> Type {
    if matches!(ty, Type::Nullable(_)) { ty } else { Type::Nullable(Box::new(ty)) }
}

/// The fields of a record literal.
fn literal_fields(expression: &Expression) -> HashMap<&str, &Expression> {
    match &expression.kind {
        ExpressionKind::Record(fields) => fields.iter().map(|(name, value)| (name.node.as_str(), value)).collect(),
        _ => HashMap::new(),
    }
}

/// True if an expression consists of literals, which take the type of the expression beside them.
fn is_literal(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Literal(_) => true,
        ExpressionKind::List(parts) => parts.iter().all(is_literal),
        _ => false,
    }
}

fn conversion(one: &Type, other: &Type) -> &'static str {
    match (one, other) {
        (Type::Int, Type::String) | (Type::String, Type::Int) => {
            "give both sides one type: a number is written without quotes"
        }
        (Type::Int, Type::Float) | (Type::Float, Type::Int) => {
            "an `int` and a `float` don't mix: write a number without a fraction, or declare it `float`"
        }
        (Type::Timestamp, Type::String) | (Type::String, Type::Timestamp) => {
            "a timestamp is written without quotes: `2026-11-23T10:00:00Z`"
        }
        (Type::Duration, Type::Int | Type::String) | (Type::Int | Type::String, Type::Duration) => {
            "a duration has a unit, and no quotes: `15m`"
        }
        (Type::Ip | Type::Cidr, Type::String) | (Type::String, Type::Ip | Type::Cidr) => {
            "addresses and networks are written without quotes: `203.0.113.9`, `10.0.0.0/8`"
        }
        (Type::Ip, Type::Cidr) | (Type::Cidr, Type::Ip) => "an address is `in` a network",
        (Type::Bool, Type::String) | (Type::String, Type::Bool) => "`true` and `false` are written without quotes",
        (Type::Record(_) | Type::Shape(_), Type::Record(_) | Type::Shape(_)) => {
            "records compare field by field: give both the same fields, of the same types"
        }
        (Type::List(_), _) | (_, Type::List(_)) => "a list `contains` an element",
        (Type::Enum(_), Type::Enum(_)) => "the two have no value in common, so the comparison would always be false",
        _ => "give both sides the same type",
    }
}
