//! Properties of every decision: no panic, one decision for equal requests, every layer, and exact limits.

mod hostile;
mod log;
mod oracle;
mod structured;

use std::sync::LazyLock;

use portcullis::{Gate, Request};

use crate::support::article::{article, article_and};
use crate::support::exchange::document;

/// The outer layers, which the article does without.
const LAYERS: &str = r#"
    transport { https required  hosts "localhost", "*.example.com"  proxies 203.0.113.0/24, ::/64  max_body 100B }
    cors { origins "https://api.example.com:8443", "https://*.example.com"  headers "accept"  credentials  max_age 1m }
    cookie "session-id" { secure  path "/" }
    routes /layers { csrf  GET / public no cors  POST / public no body  OPTIONS /own public }
"#;

static GATE: LazyLock<Gate> = LazyLock::new(article);
static LAYERED: LazyLock<Gate> = LazyLock::new(|| article_and(LAYERS));
static SECOND_GATE: LazyLock<Gate> = LazyLock::new(article);

/// The decision document, byte for byte.
fn decided(gate: &Gate, request: &Request<'_>) -> String {
    document(&gate.decide(request), gate.policy()).to_string()
}
