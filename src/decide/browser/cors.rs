//! CORS (the Fetch standard, §3.3): preflights, and the headers that let pages of other origins read an answer. Only a
//! preflight denies a foreign origin; otherwise, the browser withholds the answer.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::collections::table::Id;
use crate::decide::denial::Denial;
use crate::decide::headers::exactly_one;
use crate::graph::{CorsHeaders, Endpoint};
use crate::model::headers::Header;
use crate::model::reason::{Code, Stage};
use crate::protocol::request::Request;
use crate::typed::{Cors, Origins, TypedPolicy};

/// The method of a preflight: `None` if the request is no preflight, `Some(None)` if the method is malformed or repeated.
pub(crate) fn preflight(request: &Request<'_>) -> Option<Option<Method>> {
    let is_preflight = *request.method == Method::OPTIONS
        && request.headers.contains_key(header::ORIGIN)
        && request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let requested = || single(request.headers, &header::ACCESS_CONTROL_REQUEST_METHOD);
    is_preflight.then(|| requested().and_then(|method| Method::from_bytes(method.as_bytes()).ok()))
}

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    exactly_one(headers, name).and_then(|value| value.to_str().ok())
}

/// Checks a preflight. Returns the headers of its answer.
pub(crate) fn check_preflight(
    policy: &TypedPolicy,
    endpoint: &Endpoint,
    cors: Id<Cors>,
    requested: Option<&Method>,
    headers: &HeaderMap,
) -> Result<Vec<Header>, Denial> {
    let block = &policy.cors[cors];
    let denied = |code, message: &'static str| Denial::new(code, Stage::Cors, message).at(block.span);
    if !allows_origin(block, headers) {
        return Err(denied(Code::CorsOrigin, "the policy names no such origin"));
    }
    let methods = methods(policy, endpoint, cors);
    if !requested.is_some_and(|requested| methods.contains(requested)) {
        return Err(denied(Code::CorsMethod, "pages of other origins may not use this method here"));
    }
    for line in headers.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        let names = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        if !names.filter(|name| !name.is_empty()).all(|name| allows_header(block, name)) {
            return Err(denied(Code::CorsHeader, "pages of other origins may not send one of these headers"));
        }
    }
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let mut answer = Vec::new();
    answer.extend(
        HeaderValue::from_str(&names.join(", ")).ok().map(|names| (header::ACCESS_CONTROL_ALLOW_METHODS, names)),
    );
    answer.extend(block.allow_headers.clone().map(|headers| (header::ACCESS_CONTROL_ALLOW_HEADERS, headers)));
    answer.extend(block.max_age.clone().map(|seconds| (header::ACCESS_CONTROL_MAX_AGE, seconds)));
    Ok(answer)
}

/// The methods of the path that have this block. A browser remembers all methods of a preflight's answer, so methods with
/// another block aren't among them.
fn methods(policy: &TypedPolicy, endpoint: &Endpoint, cors: Id<Cors>) -> Vec<Method> {
    let order = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let declared = &policy.cors[cors].methods;
    let governs = |method: &Method| {
        (declared.is_empty() || declared.contains(method))
            && endpoint.door(method).is_some_and(|door| policy.routes[door.route].cors == Some(cors))
    };
    order.into_iter().filter(governs).collect()
}

fn allows_header(cors: &Cors, name: &[u8]) -> bool {
    let Ok(name) = HeaderName::from_bytes(name) else { return false };
    cors.headers.contains(&name) || (cors.any_header && name != header::AUTHORIZATION)
}

fn allows_origin(cors: &Cors, headers: &HeaderMap) -> bool {
    match &cors.origins {
        Origins::Any => true,
        origins => single(headers, &header::ORIGIN).is_some_and(|origin| origins.name(origin)),
    }
}

/// The headers that a block adds to every answer, and the origin to allow if they don't have it.
pub(crate) fn headers<'g, 'r>(
    cors: &Cors,
    answer: &'g CorsHeaders,
    request: &Request<'r>,
) -> (&'g [Header], Option<Cow<'r, HeaderValue>>) {
    match &cors.origins {
        Origins::Any => (&answer.allowed, None),
        origins @ Origins::Listed(_) => {
            let origin = exactly_one(request.headers, &header::ORIGIN);
            match origin.filter(|origin| origin.to_str().is_ok_and(|origin| origins.name(origin))) {
                Some(origin) => (&answer.allowed, Some(Cow::Borrowed(origin))),
                None => (&answer.foreign, None),
            }
        }
    }
}
