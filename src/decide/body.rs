//! The body: whether there is one, of which media type, whether it is JSON, and then its shape.

use http::{HeaderMap, header};
use serde_json::{Map, Value as Json};

use crate::check::typed::{Token, Transport, TypedPolicy};
use crate::model::reason::{Code, Stage};
use crate::model::request::Request;
use crate::model::table::Id;
use crate::shape::{Shape, Validated, Violations, validate};

use super::Denial;
use super::json;

/// A route without a body takes none: what no schema speaks of doesn't pass.
pub(super) fn check_empty(request: &Request<'_>) -> Result<(), Denial> {
    if request.body.is_some_and(|body| !body.is_empty()) {
        return Err(Denial::new(Code::BodyUnexpected, Stage::Validate, "the route takes no body, and there is one"));
    }
    if announces_body(request.headers) {
        return Err(Denial::new(
            Code::BodyUnexpected,
            Stage::Validate,
            "the route takes no body, and one is announced",
        ));
    }
    Ok(())
}

/// A body that nobody reads has a size all the same.
pub(super) fn check_size(transport: &Transport, request: &Request<'_>) -> Result<(), Denial> {
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
pub(super) fn check_shape(policy: &TypedPolicy, shape: Id<Shape>, request: &Request<'_>) -> Result<Validated, Denial> {
    let body = read(&policy.transport, request)?;
    validate(&policy.shapes, &policy.shapes[shape], body)
        .map_err(|violations| violated(&policy.shapes[shape].name, violations))
}

/// The token in its field, which is the only one.
pub(super) fn check_token(
    transport: &Transport,
    token: &Token,
    field: &str,
    request: &Request<'_>,
) -> Result<Option<Json>, Denial> {
    let body = read(transport, request)?;
    let Json::Object(mut fields) = body else {
        return Err(violated(&token.name, Violations::one("", "type", "must be an object")));
    };
    let carried = fields.remove(field);
    match fields.keys().next() {
        Some(unknown) => Err(violated(&token.name, Violations::unknown_field(unknown))),
        None => Ok(carried),
    }
}

fn violated(name: &str, violations: Violations) -> Denial {
    let message = format!("the body violates `{name}` at {}", violations.places());
    Denial { violations: Some(violations), ..Denial::new(Code::ValidationFailed, Stage::Validate, message) }
}

fn read(transport: &Transport, request: &Request<'_>) -> Result<Json, Denial> {
    let denied = |code, message: &'static str| Denial::new(code, Stage::Validate, message);
    let body = request.body.ok_or_else(|| denied(Code::BodyUnknown, "the host didn't hand over the body"))?;
    if body.is_empty() {
        return Err(denied(Code::BodyMissing, "the request has no body"));
    }
    check_size(transport, request)?;
    if !is_json(request.headers) {
        return Err(denied(Code::MediaTypeUnsupported, "the body's media type isn't `application/json`"));
    }
    json::parse(body, transport.max_depth).map_err(|why| {
        Denial::new(Code::BodyMalformed, Stage::Validate, format!("the body can't be read as JSON: {why}"))
    })
}

/// `application/json`, which is UTF-8 whether it says so or not (RFC 8259 §8.1). Compressed bodies are for the
/// host to unpack.
fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(text) = line.to_str() else { return false };
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if !encodings.into_iter().all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return false;
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
    essence.eq_ignore_ascii_case("application/json") && utf8
}

/// The body as handed on, where a token was all of it: nothing of the token.
pub(super) fn without_token() -> Json {
    Json::Object(Map::new())
}
