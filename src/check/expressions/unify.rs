//! Types that stand beside each other: whether they go together, and as which type.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::check::expressions::typer::Typer;
use crate::check::suggest::{list, suggest};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Expression, ExpressionKind, Literal};
use crate::typed::{Attribute, Type};

/// An expression as written, and its type.
pub(crate) type Side<'e> = (&'e Expression, &'e Type);

/// What came of bringing two types together.
enum Meeting {
    /// They go together as this type.
    As(Type),
    /// They don't.
    Apart,
    /// They don't, and why was said at a more precise place.
    Said,
}

impl Typer<'_, '_> {
    /// The type that both have, as literals take the type of what they stand beside. `what` begins the message where
    /// there is none.
    pub(crate) fn alike(&mut self, left: Side<'_>, right: Side<'_>, span: Span, what: &str) -> Option<Type> {
        match self.meet(left, right) {
            Meeting::As(ty) => Some(ty),
            Meeting::Said => None,
            Meeting::Apart => {
                let (one, other) = (self.type_name(left.1), self.type_name(right.1));
                let message = format!("{what} `{one}` and `{other}`");
                self.report_once(Diagnostic::error("type_mismatch", span, message).help(conversion(left.1, right.1)));
                None
            }
        }
    }

    /// Whether an expression of a type can stand where another is wanted. Literals that are no value of an enum are
    /// reported.
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
            _ => match self.meet((expression, ty), (expression, wanted)) {
                Meeting::As(met) => met == *wanted,
                Meeting::Said => true,
                Meeting::Apart => false,
            },
        }
    }

    fn meet(&mut self, left: Side<'_>, right: Side<'_>) -> Meeting {
        match (left.1, right.1) {
            (Type::Opaque, _) | (_, Type::Opaque) => Meeting::Apart,
            (one, other) if one == other => Meeting::As(one.clone()),
            (Type::Never, other) | (other, Type::Never) => Meeting::As(other.clone()),
            (Type::Nullable(_), Type::Null) => Meeting::As(left.1.clone()),
            (Type::Null, Type::Nullable(_)) => Meeting::As(right.1.clone()),
            (Type::Nullable(one), Type::Nullable(other)) => nullable(self.meet((left.0, one), (right.0, other))),
            (Type::Nullable(one), _) => nullable(self.meet((left.0, one), right)),
            (_, Type::Nullable(other)) => nullable(self.meet(left, (right.0, other))),
            (Type::Int, Type::Float) if is_literal(left.0) => Meeting::As(Type::Float),
            (Type::Float, Type::Int) if is_literal(right.0) => Meeting::As(Type::Float),
            (Type::Enum(values), Type::String) => self.meet_enum(values, right.0),
            (Type::String, Type::Enum(values)) => self.meet_enum(values, left.0),
            (Type::Enum(one), Type::Enum(other)) => {
                self.budget.spend(one.len() + other.len());
                let known: HashSet<&String> = one.iter().collect();
                if other.iter().any(|value| known.contains(value)) { Meeting::As(Type::String) } else { Meeting::Apart }
            }
            (Type::List(one), Type::List(other)) => match self.meet((left.0, one), (right.0, other)) {
                Meeting::As(item) => Meeting::As(Type::List(Box::new(item))),
                failed => failed,
            },
            (Type::Record(_) | Type::Shape(_), Type::Record(_) | Type::Shape(_)) => self.meet_records(left, right),
            _ => Meeting::Apart,
        }
    }

    /// A string beside an enum: what is written out must be one of its values.
    fn meet_enum(&mut self, values: &Arc<[String]>, text: &Expression) -> Meeting {
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
            (false, _) => Meeting::Said,
            (true, true) => Meeting::As(Type::Enum(values.clone())),
            (true, false) => Meeting::As(Type::String),
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

    /// Records compare field by field, so both must have the same ones.
    fn meet_records(&mut self, left: Side<'_>, right: Side<'_>) -> Meeting {
        let (one, other) = (left.1.fields(&self.shapes.table), right.1.fields(&self.shapes.table));
        self.budget.spend(one.len() + other.len());
        if one.len() != other.len() {
            return Meeting::Apart;
        }
        let (written, written_there) = (literal_fields(left.0), literal_fields(right.0));
        let mut fields = Vec::with_capacity(one.len());
        for (one, other) in one.into_iter().zip(other) {
            if one.name != other.name {
                return Meeting::Apart;
            }
            let met = match (&one.ty, &other.ty) {
                // Schemas that hold themselves are compared by name.
                (Type::Shape(a), Type::Shape(b)) if a == b => Meeting::As(one.ty.clone()),
                (Type::Shape(_), Type::Shape(_)) => return Meeting::Apart,
                (ty, ty_there) => {
                    let here = written.get(one.name.as_str()).copied().unwrap_or(left.0);
                    let there = written_there.get(one.name.as_str()).copied().unwrap_or(right.0);
                    self.meet((here, ty), (there, ty_there))
                }
            };
            match met {
                Meeting::As(ty) => {
                    fields.push(Attribute { name: one.name, ty, optional: one.optional || other.optional });
                }
                failed => return failed,
            }
        }
        Meeting::As(Type::record(fields))
    }
}

fn nullable(met: Meeting) -> Meeting {
    match met {
        Meeting::As(ty @ Type::Nullable(_)) => Meeting::As(ty),
        Meeting::As(ty) => Meeting::As(Type::Nullable(Box::new(ty))),
        failed => failed,
    }
}

/// The values that a record literal gives its fields.
fn literal_fields(expression: &Expression) -> HashMap<&str, &Expression> {
    match &expression.kind {
        ExpressionKind::Record(fields) => fields.iter().map(|(name, value)| (name.node.as_str(), value)).collect(),
        _ => HashMap::new(),
    }
}

/// Whether an expression is made of literals alone, which take the type of what they stand beside.
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
