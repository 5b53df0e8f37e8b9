//! Credentials at the article's routes. Each snapshot shows a request and its decision.

use serde_json::json;

use crate::support::article::{ACCESS_KEY, REFRESH_KEY, claims, sign};
use crate::support::exchange::NOW;
use crate::support::{ARTICLE, check, check_article, gate};

fn bearer(claims: &serde_json::Value) -> String {
    format!("Bearer {}", sign(claims, ACCESS_KEY))
}

#[test]
fn a_token_makes_the_caller() {
    let token = bearer(&claims("u1", "user", Some("pro")));
    check_article!(
        "a_token_makes_the_caller",
        json!({ "method": "GET", "url": "/api/me", "peer": "203.0.113.9", "headers": { "authorization": token } }),
    );
}

#[test]
fn no_credential() {
    check_article!("no_credential", json!({ "method": "GET", "url": "/api/me", "peer": "203.0.113.9" }));
}

#[test]
fn an_expired_token() {
    let mut claims = claims("u1", "user", None);
    claims["iat"] = (NOW - 900).into();
    claims["exp"] = NOW.into();
    check_article!(
        "an_expired_token",
        json!({
            "method": "GET", "url": "/api/me", "peer": "203.0.113.9", "headers": { "authorization": bearer(&claims) },
        }),
    );
}

#[test]
fn a_token_signed_with_the_refresh_key() {
    let token = format!("Bearer {}", sign(&claims("a1", "admin", None), REFRESH_KEY));
    check_article!(
        "a_token_signed_with_the_refresh_key",
        json!({ "method": "GET", "url": "/api/admin", "peer": "203.0.113.9", "headers": { "authorization": token } }),
    );
}

#[test]
fn two_authorization_headers() {
    let token = bearer(&claims("a1", "admin", None));
    check_article!(
        "two_authorization_headers",
        json!({
            "method": "GET", "url": "/api/health", "headers": { "authorization": [token, "Basic dTE6cGFzc3dvcmQ="] },
        }),
    );
}

#[test]
fn a_bad_token_at_a_public_door() {
    check_article!(
        "a_bad_token_at_a_public_door",
        json!({ "method": "GET", "url": "/api/health", "headers": { "authorization": "Bearer a.b.c" } }),
    );
}

#[test]
fn a_refresh_token() {
    let token = sign(&json!({ "userId": "u1", "iat": NOW, "exp": NOW + 604_800 }), REFRESH_KEY);
    check_article!(
        "a_refresh_token",
        json!({
            "method": "POST", "url": "/api/auth/refresh", "peer": "203.0.113.9", "body": { "refreshToken": token },
        }),
    );
}

#[test]
fn an_access_token_in_place_of_a_refresh_token() {
    let token = sign(&claims("u1", "user", None), ACCESS_KEY);
    check_article!(
        "an_access_token_in_place_of_a_refresh_token",
        json!({
            "method": "POST", "url": "/api/auth/refresh", "peer": "203.0.113.9", "body": { "refreshToken": token },
        }),
    );
}

#[test]
fn an_authorization_that_cannot_be_read_is_no_missing_one() {
    let gate = gate(ARTICLE);
    for value in ["", "Bearer", "Bearer ", "Bearer\ttoken", "Bearer a b", "Bearer a, Bearer b", "=x"] {
        let request = json!({ "method": "GET", "url": "/api/health", "headers": { "authorization": value } });
        let decision = check(&gate, &request, 400, "invalid_request");
        let challenge = json!(["www-authenticate", "Bearer error=\"invalid_request\""]);
        assert!(decision["headers"].as_array().unwrap().contains(&challenge), "{value}");
    }
    let other = json!({ "method": "GET", "url": "/api/me", "headers": { "authorization": "Basic dTpw" } });
    check(&gate, &other, 401, "credential_missing");
}

#[test]
fn other_schemes_are_no_credentials() {
    let gate = gate(ARTICLE);
    for scheme in ["Basic dTpw", "AWS4_HMAC x", "DPoP abc", "Digest username=\"u\""] {
        let request = json!({ "method": "GET", "url": "/api/health", "headers": { "authorization": scheme } });
        check(&gate, &request, 200, "allowed");
    }
}

#[test]
fn nobody_is_called_nothing() {
    let user = json!({ "method": "GET", "url": "/api/me", "user": { "id": "" } });
    check(&gate(ARTICLE), &user, 401, "credential_missing");
}
