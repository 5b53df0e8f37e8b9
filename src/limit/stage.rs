//! All charges of one stage: they are admitted together, or none is consumed.

use std::num::NonZeroU64;

use crate::limit::bucket::Usage;
use crate::limit::charge::{Asked, Charged, Entry as _, Refusal, Standing};
use crate::limit::terms::Terms;
use crate::limit::{charge, token_bucket};
use crate::model::keywords::Algorithm;

/// What a request asks of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// Which bucket: the policy's name and the limit's, and the parts of its key: hostile bytes, as long as requests may be.
    pub bucket: String,
    /// By which rates.
    pub terms: Terms,
    /// How much. `concurrency` takes one slot, whatever it costs.
    pub cost: NonZeroU64,
    /// Whether a refusal is only told of: it neither counts nor keeps the others from being admitted.
    pub dry_run: bool,
    /// How much a machine may take at once, to spend it without asking again; only where a store is asked to lease.
    pub lease: Option<NonZeroU64>,
}

impl Charge {
    /// A charge that is in force, without a lease.
    pub fn new(bucket: impl Into<String>, terms: Terms, cost: NonZeroU64) -> Self {
        Self { bucket: bucket.into(), terms, cost, dry_run: false, lease: None }
    }
}

/// Whether a charge may take more than it costs, where its limit has a `lease`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leasing {
    /// It takes what it costs.
    Off,
    /// It takes up to a lease, but no more than half of what would be left: the end of a rate is for whoever comes.
    On,
}

/// What became of one charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It fits. It was consumed if nothing else of its stage was refused.
    Admitted(Admitted),
    /// It doesn't.
    Refused(Refusal),
}

/// A charge that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admitted {
    /// How its tightest rate stands afterwards.
    pub standing: Standing,
    /// The slot that it occupies, of a limit of `concurrency`: to be given back.
    pub slot: Option<i64>,
    /// What was taken beyond the cost.
    pub lease: Option<Lease>,
}

/// Admissions that were taken in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// So many …
    pub granted: u64,
    /// … to be spent within so many microseconds of the charge. The rest is lost.
    pub lasts: i64,
}

impl Admitted {
    /// Of a rate that stands so, and nothing more.
    pub fn new(standing: Standing) -> Self {
        Self { standing, slot: None, lease: None }
    }

    /// With the slot that it occupies.
    pub fn with_slot(self, slot: i64) -> Self {
        Self { slot: Some(slot), ..self }
    }

    /// With what it took in advance.
    pub fn with_lease(self, granted: u64, lasts: i64) -> Self {
        Self { lease: Some(Lease { granted, lasts }), ..self }
    }
}

impl Outcome {
    /// Whether it fits.
    pub fn is_admitted(&self) -> bool {
        matches!(self, Self::Admitted(_))
    }
}

/// What became of the charges of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stage {
    /// One each, in their order.
    pub outcomes: Vec<Outcome>,
    /// What is to be kept. Of a bucket that was charged twice, the later one holds.
    pub writes: Vec<Write>,
}

/// The next state of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Write {
    /// The row of the charge whose bucket it is.
    pub charge: usize,
    /// The state.
    pub usage: Usage,
    /// When it stops to matter, in microseconds since 1970. A bucket without a state is a fresh one.
    pub expires: i64,
}

/// Charges all, or none: where one is refused that isn't a `dry_run`, nothing is consumed. `read` gives the state of a
/// bucket, and nothing of one that is fresh.
pub fn charge_all(
    charges: &[Charge],
    now: i64,
    leasing: Leasing,
    mut read: impl FnMut(&str) -> Option<Usage>,
) -> Stage {
    let mut outcomes = Vec::with_capacity(charges.len());
    let (mut writes, mut healed): (Vec<Write>, Vec<Write>) = (Vec::with_capacity(charges.len()), Vec::new());
    let mut is_refused = false;
    for (row, charge) in charges.iter().enumerate() {
        let is_same = |write: &&Write| charges.get(write.charge).is_some_and(|other| other.bucket == charge.bucket);
        let earlier = writes.iter().rev().find(is_same).map(|write| write.usage.clone());
        let usage = earlier.or_else(|| read(&charge.bucket)).unwrap_or_default();
        let (outcome, write) = charge_one(charge, now, leasing, &usage);
        is_refused |= !outcome.is_admitted() && !charge.dry_run;
        let kept = if outcome.is_admitted() { &mut writes } else { &mut healed };
        kept.extend(write.map(|(usage, expires)| Write { charge: row, usage, expires }));
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
    // A state that was both charged and found spoilt was charged after it was healed.
    healed.retain(|healed| !writes.iter().any(|write| same_bucket(charges, write, healed)));
    writes.append(&mut healed);
    Stage { outcomes, writes }
}

fn same_bucket(charges: &[Charge], one: &Write, other: &Write) -> bool {
    let bucket = |write: &Write| charges.get(write.charge).map(|charge| charge.bucket.as_str());
    bucket(one) == bucket(other)
}

/// Charges one bucket alone, whether or not it is a `dry_run`: what becomes of it, and the state to keep until a moment, where
/// it changes.
pub fn charge_one(charge: &Charge, now: i64, leasing: Leasing, usage: &Usage) -> (Outcome, Option<(Usage, i64)>) {
    let asked = Asked { terms: &charge.terms, cost: charge.cost.get(), now, leased: false };
    if let (Leasing::On, Some(share), Algorithm::FixedWindow | Algorithm::SlidingWindow | Algorithm::TokenBucket) =
        (leasing, charge.lease, charge.terms.algorithm())
        && let Some(leased) = lease(usage, asked, share.get())
    {
        return leased;
    }
    match charge::charge(usage, asked) {
        Charged::Admitted { after, standing, slot, .. } => {
            (Outcome::Admitted(Admitted { slot, ..Admitted::new(standing) }), Some(after.until(now)))
        }
        Charged::Refused { refusal, healed } => (Outcome::Refused(refusal), healed.map(|healed| healed.until(now))),
    }
}

/// [`charge_one`], with the state where it is kept. Where it changes, `expires` says when it is to be forgotten.
#[inline]
pub fn charge_in_place(
    charge: &Charge,
    now: i64,
    leasing: Leasing,
    usage: &mut Usage,
    expires: &mut Option<i64>,
) -> Outcome {
    // What most charges are: by one rate of a token bucket, which admits them. Then no state is made anew, or moved.
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

/// Takes more than the cost, where there is enough for that.
fn lease(usage: &Usage, asked: Asked<'_>, share: u64) -> Option<(Outcome, Option<(Usage, i64)>)> {
    let asked = Asked { leased: true, ..asked };
    let spare = share.checked_sub(asked.cost)?;
    let Charged::Admitted { standing, .. } = charge::charge(usage, asked) else { return None };
    let granted = spare.min(standing.remaining / 2);
    if granted == 0 {
        return None;
    }
    let all = Asked { cost: asked.cost + granted, ..asked };
    let Charged::Admitted { after, standing, lasts, .. } = charge::charge(usage, all) else { return None };
    Some((Outcome::Admitted(Admitted::new(standing).with_lease(granted, lasts)), Some(after.until(asked.now))))
}

impl Usage {
    /// Gives a slot back; whether there was such a one.
    pub fn release(&mut self, slot: i64) -> bool {
        let Self::Slots(slots) = self else { return false };
        let found = slots.iter().position(|taken| *taken == slot);
        if let Some(row) = found {
            slots.remove(row);
        }
        found.is_some()
    }
}
