//! Carriers of tokens: the Authorization header, cookies, and other headers.

use jsonwebtoken::Algorithm;
use portcullis::{Gate, Keys, User};
use serde_json::json;

use crate::support::exchange::{Call, NOW, caller_id, code, reason};
use crate::support::{compile, gate_with, secret, sign};

const POLICY: &str = r#"policy p
secret ACCESS, DEVICE, PAIR, REFRESH
keys PARTNER { jwks "https://id.example.com/jwks.json" }
account { id: string }
token access  { algorithm HS256  key ACCESS  issuer "us"  claims { sub: string  exp: timestamp } }
token partner { algorithm ES256, RS256  keys PARTNER  issuer "them"  claims { sub: string } }
token session { algorithm HS512  key DEVICE  lifetime 1h  carried cookie "sid"  claims { sub: string = account.id } }
token device  { algorithm EdDSA  key PAIR  carried header "X-Device"  claims { sub: string } }
token key     { opaque  carried header "x-api-key"  claims { owner: string } }
token refresh { algorithm HS256  key REFRESH  lifetime 1d  carried cookie "refresh"  single_use  claims { sub: string = account.id } }
user from access  { id = claims.sub           until = claims.exp }
user from partner { id = "p:" + claims.sub    until = 2026-11-23T10:00:00Z }
user from session { id = "s:" + claims.sub    until = 2026-11-23T10:00:00Z }
user from device  { id = "d:" + claims.sub    until = 2026-11-23T10:00:00Z }
user from key     { id = "k:" + claims.owner  until = 2026-11-23T10:00:00Z }
routes / {
  GET  /me       authenticated
  GET  /anybody  public
  GET  /soon     authenticated  when user.until > now + 5m
  POST /refresh  public  no body  rotates refresh  issues refresh, access2
  POST /logout   public  no body  revokes refresh
}
secret MORE
token access2 { algorithm HS256  key MORE  issuer "us too"  lifetime 15m  claims { sub: string = account.id } }
"#;

const PAIR: &str = include_str!("../keys/ed25519.public.pem");
fn carriers() -> Gate {
    gate_with(POLICY, Keys::new().with_pem("PAIR", PAIR))
}

fn token(name: &str, algorithm: Algorithm, issuer: Option<&str>) -> String {
    let mut claims = json!({ "sub": "u1", "iat": NOW, "exp": NOW + 600 });
    if let Some(issuer) = issuer {
        claims.as_object_mut().unwrap().insert("iss".to_owned(), issuer.into());
    }
    sign(algorithm, &claims, secret(name))
}

fn access() -> String {
    format!("Bearer {}", token("ACCESS", Algorithm::HS256, Some("us")))
}

/// Compares the status, the code and the caller's id of a decision, and returns the first reason's message.
#[track_caller]
fn check(route: &str, headers: &[(&str, &str)], user: Option<&User>, expected: (u16, &str, Option<&str>)) -> String {
    let gate = carriers();
    let decision = gate.decide(&Call::new(route).headers(headers).user(user).request()).into_owned();
    let (status, code) = code(&decision);
    assert_eq!((status, code, caller_id(&decision)), expected, "{}", reason(&decision).message);
    reason(&decision).message.to_string()
}

#[test]
fn each_carrier_makes_its_own_caller() {
    let session = format!("a=b; sid={}", token("DEVICE", Algorithm::HS512, None));
    check("GET /me", &[("authorization", &access())], None, (200, "allowed", Some("u1")));
    check("GET /me", &[("cookie", &session)], None, (200, "allowed", Some("s:u1")));
    check("GET /me", &[], None, (401, "credential_missing", None));
    check("GET /me", &[("cookie", "sid=")], None, (401, "credential_missing", None));
}

/// A token counts in its own carrier only.
#[test]
fn a_token_is_good_where_it_belongs_alone() {
    let access = token("ACCESS", Algorithm::HS256, Some("us"));
    let session = token("DEVICE", Algorithm::HS512, None);
    check("GET /me", &[("cookie", &format!("sid={access}"))], None, (401, "invalid_token", None));
    check("GET /me", &[("authorization", &format!("Bearer {session}"))], None, (401, "invalid_token", None));
    check("GET /anybody", &[("cookie", &format!("sid={access}"))], None, (200, "allowed", None));
}

/// A cookie without a `user from` mapping is no credential: browsers send it with every request.
#[test]
fn a_refresh_cookie_is_no_credential() {
    let refresh = format!("refresh={}", token("REFRESH", Algorithm::HS256, None));
    check("GET /me", &[("cookie", &refresh)], None, (401, "credential_missing", None));
    check("GET /me", &[("cookie", &refresh), ("authorization", &access())], None, (200, "allowed", Some("u1")));
}

#[test]
fn of_two_credentials_nobody_can_say_which_was_meant() {
    let session = format!("sid={}", token("DEVICE", Algorithm::HS512, None));
    let malformed = (400, "invalid_request", None);
    check("GET /me", &[("cookie", &session), ("authorization", &access())], None, malformed);
    check("GET /anybody", &[("cookie", &session), ("x-api-key", "k")], None, malformed);
    check("GET /me", &[("x-device", "d"), ("x-api-key", "k")], None, malformed);
    check("GET /me", &[("cookie", "sid=a; sid=b")], None, malformed);
    check("GET /me", &[("cookie", &session), ("cookie", "sid=b")], None, malformed);
    check("GET /me", &[("x-api-key", "a"), ("x-api-key", "b")], None, malformed);
    check("GET /me", &[("x-api-key", "")], None, malformed);
}

#[test]
fn what_nobody_can_verify_makes_nobody() {
    // The issuer selects the key set, and no facts contain that set.
    let forged = format!("Bearer {}", token("ACCESS", Algorithm::HS256, Some("them")));
    let why = check("GET /me", &[("authorization", &forged)], None, (503, "keys_unknown", None));
    assert_eq!(why, "nothing is known of the token's key set `PARTNER`");
    // The text of a public key is no secret for an HMAC.
    let confused = sign(Algorithm::HS256, &json!({ "sub": "u1", "exp": NOW + 600 }), PAIR);
    check("GET /me", &[("x-device", &confused)], None, (401, "invalid_token", None));
    let why = check("GET /me", &[("x-api-key", "anything")], None, (503, "token_unknown", None));
    assert_eq!(why, "nothing is known of the token");
    let user = User { id: "p:u1".to_owned(), ..User::default() };
    check("GET /me", &[], Some(&user), (200, "allowed", Some("p:u1")));
}

#[test]
fn a_time_of_the_token_is_a_timestamp() {
    check("GET /soon", &[("authorization", &access())], None, (200, "allowed", Some("u1")));
}

#[test]
fn a_refresh_token_is_a_credential_of_its_own_routes() {
    let refresh = format!("refresh={}", token("REFRESH", Algorithm::HS256, None));
    let why = check("POST /refresh", &[("cookie", &refresh)], None, (401, "invalid_token", None));
    assert_eq!(why, "the token is of no family");
    for route in ["POST /refresh", "POST /logout"] {
        check(route, &[], None, (401, "credential_missing", None));
        check(route, &[("cookie", "refresh=a.b.c")], None, (401, "invalid_token", None));
        check(route, &[("cookie", "refresh=a; refresh=b")], None, (401, "invalid_token", None));
        check(route, &[("cookie", &refresh)], None, (401, "invalid_token", None));
    }
}

#[test]
fn key_pairs_and_secrets_are_not_taken_for_each_other() {
    let check = |policy: &str, keys: Keys, expected: &str| {
        let policy = compile(&format!("secret A\n{policy}"));
        let told = policy.bind(&keys).map(|_| "bound".to_owned()).unwrap_or_else(|error| error.to_string());
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("hush"), "{told}");
    };
    let (hmac, pair) = ("token t { algorithm HS256  key A }", "token t { algorithm EdDSA  key A }");
    check(hmac, Keys::new().with_pem("A", PAIR), "is a key pair");
    check(pair, Keys::new().with_pem("A", PAIR), "bound");
    check(pair, Keys::new().with_pem("A", "hush".repeat(32)), "PEM");
    check(pair, Keys::new().with_secret("A", "hush"), "A");
    check(pair, Keys::new(), "lacks the secret `A`");
}

#[test]
fn tokens_say_how_they_are_verified() {
    let policy = carriers().policy().clone();
    let of = |name: &str| {
        let token = policy.tokens().find(|token| token.name == name).unwrap();
        (token.algorithms, token.secret, token.key_set)
    };
    assert_eq!(of("session"), (vec!["HS512"], Some("DEVICE"), None));
    assert_eq!(of("partner"), (vec!["ES256", "RS256"], None, Some("PARTNER")));
    assert_eq!(of("device"), (vec!["EdDSA"], Some("PAIR"), None));
    assert_eq!(of("key"), (Vec::new(), None, None));
    let sets: Vec<_> = policy.key_sets().collect();
    assert_eq!(sets, [("PARTNER", "https://id.example.com/jwks.json")]);
}
