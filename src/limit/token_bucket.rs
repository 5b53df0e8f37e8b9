//! The token bucket as GCRA: its state is the time at which the bucket is full again. A charge adds the time in which its cost
//! comes back. It is admitted if the new time is ahead of the clock by no more than a whole bucket takes.
//!
//! Times have a fraction, in parts of one divided by the rate's count, so that a token takes exactly the period divided by the
//! count.

use crate::limit::bucket::{TokenBucket, Usage};
use crate::limit::charge::{
    ChargeInput, ChargeResult, Entry, EntryResult, RateStatus, Refusal, SKEW, charge_periods, stored_moment,
};
use crate::limit::terms::{Period, PreciseDuration};

/// The longest lease, in microseconds.
const LONGEST_LEASE: i64 = 10_000_000;

impl Entry for TokenBucket {
    fn period(&self) -> i64 {
        self.period
    }

    fn expires(&self) -> i64 {
        self.full_at + i64::from(self.fraction > 0)
    }
}

pub(crate) fn charge(usage: &Usage, input: ChargeInput<'_>) -> ChargeResult {
    let stored: &[_] = if let Usage::TokenBucket(stored) = usage { stored } else { &[] };
    charge_periods(stored, input, |bucket, period| charge_bucket(bucket, period, input), Usage::TokenBucket)
}

fn charge_bucket(stored: Option<TokenBucket>, period: &Period, input: ChargeInput<'_>) -> EntryResult<TokenBucket> {
    let ChargeInput { cost, now, leased, .. } = input;
    let rate = period.rate();
    let whole = period.whole();
    let lasts = (whole.micros / 10).min(LONGEST_LEASE);
    let (ahead, is_too_far) = stored.map_or((PreciseDuration::ZERO, false), |bucket| ahead(bucket, now, period));
    // A lease may be used until its end, so it counts as if it were used then.
    let before = if leased { ahead.max(PreciseDuration { micros: lasts, parts: 0 }) } else { ahead };
    let after = (cost <= rate.burst).then(|| before.later_by(cost, period));
    let standing = |ahead: PreciseDuration| standing(ahead, period);
    let result = match after {
        Some(after) if after <= whole => Ok(standing(after)),
        after => Err(Refusal {
            standing: standing(before),
            retry_after: after.map(|after| after.less(whole, rate.count).rounded_up()),
        }),
    };
    let bucket = |ahead: PreciseDuration| bucket(now, ahead, period);
    EntryResult {
        // A rate that isn't asked admits more than its bucket has: then the bucket is empty.
        after: bucket(before.max(after.map_or(whole, |after| after.min(whole)))),
        healed: is_too_far.then(|| bucket(before)),
        result,
        lasts,
    }
}

/// The fast path for a single bucket that admits a charge. Otherwise it returns `None` and changes nothing.
#[inline]
pub(crate) fn admit(stored: &mut TokenBucket, now: i64, cost: u64, period: &Period) -> Option<RateStatus> {
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
fn bucket(now: i64, ahead: PreciseDuration, period: &Period) -> TokenBucket {
    TokenBucket {
        period: period.rate().period,
        full_at: now + ahead.micros,
        fraction: u32::try_from(ahead.parts).unwrap_or(0),
    }
}

#[inline]
fn standing(ahead: PreciseDuration, period: &Period) -> RateStatus {
    let whole = period.whole();
    RateStatus {
        quota: period.rate().burst,
        window: whole.rounded_up(),
        remaining: tokens_until(whole, ahead, period),
        full_after: ahead.rounded_up(),
    }
}

/// The time until the bucket is full. True beside it if a correct clock could not have left the bucket so.
#[inline]
fn ahead(bucket: TokenBucket, now: i64, period: &Period) -> (PreciseDuration, bool) {
    // If the rate has changed, the fraction was in other parts. It counts as at most a microsecond.
    let is_whole = u64::from(bucket.fraction) >= period.rate().count;
    let full_at = stored_moment(bucket.full_at) + i64::from(is_whole);
    let parts = if is_whole { 0 } else { u64::from(bucket.fraction) };
    let ahead = PreciseDuration { micros: full_at - now, parts };
    if ahead.micros < 0 {
        return (PreciseDuration::ZERO, false);
    }
    let furthest = PreciseDuration { micros: period.longest_refill() + SKEW, parts: 0 };
    // A bucket with an impossible time counts as empty now.
    if ahead > furthest {
        (PreciseDuration { micros: period.longest_refill(), parts: 0 }, true)
    } else {
        (ahead, false)
    }
}

/// The number of tokens that come back between `ahead` and `whole`.
#[inline]
fn tokens_until(whole: PreciseDuration, ahead: PreciseDuration, period: &Period) -> u64 {
    if ahead >= whole {
        return 0;
    }
    let rate = period.rate();
    let PreciseDuration { micros, parts } = whole.less(ahead, rate.count);
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

impl PreciseDuration {
    /// The time in which further tokens have come back. No product overflows if the cost is at most the burst.
    #[inline]
    fn later_by(self, cost: u64, period: &Period) -> Self {
        let (token, count) = (period.token(), period.rate().count.max(1));
        let parts = self.parts + cost * token.parts;
        // Most tokens take whole microseconds, and a division is slow.
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
