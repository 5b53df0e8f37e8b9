//! What an access token costs inside a decision, beside `jsonwebtoken::decode` of the same token, and beside the floor. The same
//! decision with a caller for whom the host vouches is what is to be taken off. Compare lines of one run.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use portcullis::document::RequestDocument;
use portcullis::{Gate, Verdict};
use portcullis_benches::access::{Theirs, floor, gate, key, token, vouched_for, with_token};

fn decide(gate: &Gate, request: &RequestDocument) -> Verdict {
    gate.decide(&request.request(Timestamp::UNIX_EPOCH, None)).verdict
}

fn tokens(c: &mut Criterion) {
    let (gate, token, theirs, key) = (gate(), token(), Theirs::new(), key());
    let (with_token, vouched_for) = (with_token(), vouched_for());
    // What is timed is right.
    assert_eq!((decide(&gate, &with_token), decide(&gate, &vouched_for)), (Verdict::Allow, Verdict::Allow));
    assert!(theirs.decode(&token).is_some() && floor(&key, &token).is_some());

    let mut group = c.benchmark_group("token");
    group.bench_function("jsonwebtoken::decode", |b| b.iter(|| theirs.decode(black_box(&token))));
    group.bench_function("floor: HMAC, base64, typed parse", |b| b.iter(|| floor(&key, black_box(&token))));
    group.bench_function("decide, with the token", |b| b.iter(|| decide(&gate, black_box(&with_token))));
    group.bench_function("decide, vouched for", |b| b.iter(|| decide(&gate, black_box(&vouched_for))));
    group.finish();
}

criterion_group!(benches, tokens);
criterion_main!(benches);
