//! The bounded arithmetic against unbounded numbers, for every rate of a policy.

use portcullis::limit::Usage;
use portcullis::limit::{Algorithm, Leasing, Outcome, Rate, Terms, charge_one};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::START;
use super::{ALGORITHMS, Bucket, LATEST, any_rate, any_size, charge, config};

/// The first integer that equals its successor as a double.
const DOUBLE: i64 = 1 << 53;

fn wide(number: impl Into<i128>) -> i128 {
    number.into()
}

fn up(parts: i128, of: i128) -> i128 {
    parts / of + i128::from(parts % of != 0)
}

/// The numbers of an outcome.
#[derive(Debug, PartialEq)]
struct Said {
    is_admitted: bool,
    remaining: i128,
    full_after: i128,
    retry_after: Option<i128>,
}

fn said(outcome: Outcome) -> Said {
    match outcome {
        Outcome::Admitted(admitted) => Said {
            is_admitted: true,
            remaining: admitted.standing.remaining.into(),
            full_after: admitted.standing.full_after.into(),
            retry_after: None,
        },
        Outcome::Refused(refusal) => Said {
            is_admitted: false,
            remaining: refusal.standing.remaining.into(),
            full_after: refusal.standing.full_after.into(),
            retry_after: refusal.retry_after.map(wide),
        },
    }
}

/// A token bucket that counts the time until it is full. The unit is a microsecond divided by the rate's count.
struct Tokens {
    rate: Rate,
    ahead: i128,
    at: i64,
}

impl Tokens {
    fn charge(&mut self, now: i64, cost: u64) -> Said {
        let (count, period) = (wide(self.rate.count()), wide(self.rate.period()));
        self.ahead = (self.ahead - wide(now - self.at) * count).max(0);
        self.at = now;
        let whole = wide(self.rate.burst()) * period;
        let after = self.ahead + wide(cost) * period;
        let is_admitted = after <= whole;
        if is_admitted {
            self.ahead = after;
        }
        Said {
            is_admitted,
            remaining: (whole - self.ahead) / period,
            full_after: up(self.ahead, count),
            retry_after: (!is_admitted && cost <= self.rate.burst()).then(|| up(after - whole, count)),
        }
    }
}

/// Two weighted windows. The unit is an admission divided by the period.
struct Windows {
    rate: Rate,
    window: i64,
    previous: i128,
    current: i128,
}

impl Windows {
    fn charge(&mut self, now: i64, cost: u64) -> Said {
        let (count, period) = (wide(self.rate.count()), wide(self.rate.period()));
        let window = now.div_euclid(self.rate.period());
        match window - self.window {
            0 => {}
            1 => (self.previous, self.current) = (self.current, 0),
            _ => (self.previous, self.current) = (0, 0),
        }
        self.window = window;
        let since = wide(now.rem_euclid(self.rate.period()));
        let left = |current: i128, since: i128| (count - current) * period - self.previous * (period - since);
        let after = self.current + wide(cost);
        let is_admitted = left(after, since) >= 0;
        // Bisects for the first microsecond of this window or the next one at which the charge fits.
        let fits = |at: i128| {
            if at < period {
                left(after, at) >= 0
            } else {
                (count - wide(cost)) * period >= self.current * (period - (at - period))
            }
        };
        let retry_after = (!is_admitted && cost <= self.rate.count()).then(|| {
            let (mut refused, mut fitting) = (since, 2 * period);
            while refused + 1 < fitting {
                let middle = refused.midpoint(fitting);
                if fits(middle) { fitting = middle } else { refused = middle }
            }
            fitting - since
        });
        if is_admitted {
            self.current = after;
        }
        let remaining = left(self.current, since).div_euclid(period).max(0);
        let full_after = match (self.current, self.previous) {
            (1.., _) => 2 * period - since,
            (_, 1..) => period - since,
            _ => 0,
        };
        Said { is_admitted, remaining, full_after, retry_after }
    }
}

/// Steps of the clock as parts of a period, and costs as parts of the largest cost.
fn charges() -> impl Strategy<Value = Vec<(Step, Amount)>> {
    let step = prop_oneof![
        3 => Just(Step::By(0)),
        2 => any_size(Rate::LONGEST.unsigned_abs()).prop_map(|step| Step::By(step.cast_signed())),
        3 => (0_i64..2_500).prop_map(Step::Thousandths),
        1 => select(vec![-1, 0, 1]).prop_map(Step::Boundary),
    ];
    let amount = prop_oneof![
        2 => Just(Amount::By(1)),
        2 => any_size(Rate::MOST + 1).prop_map(Amount::By),
        3 => (0_u64..1_100).prop_map(Amount::Thousandths),
        1 => Just(Amount::By(u64::MAX)),
    ];
    vec((step, amount), 1..60)
}

#[derive(Debug, Clone, Copy)]
enum Step {
    By(i64),
    Thousandths(i64),
    Boundary(i64),
}

#[derive(Debug, Clone, Copy)]
enum Amount {
    By(u64),
    Thousandths(u64),
}

impl Step {
    fn from(self, now: i64, period: i64) -> i64 {
        let next = match self {
            Self::By(step) => now + step,
            Self::Thousandths(part) => now + i64::try_from(wide(period) * wide(part) / 1_000).unwrap(),
            Self::Boundary(off) => now - now.rem_euclid(period) + period + off,
        };
        next.clamp(now, LATEST)
    }
}

impl Amount {
    fn of(self, most: u64) -> u64 {
        match self {
            Self::By(amount) => amount,
            Self::Thousandths(part) => (most * part / 1_000).max(1),
        }
    }
}

/// Start times around now, and around the first and the last moment.
fn starts() -> impl Strategy<Value = i64> {
    prop_oneof![Just(START), Just(0), 0..LATEST, Just(LATEST - Rate::LONGEST)]
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn token_buckets(rate in any_rate(), start in starts(), charges in charges()) {
        let terms = Terms::new(Algorithm::TokenBucket, &[rate]);
        let (mut bucket, mut now) = (Bucket::default(), start);
        let mut model = Tokens { rate, ahead: 0, at: now };
        for (step, amount) in charges {
            now = step.from(now, rate.period());
            let amount = amount.of(rate.burst());
            let outcome = bucket.charge(&charge(&terms, amount), now, Leasing::Off);
            prop_assert_eq!(said(outcome), model.charge(now, amount), "{} at {} of {:?}", amount, now, rate);
        }
    }

    #[test]
    fn sliding_windows(rate in any_rate(), start in starts(), charges in charges()) {
        let terms = Terms::new(Algorithm::SlidingWindow, &[rate]);
        let (mut bucket, mut now) = (Bucket::default(), start);
        let mut model = Windows { rate, window: now.div_euclid(rate.period()), previous: 0, current: 0 };
        for (step, amount) in charges {
            now = step.from(now, rate.period());
            let amount = amount.of(rate.count());
            let outcome = bucket.charge(&charge(&terms, amount), now, Leasing::Off);
            prop_assert_eq!(said(outcome), model.charge(now, amount), "{} at {} of {:?}", amount, now, rate);
        }
    }

    /// The time until a refused charge fits is exact to the microsecond, for all algorithms and any number of rates. With one
    /// rate, the time until the bucket is full is exact as well.
    #[test]
    fn what_is_told_of_later_is_true(
        algorithm in select(ALGORITHMS.to_vec()),
        rates in vec(any_rate(), 1..4),
        charges in charges(),
    ) {
        let terms = Terms::new(algorithm, &rates);
        let most = rates.iter().map(|rate| if algorithm == Algorithm::TokenBucket { rate.burst() } else { rate.count() }).min().unwrap();
        let (mut bucket, mut now) = (Bucket::default(), START);
        for (step, amount) in charges {
            now = step.from(now, rates[0].period());
            let charge = charge(&terms, amount.of(most));
            let before = bucket.clone();
            let standing = match bucket.charge(&charge, now, Leasing::Off) {
                Outcome::Admitted(admitted) => admitted.standing,
                Outcome::Refused(refusal) => {
                    prop_assert_eq!(&bucket.usage, &before.usage);
                    if let Some(wait) = refusal.retry_after {
                        let later = |wait: i64| before.clone().charge(&charge, now + wait, Leasing::Off);
                        prop_assert!(wait > 0 && later(wait).is_admitted(), "{} at {}: {:?}", wait, now, later(wait));
                        prop_assert!(!later(wait - 1).is_admitted(), "{} at {}: {:?}", wait - 1, now, before);
                    } else {
                        prop_assert!(charge.cost.get() > most);
                    }
                    refusal.standing
                }
            };
            if terms.periods().len() == 1 && now < LATEST - 2 * Rate::LONGEST {
                let probe = super::charge(&terms, 1);
                let then = now + standing.full_after;
                let fresh = |at: i64| charge_one(&probe, at, Leasing::Off, &Usage::default()).0;
                prop_assert_eq!(charge_one(&probe, then, Leasing::Off, &bucket.usage).0, fresh(then));
                if standing.full_after > 0 {
                    prop_assert_ne!(charge_one(&probe, then - 1, Leasing::Off, &bucket.usage).0, fresh(then - 1));
                }
            }
        }
    }

    /// No number is larger than the largest exact integer of a double.
    #[test]
    fn every_number_is_a_double(
        algorithm in select(ALGORITHMS.to_vec()),
        rates in vec(any_rate(), 1..4),
        charges in vec((any::<i64>(), any_size(u64::MAX), any::<bool>()), 1..20),
    ) {
        let terms = Terms::new(algorithm, &rates);
        let mut bucket = Bucket::default();
        for (now, amount, is_near) in charges {
            let now = if is_near { START + now % Rate::LONGEST } else { now };
            let Said { remaining, full_after, retry_after, .. } =
                said(bucket.charge(&charge(&terms, amount), now, Leasing::Off));
            for number in [Some(remaining), Some(full_after), retry_after].into_iter().flatten() {
                prop_assert!((0..wide(DOUBLE)).contains(&number), "{}", number);
            }
            let moments: Vec<i64> = match &bucket.usage {
                Usage::Log(log) => log.iter().map(|admission| admission.0).collect(),
                Usage::FixedWindow(windows) => windows.iter().map(|window| window.start).collect(),
                Usage::SlidingWindow(windows) => windows.iter().map(|windows| windows.start).collect(),
                Usage::TokenBucket(buckets) => buckets.iter().map(|bucket| bucket.full_at).collect(),
                Usage::Slots(slots) => slots.clone(),
                other => panic!("{other:?}"),
            };
            prop_assert!(moments.iter().all(|moment| (0..DOUBLE).contains(moment)), "{:?}", moments);
        }
    }
}
