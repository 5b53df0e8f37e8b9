//! A state that is changed in place equals the state that a pure transition returns.

use portcullis::limit::Usage;
use portcullis::limit::{Leasing, Terms, charge_in_place, charge_one};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::{SECOND, START};
use super::{ALGORITHMS, any_rate, any_size, charge, config};

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn in_place_or_anew(
        terms in vec((select(ALGORITHMS.to_vec()), vec(any_rate(), 1..3)), 1..3),
        charges in vec((any::<Index>(), -100 * SECOND..100 * SECOND, any_size(1_000), proptest::option::of(1_u64..20)), 1..40),
    ) {
        let terms: Vec<Terms> = terms.iter().map(|(algorithm, rates)| Terms::new(*algorithm, rates)).collect();
        let (mut usage, mut now) = (Usage::default(), START);
        for (row, step, cost, lease) in charges {
            now += step;
            let mut charge = charge(row.get(&terms), cost);
            charge.lease = lease.and_then(std::num::NonZeroU64::new);
            for leasing in [Leasing::Off, Leasing::On] {
                let (outcome, after) = charge_one(&charge, now, leasing, &usage);
                let (mut state, mut expires) = (usage.clone(), None);
                prop_assert_eq!(charge_in_place(&charge, now, leasing, &mut state, &mut expires), outcome);
                let (expected, until) = after.map_or((usage, None), |(usage, until)| (usage, Some(until)));
                prop_assert_eq!((&state, expires), (&expected, until));
                usage = state;
            }
        }
    }
}
