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
    let clock = clock(&log, rates, now);
    for admission in &mut log {
        admission.0 = admission.0.min(clock);
    }
    let uses: Vec<Use<'_>> = rates.iter().map(|rate| Use::of(&log, *rate, clock)).collect();
    let least_left = |left: &dyn Fn(&Use<'_>) -> u64, of: &dyn Fn(&Use<'_>) -> bool| {
        uses.iter().filter(|usage| of(usage)).min_by_key(|usage| left(usage))
    };
    let behind = clock.saturating_sub(now);
    if let Some(tightest) = least_left(&|usage| usage.left(0), &|usage| !usage.admits(cost)) {
        let waits = uses.iter().filter(|usage| !usage.admits(cost)).map(|usage| usage.wait(clock, cost));
        let longest: Option<i64> = waits.collect::<Option<Vec<i64>>>().and_then(|waits| waits.into_iter().max());
        let newest = tightest.in_window.last().map_or(clock, |admission| admission.0);
        return Charged::Refused {
            tightest: tightest.standing(0, newest, now),
            retry_after: longest.map(|wait| wait.saturating_add(behind)),
        };
    }
    let Some(tightest) = least_left(&|usage| usage.left(cost), &|_| true) else {
        let nothing = Standing { rate: Rate { count: 0, period: 1 }, remaining: 0, full_after: 0 };
        return Charged::Refused { tightest: nothing, retry_after: None };
    };
    let tightest = tightest.standing(cost, clock, now);
    let mut kept = within(&log, clock, keep).to_vec();
    match kept.last_mut() {
        Some(last) if last.0 == clock => last.1 = last.1.saturating_add(cost),
        _ => kept.push(Admission(clock, cost)),
    }
    Charged::Admitted { state: BucketState { version: state.version.wrapping_add(1), log: kept }, tightest }
}

/// What has been used of a rate.
struct Use<'l> {
    rate: Rate,
    in_window: &'l [Admission],
    used: u64,
}

impl<'l> Use<'l> {
    fn of(log: &'l [Admission], rate: Rate, clock: i64) -> Self {
        let in_window = within(log, clock, rate.period);
        let used = in_window.iter().fold(0_u64, |sum, admission| sum.saturating_add(admission.1));
        Self { rate, in_window, used }
    }

    fn admits(&self, cost: u64) -> bool {
        self.used.saturating_add(cost) <= self.rate.count
    }

    fn left(&self, cost: u64) -> u64 {
        self.rate.count.saturating_sub(self.used.saturating_add(cost))
    }

    fn standing(&self, cost: u64, newest: i64, now: i64) -> Standing {
        let full_after = newest.saturating_add(self.rate.period).saturating_sub(now);
        Standing { rate: self.rate, remaining: self.left(cost), full_after }
    }

    /// How long until enough of the oldest admissions have left the window; never, where the cost is more than all
    /// of it.
    fn wait(&self, clock: i64, cost: u64) -> Option<i64> {
        if cost > self.rate.count {
            return None;
        }
        let mut surplus = self.used.saturating_add(cost).saturating_sub(self.rate.count);
        for admission in self.in_window {
            surplus = surplus.saturating_sub(admission.1);
            if surplus == 0 {
                return Some(admission.0.saturating_add(self.rate.period).saturating_sub(clock));
            }
        }
        Some(self.rate.period)
    }
}

/// The time that a charge is made at. A clock that has jumped back by no more than a window stands still until it has
/// caught up, or admissions would leave their window early. A log from further ahead is wrong, or the clock was: what
/// it holds then counts as admitted now, and the bucket heals within a window.
fn clock(log: &[Admission], rates: &[Rate], now: i64) -> i64 {
    let window = rates.iter().map(|rate| rate.period).max().unwrap_or(0);
    let newest = log.last().map_or(now, |admission| admission.0);
    if newest > now && newest <= now.saturating_add(window) { newest } else { now }
}

/// The admissions in `(now - period, now]`.
fn within(log: &[Admission], now: i64, period: i64) -> &[Admission] {
    let start = log.partition_point(|admission| admission.0 <= now.saturating_sub(period));
    log.get(start..).unwrap_or_default()
}
