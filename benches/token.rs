//! The cost of an access token inside a decision, beside `jsonwebtoken::decode` of the same token, and beside the floor. The same
//! decision with a caller for whom the host vouches is what is to be taken off.
//!
//! The contenders take turns, batch by batch, so that what else the machine does meets all of them; the fastest batch of each
//! is what it costs where nothing else does anything.

use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use portcullis::document::RequestDocument;
use portcullis::{Gate, Verdict};
use portcullis_benches::access::{Theirs, floor, gate, key, token, vouched_for, with_token};

const ROUNDS: usize = 400;
const BATCH: u32 = 500;

fn decide(gate: &Gate, request: &RequestDocument) -> bool {
    gate.decide(&request.request(Timestamp::UNIX_EPOCH, None)).verdict() == Verdict::Allow
}

fn main() {
    let (gate, token, theirs, key) = (gate(), token(), Theirs::new(), key());
    let (with_token, vouched_for) = (with_token(), vouched_for());
    let contenders: [(&str, &dyn Fn() -> bool); 4] = [
        ("jsonwebtoken::decode", &|| black_box(theirs.decode(black_box(&token))).is_some()),
        ("floor: HMAC, base64, typed parse", &|| black_box(floor(&key, black_box(&token))).is_some()),
        ("decide, with the token", &|| decide(&gate, black_box(&with_token))),
        ("decide, vouched for", &|| decide(&gate, black_box(&vouched_for))),
    ];
    let mut times = contenders.map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for ((_, run), times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..BATCH {
                // What is timed is right.
                assert!(run());
            }
            times.push(start.elapsed().as_nanos() / u128::from(BATCH));
        }
    }
    println!("{:34} {:>6} {:>6}", "ns", "min", "median");
    for ((name, _), times) in contenders.iter().zip(&mut times) {
        times.sort_unstable();
        println!("{name:34} {:>6} {:>6}", times[0], times[ROUNDS / 2]);
    }
}
