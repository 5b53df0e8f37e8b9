//! Attacks with tokens (RFC 8725, RFC 7515, RFC 7519): one test each.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use portcullis::{Facts, Gate, Keys, Verdict};
use serde_json::{Value, json};

use crate::support::exchange::{Call, NOW, caller_id, code, header, notes, reason, status, verdict};
use crate::support::{gate_with, secret};

const POLICY: &str = r#"policy p
secret ACCESS, PAIR, SESSION
token access  { algorithm HS256  key ACCESS  issuer "us"  audience "api", "feed"  lifetime 15m  leeway 5s
  claims { sub: string  level: int  admin?: bool  tags?: [string]  from: timestamp  exp: timestamp } }
token pair    { algorithm ES256  key PAIR  carried header "x-pair"  typ "at+jwt"  lifetime 15m  claims { sub: string } }
token session { algorithm HS512  key SESSION  carried cookie "sid"  claims { sub: string } }
user from access  { id = claims.sub }
user from pair    { id = "pair:" + claims.sub }
user from session { id = "session:" + claims.sub }
routes / {
  GET /me       authenticated
  GET /anybody  public
}
"#;

pub(super) fn door() -> Gate {
    gate_with(POLICY, Keys::new().with_pem("PAIR", include_str!("../keys/p256.public.pem")))
}

pub(super) fn claims() -> Value {
    json!({
        "iss": "us", "aud": "api", "iat": NOW, "exp": NOW + 600, "sub": "u1", "level": 3, "from": "2026-11-23T09:00:00Z",
    })
}

/// A part of a token in base64url.
fn part(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

/// A token with a valid signature.
pub(super) fn signed(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", part(header), part(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret("ACCESS").as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes())))
}

pub(super) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

pub(super) fn good() -> String {
    signed(HEADER, &claims().to_string())
}

pub(super) fn with(changes: Value) -> String {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signed(HEADER, &claims.to_string())
}

pub(super) fn without(name: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    signed(HEADER, &claims.to_string())
}

/// Asserts that a token is refused with this message. On a public route the caller is anonymous, and a note says why.
#[track_caller]
pub(super) fn refused(token: &str, why: &str) {
    let gate = door();
    let decision = Call::new("GET /me").bearer(token).decide(&gate, &Facts::default());
    assert_eq!((code(&decision), &*reason(&decision).message), ((401, "invalid_token"), why));
    let challenge = header(&decision, "www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
    let printed = format!("{decision:?}");
    for piece in token.split('.').filter(|piece| piece.len() > 8) {
        assert!(!printed.contains(piece), "the token is told again");
    }
    let decision = Call::new("GET /anybody").bearer(token).decide(&gate, &Facts::default());
    assert_eq!((verdict(&decision), caller_id(&decision).is_none()), (Verdict::Allow, true));
    assert_eq!(notes(&decision)[0].code.as_str(), "invalid_token");
}

#[track_caller]
pub(super) fn accepted(token: &str) {
    let gate = door();
    let decision = Call::new("GET /me").bearer(token).decide(&gate, &Facts::default());
    assert_eq!(verdict(&decision), Verdict::Allow, "{decision:?}");
    assert_eq!(caller_id(&decision).unwrap(), "u1");
}

const NOT_CANONICAL: &str = "a part of the token isn't canonical base64url";
const OTHER_ALGORITHM: &str = "the token's algorithm isn't a declared one";
const UNVERIFIED: &str = "the token's signature doesn't verify";
const HEADER_MALFORMED: &str =
    "the token's header isn't a JSON object whose members are what they should be, each once";
const CLAIMS_MALFORMED: &str = "the token's claims aren't a JSON object whose members stand once";
pub(super) const WRONG_TIME: &str = "a time in the token isn't a number of seconds";
pub(super) const WRONG_TYPE: &str = "a claim of the token is of the wrong type";

#[test]
fn a_good_token_is_taken() {
    accepted(&good());
    accepted(&with(json!({ "aud": ["other", "feed"], "admin": true, "tags": ["a"], "nbf": NOW })));
    accepted(&with(json!({ "admin": null, "iat": NOW as f64 + 0.5, "exp": NOW as f64 + 300.25 })));
    accepted(&signed(
        r#" { "typ" : "application/jwt" , "alg" : "HS256", "kid": "any", "x5t": "no" } "#,
        &claims().to_string(),
    ));
}

#[test]
fn the_algorithm_is_the_declared_one() {
    for algorithm in ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS384", "RS256", "ES256", "EdDSA"] {
        let header = json!({ "alg": algorithm, "typ": "JWT" }).to_string();
        refused(&signed(&header, &claims().to_string()), OTHER_ALGORITHM);
        let unsigned = format!("{}.{}.", part(&header), part(&claims().to_string()));
        refused(&unsigned, OTHER_ALGORITHM);
    }
    refused(&signed(r#"{"typ":"JWT"}"#, &claims().to_string()), OTHER_ALGORITHM);
    refused(&signed(r#"{"alg":null}"#, &claims().to_string()), HEADER_MALFORMED);
    refused(&signed(r#"{"alg":["HS256"]}"#, &claims().to_string()), HEADER_MALFORMED);
    refused(&signed(r#"{"alg":5}"#, &claims().to_string()), HEADER_MALFORMED);
}

/// Algorithm confusion: the public key as the secret of an HMAC.
#[test]
fn a_public_key_is_no_secret() {
    let pem = include_str!("../keys/p256.public.pem");
    for algorithm in ["HS256", "ES256"] {
        let message = format!(
            "{}.{}",
            part(&json!({ "alg": algorithm, "typ": "at+jwt" }).to_string()),
            part(&json!({ "sub": "u1", "exp": NOW + 600 }).to_string())
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, pem.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes())));
        let gate = door();
        let decision = Call::new("GET /me").header("x-pair", &token).decide(&gate, &Facts::default());
        assert_eq!(code(&decision), (401, "invalid_token"));
    }
}

#[test]
fn a_key_pair_signs_what_its_public_half_verifies() {
    let key = EncodingKey::from_ec_pem(include_bytes!("../keys/p256.pem")).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("at+JWT".to_owned());
    let token = encode(&header, &json!({ "sub": "u1", "iat": NOW, "exp": NOW + 600 }), &key).unwrap();
    let gate = door();
    let call = |token: &str| status(&Call::new("GET /me").header("x-pair", token).decide(&gate, &Facts::default()));
    assert_eq!(call(&token), 200);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let zeros = vec![0; 64];
    let r_zero = [&[0; 32], &signature[32..]].concat();
    let s_zero = [&signature[..32], &[0; 32]].concat();
    let beyond = [&[0xff; 32], &signature[32..]].concat();
    for bad in
        [&zeros, &r_zero, &s_zero, &beyond, &signature[..63].to_vec(), &[signature.clone(), vec![0]].concat(), &vec![]]
    {
        assert_eq!(call(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bad))), 401);
    }
}

#[test]
fn there_are_three_parts_and_nothing_else() {
    const THREE: &str = "the token doesn't have three parts";
    let (gate, good) = (door(), good());
    for token in ["a", "a.b", "ab"] {
        refused(token, THREE);
    }
    // An extra dot makes a part that isn't base64.
    for token in
        ["a.b.c.d", &format!("{good}."), &format!(".{good}"), &format!("{good}.x"), "...", &good.replace('.', "..")]
    {
        let decision = Call::new("GET /me").bearer(token).decide(&gate, &Facts::default());
        assert_eq!(status(&decision), 401, "{token}");
    }
    refused("..", HEADER_MALFORMED);
    let parts: Vec<&str> = good.split('.').collect();
    refused(&format!("{}.{}.", parts[0], parts[1]), UNVERIFIED);
    refused(&format!("{}..{}", parts[0], parts[2]), UNVERIFIED);
}

#[test]
fn one_token_has_one_spelling() {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    // HMAC-SHA256 has 32 bytes: its last character carries two bits that must be zero.
    let last = parts[2].chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    let sibling = &alphabet[at + 1..at + 2];
    refused(&format!("{}{sibling}", &good[..good.len() - 1]), NOT_CANONICAL);
    let padded = format!("{}.{}.{}", parts[0], parts[1], URL_SAFE.encode(URL_SAFE_NO_PAD.decode(parts[2]).unwrap()));
    refused(&padded, NOT_CANONICAL);
    let standard = "+/+/+/";
    refused(&format!("{}.{}.{standard}", parts[0], parts[1]), NOT_CANONICAL);
    assert_eq!(STANDARD.encode([0xfb, 0xff]), "+/8=", "the other alphabet");
    refused(&format!("{}~.{}.{}", parts[0], parts[1], parts[2]).replace('~', "="), NOT_CANONICAL);
}

#[test]
fn what_is_signed_is_what_is_read() {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let richer = part(&with_level(9));
    refused(&format!("{}.{richer}.{}", parts[0], parts[2]), UNVERIFIED);
    let other_header = part(r#"{"alg":"HS256","typ":"jwt"}"#);
    refused(&format!("{other_header}.{}.{}", parts[1], parts[2]), UNVERIFIED);
}

fn with_level(level: i64) -> String {
    let mut claims = claims();
    claims["level"] = level.into();
    claims.to_string()
}

#[test]
fn tokens_have_a_size() {
    let padding = "x".repeat(8 * 1024);
    refused(&with(json!({ "padding": padding })), "the token is longer than 8 KiB");
}

#[test]
fn what_must_be_understood_is_refused() {
    const CRITICAL: &str = "the token's header has critical extensions";
    for header in [
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","crit":null}"#,
        r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"HS256","b64":true}"#,
    ] {
        refused(&signed(header, &claims().to_string()), CRITICAL);
    }
    for header in
        [r#"{"alg":"HS256","cty":"JWT"}"#, r#"{"alg":"HS256","cty":"application/jwt"}"#, r#"{"alg":"HS256","cty":1}"#]
    {
        refused(&signed(header, &claims().to_string()), "the token holds another token");
    }
}

/// Header members that contain or locate a key are ignored or refused: an attacker chooses them.
#[test]
fn nobody_follows_a_key_that_a_token_brings() {
    let theirs = hmac::Key::new(hmac::HMAC_SHA256, b"a key of the attacker's own making, long enough");
    for header in [
        json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": URL_SAFE_NO_PAD.encode("a key of the attacker's own making, long enough") } }),
        json!({ "alg": "HS256", "jku": "https://evil.example/jwks.json" }),
        json!({ "alg": "HS256", "x5u": "https://evil.example/cert.pem", "x5c": ["AAAA"] }),
        json!({ "alg": "HS256", "kid": "../../../../dev/null" }),
        json!({ "alg": "HS256", "kid": "' UNION SELECT 'key' --" }),
    ] {
        let message = format!("{}.{}", part(&header.to_string()), part(&claims().to_string()));
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&theirs, message.as_bytes())));
        refused(&forged, UNVERIFIED);
        accepted(&signed(&header.to_string(), &claims().to_string()));
    }
}

#[test]
fn no_member_stands_twice() {
    let claims = claims().to_string();
    let twice = |more: &str| format!("{},{more}}}", &claims[..claims.len() - 1]);
    for more in [
        r#""sub":"u2""#,
        r#""exp":9999999999"#,
        r#""other":1,"other":1"#,
        r#""o":{"a":1,"a":1}"#,
        r#""o":[{"a":1,"a":1}]"#,
        r#""\u0073ub":"u2""#,
    ] {
        refused(&signed(HEADER, &twice(more)), CLAIMS_MALFORMED);
    }
    refused(&signed(r#"{"alg":"none","alg":"HS256"}"#, &claims), HEADER_MALFORMED);
    refused(&signed(r#"{"alg":"HS256","kid":"a","kid":"b"}"#, &claims), HEADER_MALFORMED);
    refused(&signed(r#"{"alg":"HS256","o":{"a":1,"a":1}}"#, &claims), HEADER_MALFORMED);
}

#[test]
fn parts_are_json_objects_and_nothing_else() {
    let claims = claims().to_string();
    for header in ["", "null", "[]", "\"x\"", "{", "{}x", r#"{"alg":"HS256"} {}"#, "{\"alg\":\"HS256\",}"] {
        refused(&signed(header, &claims), HEADER_MALFORMED);
    }
    for payload in ["", "null", "[]", "\"x\"", "1", "{", &format!("{claims}x"), &format!("{claims}{claims}")] {
        refused(&signed(HEADER, payload), CLAIMS_MALFORMED);
    }
    let deep = format!("{},\"deep\":{}{}}}", &claims[..claims.len() - 1], "[".repeat(40), "]".repeat(40));
    refused(&signed(HEADER, &deep), CLAIMS_MALFORMED);
    let bytes = [br#"{"sub":""#.as_slice(), &[0xff, 0xfe], br#""}"#].concat();
    let message = format!("{}.{}", part(HEADER), URL_SAFE_NO_PAD.encode(bytes));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret("ACCESS").as_bytes());
    refused(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()))), CLAIMS_MALFORMED);
}
