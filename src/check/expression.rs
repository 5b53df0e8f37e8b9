//! Expressions: what their names mean where they stand, and whether their types fit.

use std::collections::HashMap;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::Table;
use crate::model::value::Value;
use crate::syntax::tree::{self, BinaryOperator, Expression, ExpressionKind, Literal, Text, ValueTypeKind};

use super::names::{list, suggest, unsupported, worth_suggesting};
use super::typed::{Claim, Expr, Read, Type, UserAttribute};

/// What can be read where an expression stands.
#[derive(Clone, Copy)]
pub(super) enum Scope<'c> {
    /// In `user from`: the token's claims.
    Claims(&'c [Claim], &'c HashMap<&'c str, usize>),
    /// In a limit: the caller, who may be missing, and the client.
    Request(&'c Table<UserAttribute>),
}

/// An expression with its type.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) ty: Type,
    /// Whether it may be absent.
    pub(super) optional: bool,
}

impl Type {
    /// The type in the language's words.
    pub(super) fn name(&self) -> String {
        match self {
            Self::String => "string".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Float => "float".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Ip => "ip".to_owned(),
            Self::List(item) => format!("[{}]", item.name()),
        }
    }
}

/// The type of a claim or an attribute.
pub(super) fn value_type(ty: &tree::ValueType, out: &mut Vec<Diagnostic>) -> Option<Type> {
    const KNOWN: [&str; 5] = ["string", "int", "float", "bool", "ip"];
    match &ty.kind {
        ValueTypeKind::Named(name) => match name.as_str() {
            "string" => Some(Type::String),
            "int" => Some(Type::Int),
            "float" => Some(Type::Float),
            "bool" => Some(Type::Bool),
            "ip" => Some(Type::Ip),
            "timestamp" | "duration" | "cidr" => {
                out.push(unsupported(ty.span, &format!("the type `{name}`")));
                None
            }
            _ => {
                let error = Diagnostic::error("unknown_type", ty.span, format!("there is no type `{name}`"));
                out.push(match suggest(name, KNOWN.into_iter()) {
                    Some(meant) => error.help(format!("did you mean `{meant}`?")),
                    None => error.help("write `string`, `int`, `float`, `bool`, `ip`, or `[T]` for a list of them"),
                });
                None
            }
        },
        ValueTypeKind::List(item) => Some(Type::List(Box::new(value_type(item, out)?))),
        ValueTypeKind::Enum(_) => {
            out.push(unsupported(ty.span, "an enum of values"));
            None
        }
        ValueTypeKind::Record(_) => {
            out.push(unsupported(ty.span, "a record of values"));
            None
        }
        ValueTypeKind::Nullable(_) => {
            out.push(unsupported(ty.span, "`| null` on a value"));
            None
        }
    }
}

/// Resolves and types an expression.
pub(super) fn infer(expression: &Expression, scope: Scope<'_>, out: &mut Vec<Diagnostic>) -> Option<Typed> {
    match &expression.kind {
        ExpressionKind::Literal(literal) => constant(literal, expression.span, out),
        ExpressionKind::Path(path) => read(path, expression.span, scope, out),
        ExpressionKind::List(items) => {
            let items: Option<Vec<Typed>> = items.iter().map(|item| infer(item, scope, out)).collect();
            list_of(items?, expression.span, out)
        }
        ExpressionKind::Coalesce(operands) => coalesce(operands, expression.span, scope, out),
        ExpressionKind::Binary(left, BinaryOperator::Add, right) => {
            let (left, right) = (infer(left, scope, out), infer(right, scope, out));
            concat(left?, right?, expression.span, out)
        }
        ExpressionKind::Binary(..) | ExpressionKind::Is(..) | ExpressionKind::Matches(..) => {
            out.push(unsupported(expression.span, "a comparison here"));
            None
        }
        ExpressionKind::Not(_) | ExpressionKind::All(_) | ExpressionKind::Any(_) => {
            out.push(unsupported(expression.span, "a condition here"));
            None
        }
        ExpressionKind::Call(..) => {
            out.push(unsupported(expression.span, "a call here"));
            None
        }
        ExpressionKind::Record(_) => {
            out.push(unsupported(expression.span, "a record here"));
            None
        }
    }
}

fn constant(literal: &Literal, span: Span, out: &mut Vec<Diagnostic>) -> Option<Typed> {
    let (value, ty) = match literal {
        Literal::Bool(value) => (Value::Bool(*value), Type::Bool),
        Literal::Int(value) => (Value::Int(*value), Type::Int),
        Literal::Float(value) => (Value::Float(*value), Type::Float),
        Literal::String(value) => (Value::String(value.clone()), Type::String),
        Literal::Ip(value) => (Value::Ip(*value), Type::Ip),
        Literal::Null | Literal::Duration(_) | Literal::Size(_) | Literal::Timestamp(_) | Literal::Network(_) => {
            out.push(unsupported(span, "this kind of constant here"));
            return None;
        }
    };
    Some(Typed { expr: Expr::Constant(value), ty, optional: false })
}

fn read(path: &[Text], span: Span, scope: Scope<'_>, out: &mut Vec<Diagnostic>) -> Option<Typed> {
    let words: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
    match (scope, words.as_slice()) {
        (Scope::Claims(claims, slots), ["claims", name]) => {
            let found = slots.get(name).and_then(|slot| Some((*slot, claims.get(*slot)?)));
            let Some((slot, claim)) = found else {
                let most = if worth_suggesting(out) { usize::MAX } else { 0 };
                let names = claims.iter().map(|claim| claim.name.as_str()).take(most);
                out.push(no_such("unknown_claim", "claim", name, span, names));
                return None;
            };
            Some(Typed { expr: Expr::Read(Read::Claim(slot)), ty: claim.ty.clone(), optional: claim.optional })
        }
        (Scope::Request(_), ["client", "ip"]) => {
            Some(Typed { expr: Expr::Read(Read::ClientIp), ty: Type::Ip, optional: false })
        }
        (Scope::Request(_), ["user", "id"]) => {
            Some(Typed { expr: Expr::Read(Read::UserId), ty: Type::String, optional: true })
        }
        (Scope::Request(_), ["user", "tier"]) => {
            Some(Typed { expr: Expr::Read(Read::UserTier), ty: Type::String, optional: true })
        }
        (Scope::Request(_), ["user", "roles"]) => {
            out.push(
                Diagnostic::error("roles_read", span, "`user.roles` can't be read as a value")
                    .help("count by `user.id`, or make an attribute in `user from`, such as `group = claims.role`"),
            );
            None
        }
        (Scope::Request(attributes), ["user", name]) => {
            let found = attributes.enumerate().find(|(_, attribute)| attribute.name == *name);
            let Some((slot, attribute)) = found else {
                let names = ["id", "tier"].into_iter().chain(attributes.iter().map(|known| known.name.as_str()));
                out.push(no_such("unknown_attribute", "attribute of `user`", name, span, names));
                return None;
            };
            // Anonymous callers have no attributes at all.
            Some(Typed { expr: Expr::Read(Read::UserAttribute(slot)), ty: attribute.ty.clone(), optional: true })
        }
        (Scope::Request(_), ["request" | "params" | "query" | "body" | "context" | "now" | "client", ..]) => {
            out.push(unsupported(span, &format!("reading `{}` here", words.join("."))));
            None
        }
        (Scope::Claims(..), _) => {
            out.push(
                Diagnostic::error("unknown_name", span, format!("`{}` can't be read here", words.join(".")))
                    .help("a mapping reads the token's claims: write `claims.NAME`"),
            );
            None
        }
        (Scope::Request(_), _) => {
            out.push(
                Diagnostic::error("unknown_name", span, format!("`{}` can't be read here", words.join(".")))
                    .help("a limit reads `user.NAME` and `client.ip`"),
            );
            None
        }
    }
}

fn no_such<'n>(
    code: &'static str,
    what: &str,
    name: &str,
    span: Span,
    known: impl Iterator<Item = &'n str> + Clone,
) -> Diagnostic {
    let message = match what.strip_prefix("attribute of ") {
        Some(owner) => format!("{owner} has no attribute `{name}`"),
        None => format!("there is no {what} `{name}`"),
    };
    let error = Diagnostic::error(code, span, message).label("not declared");
    match (suggest(name, known.clone()), list(known)) {
        (Some(meant), _) => error.help(format!("did you mean `{meant}`?")),
        (None, Some(names)) => error.help(format!("declared are {names}")),
        (None, None) => error.help(format!("declare a {what} of that name")),
    }
}

fn list_of(items: Vec<Typed>, span: Span, out: &mut Vec<Diagnostic>) -> Option<Typed> {
    let Some(first) = items.first() else {
        out.push(
            Diagnostic::error("empty_list", span, "the list is empty, so its type isn't known")
                .help("write at least one element, or leave the entry out"),
        );
        return None;
    };
    let ty = first.ty.clone();
    if let Some(odd) = items.iter().find(|item| item.ty != ty) {
        let message = format!("a list can't hold both `{}` and `{}`", ty.name(), odd.ty.name());
        out.push(Diagnostic::error("type_mismatch", span, message).help("all elements of a list have one type"));
        return None;
    }
    if items.iter().any(|item| item.optional) {
        out.push(undischarged(span, "an element of the list"));
        return None;
    }
    let items = items.into_iter().map(|item| item.expr).collect();
    Some(Typed { expr: Expr::List(items), ty: Type::List(Box::new(ty)), optional: false })
}

/// `a ?? b`: operands of different types are only for keys, which are asked for by [`key_part`].
fn coalesce(operands: &[Expression], span: Span, scope: Scope<'_>, out: &mut Vec<Diagnostic>) -> Option<Typed> {
    let typed = operands_of(operands, scope, out)?;
    let ty = typed.first()?.ty.clone();
    if let Some(odd) = typed.iter().find(|operand| operand.ty != ty) {
        let message = format!("`??` can't choose between `{}` and `{}`", ty.name(), odd.ty.name());
        out.push(Diagnostic::error("type_mismatch", span, message).help("both sides of `??` have one type"));
        return None;
    }
    let optional = typed.iter().all(|operand| operand.optional);
    Some(Typed { expr: Expr::Coalesce(typed.into_iter().map(|operand| operand.expr).collect()), ty, optional })
}

fn operands_of(operands: &[Expression], scope: Scope<'_>, out: &mut Vec<Diagnostic>) -> Option<Vec<Typed>> {
    let inferred: Vec<Option<Typed>> = operands.iter().map(|operand| infer(operand, scope, out)).collect();
    let typed: Vec<Typed> = inferred.into_iter().collect::<Option<_>>()?;
    let needless = typed.iter().zip(operands).rev().skip(1).find(|(operand, _)| !operand.optional);
    if let Some((_, expression)) = needless {
        out.push(
            Diagnostic::error("needless_default", expression.span, "this is never absent, so `??` has no use")
                .help("take the `??` and what follows it out"),
        );
        return None;
    }
    Some(typed)
}

/// A part of a key: the parts of its `??` may differ in type, and one of them must be there.
pub(super) fn key_part(expression: &Expression, scope: Scope<'_>, out: &mut Vec<Diagnostic>) -> Option<Expr> {
    let (operands, places) = match &expression.kind {
        ExpressionKind::Coalesce(places) => (operands_of(places, scope, out)?, places.as_slice()),
        _ => (vec![infer(expression, scope, out)?], std::slice::from_ref(expression)),
    };
    // What a key is made of must be equal exactly when it looks equal.
    let unfit = |operand: &Typed| matches!(operand.ty, Type::Float | Type::List(_));
    if let Some((odd, place)) = operands.iter().zip(places).find(|(operand, _)| unfit(operand)) {
        let message = format!("a key can't be a `{}`", odd.ty.name());
        out.push(
            Diagnostic::error("type_mismatch", place.span, message)
                .help("count by a `string`, an `int`, a `bool` or an `ip`"),
        );
        return None;
    }
    if operands.iter().all(|operand| operand.optional) {
        out.push(
            undischarged(expression.span, "the key")
                .help("say what counts then, such as `?? client.ip` for anonymous callers"),
        );
        return None;
    }
    let mut exprs: Vec<Expr> = operands.into_iter().map(|operand| operand.expr).collect();
    match exprs.len() {
        1 => exprs.pop(),
        _ => Some(Expr::Coalesce(exprs)),
    }
}

/// An expression that must be there and have a given type.
pub(super) fn expect(
    expression: &Expression,
    ty: &Type,
    what: &str,
    scope: Scope<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Typed> {
    let typed = infer(expression, scope, out)?;
    if typed.ty != *ty {
        let message = format!("{what} must be a `{}`, and this is a `{}`", ty.name(), typed.ty.name());
        out.push(
            Diagnostic::error("type_mismatch", expression.span, message).help(format!("give it a `{}`", ty.name())),
        );
        return None;
    }
    Some(typed)
}

/// Something that may be absent where something must be there.
pub(super) fn undischarged(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("undischarged_optional", span, format!("{what} may be absent"))
        .label("absent for some requests")
        .help("say what holds then: `… ?? DEFAULT`")
}

fn concat(left: Typed, right: Typed, span: Span, out: &mut Vec<Diagnostic>) -> Option<Typed> {
    if left.ty != Type::String || right.ty != Type::String {
        let message = format!("`+` can't add `{}` and `{}`", left.ty.name(), right.ty.name());
        out.push(Diagnostic::error("type_mismatch", span, message).help("`+` joins two strings here"));
        return None;
    }
    if left.optional || right.optional {
        out.push(undischarged(span, "a side of `+`"));
        return None;
    }
    Some(Typed { expr: Expr::Concat(Box::new(left.expr), Box::new(right.expr)), ty: Type::String, optional: false })
}
