//! Leases: a machine takes admissions of a busy bucket from the shared store in advance, and spends them without asking.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use portcullis::limit::{Admitted, Charge, Leasing, Outcome, Standing};
use portcullis::token::FamilyState;

use crate::expiring::{Change, Expiring};
use crate::flight::{Flights, Seat};
use crate::store::{Charged, Store, StoreError};

/// So many leases are held at most, where nothing is said. One that makes room for another is lost.
const MOST_LEASES: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("it isn't 0");
/// So often a charge waits for what others fetch before it asks for itself alone.
const MOST_WAITS: usize = 2;

/// A shared store whose limits with a `lease` are spent from memory. Never more is admitted than the store would have: what a lease
/// holds counts as spent there from the start, and it ends before it could count twice.
///
/// A lease ends by this machine's monotonic clock, from the moment at which it was asked for, whatever its other clocks do.
pub struct Leased<S> {
    store: S,
    credits: Expiring<Credit>,
    flights: Flights,
    clock: Box<dyn Fn() -> i64 + Send + Sync>,
    leases: AtomicU64,
    asked: AtomicU64,
    spent: AtomicU64,
}

/// What is left of a lease.
#[derive(Debug, Clone, Copy)]
struct Credit {
    left: u64,
    /// How the rate stood when it was taken, without it.
    standing: Standing,
    taken_at: i64,
    /// By the host's clock, where the store went by that: a request may have been on its way for long.
    ends: i64,
    /// Which lease: what was spent of one isn't given back to another.
    lease: u64,
}

/// What was spent of a lease, and how the rate stands.
#[derive(Debug, Clone, Copy)]
struct Spent {
    lease: u64,
    standing: Standing,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseMetrics {
    /// Calls of the store.
    pub asked: u64,
    /// Stages that were admitted without one.
    pub spent: u64,
}

impl<S: Store> Leased<S> {
    /// In front of a store.
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "a lease ends by a clock that never goes back"
    )]
    pub fn new(store: S) -> Self {
        let begun = std::time::Instant::now();
        Self::with_clock(store, move || i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    /// By another clock: microseconds that never go back, such as a simulation's.
    pub fn with_clock(store: S, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            store,
            credits: Expiring::new(MOST_LEASES),
            flights: Flights::default(),
            clock: Box::new(clock),
            leases: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            spent: AtomicU64::new(0),
        }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// What was counted since it was made.
    pub fn metrics(&self) -> LeaseMetrics {
        LeaseMetrics { asked: self.asked.load(Ordering::Relaxed), spent: self.spent.load(Ordering::Relaxed) }
    }

    /// Spends what there is of these charges' leases.
    fn spend(&self, charges: &[Charge], now: Timestamp) -> Vec<Option<Spent>> {
        let (clock, now) = ((self.clock)(), now.as_microsecond());
        let ids: Vec<Vec<u8>> = charges.iter().map(id).collect();
        self.credits.change_all(ids.iter().map(Vec::as_slice), clock, |credits| {
            let (mut changes, mut spent) = (Vec::new(), Vec::with_capacity(charges.len()));
            for (row, (charge, credit)) in charges.iter().zip(credits).enumerate() {
                let credit = credit.filter(|credit| charge.lease.is_some() && now < credit.ends);
                // Of a bucket that stands twice, the first alone spends.
                let is_first = charges.iter().take(row).all(|other| other.bucket != charge.bucket);
                let left = credit
                    .filter(|_| is_first)
                    .and_then(|credit| Some(Credit { left: credit.left.checked_sub(charge.cost.get())?, ..*credit }));
                changes.extend(left.map(|left| (row, Change::Alter(left))));
                spent.push(left.map(|left| Spent { lease: left.lease, standing: left.stands(clock) }));
            }
            (changes, spent)
        })
    }

    /// Takes back what was spent on charges whose stage wasn't admitted; what was of a lease that is gone is gone, too.
    fn unspend(&self, charges: &[Charge], spent: &[Option<Spent>]) {
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

    /// Keeps what a charge was granted in advance.
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

    /// Asks the store for what couldn't be spent.
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

/// Gives back what was spent, also where nobody waits for the answer any more.
struct Refund<'a, S: Store> {
    leased: &'a Leased<S>,
    charges: &'a [Charge],
    spent: &'a [Option<Spent>],
    is_due: bool,
}

impl<S: Store> Drop for Refund<'_, S> {
    fn drop(&mut self) {
        if self.is_due {
            self.leased.unspend(self.charges, self.spent);
        }
    }
}

impl Credit {
    /// How the rate stands, as far as this machine knows.
    fn stands(&self, now: i64) -> Standing {
        Standing {
            remaining: self.standing.remaining.saturating_add(self.left),
            full_after: self.standing.full_after.saturating_sub(now.saturating_sub(self.taken_at)).max(0),
            ..self.standing
        }
    }
}

/// What a lease is known by: the bucket, and the rates by which it was taken. To callers of another tier it is no use.
fn id(charge: &Charge) -> Vec<u8> {
    let mut hasher = DefaultHasher::new();
    charge.terms.hash(&mut hasher);
    [charge.bucket.as_bytes(), &hasher.finish().to_be_bytes()].concat()
}

impl<S: Store> Store for Leased<S> {
    /// Leases where limits have one, whatever `leasing` says.
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
            match self.flights.board(&empty.bucket) {
                Seat::Pilot(flight) => {
                    let charged = self.ask(charges, &spent, now, Leasing::On).await;
                    flight.land(charged.as_ref().err());
                    return charged;
                }
                Seat::Passenger(flight) => {
                    self.unspend(charges, &spent);
                    flight.landed().await?;
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
