//! Leases: a machine takes admissions of a busy bucket from the shared store in advance, and spends them without asking.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use portcullis::limit::{Admitted, Charge, Leasing, Outcome, RateStatus};
use portcullis::token::FamilyState;

use crate::expiring::{Change, Expiring};
use crate::single_flight::{Role, SingleFlight};
use crate::store::{Charged, Store, StoreError};

/// The most leases in memory. An evicted lease is lost.
const MOST_LEASES: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("it isn't 0");
/// The number of times that a charge waits for the fetch of another one before it calls the store itself.
const MOST_WAITS: usize = 2;

/// A shared store whose limits with a `lease` are spent from memory. It never admits more than the store would: the store counts a lease
/// as spent from its start, and the lease ends before its admissions could count twice.
///
/// The duration of a lease is measured with this machine's monotonic clock, from the moment of the call to the store.
pub struct Leased<S> {
    store: S,
    credits: Expiring<Credit>,
    fetches: SingleFlight,
    clock: Box<dyn Fn() -> i64 + Send + Sync>,
    leases: AtomicU64,
    asked: AtomicU64,
    spent: AtomicU64,
}

/// The rest of a lease.
#[derive(Debug, Clone, Copy)]
struct Credit {
    left: u64,
    /// The standing of the rate when the lease was taken, without the lease.
    standing: RateStatus,
    taken_at: i64,
    /// The end by the host's clock, if the store uses that: the time of a request may be old. Otherwise the maximum.
    ends: i64,
    /// The id of the lease, so that a refund doesn't go to another lease.
    lease: u64,
}

/// An admission that was spent from a lease, and the standing of its rate.
#[derive(Debug, Clone, Copy)]
struct Spent {
    lease: u64,
    standing: RateStatus,
}

/// Counts since the store was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseMetrics {
    /// The number of calls to the store.
    pub asked: u64,
    /// The number of stages that were admitted without a call.
    pub spent: u64,
}

impl<S: Store> Leased<S> {
    /// Puts leases in front of a store.
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "a lease ends by a clock that never goes back"
    )]
    pub fn new(store: S) -> Self {
        let begun = std::time::Instant::now();
        Self::with_clock(store, move || i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    /// Uses another monotonic clock, in microseconds, such as a simulation's.
    pub fn with_clock(store: S, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            store,
            credits: Expiring::new(MOST_LEASES),
            fetches: SingleFlight::default(),
            clock: Box::new(clock),
            leases: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            spent: AtomicU64::new(0),
        }
    }

    /// The shared store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Counts since the store was made.
    pub fn metrics(&self) -> LeaseMetrics {
        LeaseMetrics { asked: self.asked.load(Ordering::Relaxed), spent: self.spent.load(Ordering::Relaxed) }
    }

    /// Spends the leases of charges, as far as there are any.
    fn spend(&self, charges: &[Charge], now: Timestamp) -> Vec<Option<Spent>> {
        let (clock, now) = ((self.clock)(), now.as_microsecond());
        let ids: Vec<Vec<u8>> = charges.iter().map(id).collect();
        self.credits.change_all(ids.iter().map(Vec::as_slice), clock, |credits| {
            let (mut changes, mut spent) = (Vec::new(), Vec::with_capacity(charges.len()));
            for (row, (charge, credit)) in charges.iter().zip(credits).enumerate() {
                let credit = credit.filter(|credit| charge.lease.is_some() && now < credit.ends);
                // Only the first of several charges on one bucket spends.
                let is_first = charges.iter().take(row).all(|other| other.bucket != charge.bucket);
                let left = credit
                    .filter(|_| is_first)
                    .and_then(|credit| Some(Credit { left: credit.left.checked_sub(charge.cost.get())?, ..*credit }));
                changes.extend(left.map(|left| (row, Change::Alter(left))));
                spent.push(left.map(|left| Spent { lease: left.lease, standing: left.standing_at(clock) }));
            }
            (changes, spent)
        })
    }

    /// Returns the admissions spent on charges whose stage wasn't admitted to their leases, unless these have ended.
    fn refund(&self, charges: &[Charge], spent: &[Option<Spent>]) {
        let clock = (self.clock)();
        for (charge, spent) in charges.iter().zip(spent) {
            let Some(Spent { lease, .. }) = *spent else { continue };
            self.credits.change(&id(charge), clock, |credit| {
                let credit = credit.filter(|credit| credit.lease == lease);
                let back =
                    credit.map(|credit| Credit { left: credit.left.saturating_add(charge.cost.get()), ..*credit });
                (back.map_or(Change::Keep, Change::Alter), ())
            });
        }
    }

    /// Stores the lease that a charge was granted.
    fn keep(&self, charge: &Charge, admitted: &Admitted, asked_at: i64, (said_at, now): (i64, Timestamp)) {
        let Some(lease) = admitted.lease else { return };
        let is_by_host = said_at == now.as_microsecond();
        let credit = Credit {
            left: lease.granted,
            standing: admitted.standing,
            taken_at: asked_at,
            ends: if is_by_host { said_at.saturating_add(lease.lasts) } else { i64::MAX },
            lease: self.leases.fetch_add(1, Ordering::Relaxed),
        };
        let ends = asked_at.saturating_add(lease.lasts);
        self.credits.change(&id(charge), (self.clock)(), |_| (Change::Put(credit, ends), ()));
    }

    /// Calls the store for the charges that couldn't be spent from a lease.
    async fn ask(
        &self,
        charges: &[Charge],
        spent: &[Option<Spent>],
        now: Timestamp,
        leasing: Leasing,
    ) -> Result<Charged, StoreError> {
        let lacking: Vec<Charge> =
            charges.iter().zip(spent).filter(|(_, spent)| spent.is_none()).map(|(charge, _)| charge.clone()).collect();
        let mut refund = Refund { leased: self, charges, spent, is_due: true };
        self.asked.fetch_add(1, Ordering::Relaxed);
        let asked_at = (self.clock)();
        let said = self.store.charge(&lacking, now, leasing).await?;
        let is_admitted =
            lacking.iter().zip(&said.outcomes).all(|(charge, outcome)| charge.dry_run || outcome.is_admitted());
        refund.is_due = !is_admitted;
        let mut fetched = lacking.iter().zip(&said.outcomes);
        let outcomes = spent.iter().filter_map(|spent| match spent {
            Some(spent) => Some(Outcome::Admitted(Admitted::new(spent.standing))),
            None => fetched.next().map(|(charge, outcome)| {
                let Outcome::Admitted(mut admitted) = *outcome else { return *outcome };
                self.keep(charge, &admitted, asked_at, (said.at, now));
                admitted.lease = None;
                Outcome::Admitted(admitted)
            }),
        });
        Ok(Charged::new(outcomes.collect(), said.at))
    }
}

/// Refunds the spent leases when it is dropped, also if the caller gave up its future.
struct Refund<'a, S: Store> {
    leased: &'a Leased<S>,
    charges: &'a [Charge],
    spent: &'a [Option<Spent>],
    is_due: bool,
}

impl<S: Store> Drop for Refund<'_, S> {
    fn drop(&mut self) {
        if self.is_due {
            self.leased.refund(self.charges, self.spent);
        }
    }
}

impl Credit {
    /// The standing of the rate, as far as this machine knows.
    fn standing_at(&self, now: i64) -> RateStatus {
        RateStatus {
            remaining: self.standing.remaining.saturating_add(self.left),
            full_after: self.standing.full_after.saturating_sub(now.saturating_sub(self.taken_at)).max(0),
            ..self.standing
        }
    }
}

/// The key of a lease: the bucket and the terms. Callers of another tier have other terms, and so another lease.
fn id(charge: &Charge) -> Vec<u8> {
    let mut hasher = DefaultHasher::new();
    charge.terms.hash(&mut hasher);
    [charge.bucket.as_bytes(), &hasher.finish().to_be_bytes()].concat()
}

impl<S: Store> Store for Leased<S> {
    /// Leases if limits have a lease. Ignores `leasing`.
    async fn charge(&self, charges: &[Charge], now: Timestamp, _leasing: Leasing) -> Result<Charged, StoreError> {
        if charges.iter().all(|charge| charge.lease.is_none()) {
            self.asked.fetch_add(1, Ordering::Relaxed);
            return self.store.charge(charges, now, Leasing::Off).await;
        }
        for _ in 0..MOST_WAITS {
            let spent = self.spend(charges, now);
            let empty = charges.iter().zip(&spent).find(|(charge, spent)| charge.lease.is_some() && spent.is_none());
            let Some((empty, _)) = empty else {
                if spent.iter().all(Option::is_some) {
                    self.spent.fetch_add(1, Ordering::Relaxed);
                    let admitted = |spent: Spent| Outcome::Admitted(Admitted::new(spent.standing));
                    return Ok(Charged::new(spent.into_iter().flatten().map(admitted).collect(), now.as_microsecond()));
                }
                return self.ask(charges, &spent, now, Leasing::On).await;
            };
            match self.fetches.join(&empty.bucket) {
                Role::Leader(leader) => {
                    let charged = self.ask(charges, &spent, now, Leasing::On).await;
                    leader.finish(charged.as_ref().err());
                    return charged;
                }
                Role::Follower(follower) => {
                    self.refund(charges, &spent);
                    follower.finished().await?;
                }
            }
        }
        let spent = self.spend(charges, now);
        self.ask(charges, &spent, now, Leasing::Off).await
    }

    async fn release(&self, bucket: &str, slot: i64) -> Result<(), StoreError> {
        self.store.release(bucket, slot).await
    }

    async fn family(&self, id: &str, now: Timestamp) -> Result<Option<FamilyState>, StoreError> {
        self.store.family(id, now).await
    }

    async fn swap_family(
        &self,
        id: &str,
        read: u64,
        state: &FamilyState,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.store.swap_family(id, read, state, expires, now).await
    }
}

impl<S> fmt::Debug for Leased<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leased").field("credits", &self.credits).finish_non_exhaustive()
    }
}
