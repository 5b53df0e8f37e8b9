//! Concurrency: each running request has a slot until it gives the slot back, or until the rate's period is over. The time
//! at which a slot was taken identifies it: of two requests at one time, the second takes the next microsecond.

use crate::limit::bucket::Usage;
use crate::limit::charge::{ChargeInput, ChargeResult, NextState, RateStatus, Refusal, clock, combine, stored_moment};
use crate::limit::terms::{Period, Rate};

/// Takes one slot. The cost doesn't matter.
pub(crate) fn charge(usage: &Usage, input: ChargeInput<'_>) -> ChargeResult {
    let stored: &[_] = if let Usage::Slots(stored) = usage { stored } else { &[] };
    let ChargeInput { terms, now, .. } = input;
    let newest = stored.iter().copied().max().map_or(now, stored_moment);
    let clock = clock(newest, now, terms.longest_period());
    let mut slots = distinct(stored, clock);
    slots.drain(..slots.partition_point(|slot| *slot <= clock - terms.longest_period()));
    let slot = slots.last().map_or(clock, |last| clock.max(last + 1));
    let result = |Rate { count, period, .. }: Rate| {
        let running = slots.get(slots.partition_point(|slot| *slot <= clock - period)..).unwrap_or_default();
        let taken = u64::try_from(running.len()).unwrap_or(u64::MAX);
        let standing = |taken: u64, newest: Option<i64>| RateStatus {
            quota: count,
            window: period,
            remaining: count.saturating_sub(taken),
            full_after: newest.map_or(0, |newest| newest + period - now),
        };
        if taken < count {
            return Ok(standing(taken + 1, Some(slot)));
        }
        let retry_after = running.first().map(|oldest| oldest + period - now);
        Err(Refusal { standing: standing(taken, running.last().copied()), retry_after })
    };
    let next = |slots: Vec<i64>| NextState {
        expires: slots.last().map_or(now, |newest| *newest) + terms.longest_period(),
        usage: Usage::Slots(slots),
    };
    match combine(terms.periods().iter().filter(|period| period.is_asked()).map(Period::rate).map(result)) {
        Ok(standing) => {
            slots.push(slot);
            ChargeResult::Admitted { after: next(slots), standing, slot: Some(slot), lasts: 0 }
        }
        Err(refusal) => ChargeResult::Refused { refusal, healed: (newest > clock).then(|| next(slots)) },
    }
}

/// The slots in rising order, with distinct times up to the clock.
fn distinct(stored: &[i64], clock: i64) -> Vec<i64> {
    let mut slots = stored.to_vec();
    slots.sort_unstable();
    // Close to time 0, there aren't enough distinct times before the clock.
    let mut latest = clock.max(i64::try_from(slots.len()).unwrap_or(0) - 1);
    for slot in slots.iter_mut().rev() {
        *slot = stored_moment(*slot).min(latest);
        latest = *slot - 1;
    }
    slots
}
