//! What holds for every request: no panic, one answer, no door without all its layers, and exact limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]
#![allow(dead_code, reason = "what stands beside other tests has parts that only they need")]

#[path = "decide/article.rs"]
mod article;
#[path = "decide/hostile.rs"]
mod hostile;
#[path = "decide/log.rs"]
mod log;
#[path = "decide/oracle.rs"]
mod oracle;
#[path = "decide/structured.rs"]
mod structured;

use std::sync::LazyLock;

use portcullis::Gate;
use portcullis::Request;
use portcullis::document::DecisionDocument;

/// The outer layers, which the article does without.
const LAYERS: &str = r#"
    transport { https required  hosts "localhost", "*.example.com"  proxies 203.0.113.0/24, ::/64  max_body 100B }
    cors { origins "https://api.example.com:8443", "https://*.example.com"  headers "accept"  credentials  max_age 1m }
    cookie "session-id" { secure  path "/" }
    routes /layers { csrf  GET / public no cors  POST / public no body  OPTIONS /own public }
"#;

static GATE: LazyLock<Gate> = LazyLock::new(article::gate);
static LAYERED: LazyLock<Gate> = LazyLock::new(|| article::bound(LAYERS));
static SECOND_GATE: LazyLock<Gate> = LazyLock::new(article::gate);

/// The decision document, byte for byte.
fn decided(gate: &Gate, request: &Request<'_>) -> String {
    let decision = gate.decide(request);
    serde_json::to_string(&DecisionDocument::new(&decision, gate.policy())).unwrap()
}
