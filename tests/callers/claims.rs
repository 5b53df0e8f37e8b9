//! Claims of tokens: times, issuer, audience and types; and the one credential of a request.

use portcullis::Facts;
use serde_json::json;

use super::attacks::{HEADER, WRONG_TIME, WRONG_TYPE, accepted, claims, door, good, refused, signed, with, without};
use crate::support::exchange::{Call, NOW, code, header};

#[test]
fn times_are_held_to_the_second() {
    accepted(&with(json!({ "exp": NOW - 4 })));
    refused(&with(json!({ "exp": NOW - 5 })), "the token has expired");
    refused(&with(json!({ "exp": 0 })), "the token has expired");
    accepted(&with(json!({ "nbf": NOW + 5 })));
    refused(&with(json!({ "nbf": NOW + 6 })), "the token isn't valid yet");
    refused(&with(json!({ "iat": NOW + 6 })), "the token was issued in the future");
    refused(
        &with(json!({ "iat": NOW, "exp": NOW + 906 })),
        "the token claims to live longer than the declared lifetime",
    );
    refused(&with(json!({ "exp": NOW + 400_000_000 })), "the token claims to live longer than the declared lifetime");
    refused(&with(json!({ "exp": u64::MAX })), "a time in the token is out of range");
    refused(&with(json!({ "exp": 1e300 })), "a time in the token is out of range");
    refused(&without("exp"), "the token lacks a required claim");
    for wrong in [json!("1795428600"), json!(-1), json!(null), json!([NOW]), json!({}), json!(true)] {
        refused(&with(json!({ "exp": wrong })), WRONG_TIME);
        refused(&with(json!({ "nbf": wrong })), WRONG_TIME);
        refused(&with(json!({ "iat": wrong })), WRONG_TIME);
    }
}

/// A lifetime begins with `iat`. A token without `iat` was issued now at the latest.
#[test]
fn a_lifetime_holds_without_iat() {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove("iat");
    claims["exp"] = (NOW + 905).into();
    accepted(&signed(HEADER, &claims.to_string()));
    claims["exp"] = (NOW + 906).into();
    refused(&signed(HEADER, &claims.to_string()), "the token claims to live longer than the declared lifetime");
}

#[test]
fn issuer_and_audience_must_be_there_and_match() {
    const ISSUER: &str = "the token is from another issuer";
    const AUDIENCE: &str = "the token is for another audience";
    refused(&without("iss"), ISSUER);
    for wrong in [json!("them"), json!("US"), json!("us "), json!(["us"]), json!(null), json!(1)] {
        refused(&with(json!({ "iss": wrong })), ISSUER);
    }
    refused(&without("aud"), AUDIENCE);
    for wrong in [
        json!("API"),
        json!(["other"]),
        json!([]),
        json!(["api", 1]),
        json!({ "api": 1 }),
        json!(null),
        json!("api feed"),
    ] {
        refused(&with(json!({ "aud": wrong })), AUDIENCE);
    }
}

#[test]
fn claims_are_of_their_types() {
    for wrong in [
        json!({ "sub": 1 }),
        json!({ "level": "3" }),
        json!({ "level": 3.5 }),
        json!({ "level": u64::MAX }),
        json!({ "admin": "true" }),
        json!({ "tags": ["a", 1] }),
        json!({ "tags": "a" }),
        json!({ "from": NOW }),
    ] {
        refused(&with(wrong), WRONG_TYPE);
    }
    refused(&without("level"), "the token lacks a required claim");
    refused(&with(json!({ "sub": "" })), "the token doesn't say who the user is");
}

#[test]
fn the_clock_may_be_anything() {
    let gate = door();
    let token = good();
    for now in [0, 1, -1, i64::from(i32::MAX), 253_402_207_200 - 1, -377_705_023_201 + 1] {
        let decision = Call::new("GET /me").bearer(&token).at(now).decide(&gate, &Facts::default());
        assert_eq!(code(&decision), (401, "invalid_token"), "{now}");
    }
}

#[test]
fn one_request_has_one_credential() {
    let gate = door();
    let good = good();
    let check = |call: Call, expected: (u16, &str)| {
        assert_eq!(code(&call.decide(&gate, &Facts::default())), expected);
    };
    let me = || Call::new("GET /me");
    check(me().bearer(&good).bearer(&good), (400, "invalid_request"));
    check(me().bearer(&good).header("x-pair", "a.b.c"), (400, "invalid_request"));
    check(me().bearer(&good).header("cookie", "sid=a.b.c"), (400, "invalid_request"));
    check(me().header("cookie", "sid=a; sid=b"), (400, "invalid_request"));
    check(me().header("authorization", "Bearer"), (400, "invalid_request"));
    check(me().header("authorization", "Bearer "), (400, "invalid_request"));
    check(me().header("authorization", &format!("Bearer {good} {good}")), (400, "invalid_request"));
    check(me().header("authorization", &format!("bEaReR   {good}")), (200, "allowed"));
    check(me().header("authorization", "Basic dTpw"), (401, "credential_missing"));
    check(me(), (401, "credential_missing"));
    // A token counts in its own carrier only.
    check(me().header("x-pair", &good), (401, "invalid_token"));
    check(me().header("cookie", &format!("sid={good}")), (401, "invalid_token"));
}

#[test]
fn challenges_are_as_rfc_6750_says() {
    let gate = door();
    let challenge = |call: Call| header(&call.decide(&gate, &Facts::default()), "www-authenticate");
    assert_eq!(challenge(Call::new("GET /me")).as_deref(), Some("Bearer"));
    assert_eq!(challenge(Call::new("GET /me").bearer("a.b.c")).as_deref(), Some("Bearer error=\"invalid_token\""));
    let malformed = Call::new("GET /me").header("authorization", "Bearer");
    assert_eq!(challenge(malformed).as_deref(), Some("Bearer error=\"invalid_request\""));
    let expired = challenge(Call::new("GET /me").bearer(&with(json!({ "exp": 0 }))));
    assert_eq!(expired.as_deref(), Some("Bearer error=\"invalid_token\", error_description=\"the token has expired\""));
}
