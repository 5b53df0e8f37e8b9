//! The body: its presence, its media type, its syntax and its schema.

use std::borrow::Cow;

use http::{HeaderMap, header};
use serde_json::{Map, Value as Json};

use crate::collections::table::Id;
use crate::decide::denial::Denial;
use crate::decide::headers::exactly_one;
use crate::decide::schemas::query;
use crate::model::json;
use crate::model::reason::{Code, Stage};
use crate::protocol::request::Request;
use crate::schemas::validate::{CheckEvaluator, Encoding, Validated, validate};
use crate::schemas::violation::Violations;
use crate::typed::schemas::{MediaType, Shape};
use crate::typed::{Token, Transport, TypedPolicy};

/// Checks that there is no body, for a route that takes none.
pub(crate) fn check_empty(request: &Request<'_>) -> Result<(), Denial> {
    if announces_body(request.headers) {
        return Err(unexpected("the route takes no body, and one is announced"));
    }
    match request.body {
        Some(body) if !body.is_empty() => Err(unexpected("the route takes no body, and there is one")),
        _ => Ok(()),
    }
}

fn unexpected(why: &'static str) -> Denial {
    Denial::new(Code::BodyUnexpected, Stage::Validate, why)
}

/// Checks the size of a body.
pub(crate) fn check_size(transport: &Transport, request: &Request<'_>) -> Result<(), Denial> {
    match request.body {
        Some(body) if body.len() > transport.max_body => {
            let message = format!("the body has {} bytes, and {} are allowed", body.len(), transport.max_body);
            Err(Denial::new(Code::BodyTooLarge, Stage::Validate, message))
        }
        _ => Ok(()),
    }
}

/// RFC 9112 §6.3: a request has a body if it says how long it is, or that it is sent in chunks.
fn announces_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|length| length.as_bytes() != b"0") || headers.contains_key(header::TRANSFER_ENCODING)
}

/// Parses and validates a body of a declared shape.
pub(crate) fn check_shape(
    policy: &TypedPolicy,
    shape: Id<Shape>,
    request: &Request<'_>,
    holds: &CheckEvaluator<'_>,
) -> Result<Validated, Denial> {
    let shape = &policy.shapes[shape];
    let body = present(&policy.transport, request)?;
    let essence = essence(request.headers).ok_or_else(unsupported)?;
    let (input, encoding) = if takes_form(&shape.accepts, &essence) {
        (form(body)?, Encoding::Text)
    } else if takes_json(&shape.accepts, &essence) {
        (json(&policy.transport, body)?, Encoding::Json)
    } else {
        return Err(unsupported());
    };
    validate(&policy.shapes, shape, &input, encoding, holds).map_err(|violations| violated(&shape.name, violations))
}

/// Reads the token of a body, whose only field it is.
pub(crate) fn check_token(
    transport: &Transport,
    token: &Token,
    field: &str,
    request: &Request<'_>,
) -> Result<Option<Json>, Denial> {
    let body = present(transport, request)?;
    if essence(request.headers).is_none_or(|essence| !takes_json(&[], &essence)) {
        return Err(unsupported());
    }
    let Json::Object(mut fields) = json(transport, body)? else {
        return Err(violated(&token.name, Violations::one("type", "must be an object")));
    };
    let carried = fields.remove(field);
    match fields.keys().next() {
        Some(unknown) => Err(violated(&token.name, Violations::unknown_field(unknown))),
        None => Ok(carried),
    }
}

fn denied(code: Code, message: impl Into<Cow<'static, str>>) -> Denial {
    Denial::new(code, Stage::Validate, message)
}

fn violated(name: &str, violations: Violations) -> Denial {
    let message = format!("the body violates `{name}` at {}", violations.places());
    Denial { violations: Some(Box::new(violations)), ..denied(Code::ValidationFailed, message) }
}

fn unsupported() -> Denial {
    denied(Code::MediaTypeUnsupported, "the body's media type isn't one that the route takes")
}

fn present<'r>(transport: &Transport, request: &Request<'r>) -> Result<&'r [u8], Denial> {
    let body = request.body.ok_or_else(|| denied(Code::BodyUnknown, "the host didn't hand over the body"))?;
    if body.is_empty() {
        return Err(denied(Code::BodyMissing, "the request has no body"));
    }
    check_size(transport, request)?;
    Ok(body)
}

fn json(transport: &Transport, body: &[u8]) -> Result<Json, Denial> {
    json::parse(body, transport.max_depth)
        .map_err(|error| denied(Code::BodyMalformed, format!("the body can't be read as JSON: {}", error.message())))
}

fn form(body: &[u8]) -> Result<Json, Denial> {
    let text = std::str::from_utf8(body).ok();
    let fields = text.ok_or(query::NOT_UTF8).and_then(query::fields);
    fields.map_err(|what| denied(Code::BodyMalformed, format!("the form holds {what}")))
}

/// A schema that doesn't say takes `application/json` alone.
fn takes_json(accepts: &[MediaType], essence: &str) -> bool {
    let any_json = |top: &str| {
        let subtype = essence.strip_prefix(top).and_then(|rest| rest.strip_prefix('/'));
        subtype.and_then(|subtype| subtype.strip_suffix("+json")).is_some_and(|name| !name.is_empty())
    };
    accepts.is_empty() && essence == "application/json"
        || accepts.iter().any(|accepted| match accepted {
            MediaType::Json(known) => known == essence,
            MediaType::AnyJson(top) => any_json(top),
            MediaType::Form => false,
        })
}

fn takes_form(accepts: &[MediaType], essence: &str) -> bool {
    essence == "application/x-www-form-urlencoded" && accepts.contains(&MediaType::Form)
}

/// The body's media type in lower case, without its parameters, where it is UTF-8: JSON is, whether it says so or not
/// (RFC 8259 §8.1), and so are forms. Compressed bodies are for the host to unpack.
fn essence(headers: &HeaderMap) -> Option<String> {
    let text = exactly_one(headers, &header::CONTENT_TYPE)?.to_str().ok()?;
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if !encodings.into_iter().all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return None;
    }
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        // No blanks stand around the `=` of a parameter (RFC 9110 §5.6.6), and none is without one.
        Some((name, value)) => name.trim() == name && value.trim() == value,
        None => parameter.is_empty(),
    });
    utf8.then(|| essence.to_ascii_lowercase())
}

/// The body that is handed on after a token was removed.
pub(crate) fn without_token() -> Json {
    Json::Object(Map::new())
}
