//! Decision documents contain no secrets of the request.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::article::{ACCESS_KEY, REFRESH_KEY, article, claims, csrf_token, sign};
use crate::support::decide;

/// Asserts that a decision document contains no secret of the request, and no key.
fn check(request: &Value, secrets: &[&str]) {
    let decision = decide(&article(), request).to_string();
    for secret in secrets.iter().copied().chain(["for the tests alone"]) {
        assert!(request.to_string().contains(secret) || secret == "for the tests alone", "{secret}");
        assert!(!decision.contains(secret), "`{secret}` is in {decision}");
    }
}

#[test]
fn tokens_stay_inside() {
    for (key, url) in [(ACCESS_KEY, "/api/me"), (REFRESH_KEY, "/api/me"), (REFRESH_KEY, "/api/health")] {
        let token = sign(&claims("u1", "user", None), key);
        let parts: Vec<&str> = token.split('.').collect();
        let headers = json!({ "authorization": format!("Bearer {token}") });
        let request = json!({ "method": "GET", "url": url, "peer": "203.0.113.9", "headers": headers });
        check(&request, &[parts[1], parts[2]]);
    }
    let request = json!({
        "method": "GET", "url": "/api/me", "peer": "203.0.113.9", "headers": { "authorization": "Bearer hunter2 hunter3" },
    });
    check(&request, &["hunter2", "hunter3"]);
}

#[test]
fn refresh_tokens_stay_inside() {
    for body in [json!({ "refreshToken": "hunter2" }), json!({ "refreshToken": ["hunter2"] }), json!("hunter2")] {
        let request = json!({ "method": "POST", "url": "/api/auth/refresh", "peer": "203.0.113.9", "body": body,
            "headers": { "content-type": "application/json" } });
        check(&request, &["hunter2"]);
    }
}

#[test]
fn sessions_stay_inside() {
    let token = csrf_token(&article(), "hunter2", Duration::ZERO);
    for (cookie, token) in [("session-id=hunter2", token.as_str()), ("session-id=hunter2; session-id=b", "hunter3")] {
        let request = json!({
            "method": "DELETE", "url": "/api/posts/1", "user": { "id": "a1", "roles": ["admin"] },
            "headers": { "cookie": cookie, "x-csrf-token": token },
        });
        check(&request, &["hunter2", token]);
    }
    let request = json!({
        "method": "GET", "url": "/api/csrf", "peer": "203.0.113.9", "headers": { "cookie": "session-id=hunter2" },
    });
    check(&request, &["hunter2"]);
}

#[test]
fn secret_fields_are_masked() {
    let token = csrf_token(&article(), "s1", Duration::ZERO);
    for (password, name) in [("Hunter-2-hunter", "New"), ("hunter2", "New"), ("Hunter-2-hunter", "")] {
        let request = json!({
            "method": "POST", "url": "/api/users", "user": { "id": "a1", "roles": ["admin"] },
            "headers": { "cookie": "session-id=s1", "x-csrf-token": token },
            "body": { "email": "new@example.com", "password": password, "name": name },
        });
        check(&request, &[password]);
    }
}
