//! Prints expressions as policies write them.

use crate::decide::name_of;
use crate::model::operator::Precedence;
use crate::model::value::Value;
use crate::typed::{Expr, TypedPolicy};

/// Prints an expression, cut after 100 characters.
pub(crate) fn print(expr: &Expr, policy: &TypedPolicy) -> String {
    const LONGEST: usize = 100;
    let text = print_at(expr, policy, 0);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// The deepest level that is printed.
const DEEPEST: usize = 6;

fn print_at(expr: &Expr, policy: &TypedPolicy, depth: usize) -> String {
    if depth > DEEPEST {
        return "…".to_owned();
    }
    let of = |expr: &Expr| print_at(expr, policy, depth + 1);
    let is_sum = |expr: &Expr| matches!(expr, Expr::Binary(operator, ..) if operator.precedence() == Precedence::Sum);
    let inner = |expr: &Expr| match expr {
        Expr::All(_) | Expr::Any(_) | Expr::Binary(..) | Expr::Matches(..) | Expr::IsNull(_) if !is_sum(expr) => {
            format!("({})", of(expr))
        }
        _ => of(expr),
    };
    // Sums group from the left, and bind less tightly than `??`.
    let tight = |expr: &Expr| if is_sum(expr) { format!("({})", of(expr)) } else { inner(expr) };
    let joined = |parts: &[Expr], by: &str| parts.iter().map(inner).collect::<Vec<_>>().join(by);
    match expr {
        Expr::Constant(value) => constant(value),
        Expr::Read(read) => name_of(read, policy),
        Expr::Field(whole, name) => format!("{}.{name}", of(whole)),
        Expr::List(items) => format!("[{}]", items.iter().map(of).collect::<Vec<_>>().join(", ")),
        Expr::Record(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {}", of(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Expr::Coalesce(operands) => operands.iter().map(tight).collect::<Vec<_>>().join(" ?? "),
        Expr::Has(what) => format!("has({})", of(what)),
        Expr::HasUser => "has(user)".to_owned(),
        Expr::IsNull(what) => format!("{} == null", inner(what)),
        Expr::Is(role) => format!("user is {}", policy.role_names.get(*role)),
        Expr::Binary(operator, left, right) => {
            let right = if is_sum(expr) { tight(right) } else { inner(right) };
            format!("{} {} {right}", inner(left), operator.text())
        }
        Expr::Matches(what, pattern) => format!("{} matches /{}/", inner(what), pattern.0.as_str()),
        Expr::Not(what) => format!("not {}", inner(what)),
        Expr::All(parts) => joined(parts, " and "),
        Expr::Any(parts) => joined(parts, " or "),
        Expr::Condition(id) => inner(&policy.conditions[*id].expr),
    }
}

fn constant(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", text.escape_default()),
        Value::List(items) => format!("[{}]", items.iter().map(constant).collect::<Vec<_>>().join(", ")),
        other => {
            let json = serde_json::to_value(other).unwrap_or_default();
            json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned)
        }
    }
}
