//! JSON as values of the language. A value of the wrong type, an undeclared value of an enum and a list with one wrong
//! element are unknown.

use jiff::SignedDuration;
use serde_json::Value as Json;

use crate::collections::table::Table;
use crate::model::duration;
use crate::model::value::{Known, Value};
use crate::schemas::format;
use crate::typed::schemas::{Field, Shape};
use crate::typed::{Attribute, Type};
use crate::values::value_ref::{Items, ValueRef};

/// The source of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// A host or an issuer. `null` is absent where the attribute is optional.
    Host,
    /// Input that a schema has validated. `null` is a value, and only a missing member is absent.
    Schema,
}

/// Lists with more elements are converted and cached, as `List` has an index.
const SHORT: usize = 64;

/// True if reading the value allocates, so that it is worth caching.
pub(crate) fn allocates(json: Option<&Json>, ty: &Type) -> bool {
    match (ty, json) {
        (Type::Nullable(ty), _) => allocates(json, ty),
        (Type::List(item), Some(Json::Array(items))) => !is_scalar(item) || items.len() > SHORT,
        (Type::Record(_) | Type::Shape(_), _) => true,
        _ => false,
    }
}

/// Borrows an attribute of a host's record. Records and lists of lists or of records are copied.
pub(crate) fn borrow_member<'a>(
    json: Option<&'a Json>,
    attribute: &'a Attribute,
    shapes: &Table<Shape>,
) -> Known<ValueRef<'a>> {
    match json {
        Some(Json::Null) | None if attribute.optional => Known::Absent,
        None => Known::Unknown,
        Some(json) => borrow(json, &attribute.ty, shapes).map_or(Known::Unknown, Known::Value),
    }
}

fn borrow<'a>(json: &'a Json, ty: &'a Type, shapes: &Table<Shape>) -> Option<ValueRef<'a>> {
    match ty {
        Type::Nullable(_) if json.is_null() => Some(ValueRef::Null),
        Type::Nullable(ty) => borrow(json, ty, shapes),
        Type::List(item) if is_scalar(item) => {
            let items = json.as_array()?;
            let sound = items.iter().all(|json| scalar(json, item).is_some());
            sound.then_some(ValueRef::List(Items::Json(items, item)))
        }
        Type::List(_) | Type::Record(_) | Type::Shape(_) => {
            convert(json, ty, shapes, Provenance::Host).map(ValueRef::owned)
        }
        _ => scalar(json, ty),
    }
}

fn is_scalar(ty: &Type) -> bool {
    !matches!(ty, Type::List(_) | Type::Record(_) | Type::Shape(_) | Type::Nullable(_) | Type::Opaque | Type::Null)
}

/// Borrows a value that is no list and no record.
pub(crate) fn scalar<'a>(json: &'a Json, ty: &Type) -> Option<ValueRef<'a>> {
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
        // Expressions can only test that it is present.
        Type::Opaque => Some(ValueRef::Null),
        Type::Never | Type::List(_) | Type::Record(_) | Type::Shape(_) | Type::Nullable(_) => None,
    }
}

fn milliseconds(text: &str) -> Option<SignedDuration> {
    i64::try_from(duration::milliseconds(text)?).ok().map(SignedDuration::from_millis)
}

/// Converts an attribute of a record.
pub(crate) fn member(
    json: Option<&Json>,
    attribute: &Attribute,
    shapes: &Table<Shape>,
    provenance: Provenance,
) -> Known<Value> {
    match json {
        Some(Json::Null) if attribute.optional && provenance == Provenance::Host => Known::Absent,
        None if attribute.optional => Known::Absent,
        None => Known::Unknown,
        Some(json) => convert(json, &attribute.ty, shapes, provenance).map_or(Known::Unknown, Known::Value),
    }
}

/// Converts a value. Returns `None` if it isn't of the type.
pub(crate) fn convert(json: &Json, ty: &Type, shapes: &Table<Shape>, provenance: Provenance) -> Option<Value> {
    match ty {
        Type::List(item) => {
            let items = json.as_array()?.iter().map(|json| convert(json, item, shapes, provenance));
            items.collect::<Option<_>>().map(Value::List)
        }
        Type::Record(fields) => record(json, fields.iter().cloned(), shapes, provenance),
        Type::Shape(shape) => record(json, shapes[*shape].fields.iter().map(Field::attribute), shapes, provenance),
        Type::Nullable(_) if json.is_null() => Some(Value::Null),
        Type::Nullable(ty) => convert(json, ty, shapes, provenance),
        _ => scalar(json, ty).map(ValueRef::into_value),
    }
}

fn record(
    json: &Json,
    fields: impl Iterator<Item = Attribute>,
    shapes: &Table<Shape>,
    provenance: Provenance,
) -> Option<Value> {
    let object = json.as_object()?;
    let mut values = Vec::new();
    for field in fields {
        match member(object.get(&field.name), &field, shapes, provenance) {
            Known::Value(value) => values.push((field.name, value)),
            Known::Absent => {}
            Known::Unknown => return None,
        }
    }
    Some(Value::record(values))
}
