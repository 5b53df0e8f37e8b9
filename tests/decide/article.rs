//! The article's policy with keys, and the tokens that its callers hold.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portcullis::{Gate, Keys, Policy, Source};
use serde_json::{Value, json};

/// 2026-11-23T10:00:00Z
pub(crate) const NOW: i64 = 1_795_428_000;
pub(crate) const ACCESS_KEY: &[u8] = b"for the tests alone: access tokens";
pub(crate) const REFRESH_KEY: &[u8] = b"for the tests alone: refresh tokens";
const CSRF_KEY: &[u8] = b"for the tests alone: CSRF tokens of 32 bytes";

pub(crate) fn gate() -> Gate {
    bound("")
}

/// The article's policy and something more.
pub(crate) fn bound(more: &str) -> Gate {
    let source = Source::new("article.gate", format!("{}{more}", include_str!("../../policies/article.gate")));
    let keys = Keys::new()
        .with_secret("JWT_SECRET", ACCESS_KEY)
        .with_secret("REFRESH_SECRET", REFRESH_KEY)
        .with_secret("CSRF_SECRET", CSRF_KEY);
    Policy::compile(&[source]).unwrap().bind(&keys).unwrap()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// The claims of a good access token; a role or tier that is `None` isn't in it.
pub(crate) fn claims(user: &str, role: &str, tier: Option<&str>) -> Value {
    let mut claims = json!({
        "iss": "your-app-name", "aud": "your-app-api", "iat": NOW, "exp": NOW + 900,
        "userId": user, "email": format!("{user}@example.com"), "role": role,
    });
    if let Some(tier) = tier {
        claims["tier"] = tier.into();
    }
    claims
}

pub(crate) fn sign(claims: &Value, key: &[u8]) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(key).unwrap()).unwrap()
}

/// A CSRF token for a session, issued some time ago.
pub(crate) fn csrf_token(gate: &Gate, session: &str, age: Duration) -> String {
    let issued = now().checked_sub(age).unwrap();
    gate.csrf_token(session, issued, &[7; 32]).unwrap().token
}
