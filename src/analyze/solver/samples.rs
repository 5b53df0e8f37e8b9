//! Sample values: at least one for each case that the conditions at hand distinguish.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::analyze::scenario::NOW;
use crate::graph::Partition;
use crate::model::value::Value;
use crate::typed::Type;

/// Types whose values can replace each other in conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    Text,
    Int,
    Float,
    Time,
    Duration,
    Address,
    Network,
}

impl Family {
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        match ty {
            Type::String | Type::Enum(_) => Some(Self::Text),
            Type::Int => Some(Self::Int),
            Type::Float => Some(Self::Float),
            Type::Timestamp => Some(Self::Time),
            Type::Duration => Some(Self::Duration),
            Type::Ip => Some(Self::Address),
            Type::Cidr => Some(Self::Network),
            Type::Nullable(inner) => Self::of(inner),
            _ => None,
        }
    }

    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(_) => Some(Self::Text),
            Value::Int(_) => Some(Self::Int),
            Value::Float(_) => Some(Self::Float),
            Value::Timestamp(_) => Some(Self::Time),
            Value::Duration(_) => Some(Self::Duration),
            Value::Ip(_) => Some(Self::Address),
            Value::Network(_) => Some(Self::Network),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Record(_) => None,
        }
    }
}

/// Values of all families, in the order in which they are tried.
#[derive(Debug, Default)]
pub(crate) struct Samples<'p> {
    values: Vec<Value>,
    seen: HashSet<Value>,
    /// The partitions whose named texts fresh values avoid.
    partitions: Vec<&'p Partition>,
    /// True if some values were left out.
    pub(crate) cut: bool,
}

/// The most values.
const MOST: usize = 400;

impl<'p> Samples<'p> {
    pub(crate) fn add(&mut self, value: Value) {
        if self.values.len() >= MOST {
            self.cut = true;
        } else if self.seen.insert(value.clone()) {
            self.values.push(value);
        }
    }

    /// Keeps fresh values different from the texts that a partition names.
    pub(crate) fn avoid(&mut self, partition: &'p Partition) {
        self.partitions.push(partition);
    }

    fn is_named(&self, value: &Value) -> bool {
        let Value::String(text) = value else { return false };
        self.partitions.iter().any(|partition| partition.names(text))
    }

    pub(crate) fn of(&self, family: Family) -> impl Iterator<Item = &Value> {
        self.values.iter().filter(move |value| Family::of_value(value) == Some(family))
    }

    /// Adds values that no condition names.
    pub(crate) fn add_fresh(&mut self, family: Family, count: usize) {
        self.add_unnamed(count, |number| fresh(family, number));
    }

    /// Adds texts with a prefix that no condition names, and that have none of the longer prefixes.
    pub(crate) fn add_prefixed(&mut self, prefix: &str, prefixes: &[String], count: usize) {
        let longer: Vec<&String> =
            prefixes.iter().filter(|other| other.len() > prefix.len() && other.starts_with(prefix)).collect();
        let letter = ('a'..='z').rev().find(|letter| {
            let begun = format!("{prefix}{letter}");
            !longer.iter().any(|other| other.starts_with(&begun))
        });
        match letter {
            Some(letter) => self.add_unnamed(count, |number| Some(Value::String(format!("{prefix}{letter}{number}")))),
            None => self.cut = true,
        }
    }

    /// Adds `count` values of a numbered series, and skips those that conditions name.
    pub(crate) fn add_unnamed(&mut self, count: usize, value: impl Fn(u32) -> Option<Value>) {
        let mut made = 0;
        for number in 1.. {
            if made >= count {
                return;
            }
            let Some(value) = value(number) else { break };
            if !self.seen.contains(&value) && !self.is_named(&value) {
                self.add(value);
                made += 1;
            }
        }
        self.cut = true;
    }

    /// Adds, in each round, the values next to the known ones, and those at the distances and next to them.
    pub(crate) fn spread(&mut self, family: Family, distances: &[Value], rounds: usize) {
        for _ in 0..rounds {
            let known: Vec<Value> = self.of(family).cloned().collect();
            for value in &known {
                for near in near(value) {
                    self.add(near);
                }
                for distance in distances {
                    for far in at_distance(value, distance).into_iter().flatten() {
                        near(&far).into_iter().for_each(|near| self.add(near));
                        self.add(far);
                    }
                }
            }
        }
    }
}

/// A value of a numbered series that conditions rarely name.
pub(crate) fn fresh(family: Family, number: u32) -> Option<Value> {
    let small = i64::from(number);
    Some(match family {
        Family::Text => Value::String(format!("x{number}")),
        Family::Int => Value::Int(small - 1),
        Family::Float => Value::Float(f64::from(number) - 1.0),
        Family::Time => Value::Timestamp(NOW.checked_add(SignedDuration::from_secs(small - 1)).ok()?),
        Family::Duration => Value::Duration(SignedDuration::from_secs(small)),
        // Addresses for documentation (RFC 5737).
        Family::Address => Value::Ip(documented(number)?),
        Family::Network => Value::Network(IpNet::from(documented(number)?)),
    })
}

fn documented(number: u32) -> Option<IpAddr> {
    let last = u8::try_from(number).ok().filter(|last| *last < 255)?;
    Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, last)))
}

/// A UUID of version 4 with a number.
pub(crate) fn uuid(number: u32) -> Value {
    Value::String(format!("00000000-0000-4000-8000-{number:012x}"))
}

/// The nearest values of the same type.
pub(crate) fn near(value: &Value) -> Vec<Value> {
    let second = SignedDuration::from_secs(1);
    let nanosecond = SignedDuration::from_nanos(1);
    match value {
        Value::Int(value) => {
            [value.checked_add(1), value.checked_sub(1)].into_iter().flatten().map(Value::Int).collect()
        }
        Value::Float(value) => {
            let next = [value + 1.0, value - 1.0, value.next_up(), value.next_down()];
            next.into_iter().filter(|value| value.is_finite()).map(Value::Float).collect()
        }
        Value::Timestamp(time) => {
            let near = |by: SignedDuration| [time.checked_add(by), time.checked_sub(by)];
            let near = [near(second), near(nanosecond)].into_iter().flatten();
            near.filter_map(Result::ok).map(Value::Timestamp).collect()
        }
        Value::Duration(value) => {
            let millisecond = SignedDuration::from_millis(1);
            let near = [value.checked_add(millisecond), value.checked_sub(millisecond)];
            near.into_iter().flatten().map(Value::Duration).collect()
        }
        Value::Ip(address) => next_to(*address).into_iter().map(Value::Ip).collect(),
        _ => Vec::new(),
    }
}

fn next_to(address: IpAddr) -> Vec<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            let near = [bits.checked_add(1), bits.checked_sub(1)].into_iter().flatten();
            near.map(|bits| IpAddr::V4(bits.into())).collect()
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            let near = [bits.checked_add(1), bits.checked_sub(1)].into_iter().flatten();
            near.map(|bits| IpAddr::V6(bits.into()).to_canonical()).collect()
        }
    }
}

/// The nearest values of the other type of numbers.
pub(crate) fn near_of_other_type(value: &Value) -> Vec<Value> {
    match value {
        Value::Float(value) => {
            #[expect(clippy::cast_possible_truncation, reason = "larger floats become the largest integer")]
            let low = value.floor() as i64;
            [Some(low), low.checked_add(1)].into_iter().flatten().map(Value::Int).collect()
        }
        Value::Int(value) => {
            #[expect(clippy::cast_precision_loss, reason = "the solver only needs a near value")]
            let same = Value::Float(*value as f64);
            let mut around = near(&same);
            around.push(same);
            around
        }
        _ => Vec::new(),
    }
}

/// The values at a distance from another.
fn at_distance(value: &Value, distance: &Value) -> [Option<Value>; 2] {
    match (value, distance) {
        (Value::Int(value), Value::Int(distance)) => {
            [value.checked_add(*distance), value.checked_sub(*distance)].map(|value| value.map(Value::Int))
        }
        (Value::Timestamp(time), Value::Duration(distance)) => {
            [time.checked_add(*distance), time.checked_sub(*distance)].map(|time| time.ok().map(Value::Timestamp))
        }
        (Value::Duration(value), Value::Duration(distance)) => {
            [value.checked_add(*distance), value.checked_sub(*distance)].map(|value| value.map(Value::Duration))
        }
        _ => [None, None],
    }
}

/// The limits of a family, where sums overflow.
pub(crate) fn limits(family: Family) -> Vec<Value> {
    match family {
        Family::Int => vec![Value::Int(i64::MAX), Value::Int(i64::MIN)],
        Family::Time => vec![Value::Timestamp(Timestamp::MAX), Value::Timestamp(Timestamp::MIN)],
        _ => Vec::new(),
    }
}
