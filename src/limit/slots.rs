//! How many run at once: each has a slot, which it gives back, or which is free again after the rate's period. A slot is
//! known by the moment at which it was taken, and moments are told apart: the second of two takes the next microsecond.

use crate::limit::bucket::Usage;
use crate::limit::charge::{Asked, Charged, Kept, Refusal, Standing, clock, stored_moment, together};
use crate::limit::terms::{Period, Rate};

/// Takes a slot. A request takes one, whatever it costs.
pub(crate) fn charge(stored: &[i64], asked: Asked<'_>) -> Charged {
    let Asked { terms, now, .. } = asked;
    let newest = stored.iter().copied().max().map_or(now, stored_moment);
    let clock = clock(newest, now, terms.longest_period());
    let mut slots = told_apart(stored, clock);
    slots.drain(..slots.partition_point(|slot| *slot <= clock - terms.longest_period()));
    let slot = slots.last().map_or(clock, |last| clock.max(last + 1));
    let verdict = |Rate { count, period, .. }: Rate| {
        let running = slots.get(slots.partition_point(|slot| *slot <= clock - period)..).unwrap_or_default();
        let taken = u64::try_from(running.len()).unwrap_or(u64::MAX);
        let standing = |taken: u64, newest: Option<i64>| Standing {
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
    let kept = |slots: Vec<i64>| Kept {
        expires: slots.last().map_or(now, |newest| *newest) + terms.longest_period(),
        usage: Usage::Slots(slots),
    };
    match together(terms.periods().iter().filter(|period| period.is_asked()).map(Period::rate).map(verdict)) {
        Ok(standing) => {
            slots.push(slot);
            Charged::Admitted { after: kept(slots), standing, slot: Some(slot), lasts: 0 }
        }
        Err(refusal) => Charged::Refused { refusal, healed: (newest > clock).then(|| kept(slots)) },
    }
}

/// The slots in their order, the newest no later than the clock, and no two at one moment.
fn told_apart(stored: &[i64], clock: i64) -> Vec<i64> {
    let mut slots = stored.to_vec();
    slots.sort_unstable();
    // At the beginning of time, there is no room for all of them before the clock.
    let mut latest = clock.max(i64::try_from(slots.len()).unwrap_or(0) - 1);
    for slot in slots.iter_mut().rev() {
        *slot = stored_moment(*slot).min(latest);
        latest = *slot - 1;
    }
    slots
}
