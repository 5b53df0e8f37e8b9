//! Expressions and the types of values.

use std::net::IpAddr;

pub use crate::model::operator::Operator;
use crate::syntax::tree::{Span, Text};

/// An expression with its span.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// The whole expression, with its brackets.
    pub span: Span,
    /// The form.
    pub kind: ExpressionKind,
}

impl Expression {
    /// The operands, arguments, elements or values of fields.
    pub(crate) fn operands(&self) -> Vec<&Self> {
        match &self.kind {
            ExpressionKind::Literal(_) | ExpressionKind::Path(_) => Vec::new(),
            ExpressionKind::Not(inner) | ExpressionKind::Is(inner, _) | ExpressionKind::Matches(inner, _) => {
                vec![inner]
            }
            ExpressionKind::Binary(left, _, right) => vec![left, right],
            ExpressionKind::Call(_, parts)
            | ExpressionKind::List(parts)
            | ExpressionKind::All(parts)
            | ExpressionKind::Any(parts)
            | ExpressionKind::Coalesce(parts) => parts.iter().collect(),
            ExpressionKind::Record(fields) => fields.iter().map(|(_, value)| value).collect(),
        }
    }

    /// Visits the expression, and then all its parts in their order.
    pub(crate) fn visit<'e>(&'e self, visit: &mut impl FnMut(&'e Self)) {
        visit(self);
        self.operands().into_iter().for_each(|operand| operand.visit(visit));
    }
}

/// The forms of expressions. Chains of `and`, `or` and `??` are flat, so their length costs no depth.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionKind {
    /// `"x"`, `5`, `15m`, `10.0.0.0/8`, `null`
    Literal(Literal),
    /// `user.id`, `now`, `on_site`: at least one name
    Path(Vec<Text>),
    /// `has(user.email)`, `request.header("x")`: the path called, and the arguments
    Call(Vec<Text>, Vec<Expression>),
    /// `[a, b]`
    List(Vec<Expression>),
    /// `{ a: x, b: y }`
    Record(Vec<(Text, Expression)>),
    /// `not a`
    Not(Box<Expression>),
    /// `a and b and c`: at least two
    All(Vec<Expression>),
    /// `a or b or c`: at least two
    Any(Vec<Expression>),
    /// `a ?? b ?? c`: at least two
    Coalesce(Vec<Expression>),
    /// `a == b`, `a + b`
    Binary(Box<Expression>, Operator, Box<Expression>),
    /// `user is admin`: the left side, and the role's name
    Is(Box<Expression>, Text),
    /// `a matches /re/`: the left side, and the regex without its slashes
    Matches(Box<Expression>, Text),
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `1_000`, `-5`
    Int(i64),
    /// `0.5`
    Float(f64),
    /// `"x"`
    String(String),
    /// `15m`, in milliseconds
    Duration(u64),
    /// `64KiB`, in bytes
    Size(u64),
    /// `2026-11-23T10:00:00Z`
    Timestamp(jiff::Timestamp),
    /// `203.0.113.9`
    Ip(IpAddr),
    /// `10.0.0.0/8`, host bits as written
    Network(ipnet::IpNet),
}

/// The type of an attribute or a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueType {
    /// The whole type.
    pub span: Span,
    /// The form.
    pub kind: ValueTypeKind,
}

/// The forms of types.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueTypeKind {
    /// `string`, `int`, or the name of a schema
    Named(String),
    /// `"draft" | "published"`
    Enum(Vec<Text>),
    /// `[T]`
    List(Box<ValueType>),
    /// `{ a: T, b?: U }`: for each field its name, `true` if it is optional, and its type
    Record(Vec<(Text, bool, ValueType)>),
    /// `T | null`
    Nullable(Box<ValueType>),
}
