//! Paths and methods of the article's routes. Each snapshot shows a request and its decision.

use serde_json::json;

use crate::support::check_article;

#[test]
fn a_health_check() {
    check_article!("a_health_check", json!({ "method": "GET", "url": "https://api.example.com/api/health" }));
}

#[test]
fn an_unknown_path() {
    check_article!("an_unknown_path", json!({ "method": "GET", "url": "/api/nothing", "user": { "id": "u1" } }));
}

#[test]
fn an_unknown_method() {
    check_article!("an_unknown_method", json!({ "method": "PATCH", "url": "/api/posts/42" }));
}

#[test]
fn which_methods_there_are() {
    check_article!("which_methods_there_are", json!({ "method": "OPTIONS", "url": "/api/posts" }));
}

#[test]
fn a_path_with_dot_segments() {
    check_article!(
        "a_path_that_climbs",
        json!({ "method": "GET", "url": "https://api.example.com/api/posts/%2e%2e/admin" })
    );
}
