//! One bucket charged by several rates: by all of them, or by none. Pure transitions from state to state, in integer
//! microseconds since 1970.
//!
//! Every number stays below 2^53, so that a store which counts in doubles, as Lua does, comes to the same to the last one: times
//! are held to what they can be, counts to 32 bits, and products that would be larger are worked out by long division there.

use smallvec::SmallVec;

use crate::limit::bucket::{Entries, Usage};
use crate::limit::terms::{Period, Terms};
use crate::limit::{fixed_window, sliding_log, sliding_window, slots, token_bucket};
use crate::model::keywords::Algorithm;

/// What a request asks of one bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'c> {
    pub(crate) terms: &'c Terms,
    pub(crate) cost: u64,
    pub(crate) now: i64,
    /// Whether what is taken may be spent for as long as a lease lasts.
    pub(crate) leased: bool,
}

/// What a charge came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Charged {
    /// It fits into every rate.
    Admitted {
        after: Kept,
        standing: Standing,
        slot: Option<i64>,
        /// For how long a lease of it would last.
        lasts: i64,
    },
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
pub(crate) struct Kept {
    pub(crate) usage: Usage,
    pub(crate) expires: i64,
}

impl Kept {
    /// The state, and when it may be forgotten. After the last moment that is told apart, nothing is forgotten.
    pub(crate) fn until(self, now: i64) -> (Usage, i64) {
        (self.usage, if now > LATEST { i64::MAX } else { self.expires })
    }
}

/// How a rate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// So many at most …
    pub quota: u64,
    /// … in so many microseconds.
    pub window: i64,
    /// So many are left.
    pub remaining: u64,
    /// In how many microseconds all of it is there again, if nothing else comes.
    pub full_after: i64,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Of the rate that refuses, and has the least left.
    pub standing: Standing,
    /// In how many microseconds it would fit; never, where it costs more than there ever is.
    pub retry_after: Option<i64>,
}

/// What a rate says to a charge: how it stands afterwards, or why not.
pub(crate) type Verdict = Result<Standing, Refusal>;

/// Charges a bucket.
pub(crate) fn charge(usage: &Usage, asked: Asked<'_>) -> Charged {
    let asked = Asked { now: moment(asked.now), cost: asked.cost.min(crate::limit::Rate::MOST + 1), ..asked };
    match (asked.terms.algorithm(), usage) {
        (Algorithm::TokenBucket, Usage::TokenBucket(buckets)) => token_bucket::charge(buckets, asked),
        (Algorithm::TokenBucket, _) => token_bucket::charge(&[], asked),
        (Algorithm::FixedWindow, Usage::FixedWindow(windows)) => fixed_window::charge(windows, asked),
        (Algorithm::FixedWindow, _) => fixed_window::charge(&[], asked),
        (Algorithm::SlidingWindow, Usage::SlidingWindow(windows)) => sliding_window::charge(windows, asked),
        (Algorithm::SlidingWindow, _) => sliding_window::charge(&[], asked),
        (Algorithm::SlidingLog, Usage::Log(log)) => sliding_log::charge(log, asked),
        (Algorithm::SlidingLog, _) => sliding_log::charge(&[], asked),
        (Algorithm::Concurrency, Usage::Slots(slots)) => slots::charge(slots, asked),
        (Algorithm::Concurrency, _) => slots::charge(&[], asked),
    }
}

/// What all rates say together: the one with the least left speaks, and a refusal beats what admits. Without a rate,
/// nothing is admitted.
pub(crate) fn together(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
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
pub(crate) struct Weighed<E> {
    /// The entry with the charge.
    pub(crate) after: E,
    /// The entry without it, where what was stored lies too far ahead.
    pub(crate) healed: Option<E>,
    pub(crate) verdict: Verdict,
    /// For how long what is taken now may be spent.
    pub(crate) lasts: i64,
}

/// A state's entry for one period.
pub(crate) trait Entry: Copy + Ord {
    fn period(&self) -> i64;

    /// When it stops to count.
    fn expires(&self) -> i64;
}

/// Charges a state that has an entry a period. What the rates of other tiers count is counted on, and refuses nothing.
pub(crate) fn by_period<E: Entry>(
    stored: &[E],
    asked: Asked<'_>,
    weigh: impl Fn(Option<E>, &Period) -> Weighed<E>,
    usage: fn(Entries<E>) -> Usage,
) -> Charged {
    let periods = asked.terms.periods();
    if let ([period], [] | [_]) = (periods, stored)
        && period.is_asked()
    {
        let entry = stored.first().filter(|entry| entry.period() == period.rate().period).copied();
        return by_one_period(weigh(entry, period), usage);
    }
    // A state that a host has spoilt may have several: the latest and fullest holds.
    let entry = |period: &Period| stored.iter().filter(|entry| entry.period() == period.rate().period).max().copied();
    let weighed: SmallVec<[Weighed<E>; 1]> = periods.iter().map(|period| weigh(entry(period), period)).collect();
    let own = || weighed.iter().zip(periods).filter(|(_, period)| period.is_asked()).map(|(weighed, _)| weighed);
    let kept = |entries: Entries<E>| Kept {
        expires: entries.iter().map(E::expires).max().unwrap_or(asked.now),
        usage: usage(entries),
    };
    match together(own().map(|weighed| weighed.verdict)) {
        Ok(standing) => Charged::Admitted {
            after: kept(weighed.iter().map(|weighed| weighed.after).collect()),
            standing,
            slot: None,
            lasts: weighed.iter().map(|weighed| weighed.lasts).min().unwrap_or(0),
        },
        Err(refusal) if weighed.iter().all(|weighed| weighed.healed.is_none()) => {
            Charged::Refused { refusal, healed: None }
        }
        Err(refusal) => {
            let entries = weighed.iter().zip(periods);
            let entries = entries.filter_map(|(weighed, period)| weighed.healed.or_else(|| entry(period)));
            Charged::Refused { refusal, healed: Some(kept(entries.collect())) }
        }
    }
}

/// The same for one rate alone, as most limits have: its entry is all of the state.
fn by_one_period<E: Entry>(weighed: Weighed<E>, usage: fn(Entries<E>) -> Usage) -> Charged {
    let Weighed { after, healed, verdict, lasts } = weighed;
    let kept = |entry: E| Kept { expires: entry.expires(), usage: usage(Entries::one(entry)) };
    match verdict {
        Ok(standing) => Charged::Admitted { after: kept(after), standing, slot: None, lasts },
        Err(refusal) => Charged::Refused { refusal, healed: healed.map(kept) },
    }
}

/// The last moment that is told apart, in the year 2223: what is later happens then, and what is before 1970 happens at its
/// beginning. So no sum of a moment and a few periods is beyond what a double holds exactly.
pub(crate) const LATEST: i64 = 8_000_000_000_000_000;

pub(crate) fn moment(at: i64) -> i64 {
    at.clamp(0, LATEST)
}

/// A moment that was stored, which may lie ahead of every clock.
pub(crate) fn stored_moment(at: i64) -> i64 {
    at.clamp(0, LATEST + 2 * crate::limit::Rate::LONGEST)
}

/// The window's beginning.
pub(crate) fn start_of(at: i64, period: i64) -> i64 {
    at - at.rem_euclid(period.max(1))
}

/// Machines that share a bucket don't share a clock: this far, in microseconds, one may be ahead of another.
pub(crate) const SKEW: i64 = 60_000_000;

/// The time that a charge is made at, where the newest of what was counted belongs to `newest`. A clock that is behind
/// by no more than a window and the skew stands still until it has caught up, or what was admitted would be forgotten
/// early. A state from further ahead is wrong, or the clock was: what it holds then counts as admitted now, and the
/// bucket heals with its window.
pub(crate) fn clock(newest: i64, now: i64, period: i64) -> i64 {
    if newest > now && newest <= now.saturating_add(period).saturating_add(SKEW) { newest } else { now }
}

/// What was counted, and a cost more.
pub(crate) fn add(count: u32, cost: u64) -> u32 {
    u32::try_from(u64::from(count).saturating_add(cost)).unwrap_or(u32::MAX)
}
