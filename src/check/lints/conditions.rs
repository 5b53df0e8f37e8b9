//! Conditions that are constant.

use std::collections::HashMap;

use crate::check::checker::{Checker, Report};
use crate::check::lints::references::{each_clause, each_expression, each_rule};
use crate::check::lints::regexes::Regexes;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::{
    ClauseKind, Effect, Expression, ExpressionKind, LimitEntry, Literal, Operator, Polarity, Rule, SchemaEntry,
};

/// Named conditions that are true or false whatever is asked.
type Known<'t> = HashMap<&'t str, Option<bool>>;

pub(crate) fn conditions(checker: &Checker<'_>) {
    let names = &checker.names;
    let mut known = Known::new();
    for (name, _) in names.conditions.iter() {
        named(checker, name, &mut known);
    }
    // Every condition by itself, and whether bare names in it are those of conditions.
    let mut roots: Vec<(&Expression, bool)> = Vec::new();
    names.conditions.values().for_each(|condition| roots.push((&condition.expression, true)));
    each_rule(names, &mut |rule| {
        if let Some((_, condition)) = rule.condition.as_ref().filter(|_| !never_holds(rule)) {
            roots.push((condition, true));
        }
    });
    each_clause(names, &mut |clause| {
        if let ClauseKind::When(condition) = &clause.kind {
            roots.push((condition, true));
        }
    });
    for entry in names.limits.values().flat_map(|limit| &limit.entries) {
        if let LimitEntry::SkipWhen(condition) = &entry.node {
            roots.push((condition, true));
        }
    }
    for entry in names.schemas.values().flat_map(|schema| &schema.entries) {
        if let SchemaEntry::Check(check, _) = entry {
            roots.push((check, false));
        }
    }
    let none = Known::new();
    for (root, named) in roots {
        report_constant(root, if named { &known } else { &none }, checker);
    }

    let mut regexes = Regexes::default();
    each_expression(names, &mut |expression| match &expression.kind {
        ExpressionKind::Binary(left, operator, right) => {
            let written = |part: &Expression| checker.written(part.span);
            let constant = matches!(left.kind, ExpressionKind::Literal(_));
            if !constant && compares(*operator) && written(left) == written(right) {
                Diagnostic::warning("self_comparison", expression.span, "this compares a value with itself")
                    .help("write the other value that was meant; to ask whether it is there, write `has(…)`")
                    .report(checker);
            }
        }
        ExpressionKind::Matches(_, pattern) => regexes.loose(pattern, checker),
        _ => {}
    });
}

/// True for a `forbid` whose condition is always false. The rule itself is reported.
pub(crate) fn never_holds(rule: &Rule) -> bool {
    let Some((polarity, condition)) = &rule.condition else { return false };
    matches!(rule.effect, Effect::Forbid { .. })
        && decided(condition, &Known::new()) == Some(*polarity == Polarity::Unless)
}

/// A condition after all that it names, which is never more than a few hundred levels.
fn named<'n>(checker: &Checker<'n>, name: &'n str, known: &mut Known<'n>) {
    if known.contains_key(name) {
        return;
    }
    let Some((_, condition)) = checker.names.conditions.get(name) else { return };
    known.insert(name, None);
    let mut inner = Vec::new();
    crate::check::expressions::bare_names(&condition.expression, &mut |name| inner.push(name.node.as_str()));
    inner.into_iter().for_each(|name| named(checker, name, known));
    let value = decided(&condition.expression, known);
    known.insert(name, value);
}

/// Reports the outermost parts that are constant.
fn report_constant(expression: &Expression, known: &Known<'_>, checker: &Checker<'_>) {
    // Where a condition is used, nothing is said of what was said where it is declared.
    if matches!(expression.kind, ExpressionKind::Path(_)) {
        return;
    }
    if let Some(value) = decided(expression, known) {
        Diagnostic::warning("constant_condition", expression.span, format!("this is always {value}"))
            .report_with(checker, "write what it should depend on, or take it out");
        return;
    }
    match &expression.kind {
        ExpressionKind::All(parts) | ExpressionKind::Any(parts) => {
            parts.iter().for_each(|part| report_constant(part, known, checker));
        }
        ExpressionKind::Not(inner) => report_constant(inner, known, checker),
        _ => {}
    }
}

fn compares(operator: Operator) -> bool {
    use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    matches!(operator, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual)
}

/// The constant value of an expression. `a or not a` has none: it is unknown where `a` is.
fn decided(expression: &Expression, known: &Known<'_>) -> Option<bool> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Bool(value)) => Some(*value),
        ExpressionKind::Path(path) => match path.as_slice() {
            [name] => known.get(name.node.as_str()).copied().flatten(),
            _ => None,
        },
        ExpressionKind::Not(inner) => decided(inner, known).map(|value| !value),
        ExpressionKind::All(parts) => junction(parts, known, false),
        ExpressionKind::Any(parts) => junction(parts, known, true),
        ExpressionKind::Binary(left, operator, right) => match (&left.kind, &right.kind) {
            (ExpressionKind::Literal(left), ExpressionKind::Literal(right)) => compared(left, *operator, right),
            _ => None,
        },
        _ => None,
    }
}

/// One part that is `decisive` decides; otherwise all must be the other way.
fn junction(parts: &[Expression], known: &Known<'_>, decisive: bool) -> Option<bool> {
    let values: Vec<Option<bool>> = parts.iter().map(|part| decided(part, known)).collect();
    if values.contains(&Some(decisive)) {
        return Some(decisive);
    }
    values.iter().all(|value| *value == Some(!decisive)).then_some(!decisive)
}

fn compared(left: &Literal, operator: Operator, right: &Literal) -> Option<bool> {
    use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let order = match (left, right) {
        (Literal::Int(left), Literal::Int(right)) => left.cmp(right),
        (Literal::Duration(left), Literal::Duration(right)) => left.cmp(right),
        (Literal::String(left), Literal::String(right)) => left.cmp(right),
        (Literal::Bool(left), Literal::Bool(right)) => left.cmp(right),
        _ => return None,
    };
    match operator {
        Equal => Some(order.is_eq()),
        NotEqual => Some(order.is_ne()),
        Less => Some(order.is_lt()),
        LessOrEqual => Some(order.is_le()),
        Greater => Some(order.is_gt()),
        GreaterOrEqual => Some(order.is_ge()),
        _ => None,
    }
}
