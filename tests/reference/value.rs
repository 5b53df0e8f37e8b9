//! Values, and their form in JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use portcullis::syntax::tree::{ValueType, ValueTypeKind};
use serde_json::Value as Json;

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(Timestamp),
    /// Nanoseconds.
    Duration(i128),
    Ip(IpAddr),
    Network(IpNet),
    List(Vec<Value>),
    /// An absent field isn't there.
    Record(BTreeMap<String, Value>),
}

/// The possible values of a condition: true, false and unknown.
pub(crate) type Truths = BTreeSet<Option<bool>>;

/// A value, or the reason for its absence.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    Is(Value),
    Absent,
    Unknown,
    /// It depends on input that hasn't been read yet. A condition has these possible values.
    Pending(Truths),
}

impl Fact {
    pub(crate) fn truth(truth: Option<bool>) -> Self {
        truth.map_or(Self::Unknown, |truth| Self::Is(Value::Bool(truth)))
    }

    pub(crate) fn truths(truths: Truths) -> Self {
        match truths.iter().copied().collect::<Vec<_>>().as_slice() {
            [only] => Self::truth(*only),
            _ => Self::Pending(truths),
        }
    }

    /// The possible values as a condition.
    pub(crate) fn as_truths(&self) -> Truths {
        match self {
            Self::Is(Value::Bool(truth)) => BTreeSet::from([Some(*truth)]),
            Self::Is(_) | Self::Absent | Self::Unknown => BTreeSet::from([None]),
            Self::Pending(truths) => truths.clone(),
        }
    }

    pub(crate) fn pending() -> Self {
        Self::Pending(BTreeSet::from([Some(true), Some(false), None]))
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Is(Value::Text(text.to_owned()))
    }
}

/// The type of an attribute.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) ty: ValueTypeKind,
    pub(crate) optional: bool,
}

/// An attribute of a record that the host supplied.
pub(crate) fn read_attribute(record: &portcullis::facts::Record, name: &str, declared: &Declared) -> Fact {
    match (record.get(name), &declared.ty) {
        (Some(Json::Null), ValueTypeKind::Nullable(_)) => Fact::Is(Value::Null),
        (None | Some(Json::Null), _) if declared.optional => Fact::Absent,
        (None | Some(Json::Null), _) => Fact::Unknown,
        (Some(json), ty) => read(json, ty).map_or(Fact::Unknown, Fact::Is),
    }
}

/// `None` for a value of another type.
fn read(json: &Json, ty: &ValueTypeKind) -> Option<Value> {
    match (ty, json) {
        (ValueTypeKind::Named(name), json) => read_named(json, name),
        (ValueTypeKind::Enum(names), Json::String(text)) => {
            names.iter().any(|name| name.node == *text).then(|| Value::Text(text.clone()))
        }
        (ValueTypeKind::List(item), Json::Array(items)) => {
            items.iter().map(|json| read(json, &item.kind)).collect::<Option<_>>().map(Value::List)
        }
        (ValueTypeKind::Record(fields), Json::Object(record)) => read_record(record, fields),
        (ValueTypeKind::Nullable(_), Json::Null) => Some(Value::Null),
        (ValueTypeKind::Nullable(inner), json) => read(json, &inner.kind),
        _ => None,
    }
}

fn read_record(
    record: &portcullis::facts::Record,
    fields: &[(portcullis::syntax::tree::Text, bool, ValueType)],
) -> Option<Value> {
    let mut values = BTreeMap::new();
    for (name, optional, ty) in fields {
        let declared = Declared { ty: ty.kind.clone(), optional: *optional };
        match read_attribute(record, &name.node, &declared) {
            Fact::Is(value) => drop(values.insert(name.node.clone(), value)),
            Fact::Absent => {}
            Fact::Unknown | Fact::Pending(_) => return None,
        }
    }
    Some(Value::Record(values))
}

fn read_named(json: &Json, name: &str) -> Option<Value> {
    match (name, json) {
        ("bool", Json::Bool(value)) => Some(Value::Bool(*value)),
        ("int", Json::Number(number)) => number.as_i64().map(Value::Int),
        ("float", Json::Number(number)) => number.as_f64().map(Value::Float),
        ("string", Json::String(text)) => Some(Value::Text(text.clone())),
        ("timestamp", Json::String(text)) => read_timestamp(text).map(Value::Time),
        ("duration", Json::String(text)) => read_duration(text).map(Value::Duration),
        ("ip", Json::String(text)) => text.parse().ok().map(Value::Ip),
        ("cidr", Json::String(text)) => text.parse().ok().map(Value::Network),
        _ => None,
    }
}

/// RFC 3339: `2026-11-23T10:00:00.5+01:00`, with nothing left out.
fn read_timestamp(text: &str) -> Option<Timestamp> {
    let shape = regex::Regex::new(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
    );
    shape.unwrap().is_match(text).then(|| text.parse().ok())?
}

/// `1h30m`, as the language writes it.
fn read_duration(text: &str) -> Option<i128> {
    let part = regex::Regex::new(r"([0-9][0-9_]*)(ms|s|m|h|d)").unwrap();
    let mut total = 0_i128;
    let mut end = 0;
    for found in part.captures_iter(text) {
        if found.get(0)?.start() != end {
            return None;
        }
        end = found.get(0)?.end();
        let milliseconds = match &found[2] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => 86_400_000,
        };
        total = total.checked_add(found[1].replace('_', "").parse::<i128>().ok()?.checked_mul(milliseconds)?)?;
    }
    (end == text.len() && end > 0 && i64::try_from(total).is_ok()).then_some(total * 1_000_000)
}
