//! Which door, if any, and where from.

use std::time::Duration;

use serde_json::{Value, json};

use super::article::{csrf_token, gate};
use super::{check, decide};

#[test]
fn a_health_check() {
    check("a_health_check", json!({ "method": "GET", "url": "https://api.example.com/api/health" }));
}

#[test]
fn an_unknown_path() {
    check("an_unknown_path", json!({ "method": "GET", "url": "/api/nothing", "user": { "id": "u1" } }));
}

#[test]
fn an_unknown_method() {
    check("an_unknown_method", json!({ "method": "PATCH", "url": "/api/posts/42" }));
}

#[test]
fn which_methods_there_are() {
    check("which_methods_there_are", json!({ "method": "OPTIONS", "url": "/api/posts" }));
}

#[test]
fn a_path_that_climbs() {
    check("a_path_that_climbs", json!({ "method": "GET", "url": "https://api.example.com/api/posts/%2e%2e/admin" }));
}

fn deletion(headers: Value) -> Value {
    json!({
        "method": "DELETE", "url": "https://api.example.com/api/posts/42",
        "user": { "id": "m1", "roles": ["moderator"] }, "headers": headers,
    })
}

#[test]
fn a_foreign_page() {
    check(
        "a_foreign_page",
        deletion(
            json!({ "cookie": "session-id=s1", "sec-fetch-site": "cross-site", "origin": "https://evil.example" }),
        ),
    );
}

#[test]
fn a_session_without_its_token() {
    check("a_session_without_its_token", deletion(json!({ "cookie": "session-id=s1" })));
}

#[test]
fn the_token_of_another_session() {
    let token = csrf_token(&gate(), "s2", Duration::ZERO);
    check("the_token_of_another_session", deletion(json!({ "cookie": "session-id=s1", "x-csrf-token": token })));
}

#[test]
fn an_old_csrf_token() {
    let token = csrf_token(&gate(), "s1", Duration::from_hours(1));
    check("an_old_csrf_token", deletion(json!({ "cookie": "session-id=s1", "x-csrf-token": token })));
}

#[test]
fn an_issued_token_opens_the_door() {
    let issued = check(
        "an_issued_csrf_token",
        json!({ "method": "GET", "url": "https://api.example.com/api/csrf", "peer": "203.0.113.9" }),
    );
    let set = issued["headers"].as_array().unwrap().iter().find(|header| header[0] == "set-cookie").unwrap();
    let cookie = set[1].as_str().unwrap().split(';').next().unwrap();
    check("a_deletion", deletion(json!({ "cookie": cookie, "x-csrf-token": issued["body"]["csrfToken"] })));
}

/// No character of a CSRF token can be changed, left out or added.
#[test]
fn csrf_tokens_cannot_be_changed() {
    let gate = gate();
    let token = csrf_token(&gate, "s1", Duration::ZERO);
    let status = |token: &str| {
        decide(&gate, &deletion(json!({ "cookie": "session-id=s1", "x-csrf-token": token })))["status"].clone()
    };
    assert_eq!(status(&token), 200);
    for at in 0..token.len() {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        assert_eq!(status(&changed), 403, "{changed}");
        assert_eq!(status(&format!("{}{}", &token[..at], &token[at + 1..])), 403);
    }
    assert_eq!(status(&format!("{token}A")), 403);
    assert_eq!(status(&format!("{token}=")), 403);
}
