//! A request document: keys in, an owned request out, from which a [`Request`] is borrowed.
//!
//! Only the document is judged here, never the request in it: an odd URL or path reaches the gate as it stands. No
//! message ever repeats a header's value, a body or a credential.

use std::fmt;
use std::net::IpAddr;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::document::facts::facts;
use crate::protocol::facts::Facts;
use crate::protocol::request::{Request, Scheme, User};

/// The keys of a request document.
const KEYS: &[&str] = &["now", "method", "url", "peer", "headers", "body", "user", "facts", "entropy"];

/// A request as a document describes it.
///
/// ```
/// use portcullis::document::RequestDocument;
///
/// let document: RequestDocument = serde_json::from_str(
///     r#"{ "method": "DELETE", "url": "https://api.example.com/api/posts/42", "peer": "203.0.113.9" }"#,
/// )?;
/// let request = document.request(jiff::Timestamp::UNIX_EPOCH, None);
/// assert_eq!(request.target, "https://api.example.com/api/posts/42");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct RequestDocument {
    /// The time of the decision, if the document says one.
    pub now: Option<Timestamp>,
    /// The method, as written.
    pub method: Method,
    /// The URL, as written: absolute, or a path alone, which then came in over HTTPS.
    pub url: String,
    /// The address at the other end of the connection.
    pub peer: Option<IpAddr>,
    /// The headers, repeated ones included.
    pub headers: HeaderMap,
    /// The body; empty where the document has none.
    pub body: Vec<u8>,
    /// A caller who is authenticated already.
    pub user: Option<User>,
    /// The facts that the host has looked up.
    pub facts: Facts,
    /// Random bytes for what is issued, if the document holds any.
    pub entropy: Option<[u8; 32]>,
}

impl RequestDocument {
    /// The request. `now` and `entropy` stand in where the document itself has none.
    pub fn request<'a>(&'a self, now: Timestamp, entropy: Option<&'a [u8; 32]>) -> Request<'a> {
        let in_the_clear = self.url.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("http:"));
        Request {
            scheme: if in_the_clear { Scheme::Http } else { Scheme::Https },
            headers: &self.headers,
            peer: self.peer,
            body: Some(&self.body),
            entropy: self.entropy.as_ref().or(entropy),
            user: self.user.as_ref(),
            facts: &self.facts,
            ..Request::new(&self.method, &self.url, self.now.unwrap_or(now))
        }
    }

    pub(crate) fn from_map(mut map: Map<String, Value>) -> Result<Self, DocumentError> {
        if map.contains_key("permission") {
            return Err(DocumentError::NoRequest);
        }
        known(&map, "a request document", KEYS)?;
        let mut take = |key: &str| map.shift_remove(key).filter(|value| !value.is_null());
        let now = take("now").map(|value| timestamp(&value)).transpose()?;
        let method = method(&take("method").ok_or(DocumentError::Missing("method"))?)?;
        let url = text("url", take("url").ok_or(DocumentError::Missing("url"))?)?;
        let peer = take("peer").map(|value| address(&value)).transpose()?;
        let mut headers = take("headers").map_or_else(|| Ok(HeaderMap::new()), headers)?;
        let body = take("body").map_or_else(|| Ok(Vec::new()), |value| body(value, &mut headers))?;
        let user = take("user").map(user).transpose()?;
        let facts = take("facts").map_or_else(|| Ok(Facts::default()), facts)?;
        let entropy = take("entropy").map(|value| entropy(&value)).transpose()?;
        Ok(Self { now, method, url, peer, headers, body, user, facts, entropy })
    }
}

impl<'de> Deserialize<'de> for RequestDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(map) => Self::from_map(map),
            _ => Err(DocumentError::NotAMap),
        }
        .map_err(D::Error::custom)
    }
}

impl fmt::Debug for RequestDocument {
    /// Without what may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestDocument").field(&self.request(Timestamp::UNIX_EPOCH, None)).finish()
    }
}

/// Why a request document can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The document is something else than a map.
    #[error("a document is a map with at least `method` and `url`, or with `permission`")]
    NotAMap,
    /// A key that has to be there isn't.
    #[error("the request document lacks `{0}`: it needs `method` and `url`")]
    Missing(&'static str),
    /// A key that means nothing; a misspelt one would otherwise change the decision silently.
    #[error("unknown key `{key}`: {place} may have `{}`", known.join("`, `"))]
    UnknownKey {
        /// The key.
        key: String,
        /// The part of the document that has it.
        place: &'static str,
        /// The keys that may stand there.
        known: &'static [&'static str],
    },
    /// A key that isn't even a word. It may be a slip that made a key of a credential, and isn't repeated.
    #[error(
        "unknown key (is a space missing after the colon?): {place} may have `{}`", known.join("`, `")
    )]
    NoKey {
        /// The part of the document that has it.
        place: &'static str,
        /// The keys that may stand there.
        known: &'static [&'static str],
    },
    /// The document asks for a permission, outside any door, where only a request can stand.
    #[error("a document with `permission` is no request: here, ask with `method` and `url`")]
    NoRequest,
    /// A key holds something else than it should.
    #[error("`{key}`: {problem}")]
    Invalid {
        /// The key, with the keys above it.
        key: String,
        /// The expected value.
        problem: String,
    },
    /// A header that HTTP doesn't allow.
    #[error("header `{name}`: {problem}")]
    Header {
        /// The header's name.
        name: String,
        /// The problem.
        problem: &'static str,
    },
    /// A header without a name that could be repeated, as in `{authorization:Bearer-…}`.
    #[error("entry {number} of `headers` is no header name with a value: is a space missing after the colon?")]
    NoHeader {
        /// The entry's number, from 1.
        number: usize,
    },
}

pub(crate) fn invalid(key: impl Into<String>, problem: impl Into<String>) -> DocumentError {
    DocumentError::Invalid { key: key.into(), problem: problem.into() }
}

pub(crate) fn known(
    map: &Map<String, Value>,
    place: &'static str,
    known: &'static [&'static str],
) -> Result<(), DocumentError> {
    match map.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        // A slip such as `{method:GET}` gives a key without a value.
        Some((key, value)) if !value.is_null() && is_word(key) => {
            Err(DocumentError::UnknownKey { key: key.clone(), place, known })
        }
        Some(_) => Err(DocumentError::NoKey { place, known }),
        None => Ok(()),
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(crate) fn user(value: Value) -> Result<User, DocumentError> {
    let Value::Object(mut map) = value else {
        return Err(invalid("user", "must be a map with at least an `id`"));
    };
    // `null` counts as absent.
    let mut take = |key: &str| map.shift_remove(key).filter(|value| !value.is_null());
    let id = take("id").ok_or_else(|| invalid("user", "lacks `id`"))?;
    Ok(User {
        id: text("user.id", id)?,
        roles: take("roles").map(|value| texts("user.roles", value)).transpose()?,
        tier: take("tier").map(|value| text("user.tier", value)).transpose()?,
        scopes: take("scopes").map(|value| texts("user.scopes", value)).transpose()?,
        attributes: map,
    })
}

fn texts(key: &str, value: Value) -> Result<Vec<String>, DocumentError> {
    let fail = || invalid(key, "must be a list of strings");
    let Value::Array(values) = value else { return Err(fail()) };
    values.into_iter().map(|value| text(key, value).map_err(|_| fail())).collect()
}

pub(crate) fn text(key: &str, value: Value) -> Result<String, DocumentError> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(invalid(key, "must be a string")),
    }
}

pub(crate) fn timestamp(value: &Value) -> Result<Timestamp, DocumentError> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| invalid("now", "must be a time as in RFC 3339, such as `2026-11-23T10:00:00Z`"))
}

fn method(value: &Value) -> Result<Method, DocumentError> {
    let parsed = value.as_str().and_then(|text| Method::from_bytes(text.as_bytes()).ok());
    parsed.ok_or_else(|| invalid("method", "must be an HTTP method, such as `GET`"))
}

pub(crate) fn address(value: &Value) -> Result<IpAddr, DocumentError> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| invalid("peer", "must be an IP address without a port, such as `203.0.113.9`"))
}

fn headers(value: Value) -> Result<HeaderMap, DocumentError> {
    let Value::Object(entries) = value else {
        return Err(invalid("headers", "must be a map of header names to values"));
    };
    let mut headers = HeaderMap::new();
    for (number, (name, value)) in (1..).zip(entries) {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| !value.is_null());
        let parsed = parsed.ok_or(DocumentError::NoHeader { number })?;
        let fail = |problem| DocumentError::Header { name: name.clone(), problem };
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let Value::String(text) = value else {
                return Err(fail("must be a string or a list of strings; quote numbers and booleans"));
            };
            let value = HeaderValue::from_bytes(text.as_bytes())
                .map_err(|_| fail("its value holds a character that HTTP doesn't allow there"))?;
            headers.try_append(parsed.clone(), value).map_err(|_| fail("is one header too many"))?;
        }
    }
    Ok(headers)
}

fn body(value: Value, headers: &mut HeaderMap) -> Result<Vec<u8>, DocumentError> {
    if let Value::String(raw) = value {
        return Ok(raw.into_bytes());
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers
            .try_insert(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .map_err(|_| DocumentError::Header { name: CONTENT_TYPE.to_string(), problem: "is one header too many" })?;
    }
    serde_json::to_vec(&value).map_err(|error| invalid("body", error.to_string()))
}

fn entropy(value: &Value) -> Result<[u8; 32], DocumentError> {
    let fail = || invalid("entropy", "must be 64 hex digits");
    let digits = value.as_str().ok_or_else(fail)?.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return Err(fail());
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| high << 4 | low).ok_or_else(fail)?;
    }
    Ok(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
