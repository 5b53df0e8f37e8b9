//! Values that conditions mention: their constants, prefixes, and texts that match their patterns.

use std::collections::HashSet;

use crate::analyze::solver::regex;
use crate::analyze::solver::samples::Family;
use crate::model::operator::Operator;
use crate::model::value::Value;
use crate::typed::{Expr, TypedPolicy};

/// Adds the constants of a condition. Returns true if it adds or subtracts.
pub(crate) fn constants(policy: &TypedPolicy, condition: &Expr, out: &mut HashSet<Value>) -> bool {
    let mut has_sums = false;
    policy.any_part(condition, &mut |part| {
        match part {
            Expr::Constant(Value::List(items)) => out.extend(items.iter().cloned()),
            Expr::Constant(value) if Family::of_value(value).is_some() => drop(out.insert(value.clone())),
            Expr::Binary(Operator::Add | Operator::Subtract, ..) => has_sums = true,
            _ => {}
        }
        false
    });
    has_sums
}

/// Adds the prefixes that a condition compares texts with.
pub(crate) fn prefixes(policy: &TypedPolicy, condition: &Expr, out: &mut Vec<String>) {
    policy.any_part(condition, &mut |part| {
        if let Expr::Binary(Operator::StartsWith, _, with) = part {
            out.extend(if let Expr::Constant(Value::String(text)) = &**with { Some(text.clone()) } else { None });
        }
        false
    });
}

/// The number of comparisons that may need an element of their own in a list.
pub(crate) fn list_comparisons(policy: &TypedPolicy, condition: &Expr) -> usize {
    let mut count = 0;
    condition.any(&mut |part| {
        match part {
            Expr::Binary(Operator::ContainsAll | Operator::Intersects | Operator::Equal | Operator::NotEqual, ..) => {
                count += 1;
            }
            Expr::Condition(id) => count += list_comparisons(policy, &policy.conditions[*id].expr),
            _ => {}
        }
        false
    });
    count
}

/// Adds a text for each pattern of a condition.
pub(crate) fn matching_texts(policy: &TypedPolicy, condition: &Expr, out: &mut dyn FnMut(String)) {
    let mut inner = Vec::new();
    condition.any(&mut |part| {
        match part {
            Expr::Matches(_, pattern) => regex::sample(pattern.0.as_str()).into_iter().for_each(&mut *out),
            Expr::Condition(id) => inner.push(*id),
            _ => {}
        }
        false
    });
    for id in inner {
        matching_texts(policy, &policy.conditions[id].expr, out);
    }
}
