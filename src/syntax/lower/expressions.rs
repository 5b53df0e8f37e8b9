//! Lowers pairs to expressions and value types. No tree is deeper than [`DEPTH_LIMIT`].

use crate::model::diagnostic::Diagnostic;
use crate::model::operator::{Operator, Precedence};
use crate::syntax::lower::{Lowering, Pair, Parts};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{Expression, ExpressionKind, Span, Text, ValueType, ValueTypeKind};
use crate::syntax::{DEPTH_LIMIT, literal};

use std::iter::Peekable;

/// An expression with its number of levels.
struct Deep {
    expression: Expression,
    depth: usize,
}

impl Deep {
    fn over(span: Span, below: usize, kind: ExpressionKind) -> Self {
        Self { expression: Expression { span, kind }, depth: below + 1 }
    }
}

/// Lowers an `expression` pair.
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

/// The loosest precedence. Each function below calls that of the next precedence.
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
    let Some(token) = tokens.next_if(is_comparison) else { return Some(left) };
    let operator_span = lowering.span(&token);
    let compared = match token.as_rule() {
        Rule::is_test => {
            let role = lowering.text(&Parts::of(token).pick(Rule::role_name)?);
            let span = left.expression.span.to(role.span);
            Deep::over(span, left.depth, ExpressionKind::Is(Box::new(left.expression), role))
        }
        Rule::matches_test => {
            let regex = regex(lowering, &Parts::of(token).pick(Rule::regex)?);
            let span = left.expression.span.to(operator_span);
            Deep::over(span, left.depth, ExpressionKind::Matches(Box::new(left.expression), regex))
        }
        _ => {
            let operator = operator(&token, Precedence::Comparison)?;
            let right = sum(lowering, tokens)?;
            binary(left, operator, right)
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
    matches!(token.as_rule(), Rule::is_test | Rule::matches_test) || operator(token, Precedence::Comparison).is_some()
}

/// The operator that a token is, if it has the precedence.
fn operator(token: &Pair<'_>, precedence: Precedence) -> Option<Operator> {
    let operator = Operator::of_text(token.as_str()).filter(|_| token.as_rule() == Rule::infix);
    operator.filter(|operator| operator.precedence() == precedence)
}

fn binary(left: Deep, operator: Operator, right: Deep) -> Deep {
    let span = left.expression.span.to(right.expression.span);
    let kind = ExpressionKind::Binary(Box::new(left.expression), operator, Box::new(right.expression));
    Deep::over(span, left.depth.max(right.depth), kind)
}

/// Lowers `a + b - c` from the left. Its length is depth, so it is bounded while it grows.
fn sum(lowering: &mut Lowering<'_>, tokens: &mut Tokens<'_>) -> Option<Deep> {
    let mut left = coalesce(lowering, tokens)?;
    while let Some(operator) = tokens.peek().and_then(|token| operator(token, Precedence::Sum)) {
        tokens.next();
        left = binary(left, operator, coalesce(lowering, tokens)?);
        if left.depth > DEPTH_LIMIT {
            lowering.problem(crate::syntax::nested_too_deeply(left.expression.span, "expression"));
            return None;
        }
    }
    Some(left)
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
                return Some(Deep::over(span, 0, ExpressionKind::Path(names)));
            };
            let (arguments, depth) = expressions(lowering, Parts::of(arguments))?;
            Some(Deep::over(span, depth, ExpressionKind::Call(names, arguments)))
        }
        _ => Some(Deep::over(span, 0, ExpressionKind::Literal(literal::literal(lowering, &inner)?))),
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

/// The text of a regex without its slashes. `\/` stays, as it is a slash to the regex.
pub(crate) fn regex(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Text {
    let text = pair.as_str();
    let node = text.strip_prefix('/').and_then(|text| text.strip_suffix('/')).unwrap_or(text).to_owned();
    Text { node, span: lowering.span(pair) }
}

/// Lowers a `value_type` pair.
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
                let attribute = crate::syntax::lower::attribute(lowering, part)?;
                fields.push((attribute.name, attribute.optional, attribute.ty));
            }
            ValueTypeKind::Record(fields)
        }
        _ => ValueTypeKind::Named(pair.as_str().to_owned()),
    };
    Some(ValueType { span, kind })
}
