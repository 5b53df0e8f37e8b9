//! The sliding window by two counters: of the window before, as much counts as still overlaps with the last period, as
//! if it had come evenly. In integers: `previous · (W − e) + current · W ≤ L · W`, where `e` is the time since the
//! window began.

use crate::check::typed::Rate;
use crate::model::bucket::{SlidingWindow, Usage};

use super::charge::{Charge, Charged, Refusal, Standing, Weighed, by_period, clock, start_of};

/// Charges pairs of windows, one a period.
pub(super) fn charge(stored: &[SlidingWindow], charge: Charge<'_>) -> Charged {
    let weigh = |windows: Option<SlidingWindow>, rate: Rate| weigh(windows, rate, charge.now, charge.cost);
    by_period(stored, charge, |windows| windows.period, weigh, end, Usage::SlidingWindow)
}

/// When nothing in the windows counts any more.
fn end(windows: &SlidingWindow) -> i64 {
    windows.start.saturating_add(windows.period).saturating_add(windows.period)
}

fn weigh(stored: Option<SlidingWindow>, rate: Rate, now: i64, cost: u64) -> Weighed<SlidingWindow> {
    let Rate { period, count, .. } = rate;
    let stored = stored.map(|windows| SlidingWindow { start: start_of(windows.start, period), ..windows });
    let clock = stored.map_or(now, |windows| clock(windows.start, now, period));
    let start = start_of(clock, period);
    let (previous, current) = match stored {
        Some(windows) if windows.start >= start => (windows.previous, windows.current),
        Some(windows) if windows.start.saturating_add(period) == start => (windows.current, 0),
        _ => (0, 0),
    };
    let before = SlidingWindow { period, start, previous, current };
    let after = SlidingWindow { current: current.saturating_add(cost), ..before };
    let elapsed = clock.saturating_sub(start);
    let standing = |windows: SlidingWindow| Standing {
        quota: count,
        window: period,
        remaining: remaining(windows, count, elapsed).unwrap_or(0),
        full_after: match windows {
            SlidingWindow { current: 1.., .. } => end(&windows).saturating_sub(now),
            SlidingWindow { previous: 1.., .. } => end(&windows).saturating_sub(period).saturating_sub(now),
            _ => 0,
        },
    };
    let verdict = if remaining(after, count, elapsed).is_some() {
        Ok(standing(after))
    } else {
        let fits = wait(before, count, cost).map(|since_start| start.saturating_add(since_start).saturating_sub(now));
        Err(Refusal { standing: standing(before), retry_after: fits })
    };
    let healed = stored.is_some_and(|windows| windows.start > start).then_some(before);
    Weighed { after, healed, verdict }
}

/// What is left of `count`; nothing where the windows hold more.
fn remaining(windows: SlidingWindow, count: u64, elapsed: i64) -> Option<u64> {
    let SlidingWindow { period, previous, current, .. } = windows;
    let overlap = i128::from(period.saturating_sub(elapsed));
    // A product of 64 bits each, so nothing overflows; nor does the sum of three.
    let left = (i128::from(count) - i128::from(current)) * i128::from(period) - i128::from(previous) * overlap;
    u64::try_from(left.checked_div(i128::from(period))?).ok().filter(|_| left >= 0)
}

/// How long after the window's beginning a refused cost fits; never, where it is more than all there is.
fn wait(windows: SlidingWindow, count: u64, cost: u64) -> Option<i64> {
    let SlidingWindow { period, previous, current, .. } = windows;
    let room = count.checked_sub(cost)?;
    // So much of `weighing` overlaps with the last period, at the latest, that it counts no more than `room`.
    let until = |weighing: u64, room: u64| {
        let overlap = i128::from(room) * i128::from(period) / i128::from(weighing.max(1));
        i64::try_from(i128::from(period) - overlap).unwrap_or(period).max(0)
    };
    Some(match room.checked_sub(current) {
        Some(room) => until(previous, room),
        None => period.saturating_add(until(current, room)),
    })
}
