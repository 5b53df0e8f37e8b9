//! The embedded store passes the suite and stays within its capacity.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::num::{NonZeroU64, NonZeroUsize};

use pollster::block_on;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis_conformance::{Contest, Suite, family_steps, hostile_ids, steps};
use portcullis_store::{Memory, Store};
use proptest::prelude::*;

fn memory(max_keys: usize) -> Memory {
    Memory::new(NonZeroUsize::new(max_keys).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_suite(steps in steps()) {
        block_on(Suite::new(&memory(100_000), "p").run(&steps))?;
    }

    #[test]
    fn families(steps in family_steps()) {
        block_on(Suite::new(&memory(100_000), "p").run(&steps))?;
    }
}

#[test]
fn hostile_ids_are_told_apart() {
    block_on(Suite::new(&memory(100_000), "p").run_verbatim(&hostile_ids())).unwrap();
}

#[test]
fn contenders_get_what_there_is() {
    let (store, contest) = (memory(100_000), Contest::new("p"));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| block_on(contest.contend(&store)).unwrap());
        }
    });
    block_on(contest.judge(&store)).unwrap();
}

/// A flood of clients evicts the buckets that expire first. Evictions are counted.
#[test]
fn a_flood_stays_within_the_cap() {
    let store = memory(1_000);
    let rate = Rate::new(1_000, 3_600_000_000).unwrap();
    let charge = |key: &str, cost| {
        let cost = NonZeroU64::new(cost).unwrap();
        Charge::new(format!("p/l/0:{}:{key}", key.len()), Terms::new(Algorithm::TokenBucket, &[rate]), cost)
    };
    assert!(store.charge_one(&charge("busy", 1_000), 0, Leasing::Off).is_admitted());
    for client in 0..10_000 {
        assert!(store.charge_one(&charge(&client.to_string(), 1), 0, Leasing::Off).is_admitted());
    }
    let metrics = store.bucket_metrics();
    assert_eq!((metrics.keys, metrics.evicted), (1_000, 9_001));
    assert!(!store.charge_one(&charge("busy", 1), 0, Leasing::Off).is_admitted(), "it is the last to expire");
    // Expired buckets make room without an eviction.
    assert!(store.charge_one(&charge("late", 1), 3_600_000_000, Leasing::Off).is_admitted());
    assert_eq!(store.bucket_metrics().evicted, 9_001);
}

/// Reads and swaps agree on a family that has expired.
#[test]
fn a_family_that_has_ended_is_gone_to_all() {
    let store = memory(10);
    let time = |second| jiff::Timestamp::from_second(second).unwrap();
    let state = portcullis::token::FamilyState::begin("token", time(100), time(100));
    assert!(block_on(store.swap_family("f", 0, &state, time(100), time(0))).unwrap());
    let read = block_on(store.family("f", time(99))).unwrap().unwrap().version;
    assert!(!block_on(store.swap_family("f", read, &state, time(100), time(200))).unwrap(), "it has ended");
    assert_eq!(block_on(store.family("f", time(200))), Ok(None), "and whoever decides again sees that");
}
