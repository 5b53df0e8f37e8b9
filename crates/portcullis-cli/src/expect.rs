//! The expectation of a case: everything that it names must be in the decision document.

use portcullis::reason::{Code, Stage};
use serde_json::{Map, Value, json};

use crate::fields;

/// The names that an expectation may have, and their pointers in a decision document.
const KEYS: &[(&str, &str)] = &[
    ("verdict", "/verdict"),
    ("status", "/status"),
    ("code", "/reason/code"),
    ("stage", "/reason/stage"),
    ("message", "/reason/message"),
    ("headers", "/headers"),
    ("user", "/user"),
    ("input", "/input"),
    ("target", "/target"),
    ("problem", "/problem"),
    ("body", "/body"),
    ("effects", "/effects"),
    ("notes", "/notes"),
];
const VERDICTS: [&str; 3] = ["allow", "deny", "answer"];
/// Every stage, in their order.
const STAGES: [Stage; 13] = [
    Stage::Transport,
    Stage::Path,
    Stage::Cors,
    Stage::Method,
    Stage::Guard,
    Stage::Authenticate,
    Stage::Limit,
    Stage::Csrf,
    Stage::Authorize,
    Stage::Validate,
    Stage::Login,
    Stage::Issue,
    Stage::Allow,
];

/// An expectation: at least one thing.
#[derive(Debug, Clone)]
pub(crate) struct Expectation(Map<String, Value>);

impl Expectation {
    pub(crate) fn new(value: Value) -> Result<Self, String> {
        let map = match value {
            Value::String(verdict) => Map::from_iter([("verdict".to_owned(), Value::String(verdict))]),
            Value::Object(map) if !map.is_empty() => map,
            _ => return Err("`expect` must be `allow`, `deny`, `answer` or a map of what to expect".to_owned()),
        };
        for (key, value) in &map {
            let fits = match key.as_str() {
                "verdict" => value.as_str().is_some_and(|verdict| VERDICTS.contains(&verdict)),
                "status" => value.is_u64(),
                "code" => code(value)?,
                "stage" => stage(value)?,
                "message" => value.is_string(),
                "headers" => value.as_object().is_some_and(|headers| headers.values().all(is_header)),
                "notes" => {
                    is_strings(value)
                        && value.as_array().into_iter().flatten().try_fold(true, |_, value| code(value))?
                }
                "effects" => value.is_array(),
                "input" => value.is_object(),
                "user" | "problem" => value.is_object() || value.is_null(),
                "target" => value.is_string() || value.is_null(),
                "body" => true,
                _ => {
                    let known: Vec<_> = KEYS.iter().map(|(key, _)| *key).collect();
                    return Err(fields::unknown((key, value), "`expect`", &known));
                }
            };
            if !fits {
                return Err(format!("`expect.{key}` {}", shape(key)));
            }
        }
        Ok(Self(map))
    }

    /// Every difference between what is expected and what a decision document says, a line each.
    pub(crate) fn differences(&self, decision: &Value) -> Vec<String> {
        let mut found = Vec::new();
        for (key, pointer) in KEYS {
            let Some(expected) = self.0.get(*key) else { continue };
            let actual = decision.pointer(pointer).unwrap_or(&Value::Null);
            match *key {
                "headers" => headers(expected, actual, &mut found),
                "notes" => compare("notes", expected, &codes(actual), &mut found),
                key => compare(key, expected, actual, &mut found),
            }
        }
        found
    }
}

/// True if a value is a code; an error if it is a string and isn't.
fn code(value: &Value) -> Result<bool, String> {
    named(value, "code", Code::ALL.iter().map(|code| code.as_str()))
}

/// True if a value is a stage; an error if it is a string and isn't.
fn stage(value: &Value) -> Result<bool, String> {
    named(value, "stage", STAGES.iter().map(|stage| stage.as_str()))
}

/// An expectation that nothing can meet is a slip, and `deny` with it would hide what is denied and why.
fn named(value: &Value, kind: &str, known: impl Iterator<Item = &'static str>) -> Result<bool, String> {
    let Some(name) = value.as_str() else { return Ok(false) };
    let known: Vec<_> = known.collect();
    if known.contains(&name) {
        return Ok(true);
    }
    let name = if fields::is_name(name) { format!(" `{name}`") } else { String::new() };
    Err(format!("`expect`: there is no {kind}{name}, only `{}`", known.join("`, `")))
}

fn is_header(value: &Value) -> bool {
    value.is_null() || value.is_string() || is_strings(value)
}

fn is_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}

fn shape(key: &str) -> &'static str {
    match key {
        "verdict" => "must be `allow`, `deny` or `answer`",
        "status" => "must be a number",
        "headers" => {
            "must be a map of names to a string (numbers in quotes, such as \"60\"), a list of strings, or null for absent"
        }
        "notes" => "must be a list of codes",
        "effects" => "must be a list",
        "input" => "must be a map",
        "user" | "problem" => "must be a map or null",
        "target" => "must be a string or null",
        _ => "must be a string",
    }
}

fn codes(notes: &Value) -> Value {
    notes.as_array().into_iter().flatten().map(|note| note.get("code").cloned().unwrap_or_default()).collect()
}

/// Headers are told by name, whatever the case. One that is there once is a string.
fn headers(expected: &Value, actual: &Value, found: &mut Vec<String>) {
    for (name, expected) in expected.as_object().into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        let mut values: Vec<Value> = actual
            .as_array()
            .into_iter()
            .flatten()
            .filter(|pair| pair.get(0).and_then(Value::as_str) == Some(&name))
            .filter_map(|pair| pair.get(1).cloned())
            .collect();
        let actual = match values.len() {
            0 => Value::Null,
            1 if !expected.is_array() => values.remove(0),
            _ => values.into(),
        };
        compare(&format!("headers.{name}"), expected, &actual, found);
    }
}

/// Maps match where the expected keys do, `null` standing for an absent one; lists match element by element.
fn compare(place: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, expected) in expected {
                compare(&format!("{place}.{key}"), expected, actual.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{place}[{index}]"), expected, actual, found);
            }
        }
        (Value::Number(expected), Value::Number(actual)) if expected.as_f64() == actual.as_f64() => {
            // Integers beyond a float's precision may differ all the same.
            if expected.is_f64() == actual.is_f64() && expected != actual {
                found.push(difference(place, &json!(expected), &json!(actual)));
            }
        }
        _ if expected == actual => {}
        _ => found.push(difference(place, expected, actual)),
    }
}

fn difference(place: &str, expected: &Value, actual: &Value) -> String {
    format!("{place}: expected {expected}, got {actual}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn decision() -> Value {
        json!({
            "verdict": "deny", "status": 403,
            "reason": { "code": "csrf_missing", "stage": "csrf", "message": "no token" },
            "notes": [{ "code": "invalid_token", "stage": "authenticate", "message": "expired" }],
            "user": { "id": "u1", "roles": ["user", "editor"] },
            "headers": [["vary", "origin"], ["vary", "cookie"], ["x-frame-options", "DENY"]],
            "problem": { "title": "Forbidden", "errors": [{ "pointer": "/a", "code": "too_short" }] },
            "input": { "body": { "n": 18446744073709551615_u64 }, "query": null, "params": { "id": "42" } },
            "target": null, "effects": [],
        })
    }

    /// The differences that are found are `expected`.
    fn check(expectation: Value, expected: &[&str]) {
        let found = Expectation::new(expectation.clone()).unwrap().differences(&decision());
        assert_eq!(found, expected, "{expectation}");
    }

    #[test]
    fn what_is_named_must_match() {
        check(json!("deny"), &[]);
        check(json!("allow"), &[r#"verdict: expected "allow", got "deny""#]);
        check(json!({ "status": 403, "code": "csrf_missing", "stage": "csrf", "message": "no token" }), &[]);
        check(
            json!({ "stage": "limit", "status": 200 }),
            &["status: expected 200, got 403", r#"stage: expected "limit", got "csrf""#],
        );
        check(json!({ "user": { "id": "u1", "email": null } }), &[]);
        check(json!({ "user": null }), &[r#"user: expected null, got {"id":"u1","roles":["user","editor"]}"#]);
        check(json!({ "user": { "roles": ["user"] } }), &[r#"user.roles: expected ["user"], got ["user","editor"]"#]);
        check(json!({ "input": { "params": { "id": "42" }, "body": { "n": u64::MAX } } }), &[]);
        check(
            json!({ "input": { "body": { "n": u64::MAX - 1 } } }),
            &["input.body.n: expected 18446744073709551614, got 18446744073709551615"],
        );
        check(json!({ "problem": { "errors": [{ "pointer": "/a" }] } }), &[]);
        check(
            json!({ "problem": { "errors": [{ "pointer": "/b" }] } }),
            &[r#"problem.errors[0].pointer: expected "/b", got "/a""#],
        );
        check(json!({ "body": null, "target": null, "effects": [], "notes": ["invalid_token"] }), &[]);
        check(json!({ "notes": [] }), &[r#"notes: expected [], got ["invalid_token"]"#]);
    }

    #[test]
    fn headers_are_named() {
        check(json!({ "headers": { "X-Frame-Options": "DENY", "vary": ["origin", "cookie"], "server": null } }), &[]);
        check(json!({ "headers": { "x-frame-options": ["DENY"] } }), &[]);
        check(
            json!({ "headers": { "x-frame-options": null } }),
            &[r#"headers.x-frame-options: expected null, got "DENY""#],
        );
        check(
            json!({ "headers": { "vary": "origin" } }),
            &[r#"headers.vary: expected "origin", got ["origin","cookie"]"#],
        );
        check(json!({ "headers": { "server": "x" } }), &[r#"headers.server: expected "x", got null"#]);
    }

    #[test]
    fn users_match_in_part_and_null_is_absent() {
        check(json!({ "user": { "id": "u1" } }), &[]);
        check(json!({ "user": { "nonsense": null, "tier": null } }), &[]);
        check(json!({ "user": { "nonsense": 1 } }), &["user.nonsense: expected 1, got null"]);
        check(json!({ "user": { "id": null } }), &[r#"user.id: expected null, got "u1""#]);
        check(json!({ "user": null }), &[r#"user: expected null, got {"id":"u1","roles":["user","editor"]}"#]);
    }

    #[test]
    fn every_code_and_stage_is_known() {
        for code in Code::ALL {
            Expectation::new(json!({ "code": code.as_str(), "notes": [code.as_str()] })).unwrap();
        }
        for stage in STAGES {
            Expectation::new(json!({ "stage": stage.as_str() })).unwrap();
        }
    }

    #[test]
    fn mistakes_are_named() {
        let check = |value: Value, problem: &str| {
            let error = Expectation::new(value).unwrap_err();
            assert!(error.contains(problem), "{error}");
        };
        check(json!({ "code": "nonsense" }), "there is no code `nonsense`, only `allowed`, ");
        check(json!({ "code": 5 }), "`expect.code` must be a string");
        check(json!({ "stage": "door" }), "there is no stage `door`, only `transport`, ");
        check(json!({ "notes": ["invalid_token", "nonsense"] }), "there is no code `nonsense`");
        check(json!({ "notes": [5] }), "`expect.notes` must be");
        check(json!({ "code:hush": null }), "is a space missing after the colon?");
        check(json!("alow"), "`expect.verdict` must be");
        check(json!({}), "`expect` must be");
        check(json!(null), "`expect` must be");
        check(json!({ "stauts": 200 }), "unknown key `stauts`");
        check(json!({ "status": "200" }), "`expect.status` must be a number");
        check(json!({ "headers": { "a": 5 } }), "`expect.headers` must be");
        check(json!({ "notes": "a" }), "`expect.notes` must be");
    }
}
