//! Comes in: the pairs of expressions and of value types. Goes out: their trees, by precedence, with chains of `and`,
//! `or` and `??` flat. It never builds a tree deeper than [`DEPTH_LIMIT`].

use crate::model::diagnostic::Diagnostic;
use crate::syntax::lower::{Lowering, Pair, Parts};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{BinaryOperator, Expression, ExpressionKind, Span, Text, ValueType, ValueTypeKind};
use crate::syntax::{DEPTH_LIMIT, literal};

use std::iter::Peekable;

/// An expression, and how many levels it has.
struct Deep {
    expression: Expression,
    depth: usize,
}

impl Deep {
    fn leaf(span: Span, kind: ExpressionKind) -> Self {
        Self { expression: Expression { span, kind }, depth: 1 }
    }

    fn over(span: Span, below: usize, kind: ExpressionKind) -> Self {
        Self { expression: Expression { span, kind }, depth: below + 1 }
    }
}

/// An `expression` pair.
pub(crate) fn expression(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Expression> {
    let span = lowering.span(&pair);
    let deep = disjunction(lowering, pair)?;
    if deep.depth > DEPTH_LIMIT {
        lowering.problem(crate::syntax::nested_too_deeply(span, "expression"));
        return None;
    }
    Some(deep.expression)
}

type Tokens<'i> = Peekable<Parts<'i>>;

/// What is between two operators of the lowest precedence, and so on upwards: one function a precedence.
fn disjunction(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Deep> {
    let tokens = &mut Parts::of(pair).peekable();
    chain(lowering, tokens, "or", ExpressionKind::Any, |lowering, tokens| {
        chain(lowering, tokens, "and", ExpressionKind::All, negation)
    })
}

fn chain<'i>(
    lowering: &mut Lowering<'_>,
    tokens: &mut Tokens<'i>,
    operator: &str,
    kind: fn(Vec<Expression>) -> ExpressionKind,
    operand: impl Fn(&mut Lowering<'_>, &mut Tokens<'i>) -> Option<Deep>,
) -> Option<Deep> {
    let first = operand(lowering, tokens)?;
    if !at_infix(tokens, operator) {
        return Some(first);
    }
    let mut span = first.expression.span;
    let mut depth = first.depth;
    let mut operands = vec![first.expression];
    while at_infix(tokens, operator) {
        tokens.next();
        let next = operand(lowering, tokens)?;
        span = span.to(next.expression.span);
        depth = depth.max(next.depth);
        operands.push(next.expression);
    }
    Some(Deep::over(span, depth, kind(operands)))
}

fn at_infix(tokens: &mut Tokens<'_>, operator: &str) -> bool {
    tokens.peek().is_some_and(|token| token.as_rule() == Rule::infix && token.as_str() == operator)
}

fn negation(lowering: &mut Lowering<'_>, tokens: &mut Tokens<'_>) -> Option<Deep> {
    let mut nots = Vec::new();
    while let Some(not) = tokens.next_if(|token| token.as_rule() == Rule::not_operator) {
        nots.push(lowering.span(&not));
    }
    let mut deep = comparison(lowering, tokens)?;
    for not in nots.into_iter().rev() {
        let span = not.to(deep.expression.span);
        deep = Deep::over(span, deep.depth, ExpressionKind::Not(Box::new(deep.expression)));
    }
    Some(deep)
}

fn comparison(lowering: &mut Lowering<'_>, tokens: &mut Tokens<'_>) -> Option<Deep> {
    let left = sum(lowering, tokens)?;
    let Some(operator) = tokens.next_if(is_comparison) else { return Some(left) };
    let operator_span = lowering.span(&operator);
    let compared = match operator.as_rule() {
        Rule::is_test => {
            let role = lowering.text(&Parts::of(operator).pick(Rule::role_name)?);
            let span = left.expression.span.to(role.span);
            Deep::over(span, left.depth, ExpressionKind::Is(Box::new(left.expression), role))
        }
        Rule::matches_test => {
            let regex = regex(lowering, &Parts::of(operator).pick(Rule::regex)?);
            let span = left.expression.span.to(operator_span);
            Deep::over(span, left.depth, ExpressionKind::Matches(Box::new(left.expression), regex))
        }
        _ => {
            let symbol = comparison_operator(operator.as_str())?;
            let right = sum(lowering, tokens)?;
            let span = left.expression.span.to(right.expression.span);
            let depth = left.depth.max(right.depth);
            let kind = ExpressionKind::Binary(Box::new(left.expression), symbol, Box::new(right.expression));
            Deep::over(span, depth, kind)
        }
    };
    if let Some(second) = tokens.next_if(is_comparison) {
        let span = lowering.span(&second);
        lowering.problem(
            Diagnostic::error("chained_comparison", span, "comparisons don't chain")
                .also(operator_span, "the first comparison")
                .help("join two comparisons with `and`: `a < b and b < c`"),
        );
        return None;
    }
    Some(compared)
}

fn is_comparison(token: &Pair<'_>) -> bool {
    match token.as_rule() {
        Rule::is_test | Rule::matches_test => true,
        Rule::infix => comparison_operator(token.as_str()).is_some(),
        _ => false,
    }
}

fn comparison_operator(symbol: &str) -> Option<BinaryOperator> {
    Some(match symbol {
        "==" => BinaryOperator::Equal,
        "!=" => BinaryOperator::NotEqual,
        "<" => BinaryOperator::Less,
        "<=" => BinaryOperator::LessOrEqual,
        ">" => BinaryOperator::Greater,
        ">=" => BinaryOperator::GreaterOrEqual,
        "in" => BinaryOperator::In,
        "contains" => BinaryOperator::Contains,
        "contains_all" => BinaryOperator::ContainsAll,
        "intersects" => BinaryOperator::Intersects,
        "starts_with" => BinaryOperator::StartsWith,
        "ends_with" => BinaryOperator::EndsWith,
        _ => return None,
    })
}

/// `a + b - c`, from the left. Its length is depth, so it is bounded while it grows.
fn sum(lowering: &mut Lowering<'_>, tokens: &mut Tokens<'_>) -> Option<Deep> {
    let mut left = coalesce(lowering, tokens)?;
    loop {
        let operator = match tokens.peek().filter(|token| token.as_rule() == Rule::infix).map(|token| token.as_str()) {
            Some("+") => BinaryOperator::Add,
            Some("-") => BinaryOperator::Subtract,
            _ => return Some(left),
        };
        tokens.next();
        let right = coalesce(lowering, tokens)?;
        let span = left.expression.span.to(right.expression.span);
        let depth = left.depth.max(right.depth);
        if depth >= DEPTH_LIMIT {
            lowering.problem(crate::syntax::nested_too_deeply(span, "expression"));
            return None;
        }
        let kind = ExpressionKind::Binary(Box::new(left.expression), operator, Box::new(right.expression));
        left = Deep::over(span, depth, kind);
    }
}

fn coalesce(lowering: &mut Lowering<'_>, tokens: &mut Tokens<'_>) -> Option<Deep> {
    chain(lowering, tokens, "??", ExpressionKind::Coalesce, operand)
}

fn operand(lowering: &mut Lowering<'_>, tokens: &mut Tokens<'_>) -> Option<Deep> {
    let token = tokens.next()?;
    if token.as_rule() == Rule::not_operator {
        let span = lowering.span(&token);
        lowering.problem(
            Diagnostic::error("misplaced_not", span, "`not` can't stand to the right of a comparison or a sum")
                .help("put it in brackets: `a == (not b)`"),
        );
        return None;
    }
    let span = lowering.span(&token);
    let inner = token.into_inner().next()?;
    let mut parts = Parts::of(inner.clone());
    match inner.as_rule() {
        Rule::group => {
            let group = disjunction(lowering, parts.pick(Rule::expression)?)?;
            Some(Deep { expression: Expression { span, ..group.expression }, depth: group.depth })
        }
        Rule::list => {
            let (items, depth) = expressions(lowering, parts)?;
            Some(Deep::over(span, depth, ExpressionKind::List(items)))
        }
        Rule::record => {
            let mut fields = Vec::new();
            let mut depth = 0;
            for entry in parts {
                let mut entry = Parts::of(entry);
                let name = lowering.text(&entry.pick(Rule::entry_name)?);
                let value = disjunction(lowering, entry.pick(Rule::expression)?)?;
                depth = depth.max(value.depth);
                fields.push((name, value.expression));
            }
            Some(Deep::over(span, depth, ExpressionKind::Record(fields)))
        }
        Rule::reference => {
            let names = parts.pick(Rule::reference_path)?;
            let names = lowering.texts(Parts::of(names));
            let Some(arguments) = parts.pick(Rule::arguments) else {
                return Some(Deep::leaf(span, ExpressionKind::Path(names)));
            };
            let (arguments, depth) = expressions(lowering, Parts::of(arguments))?;
            Some(Deep::over(span, depth, ExpressionKind::Call(names, arguments)))
        }
        _ => Some(Deep::leaf(span, ExpressionKind::Literal(literal::literal(lowering, &inner)?))),
    }
}

fn expressions(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<(Vec<Expression>, usize)> {
    let mut expressions = Vec::new();
    let mut depth = 0;
    for part in parts {
        let item = disjunction(lowering, part)?;
        depth = depth.max(item.depth);
        expressions.push(item.expression);
    }
    Some((expressions, depth))
}

/// A regex without its slashes. `\/` stays as it is: to the regex, it is a slash.
pub(crate) fn regex(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Text {
    let text = pair.as_str();
    let node = text.strip_prefix('/').and_then(|text| text.strip_suffix('/')).unwrap_or(text).to_owned();
    Text { node, span: lowering.span(pair) }
}

/// A `value_type` pair.
pub(crate) fn value_type(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<ValueType> {
    let span = lowering.span(&pair);
    let mut strings = Vec::new();
    let mut others = Vec::new();
    let mut null = None;
    for part in Parts::of(pair) {
        match part.as_rule() {
            Rule::string => strings.push(lowering.text(&part)),
            Rule::type_name if part.as_str() == "null" => null = Some(part),
            _ => others.push(part),
        }
    }
    let nullable = null.is_some();
    let strings_span = strings.iter().map(|text: &Text| text.span).reduce(Span::to);
    let alternative = match (others.pop(), strings_span, null) {
        (None, Some(span), _) => ValueType { span, kind: ValueTypeKind::Enum(strings) },
        (Some(part), None, _) if others.is_empty() => value_type_alternative(lowering, part)?,
        (None, None, Some(null)) => return value_type_alternative(lowering, null),
        _ => {
            lowering.problem(
                Diagnostic::error("union_of_types", span, "an attribute has one type")
                    .help("write one type, several strings as in `\"draft\" | \"published\"`, or a type and `| null`"),
            );
            return None;
        }
    };
    if !nullable {
        return Some(alternative);
    }
    Some(ValueType { span, kind: ValueTypeKind::Nullable(Box::new(alternative)) })
}

fn value_type_alternative(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<ValueType> {
    let span = lowering.span(&pair);
    let kind = match pair.as_rule() {
        Rule::list_type => {
            let item = Parts::of(pair).pick(Rule::value_type)?;
            ValueTypeKind::List(Box::new(value_type(lowering, item)?))
        }
        Rule::record_type => {
            let mut fields = Vec::new();
            for part in Parts::of(pair) {
                let attribute = crate::syntax::lower::settings::attribute(lowering, part)?;
                fields.push((attribute.name, attribute.optional, attribute.ty));
            }
            ValueTypeKind::Record(fields)
        }
        _ => ValueTypeKind::Named(pair.as_str().to_owned()),
    };
    Some(ValueType { span, kind })
}
