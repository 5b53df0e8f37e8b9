//! What holds of any token, key, key set and stored family.
//!
//! The first line of an input says what the rest is: `raw` (a bearer token), `signed` (a header on the next line, then the
//! claims, which are signed with the right key here), `set`, `pem`, `jwk`, or `family` (a state as a host has stored it).

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use portcullis::{Account, Facts, FamilyState, Gate, KeySet, Keys, Known, Policy, Request, Scheme, Source, TokenFact};
use serde_json::{Value, json};

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
const NOW: i64 = 1_795_428_000;

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let policy = Policy::compile(&[Source::new("p.gate", POLICY)]).expect("the policy compiles");
    let keys = Keys::new().with_secret("ACCESS", ACCESS).with_secret("REFRESH", REFRESH);
    policy.bind(&keys).expect("the ring is full")
});

/// Panics where it doesn't hold.
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

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("it is a time")
}

fn decide(method: Method, target: &str, headers: &HeaderMap, body: &[u8], facts: &Facts) -> (u16, Option<String>) {
    let decision = GATE.decide(&Request {
        method: &method,
        target,
        scheme: Scheme::Https,
        host: None,
        headers,
        peer: None,
        body: Some(body),
        now: now(),
        entropy: Some(&[9; 32]),
        user: None,
        facts,
    });
    (decision.status.as_u16(), decision.user.as_ref().map(|user| user.id().to_owned()))
}

/// Whoever gets in with this is who it says.
fn bearer(token: &[u8]) -> Option<String> {
    let line = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, line)]);
    let (status, user) = decide(Method::GET, "/me", &headers, b"", &Facts::default());
    assert_eq!(status == 200, user.is_some(), "{status}");
    user
}

/// No input makes a signature that holds.
fn raw(token: &[u8]) {
    assert_eq!(bearer(token), None, "a token out of nothing");
}

/// A genuine signature is all that its holder has: the rest must hold as well.
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

/// Whatever a key is, it is taken or refused, and nothing is told of it.
fn bound(keys: Keys) {
    for algorithm in ["HS256", "RS256", "PS512", "ES256", "ES384", "EdDSA"] {
        let text = format!("policy p\nsecret K\ntoken t {{ algorithm {algorithm}  key K }}");
        let policy = Policy::compile(&[Source::new("p.gate", text)]).expect("the policy compiles");
        let told = policy.bind(&keys).map_or_else(|error| error.to_string(), |gate| format!("{gate:?}"));
        assert!(told.len() < 2_000, "{told}");
    }
}

/// A stored family lets one token through: the one whose digest it has, in time.
fn family(bytes: &[u8]) {
    let Ok(state) = serde_json::from_slice::<FamilyState>(bytes) else { return };
    let account = Account::new(serde_json::Map::from_iter([("id".to_owned(), json!("mia"))]));
    let issued = GATE.issue("refresh", &account, now(), &[8; 32]).expect("it can be issued");
    let (id, fresh) = issued.family.expect("it has a family");
    let mut facts = Facts::default();
    facts.account = Known::Value(account);
    facts.tokens.insert(id, Some(TokenFact::Family(state.clone())));
    let body = json!({ "token": issued.text }).to_string();
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let (status, _) = decide(Method::POST, "/refresh", &headers, body.as_bytes(), &facts);
    let holds = state.current == fresh.current
        && state.version < u64::MAX
        && !state.revoked
        && now() < state.expires
        && now() < state.ends;
    assert_eq!(status == 200, holds, "{status}");
}
