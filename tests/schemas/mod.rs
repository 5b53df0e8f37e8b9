//! Schemas: validation, normal forms and violations of bodies and queries. Each case is a text with its outcome: the normal
//! form, or the pointers and codes of the violations.

mod article;
mod documents;
mod parts;
mod properties;
mod queries;
mod scalars;

use portcullis::{Decision, Gate};
use serde_json::{Value, json};

use crate::support::exchange::{Call, body_input, query_input, status};
use crate::support::{BLOG, gate};

/// A gate whose only route, `POST /`, has a clause.
#[track_caller]
fn route(schemas: &str, clause: &str) -> Gate {
    gate(&format!("{schemas}\nroutes / {{ POST / public {clause} }}"))
}

fn decide<'g>(gate: &'g Gate, target: &str, media_type: &str, body: &str) -> Decision<'g, 'static> {
    gate.decide(&Call::new(&format!("POST {target}")).body(media_type, body).request()).into_owned()
}

/// The normal form, or the violations as `POINTER CODE, …`, or the reason's code.
fn outcome(decision: &Decision<'_, '_>, normal: Option<&Value>) -> String {
    if status(decision) == 200 {
        return normal.unwrap().to_string();
    }
    let problem = decision.problem().unwrap();
    let told: Vec<String> =
        problem.errors.iter().map(|error| format!("{} {}", error.pointer, error.code).trim().to_owned()).collect();
    if told.is_empty() { problem.code.to_owned() } else { told.join(", ") }
}

#[track_caller]
fn bodies(schemas: &str, cases: &[(&str, &str)]) {
    let gate = route(schemas, "body A");
    for (body, expected) in cases {
        let decision = decide(&gate, "/", "application/json", body);
        assert_eq!(outcome(&decision, body_input(&decision)), *expected, "{body}");
        // The normal form is its own normal form.
        if let Some(normal) = body_input(&decision) {
            let again = decide(&gate, "/", "application/json", &normal.to_string());
            assert_eq!(body_input(&again), Some(normal), "{body}");
        }
    }
}

/// Values of the one field `a`.
#[track_caller]
fn values(ty: &str, cases: &[(&str, &str)]) {
    let cases: Vec<(String, String)> = cases
        .iter()
        .map(|(value, expected)| {
            let expected = match *expected {
                "=" => format!("{{\"a\":{value}}}"),
                wrong if wrong.starts_with(|c: char| c.is_ascii_lowercase()) && wrong != "true" => {
                    format!("/a {wrong}")
                }
                wrong if wrong.starts_with('/') => format!("/a{wrong}"),
                normal => format!("{{\"a\":{normal}}}"),
            };
            (format!("{{\"a\":{value}}}"), expected)
        })
        .collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
    bodies(&format!("schema A {{ a: {ty} }}"), &cases);
}

#[track_caller]
fn query_strings(schemas: &str, cases: &[(&str, &str)]) {
    let gate = route(schemas, "query A no body");
    for (query, expected) in cases {
        let target = if query.is_empty() { "/".to_owned() } else { format!("/?{query}") };
        let decision = decide(&gate, &target, "", "");
        assert_eq!(outcome(&decision, query_input(&decision)), *expected, "{query}");
    }
}

/// The schemas of the blog without their `check` rules.
#[test]
fn the_blogs_schemas() {
    let from = BLOG.find("schema Login").unwrap();
    let to = BLOG[from..].find("// ──").unwrap();
    let schemas: Vec<&str> = BLOG[from..from + to].lines().filter(|line| !line.trim().starts_with("check")).collect();
    let gate = route(&schemas.join("\n"), "query Page body NewPost");
    let body = json!({
        "title": "  Cafe\u{301} ", "text": "…", "tags": [" Rust ", "api"], "publish": { "at": "2026-12-01T09:00:00+01:00" },
    });
    let decision = decide(&gate, "/?cursor=abc%2F1", "application/json", &body.to_string());
    assert_eq!(status(&decision), 200, "{decision:?}");
    assert_eq!(query_input(&decision), Some(&json!({ "limit": 20, "cursor": "abc/1" })));
    let expected = json!({
        "title": "Café", "text": "…", "tags": ["rust", "api"],
        "publish": { "at": "2026-12-01T08:00:00Z", "notify": true },
    });
    assert_eq!(body_input(&decision), Some(&expected));
    let body = json!({ "title": " ", "text": 1, "tags": ["a", "A", "b c"], "publish": { "at": "soon", "when": 1 } });
    let told = |target: &str| outcome(&decide(&gate, target, "application/json", &body.to_string()), None);
    assert_eq!(
        told("/"),
        "/title too_short, /text type, /tags/1 duplicate, /tags/2 pattern, /publish/at timestamp, /publish/when unknown_field"
    );
    // The query is validated before the body.
    assert_eq!(told("/?limit=0&limits=1"), "/limit too_small, /limits unknown_field");
}
