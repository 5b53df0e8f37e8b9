//! An expired state gives the same outcomes as no state: a store may delete it.

use std::num::NonZeroU64;

use portcullis::limit::Usage;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms, charge_one};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::{SECOND, START};
use super::{ALGORITHMS, Bucket, LATEST, SKEW, any_rate, any_size, charge, config, cost};

fn rates() -> impl Strategy<Value = Vec<Rate>> {
    let period = select(vec![1_000, SECOND, 60 * SECOND, Rate::LONGEST]);
    let small = (1_u64..8, period).prop_map(|(count, period)| Rate::new(count, period).unwrap());
    vec(prop_oneof![small, any_rate()], 1..4)
}

fn charges() -> impl Strategy<Value = Vec<(i64, Index, u64, Option<u64>)>> {
    let step = prop_oneof![
        3 => Just(0),
        3 => any_size(Rate::LONGEST.unsigned_abs()).prop_map(u64::cast_signed),
        2 => -3 * SKEW..3 * SKEW,
        1 => -3 * Rate::LONGEST..0,
    ];
    let cost = prop_oneof![3 => 1_u64..4, 1 => any_size(Rate::MOST)];
    vec((step, any::<Index>(), cost, proptest::option::of(1_u64..20)), 1..30)
}

fn ask(terms: &Terms, amount: u64, lease: Option<u64>) -> Charge {
    let mut charge = charge(terms, amount);
    charge.lease = lease.and_then(NonZeroU64::new);
    charge
}

proptest! {
    #![proptest_config(config(800))]

    /// Also to a limit that has changed since, where that counts by periods of its own. A log and slots outlive their expiry
    /// to a limit that counts for longer than the one that wrote them.
    #[test]
    fn expired_is_as_good_as_none(
        algorithm in select(ALGORITHMS.to_vec()),
        known in rates(),
        changed in (select(ALGORITHMS.to_vec()), rates()),
        charges in charges(),
        later in prop_oneof![2 => Just(0), 1 => 1_u64..3, 2 => any_size(3 * Rate::LONGEST.unsigned_abs())],
        asked in any_size(Rate::MOST),
    ) {
        let terms: Vec<Terms> = known.iter().map(|rate| Terms::among(algorithm, &[*rate], &known)).collect();
        let changed = Terms::new(changed.0, &changed.1);
        let longest = |terms: &Terms| terms.periods().last().unwrap().rate().period();
        let (mut bucket, mut now) = (Bucket::default(), START);
        for (step, tier, cost, lease) in charges {
            now += step;
            bucket.charge(&ask(tier.get(&terms), cost, lease), now, Leasing::On);
            let then = bucket.expires + later.cast_signed();
            if then > LATEST {
                continue;
            }
            for terms in terms.iter().chain([&changed]) {
                let is_by_period = !matches!(terms.algorithm(), Algorithm::SlidingLog | Algorithm::Concurrency);
                if longest(terms) > longest(&longest_of(algorithm, &known)) && !is_by_period {
                    continue;
                }
                for (amount, lease) in [(1, None), (asked, None), (1, Some(5))] {
                    let charge = ask(terms, amount, lease);
                    let expired = charge_one(&charge, then, Leasing::On, &bucket.usage);
                    prop_assert_eq!(expired, charge_one(&charge, then, Leasing::On, &Usage::default()), "{:?}", bucket.usage);
                }
            }
        }
    }

    /// And no sooner: one microsecond before, something is still counted.
    #[test]
    fn nothing_is_kept_for_longer_than_it_counts(
        algorithm in select(ALGORITHMS.to_vec()),
        rate in any_rate(),
        charges in charges(),
    ) {
        let terms = Terms::new(algorithm, &[rate]);
        let (mut bucket, mut now) = (Bucket::default(), START);
        for (step, _, amount, lease) in charges {
            now += step.max(0);
            if !bucket.charge(&ask(&terms, amount, lease), now, Leasing::On).is_admitted() {
                continue;
            }
            let probe = Charge::new("b", terms.clone(), cost(1));
            let (last, _) = charge_one(&probe, bucket.expires - 1, Leasing::Off, &bucket.usage);
            let (fresh, _) = charge_one(&probe, bucket.expires - 1, Leasing::Off, &Usage::default());
            prop_assert_ne!(last, fresh, "{:?}", bucket.usage);
        }
    }
}

fn longest_of(algorithm: Algorithm, known: &[Rate]) -> Terms {
    Terms::new(algorithm, known)
}
