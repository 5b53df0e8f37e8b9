//! The operators that take two values: for each, the types that it takes and its run. `model::operator` has their texts.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::operator::Operator;
use crate::model::value::Key;
use crate::syntax::tree::Expression;
use crate::typed::Type;
use crate::values::value_ref::{Items, ValueRef};

/// An operand as written, and its type.
pub(crate) type Side<'e> = (&'e Expression, &'e Type);

/// The outcome of typing an operator.
pub(crate) enum Typing<'e> {
    /// The type of the result.
    Result(Type),
    /// The result is a `bool` if these types unify. The text begins the message if they don't.
    Unify(Side<'e>, Side<'e>, &'static str),
    /// The operator doesn't take these types. The text is the help.
    Mismatch(&'static str),
}

/// True if the operator takes operands that may be `null`.
pub(crate) fn takes_null(operator: Operator) -> bool {
    matches!(operator, Operator::Equal | Operator::NotEqual | Operator::In)
}

/// Types an operator.
pub(crate) fn typing<'e>(operator: Operator, left: Side<'e>, right: Side<'e>) -> Typing<'e> {
    const COMPARE: &str = "can't compare";
    let is_ordered = |ty: &Type| matches!(ty, Type::Int | Type::Float | Type::Timestamp | Type::Duration);
    match (operator, left.1, right.1) {
        (Operator::Equal | Operator::NotEqual, Type::Opaque, _)
        | (Operator::Equal | Operator::NotEqual, _, Type::Opaque) => {
            Typing::Mismatch("what may be of any type can only be asked for: `has(…)`")
        }
        (Operator::Equal | Operator::NotEqual, ..) => Typing::Unify(left, right, COMPARE),
        (Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual, one, other) => {
            match is_ordered(one) || is_ordered(other) {
                true => Typing::Unify(left, right, COMPARE),
                false => Typing::Mismatch("numbers, timestamps and durations have an order"),
            }
        }
        (
            Operator::StartsWith | Operator::EndsWith | Operator::Contains,
            Type::String | Type::Enum(_),
            Type::String | Type::Enum(_),
        ) => Typing::Result(Type::Bool),
        (Operator::StartsWith | Operator::EndsWith, ..) => Typing::Mismatch("both sides are a `string`"),
        (Operator::Contains, Type::String | Type::Enum(_), _) => {
            Typing::Mismatch("a string contains a string: write one on the right, too")
        }
        (Operator::Contains, Type::List(item), _) => Typing::Unify(right, (left.0, item), COMPARE),
        (Operator::Contains, ..) => {
            Typing::Mismatch("a list contains an element, and a string a string; an element is `in` a list")
        }
        (Operator::In, Type::Ip, Type::Cidr) => Typing::Result(Type::Bool),
        (Operator::In, Type::Ip, Type::List(item)) if **item == Type::Cidr => Typing::Result(Type::Bool),
        (Operator::In, _, Type::List(item)) => Typing::Unify(left, (right.0, item), COMPARE),
        (Operator::In, Type::Ip, _) => {
            Typing::Mismatch("an address is in a network or a list of them: `client.ip in [10.0.0.0/8]`")
        }
        (Operator::In, _, Type::String) => Typing::Mismatch("for a part of a string, write `TEXT contains PART`"),
        (Operator::In, ..) => Typing::Mismatch("what stands right of `in` is a list: `… in [a, b]`"),
        (Operator::ContainsAll | Operator::Intersects, Type::List(one), Type::List(other)) => {
            Typing::Unify((left.0, one), (right.0, other), "can't compare lists of")
        }
        (Operator::ContainsAll | Operator::Intersects, ..) => {
            Typing::Mismatch("both sides are lists: `… intersects [a, b]`")
        }
        (Operator::Add | Operator::Subtract, Type::Int, Type::Int) => Typing::Result(Type::Int),
        (Operator::Add | Operator::Subtract, Type::Duration, Type::Duration)
        | (Operator::Subtract, Type::Timestamp, Type::Timestamp) => Typing::Result(Type::Duration),
        (Operator::Add | Operator::Subtract, Type::Timestamp, Type::Duration)
        | (Operator::Add, Type::Duration, Type::Timestamp) => Typing::Result(Type::Timestamp),
        (Operator::Add, Type::String | Type::Enum(_), Type::String | Type::Enum(_)) => Typing::Result(Type::String),
        (Operator::Add, ..) => Typing::Mismatch("`+` adds `int`s, durations, a time and a duration, or joins strings"),
        (Operator::Subtract, ..) => {
            Typing::Mismatch("`-` takes `int`s, durations, a duration from a time, or a time from a time")
        }
    }
}

/// Runs an operator. `None` is unknown: an overflow, or types that no checked policy brings together.
pub(crate) fn run<'a>(operator: Operator, left: &ValueRef<'a>, right: &ValueRef<'a>) -> Option<ValueRef<'a>> {
    Some(ValueRef::Bool(match operator {
        Operator::Equal => same(left, right),
        Operator::NotEqual => !same(left, right),
        Operator::Less => order(left, right)?.is_lt(),
        Operator::LessOrEqual => order(left, right)?.is_le(),
        Operator::Greater => order(left, right)?.is_gt(),
        Operator::GreaterOrEqual => order(left, right)?.is_ge(),
        Operator::In => contains(right, left)?,
        Operator::Contains => contains(left, right)?,
        Operator::ContainsAll => contains_all(items(left)?, items(right)?),
        Operator::Intersects => intersect(items(left)?, items(right)?),
        Operator::StartsWith => text(left)?.starts_with(text(right)?),
        Operator::EndsWith => text(left)?.ends_with(text(right)?),
        Operator::Add => return add(left, right),
        Operator::Subtract => return subtract(left, right),
    }))
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
        (ValueRef::List(items), _) => Some(items.contains(&part.key())),
        (ValueRef::Text(whole), ValueRef::Text(part)) => Some(whole.contains(part.as_ref())),
        _ => None,
    }
}

/// True if one of the networks contains the address. An address among them is a network of one.
fn covers(items: &Items<'_>, address: IpAddr) -> bool {
    let address = IpNet::from(address.to_canonical());
    items.any(|key| matches!(key, Key::Network(network) if network.contains(&address)))
}

/// The most pairs of elements that are compared one by one. Beyond, one of the lists is indexed.
const PAIRS: usize = 1024;

fn intersect(one: &Items<'_>, other: &Items<'_>) -> bool {
    match (one, other) {
        (Items::Listed(one), Items::Listed(other)) => one.meets(other),
        (Items::Listed(listed), items) | (items, Items::Listed(listed)) => items.any(|key| listed.holds(key)),
        _ if one.len() * other.len() <= PAIRS => one.any(|key| other.contains(key)),
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
        _ => !parts.any(|key| !whole.contains(key)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an integer beside a float is a literal, or rounded as any float is")]
fn order(left: &ValueRef<'_>, right: &ValueRef<'_>) -> Option<Ordering> {
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

fn add<'a>(left: &ValueRef<'a>, right: &ValueRef<'a>) -> Option<ValueRef<'a>> {
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

fn subtract<'a>(left: &ValueRef<'a>, right: &ValueRef<'a>) -> Option<ValueRef<'a>> {
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
