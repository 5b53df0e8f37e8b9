//! Whole decisions beside their floors: the way to one public route, the one HMAC that a token costs at least, and the one
//! parse that a body costs. Compare lines of one run; a machine's nanoseconds mean nothing to another.

use std::hint::black_box;

use aws_lc_rs::hmac;
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use portcullis::document::RequestDocument;
use portcullis::{Gate, Verdict};
use portcullis_benches::{BODY, JWT_SECRET, NOW, anybody, document, documents, gate, health, post, request, token};
use serde_json::json;

fn decisions(c: &mut Criterion) {
    let gate = gate();
    let authorization = format!("Bearer {}", token());
    let get = |url: &str, authorization: &str| {
        request(json!({ "now": NOW, "method": "GET", "url": url, "peer": "203.0.113.9",
                        "headers": { "authorization": authorization } }))
    };
    let mut group = c.benchmark_group("decide");
    let mut case = |name: &str, gate: &Gate, request: &RequestDocument, verdict: Verdict| {
        // What is timed is right.
        assert_eq!(decide(gate, request), verdict, "{name}");
        group.bench_function(name, |b| b.iter(|| decide(gate, black_box(request))));
    };
    case("floor: one public route", &health(), &anybody("/health"), Verdict::Allow);
    case("404", &gate, &anybody("/nowhere"), Verdict::Deny);
    case("public, no limit", &gate, &anybody("/api/health"), Verdict::Allow);
    case("401 with a charge", &gate, &anybody("/api/posts"), Verdict::Deny);
    case("vouched user, conditions", &documents(), &document(), Verdict::Allow);
    case("token, role, limit", &gate, &get("/api/posts", &authorization), Verdict::Allow);
    case("token, role lacking, limit", &gate, &get("/api/admin", &authorization), Verdict::Deny);
    case("all six layers", &gate, &post(&gate), Verdict::Allow);
    group.finish();
}

fn decide(gate: &Gate, request: &RequestDocument) -> Verdict {
    gate.decide(&request.request(Timestamp::UNIX_EPOCH, None)).verdict()
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
