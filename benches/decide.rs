//! Whole decisions beside their floors: the one HMAC that a token costs at least, and the one parse that a body
//! costs. Compare lines of one run; a machine's nanoseconds mean nothing to another.

use std::hint::black_box;

use aws_lc_rs::hmac;
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use portcullis::document::RequestDocument;
use portcullis::{Gate, Verdict};
use portcullis_benches::{JWT_SECRET, gate, request, token, with_csrf};
use serde_json::json;

const NOW: &str = "2026-11-23T10:00:00Z";
const BODY: &str = r#"{"title":"On gates","text":"A portcullis is a heavy gate that is lowered at a front door."}"#;

fn decisions(c: &mut Criterion) {
    let gate = gate();
    let authorization = format!("Bearer {}", token());
    let get = |url: &str, authorization: &str| {
        request(json!({ "now": NOW, "method": "GET", "url": url, "peer": "203.0.113.9",
                        "headers": { "authorization": authorization } }))
    };
    let plain = |url: &str| request(json!({ "now": NOW, "method": "GET", "url": url, "peer": "203.0.113.9" }));
    let post = request(json!({ "now": NOW, "method": "POST", "url": "/api/posts", "peer": "203.0.113.9",
        "headers": { "authorization": authorization, "content-type": "application/json" }, "body": BODY }));

    let mut group = c.benchmark_group("decide");
    let mut case = |name: &str, request: &RequestDocument, verdict: Verdict| {
        // What is timed is right.
        assert_eq!(decide(&gate, request), verdict, "{name}");
        group.bench_function(name, |b| b.iter(|| decide(&gate, black_box(request))));
    };
    case("404", &plain("/nowhere"), Verdict::Deny);
    case("public, no limit", &plain("/api/health"), Verdict::Allow);
    case("401 with a charge", &plain("/api/posts"), Verdict::Deny);
    case("token, role, limit", &get("/api/posts", &authorization), Verdict::Allow);
    case("token, role lacking, limit", &get("/api/admin", &authorization), Verdict::Deny);
    case("all six layers", &with_csrf(&gate, post), Verdict::Allow);
    group.finish();
}

fn decide(gate: &Gate, request: &RequestDocument) -> Verdict {
    gate.decide(&request.request(Timestamp::UNIX_EPOCH, None)).verdict
}

fn floors(c: &mut Criterion) {
    let mut group = c.benchmark_group("floor");
    let key = hmac::Key::new(hmac::HMAC_SHA256, JWT_SECRET.as_bytes());
    let token = token();
    let (signed, _) = token.rsplit_once('.').expect("a token has dots");
    group.bench_function("one HMAC over the token", |b| b.iter(|| hmac::sign(&key, black_box(signed.as_bytes()))));
    group.bench_function("one parse of the body", |b| {
        b.iter(|| serde_json::from_str::<serde_json::Value>(black_box(BODY)).map(|body| body.is_object()));
    });
    group.finish();
}

criterion_group!(benches, decisions, floors);
criterion_main!(benches);
