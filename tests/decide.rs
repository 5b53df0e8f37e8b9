//! Decisions on the article's policy: each request document beside its decision document.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "decide/article.rs"]
mod article;
#[path = "decide/bodies.rs"]
mod bodies;
#[path = "decide/callers.rs"]
mod callers;
#[path = "decide/doors.rs"]
mod doors;
#[path = "decide/secrets.rs"]
mod secrets;

use portcullis::Gate;
use portcullis::document::{DecisionDocument, RequestDocument};
use serde_json::Value;

/// The decision document for a request document. What the request leaves out is the same in every test.
fn decide(gate: &Gate, request: &Value) -> Value {
    let document: RequestDocument = serde_json::from_value(request.clone()).unwrap();
    let decision = gate.decide(&document.request(article::now(), Some(&[1; 32])));
    serde_json::to_value(DecisionDocument::new(&decision, gate.policy())).unwrap()
}

/// Snapshots a request beside its decision. The policy's own headers are the same in each: one test shows them, the
/// others name how many there are.
fn check(name: &str, request: Value) -> Value {
    let gate = article::gate();
    let decision = decide(&gate, &request);
    let mut shown = decision.clone();
    if name != "a_health_check" {
        let headers = shown["headers"].as_array_mut().unwrap();
        let own = headers.split_off(7);
        assert_eq!(headers[0], serde_json::json!(["x-frame-options", "DENY"]));
        *headers = own;
    }
    shown.as_object_mut().unwrap().shift_remove("policy");
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let text = format!("{}\n\n{}", shortened(&pretty(&request)), pretty(&shown));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "decide/snapshots" }, {
        insta::assert_snapshot!(name, text);
    });
    decision
}

/// Signed tokens are long and say nothing to a reader: the middle is left out.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let shorten = |line: &str| match line.chars().count() {
        count if count <= LONGEST => line.to_owned(),
        _ => format!("{}…{}", line.chars().take(60).collect::<String>(), &line[line.len() - 12..]),
    };
    text.lines().map(shorten).collect::<Vec<_>>().join("\n")
}
