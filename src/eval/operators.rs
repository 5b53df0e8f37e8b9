//! What operators do to values. `None` is unknown: an overflow, or values that no checked policy brings together.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::eval::value_ref::{Datum, Items};
use crate::model::value::Key;
use crate::typed::Comparison;

/// A test of two values.
pub(crate) fn compare(comparison: Comparison, left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
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

fn same(left: &Datum<'_>, right: &Datum<'_>) -> bool {
    match (left, right) {
        (Datum::Text(left), Datum::Text(right)) => left == right,
        _ => left.key() == right.key(),
    }
}

/// A list and an element, a network or a list of them and an address, two strings.
fn contains(whole: &Datum<'_>, part: &Datum<'_>) -> Option<bool> {
    match (whole, part) {
        (Datum::Network(network), Datum::Ip(address)) => Some(network.contains(&address.to_canonical())),
        (Datum::List(items), Datum::Ip(address)) => Some(covers(items, *address)),
        (Datum::List(items), _) => Some(items.holds(&part.key())),
        (Datum::Text(whole), Datum::Text(part)) => Some(whole.contains(part.as_ref())),
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
fn order(left: &Datum<'_>, right: &Datum<'_>) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Datum::Int(one), Datum::Int(other)) => Some(one.cmp(other)),
        (Datum::Float(one), Datum::Float(other)) => one.partial_cmp(other),
        (Datum::Int(one), Datum::Float(other)) => (*one as f64).partial_cmp(other),
        (Datum::Float(one), Datum::Int(other)) => one.partial_cmp(&(*other as f64)),
        (Datum::Timestamp(one), Datum::Timestamp(other)) => Some(one.cmp(other)),
        (Datum::Duration(one), Datum::Duration(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

pub(crate) fn add<'a>(left: &Datum<'a>, right: &Datum<'a>) -> Option<Datum<'a>> {
    match (left, right) {
        (Datum::Int(one), Datum::Int(other)) => one.checked_add(*other).map(Datum::Int),
        (Datum::Text(one), Datum::Text(other)) => Some(Datum::Text(Cow::Owned(format!("{one}{other}")))),
        (Datum::Timestamp(time), Datum::Duration(duration)) | (Datum::Duration(duration), Datum::Timestamp(time)) => {
            time.checked_add(*duration).ok().map(Datum::Timestamp)
        }
        (Datum::Duration(one), Datum::Duration(other)) => one.checked_add(*other).map(Datum::Duration),
        _ => None,
    }
}

pub(crate) fn subtract<'a>(left: &Datum<'a>, right: &Datum<'a>) -> Option<Datum<'a>> {
    match (left, right) {
        (Datum::Int(one), Datum::Int(other)) => one.checked_sub(*other).map(Datum::Int),
        (Datum::Timestamp(time), Datum::Duration(duration)) => time.checked_sub(*duration).ok().map(Datum::Timestamp),
        (Datum::Timestamp(one), Datum::Timestamp(other)) => Some(Datum::Duration(one.duration_since(*other))),
        (Datum::Duration(one), Datum::Duration(other)) => one.checked_sub(*other).map(Datum::Duration),
        _ => None,
    }
}

fn items<'d, 'a>(value: &'d Datum<'a>) -> Option<&'d Items<'a>> {
    match value {
        Datum::List(items) => Some(items),
        _ => None,
    }
}

fn text<'d>(value: &'d Datum<'_>) -> Option<&'d str> {
    match value {
        Datum::Text(text) => Some(text),
        _ => None,
    }
}
