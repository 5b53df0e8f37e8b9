//! The token bucket as GCRA: one moment says when the bucket is full again. A charge moves it on by what the cost takes
//! to come back, and is admitted if it then lies no further ahead than a whole bucket.
//!
//! All times are told to a part of a microsecond, of which the rate's count makes one, so that a token takes exactly the
//! period divided by the count.

use crate::limit::bucket::{TokenBucket, Usage};
use crate::limit::charge::{Asked, Charged, Entry, Refusal, SKEW, Standing, Weighed, by_period, stored_moment};
use crate::limit::terms::{Parted, Period};

/// No lease lasts longer, in microseconds.
const LONGEST_LEASE: i64 = 10_000_000;

impl Entry for TokenBucket {
    fn period(&self) -> i64 {
        self.period
    }

    fn expires(&self) -> i64 {
        self.full_at + i64::from(self.fraction > 0)
    }
}

/// Charges buckets, one a period.
pub(crate) fn charge(stored: &[TokenBucket], asked: Asked<'_>) -> Charged {
    by_period(stored, asked, |bucket, period| weigh(bucket, period, asked), Usage::TokenBucket)
}

fn weigh(stored: Option<TokenBucket>, period: &Period, asked: Asked<'_>) -> Weighed<TokenBucket> {
    let Asked { cost, now, leased, .. } = asked;
    let rate = period.rate();
    let whole = period.whole();
    let lasts = (whole.micros / 10).min(LONGEST_LEASE);
    let (ahead, is_too_far) = stored.map_or((Parted::ZERO, false), |bucket| ahead(bucket, now, period));
    // What is leased may be spent as late as the lease ends: it counts as if it were.
    let before = if leased { ahead.max(Parted { micros: lasts, parts: 0 }) } else { ahead };
    let after = (cost <= rate.burst).then(|| before.later_by(cost, period));
    let standing = |ahead: Parted| standing(ahead, period);
    let verdict = match after {
        Some(after) if after <= whole => Ok(standing(after)),
        after => Err(Refusal {
            standing: standing(before),
            retry_after: after.map(|after| after.less(whole, rate.count).rounded_up()),
        }),
    };
    let bucket = |ahead: Parted| bucket(now, ahead, period);
    Weighed {
        // Where it isn't asked, it is used up and no more.
        after: bucket(before.max(after.map_or(whole, |after| after.min(whole)))),
        healed: is_too_far.then(|| bucket(before)),
        verdict,
        lasts,
    }
}

/// What most charges come to: one bucket admits them. Where it doesn't, or nobody could have left it so, nothing has happened.
#[inline]
pub(crate) fn admit(stored: &mut TokenBucket, now: i64, cost: u64, period: &Period) -> Option<Standing> {
    let (ahead, is_too_far) = ahead(*stored, now, period);
    if is_too_far || cost > period.rate().burst {
        return None;
    }
    let after = ahead.later_by(cost, period);
    if after > period.whole() {
        return None;
    }
    *stored = bucket(now, after, period);
    Some(standing(after, period))
}

#[inline]
fn bucket(now: i64, ahead: Parted, period: &Period) -> TokenBucket {
    TokenBucket {
        period: period.rate().period,
        full_at: now + ahead.micros,
        fraction: u32::try_from(ahead.parts).unwrap_or(0),
    }
}

#[inline]
fn standing(ahead: Parted, period: &Period) -> Standing {
    let whole = period.whole();
    Standing {
        quota: period.rate().burst,
        window: whole.rounded_up(),
        remaining: tokens_until(whole, ahead, period),
        full_after: ahead.rounded_up(),
    }
}

/// How far ahead the moment lies when the bucket is full; and whether it lies further than any honest one.
#[inline]
fn ahead(bucket: TokenBucket, now: i64, period: &Period) -> (Parted, bool) {
    // Of a rate that has changed, the fraction was in other parts: at most a microsecond of it counts.
    let is_whole = u64::from(bucket.fraction) >= period.rate().count;
    let full_at = stored_moment(bucket.full_at) + i64::from(is_whole);
    let parts = if is_whole { 0 } else { u64::from(bucket.fraction) };
    let ahead = Parted { micros: full_at - now, parts };
    if ahead.micros < 0 {
        return (Parted::ZERO, false);
    }
    let furthest = Parted { micros: period.longest_refill() + SKEW, parts: 0 };
    // What lies ahead of every honest state is a bucket that is empty now.
    if ahead > furthest { (Parted { micros: period.longest_refill(), parts: 0 }, true) } else { (ahead, false) }
}

/// How many tokens come back between two times; none where the second is later.
#[inline]
fn tokens_until(whole: Parted, ahead: Parted, period: &Period) -> u64 {
    if ahead >= whole {
        return 0;
    }
    let rate = period.rate();
    let Parted { micros, parts } = whole.less(ahead, rate.count);
    let micros = micros.unsigned_abs();
    let in_period = rate.period.unsigned_abs().max(1);
    match micros.checked_mul(rate.count).and_then(|all| all.checked_add(parts)) {
        Some(all) => all / in_period,
        None => {
            let all = u128::from(micros) * u128::from(rate.count) + u128::from(parts);
            u64::try_from(all / u128::from(in_period)).unwrap_or(0)
        }
    }
}

impl Parted {
    /// So many tokens later. Of a cost within the burst, no product overflows.
    #[inline]
    fn later_by(self, cost: u64, period: &Period) -> Self {
        let (token, count) = (period.token(), period.rate().count.max(1));
        let parts = self.parts + cost * token.parts;
        // Most tokens take whole microseconds, and a division takes longer than the rest.
        let carried = if parts < count { 0 } else { parts / count };
        let micros = i64::try_from(cost * token.micros.unsigned_abs() + carried).unwrap_or(i64::MAX);
        Self { micros: self.micros.saturating_add(micros), parts: parts - carried * count }
    }

    /// The difference to an earlier time.
    #[inline]
    fn less(self, earlier: Self, count: u64) -> Self {
        let micros = self.micros - earlier.micros;
        match self.parts.checked_sub(earlier.parts) {
            Some(parts) => Self { micros, parts },
            None => Self { micros: micros - 1, parts: self.parts + count - earlier.parts },
        }
    }
}
