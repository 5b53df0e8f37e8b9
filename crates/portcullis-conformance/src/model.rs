//! What a store may hold: a plain map, of which each state may be gone once it has expired, and no sooner.
//!
//! Nothing says when a store forgets what has expired. Where the clock only goes on, that is all the same, as an expired state
//! says what none would say. A clock that jumps back may find it again, or not. So the model holds what is possible, and what
//! a store says rules out the rest: still every number is held against one that it has to be.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use portcullis::limit::Usage;
use portcullis::limit::{Charge, Leasing, charge_all};
use portcullis::token::FamilyState;
use portcullis_store::Charged;

/// When a store may forget a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgets {
    /// From the first call on whose time isn't before its expiry.
    ByNow,
    /// When as much time has really gone by as there was left when it was written, whatever times the calls come with.
    ByWallClock,
}

/// A server's clock may run a little faster than ours, and counts in milliseconds.
const SLACK: Duration = Duration::from_millis(20);

/// Between which moments a store did what it was asked to.
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
    /// The first real moment at which a server's clock may have come to its expiry; none where that is too far away.
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

/// What a store may hold of one id. It is never empty.
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

    /// A call with this time, where one came with any, may make a store forget.
    fn pass(&mut self, forgets: Forgets, now: Option<i64>, call: Call) {
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
    /// What a store may read at a moment, and what it holds afterwards if nothing is written: one may skip what has expired
    /// without forgetting it.
    fn readings(&self, at: i64) -> Vec<Reading<T>> {
        let skipped = self.0.iter().filter(|state| state.as_ref().is_some_and(|kept| kept.expires <= at));
        let read = self.0.iter().map(|state| Reading { read: state.clone(), holds: state.clone() });
        read.chain(skipped.map(|state| Reading { read: None, holds: state.clone() })).collect()
    }
}

/// What a store may have read of an id, and what it holds of it afterwards.
#[derive(Debug, Clone)]
struct Reading<T> {
    read: Option<Kept<T>>,
    holds: Option<Kept<T>>,
}

/// Everything that a store may hold.
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

    fn pass(&mut self, now: Option<i64>, call: Call) {
        self.buckets.values_mut().for_each(|bucket| bucket.pass(self.forgets, now, call));
        self.families.values_mut().for_each(|family| family.pass(self.forgets, now, call));
    }

    /// What a store said of charges; else what it should have said.
    pub(crate) fn charge(
        &mut self,
        charges: &[Charge],
        leasing: Leasing,
        charged: &Charged,
        call: Call,
    ) -> Result<(), String> {
        self.pass(Some(charged.at), call);
        let mut ids: Vec<&str> = charges.iter().map(|charge| charge.bucket.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let row = |bucket: &str| ids.binary_search(&bucket).ok();
        // What all of them together may be: one reading each, in the order of `ids`.
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
                    reading.holds = Some(Kept::new(write.usage, write.expires, charged.at, call));
                }
            }
            held.push(world);
        }
        if held.is_empty() {
            return Err(format!("outcomes {:?}, expected one of {expected:?}", charged.outcomes));
        }
        // An outcome depends on its own bucket and on whether any was refused, which is known by now: so what is possible
        // of one bucket doesn't hang on what is of another.
        for (row, id) in ids.iter().enumerate() {
            let states = held.iter().filter_map(|world| world.get(row)).map(|reading| reading.holds.clone());
            self.buckets.insert((*id).to_owned(), Possible::collect(states));
        }
        Ok(())
    }

    /// A slot was given back.
    pub(crate) fn release(&mut self, bucket: &str, slot: i64, call: Call) {
        self.pass(None, call);
        if let Some(possible) = self.buckets.get_mut(bucket) {
            let mut states = std::mem::take(possible).0;
            for kept in states.iter_mut().flatten() {
                kept.value.release(slot);
            }
            *possible = Possible::collect(states);
        }
    }

    /// The version of a family that is stored, 0 where none is.
    pub(crate) fn version(&self, id: &str) -> u64 {
        let stored = self.families.get(id).and_then(|family| family.0.iter().flatten().next());
        stored.map_or(0, |kept| kept.value.version)
    }

    /// What a store said of a family.
    pub(crate) fn family(&mut self, id: &str, told: Option<&FamilyState>, now: i64, call: Call) -> Result<(), String> {
        self.pass(Some(now), call);
        let possible = self.families.entry(id.to_owned()).or_default();
        let is_told = |state: &Option<Kept<FamilyState>>| state.as_ref().map(|kept| &kept.value) == told;
        let readings = possible.readings(now).into_iter();
        let held: Vec<_> = readings.filter(|reading| is_told(&reading.read)).map(|reading| reading.holds).collect();
        if held.is_empty() {
            return Err(format!("the family {told:?}, expected one of {:?}", possible.0));
        }
        *possible = Possible::collect(held);
        Ok(())
    }

    /// Whether a store has written a family.
    pub(crate) fn swap(&mut self, swap: Swap<'_>, written: bool, call: Call) -> Result<(), String> {
        self.pass(Some(swap.now), call);
        let possible = self.families.entry(swap.id.to_owned()).or_default();
        let is_current =
            |read: &Option<Kept<FamilyState>>| read.as_ref().map_or(0, |kept| kept.value.version) == swap.read;
        let readings = possible.readings(swap.now).into_iter();
        let held: Vec<_> =
            readings.filter(|reading| is_current(&reading.read) == written).map(|reading| reading.holds).collect();
        if held.is_empty() {
            let versions: Vec<Option<u64>> =
                possible.0.iter().map(|state| state.as_ref().map(|kept| kept.value.version)).collect();
            return Err(format!("swapped: {written}, read {}, stored is one of {versions:?}", swap.read));
        }
        *possible = if written {
            let kept = Some(Kept::new(swap.state.clone(), swap.expires, swap.now, call));
            // What ends at once may never have been kept.
            Possible(if swap.expires <= swap.now { vec![kept, None] } else { vec![kept] })
        } else {
            Possible::collect(held)
        };
        Ok(())
    }
}

/// A state of a family that is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Swap<'s> {
    pub(crate) id: &'s str,
    pub(crate) read: u64,
    pub(crate) state: &'s FamilyState,
    pub(crate) expires: i64,
    pub(crate) now: i64,
}
