//! Comparisons and arithmetic: which types go together, and what comes out.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{BinaryOperator, Expression, ExpressionKind, Literal};

use super::super::Checker;
use super::super::names::{list, suggest};
use super::super::typed::{Attribute, Comparison, Expr, Type};
use super::{Guards, Typed, View};

/// An expression as written, and its type.
type Side<'e> = (&'e Expression, &'e Type);

/// What came of bringing two types together.
enum Meeting {
    /// They go together as this type.
    As(Type),
    /// They don't.
    Apart,
    /// They don't, and why was said at a more precise place.
    Said,
}

impl Checker<'_> {
    pub(super) fn comparison(
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
        let (one, other) = (self.infer(left, view, guards), self.infer(right, view, guards));
        let (one, other) = (one?, other?);
        let (here, there) = (self.discharged(left, &one, view), self.discharged(right, &other, view));
        here.and(there)?;
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
                Type::List(item) => return self.element(right, (left.0, item), span),
                _ => (false, "a list contains an element, and a string a string; an element is `in` a list"),
            },
            Comparison::In => match (left.1, right.1) {
                (Type::Ip, Type::Cidr) => (true, ""),
                (Type::Ip, Type::List(item)) if **item == Type::Cidr => (true, ""),
                (_, Type::List(item)) => return self.element(left, (right.0, item), span),
                (Type::Ip, _) => (false, "an address is in a network or a list of them: `client.ip in [10.0.0.0/8]`"),
                (_, Type::String) => (false, "for a part of a string, write `TEXT contains PART`"),
                _ => (false, "what stands right of `in` is a list: `… in [a, b]`"),
            },
            Comparison::ContainsAll | Comparison::Intersects => match (left.1, right.1) {
                (Type::List(one), Type::List(other)) => {
                    return self.elements((left.0, one), (right.0, other), span);
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

    /// An element and a list whose elements have a type.
    fn element(&mut self, element: Side<'_>, (whole, item): Side<'_>, span: Span) -> Option<()> {
        match &whole.kind {
            ExpressionKind::List(items) if !items.is_empty() => {
                let mut all = Some(());
                for each in items {
                    let met = self.alike(element, (each, item), each.span, "can't compare");
                    all = all.and(met.map(|_| ()));
                }
                all
            }
            _ => self.alike(element, (whole, item), span, "can't compare").map(|_| ()),
        }
    }

    fn elements(&mut self, one: Side<'_>, other: Side<'_>, span: Span) -> Option<()> {
        match (&one.0.kind, &other.0.kind) {
            (ExpressionKind::List(items), _) => {
                items.iter().map(|item| self.element((item, one.1), other, item.span)).fold(Some(()), Option::and)
            }
            (_, ExpressionKind::List(items)) => {
                items.iter().map(|item| self.element((item, other.1), one, item.span)).fold(Some(()), Option::and)
            }
            _ => self.alike(one, other, span, "can't compare lists of").map(|_| ()),
        }
    }

    /// The type that both have, as literals take the type of what they stand beside. `what` begins the message where
    /// there is none.
    pub(super) fn alike(&mut self, left: Side<'_>, right: Side<'_>, span: Span, what: &str) -> Option<Type> {
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
    pub(super) fn fits(&mut self, expression: &Expression, ty: &Type, wanted: &Type) -> bool {
        match (ty, wanted) {
            (Type::Enum(_), Type::String) => true,
            (Type::Enum(one), Type::Enum(other)) => one.iter().all(|value| other.contains(value)),
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
            (Type::Enum(one), Type::Enum(other)) if one.iter().any(|value| other.contains(value)) => {
                Meeting::As(Type::String)
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
    fn meet_enum(&mut self, values: &std::sync::Arc<[String]>, text: &Expression) -> Meeting {
        match &text.kind {
            ExpressionKind::Literal(Literal::String(written)) if !values.contains(written) => {
                let known = || values.iter().map(String::as_str);
                let error =
                    Diagnostic::error("unknown_value", text.span, format!("there is no value \"{written}\" here"));
                self.report_once(match (suggest(written, known()), list(known())) {
                    (Some(meant), _) => error.help(format!("did you mean \"{meant}\"?")),
                    (None, Some(names)) => error.help(format!("the values are {}", names.replace('`', "\""))),
                    (None, None) => error.help("see the declaration for the values"),
                });
                Meeting::Said
            }
            ExpressionKind::List(parts) | ExpressionKind::Coalesce(parts) => {
                let mut met = Meeting::As(Type::Enum(values.clone()));
                for part in parts {
                    if let Meeting::Said = self.meet_enum(values, part) {
                        met = Meeting::Said;
                    }
                }
                met
            }
            ExpressionKind::Literal(_) => Meeting::As(Type::Enum(values.clone())),
            _ => Meeting::As(Type::String),
        }
    }

    /// Records compare field by field, so both must have the same ones.
    fn meet_records(&mut self, left: Side<'_>, right: Side<'_>) -> Meeting {
        let shapes = &self.shapes.table;
        let names = |ty: &Type| {
            let mut names: Vec<String> = ty.field_names(shapes).into_iter().map(ToOwned::to_owned).collect();
            names.sort_unstable();
            names
        };
        let (one, other) = (names(left.1), names(right.1));
        if one != other {
            return Meeting::Apart;
        }
        let mut fields = Vec::with_capacity(one.len());
        for name in one {
            let shapes = &self.shapes.table;
            let (Some(one), Some(other)) = (left.1.field(&name, shapes), right.1.field(&name, shapes)) else {
                return Meeting::Apart;
            };
            // Schemas that hold themselves are compared by name.
            let by_name = matches!((&one.ty, &other.ty), (Type::Shape(_), Type::Shape(_)));
            if by_name && one.ty != other.ty {
                return Meeting::Apart;
            }
            let met = if by_name {
                Meeting::As(one.ty.clone())
            } else {
                self.meet((field_of(left.0, &name), &one.ty), (field_of(right.0, &name), &other.ty))
            };
            match met {
                Meeting::As(ty) => fields.push(Attribute { name, ty, optional: one.optional || other.optional }),
                failed => return failed,
            }
        }
        Meeting::As(Type::Record(fields.into()))
    }

    /// `+`: numbers, a time and a duration, two durations, two strings.
    pub(super) fn add(
        &mut self,
        left: &Expression,
        right: &Expression,
        span: Span,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Typed> {
        let (one, other) = self.both(left, right, view, guards)?;
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
    pub(super) fn subtract(
        &mut self,
        left: &Expression,
        right: &Expression,
        span: Span,
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Typed> {
        let (one, other) = self.both(left, right, view, guards)?;
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
        let (here, there) = (self.not_null(left, &one.ty), self.not_null(right, &other.ty));
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

fn nullable(met: Meeting) -> Meeting {
    match met {
        Meeting::As(ty @ Type::Nullable(_)) => Meeting::As(ty),
        Meeting::As(ty) => Meeting::As(Type::Nullable(Box::new(ty))),
        failed => failed,
    }
}

/// The value that a record literal gives a field; of anything else, itself.
fn field_of<'e>(expression: &'e Expression, name: &str) -> &'e Expression {
    match &expression.kind {
        ExpressionKind::Record(fields) => {
            fields.iter().find(|(known, _)| known.node == name).map_or(expression, |(_, value)| value)
        }
        _ => expression,
    }
}

fn is_null(expression: &Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Literal(Literal::Null))
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
