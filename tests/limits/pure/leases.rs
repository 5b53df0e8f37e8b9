//! Machines that lease from one bucket never admit more than its rates, whenever they spend their leases.

use std::collections::HashMap;
use std::num::NonZeroU64;

use portcullis::limit::{Algorithm, Leasing, Outcome, Rate, Terms};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{SECOND, START};
use super::{Bucket, any_rate, any_size, charge, config, rate};

/// A step of the clock.
#[derive(Debug, Clone, Copy)]
enum Tick {
    Still,
    By(u64),
    /// A step of thousandths of the first rate's period.
    Part(i64),
    /// A step to the last moment of a lease, or to the moment after.
    LeaseEnd(i64),
}

/// An act of a machine.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Asks the store, for a lease if there is a share.
    Ask { cost: u64, share: Option<NonZeroU64> },
    /// Spends its lease, up to an amount.
    Spend(u64),
    /// Asks for everything that is left.
    Drain,
}

/// A lease: an amount, and the first moment at which it is over.
#[derive(Debug, Clone, Copy)]
struct Leased {
    left: u64,
    ends: i64,
}

/// The admitted costs, each with its real time.
type Admissions = Vec<(i64, u64)>;

/// Machines that share a bucket.
#[derive(Debug)]
struct Machines {
    terms: Terms,
    bucket: Bucket,
    leases: [Vec<Leased>; 4],
    admitted: Admissions,
}

impl Machines {
    fn act(&mut self, machine: usize, act: Act, now: i64) {
        match act {
            Act::Ask { cost, share } => self.ask(machine, cost, share, now),
            Act::Spend(most) => {
                for lease in self.leases[machine].iter_mut().filter(|lease| now < lease.ends && lease.left > 0) {
                    let spent = lease.left.min(most);
                    self.admitted.push((now, spent));
                    lease.left -= spent;
                }
            }
            Act::Drain => {
                for bits in (0..=Rate::MOST.ilog2()).rev() {
                    self.ask(machine, 1 << bits, None, now);
                }
            }
        }
    }

    fn ask(&mut self, machine: usize, cost: u64, share: Option<NonZeroU64>, now: i64) {
        let mut charge = charge(&self.terms, cost);
        charge.lease = share;
        if let Outcome::Admitted(outcome) = self.bucket.charge(&charge, now, Leasing::On) {
            self.admitted.push((now, cost));
            let lease = outcome.lease.map(|lease| Leased { left: lease.granted, ends: now + lease.lasts });
            self.leases[machine].extend(lease);
        }
    }
}

fn simulate(terms: &Terms, period: i64, steps: &[(Tick, usize, Act)]) -> Admissions {
    let mut machines =
        Machines { terms: terms.clone(), bucket: Bucket::default(), leases: Default::default(), admitted: Vec::new() };
    let mut now = START;
    for (tick, machine, act) in steps {
        now = match tick {
            Tick::Still => now,
            Tick::By(step) => now + step.cast_signed(),
            Tick::Part(thousandths) => now + period / 1_000 * thousandths,
            Tick::LeaseEnd(off) => {
                let unspent = machines.leases.iter().flatten().filter(|lease| lease.left > 0);
                unspent.map(|lease| lease.ends + off).filter(|end| *end >= now).min().unwrap_or(now)
            }
        };
        machines.act(*machine, *act, now);
    }
    machines.admitted
}

fn windows_hold(rate: Rate, admitted: &Admissions) {
    let mut windows: HashMap<i64, u64> = HashMap::new();
    for (at, cost) in admitted {
        let window = windows.entry(at.div_euclid(rate.period())).or_default();
        *window += cost;
        assert!(*window <= rate.count(), "{window} in the window of {at}, of {rate:?}");
    }
}

/// The exact time until a bucket is full. The unit is a microsecond divided by the count.
fn bucket_holds(rate: Rate, admitted: &Admissions) {
    let (count, period) = (i128::from(rate.count()), i128::from(rate.period()));
    let (mut ahead, mut last) = (0, START);
    for (at, cost) in admitted {
        ahead = (ahead - i128::from(at - last) * count).max(0) + i128::from(*cost) * period;
        last = *at;
        let whole = i128::from(rate.burst()) * period;
        assert!(ahead <= whole, "{cost} at {at}: {ahead} parts are more than {whole}, of {rate:?}");
    }
}

fn replay_holds(terms: &Terms, admitted: &Admissions) {
    let mut bucket = Bucket::default();
    for (at, cost) in admitted {
        let outcome = bucket.charge(&charge(terms, *cost), *at, Leasing::Off);
        assert!(outcome.is_admitted(), "{cost} at {at}: {outcome:?}");
    }
}

fn rates() -> impl Strategy<Value = Vec<Rate>> {
    let small = (1_u64..40, select(vec![SECOND, 60 * SECOND, 7 * SECOND, 1_000]), 1_u64..60)
        .prop_map(|(count, period, burst)| rate(count, period, burst));
    vec(prop_oneof![3 => small, 1 => any_rate()], 1..3).prop_map(|mut rates| {
        rates.dedup_by_key(|rate| rate.period());
        rates
    })
}

fn steps() -> impl Strategy<Value = Vec<(Tick, usize, Act)>> {
    let tick = prop_oneof![
        3 => Just(Tick::Still),
        2 => any_size(10_000_000).prop_map(Tick::By),
        3 => (1_i64..300).prop_map(Tick::Part),
        3 => select(vec![-1, 0]).prop_map(Tick::LeaseEnd),
    ];
    let share = prop_oneof![1 => Just(1), 4 => 2_u64..50, 1 => any_size(Rate::MOST)];
    let ask = (prop_oneof![4 => Just(1), 1 => 1_u64..10], proptest::option::weighted(0.8, share));
    let act = prop_oneof![
        4 => ask.prop_map(|(cost, share)| Act::Ask { cost, share: share.and_then(NonZeroU64::new) }),
        4 => prop_oneof![1_u64..4, Just(u64::MAX)].prop_map(Act::Spend),
        1 => Just(Act::Drain),
    ];
    vec((tick, 0_usize..4, act), 1..120)
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn no_window_holds_more_than_its_count(rates in rates(), steps in steps()) {
        let terms = Terms::new(Algorithm::FixedWindow, &rates);
        let admitted = simulate(&terms, rates[0].period(), &steps);
        rates.iter().for_each(|rate| windows_hold(*rate, &admitted));
    }

    #[test]
    fn no_stretch_of_time_holds_more_than_a_token_bucket_gives(rates in rates(), steps in steps()) {
        let terms = Terms::new(Algorithm::TokenBucket, &rates);
        let admitted = simulate(&terms, rates[0].period(), &steps);
        rates.iter().for_each(|rate| bucket_holds(*rate, &admitted));
    }

    #[test]
    fn sliding_windows_admit_no_more_than_without_leases(rates in rates(), steps in steps()) {
        let terms = Terms::new(Algorithm::SlidingWindow, &rates);
        let admitted = simulate(&terms, rates[0].period(), &steps);
        replay_holds(&terms, &admitted);
    }
}

/// And they are worth it: about one question for as many requests as the lease has.
#[test]
fn a_busy_key_asks_seldom() {
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::TokenBucket] {
        let terms = Terms::new(algorithm, &[rate(6_000, 60 * SECOND, 6_000)]);
        let mut asking = charge(&terms, 1);
        asking.lease = NonZeroU64::new(50);
        let (mut bucket, mut lease, mut questions) = (Bucket::default(), Leased { left: 0, ends: START }, 0);
        for request in 0..1_000 {
            let now = START + request * 12_000;
            if lease.left > 0 && now < lease.ends {
                lease.left -= 1;
                continue;
            }
            questions += 1;
            let Outcome::Admitted(outcome) = bucket.charge(&asking, now, Leasing::On) else { panic!("{algorithm:?}") };
            lease = outcome.lease.map_or(lease, |lease| Leased { left: lease.granted, ends: now + lease.lasts });
        }
        assert_eq!(questions, 20, "{algorithm:?}");
    }
}

/// The end of a rate is for whoever comes: a lease leaves half of it.
#[test]
fn a_lease_leaves_half() {
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let terms = Terms::new(algorithm, &[rate(100, 60 * SECOND, 100)]);
        let mut asking = charge(&terms, 1);
        asking.lease = NonZeroU64::new(Rate::MOST);
        let mut bucket = Bucket::default();
        let mut granted = Vec::new();
        while let Outcome::Admitted(outcome) = bucket.charge(&asking, START, Leasing::On) {
            granted.push(outcome.lease.map_or(0, |lease| lease.granted));
        }
        assert_eq!(granted, [49, 24, 12, 5, 2, 1, 0], "{algorithm:?}");
    }
}
