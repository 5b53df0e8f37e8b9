//! Leases in front of a shared store: never more than the rate, and few calls.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use jiff::Timestamp;
use pollster::block_on;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis::token::FamilyState;
use portcullis_conformance::{Action, Suite, steps};
use portcullis_store::{Charged, Leased, Memory, Store, StoreError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const START: i64 = 1_795_392_000_000_000;
const SECOND: i64 = 1_000_000;

/// A store that several machines share, and that can go away.
#[derive(Clone)]
struct Shared {
    memory: Arc<Memory>,
    is_away: Arc<AtomicBool>,
}

impl Shared {
    fn new() -> Self {
        Self { memory: Arc::new(Memory::new(NonZeroUsize::new(10_000).unwrap())), is_away: Arc::default() }
    }
}

impl Store for Shared {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Charged, StoreError> {
        // Other futures run in between, as during a call over a network.
        let mut yielded = false;
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut yielded, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Away("for the test".to_owned()));
        }
        Store::charge(&*self.memory, charges, now, leasing).await
    }

    async fn release(&self, bucket: &str, slot: i64) -> Result<(), StoreError> {
        self.memory.release(bucket, slot).await
    }

    async fn family(&self, id: &str, now: Timestamp) -> Result<Option<FamilyState>, StoreError> {
        self.memory.family(id, now).await
    }

    async fn swap_family(
        &self,
        id: &str,
        read: u64,
        state: &FamilyState,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.memory.swap_family(id, read, state, expires, now).await
    }
}

fn node(store: &Shared, clock: &Arc<AtomicI64>) -> Leased<Shared> {
    let clock = Arc::clone(clock);
    Leased::with_clock(store.clone(), move || clock.load(Ordering::Relaxed))
}

fn charge(algorithm: Algorithm, limit: &str, rate: Rate, lease: u64, cost: u64) -> Charge {
    let terms = Terms::new(algorithm, &[rate]);
    let mut charge = Charge::new(format!("p/{limit}/0:1:u"), terms, NonZeroU64::new(cost).unwrap());
    charge.lease = NonZeroU64::new(lease);
    charge
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

async fn admits(node: &Leased<Shared>, charges: &[Charge], now: i64) -> Result<bool, StoreError> {
    let charged = node.charge(charges, at(now), Leasing::Off).await?;
    assert_eq!(charged.outcomes.len(), charges.len());
    Ok(charged.outcomes.iter().all(|outcome| outcome.is_admitted()))
}

/// True if the admissions obey the rate.
fn obeys_rate(algorithm: Algorithm, admitted: &[(i64, u64)], rate: Rate) -> bool {
    let (count, period) = (i128::from(rate.count()), i128::from(rate.period()));
    let inside = |window: i64, until: usize| -> i128 {
        let taken = admitted.iter().take(until + 1).filter(|(time, _)| time.div_euclid(rate.period()) == window);
        taken.map(|(_, cost)| i128::from(*cost)).sum()
    };
    let mut full_at = i128::MIN;
    admitted.iter().enumerate().all(|(row, (time, cost))| {
        let window = time.div_euclid(rate.period());
        match algorithm {
            Algorithm::FixedWindow => inside(window, row) <= count,
            Algorithm::SlidingWindow => {
                let overlap = i128::from(rate.period() - time.rem_euclid(rate.period()));
                inside(window - 1, row) * overlap + inside(window, row) * period <= count * period
            }
            _ => {
                let now = i128::from(*time) * count;
                full_at = full_at.max(now) + i128::from(*cost) * period;
                full_at <= now + i128::from(rate.burst()) * period
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Five machines, some of them without a lease, at random moments.
    #[test]
    fn never_more_than_the_rate(
        algorithm in select(vec![Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::TokenBucket]),
        count in 1_u64..200,
        seconds in 1_i64..20,
        burst in 1_u64..300,
        leases in vec(0_u64..60, 5),
        requests in vec((0_usize..5, 0_i64..400_000, 1_u64..4), 1..400),
    ) {
        let rate = Rate::new(count, seconds * SECOND).unwrap().with_burst(burst).unwrap();
        let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
        let nodes: Vec<Leased<Shared>> = (0..5).map(|_| node(&store, &clock)).collect();
        let (mut now, mut admitted) = (START, Vec::new());
        for (row, step, cost) in requests {
            now += step / 10;
            clock.store(now - START, Ordering::Relaxed);
            if block_on(admits(&nodes[row], &[charge(algorithm, "l", rate, leases[row], cost)], now)).unwrap() {
                admitted.push((now, cost));
            }
        }
        prop_assert!(obeys_rate(algorithm, &admitted, rate), "{admitted:?}");
    }

    /// Limits without a lease get the answers of the shared store.
    #[test]
    fn without_leases_it_changes_nothing(mut steps in steps()) {
        for step in &mut steps {
            if let Action::Charge(charges, _) = &mut step.action {
                charges.iter_mut().for_each(|charge| charge.lease = None);
            }
        }
        let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
        block_on(Suite::new(&node(&store, &clock), "p").run(&steps))?;
    }
}

#[test]
fn one_question_for_a_lease() {
    let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
    let node = node(&store, &clock);
    let rate = Rate::new(10_000, 60 * SECOND).unwrap();
    for lease in [1, 10, 100] {
        let before = node.metrics();
        for request in 0..1_000 {
            let charge = charge(Algorithm::FixedWindow, &format!("l{lease}"), rate, lease, 1);
            assert!(block_on(admits(&node, &[charge], START)).unwrap(), "{request}");
        }
        let metrics = node.metrics();
        assert_eq!(metrics.asked - before.asked, 1_000 / lease, "a lease of {lease}");
        assert_eq!(metrics.spent - before.spent, 1_000 - 1_000 / lease);
    }
}

/// One of several concurrent callers fetches the lease for all.
#[test]
fn those_who_wait_share_a_lease() {
    let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
    let node = node(&store, &clock);
    let charges = [charge(Algorithm::TokenBucket, "l", Rate::new(1_000, SECOND).unwrap(), 100, 1)];
    let all = futures_util::future::join_all((0..100).map(|_| admits(&node, &charges, START)));
    assert!(block_on(all).into_iter().all(|admitted| admitted == Ok(true)));
    assert_eq!(node.metrics().asked, 1);
}

/// A failure of the store is passed on to all who wait for it. Leases can be spent meanwhile.
#[test]
fn while_the_store_is_away_leases_are_spent() {
    let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
    let node = node(&store, &clock);
    let charges = [charge(Algorithm::FixedWindow, "l", Rate::new(100, 10 * SECOND).unwrap(), 10, 1)];
    assert!(block_on(admits(&node, &charges, START)).unwrap());
    store.is_away.store(true, Ordering::Relaxed);
    for _ in 0..9 {
        assert_eq!(block_on(admits(&node, &charges, START)), Ok(true));
    }
    let waiting = futures_util::future::join_all((0..20).map(|_| admits(&node, &charges, START)));
    assert!(block_on(waiting).into_iter().all(|admitted| matches!(admitted, Err(StoreError::Away(_)))));
    store.is_away.store(false, Ordering::Relaxed);
    assert!(block_on(admits(&node, &charges, START)).unwrap());
    // The lease ends with its window.
    clock.store(10 * SECOND, Ordering::Relaxed);
    store.is_away.store(true, Ordering::Relaxed);
    assert!(block_on(admits(&node, &charges, START + 10 * SECOND)).is_err());
}

/// Admissions spent on a stage that is refused, or whose future is dropped, are refunded.
#[test]
fn a_stage_that_is_refused_gives_its_lease_back() {
    let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
    let node = node(&store, &clock);
    let leased = charge(Algorithm::FixedWindow, "leased", Rate::new(100, 10 * SECOND).unwrap(), 5, 1);
    let single = charge(Algorithm::FixedWindow, "single", Rate::new(1, 10 * SECOND).unwrap(), 0, 1);
    assert!(block_on(admits(&node, &[leased.clone(), single.clone()], START)).unwrap());
    for _ in 0..20 {
        assert!(!block_on(admits(&node, &[leased.clone(), single.clone()], START)).unwrap());
    }
    // A call that is dropped under way.
    let charges = [leased.clone(), single];
    let mut dropped = Box::pin(admits(&node, &charges, START));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    drop(dropped);
    store.is_away.store(true, Ordering::Relaxed);
    for _ in 0..4 {
        assert!(block_on(admits(&node, std::slice::from_ref(&leased), START)).unwrap());
    }
    assert!(block_on(admits(&node, &[leased], START)).is_err());
}

/// A refund never goes to a later lease.
#[test]
fn a_refund_finds_its_own_lease() {
    let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
    let node = node(&store, &clock);
    let rate = Rate::new(10, 10 * SECOND).unwrap();
    let leased = charge(Algorithm::FixedWindow, "leased", rate, 5, 1);
    let single = charge(Algorithm::FixedWindow, "single", Rate::new(1, 3_600 * SECOND).unwrap(), 0, 1);
    assert!(block_on(admits(&node, &[leased.clone(), single.clone()], START)).unwrap());
    let both = [leased.clone(), single];
    let mut under_way: Vec<_> = (0..4).map(|_| Box::pin(admits(&node, &both, START))).collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(under_way.iter_mut().all(|future| future.as_mut().poll(&mut context).is_pending()));
    // In the next window there is another lease.
    clock.store(10 * SECOND, Ordering::Relaxed);
    let mut admitted = u64::from(block_on(admits(&node, std::slice::from_ref(&leased), START + 10 * SECOND)).unwrap());
    for future in under_way {
        assert!(!block_on(future).unwrap());
    }
    while block_on(admits(&node, std::slice::from_ref(&leased), START + 10 * SECOND)).unwrap() {
        admitted += 1;
    }
    assert_eq!(admitted, 10);
}

/// A lease also ends by the time of the request, which may be old.
#[test]
fn a_lease_ends_with_its_window_whenever_it_was_asked_for() {
    let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
    let node = node(&store, &clock);
    let rate = Rate::new(100, 10 * SECOND).unwrap();
    let leased = [charge(Algorithm::FixedWindow, "l", rate, 50, 1)];
    clock.store(15 * SECOND, Ordering::Relaxed);
    // Asked for in the window after the one that its time belongs to.
    assert!(block_on(admits(&node, &leased, START)).unwrap());
    let mut admitted = 0;
    while block_on(admits(&node, &leased, START + 15 * SECOND)).unwrap() {
        admitted += 1;
    }
    assert_eq!(admitted, 100);
}

/// Callers of two tiers have separate leases.
#[test]
fn each_tier_has_its_own_lease() {
    let (store, clock) = (Shared::new(), Arc::new(AtomicI64::new(0)));
    let node = node(&store, &clock);
    let rates = [Rate::new(10_000, 60 * SECOND).unwrap(), Rate::new(20_000, 60 * SECOND).unwrap()];
    for turn in 0..1_000 {
        let charges = [charge(Algorithm::FixedWindow, "l", rates[turn % 2], 100, 1)];
        assert!(block_on(admits(&node, &charges, START)).unwrap());
    }
    assert_eq!(node.metrics().asked, 10);
}
