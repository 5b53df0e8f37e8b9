//! The policies that benchmarks use, and requests to them.

#[path = "access.rs"]
pub mod access;

use http::{HeaderName, HeaderValue};
use portcullis::document::RequestDocument;
use portcullis::{Gate, Keys, Policy, Source};
use serde_json::json;

/// The policy's text.
pub const ARTICLE: &str = include_str!("../policies/article.gate");
/// `blog.gate`, as it stands among the examples.
pub const BLOG: &str = include_str!("../policies/blog.gate");
/// The secrets of `policies/keys.example.yaml`.
pub const JWT_SECRET: &str = "not a secret: the access tokens of the examples";

/// A policy of one route.
pub const HEALTH: &str = include_str!("../policies/health.gate");
/// A small policy of roles and attributes.
pub const DOCUMENTS: &str = include_str!("peers/policies/documents.gate");
/// The time of all requests.
pub const NOW: &str = "2026-11-23T10:00:00Z";
/// A post that `article.gate` takes.
pub const BODY: &str = r#"{"title":"On gates","text":"A portcullis is a heavy gate that is lowered at a front door."}"#;

/// `article.gate` with the example's keys.
pub fn gate() -> Gate {
    let policy = compiled("article.gate", ARTICLE);
    let keys = Keys::new()
        .with_secret("JWT_SECRET", JWT_SECRET)
        .with_secret("REFRESH_SECRET", "not a secret: the refresh tokens of the examples")
        .with_secret("CSRF_SECRET", "not a secret: the CSRF tokens of the examples");
    policy.bind(&keys).expect("the example's keys are strong enough")
}

/// `health.gate`, which needs no keys.
pub fn health() -> Gate {
    compiled("health.gate", HEALTH).bind(&Keys::new()).expect("it has no secrets")
}

/// `documents.gate` with a key.
pub fn documents() -> Gate {
    let keys = Keys::new().with_secret("KEY", "not a secret: the access tokens of the documents");
    compiled("documents.gate", DOCUMENTS).bind(&keys).expect("the key is strong enough")
}

/// A policy that is known to compile.
pub fn compiled(name: &str, text: &str) -> Policy {
    Policy::compile(&[Source::new(name, text)]).expect("the policy compiles")
}

/// A request that a policy lets anybody make.
pub fn anybody(url: &str) -> RequestDocument {
    request(json!({ "now": NOW, "method": "GET", "url": url, "peer": "203.0.113.9" }))
}

/// A post by the moderator of [`token`], with everything that `article.gate` asks for: all six layers say yes.
pub fn post(gate: &Gate) -> RequestDocument {
    let authorization = format!("Bearer {}", token());
    let headers = json!({ "authorization": authorization, "content-type": "application/json" });
    let post = json!({ "now": NOW, "method": "POST", "url": "/api/posts", "peer": "203.0.113.9",
                       "headers": headers, "body": BODY });
    with_csrf(gate, request(post))
}

/// A document that an editor of its department reads, whom the host vouches for.
pub fn document() -> RequestDocument {
    let user = json!({ "id": "mia", "roles": ["editor"], "department": "press" });
    let facts = json!({
        "context": { "mfa": true, "hour": 10, "risk": 3 },
        "resources": { "documents/7": {
            "owner": "zoe", "department": "press", "status": "draft", "classification": "internal",
        } },
    });
    request(json!({ "now": NOW, "method": "GET", "url": "/documents/7", "peer": "203.0.113.9",
                    "user": user, "facts": facts }))
}

/// A request from a document.
pub fn request(document: serde_json::Value) -> RequestDocument {
    serde_json::from_value(document).expect("a request document")
}

/// The bearer token of `policies/requests/delete-post.yaml`: a moderator's.
pub fn token() -> String {
    let document = include_str!("../policies/requests/delete-post.yaml");
    let line = document.lines().find(|line| line.trim_start().starts_with("authorization:"));
    let header = line.and_then(|line| line.split_once("Bearer ")).expect("the example has a bearer token");
    header.1.trim().to_owned()
}

/// Adds a fresh session's CSRF token.
pub fn with_csrf(gate: &Gate, mut request: RequestDocument) -> RequestDocument {
    let now = request.now.expect("the benchmark's requests have a time");
    let csrf = gate.csrf_token("session", now, &[7; 32]).expect("the policy has a CSRF block");
    let name = HeaderName::try_from(csrf.header).expect("a header name");
    request.headers.insert(name, HeaderValue::try_from(csrf.token).expect("a header value"));
    request.headers.insert(http::header::COOKIE, HeaderValue::from_static("session-id=session"));
    request
}
