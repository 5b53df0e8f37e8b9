//! The sliding log, through whole decisions, against a list of times.

use std::collections::HashMap;

use portcullis::decision::Effect;
use portcullis::{Facts, User};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::GATE;
use super::oracle::rate;
use crate::support::exchange::{Call, NOW, at_microsecond, effects, record, status};

const MINUTE: i64 = 60_000_000;

/// A clock step in microseconds, then so many requests of one user.
#[derive(Debug, Clone, Copy)]
struct Burst {
    step: i64,
    user: usize,
    tier: Option<&'static str>,
    count: usize,
}

fn bursts(steps: Vec<i64>) -> impl Strategy<Value = Vec<Burst>> {
    let tiers = prop_oneof![4 => Just(None), 1 => select(vec![Some("free"), Some("pro")])];
    let burst = (select(steps), 0_usize..2, tiers, 1_usize..45).prop_map(|(step, user, tier, count)| Burst {
        step,
        user,
        tier,
        count,
    });
    vec(burst, 1..25)
}

/// A host that stores the effects of decisions.
#[derive(Default)]
struct Host {
    facts: Facts,
}

impl Host {
    /// True if a user's request at a time is admitted.
    fn admits(&mut self, user: usize, tier: Option<&str>, at: i64) -> bool {
        let user = User { id: format!("u{user}"), tier: tier.map(str::to_owned), ..User::default() };
        let call = Call { now: at_microsecond(at), user: Some(user), ..Call::new("GET /api/me") };
        let decision = GATE.decide(&call.request_with(&self.facts)).into_owned();
        let buckets = effects(&decision).iter().all(|effect| matches!(effect, Effect::Bucket { .. }));
        assert!(buckets, "{:?}", effects(&decision));
        record(&mut self.facts, &decision);
        match status(&decision) {
            200 => true,
            429 => false,
            other => panic!("{other}"),
        }
    }
}

const STEPS: [i64; 9] = [0, 1, 1_000, 600_000, 1_000_000, MINUTE / 2, MINUTE - 1, MINUTE, MINUTE + 1];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// While the clock doesn't run backwards, a request is admitted exactly if fewer than the rate were in the
    /// minute before it.
    #[test]
    fn admits_exactly_the_rate(bursts in bursts(STEPS.to_vec())) {
        let mut host = Host::default();
        let mut admitted: HashMap<usize, Vec<i64>> = HashMap::new();
        let mut at = NOW * 1_000_000;
        for burst in bursts {
            at += burst.step;
            let before = admitted.entry(burst.user).or_default();
            for _ in 0..burst.count {
                let counted = before.iter().filter(|time| **time > at - MINUTE).count();
                let has_room = u64::try_from(counted).unwrap() < rate(burst.tier);
                prop_assert_eq!(host.admits(burst.user, burst.tier, at), has_room, "{} counted", counted);
                if has_room {
                    before.push(at);
                }
            }
        }
        // No minute anywhere holds more than the largest rate that was asked by.
        for times in admitted.values() {
            for (first, time) in times.iter().enumerate() {
                let together = times[first..].iter().take_while(|other| **other < time + MINUTE).count();
                prop_assert!(together <= 1_000);
            }
        }
    }

    /// After a clock jumped back by at most a window and a minute, time stands still until it has caught up; after a longer jump, what
    /// was admitted in its future counts as admitted now. A minute later all is there again.
    #[test]
    fn takes_a_clock_that_jumps_back(
        bursts in bursts([STEPS.as_slice(), &[-1, -1_000_000, -MINUTE, -10 * MINUTE]].concat()),
    ) {
        let mut host = Host::default();
        let mut admitted: HashMap<usize, Vec<i64>> = HashMap::new();
        let mut at = NOW * 1_000_000;
        for burst in bursts {
            at += burst.step;
            let before = admitted.entry(burst.user).or_default();
            for _ in 0..burst.count {
                let newest = before.iter().copied().max().unwrap_or(at);
                let clock = if newest > at && newest <= at + 2 * MINUTE { newest } else { at };
                let counted = before.iter().filter(|time| **time > clock - MINUTE).count();
                let has_room = u64::try_from(counted).unwrap() < rate(burst.tier);
                prop_assert_eq!(host.admits(burst.user, burst.tier, at), has_room, "{} counted", counted);
                // What lay too far ahead counts from now on, also where that refuses the request.
                if has_room || newest > clock {
                    before.retain(|time| *time > clock - MINUTE);
                    before.iter_mut().for_each(|time| *time = clock.min(*time));
                }
                if has_room {
                    before.push(clock);
                }
            }
        }
        for (user, times) in &admitted {
            let latest = times.iter().max().copied().unwrap_or(at);
            let from = if latest > at && latest <= at + 2 * MINUTE { latest } else { at };
            let _ = host.admits(*user, None, at);
            for _ in 0..100 {
                prop_assert!(host.admits(*user, None, from + MINUTE));
            }
            prop_assert!(!host.admits(*user, None, from + MINUTE));
        }
    }
}
