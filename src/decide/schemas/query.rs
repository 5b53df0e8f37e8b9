//! The query: its strict syntax and its schema.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json};

use crate::collections::table::Id;
use crate::decide::denial::Denial;
use crate::decide::routes::transport::Target;
use crate::model::path::escapes;
use crate::model::reason::{Code, Stage};
use crate::schemas::validate::{CheckEvaluator, Encoding, Validated, validate};
use crate::typed::TypedPolicy;
use crate::typed::schemas::Shape;

pub(crate) const NOT_UTF8: &str = "bytes or escapes that aren't UTF-8";

/// Reads and validates a query of a declared shape.
pub(crate) fn check(
    policy: &TypedPolicy,
    shape: Id<Shape>,
    target: &Target<'_, '_>,
    holds: &CheckEvaluator<'_>,
) -> Result<Validated, Denial> {
    let shape = &policy.shapes[shape];
    let denied = |code, message: String| Denial::new(code, Stage::Validate, message);
    let input =
        fields(target.query()).map_err(|what| denied(Code::QueryMalformed, format!("the query holds {what}")))?;
    validate(&policy.shapes, shape, &input, Encoding::Text, holds).map_err(|violations| {
        let message = format!("the query violates `{}` at {}", shape.name, violations.places());
        Denial { violations: Some(Box::new(violations)), ..denied(Code::QueryInvalid, message) }
    })
}

/// Parses `application/x-www-form-urlencoded` by the URL standard (§5.1), but bad escapes and bytes that aren't UTF-8 are
/// errors. A repeated name has a list.
pub(crate) fn fields(text: &str) -> Result<Json, &'static str> {
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, Json::from(decoded(value)?));
        match fields.get_mut(&name) {
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::from(vec![first.take(), value]),
            None => {
                fields.insert(name, value);
            }
        }
    }
    Ok(Json::Object(fields))
}

fn decoded(text: &str) -> Result<String, &'static str> {
    if escapes(text).any(|complete| !complete) {
        return Err("a `%` without two hexadecimal digits");
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| NOT_UTF8)
}
