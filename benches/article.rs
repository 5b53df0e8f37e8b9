//! `article.gate` and requests to it, as all benchmarks use them.

use http::{HeaderName, HeaderValue};
use portcullis::document::RequestDocument;
use portcullis::{Gate, Keys, Policy, Source};

/// The policy's text.
pub const ARTICLE: &str = include_str!("../policies/article.gate");
/// `blog.gate`, as it stands among the examples.
pub const BLOG: &str = include_str!("../policies/blog.gate");
/// The secrets of `policies/keys.example.yaml`.
pub const JWT_SECRET: &str = "not a secret: the access tokens of the examples";

/// The compiled policy with the example's keys.
pub fn gate() -> Gate {
    let policy = Policy::compile(&[Source::new("article.gate", ARTICLE)]).expect("article.gate compiles");
    let keys = Keys::new()
        .with_secret("JWT_SECRET", JWT_SECRET)
        .with_secret("REFRESH_SECRET", "not a secret: the refresh tokens of the examples")
        .with_secret("CSRF_SECRET", "not a secret: the CSRF tokens of the examples");
    policy.bind(&keys).expect("the example's keys are strong enough")
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
