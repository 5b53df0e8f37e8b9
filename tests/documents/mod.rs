//! Request documents and decision documents, and the page of reason codes.

mod codes;

use std::fmt::Write as _;

use jiff::Timestamp;
use portcullis::document::RequestDocument;
use serde_json::json;

use crate::support::article::article;
use crate::support::{decide, snapshot};

/// Compares request documents with their requests, or with their errors.
fn check(name: &str, inputs: &[&str]) {
    let mut text = String::new();
    for input in inputs {
        writeln!(text, "{input}").unwrap();
        match serde_json::from_str::<RequestDocument>(input) {
            Ok(document) => text.push_str(&shown(&document)),
            Err(error) => writeln!(text, "    error: {error}").unwrap(),
        }
        text.push('\n');
    }
    snapshot!(name, text);
}

fn shown(document: &RequestDocument) -> String {
    let request = document.request(Timestamp::UNIX_EPOCH, None);
    let mut text = format!(
        "    {} {} over {}\n    at {} from {:?}\n",
        request.method,
        request.target,
        request.scheme.as_str(),
        request.now,
        request.peer
    );
    for (name, value) in request.headers {
        writeln!(text, "    {name}: {}", String::from_utf8_lossy(value.as_bytes())).unwrap();
    }
    let body = request.body.expect("a document always says what the body is");
    if !body.is_empty() {
        writeln!(text, "    body {}", String::from_utf8_lossy(body)).unwrap();
    }
    if let Some(user) = request.user {
        writeln!(text, "    user {user:?} {:?} {:?} {:?}", user.tier, user.scopes, user.attributes).unwrap();
    }
    if let Some(state) = request.facts.bucket("api:u1") {
        writeln!(text, "    buckets {{\"api:u1\": {state:?}}}").unwrap();
    }
    if let Some(entropy) = request.entropy {
        writeln!(text, "    entropy {entropy:?}").unwrap();
    }
    text
}

#[test]
fn targets_go_on_as_they_stand() {
    check(
        "targets",
        &[
            r#"{ "method": "GET", "url": "https://api.example.com/api/posts?page=2" }"#,
            r#"{ "method": "GET", "url": "HTTP://api.example.com/api/posts" }"#,
            r#"{ "method": "GET", "url": "/api/../%2e%2e//posts" }"#,
            r#"{ "method": "GET", "url": "https://[::1" }"#,
            r#"{ "method": "GET", "url": "" }"#,
            r#"{ "method": "PROPFIND", "url": "/é" }"#,
        ],
    );
}

#[test]
fn all_keys_are_read() {
    check(
        "all_keys",
        &[r#"{ "now": "2026-11-23T10:00:00Z", "method": "POST", "url": "/api/posts", "peer": "2001:db8::1",
  "headers": { "Host": "api.example.com", "accept": ["text/html", "application/json"] },
  "body": { "zebra": 18446744073709551615, "ape": -9223372036854775808, "float": 1.5 },
  "user": { "id": "u1", "roles": ["moderator"], "tier": "pro", "scopes": null, "email": "a@example.com" },
  "facts": { "resources": { "posts/42": null }, "context": {}, "account": null, "tokens": null, "keys": {},
             "buckets": { "api:u1": { "version": 3, "log": [[1700000000000000, 2]] } } },
  "entropy": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFF" }"#],
    );
}

#[test]
fn bodies() {
    check(
        "bodies",
        &[
            r#"{ "method": "POST", "url": "/", "body": "{ raw" }"#,
            r#"{ "method": "POST", "url": "/", "body": [1, null, {}] }"#,
            r#"{ "method": "POST", "url": "/", "body": null }"#,
            r#"{ "method": "POST", "url": "/", "body": false }"#,
            r#"{ "method": "POST", "url": "/", "body": {}, "headers": { "Content-Type": "text/plain" } }"#,
        ],
    );
}

#[test]
fn mistakes_are_named() {
    check(
        "mistakes",
        &[
            r#"{ "url": "/" }"#,
            r#"{ "method": "GET" }"#,
            r#"{ "metod": "GET", "url": "/" }"#,
            r#"{ "permission": "posts:delete" }"#,
            r#"{ "method": "GE T", "url": "/" }"#,
            r#"{ "method": "GET", "url": 1 }"#,
            r#"{ "method": "GET", "url": "/", "now": "today" }"#,
            r#"{ "method": "GET", "url": "/", "peer": "203.0.113.9:80" }"#,
            r#"{ "method": "GET", "url": "/", "entropy": "00" }"#,
            r#"{ "method": "GET", "url": "/", "headers": ["a"] }"#,
            r#"{ "method": "GET", "url": "/", "headers": { "x y": "a" } }"#,
            r#"{ "method": "GET", "url": "/", "headers": { "accept": "*/*", "authorization:Bearer-hush": null } }"#,
            r#"{ "method": "GET", "url": "/", "headers": { "Bearer-hush": null } }"#,
            r#"{ "method": "GET", "url": "/", "headers": { "accept": [null] } }"#,
            r#"{ "method": "GET", "url": "/", "headers": { "authorization": "Bearer hush\r\n" } }"#,
            r#"{ "method": "GET", "url": "/", "headers": { "content-length": 5 } }"#,
            r#"{ "method": "GET", "url": "/", "user": { "roles": [] } }"#,
            r#"{ "method": "GET", "url": "/", "user": { "id": "u1", "roles": "admin" } }"#,
            r#"{ "method": "GET", "url": "/", "user": { "id": "u1", "roles": [5] } }"#,
            r#"{ "method": "GET", "url": "/", "user": { "id": 5 } }"#,
            r#"{ "method": "GET", "url": "/", "user": { "id": null } }"#,
            r#"{ "method": "GET", "url": "/", "user": { "id": "u1", "scopes": "hush", "tier": null } }"#,
            r#"{ "method": "GET", "url": "/", "user": { "id": "u1", "tier": ["hush"] } }"#,
            r#"{ "method": "GET", "url": "/", "body:hush": null }"#,
            r#"{ "method": "GET", "url": "/", "hush": null }"#,
            r#"{ "method": "GET", "url": "/", "facts": { "bucket": {} } }"#,
            r#"{ "method": "GET", "url": "/", "facts": { "account": { "password_hash": "$argon2id$v=19$m=19456" } } }"#,
            r#"{ "method": "GET", "url": "/", "facts": { "context:hush": null } }"#,
            r#"{ "method": "GET", "url": "/", "facts": { "context": [] } }"#,
            r#"{ "method": "GET", "url": "/", "facts": { "buckets": { "a": { "version": -1, "log": [] } } } }"#,
            r#"{ "method": "GET", "url": "/", "facts": { "buckets": { "a": { "version": 1, "log": [1] } } } }"#,
            r#"{ "method": "GET", "url": "/", "facts": { "buckets": [] } }"#,
            r#"{ "method": "GET", "url": "/", "user": "u1" }"#,
            r#"[]"#,
            r#""hush""#,
        ],
    );
    let snapshot = include_str!("snapshots/mistakes.snap");
    let mut told = snapshot.lines().filter(|line| line.trim_start().starts_with("error: "));
    assert!(told.all(|line| !line.contains("hush")), "an input's value is in a message");
}

#[test]
fn large_headers_are_held() {
    let mut document = json!({ "method": "GET", "url": "/", "headers": { "x-large": "a".repeat(10_000_000) } });
    for number in 0..1_000 {
        document["headers"][format!("x-{number}")] = "b".into();
    }
    let document: RequestDocument = serde_json::from_value(document).unwrap();
    assert_eq!(document.headers.len(), 1_001);
    assert_eq!(document.headers["x-large"].len(), 10_000_000);

    let many: serde_json::Map<_, _> = (0..40_000).map(|number| (format!("x-{number}"), "a".into())).collect();
    let many = json!({ "method": "GET", "url": "/", "headers": many });
    let error = serde_json::from_value::<RequestDocument>(many).unwrap_err();
    assert!(error.to_string().ends_with("is one header too many"), "{error}");
}

#[test]
fn what_the_document_says_goes_first() {
    let document: RequestDocument = serde_json::from_value(json!({
        "method": "GET", "url": "/", "now": "2026-11-23T10:00:00Z", "entropy": "11".repeat(32),
    }))
    .unwrap();
    let request = document.request(Timestamp::UNIX_EPOCH, Some(&[0; 32]));
    assert_eq!(request.now.to_string(), "2026-11-23T10:00:00Z");
    assert_eq!(request.entropy, Some(&[0x11; 32]));
}

#[test]
fn decisions_have_a_fixed_shape() {
    let gate = article();
    let decision = decide(&gate, &json!({ "method": "GET", "url": "/nowhere", "peer": "203.0.113.9" }));
    let keys: Vec<_> = decision.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["verdict", "status", "reason", "user", "headers", "problem", "input", "target", "effects", "policy"]
    );
    assert_eq!(decision["verdict"], "deny");
    assert_eq!(decision["status"], 404);
    assert_eq!(decision["reason"]["code"], "not_found");
    assert_eq!(decision["reason"]["stage"], "path");
    assert_eq!(decision["input"], json!({ "body": null, "query": null, "params": {} }));
    assert_eq!(decision["policy"], json!({ "name": "article", "digest": gate.policy().digest() }));
}

#[test]
fn effects_feed_the_next_document() {
    let gate = article();
    let document = json!({
        "method": "GET", "url": "https://api.example.com/api/posts", "peer": "203.0.113.9",
        "user": { "id": "u1", "roles": ["user"] },
    });
    let first = decide(&gate, &document);
    for effect in first["effects"].as_array().unwrap() {
        assert_eq!(effect["kind"], "bucket");
        assert!(effect["expires"].as_str().unwrap().parse::<Timestamp>().is_ok());
        let id = effect["id"].as_str().unwrap();
        let mut next = document.clone();
        next["facts"]["buckets"][id] = effect["state"].clone();
        let second = decide(&gate, &next);
        let charged = second["effects"].as_array().unwrap().iter().find(|effect| effect["id"] == id).unwrap();
        assert_eq!(charged["read"], effect["state"]["version"]);
    }
}
