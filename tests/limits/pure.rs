//! The transitions alone, without a policy: what leases, slots, trimmed logs and forgotten states may never change, and the
//! bounded arithmetic against numbers without bounds.

#[path = "pure/exact.rs"]
mod exact;
#[path = "pure/expiry.rs"]
mod expiry;
#[path = "pure/in_place.rs"]
mod in_place;
#[path = "pure/leases.rs"]
mod leases;
#[path = "pure/logs.rs"]
mod logs;
#[path = "pure/slots.rs"]
mod slots;
#[path = "pure/stages.rs"]
mod stages;

use std::num::NonZeroU64;

use portcullis::Usage;
use portcullis::limit::{Algorithm, Charge, Leasing, Outcome, Rate, Terms, charge_one};
use proptest::prelude::*;

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::FixedWindow,
    Algorithm::SlidingWindow,
    Algorithm::SlidingLog,
    Algorithm::TokenBucket,
    Algorithm::Concurrency,
];

/// The last moment that is told apart.
const LATEST: i64 = 8_000_000_000_000_000;

/// Machines' clocks may differ by so much.
const SKEW: i64 = 60_000_000;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// From `1` to `most`, small ones as often as large ones.
fn any_size(most: u64) -> impl Strategy<Value = u64> {
    (0..=most.ilog2(), any::<u64>()).prop_map(move |(bits, random)| ((1 << bits) | (random % (1 << bits))).min(most))
}

/// From once in 366 days to a million times in a millisecond.
fn any_rate() -> impl Strategy<Value = Rate> {
    let shortest = Rate::SHORTEST.unsigned_abs();
    let period = any_size(Rate::LONGEST.unsigned_abs()).prop_map(move |period| period.max(shortest).cast_signed());
    (any_size(Rate::MOST), period, any_size(Rate::MOST)).prop_map(|(count, period, burst)| rate(count, period, burst))
}

/// A rate; where the burst takes too long to come back, it is as much as the count.
fn rate(count: u64, period: i64, burst: u64) -> Rate {
    let rate = Rate::new(count, period).unwrap();
    rate.with_burst(burst).unwrap_or(rate)
}

fn cost(cost: u64) -> NonZeroU64 {
    NonZeroU64::new(cost).unwrap_or(NonZeroU64::MIN)
}

/// A charge of the one bucket there is.
fn charge(terms: &Terms, amount: u64) -> Charge {
    Charge::new("b", terms.clone(), cost(amount))
}

/// Windows of nothing and of a hundred years, and counts that no store could count.
#[test]
fn rates_have_bounds() {
    use portcullis::limit::RateError;
    let century = 100 * 365 * 24 * 60 * 60 * 1_000_000;
    for (count, period, expected) in [
        (1, 1_000, Ok(())),
        (1_000_000, Rate::LONGEST, Ok(())),
        (0, 1_000, Err(RateError::Count)),
        (1_000_001, 1_000, Err(RateError::Count)),
        (u64::MAX, 1_000, Err(RateError::Count)),
        (1, 0, Err(RateError::Period)),
        (1, 999, Err(RateError::Period)),
        (1, -1, Err(RateError::Period)),
        (1, i64::MIN, Err(RateError::Period)),
        (1, century, Err(RateError::Period)),
        (1, i64::MAX, Err(RateError::Period)),
    ] {
        assert_eq!(Rate::new(count, period).map(drop), expected, "{count} in {period}");
    }
    let yearly = Rate::new(1, Rate::LONGEST).unwrap();
    for (burst, expected) in [(0, RateError::Count), (2, RateError::Refill), (1_000_001, RateError::Count)] {
        assert_eq!(yearly.with_burst(burst), Err(expected), "{burst}");
    }
}

/// What a store holds of one bucket.
#[derive(Debug, Clone, Default)]
struct Bucket {
    usage: Usage,
    expires: i64,
}

impl Bucket {
    fn charge(&mut self, charge: &Charge, now: i64, leasing: Leasing) -> Outcome {
        let (outcome, write) = charge_one(charge, now, leasing, &self.usage);
        if let Some((usage, expires)) = write {
            (self.usage, self.expires) = (usage, expires);
        }
        outcome
    }
}
