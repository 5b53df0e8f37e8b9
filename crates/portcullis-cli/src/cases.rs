//! Cases files: the cases in one, and the request that each makes.

use std::path::Path;

use http::HeaderName;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use portcullis::Gate;
use portcullis::document::RequestDocument;
use serde_json::{Map, Value};

use crate::carry::{add_cookie, add_token, append};
use crate::documents;
use crate::error::Error;
use crate::expect::Expectation;
use crate::fields::Fields;
use crate::keys::Ring;
use crate::sign::Token;

/// When cases happen that don't say so: runs are reproducible.
const NOW: &str = "2026-01-01T00:00:00Z";
/// The peer of requests without one.
const PEER: &str = "127.0.0.1";
/// More would take minutes; `facts.buckets` says what came before in one go.
const MOST_REPEATS: u32 = 100_000;
/// The keys of a case.
const KEYS: &[&str] = &["name", "request", "as", "token", "facts", "csrf", "repeat", "expect"];

/// A cases file.
pub(crate) struct Cases {
    /// The secrets that the policy is bound with and tokens are signed with.
    pub(crate) ring: Ring,
    /// The cases, in their order; one that can't be read keeps none of the others from being run.
    pub(crate) cases: Vec<Result<Case, Unreadable>>,
}

/// A case that can't be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its number in its file, from 1.
    pub(crate) number: u32,
    /// Its name, if it is readable.
    pub(crate) name: Option<String>,
    /// Why not.
    pub(crate) problem: String,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    /// Its number in its file, from 1.
    pub(crate) number: u32,
    /// Its name.
    pub(crate) name: String,
    /// The number of times that the request is made.
    pub(crate) repeat: u32,
    /// The expected decision, of the last request.
    pub(crate) expect: Expectation,
    request: Map<String, Value>,
    token: Option<Token>,
    csrf: Option<Csrf>,
}

#[derive(Debug, Default)]
struct Defaults {
    now: Option<Value>,
    peer: Option<Value>,
    keys: Option<Value>,
    facts: Map<String, Value>,
}

/// A session, and how long ago its CSRF token was issued.
#[derive(Debug)]
struct Csrf {
    session: String,
    age: SignedDuration,
}

impl Cases {
    /// Reads a cases file. The key ring may be in it, or in a file beside it.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let fail = |problem| Error::document(path, problem);
        let Value::Object(file) = documents::read(path)? else {
            return Err(fail("a cases file must be a map with `cases` and perhaps `defaults`".to_owned()));
        };
        let mut file = Fields::new(file, "a cases file", "", &["defaults", "cases"]).map_err(fail)?;
        let defaults = file.map("defaults").and_then(Defaults::new).map_err(fail)?;
        let Some(Value::Array(cases)) = file.value("cases") else {
            return Err(fail("a cases file needs `cases`, a list".to_owned()));
        };
        let cases = (1..).zip(cases).map(|(number, value)| {
            let name = value.get("name").and_then(Value::as_str).map(str::to_owned);
            Case::new(number, value, &defaults).map_err(|problem| Unreadable { number, name, problem })
        });
        let cases = cases.collect();
        Ok(Self { cases, ring: ring(path, defaults.keys)? })
    }
}

/// The ring that a cases file holds or names.
fn ring(path: &Path, keys: Option<Value>) -> Result<Ring, Error> {
    let fail = |problem| Error::document(path, format!("`defaults.keys`: {problem}"));
    match keys {
        None => Ok(Ring::default()),
        Some(Value::String(name)) => {
            let named = path.with_file_name(&name);
            // What isn't a file may be a secret in the wrong place.
            if !named.is_file() && ![".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) {
                return Err(fail("must be a key ring, or the name of a file with one".to_owned()));
            }
            Ring::read(&named)
        }
        Some(inline) => Ring::new(inline).map_err(fail),
    }
}

impl Defaults {
    fn new(map: Map<String, Value>) -> Result<Self, String> {
        let mut fields = Fields::new(map, "`defaults`", "defaults.", &["now", "peer", "keys", "facts"])?;
        Ok(Self {
            now: fields.value("now"),
            peer: fields.value("peer"),
            keys: fields.value("keys"),
            facts: fields.map("facts")?,
        })
    }
}

impl Case {
    fn new(number: u32, value: Value, defaults: &Defaults) -> Result<Self, String> {
        let Value::Object(map) = value else {
            return Err("a case must be a map with at least `name`, `request` and `expect`".to_owned());
        };
        let mut fields = Fields::new(map, "a case", "", KEYS)?;
        let lacks = |key: &str| format!("lacks `{key}`: a case has at least `name`, `request` and `expect`");
        let name = fields.string("name")?.ok_or_else(|| lacks("name"))?;
        let mut request = match fields.value("request").ok_or_else(|| lacks("request"))? {
            Value::Object(request) => request,
            Value::String(short) => short_form(&short)?,
            _ => return Err("`request` must be a request document, or short as in `DELETE /api/posts/42`".to_owned()),
        };
        // A `null` in the request says that there is none.
        request.entry("now").or_insert_with(|| defaults.now.clone().unwrap_or_else(|| NOW.into()));
        request.entry("peer").or_insert_with(|| defaults.peer.clone().unwrap_or_else(|| PEER.into()));
        if let Some(user) = fields.value("as")
            && request.insert("user".to_owned(), user).is_some()
        {
            return Err("`as` and `request.user` say the same thing: leave one out".to_owned());
        }
        let mut facts = defaults.facts.clone();
        if let Some(Value::Object(own)) = request.get("facts") {
            merge(&mut facts, own);
        }
        merge(&mut facts, &fields.map("facts")?);
        if !facts.is_empty() {
            request.insert("facts".to_owned(), facts.into());
        }
        Ok(Self {
            number,
            name,
            repeat: match fields.value("repeat") {
                None => 1,
                Some(times) => {
                    let times = times
                        .as_u64()
                        .and_then(|times| u32::try_from(times).ok())
                        .filter(|times| (1..=MOST_REPEATS).contains(times));
                    times.ok_or("`repeat` must be a whole number of at least 1 and at most 100000")?
                }
            },
            expect: Expectation::new(fields.value("expect").ok_or_else(|| lacks("expect"))?)?,
            request,
            token: fields.value("token").map(Token::new).transpose()?,
            csrf: fields.value("csrf").map(csrf).transpose()?,
        })
    }

    /// The request that the case makes at a gate, with the tokens that it asks for.
    pub(crate) fn request(&self, gate: &Gate, ring: &Ring) -> Result<RequestDocument, String> {
        let mut document: RequestDocument =
            serde_json::from_value(self.request.clone().into()).map_err(|error| error.to_string())?;
        let now = document.now.ok_or("`now` can't be null: cases are reproducible")?;
        if let Some(token) = &self.token {
            add_token(&mut document, token, gate, ring, now)?;
        }
        if let Some(csrf) = &self.csrf {
            let issued = now.checked_sub(csrf.age).map_err(|_| "`csrf.age` reaches out of all time")?;
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

/// `DELETE /api/posts/42`, which names no host, and so is for the first that the policy speaks for.
fn short_form(short: &str) -> Result<Map<String, Value>, String> {
    let (method, url) = short
        .split_once(' ')
        .map(|(method, url)| (method, url.trim_start()))
        .ok_or("a short `request` is a method and a path, as in `DELETE /api/posts/42`")?;
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
    let map = match value {
        Value::String(session) => return Ok(Csrf { session, age: SignedDuration::ZERO }),
        Value::Object(map) => map,
        _ => return Err("`csrf` must be a session, or a map with `session` and `age`".to_owned()),
    };
    let mut fields = Fields::new(map, "`csrf`", "csrf.", &["session", "age"])?;
    let session = fields.string("session")?.ok_or("`csrf` lacks `session`")?;
    let age = fields.string("age")?.map_or(Ok(SignedDuration::ZERO), |text| duration(&text));
    Ok(Csrf { session, age: age? })
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let duration = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    duration.map_err(|_| "`csrf.age` must be a duration, such as `2h` or `1h30m`".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(value: Value, defaults: Value) -> Result<Case, String> {
        let Value::Object(defaults) = defaults else { return Err("defaults are a map".to_owned()) };
        Case::new(1, value, &Defaults::new(defaults)?)
    }

    #[test]
    fn requests_are_completed() {
        let check = |value: Value, defaults: Value, request: Value| {
            let case = case(value, defaults).unwrap();
            assert_eq!(Value::from(case.request.clone()), request);
            serde_json::from_value::<RequestDocument>(case.request.into()).unwrap();
        };
        check(
            json!({ "name": "short", "request": "DELETE /api/posts/42", "expect": "deny" }),
            json!({}),
            json!({ "method": "DELETE", "url": "/api/posts/42", "now": NOW, "peer": PEER }),
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
            assert!(error.contains(problem) && !error.contains("HUSH"), "{error}");
        };
        check(json!({ "HUSH": null }), "is a space missing after the colon?");
        check(json!({ "token:HUSH.HUSH": null }), "is a space missing after the colon?");
        check(json!({ "name": 5 }), "`name` must be a string");
        check(json!({ "name": null }), "lacks `name`");
        check(json!({ "facts": "HUSH" }), "`facts` must be a map");
        check(json!({ "expekt": "deny" }), "`expekt`");
        check(json!({ "request": "GET" }), "a method and a path");
        check(json!({ "request": [] }), "`request` must be");
        check(json!({ "repeat": 0 }), "`repeat` must be a whole number of at least 1 and at most 100000");
        check(json!({ "repeat": 100_001 }), "`repeat` must be a whole number of at least 1 and at most 100000");
        check(json!({ "repeat": "HUSH" }), "`repeat` must be a whole number");
        check(json!({ "token": { "kind": "access", "clams": {} } }), "unknown key `clams`: `token` may have `kind`");
        check(json!({ "token": "HUSH" }), "`token` must be a map with at least `kind`");
        check(json!({ "token": { "claims": {} } }), "`token` lacks `kind`");
        check(json!({ "token": { "kind": "access", "claims": "HUSH" } }), "`token.claims` must be a map");
        check(json!({ "token": { "kind": "access", "tamper": "HUSH" } }), "`token.tamper` must be `true` or `false`");
        check(json!({ "token": { "kind": "refresh", "family": "HUSH" } }), "`token.family` must be one of `live`, ");
        check(json!({ "csrf": { "session": "s", "age": "HUSH" } }), "`csrf.age` must be a duration");
        check(json!({ "csrf": { "session": 5 } }), "`csrf.session` must be a string");
        check(json!({ "csrf": [] }), "`csrf` must be a session");
        check(json!({ "expect": "maybe" }), "`expect.verdict`");
        let both = json!({ "as": { "id": "a" }, "request": { "method": "GET", "url": "/", "user": { "id": "a" } } });
        check(both, "leave one out");
    }

    #[test]
    fn ages_are_durations() {
        let check = |text: &str, seconds: i64| {
            assert_eq!(duration(text).unwrap(), SignedDuration::from_secs(seconds), "{text}");
        };
        check("2h", 7_200);
        check("1h30m", 5_400);
        check("90s", 90);
        check("1d", 86_400);
        check("-5m", -300);
    }

    #[test]
    fn entropy_differs_between_rounds_and_never_between_runs() {
        let case = case(json!({ "name": "a", "request": "GET /", "expect": "deny" }), json!({})).unwrap();
        assert_eq!(case.entropy(1), case.entropy(1));
        assert_ne!(case.entropy(1), case.entropy(2));
    }
}
