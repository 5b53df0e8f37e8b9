//! The model of a store: a plain map, from which a state may be removed once it has expired, and no sooner.
//!
//! A store may remove an expired state at any time. If the clock only advances, that makes no difference, as an expired state has the
//! same effect as none. After a clock has jumped back, the state may still be there or not. So the model has all possible states, and
//! each answer of the store rules some of them out. Still, every number of an answer has to equal the number for one of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use portcullis::limit::Usage;
use portcullis::limit::{Charge, Leasing, charge_all};
use portcullis::token::FamilyState;
use portcullis_store::Charged;

/// The time from which a store may remove a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgets {
    /// The first call with a time at or after the expiry.
    ByNow,
    /// The end of the state's lifetime in real time since its write, independent of the times of calls.
    ByWallClock,
}

/// The tolerance for a server's clock, which may be a little faster and counts in milliseconds.
const SLACK: Duration = Duration::from_millis(20);

/// The real times between which a store did a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

/// A state that was written.
#[derive(Debug, Clone)]
struct Kept<T> {
    value: T,
    expires: i64,
    /// The earliest real time of the expiry by a server's clock, or `None` if that is too far away.
    gone_from: Option<Instant>,
    may_be_gone: bool,
}

impl<T> Kept<T> {
    fn new(value: T, expires: i64, at: i64, call: Call) -> Self {
        let left = Duration::from_micros(u64::try_from(expires.saturating_sub(at)).unwrap_or(0));
        let sure = left.saturating_sub(SLACK + left / 1_000);
        Self { value, expires, gone_from: call.sent.checked_add(sure), may_be_gone: false }
    }
}

/// The possible states of one id. The list is never empty.
#[derive(Debug, Clone)]
struct Possible<T>(Vec<Option<Kept<T>>>);

impl<T> Default for Possible<T> {
    fn default() -> Self {
        Self(vec![None])
    }
}

impl<T: PartialEq> Possible<T> {
    fn collect(states: impl IntoIterator<Item = Option<Kept<T>>>) -> Self {
        let mut possible: Vec<Option<Kept<T>>> = Vec::new();
        for state in states {
            let same = possible.iter_mut().find(|known| match (known, &state) {
                (Some(known), Some(state)) => known.value == state.value && known.expires == state.expires,
                (known, state) => known.is_none() && state.is_none(),
            });
            match (same, state) {
                (Some(Some(known)), Some(state)) => {
                    known.may_be_gone |= state.may_be_gone;
                    known.gone_from = known.gone_from.into_iter().chain(state.gone_from).min();
                }
                (Some(_), _) => {}
                (None, state) => possible.push(state),
            }
        }
        Self(possible)
    }

    /// Notes which states the store may have removed by a call with this time, if it has one.
    fn expire(&mut self, forgets: Forgets, now: Option<i64>, call: Call) {
        for kept in self.0.iter_mut().flatten() {
            kept.may_be_gone |= match forgets {
                Forgets::ByNow => now.is_some_and(|now| now >= kept.expires),
                Forgets::ByWallClock => kept.gone_from.is_some_and(|gone| call.answered >= gone),
            };
        }
        let may_be_gone = self.0.iter().flatten().any(|kept| kept.may_be_gone);
        if may_be_gone && !self.0.iter().any(Option::is_none) {
            self.0.push(None);
        }
    }
}

impl<T: Clone> Possible<T> {
    /// Returns the possible reads at a time, each with the state afterwards if nothing is written. A store may ignore an expired state
    /// without removing it.
    fn readings(&self, at: i64) -> Vec<Reading<T>> {
        let skipped = self.0.iter().filter(|state| state.as_ref().is_some_and(|kept| kept.expires <= at));
        let read = self.0.iter().map(|state| Reading { read: state.clone(), stored: state.clone() });
        read.chain(skipped.map(|state| Reading { read: None, stored: state.clone() })).collect()
    }
}

/// A possible read of an id, and the stored state afterwards.
#[derive(Debug, Clone)]
struct Reading<T> {
    read: Option<Kept<T>>,
    stored: Option<Kept<T>>,
}

/// All possible states of a store.
#[derive(Debug)]
pub(crate) struct Model {
    forgets: Forgets,
    buckets: HashMap<String, Possible<Usage>>,
    families: HashMap<String, Possible<FamilyState>>,
}

impl Model {
    pub(crate) fn new(forgets: Forgets) -> Self {
        Self { forgets, buckets: HashMap::new(), families: HashMap::new() }
    }

    fn expire(&mut self, now: Option<i64>, call: Call) {
        self.buckets.values_mut().for_each(|bucket| bucket.expire(self.forgets, now, call));
        self.families.values_mut().for_each(|family| family.expire(self.forgets, now, call));
    }

    /// Checks the store's answer to charges. The error has the expected ones.
    pub(crate) fn charge(
        &mut self,
        charges: &[Charge],
        leasing: Leasing,
        charged: &Charged,
        call: Call,
    ) -> Result<(), String> {
        self.expire(Some(charged.at), call);
        let mut ids: Vec<&str> = charges.iter().map(|charge| charge.bucket.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let row = |bucket: &str| ids.binary_search(&bucket).ok();
        // Each world is a combination of one reading for each id, in the order of `ids`.
        let mut worlds: Vec<Vec<Reading<Usage>>> = vec![Vec::new()];
        for id in &ids {
            let readings = self.buckets.get(*id).cloned().unwrap_or_default().readings(charged.at);
            let with = |world: &Vec<_>| {
                let each = readings.iter().map(|reading| [world, std::slice::from_ref(reading)].concat());
                each.collect::<Vec<_>>()
            };
            worlds = worlds.iter().flat_map(with).collect();
        }
        let (mut held, mut expected) = (Vec::new(), Vec::new());
        for mut world in worlds {
            let read = |bucket: &str| world.get(row(bucket)?)?.read.as_ref().map(|kept| kept.value.clone());
            let stage = charge_all(charges, charged.at, leasing, read);
            if stage.outcomes != charged.outcomes {
                expected.push(stage.outcomes);
                continue;
            }
            for write in stage.writes {
                let row = charges.get(write.charge).and_then(|charge| row(&charge.bucket));
                if let Some(reading) = row.and_then(|row| world.get_mut(row)) {
                    reading.stored = Some(Kept::new(write.usage, write.expires, charged.at, call));
                }
            }
            held.push(world);
        }
        if held.is_empty() {
            return Err(format!("outcomes {:?}, expected one of {expected:?}", charged.outcomes));
        }
        // The outcomes are known now, so the possible states of one bucket don't depend on those of another.
        for (row, id) in ids.iter().enumerate() {
            let states = held.iter().filter_map(|world| world.get(row)).map(|reading| reading.stored.clone());
            self.buckets.insert((*id).to_owned(), Possible::collect(states));
        }
        Ok(())
    }

    /// Releases a slot.
    pub(crate) fn release(&mut self, bucket: &str, slot: i64, call: Call) {
        self.expire(None, call);
        if let Some(possible) = self.buckets.get_mut(bucket) {
            let mut states = std::mem::take(possible).0;
            for kept in states.iter_mut().flatten() {
                kept.value.release(slot);
            }
            *possible = Possible::collect(states);
        }
    }

    /// The stored version of a family, or 0 if there is none.
    pub(crate) fn version(&self, id: &str) -> u64 {
        let stored = self.families.get(id).and_then(|family| family.0.iter().flatten().next());
        stored.map_or(0, |kept| kept.value.version)
    }

    /// Checks the store's answer to a read of a family.
    pub(crate) fn family(&mut self, id: &str, told: Option<&FamilyState>, now: i64, call: Call) -> Result<(), String> {
        self.expire(Some(now), call);
        let possible = self.families.entry(id.to_owned()).or_default();
        let is_told = |state: &Option<Kept<FamilyState>>| state.as_ref().map(|kept| &kept.value) == told;
        let readings = possible.readings(now).into_iter();
        let held: Vec<_> = readings.filter(|reading| is_told(&reading.read)).map(|reading| reading.stored).collect();
        if held.is_empty() {
            return Err(format!("the family {told:?}, expected one of {:?}", possible.0));
        }
        *possible = Possible::collect(held);
        Ok(())
    }

    /// Checks the store's answer to a swap of a family.
    pub(crate) fn swap(&mut self, swap: Swap<'_>, written: bool, call: Call) -> Result<(), String> {
        self.expire(Some(swap.now), call);
        let possible = self.families.entry(swap.id.to_owned()).or_default();
        let is_current =
            |read: &Option<Kept<FamilyState>>| read.as_ref().map_or(0, |kept| kept.value.version) == swap.read;
        let readings = possible.readings(swap.now).into_iter();
        let held: Vec<_> =
            readings.filter(|reading| is_current(&reading.read) == written).map(|reading| reading.stored).collect();
        if held.is_empty() {
            let versions: Vec<Option<u64>> =
                possible.0.iter().map(|state| state.as_ref().map(|kept| kept.value.version)).collect();
            return Err(format!("swapped: {written}, read {}, stored is one of {versions:?}", swap.read));
        }
        *possible = if written {
            let kept = Some(Kept::new(swap.state.clone(), swap.expires, swap.now, call));
            // A state that expires at once may never have been stored.
            Possible(if swap.expires <= swap.now { vec![kept, None] } else { vec![kept] })
        } else {
            Possible::collect(held)
        };
        Ok(())
    }
}

/// The arguments of a swap of a family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Swap<'s> {
    pub(crate) id: &'s str,
    pub(crate) read: u64,
    pub(crate) state: &'s FamilyState,
    pub(crate) expires: i64,
    pub(crate) now: i64,
}
