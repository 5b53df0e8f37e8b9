//! What several threads or tasks do with one store at the same time: nothing may come between the parts of a charge or of a swap.

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

/// How often each contender tries.
const ROUNDS: u64 = 100;
/// What the narrower of two limits admits: less than two contenders ask for.
const NARROW: u64 = 150;
const WIDE: u64 = 10_000;
const AT_ONCE: u64 = 2;

/// At least two contenders run [`contend`](Self::contend) on one store, each on a thread or a task of its own; then
/// [`judge`](Self::judge) says whether what they got adds up.
#[derive(Debug)]
pub struct Contest {
    names: String,
    contenders: AtomicU64,
    admitted: AtomicU64,
    swapped: AtomicU64,
    held: Mutex<HashSet<i64>>,
    foul: Mutex<Option<String>>,
}

impl Contest {
    /// Of a policy of this name, an identifier that nothing else has which is kept in the store.
    pub fn new(names: impl Into<String>) -> Self {
        Self {
            names: names.into(),
            contenders: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            swapped: AtomicU64::new(0),
            held: Mutex::new(HashSet::new()),
            foul: Mutex::new(None),
        }
    }

    /// What one contender does.
    ///
    /// # Errors
    ///
    /// The store's.
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
        let charge = Charge::new(bucket.as_str(), terms(Algorithm::Concurrency, AT_ONCE), NonZeroU64::MIN);
        let charged = store.charge(&[charge], now(), Leasing::Off).await?;
        let Some(Outcome::Admitted(admitted)) = charged.outcomes.first() else { return Ok(()) };
        let Some(slot) = admitted.slot else {
            self.cry("a slot without a name".to_owned());
            return Ok(());
        };
        let (is_new, running) = self.hold(|held| (held.insert(slot), held.len() as u64));
        if !is_new || running > AT_ONCE {
            self.cry(format!("slot {slot}: {running} run at once, of {AT_ONCE}"));
        }
        // While it is held, others get their turn.
        store.family(&self.id("nobody"), now()).await?;
        self.hold(|held| held.remove(&slot));
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

    /// Whether all of it adds up, once every contender is done.
    ///
    /// # Errors
    ///
    /// Where it doesn't, or the store doesn't answer.
    pub async fn judge<S: Store>(&self, store: &S) -> Result<(), Mismatch> {
        self.verdict(store).await.map_err(|what| Mismatch { step: 0, what: format!("contest: {what}") })
    }

    async fn verdict<S: Store>(&self, store: &S) -> Result<(), String> {
        if let Some(foul) = self.foul.lock().ok().and_then(|mut foul| foul.take()) {
            return Err(foul);
        }
        let tried = self.contenders.load(Ordering::Relaxed) * ROUNDS;
        let admitted = self.admitted.load(Ordering::Relaxed);
        if tried < 2 * ROUNDS || admitted != NARROW.min(tried) {
            return Err(format!("{admitted} of {tried} were admitted, of {NARROW}"));
        }
        // What was refused has consumed nothing elsewhere.
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

    fn hold<T>(&self, change: impl FnOnce(&mut HashSet<i64>) -> T) -> T {
        change(&mut self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn cry(&self, foul: String) {
        if let Ok(mut first) = self.foul.lock() {
            first.get_or_insert(foul);
        }
    }

    fn charge(&self, limit: &str, count: u64) -> Charge {
        Charge::new(self.id(limit), terms(Algorithm::SlidingLog, count), NonZeroU64::MIN)
    }

    fn id(&self, limit: &str) -> String {
        format!("{}/{limit}/0:1:u", self.names)
    }
}

/// A log of a day: nothing leaves it while the contest lasts, also by the store's own clock.
fn terms(algorithm: Algorithm, count: u64) -> Terms {
    let rates: Vec<Rate> = Rate::new(count, DAY).into_iter().collect();
    Terms::new(algorithm, &rates)
}

fn now() -> Timestamp {
    Timestamp::from_microsecond(START).unwrap_or_default()
}
