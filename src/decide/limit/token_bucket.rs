//! The token bucket as GCRA: one moment says when the bucket is full again. A charge moves it on by what the cost takes
//! to come back, and is admitted if it then lies no further ahead than a whole bucket.

use crate::check::typed::Rate;
use crate::model::bucket::{TokenBucket, Usage};

use super::charge::{Charge, Charged, Refusal, SKEW, Standing, Weighed, by_period};

/// Charges buckets, one a period.
pub(super) fn charge(stored: &[TokenBucket], charge: Charge<'_>) -> Charged {
    by_period(
        stored,
        charge,
        |bucket| bucket.period,
        |bucket, rate| weigh(bucket, rate, charge),
        end,
        Usage::TokenBucket,
    )
}

/// When the bucket is full, to the microsecond.
fn end(bucket: &TokenBucket) -> i64 {
    bucket.full_at.saturating_add(i64::from(bucket.fraction > 0))
}

/// All times are counted in parts of a microsecond, `count` of them, so that a token takes exactly `period` of these.
/// A time, a rate's count (20 bits) or a cost, and a period have fewer than 127 bits together.
fn weigh(stored: Option<TokenBucket>, rate: Rate, charge: Charge<'_>) -> Weighed<TokenBucket> {
    let Rate { period, burst, .. } = rate;
    let count = i128::from(rate.count.max(1));
    let token = i128::from(period.max(1));
    let bucket = |full_at: i128| TokenBucket {
        period,
        full_at: i64::try_from(full_at.div_euclid(count)).unwrap_or(i64::MAX),
        fraction: u64::try_from(full_at.rem_euclid(count)).unwrap_or(0),
    };
    let now = i128::from(charge.now) * count;
    let whole = i128::from(burst) * token;
    let period_of_limit = charge.limit.periods.iter().find(|known| known.rate.period == period);
    let furthest = period_of_limit.map_or_else(|| rate.refill(), |known| known.longest_refill);
    let empty = now + i128::from(furthest) * count;
    let horizon = empty + i128::from(SKEW) * count;
    let stored = stored.map_or(now, |bucket| {
        // Of a rate that has changed, the fraction was in other parts: at most a microsecond of it counts.
        i128::from(bucket.full_at) * count + i128::from(bucket.fraction).min(count)
    });
    // What lies ahead of every honest state is a bucket that is empty now.
    let before = if stored > horizon { empty } else { stored.max(now) };
    let after = before.saturating_add(i128::from(charge.cost).saturating_mul(token));
    let microseconds = |parts: i128| i64::try_from((parts.max(0) + count - 1) / count).unwrap_or(i64::MAX);
    let standing = |full_at: i128| Standing {
        quota: burst,
        window: rate.refill(),
        remaining: u64::try_from((now + whole - full_at) / token).unwrap_or(0),
        full_after: microseconds(full_at - now),
    };
    let verdict = if after <= now + whole {
        Ok(standing(after))
    } else {
        let retry_after = (charge.cost <= burst).then(|| microseconds(after - whole - now));
        Err(Refusal { standing: standing(before), retry_after })
    };
    Weighed {
        // Where it isn't asked, it is used up and no more.
        after: bucket(before.max(after.min(now + whole))),
        healed: (stored > horizon).then(|| bucket(before)),
        verdict,
    }
}
