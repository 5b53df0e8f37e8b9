//! The transitions without a policy: the invariants of leases, slots, trimmed logs and expired states, and the bounded
//! arithmetic against unbounded numbers.

mod exact;
mod expiry;
mod in_place;
mod leases;
mod logs;
mod slots;
mod stages;

use std::num::NonZeroU64;

use portcullis::limit::Usage;
use portcullis::limit::{Algorithm, Charge, Leasing, Outcome, Rate, Terms, charge_one};
use proptest::prelude::*;

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::FixedWindow,
    Algorithm::SlidingWindow,
    Algorithm::SlidingLog,
    Algorithm::TokenBucket,
    Algorithm::Concurrency,
];

/// The last moment that the library distinguishes from later ones, in microseconds.
const LATEST: i64 = 8_000_000_000_000_000;

/// The largest difference between machines' clocks, in microseconds.
const SKEW: i64 = 60_000_000;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Numbers from 1 to `most`: small ones are as frequent as large ones.
fn any_size(most: u64) -> impl Strategy<Value = u64> {
    (0..=most.ilog2(), any::<u64>()).prop_map(move |(bits, random)| ((1 << bits) | (random % (1 << bits))).min(most))
}

/// Rates from once in 366 days to a million times in a millisecond.
fn any_rate() -> impl Strategy<Value = Rate> {
    let shortest = Rate::SHORTEST.unsigned_abs();
    let period = any_size(Rate::LONGEST.unsigned_abs()).prop_map(move |period| period.max(shortest).cast_signed());
    (any_size(Rate::MOST), period, any_size(Rate::MOST)).prop_map(|(count, period, burst)| rate(count, period, burst))
}

/// A rate. A burst that takes too long to refill is replaced by the count.
fn rate(count: u64, period: i64, burst: u64) -> Rate {
    let rate = Rate::new(count, period).unwrap();
    rate.with_burst(burst).unwrap_or(rate)
}

fn cost(cost: u64) -> NonZeroU64 {
    NonZeroU64::new(cost).unwrap_or(NonZeroU64::MIN)
}

/// A charge of the only bucket.
fn charge(terms: &Terms, amount: u64) -> Charge {
    Charge::new("b", terms.clone(), cost(amount))
}

/// Windows of length 0 and of a hundred years, and counts that are too large.
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

/// A store's state of one bucket.
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
