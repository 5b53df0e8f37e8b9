//! What operators do to values. `None` is unknown: an overflow, or values that no checked policy brings together.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::eval::value_ref::{Items, ValueRef};
use crate::model::value::Key;
use crate::typed::Comparison;

/// A test of two values.
pub(crate) fn compare(comparison: Comparison, left: &ValueRef<'_>, right: &ValueRef<'_>) -> Option<bool> {
    match comparison {
        Comparison::Equal => Some(same(left, right)),
        Comparison::NotEqual => Some(!same(left, right)),
        Comparison::Less => order(left, right).map(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => order(left, right).map(std::cmp::Ordering::is_le),
        Comparison::Greater => order(left, right).map(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => order(left, right).map(std::cmp::Ordering::is_ge),
        Comparison::In => contains(right, left),
        Comparison::Contains => contains(left, right),
        Comparison::ContainsAll => Some(contains_all(items(left)?, items(right)?)),
        Comparison::Intersects => Some(intersect(items(left)?, items(right)?)),
        Comparison::StartsWith => Some(text(left)?.starts_with(text(right)?)),
        Comparison::EndsWith => Some(text(left)?.ends_with(text(right)?)),
    }
}

fn same(left: &ValueRef<'_>, right: &ValueRef<'_>) -> bool {
    match (left, right) {
        (ValueRef::Text(left), ValueRef::Text(right)) => left == right,
        _ => left.key() == right.key(),
    }
}

/// A list and an element, a network or a list of them and an address, two strings.
fn contains(whole: &ValueRef<'_>, part: &ValueRef<'_>) -> Option<bool> {
    match (whole, part) {
        (ValueRef::Network(network), ValueRef::Ip(address)) => Some(network.contains(&address.to_canonical())),
        (ValueRef::List(items), ValueRef::Ip(address)) => Some(covers(items, *address)),
        (ValueRef::List(items), _) => Some(items.holds(&part.key())),
        (ValueRef::Text(whole), ValueRef::Text(part)) => Some(whole.contains(part.as_ref())),
        _ => None,
    }
}

/// A network of one is an address.
fn covers(items: &Items<'_>, address: IpAddr) -> bool {
    let address = IpNet::from(address.to_canonical());
    items.any(|key| matches!(key, Key::Network(network) if network.contains(&address)))
}

/// So many pairs of elements may be compared one by one; for more, one of the lists is indexed.
const PAIRS: usize = 1024;

fn intersect(one: &Items<'_>, other: &Items<'_>) -> bool {
    match (one, other) {
        (Items::Listed(one), Items::Listed(other)) => one.meets(other),
        (Items::Listed(listed), items) | (items, Items::Listed(listed)) => items.any(|key| listed.holds(key)),
        _ if one.len() * other.len() <= PAIRS => one.any(|key| other.holds(key)),
        _ => {
            let indexed = other.clone().into_list();
            one.any(|key| indexed.holds(key))
        }
    }
}

fn contains_all(whole: &Items<'_>, parts: &Items<'_>) -> bool {
    match whole {
        Items::Texts(_) | Items::Json(..) if whole.len() * parts.len() > PAIRS => {
            let indexed = whole.clone().into_list();
            !parts.any(|key| !indexed.holds(key))
        }
        _ => !parts.any(|key| !whole.holds(key)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an integer beside a float is a literal, or rounded as any float is")]
fn order(left: &ValueRef<'_>, right: &ValueRef<'_>) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (ValueRef::Int(one), ValueRef::Int(other)) => Some(one.cmp(other)),
        (ValueRef::Float(one), ValueRef::Float(other)) => one.partial_cmp(other),
        (ValueRef::Int(one), ValueRef::Float(other)) => (*one as f64).partial_cmp(other),
        (ValueRef::Float(one), ValueRef::Int(other)) => one.partial_cmp(&(*other as f64)),
        (ValueRef::Timestamp(one), ValueRef::Timestamp(other)) => Some(one.cmp(other)),
        (ValueRef::Duration(one), ValueRef::Duration(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

pub(crate) fn add<'a>(left: &ValueRef<'a>, right: &ValueRef<'a>) -> Option<ValueRef<'a>> {
    match (left, right) {
        (ValueRef::Int(one), ValueRef::Int(other)) => one.checked_add(*other).map(ValueRef::Int),
        (ValueRef::Text(one), ValueRef::Text(other)) => Some(ValueRef::Text(Cow::Owned(format!("{one}{other}")))),
        (ValueRef::Timestamp(time), ValueRef::Duration(duration))
        | (ValueRef::Duration(duration), ValueRef::Timestamp(time)) => {
            time.checked_add(*duration).ok().map(ValueRef::Timestamp)
        }
        (ValueRef::Duration(one), ValueRef::Duration(other)) => one.checked_add(*other).map(ValueRef::Duration),
        _ => None,
    }
}

pub(crate) fn subtract<'a>(left: &ValueRef<'a>, right: &ValueRef<'a>) -> Option<ValueRef<'a>> {
    match (left, right) {
        (ValueRef::Int(one), ValueRef::Int(other)) => one.checked_sub(*other).map(ValueRef::Int),
        (ValueRef::Timestamp(time), ValueRef::Duration(duration)) => {
            time.checked_sub(*duration).ok().map(ValueRef::Timestamp)
        }
        (ValueRef::Timestamp(one), ValueRef::Timestamp(other)) => Some(ValueRef::Duration(one.duration_since(*other))),
        (ValueRef::Duration(one), ValueRef::Duration(other)) => one.checked_sub(*other).map(ValueRef::Duration),
        _ => None,
    }
}

fn items<'d, 'a>(value: &'d ValueRef<'a>) -> Option<&'d Items<'a>> {
    match value {
        ValueRef::List(items) => Some(items),
        _ => None,
    }
}

fn text<'d>(value: &'d ValueRef<'_>) -> Option<&'d str> {
    match value {
        ValueRef::Text(text) => Some(text),
        _ => None,
    }
}
