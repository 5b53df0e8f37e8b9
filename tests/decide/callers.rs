//! Who is calling, what they may do, and how often.

use serde_json::json;

use super::article::{ACCESS_KEY, NOW, REFRESH_KEY, claims, sign};
use super::check;

fn bearer(claims: &serde_json::Value) -> String {
    format!("Bearer {}", sign(claims, ACCESS_KEY))
}

#[test]
fn a_token_makes_the_caller() {
    let token = bearer(&claims("u1", "user", Some("pro")));
    check(
        "a_token_makes_the_caller",
        json!({ "method": "GET", "url": "/api/me", "peer": "203.0.113.9", "headers": { "authorization": token } }),
    );
}

#[test]
fn no_credential() {
    check("no_credential", json!({ "method": "GET", "url": "/api/me", "peer": "203.0.113.9" }));
}

#[test]
fn an_expired_token() {
    let mut claims = claims("u1", "user", None);
    claims["iat"] = (NOW - 900).into();
    claims["exp"] = NOW.into();
    check(
        "an_expired_token",
        json!({
            "method": "GET", "url": "/api/me", "peer": "203.0.113.9", "headers": { "authorization": bearer(&claims) },
        }),
    );
}

#[test]
fn a_token_signed_with_the_refresh_key() {
    let token = format!("Bearer {}", sign(&claims("a1", "admin", None), REFRESH_KEY));
    check(
        "a_token_signed_with_the_refresh_key",
        json!({ "method": "GET", "url": "/api/admin", "peer": "203.0.113.9", "headers": { "authorization": token } }),
    );
}

#[test]
fn two_authorization_headers() {
    let token = bearer(&claims("a1", "admin", None));
    check(
        "two_authorization_headers",
        json!({
            "method": "GET", "url": "/api/health", "headers": { "authorization": [token, "Basic dTE6cGFzc3dvcmQ="] },
        }),
    );
}

#[test]
fn a_bad_token_at_a_public_door() {
    check(
        "a_bad_token_at_a_public_door",
        json!({ "method": "GET", "url": "/api/health", "headers": { "authorization": "Bearer a.b.c" } }),
    );
}

#[test]
fn a_lacking_permission() {
    check(
        "a_lacking_permission",
        json!({ "method": "GET", "url": "/api/users", "user": { "id": "u1", "roles": ["user", "wizard"], "tier": "gold" } }),
    );
}

#[test]
fn a_limit_with_room() {
    check(
        "a_limit_with_room",
        json!({
            "method": "GET", "url": "/api/posts?page=2", "user": { "id": "u1", "roles": ["user"] },
            "facts": { "buckets": { "article/api/0:2:u1": {
                "version": 4,
                "log": [[(NOW - 61) * 1_000_000, 9], [(NOW - 30) * 1_000_000, 40], [(NOW - 1) * 1_000_000, 2]],
            } } },
        }),
    );
}

#[test]
fn a_limit_used_up() {
    check(
        "a_limit_used_up",
        json!({
            "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"] },
            "facts": { "buckets": { "article/api/0:2:u1": {
                "version": 9, "log": [[(NOW - 30) * 1_000_000, 1], [(NOW - 10) * 1_000_000 + 1, 99]],
            } } },
        }),
    );
}

#[test]
fn an_unknown_address() {
    check("an_unknown_address", json!({ "method": "GET", "url": "/api/posts" }));
}

#[test]
fn a_refresh_token() {
    let token = sign(&json!({ "userId": "u1", "iat": NOW, "exp": NOW + 604_800 }), REFRESH_KEY);
    check(
        "a_refresh_token",
        json!({
            "method": "POST", "url": "/api/auth/refresh", "peer": "203.0.113.9", "body": { "refreshToken": token },
        }),
    );
}

#[test]
fn an_access_token_in_place_of_a_refresh_token() {
    let token = sign(&claims("u1", "user", None), ACCESS_KEY);
    check(
        "an_access_token_in_place_of_a_refresh_token",
        json!({
            "method": "POST", "url": "/api/auth/refresh", "peer": "203.0.113.9", "body": { "refreshToken": token },
        }),
    );
}
