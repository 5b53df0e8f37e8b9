//! Operators on known values. `None` is unknown: an overflow, or types that don't match.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use portcullis::syntax::tree::Operator;

use crate::value::Value;

pub(crate) fn apply(left: &Value, operator: Operator, right: &Value) -> Option<Value> {
    match operator {
        Operator::Add => add(left, right),
        Operator::Subtract => subtract(left, right),
        _ => test(left, operator, right).map(Value::Bool),
    }
}

fn test(left: &Value, operator: Operator, right: &Value) -> Option<bool> {
    use std::cmp::Ordering::{Greater, Less};
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => Some(!equal(left, right)?),
        Operator::Less => Some(compare(left, right)? == Less),
        Operator::LessOrEqual => Some(compare(left, right)? != Greater),
        Operator::Greater => Some(compare(left, right)? == Greater),
        Operator::GreaterOrEqual => Some(compare(left, right)? != Less),
        Operator::In => is_in(left, right),
        Operator::Contains => match (left, right) {
            (Value::Text(text), Value::Text(part)) => Some(text.contains(part.as_str())),
            (Value::List(items), item) => has(items, item),
            _ => None,
        },
        Operator::ContainsAll => match (left, right) {
            (Value::List(items), Value::List(wanted)) => {
                let found: Option<Vec<bool>> = wanted.iter().map(|item| has(items, item)).collect();
                Some(found?.into_iter().all(|found| found))
            }
            _ => None,
        },
        Operator::Intersects => match (left, right) {
            (Value::List(items), Value::List(others)) => {
                let found: Option<Vec<bool>> = others.iter().map(|item| has(items, item)).collect();
                Some(found?.into_iter().any(|found| found))
            }
            _ => None,
        },
        Operator::StartsWith => match (left, right) {
            (Value::Text(text), Value::Text(part)) => Some(text.starts_with(part.as_str())),
            _ => None,
        },
        Operator::EndsWith => match (left, right) {
            (Value::Text(text), Value::Text(part)) => Some(text.ends_with(part.as_str())),
            _ => None,
        },
        Operator::Add | Operator::Subtract => None,
    }
}

pub(crate) fn equal(left: &Value, right: &Value) -> Option<bool> {
    Some(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Ip(a), Value::Ip(b)) => a.to_canonical() == b.to_canonical(),
        (Value::Network(a), Value::Network(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            let pairs: Option<Vec<bool>> = a.iter().zip(b).map(|(a, b)| equal(a, b)).collect();
            a.len() == b.len() && pairs?.into_iter().all(|same| same)
        }
        (Value::Record(a), Value::Record(b)) => {
            let fields = a.iter().map(|(name, value)| b.get(name).map_or(Some(false), |other| equal(value, other)));
            let same: Option<Vec<bool>> = fields.collect();
            a.len() == b.len() && same?.into_iter().all(|same| same)
        }
        _ => return None,
    })
}

fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// `in`: an element and a list, an address and a network or a list of them.
fn is_in(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Ip(address), Value::Network(network)) => Some(covers(network, *address)),
        (_, Value::List(items)) => has(items, left),
        _ => None,
    }
}

fn has(items: &[Value], wanted: &Value) -> Option<bool> {
    let found = items.iter().map(|item| match (item, wanted) {
        (Value::Network(network), Value::Ip(address)) => Some(covers(network, *address)),
        _ => equal(item, wanted),
    });
    let found: Option<Vec<bool>> = found.collect();
    Some(found?.into_iter().any(|found| found))
}

/// An address that is an IPv4 address in IPv6's clothes is that IPv4 address.
fn covers(network: &IpNet, address: IpAddr) -> bool {
    network.contains(&address.to_canonical())
}

fn add(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
        (Value::Text(a), Value::Text(b)) => Some(Value::Text(format!("{a}{b}"))),
        (Value::Time(time), Value::Duration(by)) | (Value::Duration(by), Value::Time(time)) => later(*time, *by),
        (Value::Duration(a), Value::Duration(b)) => bounded(a + b),
        _ => None,
    }
}

fn subtract(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map(Value::Int),
        (Value::Time(time), Value::Duration(by)) => later(*time, -*by),
        (Value::Time(a), Value::Time(b)) => Some(Value::Duration(a.as_nanosecond() - b.as_nanosecond())),
        (Value::Duration(a), Value::Duration(b)) => bounded(a - b),
        _ => None,
    }
}

fn later(time: Timestamp, nanoseconds: i128) -> Option<Value> {
    Timestamp::from_nanosecond(time.as_nanosecond() + nanoseconds).ok().map(Value::Time)
}

/// Literals are bounded by a count of milliseconds in 64 bits; so are durations that are reckoned.
fn bounded(nanoseconds: i128) -> Option<Value> {
    i64::try_from(nanoseconds / 1_000_000).is_ok().then_some(Value::Duration(nanoseconds))
}
