//! The fixed window: what was admitted since the clock last passed a multiple of the period. Cheap, and it admits twice
//! the rate around a boundary.

use crate::check::typed::Rate;
use crate::model::bucket::{FixedWindow, Usage};

use super::charge::{Charge, Charged, Refusal, Standing, Weighed, by_period, clock, start_of};

/// Charges windows, one a period.
pub(super) fn charge(stored: &[FixedWindow], charge: Charge<'_>) -> Charged {
    let weigh = |window: Option<FixedWindow>, rate: Rate| weigh(window, rate, charge.now, charge.cost);
    by_period(stored, charge, |window| window.period, weigh, end, Usage::FixedWindow)
}

fn end(window: &FixedWindow) -> i64 {
    window.start.saturating_add(window.period)
}

fn weigh(stored: Option<FixedWindow>, rate: Rate, now: i64, cost: u64) -> Weighed<FixedWindow> {
    let Rate { period, count, .. } = rate;
    let stored = stored.map(|window| FixedWindow { start: start_of(window.start, period), ..window });
    let clock = stored.map_or(now, |window| clock(window.start, now, period));
    let start = start_of(clock, period);
    let used = stored.filter(|window| window.start >= start).map_or(0, |window| window.count);
    let before = FixedWindow { period, start, count: used };
    let after = FixedWindow { count: used.saturating_add(cost), ..before };
    let left = end(&after).saturating_sub(now);
    let standing = |used: u64| Standing {
        quota: count,
        window: period,
        remaining: count.saturating_sub(used),
        full_after: if used > 0 { left } else { 0 },
    };
    let verdict = if after.count <= count {
        Ok(standing(after.count))
    } else {
        let retry_after = (cost <= count).then_some(left);
        Err(Refusal { standing: standing(used), retry_after })
    };
    let healed = stored.is_some_and(|window| window.start > start).then_some(before);
    Weighed { after, healed, verdict }
}
