//! Facts in JSON as values of the language. A value of the wrong type, an enum's value that isn't declared, a list with
//! one wrong element: all of it is unknown.

use jiff::SignedDuration;
use serde_json::Value as Json;

use crate::check::attribute;
use crate::check::typed::{Attribute, Type};
use crate::model::duration;
use crate::model::request::Record;
use crate::model::table::Table;
use crate::model::value::{Known, Value};
use crate::shape::{Shape, format};

/// An attribute of a record: a missing key or `null` is absent where the attribute is optional.
pub(super) fn of_record(record: Option<&Record>, attribute: &Attribute, shapes: &Table<Shape>) -> Known<Value> {
    let Some(record) = record else { return Known::Unknown };
    member(record.get(&attribute.name), attribute, shapes, By::Host)
}

fn member(json: Option<&Json>, attribute: &Attribute, shapes: &Table<Shape>, by: By) -> Known<Value> {
    match json {
        None => absent(attribute),
        Some(Json::Null) if attribute.optional && by == By::Host => Known::Absent,
        Some(json) => typed(json, &attribute.ty, shapes, by).map_or(Known::Unknown, Known::Value),
    }
}

fn absent(attribute: &Attribute) -> Known<Value> {
    if attribute.optional { Known::Absent } else { Known::Unknown }
}

/// A field of validated input: what its schema lets be `null` is `null`, and absent is only what is missing.
pub(super) fn of_input(json: Option<&Json>, attribute: &Attribute, shapes: &Table<Shape>) -> Known<Value> {
    member(json, attribute, shapes, By::Schema)
}

/// Whose word a record is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The host's or an issuer's: `null` is absent where that may be.
    Host,
    /// A schema has looked at it: `null` is there only where it is a value.
    Schema,
}

/// A JSON value as one of the language, where it is of that type.
pub(super) fn typed(json: &Json, ty: &Type, shapes: &Table<Shape>, by: By) -> Option<Value> {
    match ty {
        Type::String => json.as_str().map(|text| Value::String(text.to_owned())),
        Type::Int => json.as_i64().map(Value::Int),
        Type::Float => json.as_f64().map(Value::Float),
        Type::Bool => json.as_bool().map(Value::Bool),
        Type::Timestamp => format::timestamp(json.as_str()?).map(Value::Timestamp),
        Type::Duration => milliseconds(json.as_str()?).map(Value::Duration),
        Type::Ip => format::ip(json.as_str()?).map(Value::Ip),
        Type::Cidr => format::cidr(json.as_str()?).map(Value::Network),
        Type::Enum(values) => {
            let text = json.as_str()?;
            values.iter().any(|value| value == text).then(|| Value::String(text.to_owned()))
        }
        Type::List(item) => {
            let items = json.as_array()?;
            items.iter().map(|json| typed(json, item, shapes, by)).collect::<Option<_>>().map(Value::List)
        }
        Type::Record(fields) => record(json, fields.iter().cloned(), shapes, by),
        Type::Shape(shape) => record(json, shapes[*shape].fields.iter().map(attribute), shapes, by),
        Type::Nullable(_) if json.is_null() => Some(Value::Null),
        Type::Nullable(ty) => typed(json, ty, shapes, by),
        Type::Null => json.is_null().then_some(Value::Null),
        // Whether it is there is all that can be asked of it.
        Type::Opaque => Some(Value::Null),
        Type::Never => None,
    }
}

fn milliseconds(text: &str) -> Option<SignedDuration> {
    let milliseconds = i64::try_from(duration::milliseconds(text)?).ok()?;
    Some(SignedDuration::from_millis(milliseconds))
}

fn record(json: &Json, fields: impl Iterator<Item = Attribute>, shapes: &Table<Shape>, by: By) -> Option<Value> {
    let object = json.as_object()?;
    let mut values = Vec::new();
    for field in fields {
        match member(object.get(&field.name), &field, shapes, by) {
            Known::Value(value) => values.push((field.name, value)),
            Known::Absent => {}
            Known::Unknown => return None,
        }
    }
    Some(Value::record(values))
}
