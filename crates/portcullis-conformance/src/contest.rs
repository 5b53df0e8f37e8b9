//! Concurrent use of one store by several threads or tasks: charges and swaps are atomic.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use portcullis::limit::{Algorithm, Charge, Leasing, Outcome, Rate, Terms};
use portcullis::token::FamilyState;
use portcullis_store::{Store, StoreError};

use crate::plan::DAY;
use crate::suite::{Mismatch, START};

/// The number of rounds of each contender.
const ROUNDS: u64 = 100;
/// The count of the narrower of two limits: less than two contenders charge.
const NARROW: u64 = 150;
const WIDE: u64 = 10_000;
const SLOTS: u64 = 2;

/// A test of atomicity. At least two contenders run [`contend`](Self::contend) on one store, each on a thread or a task of its own. Then
/// [`judge`](Self::judge) checks the sum of their results.
#[derive(Debug)]
pub struct Contest {
    names: String,
    contenders: AtomicU64,
    admitted: AtomicU64,
    swapped: AtomicU64,
    held: Mutex<HashSet<i64>>,
    violation: Mutex<Option<String>>,
}

impl Contest {
    /// Makes a contest in the buckets of a policy of this name. The name must be an identifier that nothing else in the store has.
    pub fn new(names: impl Into<String>) -> Self {
        Self {
            names: names.into(),
            contenders: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            swapped: AtomicU64::new(0),
            held: Mutex::new(HashSet::new()),
            violation: Mutex::new(None),
        }
    }

    /// Runs one contender.
    ///
    /// # Errors
    ///
    /// Returns the first error of the store.
    pub async fn contend<S: Store>(&self, store: &S) -> Result<(), StoreError> {
        self.contenders.fetch_add(1, Ordering::Relaxed);
        for round in 0..ROUNDS {
            let mut both = [self.charge("narrow", NARROW), self.charge("wide", WIDE)];
            if round % 2 == 0 {
                both.reverse();
            }
            let charged = store.charge(&both, now(), Leasing::Off).await?;
            if charged.outcomes.iter().all(Outcome::is_admitted) {
                self.admitted.fetch_add(1, Ordering::Relaxed);
            }
            self.take_a_slot(store).await?;
            self.exchange(store).await?;
        }
        Ok(())
    }

    async fn take_a_slot<S: Store>(&self, store: &S) -> Result<(), StoreError> {
        let bucket = self.id("slots");
        let charge = Charge::new(bucket.as_str(), terms(Algorithm::Concurrency, SLOTS), NonZeroU64::MIN);
        let charged = store.charge(&[charge], now(), Leasing::Off).await?;
        let Some(Outcome::Admitted(admitted)) = charged.outcomes.first() else { return Ok(()) };
        let Some(slot) = admitted.slot else {
            self.report("a slot without a name".to_owned());
            return Ok(());
        };
        let (is_new, running) = self.with_held(|held| (held.insert(slot), held.len() as u64));
        if !is_new || running > SLOTS {
            self.report(format!("slot {slot}: {running} run at once, of {SLOTS}"));
        }
        // Others run while the slot is taken.
        store.family(&self.id("nobody"), now()).await?;
        self.with_held(|held| held.remove(&slot));
        store.release(&bucket, slot).await
    }

    async fn exchange<S: Store>(&self, store: &S) -> Result<(), StoreError> {
        let id = self.id("family");
        let read = store.family(&id, now()).await?.map_or(0, |state| state.version);
        let state = FamilyState { version: read + 1, ..FamilyState::begin("t", Timestamp::MAX, Timestamp::MAX) };
        if store.swap_family(&id, read, &state, Timestamp::MAX, now()).await? {
            self.swapped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Checks the sum of the results, once every contender has finished.
    ///
    /// # Errors
    ///
    /// Fails if the results are inconsistent, or the store fails.
    pub async fn judge<S: Store>(&self, store: &S) -> Result<(), Mismatch> {
        self.verdict(store).await.map_err(|what| Mismatch { step: 0, what: format!("contest: {what}") })
    }

    async fn verdict<S: Store>(&self, store: &S) -> Result<(), String> {
        if let Some(violation) = self.violation.lock().ok().and_then(|mut violation| violation.take()) {
            return Err(violation);
        }
        let tried = self.contenders.load(Ordering::Relaxed) * ROUNDS;
        let admitted = self.admitted.load(Ordering::Relaxed);
        if tried < 2 * ROUNDS || admitted != NARROW.min(tried) {
            return Err(format!("{admitted} of {tried} were admitted, of {NARROW}"));
        }
        // Refused stages have consumed nothing of the other limit.
        let charged = store.charge(&[self.charge("wide", WIDE)], now(), Leasing::Off).await;
        let charged = charged.map_err(|error| error.to_string())?;
        match charged.outcomes.as_slice() {
            [Outcome::Admitted(wide)] if wide.standing.remaining == WIDE - admitted - 1 => {}
            other => return Err(format!("after {admitted} of both, the wider one: {other:?}")),
        }
        let family = store.family(&self.id("family"), now()).await.map_err(|error| error.to_string())?;
        let (version, swapped) = (family.map_or(0, |state| state.version), self.swapped.load(Ordering::Relaxed));
        if version == swapped { Ok(()) } else { Err(format!("{swapped} swaps made version {version}")) }
    }

    fn with_held<T>(&self, change: impl FnOnce(&mut HashSet<i64>) -> T) -> T {
        change(&mut self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn report(&self, violation: String) {
        if let Ok(mut first) = self.violation.lock() {
            first.get_or_insert(violation);
        }
    }

    fn charge(&self, limit: &str, count: u64) -> Charge {
        Charge::new(self.id(limit), terms(Algorithm::SlidingLog, count), NonZeroU64::MIN)
    }

    fn id(&self, limit: &str) -> String {
        format!("{}/{limit}/0:1:u", self.names)
    }
}

/// The terms of a day, so that no admission expires during the contest, also by the store's own clock.
fn terms(algorithm: Algorithm, count: u64) -> Terms {
    let rates: Vec<Rate> = Rate::new(count, DAY).into_iter().collect();
    Terms::new(algorithm, &rates)
}

fn now() -> Timestamp {
    Timestamp::from_microsecond(START).unwrap_or_default()
}
