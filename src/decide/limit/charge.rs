//! One bucket charged by several rates: by all of them, or by none. Pure transitions from state to state, in integer
//! microseconds since 1970. No state and no time makes them panic or overflow: sums saturate towards used up.

use crate::check::typed::{Algorithm, Limit, Rate};
use crate::model::bucket::{BucketState, Usage};

use super::{fixed_window, sliding_log, sliding_window, token_bucket};

/// What a request asks of a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge<'p> {
    pub(super) limit: &'p Limit,
    /// The rates that must admit it.
    pub(super) rates: &'p [Rate],
    pub(super) cost: u64,
    pub(super) now: i64,
}

/// What a charge came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Charged {
    /// It fits into every rate.
    Admitted { after: Kept, standing: Standing },
    /// It doesn't.
    Refused {
        refusal: Refusal,
        /// The state as it is to be read from now on, where what was stored lies further ahead of the clock than any
        /// honest state: only a clock that has been wrong leaves that, and the bucket would stay shut until then.
        healed: Option<Kept>,
    },
}

/// What is kept of a bucket, and until when.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) usage: Usage,
    pub(super) expires: i64,
}

/// How a rate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// So many at most …
    pub(super) quota: u64,
    /// … in so long.
    pub(super) window: i64,
    pub(super) remaining: u64,
    /// In how long all of it is there again, if nothing else comes.
    pub(super) full_after: i64,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Of the rate that refuses, and has the least left.
    pub(super) standing: Standing,
    /// In how long it would fit; never, where it costs more than there ever is.
    pub(super) retry_after: Option<i64>,
}

/// What a rate says to a charge: how it stands afterwards, or why not.
pub(super) type Verdict = Result<Standing, Refusal>;

/// Charges a bucket.
pub(super) fn charge(state: &BucketState, charge: Charge<'_>) -> Charged {
    match (charge.limit.algorithm, &state.usage) {
        (Algorithm::SlidingLog, Usage::Log(log)) => sliding_log::charge(log, charge),
        (Algorithm::SlidingLog, _) => sliding_log::charge(&[], charge),
        (Algorithm::FixedWindow, Usage::FixedWindow(windows)) => fixed_window::charge(windows, charge),
        (Algorithm::FixedWindow, _) => fixed_window::charge(&[], charge),
        (Algorithm::SlidingWindow, Usage::SlidingWindow(windows)) => sliding_window::charge(windows, charge),
        (Algorithm::SlidingWindow, _) => sliding_window::charge(&[], charge),
        (Algorithm::TokenBucket, Usage::TokenBucket(buckets)) => token_bucket::charge(buckets, charge),
        (Algorithm::TokenBucket, _) => token_bucket::charge(&[], charge),
    }
}

/// What all rates say together: the one with the least left speaks, and a refusal beats what admits. Without a rate,
/// nothing is admitted.
pub(super) fn together(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let nothing = Standing { quota: 0, window: 0, remaining: 0, full_after: 0 };
    let tighter = |one: Standing, other: Standing| if other.remaining < one.remaining { other } else { one };
    let both = |one: Verdict, other: Verdict| match (one, other) {
        (Ok(one), Ok(other)) => Ok(tighter(one, other)),
        (Err(refusal), Ok(_)) | (Ok(_), Err(refusal)) => Err(refusal),
        (Err(one), Err(other)) => Err(Refusal {
            standing: tighter(one.standing, other.standing),
            retry_after: one.retry_after.zip(other.retry_after).map(|(one, other)| one.max(other)),
        }),
    };
    verdicts.into_iter().reduce(both).unwrap_or(Err(Refusal { standing: nothing, retry_after: None }))
}

/// What one rate makes of its entry in a state.
pub(super) struct Weighed<E> {
    /// The entry with the charge.
    pub(super) after: E,
    /// The entry without it, where what was stored lies too far ahead.
    pub(super) healed: Option<E>,
    pub(super) verdict: Verdict,
}

/// Charges a state that has an entry a period. What the rates of other tiers count is counted on, and refuses nothing.
pub(super) fn by_period<E: Copy + Ord>(
    stored: &[E],
    charge: Charge<'_>,
    period: fn(&E) -> i64,
    weigh: impl Fn(Option<E>, Rate) -> Weighed<E>,
    expires: fn(&E) -> i64,
    usage: fn(Vec<E>) -> Usage,
) -> Charged {
    // A state that a host has spoilt may have several: the latest and fullest holds.
    let entry = |rate: &Rate| stored.iter().filter(|entry| period(entry) == rate.period).max().copied();
    let weighed = |rate: &Rate| weigh(entry(rate), *rate);
    let own: Vec<Weighed<E>> = charge.rates.iter().map(weighed).collect();
    let others = || {
        let rates = charge.limit.periods.iter().map(|known| &known.rate);
        rates.filter(|rate| charge.rates.iter().all(|own| own.period != rate.period))
    };
    let counted_on: Vec<Weighed<E>> = others().map(weighed).collect();
    let kept = |entries: Vec<E>| Kept {
        expires: entries.iter().map(expires).max().unwrap_or(charge.now),
        usage: usage(entries),
    };
    let verdict = together(own.iter().map(|weighed| weighed.verdict));
    let all = || own.iter().chain(&counted_on);
    match verdict {
        Ok(standing) => Charged::Admitted { after: kept(all().map(|weighed| weighed.after).collect()), standing },
        Err(refusal) if all().all(|weighed| weighed.healed.is_none()) => Charged::Refused { refusal, healed: None },
        Err(refusal) => {
            let rates = charge.rates.iter().chain(others());
            let entries = all().zip(rates).filter_map(|(weighed, rate)| weighed.healed.or_else(|| entry(rate)));
            Charged::Refused { refusal, healed: Some(kept(entries.collect())) }
        }
    }
}

/// The window's beginning.
pub(super) fn start_of(at: i64, period: i64) -> i64 {
    let period = period.max(1);
    at.div_euclid(period).saturating_mul(period)
}

/// Machines that share a bucket don't share a clock: this far, in microseconds, one may be ahead of another.
pub(super) const SKEW: i64 = 60_000_000;

/// The time that a charge is made at, where the newest of what was counted belongs to `newest`. A clock that is behind
/// by no more than a window and the skew stands still until it has caught up, or what was admitted would be forgotten
/// early. A state from further ahead is wrong, or the clock was: what it holds then counts as admitted now, and the
/// bucket heals with its window.
pub(super) fn clock(newest: i64, now: i64, period: i64) -> i64 {
    if newest > now && newest <= now.saturating_add(period).saturating_add(SKEW) { newest } else { now }
}
