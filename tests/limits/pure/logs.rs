//! A log drops admissions that no rate counts any more. This changes no outcome.

use portcullis::limit::{Admission, Usage};
use portcullis::limit::{Algorithm, Leasing, Outcome, Rate, Terms, charge_one};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::{SECOND, START};
use super::{Bucket, SKEW, any_rate, any_size, charge, config, rate};

fn log(usage: &Usage) -> &[Admission] {
    let Usage::Log(log) = usage else { panic!("{usage:?}") };
    log
}

/// Tiers: one may admit in a second as much as another counts for a year.
fn tiers() -> impl Strategy<Value = Vec<Vec<Rate>>> {
    let period = select(vec![1_000, SECOND, 60 * SECOND, 3_600 * SECOND, Rate::LONGEST]);
    let wild =
        (prop_oneof![1_u64..4, 1_u64..60, Just(Rate::MOST)], period).prop_map(|(count, period)| rate(count, period, 1));
    vec(vec(prop_oneof![4 => wild, 1 => any_rate()], 1..3), 1..4)
}

/// Steps of the clock. It may fall back, by at most the difference between machines' clocks.
fn steps() -> impl Strategy<Value = Vec<(i64, Index, u64)>> {
    let step = prop_oneof![
        4 => Just(0),
        4 => any_size(Rate::LONGEST.unsigned_abs()).prop_map(u64::cast_signed),
        3 => select(vec![999, 1_000, 1_001, SECOND - 1, SECOND, 60 * SECOND]),
        2 => -20 * SECOND..0,
    ];
    vec((step, any::<Index>(), prop_oneof![4 => Just(1), 2 => 1_u64..5, 1 => 1_u64..80]), 1..100)
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn what_is_forgotten_is_missed_by_nobody(tiers in tiers(), steps in steps()) {
        let known: Vec<Rate> = tiers.concat();
        let terms: Vec<Terms> =
            tiers.iter().map(|rates| Terms::among(Algorithm::SlidingLog, rates, &known)).collect();
        let longest = known.iter().map(|rate| rate.count()).max().unwrap();
        let (mut bucket, mut all, mut now, mut newest) = (Bucket { usage: Usage::Log(Vec::new()), expires: 0 }, Vec::new(), START, START);
        for (step, tier, cost) in steps {
            now = (now + step).max(newest - SKEW);
            // Whatever anybody may ask now, both say the same.
            for terms in &terms {
                for asked in [1, cost, terms.periods()[0].rate().count()] {
                    let charge = charge(terms, asked);
                    let (trimmed, _) = charge_one(&charge, now, Leasing::Off, &bucket.usage);
                    let (whole, _) = charge_one(&charge, now, Leasing::Off, &Usage::Log(all.clone()));
                    prop_assert_eq!(trimmed, whole, "{} of {:?}", asked, terms);
                }
            }
            if let Outcome::Admitted(_) = bucket.charge(&charge(tier.get(&terms), cost), now, Leasing::Off) {
                newest = log(&bucket.usage).last().unwrap().0;
                prop_assert_eq!(newest, now.max(all.last().map_or(now, |admission: &Admission| admission.0)));
                all.push(Admission(newest, u32::try_from(cost).unwrap()));
            }
            prop_assert!(log(&bucket.usage).len() as u64 <= longest);
        }
    }
}

/// The one tier's admissions don't fill the log of a limit whose other tiers count few for long.
#[test]
fn a_log_is_no_longer_than_the_highest_count() {
    let (many, few) = (rate(50, 1_000, 1), rate(3, Rate::LONGEST, 1));
    let terms = |rate| Terms::among(Algorithm::SlidingLog, &[rate], &[many, few]);
    let mut bucket = Bucket::default();
    for request in 0..1_000 {
        let outcome = bucket.charge(&charge(&terms(many), 1), START + request * 100, Leasing::Off);
        assert!(outcome.is_admitted());
        assert!(log(&bucket.usage).len() <= 10, "{request}");
    }
    let later = START + 10 * SECOND;
    assert!(bucket.charge(&charge(&terms(many), 1), later, Leasing::Off).is_admitted());
    assert_eq!(log(&bucket.usage).len(), 3);
    let Outcome::Refused(refusal) = bucket.charge(&charge(&terms(few), 1), later, Leasing::Off) else { panic!() };
    // Of the three newest, which use it up, the oldest leaves first.
    assert_eq!(refusal.retry_after, Some(START + 998 * 100 + Rate::LONGEST - later));
}
