//! Evaluates expressions. Evaluation is total: it gives *unknown* where a fact is missing, and *pending* where the input is.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::collections::table::Id;
use crate::eval::context::Environment;
use crate::eval::reads::{name_of, read};
use crate::model::truth::Truths;
use crate::model::value::{Known, Value};
use crate::typed::{Condition, Expr};
use crate::values::operators;
use crate::values::value_ref::ValueRef;

/// The value depends on input that isn't read yet.
pub(crate) struct Pending;

pub(crate) type Evaluated<'a> = Result<Known<ValueRef<'a>>, Pending>;

/// Evaluates an expression. A pending value is unknown.
pub(crate) fn evaluate<'a>(expr: &'a Expr, environment: &Environment<'a>) -> Known<ValueRef<'a>> {
    value(expr, environment).unwrap_or(Known::Unknown)
}

/// Evaluates `??`: returns the position and the value of the first operand that isn't absent.
pub(crate) fn coalesce<'a>(operands: &'a [Expr], environment: &Environment<'a>) -> (usize, Known<ValueRef<'a>>) {
    first(operands, environment).unwrap_or((operands.len(), Known::Unknown))
}

fn first<'a>(operands: &'a [Expr], environment: &Environment<'a>) -> Result<(usize, Known<ValueRef<'a>>), Pending> {
    for (branch, operand) in operands.iter().enumerate() {
        match value(operand, environment)? {
            Known::Absent => {}
            known => return Ok((branch, known)),
        }
    }
    Ok((operands.len(), Known::Absent))
}

/// Evaluates a condition. The outcome is one truth, unless input is pending.
pub(crate) fn truth<'a>(expr: &'a Expr, environment: &Environment<'a>) -> Truths {
    match expr {
        Expr::Not(inner) => truth(inner, environment).not(),
        Expr::All(parts) => junction(parts, Truths::TRUE, Truths::and, environment),
        Expr::Any(parts) => junction(parts, Truths::FALSE, Truths::or, environment),
        Expr::Condition(id) => condition(*id, environment),
        Expr::HasUser => Truths::of(environment.context.user.is_some()),
        Expr::Is(role) => {
            let policy = environment.context.policy;
            Truths::of(environment.context.user.is_some_and(|user| policy.in_role(&user.roles, *role)))
        }
        Expr::Has(of) => test(value(of, environment), |known| match known {
            Known::Value(_) => Some(true),
            Known::Absent => Some(false),
            Known::Unknown => None,
        }),
        Expr::IsNull(of) => test(value(of, environment), |known| match known {
            Known::Value(value) => Some(matches!(value, ValueRef::Null)),
            Known::Absent => Some(true),
            Known::Unknown => None,
        }),
        Expr::Matches(of, regex) => test(value(of, environment), |known| match known {
            Known::Value(ValueRef::Text(text)) => Some(regex.0.is_match(&text)),
            _ => None,
        }),
        Expr::Constant(_)
        | Expr::Read(_)
        | Expr::Field(..)
        | Expr::List(_)
        | Expr::Record(_)
        | Expr::Coalesce(_)
        | Expr::Binary(..) => test(value(expr, environment), |known| match known {
            Known::Value(ValueRef::Bool(value)) => Some(value),
            _ => None,
        }),
    }
}

/// Joins the truths of all parts, until one decides.
#[inline]
fn junction<'a>(
    parts: &'a [Expr],
    neutral: Truths,
    join: impl Fn(Truths, Truths) -> Truths,
    environment: &Environment<'a>,
) -> Truths {
    let mut joined = neutral;
    for part in parts {
        joined = join(joined, truth(part, environment));
        if joined == neutral.not() {
            break;
        }
    }
    joined
}

fn test<'a>(evaluated: Evaluated<'a>, test: impl FnOnce(Known<ValueRef<'a>>) -> Option<bool>) -> Truths {
    match evaluated {
        Ok(known) => test(known).map_or(Truths::UNKNOWN, Truths::of),
        Err(Pending) => Truths::ANY,
    }
}

fn condition<'a>(id: Id<Condition>, environment: &Environment<'a>) -> Truths {
    let condition = &environment.context.policy.conditions[id];
    if !condition.compound {
        return truth(&condition.expr, environment);
    }
    if let Some(known) = environment.outcomes.borrow().get(&id) {
        return *known;
    }
    let outcome = truth(&condition.expr, environment);
    environment.outcomes.borrow_mut().insert(id, outcome);
    outcome
}

fn value<'a>(expr: &'a Expr, environment: &Environment<'a>) -> Evaluated<'a> {
    match expr {
        Expr::Constant(value) => Ok(Known::Value(ValueRef::of(value))),
        Expr::Read(what) => read(what, environment),
        Expr::Field(of, name) => Ok(match value(of, environment)? {
            Known::Value(ValueRef::Record(Cow::Borrowed(fields))) => {
                let field = fields.iter().find(|(known, _)| known == name);
                field.map_or(Known::Absent, |(_, value)| Known::Value(ValueRef::of(value)))
            }
            Known::Value(ValueRef::Record(Cow::Owned(fields))) => {
                let field = fields.into_iter().find(|(known, _)| known == name);
                field.map_or(Known::Absent, |(_, value)| Known::Value(ValueRef::owned(value)))
            }
            Known::Absent => Known::Absent,
            Known::Value(_) | Known::Unknown => Known::Unknown,
        }),
        Expr::List(items) => {
            let items = all(items.iter(), environment)?;
            Ok(items.map_or(Known::Unknown, |items| {
                Known::Value(ValueRef::owned(Value::List(items.into_iter().map(ValueRef::into_value).collect())))
            }))
        }
        Expr::Record(fields) => {
            let values = all(fields.iter().map(|(_, value)| value), environment)?;
            let names = fields.iter().map(|(name, _)| name.clone());
            Ok(values.map_or(Known::Unknown, |values| {
                let values = values.into_iter().map(ValueRef::into_value);
                Known::Value(ValueRef::owned(Value::record(names.zip(values).collect())))
            }))
        }
        Expr::Coalesce(operands) => Ok(first(operands, environment)?.1),
        Expr::Binary(operator, left, right) => match (value(left, environment), value(right, environment)) {
            (Ok(Known::Value(left)), Ok(Known::Value(right))) => {
                Ok(operators::run(*operator, &left, &right).map_or(Known::Unknown, Known::Value))
            }
            // One missing operand makes the result unknown, whatever the pending one will be.
            (Ok(Known::Absent | Known::Unknown), _) | (_, Ok(Known::Absent | Known::Unknown)) => Ok(Known::Unknown),
            _ => Err(Pending),
        },
        Expr::HasUser
        | Expr::Has(_)
        | Expr::IsNull(_)
        | Expr::Is(_)
        | Expr::Matches(..)
        | Expr::Not(_)
        | Expr::All(_)
        | Expr::Any(_)
        | Expr::Condition(_) => match truth(expr, environment) {
            Truths::TRUE => Ok(Known::Value(ValueRef::Bool(true))),
            Truths::FALSE => Ok(Known::Value(ValueRef::Bool(false))),
            Truths::UNKNOWN => Ok(Known::Unknown),
            _ => Err(Pending),
        },
    }
}

/// Evaluates all expressions. Returns `None` if one is absent or unknown.
fn all<'a>(
    exprs: impl Iterator<Item = &'a Expr>,
    environment: &Environment<'a>,
) -> Result<Option<Vec<ValueRef<'a>>>, Pending> {
    let mut values = Vec::new();
    let (mut sound, mut pending) = (true, false);
    for expr in exprs {
        match value(expr, environment) {
            Ok(Known::Value(value)) => values.push(value),
            Ok(Known::Absent | Known::Unknown) => sound = false,
            Err(Pending) => pending = true,
        }
    }
    match (sound, pending) {
        (false, _) => Ok(None),
        (true, true) => Err(Pending),
        (true, false) => Ok(Some(values)),
    }
}

/// The names of the unknown facts that a condition reads, at most five.
#[derive(Default)]
pub(crate) struct Unknowns {
    pub(crate) names: Vec<String>,
    seen: HashSet<Id<Condition>>,
}

impl Unknowns {
    pub(crate) fn collect<'a>(&mut self, expr: &'a Expr, environment: &Environment<'a>) {
        const MOST: usize = 5;
        expr.any(&mut |part| {
            match part {
                Expr::Read(what) if matches!(read(what, environment), Ok(Known::Unknown)) => {
                    let name = name_of(what, environment.context.policy);
                    if !self.names.contains(&name) {
                        self.names.push(name);
                    }
                }
                Expr::Condition(id) if self.seen.insert(*id) => {
                    self.collect(&environment.context.policy.conditions[*id].expr, environment);
                }
                _ => {}
            }
            self.names.len() >= MOST
        });
    }
}
