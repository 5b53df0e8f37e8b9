//! The charges of one stage: all are admitted, or none is consumed.

use std::num::NonZeroU64;

use crate::limit::bucket::Usage;
use crate::limit::charge::{ChargeInput, ChargeResult, Entry as _, RateStatus, Refusal};
use crate::limit::terms::Terms;
use crate::limit::{Algorithm, charge, token_bucket};

/// A charge to one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// The bucket: the names of the policy and the limit, and the parts of the key. A key may have any bytes, and be as long as
    /// requests may be.
    pub bucket: String,
    /// The rates.
    pub terms: Terms,
    /// The cost. `concurrency` takes one slot for any cost.
    pub cost: NonZeroU64,
    /// True if a refusal is only reported: it doesn't keep the other charges from being admitted.
    pub dry_run: bool,
    /// The most that a machine may take in advance, if the store leases.
    pub lease: Option<NonZeroU64>,
}

impl Charge {
    /// A charge without `dry_run` and without a lease.
    pub fn new(bucket: impl Into<String>, terms: Terms, cost: NonZeroU64) -> Self {
        Self { bucket: bucket.into(), terms, cost, dry_run: false, lease: None }
    }
}

/// Permission to take more than the cost, for limits with a `lease`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leasing {
    /// Takes the cost.
    Off,
    /// Takes up to a lease, but no more than half of the rest, so that every machine gets a part of it.
    On,
}

/// The outcome of one charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The charge fits. It was consumed unless another charge of its stage was refused.
    Admitted(Admitted),
    /// The charge doesn't fit.
    Refused(Refusal),
}

/// A charge that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admitted {
    /// The status of the rate with the least left, after the charge.
    pub standing: RateStatus,
    /// The slot of a limit of `concurrency`, to be given back.
    pub slot: Option<i64>,
    /// The admissions taken beyond the cost.
    pub lease: Option<Lease>,
}

/// Admissions taken in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// Their number.
    pub granted: u64,
    /// The time from the charge until they are lost, in microseconds.
    pub lasts: i64,
}

impl Admitted {
    /// An admission without a slot and a lease.
    pub fn new(standing: RateStatus) -> Self {
        Self { standing, slot: None, lease: None }
    }

    /// Adds a slot.
    pub fn with_slot(self, slot: i64) -> Self {
        Self { slot: Some(slot), ..self }
    }

    /// Adds a lease.
    pub fn with_lease(self, granted: u64, lasts: i64) -> Self {
        Self { lease: Some(Lease { granted, lasts }), ..self }
    }
}

impl Outcome {
    /// True if the charge fits.
    pub fn is_admitted(&self) -> bool {
        matches!(self, Self::Admitted(_))
    }
}

/// The result of the charges of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageResult {
    /// The outcomes, in the order of the charges.
    pub outcomes: Vec<Outcome>,
    /// The states to store. If a bucket occurs twice, the later one counts.
    pub writes: Vec<Write>,
}

/// The next state of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Write {
    /// The position of the charge to this bucket.
    pub charge: usize,
    /// The state.
    pub usage: Usage,
    /// The time at which it may be forgotten, in microseconds since 1970.
    pub expires: i64,
}

/// Charges all buckets, or none: if a charge is refused that isn't a `dry_run`, nothing is consumed. `read` returns the state
/// of a bucket, or `None` for an empty one.
pub fn charge_all(
    charges: &[Charge],
    now: i64,
    leasing: Leasing,
    mut read: impl FnMut(&str) -> Option<Usage>,
) -> StageResult {
    let mut outcomes = Vec::with_capacity(charges.len());
    let (mut writes, mut healed): (Vec<Write>, Vec<Write>) = (Vec::with_capacity(charges.len()), Vec::new());
    let mut is_refused = false;
    for (row, charge) in charges.iter().enumerate() {
        let is_same = |write: &&Write| charges.get(write.charge).is_some_and(|other| other.bucket == charge.bucket);
        let earlier = writes.iter().rev().find(is_same).map(|write| write.usage.clone());
        let usage = earlier.or_else(|| read(&charge.bucket)).unwrap_or_default();
        let (outcome, write) = charge_one(charge, now, leasing, &usage);
        is_refused |= !outcome.is_admitted() && !charge.dry_run;
        let target = if outcome.is_admitted() { &mut writes } else { &mut healed };
        target.extend(write.map(|(usage, expires)| Write { charge: row, usage, expires }));
        outcomes.push(outcome);
    }
    if is_refused {
        writes.clear();
        for outcome in &mut outcomes {
            if let Outcome::Admitted(admitted) = outcome {
                *admitted = Admitted::new(admitted.standing);
            }
        }
    }
    // A state that was both charged and corrected was charged after the correction.
    healed.retain(|healed| !writes.iter().any(|write| same_bucket(charges, write, healed)));
    writes.append(&mut healed);
    StageResult { outcomes, writes }
}

fn same_bucket(charges: &[Charge], one: &Write, other: &Write) -> bool {
    let bucket = |write: &Write| charges.get(write.charge).map(|charge| charge.bucket.as_str());
    bucket(one) == bucket(other)
}

/// Charges one bucket, also for a `dry_run`. Returns the outcome, and the new state with its expiry if it changes.
pub fn charge_one(charge: &Charge, now: i64, leasing: Leasing, usage: &Usage) -> (Outcome, Option<(Usage, i64)>) {
    let input = ChargeInput { terms: &charge.terms, cost: charge.cost.get(), now, leased: false };
    if let (Leasing::On, Some(share)) = (leasing, charge.lease)
        && charge.terms.algorithm().can_lease()
        && let Some(leased) = lease(usage, input, share.get())
    {
        return leased;
    }
    match charge::charge(usage, input) {
        ChargeResult::Admitted { after, standing, slot, .. } => {
            (Outcome::Admitted(Admitted { slot, ..Admitted::new(standing) }), Some(after.with_expiry(now)))
        }
        ChargeResult::Refused { refusal, healed } => {
            (Outcome::Refused(refusal), healed.map(|healed| healed.with_expiry(now)))
        }
    }
}

/// The same as [`charge_one`], with the state changed in place. If it changes, `expires` is set.
#[inline]
pub fn charge_in_place(
    charge: &Charge,
    now: i64,
    leasing: Leasing,
    usage: &mut Usage,
    expires: &mut Option<i64>,
) -> Outcome {
    // Most charges are to a token bucket with one rate, which admits them. That path makes and moves no state.
    if let (Algorithm::TokenBucket, [period]) = (charge.terms.algorithm(), charge.terms.periods())
        && (leasing == Leasing::Off || charge.lease.is_none())
        && period.is_asked()
        && (0..charge::LATEST).contains(&now)
        && let Usage::TokenBucket(buckets) = &mut *usage
        && let Some(bucket) = buckets.only_mut().filter(|bucket| bucket.period == period.rate().period)
        && let Some(standing) = token_bucket::admit(bucket, now, charge.cost.get(), period)
    {
        *expires = Some(bucket.expires());
        return Outcome::Admitted(Admitted::new(standing));
    }
    let (outcome, after) = charge_one(charge, now, leasing, usage);
    if let Some((after, until)) = after {
        *usage = after;
        *expires = Some(until);
    }
    outcome
}

/// Takes a share beyond the cost. Returns `None` if there isn't enough for one.
fn lease(usage: &Usage, input: ChargeInput<'_>, share: u64) -> Option<(Outcome, Option<(Usage, i64)>)> {
    let input = ChargeInput { leased: true, ..input };
    let spare = share.checked_sub(input.cost)?;
    let ChargeResult::Admitted { standing, .. } = charge::charge(usage, input) else { return None };
    let granted = spare.min(standing.remaining / 2);
    if granted == 0 {
        return None;
    }
    let all = ChargeInput { cost: input.cost + granted, ..input };
    let ChargeResult::Admitted { after, standing, lasts, .. } = charge::charge(usage, all) else { return None };
    Some((Outcome::Admitted(Admitted::new(standing).with_lease(granted, lasts)), Some(after.with_expiry(input.now))))
}

impl Usage {
    /// Gives a slot back. Returns false if it wasn't taken.
    pub fn release(&mut self, slot: i64) -> bool {
        let Self::Slots(slots) = self else { return false };
        let found = slots.iter().position(|taken| *taken == slot);
        if let Some(row) = found {
            slots.remove(row);
        }
        found.is_some()
    }
}
