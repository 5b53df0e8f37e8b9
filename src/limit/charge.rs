//! Charges one bucket by several rates: by all of them, or by none. The transitions are pure, in integer microseconds since
//! 1970.
//!
//! Every number stays below 2^53, so that a store which counts in doubles, as Lua does, gets exactly the same results: times
//! are clamped, counts have 32 bits, and larger products are computed by long division there.

use smallvec::SmallVec;

use crate::limit::bucket::{Entries, Usage};
use crate::limit::terms::{Period, Rate, Terms};

/// The input of a transition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChargeInput<'c> {
    pub(crate) terms: &'c Terms,
    pub(crate) cost: u64,
    pub(crate) now: i64,
    /// True if the admissions may be used until the end of a lease.
    pub(crate) leased: bool,
}

/// The result of a transition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChargeResult {
    Admitted {
        after: NextState,
        standing: RateStatus,
        slot: Option<i64>,
        /// The length of a lease, in microseconds.
        lasts: i64,
    },
    Refused {
        refusal: Refusal,
        /// The corrected state, if the stored times are further ahead of the clock than a correct clock could have left them.
        /// Uncorrected, the bucket would refuse everything until then.
        healed: Option<NextState>,
    },
}

/// The state after a charge, and the time at which it may be forgotten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NextState {
    pub(crate) usage: Usage,
    pub(crate) expires: i64,
}

impl NextState {
    /// The state and its expiry. Behind `LATEST` all times are equal, so nothing is forgotten then.
    pub(crate) fn with_expiry(self, now: i64) -> (Usage, i64) {
        (self.usage, if now > LATEST { i64::MAX } else { self.expires })
    }
}

/// The status of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStatus {
    /// The most that it admits in a window.
    pub quota: u64,
    /// The window, in microseconds.
    pub window: i64,
    /// The rest of the quota.
    pub remaining: u64,
    /// The time until the whole quota is there again without further charges, in microseconds.
    pub full_after: i64,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the refusing rate with the least left.
    pub standing: RateStatus,
    /// The time until the charge would fit, in microseconds. `None` if it costs more than the rate ever admits.
    pub retry_after: Option<i64>,
}

/// The status of a rate after a charge, or its refusal.
pub(crate) type RateResult = Result<RateStatus, Refusal>;

/// Charges a bucket. A state of another algorithm counts as empty.
pub(crate) fn charge(usage: &Usage, input: ChargeInput<'_>) -> ChargeResult {
    let input = ChargeInput { now: moment(input.now), cost: input.cost.min(Rate::MOST + 1), ..input };
    input.terms.algorithm().charge(usage, input)
}

/// The result of all rates: a refusal if there is one, and the status of the rate with the least left. Without a rate,
/// nothing is admitted.
pub(crate) fn combine(results: impl IntoIterator<Item = RateResult>) -> RateResult {
    let nothing = RateStatus { quota: 0, window: 0, remaining: 0, full_after: 0 };
    let tighter = |one: RateStatus, other: RateStatus| if other.remaining < one.remaining { other } else { one };
    let both = |one: RateResult, other: RateResult| match (one, other) {
        (Ok(one), Ok(other)) => Ok(tighter(one, other)),
        (Err(refusal), Ok(_)) | (Ok(_), Err(refusal)) => Err(refusal),
        (Err(one), Err(other)) => Err(Refusal {
            standing: tighter(one.standing, other.standing),
            retry_after: one.retry_after.zip(other.retry_after).map(|(one, other)| one.max(other)),
        }),
    };
    results.into_iter().reduce(both).unwrap_or(Err(Refusal { standing: nothing, retry_after: None }))
}

/// The result of charging the entry of one rate.
pub(crate) struct EntryResult<E> {
    /// The entry with the charge.
    pub(crate) after: E,
    /// The corrected entry without the charge; see [`ChargeResult::Refused`].
    pub(crate) healed: Option<E>,
    pub(crate) result: RateResult,
    /// The length of a lease, in microseconds.
    pub(crate) lasts: i64,
}

/// The entry of a state for one period.
pub(crate) trait Entry: Copy + Ord {
    fn period(&self) -> i64;

    /// The time from which on it counts nothing.
    fn expires(&self) -> i64;
}

/// Charges a state with one entry for each period. Entries of the rates of other tiers count too, and refuse nothing.
pub(crate) fn charge_periods<E: Entry>(
    stored: &[E],
    input: ChargeInput<'_>,
    charge: impl Fn(Option<E>, &Period) -> EntryResult<E>,
    usage: fn(Entries<E>) -> Usage,
) -> ChargeResult {
    let periods = input.terms.periods();
    if let ([period], [] | [_]) = (periods, stored)
        && period.is_asked()
    {
        let entry = stored.first().filter(|entry| entry.period() == period.rate().period).copied();
        return charge_one_period(charge(entry, period), usage);
    }
    // A state that a host has damaged may have several entries for a period: the latest and fullest counts.
    let entry = |period: &Period| stored.iter().filter(|entry| entry.period() == period.rate().period).max().copied();
    let charged: SmallVec<[EntryResult<E>; 1]> = periods.iter().map(|period| charge(entry(period), period)).collect();
    let own = || charged.iter().zip(periods).filter(|(_, period)| period.is_asked()).map(|(charged, _)| charged);
    let next = |entries: Entries<E>| NextState {
        expires: entries.iter().map(E::expires).max().unwrap_or(input.now),
        usage: usage(entries),
    };
    match combine(own().map(|charged| charged.result)) {
        Ok(standing) => ChargeResult::Admitted {
            after: next(charged.iter().map(|charged| charged.after).collect()),
            standing,
            slot: None,
            lasts: charged.iter().map(|charged| charged.lasts).min().unwrap_or(0),
        },
        Err(refusal) => {
            let is_healed = charged.iter().any(|charged| charged.healed.is_some());
            let entries = charged.iter().zip(periods);
            let entries = entries.filter_map(|(charged, period)| charged.healed.or_else(|| entry(period)));
            ChargeResult::Refused { refusal, healed: is_healed.then(|| next(entries.collect())) }
        }
    }
}

/// The same for a single rate, as most limits have: its entry is the whole state.
fn charge_one_period<E: Entry>(charged: EntryResult<E>, usage: fn(Entries<E>) -> Usage) -> ChargeResult {
    let EntryResult { after, healed, result, lasts } = charged;
    let next = |entry: E| NextState { expires: entry.expires(), usage: usage(Entries::one(entry)) };
    match result {
        Ok(standing) => ChargeResult::Admitted { after: next(after), standing, slot: None, lasts },
        Err(refusal) => ChargeResult::Refused { refusal, healed: healed.map(next) },
    }
}

/// The latest time, in the year 2223. Later times count as this one, and times before 1970 count as 0. So the sum of a time
/// and a few periods is exact in a double.
pub(crate) const LATEST: i64 = 8_000_000_000_000_000;

pub(crate) fn moment(at: i64) -> i64 {
    at.clamp(0, LATEST)
}

/// A stored time, which may be ahead of the clock by up to two periods.
pub(crate) fn stored_moment(at: i64) -> i64 {
    at.clamp(0, LATEST + 2 * Rate::LONGEST)
}

pub(crate) fn start_of(at: i64, period: i64) -> i64 {
    at - at.rem_euclid(period.max(1))
}

/// The most that the clocks of machines with a shared bucket may differ, in microseconds.
pub(crate) const SKEW: i64 = 60_000_000;

/// The time of a charge to a state whose newest time is `newest`. If that is ahead of `now` by at most a period and the skew,
/// time stands still until `now` has caught up: otherwise admissions would be forgotten early. A state from further ahead is
/// wrong: its admissions then count as admitted now.
pub(crate) fn clock(newest: i64, now: i64, period: i64) -> i64 {
    if newest > now && newest <= now.saturating_add(period).saturating_add(SKEW) { newest } else { now }
}

pub(crate) fn add(count: u32, cost: u64) -> u32 {
    u32::try_from(u64::from(count).saturating_add(cost)).unwrap_or(u32::MAX)
}
