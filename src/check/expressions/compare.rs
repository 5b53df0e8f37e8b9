//! Comparisons and arithmetic: which types go together, and what comes out.

use crate::check::expressions::typer::Typer;
use crate::check::expressions::unify::Side;
use crate::check::expressions::{Guards, Typed, View};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{BinaryOperator, Expression, ExpressionKind, Literal};
use crate::typed::{Comparison, Expr, Type};

impl Typer<'_, '_> {
    pub(crate) fn comparison(
        &mut self,
        left: &Expression,
        operator: BinaryOperator,
        right: &Expression,
        span: Span,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Typed> {
        let comparison = comparison(operator)?;
        if let Comparison::Equal | Comparison::NotEqual = comparison {
            match (is_null(left), is_null(right)) {
                (false, true) => return self.null_test(left, comparison, span, view, guards),
                (true, false) => return self.null_test(right, comparison, span, view, guards),
                _ => {}
            }
        }
        let (one, other) = self.both(left, right, view, guards)?;
        self.comparable(comparison, (left, &one.ty), (right, &other.ty), span)?;
        let expr = Expr::Compare(comparison, Box::new(one.expr), Box::new(other.expr));
        Some(Typed::there(expr, Type::Bool))
    }

    /// `x == null`, `x != null`: is there an `x`?
    fn null_test(
        &mut self,
        tested: &Expression,
        comparison: Comparison,
        span: Span,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Typed> {
        if let ExpressionKind::Path(path) = &tested.kind
            && let [root] = path.as_slice()
            && matches!(root.node.as_str(), "user" | "resource" | "context" | "body" | "query")
        {
            let help = match root.node.as_str() {
                "user" => "write `has(user)`, or `not has(user)`".to_owned(),
                root => format!("ask for something of it: `has({root}.NAME)`"),
            };
            let message = format!("`{}` can't be compared with `null`", root.node);
            self.report_once(Diagnostic::error("not_a_value", span, message).help(help));
            return None;
        }
        let typed = self.infer(tested, view, guards)?;
        if !typed.optional && !typed.guarded && !matches!(typed.ty, Type::Nullable(_) | Type::Null) {
            self.report_once(
                Diagnostic::error("never_null", span, "this is never absent, and never `null`")
                    .help("take the comparison out; what is unknown isn't `null` either"),
            );
            return None;
        }
        let test = Expr::IsNull(Box::new(typed.expr));
        let expr = if comparison == Comparison::Equal { test } else { Expr::Not(Box::new(test)) };
        Some(Typed::there(expr, Type::Bool))
    }

    fn comparable(&mut self, comparison: Comparison, left: Side<'_>, right: Side<'_>, span: Span) -> Option<()> {
        if !matches!(comparison, Comparison::Equal | Comparison::NotEqual | Comparison::In) {
            let (here, there) = (self.not_null(left.0, left.1), self.not_null(right.0, right.1));
            here.and(there)?;
        }
        let is_text = |ty: &Type| matches!(ty, Type::String | Type::Enum(_));
        let ordered = |ty: &Type| matches!(ty, Type::Int | Type::Float | Type::Timestamp | Type::Duration);
        let shown = |checker: &Self| (checker.type_name(left.1), checker.type_name(right.1));
        let (sound, help) = match comparison {
            Comparison::Equal | Comparison::NotEqual => {
                if *left.1 == Type::Opaque || *right.1 == Type::Opaque {
                    (false, "what may be of any type can only be asked for: `has(…)`")
                } else {
                    return self.alike(left, right, span, "can't compare").map(|_| ());
                }
            }
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
                if ordered(left.1) || ordered(right.1) {
                    return self.alike(left, right, span, "can't compare").map(|_| ());
                }
                (false, "numbers, timestamps and durations have an order")
            }
            Comparison::StartsWith | Comparison::EndsWith => {
                (is_text(left.1) && is_text(right.1), "both sides are a `string`")
            }
            Comparison::Contains if is_text(left.1) => {
                (is_text(right.1), "a string contains a string: write one on the right, too")
            }
            Comparison::Contains => match left.1 {
                Type::List(item) => {
                    return self.alike(right, (left.0, item), span, "can't compare").map(|_| ());
                }
                _ => (false, "a list contains an element, and a string a string; an element is `in` a list"),
            },
            Comparison::In => match (left.1, right.1) {
                (Type::Ip, Type::Cidr) => (true, ""),
                (Type::Ip, Type::List(item)) if **item == Type::Cidr => (true, ""),
                (_, Type::List(item)) => {
                    return self.alike(left, (right.0, item), span, "can't compare").map(|_| ());
                }
                (Type::Ip, _) => (false, "an address is in a network or a list of them: `client.ip in [10.0.0.0/8]`"),
                (_, Type::String) => (false, "for a part of a string, write `TEXT contains PART`"),
                _ => (false, "what stands right of `in` is a list: `… in [a, b]`"),
            },
            Comparison::ContainsAll | Comparison::Intersects => match (left.1, right.1) {
                (Type::List(one), Type::List(other)) => {
                    return self.alike((left.0, one), (right.0, other), span, "can't compare lists of").map(|_| ());
                }
                _ => (false, "both sides are lists: `… intersects [a, b]`"),
            },
        };
        if sound {
            return Some(());
        }
        let (left, right) = shown(self);
        let message = format!("`{}` can't take `{left}` and `{right}`", symbol(comparison));
        self.report_once(Diagnostic::error("type_mismatch", span, message).help(help));
        None
    }

    /// `+`: numbers, a time and a duration, two durations, two strings.
    pub(crate) fn add(
        &mut self,
        left: &Expression,
        right: &Expression,
        span: Span,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Typed> {
        let (one, other) = self.terms(left, right, view, guards)?;
        let ty = match (&one.ty, &other.ty) {
            (Type::Int, Type::Int) => Type::Int,
            (Type::String | Type::Enum(_), Type::String | Type::Enum(_)) => Type::String,
            (Type::Timestamp, Type::Duration) | (Type::Duration, Type::Timestamp) => Type::Timestamp,
            (Type::Duration, Type::Duration) => Type::Duration,
            _ => {
                return self.no_sum(
                    "+",
                    "adds `int`s, durations, a time and a duration, or joins strings",
                    &one,
                    &other,
                    span,
                );
            }
        };
        Some(Typed::there(Expr::Add(Box::new(one.expr), Box::new(other.expr)), ty))
    }

    /// `-`: numbers, durations, a time and a duration, two times.
    pub(crate) fn subtract(
        &mut self,
        left: &Expression,
        right: &Expression,
        span: Span,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Typed> {
        let (one, other) = self.terms(left, right, view, guards)?;
        let ty = match (&one.ty, &other.ty) {
            (Type::Int, Type::Int) => Type::Int,
            (Type::Timestamp, Type::Duration) => Type::Timestamp,
            (Type::Timestamp, Type::Timestamp) | (Type::Duration, Type::Duration) => Type::Duration,
            _ => {
                return self.no_sum(
                    "-",
                    "takes `int`s, durations, a duration from a time, or a time from a time",
                    &one,
                    &other,
                    span,
                );
            }
        };
        Some(Typed::there(Expr::Subtract(Box::new(one.expr), Box::new(other.expr)), ty))
    }

    /// Both sides of a sum: there, and not `null`.
    fn terms(
        &mut self,
        left: &Expression,
        right: &Expression,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<(Typed, Typed)> {
        let (one, other) = self.both(left, right, view, guards)?;
        let (here, there) = (self.not_null(left, &one.ty), self.not_null(right, &other.ty));
        here.and(there)?;
        Some((one, other))
    }

    /// Both sides of an operator, both there.
    fn both(
        &mut self,
        left: &Expression,
        right: &Expression,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<(Typed, Typed)> {
        let (one, other) = (self.infer(left, view, guards), self.infer(right, view, guards));
        let (one, other) = (one?, other?);
        let (here, there) = (self.discharged(left, &one, view), self.discharged(right, &other, view));
        here.and(there)?;
        Some((one, other))
    }

    fn no_sum(&mut self, sign: &str, does: &str, one: &Typed, other: &Typed, span: Span) -> Option<Typed> {
        let (left, right) = (self.type_name(&one.ty), self.type_name(&other.ty));
        let message = format!("`{sign}` can't take `{left}` and `{right}`");
        self.report_once(Diagnostic::error("type_mismatch", span, message).help(format!("`{sign}` {does}")));
        None
    }
}

fn is_null(expression: &Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Literal(Literal::Null))
}

fn comparison(operator: BinaryOperator) -> Option<Comparison> {
    Some(match operator {
        BinaryOperator::Equal => Comparison::Equal,
        BinaryOperator::NotEqual => Comparison::NotEqual,
        BinaryOperator::Less => Comparison::Less,
        BinaryOperator::LessOrEqual => Comparison::LessOrEqual,
        BinaryOperator::Greater => Comparison::Greater,
        BinaryOperator::GreaterOrEqual => Comparison::GreaterOrEqual,
        BinaryOperator::In => Comparison::In,
        BinaryOperator::Contains => Comparison::Contains,
        BinaryOperator::ContainsAll => Comparison::ContainsAll,
        BinaryOperator::Intersects => Comparison::Intersects,
        BinaryOperator::StartsWith => Comparison::StartsWith,
        BinaryOperator::EndsWith => Comparison::EndsWith,
        BinaryOperator::Add | BinaryOperator::Subtract => return None,
    })
}

fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::In => "in",
        Comparison::Contains => "contains",
        Comparison::ContainsAll => "contains_all",
        Comparison::Intersects => "intersects",
        Comparison::StartsWith => "starts_with",
        Comparison::EndsWith => "ends_with",
    }
}
