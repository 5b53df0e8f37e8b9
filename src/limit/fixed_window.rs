//! The fixed window: counts what was admitted since the clock last passed a multiple of the period. It is cheap, and admits
//! twice the rate around a boundary.

use crate::limit::bucket::{FixedWindow, Usage};
use crate::limit::charge::{
    ChargeInput, ChargeResult, Entry, EntryResult, RateStatus, Refusal, add, charge_periods, clock, start_of,
    stored_moment,
};
use crate::limit::terms::{Period, Rate};

impl Entry for FixedWindow {
    fn period(&self) -> i64 {
        self.period
    }

    fn expires(&self) -> i64 {
        self.start + self.period
    }
}

pub(crate) fn charge(usage: &Usage, input: ChargeInput<'_>) -> ChargeResult {
    let stored: &[_] = if let Usage::FixedWindow(stored) = usage { stored } else { &[] };
    let charge =
        |window: Option<FixedWindow>, period: &Period| charge_window(window, period.rate(), input.now, input.cost);
    charge_periods(stored, input, charge, Usage::FixedWindow)
}

fn charge_window(stored: Option<FixedWindow>, rate: Rate, now: i64, cost: u64) -> EntryResult<FixedWindow> {
    let Rate { period, count, .. } = rate;
    let stored = stored.map(|window| FixedWindow { start: start_of(stored_moment(window.start), period), ..window });
    let clock = stored.map_or(now, |window| clock(window.start, now, period));
    let start = start_of(clock, period);
    let used = stored.filter(|window| window.start >= start).map_or(0, |window| window.count);
    let before = FixedWindow { period, start, count: used };
    let after = FixedWindow { count: add(used, cost), ..before };
    let left = before.expires() - now;
    let standing = |used: u32| RateStatus {
        quota: count,
        window: period,
        remaining: count.saturating_sub(used.into()),
        full_after: if used > 0 { left } else { 0 },
    };
    let result = if u64::from(after.count) <= count {
        Ok(standing(after.count))
    } else {
        Err(Refusal { standing: standing(used), retry_after: (cost <= count).then_some(left) })
    };
    let healed = stored.is_some_and(|window| window.start > start).then_some(before);
    EntryResult { after, healed, result, lasts: before.expires() - clock }
}
