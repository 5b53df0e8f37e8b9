//! The charges of one stage: the stage makes all of them, or none.

use std::collections::HashMap;

use portcullis::limit::Usage;
use portcullis::limit::{Admitted, Charge, Leasing, Outcome, Rate, StageResult, Terms, charge_all, charge_one};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::{SECOND, START};
use super::{ALGORITHMS, SKEW, config, cost};

type States = HashMap<String, Usage>;

fn stage(charges: &[Charge], now: i64, leasing: Leasing, states: &States) -> StageResult {
    charge_all(charges, now, leasing, |bucket| states.get(bucket).cloned())
}

fn keep(states: &mut States, charges: &[Charge], stage: &StageResult) {
    for write in &stage.writes {
        states.insert(charges[write.charge].bucket.clone(), write.usage.clone());
    }
}

/// Makes one charge after another. Repaired states are written only if no charge is.
fn one_by_one(charges: &[Charge], now: i64, leasing: Leasing, states: &mut States) -> Vec<Outcome> {
    let (mut charged, mut healed) = (States::new(), States::new());
    let mut outcomes = Vec::new();
    for charge in charges {
        let usage = charged.get(&charge.bucket).or_else(|| states.get(&charge.bucket)).cloned().unwrap_or_default();
        let (outcome, write) = charge_one(charge, now, leasing, &usage);
        let kept = if outcome.is_admitted() { &mut charged } else { &mut healed };
        kept.extend(write.map(|(usage, _)| (charge.bucket.clone(), usage)));
        outcomes.push(outcome);
    }
    states.extend(healed);
    states.extend(charged);
    outcomes
}

fn charges() -> impl Strategy<Value = Vec<Charge>> {
    let rates = vec((1_u64..10, select(vec![SECOND, 60 * SECOND])), 1..3);
    let charge =
        (0_usize..4, select(ALGORITHMS.to_vec()), rates, 1_u64..5, any::<bool>(), proptest::option::of(1_u64..9));
    let charge = charge.prop_map(|(bucket, algorithm, rates, amount, dry_run, lease)| {
        let rates: Vec<Rate> = rates.into_iter().map(|(count, period)| Rate::new(count, period).unwrap()).collect();
        let mut charge = Charge::new(format!("b{bucket}"), Terms::new(algorithm, &rates), cost(amount));
        charge.dry_run = dry_run;
        charge.lease = lease.map(cost);
        charge
    });
    vec(charge, 0..5)
}

/// States that random stages have left, also those of clocks that were ahead.
fn states() -> impl Strategy<Value = States> {
    let step = prop_oneof![0..SECOND, -3 * SKEW..3 * SKEW, Just(20 * SKEW)];
    vec((step, charges()), 0..12).prop_map(|stages| {
        let mut states = States::new();
        for (step, charges) in stages {
            one_by_one(&charges, START + step, Leasing::Off, &mut states);
        }
        states
    })
}

fn leasing() -> impl Strategy<Value = Leasing> {
    select(vec![Leasing::Off, Leasing::On])
}

fn is_refused(charges: &[Charge], outcomes: &[Outcome]) -> bool {
    charges.iter().zip(outcomes).any(|(charge, outcome)| !charge.dry_run && !outcome.is_admitted())
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn all_or_none(charges in charges(), leasing in leasing(), states in states()) {
        let stage = stage(&charges, START, leasing, &states);
        prop_assert_eq!(stage.outcomes.len(), charges.len());
        let mut alone = states.clone();
        let outcomes = one_by_one(&charges, START, leasing, &mut alone);
        if is_refused(&charges, &stage.outcomes) {
            // Nothing is consumed, and nothing given: what is written was found spoilt by a charge that was refused.
            for write in &stage.writes {
                prop_assert!(!stage.outcomes[write.charge].is_admitted());
                let usage = states.get(&charges[write.charge].bucket).unwrap();
                let healed = charge_one(&charges[write.charge], START, leasing, usage).1;
                prop_assert_eq!(Some((write.usage.clone(), write.expires)), healed);
            }
            for outcome in &stage.outcomes {
                if let Outcome::Admitted(admitted) = outcome {
                    prop_assert_eq!(*admitted, Admitted::new(admitted.standing));
                }
            }
        } else {
            prop_assert_eq!(&stage.outcomes, &outcomes);
            let mut together = states.clone();
            keep(&mut together, &charges, &stage);
            prop_assert_eq!(together, alone);
        }
    }

    /// A charge is admitted independently of the charges of other buckets.
    #[test]
    fn others_change_no_standing(charges in charges(), leasing in leasing(), states in states()) {
        let outcomes = stage(&charges, START, leasing, &states).outcomes;
        for (row, charge) in charges.iter().enumerate() {
            if charges.iter().filter(|other| other.bucket == charge.bucket).count() > 1 {
                continue;
            }
            let usage = states.get(&charge.bucket).cloned().unwrap_or_default();
            let alone = charge_one(charge, START, leasing, &usage).0;
            let standing = |outcome: Outcome| match outcome {
                Outcome::Admitted(admitted) => (true, admitted.standing, None),
                Outcome::Refused(refusal) => (false, refusal.standing, refusal.retry_after),
            };
            prop_assert_eq!(standing(outcomes[row]), standing(alone));
        }
    }

    /// A `dry_run` that is refused changes nothing for the others, wherever it stands.
    #[test]
    fn a_refused_dry_run_is_as_if_it_had_not_been(charges in charges(), leasing in leasing(), states in states()) {
        let whole = stage(&charges, START, leasing, &states);
        let stays = |row: usize| !charges[row].dry_run || whole.outcomes[row].is_admitted();
        let rows: Vec<usize> = (0..charges.len()).filter(|row| stays(*row)).collect();
        let others: Vec<Charge> = rows.iter().map(|row| charges[*row].clone()).collect();
        let without = stage(&others, START, leasing, &states);
        let kept: Vec<Outcome> = rows.iter().map(|row| whole.outcomes[*row]).collect();
        prop_assert_eq!(&without.outcomes, &kept);
        // It may find a state spoilt, and nothing else is written for it.
        let mut states_with = states.clone();
        keep(&mut states_with, &charges, &whole);
        let mut states_without = states.clone();
        keep(&mut states_without, &others, &without);
        for charge in &others {
            let healed = charges.iter().any(|other| other.bucket == charge.bucket && other.dry_run);
            prop_assert!(healed || states_with.get(&charge.bucket) == states_without.get(&charge.bucket));
        }
    }

    /// The charges of different buckets may come in any order.
    #[test]
    fn outcomes_come_in_the_order_of_the_charges(charges in charges(), leasing in leasing(), states in states(), first in any::<Index>()) {
        let mut charges = charges;
        charges.sort_by(|one, other| one.bucket.cmp(&other.bucket));
        charges.dedup_by(|one, other| one.bucket == other.bucket);
        let first = first.index(charges.len() + 1);
        let mut turned = charges.clone();
        turned.rotate_left(first);
        let mut expected = stage(&charges, START, leasing, &states).outcomes;
        expected.rotate_left(first);
        prop_assert_eq!(stage(&turned, START, leasing, &states).outcomes, expected);
    }
}
