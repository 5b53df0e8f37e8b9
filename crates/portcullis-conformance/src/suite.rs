//! Runs a store through steps and compares its answers with the model's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use jiff::Timestamp;
use portcullis::limit::{Charge, Leasing, Outcome};
use portcullis::token::FamilyState;
use portcullis_store::{Store, StoreError};

use crate::model::{Call, Forgets, Model, Swap};
use crate::step::{Action, Read, Step, Tick};

/// The time at which a sequence begins: a Monday at midnight.
pub(crate) const START: i64 = 1_795_392_000_000_000;

/// The latest time that limits distinguish. Later times are clamped to it, and earlier ones to 0.
const LATEST: i64 = 8_000_000_000_000_000;

/// The clock of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The host's clock, whose time is part of each call.
    Host,
    /// The store's own clock, whose time is part of each answer. The moves of the host's clock have no effect on it.
    Own,
}

/// A wrong answer of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {step}: {what}")]
#[non_exhaustive]
pub struct Mismatch {
    /// The row of the step, from 0.
    pub step: usize,
    /// The action, the answer, and the expected answers.
    pub what: String,
}

/// Compares a store with the model. One store can be run through any number of sequences.
#[derive(Debug)]
pub struct Suite<'s, S> {
    store: &'s S,
    names: String,
    forgets: Forgets,
    clock: Clock,
    runs: AtomicU64,
}

impl<'s, S: Store> Suite<'s, S> {
    /// Makes a suite for a store that uses the times of calls, also for expiry. Its buckets belong to policies whose names begin with
    /// `names`, an identifier that nothing else in the store has.
    pub fn new(store: &'s S, names: impl Into<String>) -> Self {
        let (forgets, clock) = (Forgets::ByNow, Clock::Host);
        Self { store, names: names.into(), forgets, clock, runs: AtomicU64::new(0) }
    }

    /// Sets the time from which the store may remove states.
    pub fn with_forgets(self, forgets: Forgets) -> Self {
        Self { forgets, ..self }
    }

    /// Sets the clock of the store.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Runs the steps in a namespace of their own.
    ///
    /// # Errors
    ///
    /// Returns the first answer that differs from the model's.
    pub async fn run(&self, steps: &[Step]) -> Result<(), Mismatch> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        self.run_within(steps, &format!("{}_{run}/", self.names)).await
    }

    /// Runs the steps with unchanged ids, for [`hostile_ids`](crate::hostile_ids). The store must have none of these ids yet.
    ///
    /// # Errors
    ///
    /// Returns the first answer that differs from the model's.
    pub async fn run_verbatim(&self, steps: &[Step]) -> Result<(), Mismatch> {
        self.run_within(steps, "").await
    }

    async fn run_within(&self, steps: &[Step], prefix: &str) -> Result<(), Mismatch> {
        let model = Model::new(self.forgets);
        let mut run =
            Run { suite: self, prefix, model, now: START, retry: None, full: None, lease: None, given: Vec::new() };
        for (row, step) in steps.iter().enumerate() {
            run.tick(step.tick);
            let acted = run.act(&step.action).await;
            acted.map_err(|what| Mismatch { step: row, what: format!("{}, {:?}: {what}", run.now, step.action) })?;
        }
        Ok(())
    }
}

/// The run of one sequence.
struct Run<'r, 's, S> {
    suite: &'r Suite<'s, S>,
    prefix: &'r str,
    model: Model,
    now: i64,
    retry: Option<i64>,
    full: Option<i64>,
    lease: Option<i64>,
    given: Vec<(String, i64)>,
}

impl<S: Store> Run<'_, '_, S> {
    fn tick(&mut self, tick: Tick) {
        let Self { now, .. } = *self;
        let to = |moment: Option<i64>, off: i64| moment.map_or(now, |moment| moment.saturating_add(off));
        let moved = match tick {
            Tick::Still => now,
            Tick::By(step) => now.saturating_add(step),
            Tick::To(moment) => moment,
            Tick::Boundary { period, off } => {
                let period = period.max(1);
                now.saturating_sub(now.rem_euclid(period)).saturating_add(period).saturating_add(off)
            }
            Tick::Retry(off) => to(self.retry, off),
            Tick::Full(off) => to(self.full, off),
            Tick::LeaseEnd(off) => to(self.lease, off),
        };
        self.now = moved.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
    }

    async fn act(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Charge(charges, leasing) => {
                let mut charges = charges.clone();
                for charge in &mut charges {
                    charge.bucket = self.named(&charge.bucket);
                }
                self.charge(&charges, *leasing).await
            }
            Action::GiveBack { nth, bucket } => {
                let row = nth.checked_rem(self.given.len()).map(|back| self.given.len() - 1 - back);
                let Some((taken, slot)) = row.and_then(|row| self.given.get(row)).cloned() else { return Ok(()) };
                let bucket = bucket.as_ref().map_or(taken, |bucket| self.named(bucket));
                self.release(&bucket, slot).await
            }
            Action::Release { bucket, slot } => self.release(&self.named(bucket), *slot).await,
            Action::Swap { id, read, state, next, lasts } => {
                let id = self.named(id);
                let stored = self.model.version(&id);
                let read = match read {
                    Read::Stored => stored,
                    Read::TooNew => stored.wrapping_add(1),
                    Read::Version(version) => *version,
                };
                let version = if *next { read.wrapping_add(1) } else { state.version };
                self.swap(&id, read, &FamilyState { version, ..state.clone() }, *lasts).await
            }
            Action::Look { id } => {
                let id = self.named(id);
                let (told, call) = timed(self.suite.store.family(&id, timestamp(self.now))).await?;
                self.model.family(&id, told.as_ref(), self.now, call)
            }
        }
    }

    async fn charge(&mut self, charges: &[Charge], leasing: Leasing) -> Result<(), String> {
        let (charged, call) = timed(self.suite.store.charge(charges, timestamp(self.now), leasing)).await?;
        if self.suite.clock == Clock::Host && charged.at.clamp(0, LATEST) != self.now.clamp(0, LATEST) {
            return Err(format!("charged at {}", charged.at));
        }
        self.model.charge(charges, leasing, &charged, call)?;
        for (charge, outcome) in charges.iter().zip(&charged.outcomes) {
            let standing = match outcome {
                Outcome::Admitted(admitted) => {
                    self.given.extend(admitted.slot.map(|slot| (charge.bucket.clone(), slot)));
                    self.lease = admitted.lease.map(|lease| self.now.saturating_add(lease.lasts)).or(self.lease);
                    admitted.standing
                }
                Outcome::Refused(refusal) => {
                    self.retry = refusal.retry_after.map(|after| self.now.saturating_add(after)).or(self.retry);
                    refusal.standing
                }
            };
            self.full = Some(self.now.saturating_add(standing.full_after));
        }
        Ok(())
    }

    async fn release(&mut self, bucket: &str, slot: i64) -> Result<(), String> {
        let ((), call) = timed(self.suite.store.release(bucket, slot)).await?;
        self.model.release(bucket, slot, call);
        Ok(())
    }

    async fn swap(&mut self, id: &str, read: u64, state: &FamilyState, lasts: i64) -> Result<(), String> {
        let (now, expires) = (self.now, self.now.saturating_add(lasts));
        let expires = expires.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
        let (from, until) = (timestamp(now), timestamp(expires));
        let (written, call) = timed(self.suite.store.swap_family(id, read, state, until, from)).await?;
        self.model.swap(Swap { id, read, state, expires, now }, written, call)
    }

    fn named(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }
}

/// Awaits an answer and measures the real times around it.
async fn timed<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<(T, Call), String> {
    let sent = Instant::now();
    let answer = asked.await.map_err(|error| error.to_string())?;
    Ok((answer, Call { sent, answered: Instant::now() }))
}

/// Returns a time plus 999 nanoseconds: stores round down to whole microseconds.
fn timestamp(at: i64) -> Timestamp {
    let nanosecond = i128::from(at) * 1_000 + if at >= 0 { 999 } else { 0 };
    Timestamp::from_nanosecond(nanosecond).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
