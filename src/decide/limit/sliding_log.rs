//! The sliding log: an admission counts for exactly one window from its moment.

use crate::check::typed::Rate;
use crate::model::bucket::{Admission, Usage};

use super::charge::{Charge, Charged, Kept, Refusal, Standing, Verdict, clock, together};

/// Charges a log. What is older than the limit's longest period is forgotten.
pub(super) fn charge(stored: &[Admission], charge: Charge<'_>) -> Charged {
    let Charge { limit, rates, cost, now } = charge;
    let mut log = stored.to_vec();
    log.sort_unstable();
    let window = rates.iter().map(|rate| rate.period).max().unwrap_or(0);
    let newest = log.last().map_or(now, |admission| admission.0);
    let clock = clock(newest, now, window);
    for admission in &mut log {
        admission.0 = admission.0.min(clock);
    }
    let keep = limit.periods.iter().map(|known| known.rate.period).max().unwrap_or(0);
    let kept = |log: Vec<Admission>| Kept {
        // The newest may lie ahead of a clock that has jumped back, and counts until its own window ends.
        expires: log.last().map_or(now, |newest| newest.0).saturating_add(keep),
        usage: Usage::Log(log),
    };
    match together(rates.iter().map(|rate| Use::of(&log, *rate, clock).verdict(clock, now, cost))) {
        Err(refusal) => {
            let healed = (newest > clock).then(|| kept(within(&log, clock, keep).to_vec()));
            Charged::Refused { refusal, healed }
        }
        Ok(standing) => {
            let mut after = within(&log, clock, keep).to_vec();
            match after.last_mut() {
                Some(last) if last.0 == clock => last.1 = last.1.saturating_add(cost),
                _ => after.push(Admission(clock, cost)),
            }
            Charged::Admitted { after: kept(after), standing }
        }
    }
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

    fn verdict(&self, clock: i64, now: i64, cost: u64) -> Verdict {
        if self.used.saturating_add(cost) <= self.rate.count {
            return Ok(self.standing(cost, clock, now));
        }
        let newest = self.in_window.last().map(|admission| admission.0);
        let standing = newest.map_or_else(
            || Standing { full_after: 0, ..self.standing(0, clock, now) },
            |newest| self.standing(0, newest, now),
        );
        let behind = clock.saturating_sub(now);
        Err(Refusal { standing, retry_after: self.wait(clock, cost).map(|wait| wait.saturating_add(behind)) })
    }

    fn left(&self, cost: u64) -> u64 {
        self.rate.count.saturating_sub(self.used.saturating_add(cost))
    }

    fn standing(&self, cost: u64, newest: i64, now: i64) -> Standing {
        let Rate { count, period, .. } = self.rate;
        let full_after = newest.saturating_add(period).saturating_sub(now);
        Standing { quota: count, window: period, remaining: self.left(cost), full_after }
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

/// The admissions in `(now - period, now]`.
fn within(log: &[Admission], now: i64, period: i64) -> &[Admission] {
    let start = log.partition_point(|admission| admission.0 <= now.saturating_sub(period));
    log.get(start..).unwrap_or_default()
}
