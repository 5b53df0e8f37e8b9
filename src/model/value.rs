//! The values that expressions work on.

use std::net::IpAddr;

use serde::{Serialize, Serializer};

/// A value of the policy language.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `float`
    Float(f64),
    /// `string`
    String(String),
    /// `ip`
    Ip(IpAddr),
    /// `[T]`
    List(Vec<Value>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Ip(value) => serializer.collect_str(value),
            Self::List(values) => serializer.collect_seq(values),
        }
    }
}

/// What is known of a value. *Absent* is a fact: a declared optional that is explicitly not there. *Unknown* is
/// the lack of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Known<T> {
    /// It is this.
    Value(T),
    /// It isn't there.
    Absent,
    /// Nobody said, or said something of the wrong type.
    Unknown,
}

impl<T> Known<T> {
    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }
}
