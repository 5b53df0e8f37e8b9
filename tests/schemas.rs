//! Schemas: what input they take, what they hand on, and what they say is wrong with the rest. Each case is a text
//! beside its outcome: the normal form, or the pointers and codes of the violations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "schemas/parts.rs"]
mod parts;
#[path = "schemas/properties.rs"]
mod properties;
#[path = "schemas/queries.rs"]
mod queries;
#[path = "schemas/scalars.rs"]
mod scalars;

use portcullis::{Decision, Facts, Gate, Keys, Policy, Request, Scheme, Source};
use serde_json::{Value, json};

/// A gate whose `/` takes a body `A`, and a query `A` where the schema is one for queries.
#[track_caller]
fn gate(schemas: &str, clause: &str) -> Gate {
    let text = format!("policy p\n{schemas}\nroutes / {{ POST / public {clause} }}");
    let policy = Policy::compile(&[Source::new("test.gate", &*text)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    policy.bind(&Keys::new()).unwrap()
}

fn decide<'g>(gate: &'g Gate, target: &str, media_type: &str, body: &str) -> Decision<'g, 'static> {
    let mut headers = http::HeaderMap::new();
    if !media_type.is_empty() {
        headers.insert("content-type", media_type.parse().unwrap());
    }
    let facts = Facts::default();
    gate.decide(&Request {
        method: &http::Method::POST,
        target,
        scheme: Scheme::Https,
        host: None,
        headers: &headers,
        peer: None,
        body: Some(body.as_bytes()),
        now: "2026-11-23T10:00:00Z".parse().unwrap(),
        entropy: None,
        user: None,
        facts: &facts,
    })
    .into_owned()
}

/// The normal form, or what is wrong: `POINTER CODE, …`, or the reason's code alone.
fn outcome(decision: &Decision<'_, '_>, normal: Option<&Value>) -> String {
    if decision.status == 200 {
        return normal.unwrap().to_string();
    }
    let problem = decision.problem().unwrap();
    let told: Vec<String> =
        problem.errors.iter().map(|error| format!("{} {}", error.pointer, error.code).trim().to_owned()).collect();
    if told.is_empty() { problem.code.to_owned() } else { told.join(", ") }
}

#[track_caller]
fn bodies(schemas: &str, cases: &[(&str, &str)]) {
    let gate = gate(schemas, "body A");
    for (body, expected) in cases {
        let decision = decide(&gate, "/", "application/json", body);
        assert_eq!(outcome(&decision, decision.input.body.as_ref()), *expected, "{body}");
        // What is handed on is left as it is.
        if let Some(normal) = &decision.input.body {
            let again = decide(&gate, "/", "application/json", &normal.to_string());
            assert_eq!(again.input.body.as_ref(), Some(normal), "{body}");
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
    let gate = gate(schemas, "query A no body");
    for (query, expected) in cases {
        let target = if query.is_empty() { "/".to_owned() } else { format!("/?{query}") };
        let decision = decide(&gate, &target, "", "");
        assert_eq!(outcome(&decision, decision.input.query.as_ref()), *expected, "{query}");
    }
}

/// The input of the large example, but for its rule.
#[test]
fn the_blogs_schemas() {
    let blog = include_str!("../policies/blog.gate");
    let from = blog.find("schema Login").unwrap();
    let to = blog[from..].find("// ──").unwrap();
    let schemas: Vec<&str> = blog[from..from + to].lines().filter(|line| !line.trim().starts_with("check")).collect();
    let gate = gate(&schemas.join("\n"), "query Page body NewPost");
    let body = json!({
        "title": "  Cafe\u{301} ", "text": "…", "tags": [" Rust ", "api"], "publish": { "at": "2026-12-01T09:00:00+01:00" },
    });
    let decision = decide(&gate, "/?cursor=abc%2F1", "application/json", &body.to_string());
    assert_eq!(decision.status, 200, "{decision:?}");
    assert_eq!(decision.input.query, Some(json!({ "limit": 20, "cursor": "abc/1" })));
    let expected = json!({
        "title": "Café", "text": "…", "tags": ["rust", "api"],
        "publish": { "at": "2026-12-01T08:00:00Z", "notify": true },
    });
    assert_eq!(decision.input.body, Some(expected));
    let body = json!({ "title": " ", "text": 1, "tags": ["a", "A", "b c"], "publish": { "at": "soon", "when": 1 } });
    let told = |target: &str| outcome(&decide(&gate, target, "application/json", &body.to_string()), None);
    assert_eq!(
        told("/"),
        "/title too_short, /text type, /tags/1 duplicate, /tags/2 pattern, /publish/at timestamp, /publish/when unknown_field"
    );
    // The query is looked at before the body.
    assert_eq!(told("/?limit=0&limits=1"), "/limit too_small, /limits unknown_field");
}
