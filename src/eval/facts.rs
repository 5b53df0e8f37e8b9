//! Facts in JSON as values of the language. A value of the wrong type, an enum's value that isn't declared, a list with
//! one wrong element: all of it is unknown.

use jiff::SignedDuration;
use serde_json::Value as Json;

use crate::collections::table::Table;
use crate::eval::value_ref::{Items, ValueRef};
use crate::model::duration;
use crate::model::value::{Known, Value};
use crate::typed::schemas::{Field, Shape};
use crate::typed::string_format as format;
use crate::typed::{Attribute, Type};

/// What a host or an issuer gave of a declared attribute: a missing key or `null` is absent where the attribute is optional.
pub(crate) fn given<'a>(
    json: Option<&'a Json>,
    attribute: &'a Attribute,
    shapes: &Table<Shape>,
) -> Known<ValueRef<'a>> {
    match json {
        Some(Json::Null) | None if attribute.optional => Known::Absent,
        None => Known::Unknown,
        Some(json) => datum(json, &attribute.ty, shapes, By::Host).map_or(Known::Unknown, Known::Value),
    }
}

/// The same, of a value that is made anew each time.
pub(crate) fn made(json: Option<&Json>, attribute: &Attribute, shapes: &Table<Shape>) -> Known<Value> {
    member(json, attribute, shapes, By::Host)
}

/// A field of validated input: what its schema lets be `null` is `null`, and absent is only what is missing.
pub(crate) fn of_input(json: Option<&Json>, attribute: &Attribute, shapes: &Table<Shape>) -> Known<Value> {
    member(json, attribute, shapes, By::Schema)
}

fn member(json: Option<&Json>, attribute: &Attribute, shapes: &Table<Shape>, by: By) -> Known<Value> {
    match json {
        Some(Json::Null) if attribute.optional && by == By::Host => Known::Absent,
        None if attribute.optional => Known::Absent,
        None => Known::Unknown,
        Some(json) => typed(json, &attribute.ty, shapes, by).map_or(Known::Unknown, Known::Value),
    }
}

/// Whose word a record is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The host's or an issuer's: `null` is absent where that may be.
    Host,
    /// A schema has looked at it: `null` is there only where it is a value.
    Schema,
}

/// A longer list is worth an index.
const SHORT: usize = 64;

/// Whether a value is made anew each time that it is read, and so is worth keeping.
pub(crate) fn is_made(json: Option<&Json>, ty: &Type) -> bool {
    match (ty, json) {
        (Type::Nullable(ty), _) => is_made(json, ty),
        (Type::List(item), Some(Json::Array(items))) => !is_plain(item) || items.len() > SHORT,
        (Type::Record(_) | Type::Shape(_), _) => true,
        _ => false,
    }
}

fn is_plain(ty: &Type) -> bool {
    !matches!(ty, Type::List(_) | Type::Record(_) | Type::Shape(_) | Type::Nullable(_) | Type::Opaque | Type::Null)
}

/// A JSON value as one of the language, where it is of that type; borrowed, but for what is made of parts.
fn datum<'a>(json: &'a Json, ty: &'a Type, shapes: &Table<Shape>, by: By) -> Option<ValueRef<'a>> {
    match ty {
        Type::Nullable(_) if json.is_null() => Some(ValueRef::Null),
        Type::Nullable(ty) => datum(json, ty, shapes, by),
        Type::List(item) if is_plain(item) => {
            let items = json.as_array()?;
            let sound = items.iter().all(|json| plain(json, item).is_some());
            sound.then_some(ValueRef::List(Items::Json(items, item)))
        }
        Type::List(_) | Type::Record(_) | Type::Shape(_) => typed(json, ty, shapes, by).map(ValueRef::owned),
        _ => plain(json, ty),
    }
}

/// A JSON value of a type that isn't made of parts.
pub(crate) fn plain<'a>(json: &'a Json, ty: &Type) -> Option<ValueRef<'a>> {
    match ty {
        Type::String => json.as_str().map(ValueRef::text),
        Type::Int => json.as_i64().map(ValueRef::Int),
        Type::Float => json.as_f64().map(ValueRef::Float),
        Type::Bool => json.as_bool().map(ValueRef::Bool),
        Type::Timestamp => format::timestamp(json.as_str()?).map(ValueRef::Timestamp),
        Type::Duration => milliseconds(json.as_str()?).map(ValueRef::Duration),
        Type::Ip => format::ip(json.as_str()?).map(ValueRef::Ip),
        Type::Cidr => format::cidr(json.as_str()?).map(ValueRef::Network),
        Type::Enum(values) => json.as_str().filter(|text| values.iter().any(|value| value == text)).map(ValueRef::text),
        Type::Null => json.is_null().then_some(ValueRef::Null),
        // Whether it is there is all that can be asked of it.
        Type::Opaque => Some(ValueRef::Null),
        Type::Never | Type::List(_) | Type::Record(_) | Type::Shape(_) | Type::Nullable(_) => None,
    }
}

/// A JSON value as one of the language, where it is of that type.
pub(crate) fn typed(json: &Json, ty: &Type, shapes: &Table<Shape>, by: By) -> Option<Value> {
    match ty {
        Type::List(item) => {
            let items = json.as_array()?.iter().map(|json| typed(json, item, shapes, by));
            items.collect::<Option<_>>().map(Value::List)
        }
        Type::Record(fields) => record(json, fields.iter().cloned(), shapes, by),
        Type::Shape(shape) => record(json, shapes[*shape].fields.iter().map(Field::attribute), shapes, by),
        Type::Nullable(_) if json.is_null() => Some(Value::Null),
        Type::Nullable(ty) => typed(json, ty, shapes, by),
        _ => plain(json, ty).map(ValueRef::into_value),
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
