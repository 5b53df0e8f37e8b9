//! An access token of six claims, and the ways to verify it: in a decision, by `jsonwebtoken`, and by the least that it takes.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use portcullis::document::RequestDocument;
use portcullis::{Gate, Keys};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{NOW, compiled, request};

const SECRET: &str = "not a secret: the access tokens of a benchmark";
const ISSUER: &str = "https://api.example.com";
const CALLER: &str = "0190d7a4-6f0e-7c9b-8b8f-3b1f8a2c9d10";
const POLICY: &str = r#"policy tokens
secret KEY
token access {
  algorithm HS256  key KEY  issuer "https://api.example.com"  audience "api"
  claims { sub: string  role: string }
}
user from access { id = claims.sub  roles = [claims.role] }
role reader { }
routes / { GET /me authenticated }
"#;

/// The six claims.
#[derive(Serialize, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The time of issue.
    pub iat: u64,
    /// The expiry: 2100, as `jsonwebtoken` goes by the system's clock.
    pub exp: u64,
    /// The user's id.
    pub sub: String,
    /// The user's role.
    pub role: String,
}

/// The token.
pub fn token() -> String {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: "api".to_owned(),
        iat: 1_795_428_000,
        exp: 4_102_444_800,
        sub: CALLER.to_owned(),
        role: "reader".to_owned(),
    };
    let key = EncodingKey::from_secret(SECRET.as_bytes()).expect("a key");
    jsonwebtoken::encode(&Header::default(), &claims, &key).expect("it signs")
}

/// A policy that takes it.
pub fn gate() -> Gate {
    compiled("tokens.gate", POLICY).bind(&Keys::new().with_secret("KEY", SECRET)).expect("the key is strong enough")
}

/// A request with the token.
pub fn with_token() -> RequestDocument {
    let authorization = format!("Bearer {}", token());
    request(json!({ "now": NOW, "method": "GET", "url": "/me", "headers": { "authorization": authorization } }))
}

/// The same request by the same caller, for whom the host vouches.
pub fn vouched_for() -> RequestDocument {
    request(json!({ "now": NOW, "method": "GET", "url": "/me", "user": { "id": CALLER, "roles": ["reader"] } }))
}

/// `jsonwebtoken` with what it needs.
pub struct Theirs {
    key: DecodingKey,
    validation: Validation,
}

impl Theirs {
    /// Issuer, audience and end are checked.
    pub fn new() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&["api"]);
        Self { key: DecodingKey::from_secret(SECRET.as_bytes()).expect("a key"), validation }
    }

    /// The claims of a token that holds.
    pub fn decode(&self, token: &str) -> Option<Claims> {
        jsonwebtoken::decode(token, &self.key, &self.validation).ok().map(|data| data.claims)
    }
}

impl Default for Theirs {
    fn default() -> Self {
        Self::new()
    }
}

/// The prepared key of the floor.
pub fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes())
}

/// One HMAC, base64 of three parts, and one typed parse. Nothing is checked but the signature.
pub fn floor(key: &hmac::Key, token: &str) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    std::hint::black_box(URL_SAFE_NO_PAD.decode(header).ok()?);
    hmac::verify(key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
