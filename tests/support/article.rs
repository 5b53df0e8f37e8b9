//! The article's policy with keys, and its callers' tokens.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use portcullis::{Gate, Keys, Policy, Source};
use serde_json::{Value, json};

use super::exchange::{NOW, now};
use super::{ARTICLE, decide};

pub(crate) const ACCESS_KEY: &[u8] = b"for the tests alone: access tokens";
pub(crate) const REFRESH_KEY: &[u8] = b"for the tests alone: refresh tokens";
const CSRF_KEY: &[u8] = b"for the tests alone: CSRF tokens of 32 bytes";

pub(crate) fn article() -> Gate {
    article_and("")
}

/// The article's policy and further declarations.
#[track_caller]
pub(crate) fn article_and(more: &str) -> Gate {
    bind_article(&format!("{ARTICLE}{more}"))
}

/// Binds a policy with the article's secrets.
#[track_caller]
pub(crate) fn bind_article(text: &str) -> Gate {
    let keys = Keys::new()
        .with_secret("JWT_SECRET", ACCESS_KEY)
        .with_secret("REFRESH_SECRET", REFRESH_KEY)
        .with_secret("CSRF_SECRET", CSRF_KEY);
    let policy = Policy::compile(&[Source::new("article.gate", text)]).unwrap();
    policy.bind(&keys).unwrap()
}

/// The claims of a good access token. A tier that is `None` isn't a claim.
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
    super::sign(Algorithm::HS256, claims, key)
}

/// A CSRF token for a session, issued some time ago.
pub(crate) fn csrf_token(gate: &Gate, session: &str, age: Duration) -> String {
    gate.csrf_token(session, now().checked_sub(age).unwrap(), &[7; 32]).unwrap().token
}

/// The decision document of a request, and both as the text of a snapshot. Of the policy's own headers, which are the same
/// in every decision, only the snapshot `a_health_check` shows more than the first.
pub(crate) fn decide_and_show(name: &str, request: &Value) -> (Value, String) {
    let decision = decide(&article(), request);
    let mut shown = decision.clone();
    if name != "a_health_check" {
        let headers = shown["headers"].as_array_mut().unwrap();
        let own = headers.split_off(7);
        assert_eq!(headers[0], json!(["x-frame-options", "DENY"]));
        *headers = own;
    }
    shown.as_object_mut().unwrap().shift_remove("policy");
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    (decision, format!("{}\n\n{}", shortened(&pretty(request)), pretty(&shown)))
}

/// Leaves out the middle of long lines: they hold signed tokens.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let shorten = |line: &str| match line.chars().count() {
        count if count <= LONGEST => line.to_owned(),
        _ => format!("{}…{}", line.chars().take(60).collect::<String>(), &line[line.len() - 12..]),
    };
    text.lines().map(shorten).collect::<Vec<_>>().join("\n")
}
