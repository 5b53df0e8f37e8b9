//! The sliding log: an admission counts for exactly one window from its moment. A pure transition from state to
//! state, in integer microseconds.

use crate::check::typed::Rate;
use crate::model::bucket::{Admission, BucketState};

/// What a charge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Charged {
    /// It fits into every rate.
    Admitted { state: BucketState, tightest: Standing },
    /// It doesn't.
    Refused {
        tightest: Standing,
        /// In how many microseconds it would fit; never, where it costs more than a whole window's worth.
        retry_after: Option<i64>,
    },
}

/// How a rate stands after a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) rate: Rate,
    pub(super) remaining: u64,
    /// In how many microseconds all of it is there again, if nothing else comes.
    pub(super) full_after: i64,
}

/// Charges `cost` at `now`, in microseconds since 1970. Without a rate, nothing is admitted. What is older than
/// `keep` microseconds is forgotten.
pub(super) fn charge(state: &BucketState, rates: &[Rate], keep: i64, now: i64, cost: u64) -> Charged {
    let mut log = state.log.clone();
    log.sort_unstable();
    let clock = clock(&log, keep, now);
    for admission in &mut log {
        admission.0 = admission.0.min(clock);
    }
    let behind = clock.saturating_sub(now);
    let mut retry_after = Some(0);
    let mut tightest: Option<Standing> = None;
    for rate in rates {
        let in_window = within(&log, clock, rate.period);
        let used = in_window.iter().fold(0_u64, |sum, admission| sum.saturating_add(admission.1));
        let fits = used.saturating_add(cost) <= rate.count;
        let counted = if fits { used.saturating_add(cost) } else { used };
        let newest = if fits { clock } else { in_window.last().map_or(clock, |admission| admission.0) };
        let standing = Standing {
            rate: *rate,
            remaining: rate.count.saturating_sub(counted),
            full_after: newest.saturating_add(rate.period).saturating_sub(now),
        };
        if tightest.is_none_or(|known| standing.remaining < known.remaining) {
            tightest = Some(standing);
        }
        if !fits {
            let wait = wait(in_window, *rate, clock, used, cost).map(|wait| wait.saturating_add(behind));
            retry_after = retry_after.zip(wait).map(|(known, wait): (i64, i64)| known.max(wait));
        }
    }
    let tightest = tightest.unwrap_or(Standing { rate: Rate { count: 0, period: 1 }, remaining: 0, full_after: 0 });
    if rates.is_empty() || retry_after != Some(0) {
        return Charged::Refused { tightest, retry_after };
    }
    let mut kept = within(&log, clock, keep).to_vec();
    match kept.last_mut() {
        Some(last) if last.0 == clock => last.1 = last.1.saturating_add(cost),
        _ => kept.push(Admission(clock, cost)),
    }
    Charged::Admitted { state: BucketState { version: state.version.wrapping_add(1), log: kept }, tightest }
}

/// The time that a charge is made at. A clock that has jumped back by no more than what is kept stands still until it
/// has caught up, or admissions would leave their window early. A log from further ahead is wrong, or the clock was:
/// what it holds then counts as admitted now, and the bucket heals within a window.
fn clock(log: &[Admission], keep: i64, now: i64) -> i64 {
    let newest = log.last().map_or(now, |admission| admission.0);
    if newest > now && newest <= now.saturating_add(keep) { newest } else { now }
}

/// The admissions in `(now - period, now]`.
fn within(log: &[Admission], now: i64, period: i64) -> &[Admission] {
    let start = log.partition_point(|admission| admission.0 <= now.saturating_sub(period));
    log.get(start..).unwrap_or_default()
}

/// How long until enough of the oldest admissions have left the window.
fn wait(in_window: &[Admission], rate: Rate, now: i64, used: u64, cost: u64) -> Option<i64> {
    if cost > rate.count {
        return None;
    }
    let mut surplus = used.saturating_add(cost).saturating_sub(rate.count);
    for admission in in_window {
        surplus = surplus.saturating_sub(admission.1);
        if surplus == 0 {
            return Some(admission.0.saturating_add(rate.period).saturating_sub(now).max(1));
        }
    }
    Some(rate.period)
}
