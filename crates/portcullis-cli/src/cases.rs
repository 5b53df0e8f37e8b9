//! Cases files: the cases in one, and the request that each makes.

use std::path::Path;

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use portcullis::document::RequestDocument;
use portcullis::{Carrier, Gate};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::documents;
use crate::error::Error;
use crate::expect::Expectation;
use crate::keys::Ring;
use crate::sign::Token;

/// When cases happen that don't say so: runs are reproducible.
const NOW: &str = "2026-01-01T00:00:00Z";
/// Where requests come from that don't say so.
const PEER: &str = "127.0.0.1";

/// A cases file.
pub(crate) struct Cases {
    /// The secrets that the policy is bound with and tokens are signed with.
    pub(crate) ring: Ring,
    /// The cases, in their order.
    pub(crate) cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    /// Which it is in its file, from 1.
    pub(crate) number: u32,
    /// What it is called.
    pub(crate) name: String,
    /// How often the request is made.
    pub(crate) repeat: u32,
    /// What the last decision must be like.
    pub(crate) expect: Expectation,
    request: Map<String, Value>,
    token: Option<Token>,
    csrf: Option<Csrf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a cases file must be a map with `cases` and perhaps `defaults`")]
struct FileDocument {
    #[serde(default)]
    defaults: Defaults,
    cases: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "`defaults` must be a map")]
struct Defaults {
    now: Option<Value>,
    peer: Option<Value>,
    keys: Option<Value>,
    #[serde(default)]
    facts: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a case must be a map")]
struct CaseDocument {
    name: String,
    request: Value,
    #[serde(rename = "as")]
    user: Option<Value>,
    token: Option<Value>,
    #[serde(default)]
    facts: Map<String, Value>,
    csrf: Option<Value>,
    repeat: Option<u32>,
    expect: Value,
}

/// A session, and how long ago its CSRF token was issued.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a session, or a map with `session` and `age`")]
struct Csrf {
    session: String,
    #[serde(default)]
    age: Age,
}

#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "String")]
struct Age(SignedDuration);

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let duration = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
        duration.map(Self).map_err(|_| format!("`{text}` isn't a duration, such as `2h` or `1h30m`"))
    }
}

impl Cases {
    /// Reads a cases file. The key ring may be in it, or in a file beside it.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let fail = |problem| Error::document(path, problem);
        let file: FileDocument = typed(documents::read(path)?).map_err(fail)?;
        let ring = match &file.defaults.keys {
            None => Ring::default(),
            Some(Value::String(name)) => Ring::read(&path.with_file_name(name))?,
            Some(inline) => Ring::new(inline.clone()).map_err(|problem| fail(format!("`defaults.keys`: {problem}")))?,
        };
        let cases = (1..).zip(file.cases).map(|(number, value)| {
            let name = value.get("name").and_then(Value::as_str).map(|name| format!(" `{name}`")).unwrap_or_default();
            Case::new(number, value, &file.defaults).map_err(|problem| fail(format!("case {number}{name}: {problem}")))
        });
        Ok(Self { cases: cases.collect::<Result<_, _>>()?, ring })
    }
}

impl Case {
    fn new(number: u32, value: Value, defaults: &Defaults) -> Result<Self, String> {
        let document: CaseDocument = typed(value)?;
        let mut request = match document.request {
            Value::Object(request) => request,
            Value::String(short) => short_form(&short)?,
            _ => return Err("`request` must be a request document, or short as in `DELETE /api/posts/42`".to_owned()),
        };
        // A `null` in the request says that there is none.
        request.entry("now").or_insert_with(|| defaults.now.clone().unwrap_or_else(|| NOW.into()));
        request.entry("peer").or_insert_with(|| defaults.peer.clone().unwrap_or_else(|| PEER.into()));
        if let Some(user) = document.user
            && request.insert("user".to_owned(), user).is_some()
        {
            return Err("`as` and `request.user` say the same thing: leave one out".to_owned());
        }
        let mut facts = defaults.facts.clone();
        if let Some(Value::Object(own)) = request.get("facts") {
            merge(&mut facts, own);
        }
        merge(&mut facts, &document.facts);
        if !facts.is_empty() {
            request.insert("facts".to_owned(), facts.into());
        }
        Ok(Self {
            number,
            name: document.name,
            repeat: match document.repeat {
                Some(0) => return Err("`repeat` must be at least 1".to_owned()),
                repeat => repeat.unwrap_or(1),
            },
            expect: Expectation::new(document.expect)?,
            request,
            token: document.token.map(typed).transpose().map_err(|problem| format!("`token`: {problem}"))?,
            csrf: document.csrf.map(csrf).transpose().map_err(|problem| format!("`csrf`: {problem}"))?,
        })
    }

    /// The request that the case makes at a gate, with the tokens that it asks for.
    pub(crate) fn request(&self, gate: &Gate, ring: &Ring) -> Result<RequestDocument, String> {
        let mut document: RequestDocument = typed(self.request.clone().into())?;
        let now = document.now.ok_or("`now` can't be null: cases are reproducible")?;
        if let Some(token) = &self.token {
            add_token(&mut document, token, gate, ring, now)?;
        }
        if let Some(csrf) = &self.csrf {
            let issued = now.checked_sub(csrf.age.0).map_err(|error| format!("`csrf.age`: {error}"))?;
            let token = gate
                .csrf_token(&csrf.session, issued, &self.entropy(u32::MAX))
                .ok_or("`csrf`: the policy has no `csrf` that issues tokens")?;
            add_cookie(&mut document.headers, &format!("{}={}", token.cookie, csrf.session))?;
            let name = HeaderName::from_bytes(token.header.as_bytes()).map_err(|error| format!("`csrf`: {error}"))?;
            append(&mut document.headers, name, &token.token)?;
        }
        Ok(document)
    }

    /// Bytes that no other round of this file gets, and that this one always gets.
    pub(crate) fn entropy(&self, round: u32) -> [u8; 32] {
        let mut bytes = *b"........fixed, not random at all";
        let (places, _) = bytes.as_chunks_mut::<4>();
        for (place, number) in places.iter_mut().zip([self.number, round]) {
            *place = number.to_be_bytes();
        }
        bytes
    }
}

/// `DELETE /api/posts/42`, at a host of no meaning.
fn short_form(short: &str) -> Result<Map<String, Value>, String> {
    let (method, target) = short
        .split_once(' ')
        .map(|(method, target)| (method, target.trim_start()))
        .ok_or("a short `request` is a method and a path, as in `DELETE /api/posts/42`")?;
    let url = if target.starts_with('/') { format!("https://localhost{target}") } else { target.to_owned() };
    Ok(Map::from_iter([("method".to_owned(), method.into()), ("url".to_owned(), url.into())]))
}

/// Adds facts kind by kind and key by key; the ones added win.
fn merge(facts: &mut Map<String, Value>, added: &Map<String, Value>) {
    for (kind, added) in added {
        match (facts.get_mut(kind), added) {
            (Some(Value::Object(known)), Value::Object(added)) => {
                known.extend(added.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => drop(facts.insert(kind.clone(), added.clone())),
        }
    }
}

fn csrf(value: Value) -> Result<Csrf, String> {
    match value {
        Value::String(session) => Ok(Csrf { session, age: Age::default() }),
        value => typed(value),
    }
}

fn add_token(
    document: &mut RequestDocument,
    token: &Token,
    gate: &Gate,
    ring: &Ring,
    now: Timestamp,
) -> Result<(), String> {
    let declared = gate
        .policy()
        .tokens()
        .find(|declared| declared.name == token.kind)
        .ok_or_else(|| format!("`token`: the policy declares no token `{}`", token.kind))?;
    let signed = token.sign(&declared, ring, now)?;
    match declared.carried {
        Carrier::Bearer => append(&mut document.headers, AUTHORIZATION, &format!("Bearer {signed}")),
        Carrier::Body(field) => {
            let mut body = match document.body.as_slice() {
                [] => json!({}),
                body => serde_json::from_slice(body).unwrap_or_default(),
            };
            let fields = body
                .as_object_mut()
                .ok_or_else(|| format!("`token`: the body must be a map to carry it as `{field}`"))?;
            fields.insert(field.to_owned(), signed.into());
            document.body = body.to_string().into_bytes();
            match document.headers.contains_key(CONTENT_TYPE) {
                true => Ok(()),
                false => append(&mut document.headers, CONTENT_TYPE, "application/json"),
            }
        }
        _ => Err(format!("`token`: this version can't place `{}` in a request", token.kind)),
    }
}

/// Adds a cookie to the ones that the request has (RFC 6265 §5.4: one header).
fn add_cookie(headers: &mut HeaderMap, cookie: &str) -> Result<(), String> {
    match headers.get_mut(COOKIE) {
        Some(cookies) => {
            let joined = [cookies.as_bytes(), b"; ", cookie.as_bytes()].concat();
            *cookies = HeaderValue::from_bytes(&joined).map_err(|_| "`csrf`: the session can't be in a cookie")?;
            Ok(())
        }
        None => append(headers, COOKIE, cookie),
    }
}

fn append(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), String> {
    let value = HeaderValue::from_str(value).map_err(|_| format!("header `{name}`: can't hold what it should"))?;
    headers.try_append(name, value).map_err(|_| "too many headers".to_owned())?;
    Ok(())
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn case(value: Value, defaults: Value) -> Result<Case, String> {
        Case::new(1, value, &typed(defaults).unwrap())
    }

    #[test]
    fn requests_are_completed() {
        let check = |value: Value, defaults: Value, request: Value| {
            let case = case(value, defaults).unwrap();
            assert_eq!(Value::from(case.request.clone()), request);
            typed::<RequestDocument>(case.request.into()).unwrap();
        };
        check(
            json!({ "name": "short", "request": "DELETE /api/posts/42", "expect": "deny" }),
            json!({}),
            json!({ "method": "DELETE", "url": "https://localhost/api/posts/42", "now": NOW, "peer": PEER }),
        );
        check(
            json!({ "name": "defaults", "request": "GET http://a/b", "as": { "id": "u1" }, "expect": "deny" }),
            json!({ "now": "2026-11-23T10:00:00Z", "peer": "::1" }),
            json!({
                "method": "GET", "url": "http://a/b", "now": "2026-11-23T10:00:00Z", "peer": "::1", "user": { "id": "u1" },
            }),
        );
        check(
            json!({ "name": "own", "request": { "method": "GET", "url": "/", "now": NOW, "peer": null }, "expect": "deny" }),
            json!({ "now": "2026-11-23T10:00:00Z", "peer": "::1" }),
            json!({ "method": "GET", "url": "/", "now": NOW, "peer": null }),
        );
        check(
            json!({
                "name": "facts", "request": { "method": "GET", "url": "/", "facts": { "tokens": {} } }, "expect": "deny",
                "facts": { "context": { "mfa": true }, "resources": { "posts/42": { "author": "u1" } }, "account": null },
            }),
            json!({ "facts": {
                "context": { "mfa": false, "risk": 1 }, "resources": { "posts/42": { "author": "u2", "open": true } },
                "account": { "id": "u2" },
            } }),
            json!({
                "method": "GET", "url": "/",
                "facts": {
                    "context": { "mfa": true, "risk": 1 }, "resources": { "posts/42": { "author": "u1" } },
                    "account": null, "tokens": {},
                },
                "now": NOW, "peer": PEER,
            }),
        );
    }

    #[test]
    fn mistakes_are_named() {
        let check = |changes: Value, problem: &str| {
            let mut value = json!({ "name": "a", "request": "GET /", "expect": "deny" });
            value.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            let error = case(value, json!({})).unwrap_err();
            assert!(error.contains(problem), "{error}");
        };
        check(json!({ "expekt": "deny" }), "`expekt`");
        check(json!({ "request": "GET" }), "a method and a path");
        check(json!({ "request": [] }), "`request` must be");
        check(json!({ "repeat": 0 }), "`repeat` must be at least 1");
        check(json!({ "token": { "kind": "access", "clams": {} } }), "`token`: unknown field `clams`");
        check(json!({ "token": "access" }), "`token`: ");
        check(json!({ "csrf": { "session": "s", "age": "soon" } }), "`csrf`: `soon` isn't a duration");
        check(json!({ "csrf": [] }), "`csrf`: ");
        check(json!({ "expect": "maybe" }), "`expect.verdict`");
        let both = json!({ "as": { "id": "a" }, "request": { "method": "GET", "url": "/", "user": { "id": "a" } } });
        check(both, "leave one out");
    }

    #[test]
    fn ages_are_durations() {
        let check = |text: &str, seconds: i64| {
            let age: Age = typed(text.into()).unwrap();
            assert_eq!(age.0, SignedDuration::from_secs(seconds), "{text}");
        };
        check("2h", 7_200);
        check("1h30m", 5_400);
        check("90s", 90);
        check("1d", 86_400);
        check("-5m", -300);
    }

    #[test]
    fn cookies_are_joined() {
        let mut headers = HeaderMap::new();
        add_cookie(&mut headers, "a=1").unwrap();
        add_cookie(&mut headers, "b=2").unwrap();
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert!(add_cookie(&mut headers, "c=\n").is_err());
    }

    #[test]
    fn entropy_differs_between_rounds_and_never_between_runs() {
        let case = case(json!({ "name": "a", "request": "GET /", "expect": "deny" }), json!({})).unwrap();
        assert_eq!(case.entropy(1), case.entropy(1));
        assert_ne!(case.entropy(1), case.entropy(2));
    }
}
