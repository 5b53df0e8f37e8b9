//! Bodies of the article's routes. Each snapshot shows a request and its decision.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::article::{article, csrf_token};
use crate::support::check_article;

fn admin(method: &str, url: &str, content_type: &str, body: Value) -> Value {
    let token = csrf_token(&article(), "s1", Duration::ZERO);
    json!({
        "method": method, "url": url, "user": { "id": "a1", "roles": ["admin"] },
        "headers": { "content-type": content_type, "cookie": "session-id=s1", "x-csrf-token": token },
        "body": body,
    })
}

const JSON: &str = "application/json";

#[test]
fn a_new_user() {
    let body = json!({ "email": "new@example.com", "password": "Passw0rd!", "name": "  New  User " });
    check_article!("a_new_user", admin("POST", "/api/users", JSON, body));
}

#[test]
fn everything_wrong_with_a_new_user() {
    let body = json!({ "email": "nobody@", "password": "hunter", "name": 7, "role": "admin", "a/b~c": null });
    check_article!("everything_wrong_with_a_new_user", admin("POST", "/api/users", JSON, body));
}

#[test]
fn too_many_problems_to_tell() {
    let unknown: serde_json::Map<_, _> = (0..40).map(|number| (format!("x{number}"), json!(number))).collect();
    let decision =
        check_article!("too_many_problems_to_tell", admin("POST", "/api/posts", JSON, Value::Object(unknown)));
    assert_eq!(decision["problem"]["errors"].as_array().unwrap().len(), 32);
}

#[test]
fn a_duplicate_key() {
    let body = r#"{ "title": "a", "text": "b", "title": "c" }"#;
    check_article!("a_duplicate_key", admin("PUT", "/api/posts/42", JSON, body.into()));
}

#[test]
fn a_form() {
    check_article!("a_form", admin("POST", "/api/posts", "application/x-www-form-urlencoded", "title=a&text=b".into()));
}

#[test]
fn a_body_where_none_is_taken() {
    check_article!(
        "a_body_where_none_is_taken",
        json!({ "method": "GET", "url": "/api/me", "user": { "id": "u1" }, "body": { "a": 1 } }),
    );
}
