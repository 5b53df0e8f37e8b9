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

static GATE: LazyLock<Gate> = LazyLock::new(article::gate);
static SECOND_GATE: LazyLock<Gate> = LazyLock::new(article::gate);

/// The decision document, byte for byte.
fn decided(gate: &Gate, request: &Request<'_>) -> String {
    let decision = gate.decide(request);
    serde_json::to_string(&DecisionDocument::new(&decision, gate.policy())).unwrap()
}
