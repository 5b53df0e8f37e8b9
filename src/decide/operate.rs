//! What operators do to values. `None` is unknown: an overflow, or values that no checked policy brings together.

use std::collections::HashSet;

use crate::check::typed::Comparison;
use crate::model::value::{Key, Value};

/// A test of two values.
pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value) -> Option<bool> {
    match comparison {
        Comparison::Equal => Some(left == right),
        Comparison::NotEqual => Some(left != right),
        Comparison::Less => order(left, right).map(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => order(left, right).map(std::cmp::Ordering::is_le),
        Comparison::Greater => order(left, right).map(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => order(left, right).map(std::cmp::Ordering::is_ge),
        Comparison::In => contains(right, left),
        Comparison::Contains => contains(left, right),
        Comparison::ContainsAll => {
            let all = keys(left)?;
            Some(list(right)?.iter().all(|value| all.contains(&value.key())))
        }
        Comparison::Intersects => {
            let one = keys(left)?;
            Some(list(right)?.iter().any(|value| one.contains(&value.key())))
        }
        Comparison::StartsWith => Some(text(left)?.starts_with(text(right)?)),
        Comparison::EndsWith => Some(text(left)?.ends_with(text(right)?)),
    }
}

/// A list and an element, a network or a list of them and an address, two strings.
fn contains(whole: &Value, part: &Value) -> Option<bool> {
    match (whole, part) {
        (Value::Network(network), Value::Ip(address)) => Some(network.contains(&address.to_canonical())),
        (Value::List(items), Value::Ip(address)) => Some(items.iter().any(|item| match item {
            Value::Network(network) => network.contains(&address.to_canonical()),
            other => other == part,
        })),
        (Value::List(items), _) => Some(items.contains(part)),
        (Value::String(whole), Value::String(part)) => Some(whole.contains(part.as_str())),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "an integer beside a float is a literal, or rounded as any float is")]
fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Float(one), Value::Float(other)) => one.partial_cmp(other),
        (Value::Int(one), Value::Float(other)) => (*one as f64).partial_cmp(other),
        (Value::Float(one), Value::Int(other)) => one.partial_cmp(&(*other as f64)),
        (Value::Timestamp(one), Value::Timestamp(other)) => Some(one.cmp(other)),
        (Value::Duration(one), Value::Duration(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

pub(super) fn add(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(one), Value::Int(other)) => one.checked_add(*other).map(Value::Int),
        (Value::String(one), Value::String(other)) => Some(Value::String(format!("{one}{other}"))),
        (Value::Timestamp(time), Value::Duration(duration)) | (Value::Duration(duration), Value::Timestamp(time)) => {
            time.checked_add(*duration).ok().map(Value::Timestamp)
        }
        (Value::Duration(one), Value::Duration(other)) => one.checked_add(*other).map(Value::Duration),
        _ => None,
    }
}

pub(super) fn subtract(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(one), Value::Int(other)) => one.checked_sub(*other).map(Value::Int),
        (Value::Timestamp(time), Value::Duration(duration)) => time.checked_sub(*duration).ok().map(Value::Timestamp),
        (Value::Timestamp(one), Value::Timestamp(other)) => Some(Value::Duration(one.duration_since(*other))),
        (Value::Duration(one), Value::Duration(other)) => one.checked_sub(*other).map(Value::Duration),
        _ => None,
    }
}

/// The elements of a list, to look them up by: two lists of thousands mustn't be compared pair by pair.
fn keys(value: &Value) -> Option<HashSet<Key<'_>>> {
    Some(list(value)?.iter().map(Value::key).collect())
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
