//! What an access token costs inside a decision, beside `jsonwebtoken::decode` of the same token, and beside the floor: one
//! HMAC with a prepared key, base64 of the three parts, and one typed parse of the claims. The same decision with a caller for
//! whom the host vouches is what is to be taken off. Compare lines of one run.

use std::hint::black_box;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use portcullis::document::RequestDocument;
use portcullis::{Gate, Keys, Verdict};
use portcullis_benches::{compiled, request};
use serde::{Deserialize, Serialize};
use serde_json::json;

const SECRET: &str = "not a secret: the access tokens of a benchmark";
const POLICY: &str = r#"policy tokens
secret KEY
token access {
  algorithm HS256  key KEY  issuer "https://api.example.com"  audience "api"  lifetime 15m
  claims { sub: string  role: string }
}
user from access { id = claims.sub  roles = [claims.role] }
role reader { }
routes / { GET /me authenticated }
"#;

/// The six claims.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
    sub: String,
    role: String,
}

fn gate() -> Gate {
    compiled("tokens.gate", POLICY).bind(&Keys::new().with_secret("KEY", SECRET)).expect("the key is strong enough")
}

/// `jsonwebtoken` goes by the system's clock, so that its token must live now.
fn token(now: u64) -> String {
    let claims = Claims {
        iss: "https://api.example.com".to_owned(),
        aud: "api".to_owned(),
        iat: now,
        exp: now + 900,
        sub: "0190d7a4-6f0e-7c9b-8b8f-3b1f8a2c9d10".to_owned(),
        role: "reader".to_owned(),
    };
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes()).expect("a key")).expect("it signs")
}

fn decide(gate: &Gate, request: &RequestDocument) -> Verdict {
    gate.decide(&request.request(Timestamp::UNIX_EPOCH, None)).verdict
}

fn floor(key: &hmac::Key, token: &str) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    black_box(URL_SAFE_NO_PAD.decode(header).ok()?);
    hmac::verify(key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn tokens(c: &mut Criterion) {
    let now = Timestamp::now();
    let seconds = u64::try_from(now.as_second()).expect("it is after 1970");
    let token = token(seconds);
    let gate = gate();
    let asked = |more: serde_json::Value| {
        let mut document = json!({ "now": now.to_string(), "method": "GET", "url": "/me" });
        document.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        request(document)
    };
    let with_token = asked(json!({ "headers": { "authorization": format!("Bearer {token}") } }));
    let vouched = asked(json!({ "user": { "id": "0190d7a4-6f0e-7c9b-8b8f-3b1f8a2c9d10", "roles": ["reader"] } }));
    assert_eq!((decide(&gate, &with_token), decide(&gate, &vouched)), (Verdict::Allow, Verdict::Allow));

    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&["https://api.example.com"]);
    validation.set_audience(&["api"]);
    let theirs = DecodingKey::from_secret(SECRET.as_bytes()).expect("a key");
    assert!(decode::<Claims>(&token, &theirs, &validation).is_ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    assert!(floor(&key, &token).is_some());

    let mut group = c.benchmark_group("token");
    group.bench_function("jsonwebtoken::decode", |b| b.iter(|| decode::<Claims>(black_box(&token), &theirs, &validation)));
    group.bench_function("floor: HMAC, base64, typed parse", |b| b.iter(|| floor(&key, black_box(&token))));
    group.bench_function("decide, with the token", |b| b.iter(|| decide(&gate, black_box(&with_token))));
    group.bench_function("decide, vouched for", |b| b.iter(|| decide(&gate, black_box(&vouched))));
    group.finish();
}

criterion_group!(benches, tokens);
criterion_main!(benches);
