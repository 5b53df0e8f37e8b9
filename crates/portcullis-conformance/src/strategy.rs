//! Random sequences, which shrink to the shortest one that still fails.

use std::num::NonZeroU64;

use jiff::Timestamp;
use portcullis::limit::{Algorithm, Leasing, Rate};
use portcullis::token::{ExchangedToken, FamilyState};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::plan::{Cost, DAY, Limit, PERIODS, Plan, PlannedCharge, SECOND, bucket};
use crate::step::{Action, Read, Step, Tick};

/// The longest sequence.
const LENGTH: usize = 50;

/// Generates charges of all algorithms, slots and families.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    sequence(select(Algorithm::ALL.to_vec()).boxed(), 1)
}

/// Generates charges of limits with one algorithm, which the policy may change.
pub fn steps_of(algorithm: Algorithm) -> impl Strategy<Value = Vec<Step>> {
    sequence(Just(algorithm).boxed(), 0)
}

/// Generates families of refresh tokens alone.
pub fn family_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (ticks(), families()).prop_map(|(tick, action)| Step { tick, action });
    vec(step, 1..LENGTH)
}

fn sequence(algorithms: BoxedStrategy<Algorithm>, families: u32) -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![
        12 => (vec(planned_charges(), 1..5), select(vec![Leasing::Off, Leasing::On])).prop_map(|(charges, leasing)| PlannedAction::Charge(charges, leasing)),
        3 + families => slots().prop_map(PlannedAction::Other),
        families + 1 => self::families().prop_map(PlannedAction::Other),
    ];
    (plans(algorithms), vec((ticks(), act), 1..LENGTH)).prop_map(|(plan, acts)| {
        let step = |(tick, act)| {
            let action = match act {
                PlannedAction::Charge(charges, leasing) => {
                    Action::Charge(charges.into_iter().filter_map(|charge| plan.charge(charge)).collect(), leasing)
                }
                PlannedAction::Other(action) => action,
            };
            Step { tick, action }
        };
        acts.into_iter().map(step).collect()
    })
}

/// An action, before the policy is known.
#[derive(Debug, Clone)]
enum PlannedAction {
    Charge(Vec<PlannedCharge>, Leasing),
    Other(Action),
}

fn plans(algorithms: BoxedStrategy<Algorithm>) -> impl Strategy<Value = Plan> {
    vec((limits(algorithms), policy_changes()), 1..5).prop_map(|limits| {
        Plan(limits.into_iter().map(|(limit, change)| (limit.clone(), change.applied_to(limit))).collect())
    })
}

fn limits(algorithms: BoxedStrategy<Algorithm>) -> impl Strategy<Value = Limit> {
    (algorithms, vec(vec(rates(), 1..3), 1..4)).prop_map(|(algorithm, tiers)| Limit { algorithm, tiers })
}

fn rates() -> impl Strategy<Value = Rate> {
    let count = || prop_oneof![12 => 1_u64..12, 1 => 1_u64..1_000, 1 => 1_000..Rate::MOST, 2 => select(vec![999_983, Rate::MOST])];
    let period = prop_oneof![6 => select(PERIODS.to_vec()), 1 => Rate::SHORTEST..3 * SECOND, 1 => Rate::SHORTEST..=Rate::LONGEST];
    (count(), period, proptest::option::of(count())).prop_filter_map(
        "rates that limits can have",
        |(count, period, burst)| {
            let rate = Rate::new(count, period).ok()?;
            // A burst that takes too long to refill is replaced by the rate's count.
            Some(burst.and_then(|burst| rate.with_burst(burst).ok()).unwrap_or(rate))
        },
    )
}

/// A change of the policy while its limits have states.
#[derive(Debug, Clone)]
enum PolicyChange {
    Nothing,
    Algorithm(Algorithm),
    /// Replaces the count of every rate.
    Counts(u64),
    /// Replaces the period of every rate.
    Period(i64),
    Tiers(Vec<Vec<Rate>>),
}

fn policy_changes() -> impl Strategy<Value = PolicyChange> {
    prop_oneof![
        Just(PolicyChange::Nothing),
        (1_u64..20).prop_map(PolicyChange::Counts),
        vec(vec(rates(), 1..3), 1..4).prop_map(PolicyChange::Tiers),
        select(PERIODS.to_vec()).prop_map(PolicyChange::Period),
        select(Algorithm::ALL.to_vec()).prop_map(PolicyChange::Algorithm),
    ]
}

impl PolicyChange {
    fn applied_to(self, limit: Limit) -> Limit {
        let each = |change: &dyn Fn(Rate) -> Option<Rate>| Limit {
            tiers: limit.tiers.iter().map(|tier| tier.iter().filter_map(|rate| change(*rate)).collect()).collect(),
            ..limit
        };
        match self {
            Self::Nothing => limit,
            Self::Algorithm(algorithm) => Limit { algorithm, ..limit },
            Self::Counts(count) => each(&|rate| Rate::new(count, rate.period()).ok()),
            Self::Period(period) => each(&|rate| Rate::new(rate.count(), period).ok()),
            Self::Tiers(tiers) => Limit { tiers, ..limit },
        }
    }
}

fn planned_charges() -> impl Strategy<Value = PlannedCharge> {
    let cost = prop_oneof![
        8 => Just(Cost::Plain(1)),
        3 => (1_u64..5).prop_map(Cost::Plain),
        3 => (-2_i64..3).prop_map(Cost::Near),
        2 => (1_u64..1_000).prop_map(Cost::Part),
        // A store that truncates to 32 bits reads 2^32 + 1 as 1, and 2^53 + 1 is no double.
        1 => select(vec![Rate::MOST, Rate::MOST + 1, 4_294_967_297, 9_007_199_254_740_993, u64::MAX]).prop_map(Cost::Plain),
    ];
    let lease = prop_oneof![
        3 => (2_u64..30).prop_map(NonZeroU64::new),
        1 => select(vec![1, 1_000, Rate::MOST, Rate::MOST + 1, u64::MAX]).prop_map(NonZeroU64::new),
    ];
    let lease = prop_oneof![Just(None), lease];
    (0_usize..4, prop_oneof![3 => Just(0_usize), 1 => 0_usize..3], weighted(0.1), cost, weighted(0.15), lease).prop_map(
        |(limit, tier, is_changed, cost, dry_run, lease)| PlannedCharge {
            limit,
            tier,
            is_changed,
            cost,
            dry_run,
            lease,
        },
    )
}

fn slots() -> impl Strategy<Value = Action> {
    let nth = || prop_oneof![3 => Just(0_usize), 2 => 0_usize..8];
    let made = prop_oneof![-2_i64..3, any::<i64>(), Just(crate::suite::START)];
    let limit = || (0_usize..4).prop_map(bucket);
    prop_oneof![
        6 => nth().prop_map(|nth| Action::GiveBack { nth, bucket: None }),
        1 => (nth(), limit()).prop_map(|(nth, bucket)| Action::GiveBack { nth, bucket: Some(bucket) }),
        1 => (limit(), made).prop_map(|(bucket, slot)| Action::Release { bucket, slot }),
    ]
}

/// Generates moves of the clock. Most are small.
fn ticks() -> impl Strategy<Value = Tick> {
    let period = || select(PERIODS.to_vec());
    // The clocks of machines that share a store may differ by a minute, which limits tolerate.
    let jump = (period(), select(vec![-30_i64, -3, -2, -1, 1, 2, 3, 30]), -61 * SECOND..61 * SECOND);
    let edges = vec![
        -377_705_023_201_000_000,
        -DAY,
        -1,
        0,
        crate::suite::START,
        8_000_000_000_000_000 - SECOND,
        8_000_000_000_000_000,
        8_000_000_000_000_001,
        253_402_207_200_000_000 - DAY,
        253_402_207_200_000_000,
    ];
    prop_oneof![
        12 => Just(Tick::Still),
        8 => (1_i64..2_000).prop_map(Tick::By),
        4 => (1_i64..10 * SECOND).prop_map(Tick::By),
        2 => (1_i64..Rate::LONGEST).prop_map(Tick::By),
        3 => (-2 * SECOND..0).prop_map(Tick::By),
        4 => (period(), -3_i64..4, -1_i64..2).prop_map(|(period, times, off)| Tick::By(times * period + off)),
        4 => (period(), -1_i64..2).prop_map(|(period, off)| Tick::Boundary { period, off }),
        4 => (-1_i64..2).prop_map(Tick::Retry),
        2 => (-1_i64..2).prop_map(Tick::Full),
        2 => (-1_i64..2).prop_map(Tick::LeaseEnd),
        3 => jump.prop_map(|(period, times, off)| Tick::By(times * period + off)),
        1 => select(edges).prop_map(Tick::To),
    ]
}

fn families() -> impl Strategy<Value = Action> {
    let id = || select(vec!["f0", "f1", "l0/0:1:u"]).prop_map(str::to_owned);
    let read = prop_oneof![4 => Just(Read::Stored), 1 => Just(Read::TooNew), 2 => versions().prop_map(Read::Version)];
    let lasts = prop_oneof![2 => Just(30 * DAY), 2 => select(PERIODS.to_vec()), 1 => -DAY..DAY, 1 => -3_i64..4];
    let swap = (id(), read, states(), weighted(0.7), lasts);
    prop_oneof![
        3 => swap.prop_map(|(id, read, state, next, lasts)| Action::Swap { id, read, state, next, lasts }),
        2 => id().prop_map(|id| Action::Look { id }),
    ]
}

/// Generates versions. Some of them are equal as doubles.
fn versions() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..4, select(vec![1 << 53, (1 << 53) + 1, u64::MAX - 1, u64::MAX])]
}

fn states() -> impl Strategy<Value = FamilyState> {
    let text = || prop_oneof![any::<String>(), Just("0".to_owned()), Just("a\0\"\\\r\n{}:\u{2028}".to_owned())];
    let moment = || {
        (0_i64..4_000_000_000, 0_i32..1_000_000_000)
            .prop_filter_map("moments", |(second, nanosecond)| Timestamp::new(second, nanosecond).ok())
    };
    let parent = (text(), moment(), proptest::option::of(text()), proptest::option::of(text()))
        .prop_map(|(digest, at, client, successor)| ExchangedToken { digest, at, client, successor });
    let times = (moment(), moment());
    (text(), versions(), versions(), times, proptest::option::of(parent), any::<bool>()).prop_map(
        |(token, version, generation, (expires, ends), parent, revoked)| {
            let begun = FamilyState::begin(&token, expires, ends);
            FamilyState { version, generation, parent, revoked, ..begun }
        },
    )
}
