//! The values that expressions work on.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use crate::model::duration;
use crate::model::list::List;

/// A value of the policy language.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// `null`, where a type allows it
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `float`
    Float(f64),
    /// `string`, and enums
    String(String),
    /// `timestamp`
    Timestamp(Timestamp),
    /// `duration`
    Duration(SignedDuration),
    /// `ip`, an IPv4-mapped one as IPv4 (RFC 4291 §2.5.5.2)
    Ip(IpAddr),
    /// `cidr`
    Network(IpNet),
    /// `[T]`
    List(List),
    /// `{ a: T, b?: U }`: the fields that are present, sorted by name
    Record(Arc<[(String, Value)]>),
}

impl Value {
    /// A record of fields in any order.
    pub(crate) fn record(mut fields: Vec<(String, Self)>) -> Self {
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self::Record(fields.into())
    }

    /// A key for lookups: two values have the same key if and only if they are equal.
    pub(crate) fn key(&self) -> Key<'_> {
        match self {
            Self::Null => Key::Null,
            Self::Bool(value) => Key::Bool(*value),
            Self::Int(value) => Key::Int(*value),
            Self::Float(value) => Key::of_float(*value),
            Self::String(value) => Key::String(value),
            Self::Timestamp(value) => Key::Timestamp(*value),
            Self::Duration(value) => Key::Duration(*value),
            Self::Ip(value) => Key::of_ip(*value),
            Self::Network(value) => Key::of_network(*value),
            Self::List(values) => Key::List(values.iter().map(Self::key).collect()),
            Self::Record(fields) => {
                Key::Record(fields.iter().map(|(name, value)| (name.as_str(), value.key())).collect())
            }
        }
    }
}

/// See [`Value::key`].
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Float(u64),
    String(&'v str),
    Timestamp(Timestamp),
    Duration(SignedDuration),
    Network(IpNet),
    List(Vec<Key<'v>>),
    Record(Vec<(&'v str, Key<'v>)>),
}

impl Key<'_> {
    pub(crate) fn of_float(value: f64) -> Self {
        as_int(value).map_or(Key::Float(value.to_bits()), Key::Int)
    }

    pub(crate) fn of_ip(address: IpAddr) -> Self {
        Key::Network(IpNet::from(address.to_canonical()))
    }

    pub(crate) fn of_network(network: IpNet) -> Self {
        Key::Network(network.trunc())
    }
}

/// Compares by value: `1` equals `1.0`, lists are compared element by element, records field by field. Values of
/// different kinds differ.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Float(one), Self::Float(other)) => one == other,
            (Self::Int(int), Self::Float(float)) | (Self::Float(float), Self::Int(int)) => is_int(*float, *int),
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Timestamp(one), Self::Timestamp(other)) => one == other,
            (Self::Duration(one), Self::Duration(other)) => one == other,
            (Self::Ip(one), Self::Ip(other)) => one.to_canonical() == other.to_canonical(),
            (Self::Network(one), Self::Network(other)) => one.trunc() == other.trunc(),
            // An address among networks is a network of one.
            (Self::Network(network), Self::Ip(address)) | (Self::Ip(address), Self::Network(network)) => {
                IpNet::from(address.to_canonical()) == *network
            }
            (Self::List(one), Self::List(other)) => **one == **other,
            (Self::Record(one), Self::Record(other)) => one == other,
            _ => false,
        }
    }
}

/// No value of the language is a `NaN`: neither literals nor JSON have one.
impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// True if a float equals an integer exactly; beyond 2^53, several integers round to one float.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "both ways must agree")]
fn is_int(float: f64, int: i64) -> bool {
    int as f64 == float && float as i128 == i128::from(int)
}

/// The integer that a float equals exactly.
#[expect(clippy::cast_possible_truncation, reason = "whether it fits is what is asked")]
fn as_int(float: f64) -> Option<i64> {
    let int = float as i64;
    is_int(float, int).then_some(int)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Timestamp(value) => serializer.collect_str(value),
            Self::Duration(value) => serializer.serialize_str(&duration_text(*value)),
            Self::Ip(value) => serializer.collect_str(value),
            Self::Network(value) => serializer.collect_str(value),
            Self::List(values) => serializer.collect_seq(values.iter()),
            Self::Record(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, value))),
        }
    }
}

/// A duration in the language's notation, whose smallest unit is the millisecond.
fn duration_text(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let milliseconds = u64::try_from(duration.as_millis().unsigned_abs()).unwrap_or(u64::MAX);
    format!("{sign}{}", duration::text(milliseconds))
}

/// A value that may be absent or unknown. *Absent* is a fact: the value is known not to exist. *Unknown* is the lack of
/// a fact.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Known<T> {
    /// The value.
    Value(T),
    /// There is no value.
    Absent,
    /// Nothing is known, or something of the wrong type was supplied.
    #[default]
    Unknown,
}

impl<T> Known<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        self.supplied().flatten()
    }

    /// The value by reference.
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Value(value) => Known::Value(value),
            Self::Absent => Known::Absent,
            Self::Unknown => Known::Unknown,
        }
    }

    /// `None` if nothing is known; `Some(None)` if the value is known to be absent.
    pub fn supplied(self) -> Option<Option<T>> {
        match self {
            Self::Value(value) => Some(Some(value)),
            Self::Absent => Some(None),
            Self::Unknown => None,
        }
    }
}

/// `None` states that the value is absent.
impl<T> From<Option<T>> for Known<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}
