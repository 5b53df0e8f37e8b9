//! The sliding log: each admission counts for exactly one period.

use crate::limit::bucket::{Admission, Usage};
use crate::limit::charge::{
    ChargeInput, ChargeResult, NextState, RateResult, RateStatus, Refusal, add, clock, combine, stored_moment,
};
use crate::limit::terms::{Period, Rate, Terms};

/// Charges a log, and drops the admissions that no rate counts any more.
pub(crate) fn charge(usage: &Usage, input: ChargeInput<'_>) -> ChargeResult {
    let stored: &[_] = if let Usage::Log(stored) = usage { stored } else { &[] };
    let ChargeInput { terms, cost, now, .. } = input;
    let mut log: Vec<Admission> =
        stored.iter().map(|admission| Admission(stored_moment(admission.0), admission.1)).collect();
    log.sort_by_key(|admission| admission.0);
    let own = || terms.periods().iter().filter(|period| period.is_asked()).map(Period::rate);
    let window = own().map(|rate| rate.period).max().unwrap_or(0);
    let newest = log.last().map_or(now, |admission| admission.0);
    let clock = clock(newest, now, window);
    for admission in &mut log {
        admission.0 = admission.0.min(clock);
    }
    let next = |log: Vec<Admission>| NextState {
        // The newest time may be ahead of a clock that has jumped back. It counts until its own window ends.
        expires: log.last().map_or(now, |newest| newest.0) + terms.longest_period(),
        usage: Usage::Log(log),
    };
    match combine(own().map(|rate| RateUsage::of(&log, rate, clock).result(clock, now, cost))) {
        Err(refusal) => {
            let healed = (newest > clock).then(|| next(counting(&log, clock, terms).to_vec()));
            ChargeResult::Refused { refusal, healed }
        }
        Ok(standing) => {
            match log.last_mut() {
                Some(last) if last.0 == clock => last.1 = add(last.1, cost),
                _ => log.push(Admission(clock, add(0, cost))),
            }
            let after = next(counting(&log, clock, terms).to_vec());
            // An admission counts from its own time, so it can't be used later.
            ChargeResult::Admitted { after, standing, slot: None, lasts: 0 }
        }
    }
}

/// The usage of one rate.
struct RateUsage<'l> {
    rate: Rate,
    in_window: &'l [Admission],
    used: u64,
}

impl<'l> RateUsage<'l> {
    fn of(log: &'l [Admission], rate: Rate, clock: i64) -> Self {
        let in_window = within(log, clock, rate.period);
        let used = in_window.iter().fold(0_u64, |sum, admission| sum.saturating_add(admission.1.into()));
        Self { rate, in_window, used }
    }

    fn result(&self, clock: i64, now: i64, cost: u64) -> RateResult {
        if self.used.saturating_add(cost) <= self.rate.count {
            return Ok(self.standing(cost, clock, now));
        }
        let newest = self.in_window.last().map(|admission| admission.0);
        let standing = newest.map_or_else(
            || RateStatus { full_after: 0, ..self.standing(0, clock, now) },
            |newest| self.standing(0, newest, now),
        );
        let behind = clock - now;
        Err(Refusal { standing, retry_after: self.wait(clock, cost).map(|wait| wait + behind) })
    }

    fn left(&self, cost: u64) -> u64 {
        self.rate.count.saturating_sub(self.used.saturating_add(cost))
    }

    fn standing(&self, cost: u64, newest: i64, now: i64) -> RateStatus {
        let Rate { count, period, .. } = self.rate;
        RateStatus { quota: count, window: period, remaining: self.left(cost), full_after: newest + period - now }
    }

    /// The time until enough of the oldest admissions have left the window. `None` if the cost is more than the rate.
    fn wait(&self, clock: i64, cost: u64) -> Option<i64> {
        if cost > self.rate.count {
            return None;
        }
        let mut surplus = self.used.saturating_add(cost).saturating_sub(self.rate.count);
        for admission in self.in_window {
            surplus = surplus.saturating_sub(admission.1.into());
            if surplus == 0 {
                return Some(admission.0 + self.rate.period - clock);
            }
        }
        Some(self.rate.period)
    }
}

/// The admissions in `(now - period, now]`.
fn within(log: &[Admission], now: i64, period: i64) -> &[Admission] {
    let start = log.partition_point(|admission| admission.0 <= now - period);
    log.get(start..).unwrap_or_default()
}

/// The admissions that a rate still counts: the newest ones of its window, up to its count. So a log is never longer than the
/// highest count of its rates, even if the callers of one tier are admitted more than the rates of another count.
fn counting<'l>(log: &'l [Admission], clock: i64, terms: &Terms) -> &'l [Admission] {
    let needed = |period: &Period| {
        let in_window = within(log, clock, period.rate().period);
        let mut sum = 0_u64;
        let newest = in_window.iter().rev().take_while(|admission| {
            let is_short = sum < period.most();
            sum = sum.saturating_add(admission.1.into());
            is_short
        });
        newest.count()
    };
    let longest = terms.periods().iter().map(needed).max().unwrap_or(0);
    log.get(log.len().saturating_sub(longest)..).unwrap_or_default()
}
