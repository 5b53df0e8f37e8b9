//! The sliding window with two counters. The window before counts by the part that is within the last period, as if its
//! requests had come evenly.

use crate::limit::bucket::{SlidingWindow, Usage};
use crate::limit::charge::{
    ChargeInput, ChargeResult, Entry, EntryResult, RateStatus, Refusal, add, charge_periods, clock, start_of,
    stored_moment,
};
use crate::limit::terms::{Period, Rate};

impl Entry for SlidingWindow {
    fn period(&self) -> i64 {
        self.period
    }

    fn expires(&self) -> i64 {
        self.start + 2 * self.period
    }
}

pub(crate) fn charge(usage: &Usage, input: ChargeInput<'_>) -> ChargeResult {
    let stored: &[_] = if let Usage::SlidingWindow(stored) = usage { stored } else { &[] };
    let charge =
        |windows: Option<SlidingWindow>, period: &Period| charge_windows(windows, period.rate(), input.now, input.cost);
    charge_periods(stored, input, charge, Usage::SlidingWindow)
}

fn charge_windows(stored: Option<SlidingWindow>, rate: Rate, now: i64, cost: u64) -> EntryResult<SlidingWindow> {
    let Rate { period, count, .. } = rate;
    let stored =
        stored.map(|windows| SlidingWindow { start: start_of(stored_moment(windows.start), period), ..windows });
    let clock = stored.map_or(now, |windows| clock(windows.start, now, period));
    let start = start_of(clock, period);
    let (previous, current) = match stored {
        Some(windows) if windows.start >= start => (windows.previous, windows.current),
        Some(windows) if windows.start + period == start => (windows.current, 0),
        _ => (0, 0),
    };
    let before = SlidingWindow { period, start, previous, current };
    let after = SlidingWindow { current: add(current, cost), ..before };
    let overlap = period - (clock - start);
    let standing = |windows: SlidingWindow| RateStatus {
        quota: count,
        window: period,
        remaining: remaining(windows, count, overlap).unwrap_or(0),
        full_after: match windows {
            SlidingWindow { current: 1.., .. } => windows.expires() - now,
            SlidingWindow { previous: 1.., .. } => windows.expires() - period - now,
            _ => 0,
        },
    };
    let result = if remaining(after, count, overlap).is_some() {
        Ok(standing(after))
    } else {
        let retry_after = wait(before, count, cost).map(|since_start| start + since_start - now);
        Err(Refusal { standing: standing(before), retry_after })
    };
    let healed = stored.is_some_and(|windows| windows.start > start).then_some(before);
    EntryResult { after, healed, result, lasts: overlap }
}

/// The rest of `count`. `None` if the windows have more. The weight of the window before is rounded up.
fn remaining(windows: SlidingWindow, count: u64, overlap: i64) -> Option<u64> {
    let SlidingWindow { period, previous, current, .. } = windows;
    let weight = (u128::from(previous) * wide(overlap)).div_ceil(wide(period.max(1)));
    count.checked_sub(current.into())?.checked_sub(u64::try_from(weight).ok()?)
}

/// The time from the window's beginning until a refused cost fits. `None` if it is more than `count`.
fn wait(windows: SlidingWindow, count: u64, cost: u64) -> Option<i64> {
    let SlidingWindow { period, previous, current, .. } = windows;
    let room = count.checked_sub(cost)?;
    Some(match room.checked_sub(current.into()) {
        Some(room) => until_no_more_than(room, previous, period),
        None => period + until_no_more_than(room, current, period),
    })
}

/// The time from the end of a window with `count` until its weight is at most `room`.
fn until_no_more_than(room: u64, count: u32, period: i64) -> i64 {
    let count = u64::from(count);
    if count <= room {
        return 0;
    }
    let overlap = u128::from(room) * wide(period) / u128::from(count);
    period - i64::try_from(overlap).unwrap_or(period)
}

fn wide(time: i64) -> u128 {
    u128::from(time.unsigned_abs())
}
