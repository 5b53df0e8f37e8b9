//! Checks of any token, key, key set and stored family.
//!
//! The first line of an input is the kind of the rest: `raw` (a bearer token), `signed` (a header on the next line, then the
//! claims, which are signed with the right key here), `set`, `pem`, `jwk`, or `family` (a state as a host has stored it).

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use portcullis::facts::{Account, TokenFact};
use portcullis::keys::KeySet;
use portcullis::token::FamilyState;
use portcullis::value::Known;
use portcullis::{Facts, Gate, Keys, Policy, Source};
use serde_json::{Value, json};

use super::exchange::{Call, NOW, caller_id, now, put_account, put_token, status};

const POLICY: &str = r#"policy p
secret ACCESS, REFRESH
account { id: string }
token access  { algorithm HS256  key ACCESS   issuer "us"  audience "api"  lifetime 15m
  claims { sub: string = account.id  level?: int  roles?: [string]  more?: { a: string, b?: timestamp } } }
token refresh { algorithm HS256  key REFRESH  lifetime 30d  carried body "token"  single_use grace 10s
  claims { sub: string = account.id } }
user from access { id = claims.sub  roles = claims.roles ?? [] }
routes / {
  GET  /me       authenticated
  POST /refresh  public  rotates refresh  issues access, refresh
}
"#;
const ACCESS: &str = "the fuzzer's own key of access tokens";
const REFRESH: &str = "the fuzzer's own key of refresh tokens";

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let policy = Policy::compile(&[Source::new("p.gate", POLICY)]).expect("the policy compiles");
    let keys = Keys::new().with_secret("ACCESS", ACCESS).with_secret("REFRESH", REFRESH);
    policy.bind(&keys).expect("the ring is full")
});

/// Panics if a check fails.
pub(crate) fn check(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (what, rest) = bytes.split_at(end);
    let rest = rest.get(1..).unwrap_or_default();
    match what {
        b"raw" => raw(rest),
        b"signed" => signed(rest),
        b"set" => drop(KeySet::parse(rest).map(|set| (set.len(), format!("{set:?}")))),
        b"pem" => bound(Keys::new().with_pem("K", rest)),
        b"jwk" => bound(Keys::new().with_jwk("K", rest)),
        b"family" => family(rest),
        _ => {}
    }
}

/// The status of a decision, and the caller's id.
fn decide(call: Call, facts: &Facts) -> (u16, Option<String>) {
    let call = Call { peer: None, ..call };
    let decision = GATE.decide(&call.request_with(facts));
    (status(&decision), caller_id(&decision).map(str::to_owned))
}

/// The caller of a request with a bearer token. A request is allowed exactly if it has a caller.
fn bearer(token: &[u8]) -> Option<String> {
    let line = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, line)]);
    let (status, user) = decide(Call { headers, ..Call::new("GET /me") }, &Facts::default());
    assert_eq!(status == 200, user.is_some(), "{status}");
    user
}

/// Asserts that a token is refused.
fn raw(token: &[u8]) {
    assert_eq!(bearer(token), None, "a token out of nothing");
}

/// Asserts that a token with a valid signature has valid claims if it is accepted.
fn signed(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (header, payload) = bytes.split_at(end);
    let payload = payload.get(1..).unwrap_or_default();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, ACCESS.as_bytes()), message.as_bytes());
    let Some(user) = bearer(format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac)).as_bytes()) else { return };
    let header: Value = serde_json::from_slice(header).expect("a header that passes is JSON");
    let claims: Value = serde_json::from_slice(payload).expect("claims that pass are JSON");
    assert_eq!(header.get("alg"), Some(&json!("HS256")));
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
    assert_eq!((claims.get("iss"), claims.get("sub")), (Some(&json!("us")), Some(&json!(user))));
    let audience = claims.get("aud").expect("an audience");
    assert!(*audience == json!("api") || audience.as_array().is_some_and(|all| all.contains(&json!("api"))));
    let expires = claims.get("exp").and_then(Value::as_f64).expect("a time");
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century are exact")]
    let (now, latest) = (NOW as f64, (NOW + 15 * 60) as f64);
    assert!(expires > now && expires <= latest, "{expires}");
}

/// Asserts that a key is accepted or refused with a short message.
fn bound(keys: Keys) {
    for algorithm in ["HS256", "RS256", "PS512", "ES256", "ES384", "EdDSA"] {
        let text = format!("policy p\nsecret K\ntoken t {{ algorithm {algorithm}  key K }}");
        let policy = Policy::compile(&[Source::new("p.gate", text)]).expect("the policy compiles");
        let told = policy.bind(&keys).map_or_else(|error| error.to_string(), |gate| format!("{gate:?}"));
        assert!(told.len() < 2_000, "{told}");
    }
}

/// Asserts that a stored family accepts exactly the token whose digest it has, until it expires.
fn family(bytes: &[u8]) {
    let Ok(state) = serde_json::from_slice::<FamilyState>(bytes) else { return };
    let account = Account::new(serde_json::Map::from_iter([("id".to_owned(), json!("mia"))]));
    let issued = GATE
        .issue(GATE.policy().token("refresh").expect("it is declared"), &account, now(), &[8; 32])
        .expect("it can be issued");
    let (id, fresh) = issued.family.expect("it has a family");
    let mut facts = Facts::default();
    put_account(&mut facts, Known::Value(account));
    put_token(&mut facts, &id, Some(TokenFact::Family(state.clone())));
    let (status, _) = decide(Call::new("POST /refresh").json(&json!({ "token": issued.text })), &facts);
    let holds = state.current == fresh.current
        && state.version < u64::MAX
        && !state.revoked
        && now() < state.expires
        && now() < state.ends;
    assert_eq!(status == 200, holds, "{status}");
}
