//! The map against a slow and obvious model, and its invariants after every step.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::num::NonZeroUsize;

use proptest::collection::vec;
use proptest::prelude::*;

use super::index::Index;
use super::queue::Queue;
use super::{Change, Expiring, Metrics};

/// The effect of a step on the value of an id.
#[derive(Debug, Clone, Copy)]
enum Act {
    Look,
    /// Its lifetime in ticks.
    Put(i64),
    Alter,
    Remove,
}

/// A step: the clock's move, and the acts on ids.
type Step = (i64, Vec<(u8, Act)>);

/// Expiries are ticks plus the number of their write, so that no two are equal.
const TICK: i64 = 1_000_000;

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Look),
        // Some have expired already.
        6 => (-1_i64..40).prop_map(Act::Put),
        1 => Just(Act::Alter),
        1 => Just(Act::Remove),
    ]
}

fn steps(clock: impl Strategy<Value = i64>, ids: u8) -> impl Strategy<Value = Vec<Step>> {
    vec((clock, vec((0..ids, act()), 1..4)), 1..200)
}

fn id(number: u8) -> Vec<u8> {
    [b"limit/", [number].as_slice()].concat()
}

/// Runs a step through one of the map's methods. Returns the values before it.
fn run(map: &Expiring<u64>, now: i64, acts: &[(u8, Act)], writing: u64) -> Vec<Option<u64>> {
    let change = |row: usize, act: Act| match act {
        Act::Look => Change::Keep,
        Act::Put(lasts) => Change::Put(writing + row as u64, until(now, lasts, writing + row as u64)),
        Act::Alter => Change::Alter(writing + row as u64),
        Act::Remove => Change::Remove,
    };
    match acts {
        [(number, act)] if writing.is_multiple_of(2) => vec![map.entry(&id(*number), now, |mut entry| {
            let seen = entry.get().copied();
            match (change(0, *act), entry.get_mut()) {
                (Change::Put(value, expires), Some(there)) => {
                    *there = value;
                    entry.keep_until(expires);
                }
                (Change::Put(value, expires), None) => entry.put(value, expires),
                (Change::Alter(value), Some(there)) => *there = value,
                (Change::Remove, _) => entry.remove(),
                (Change::Keep | Change::Alter(_), _) => {}
            }
            seen
        })],
        [(number, act)] => vec![map.change(&id(*number), now, |seen| (change(0, *act), seen.copied()))],
        acts => {
            let ids: Vec<Vec<u8>> = acts.iter().map(|(number, _)| id(*number)).collect();
            map.change_all(ids.iter().map(Vec::as_slice), now, |seen| {
                let changes = acts.iter().enumerate().map(|(row, (_, act))| (row, change(row, *act))).collect();
                (changes, seen.iter().map(|value| value.copied()).collect())
            })
        }
    }
}

fn until(now: i64, lasts: i64, writing: u64) -> i64 {
    now + lasts * TICK + i64::try_from(writing).unwrap()
}

/// The obvious map.
#[derive(Default)]
struct Model {
    values: HashMap<u8, (u64, i64)>,
    most: usize,
    inserted: u64,
    removed: u64,
    evicted: u64,
}

impl Model {
    fn step(&mut self, now: i64, acts: &[(u8, Act)], writing: u64) -> Vec<Option<u64>> {
        self.values.retain(|_, (_, expires)| *expires > now);
        let seen = acts.iter().map(|(number, _)| self.values.get(number).map(|(value, _)| *value)).collect();
        for (row, (number, act)) in acts.iter().enumerate() {
            let writing = writing + row as u64;
            match *act {
                Act::Put(lasts) if until(now, lasts, writing) > now => {
                    self.put(*number, writing, until(now, lasts, writing))
                }
                Act::Put(_) | Act::Remove => self.removed += u64::from(self.values.remove(number).is_some()),
                Act::Alter => {
                    if let Some((value, _)) = self.values.get_mut(number) {
                        *value = writing;
                    }
                }
                Act::Look => {}
            }
        }
        seen
    }

    fn put(&mut self, number: u8, value: u64, expires: i64) {
        if !self.values.contains_key(&number) {
            self.inserted += 1;
            if self.values.len() == self.most {
                let first = *self.values.iter().min_by_key(|(_, (_, expires))| *expires).unwrap().0;
                self.values.remove(&first);
                self.evicted += 1;
            }
        }
        self.values.insert(number, (value, expires));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4_000 }))]

    /// If the clock only advances, values stay until they expire or are evicted as the first to expire of a full map.
    #[test]
    fn the_same_as_the_obvious_one(steps in steps(0..3 * TICK, 12), most in 1_usize..14) {
        let map = Expiring::new(NonZeroUsize::new(most).unwrap());
        let mut model = Model { most, ..Model::default() };
        let (mut now, mut writing) = (0, 0);
        for (passed, acts) in steps {
            now += passed;
            prop_assert_eq!(run(&map, now, &acts, writing), model.step(now, &acts, writing));
            writing += acts.len() as u64;
            map.check();
            let Metrics { keys, evicted, expired } = map.metrics();
            prop_assert!(keys <= most && keys >= model.values.len());
            prop_assert_eq!(evicted, model.evicted);
            prop_assert_eq!(model.inserted, keys as u64 + evicted + expired + model.removed);
        }
    }

    /// If the clock jumps, a visible value is the last one put, or altered since, and hasn't expired by that clock.
    #[test]
    fn whatever_the_clock_does(
        steps in steps(prop_oneof![4 => -9 * TICK..9 * TICK, 1 => Just(i64::MAX), 1 => Just(i64::MIN)], 40),
        most in 1_usize..50,
    ) {
        let map = Expiring::new(NonZeroUsize::new(most).unwrap());
        let mut written: HashMap<u8, (Vec<u64>, i64)> = HashMap::new();
        let (mut now, mut writing) = (0_i64, 0);
        for (jump, acts) in steps {
            // Far enough from the ends to avoid overflow.
            now = now.saturating_add(jump).clamp(i64::MIN / 2, i64::MAX / 2);
            for ((number, _), seen) in acts.iter().zip(run(&map, now, &acts, writing)) {
                if let Some(seen) = seen {
                    let (values, expires) = &written[number];
                    prop_assert!(values.contains(&seen) && *expires > now);
                }
            }
            for (number, act) in &acts {
                match *act {
                    Act::Put(lasts) if until(now, lasts, writing) > now => {
                        written.insert(*number, (vec![writing], until(now, lasts, writing)));
                    }
                    Act::Put(_) | Act::Remove => { written.remove(number); }
                    Act::Alter => { written.entry(*number).and_modify(|(values, _)| values.push(writing)); }
                    Act::Look => {}
                }
                writing += 1;
            }
            map.check();
            prop_assert!(map.metrics().keys <= most);
        }
    }

    /// The queue returns the earliest slot after any changes.
    #[test]
    fn the_queue_keeps_its_order(changes in vec((0_u8..4, any::<prop::sample::Index>(), 0_i64..50), 1..300)) {
        let (mut queue, mut plain) = (Queue::default(), Vec::new());
        for (change, slot, due) in changes {
            match (change, plain.len()) {
                (0 | 1, _) | (_, 0) => {
                    queue.push(due);
                    plain.push(due);
                }
                (2, len) => {
                    let slot = slot.index(len);
                    queue.set(slot as u16, due);
                    plain[slot] = due;
                }
                (_, len) => {
                    let slot = slot.index(len);
                    queue.swap_remove(slot as u16);
                    plain.swap_remove(slot);
                }
            }
            queue.check();
            prop_assert_eq!(queue.first().map(|entry| entry.due), plain.iter().min().copied());
            prop_assert!((0..plain.len()).all(|slot| queue.due(slot as u16) == Some(plain[slot])));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4_000 }))]

    /// The index finds exactly the slots it has, also with colliding hashes, around its end and after removals.
    #[test]
    fn the_index_finds_what_is_there(
        changes in vec((0_u8..8, any::<prop::sample::Index>(), prop::sample::select(&[0_u64, 1, 2, 5, 6, 7, 15, 30, 31][..]), 0_u64..3), 1..300),
    ) {
        let (mut index, mut hashes) = (Index::default(), Vec::new());
        for (change, slot, low, high) in changes {
            let hash = high << 48 | low;
            let len = hashes.len();
            match change {
                0..4 => {
                    index.insert(hash, len as u16, |slot| hashes[slot as usize]);
                    hashes.push(hash);
                }
                4..7 if len > 0 => {
                    // A shard does the same.
                    let slot = slot.index(len);
                    index.remove(hashes[slot], slot as u16, |slot| hashes[slot as usize]);
                    index.renumber(hashes[len - 1], len as u16 - 1, slot as u16);
                    hashes.swap_remove(slot);
                }
                _ => index.shrink_to(len, |slot| hashes[slot as usize]),
            }
            index.check(hashes.len());
            for (slot, hash) in (0..).zip(&hashes) {
                prop_assert_eq!(index.find(*hash, |found| found == slot), Some(slot));
            }
            prop_assert_eq!(index.find(hash, |_| false), None);
        }
    }
}

impl<V> Expiring<V> {
    fn check(&self) {
        (0..self.shards.len()).for_each(|row| self.lock(row).check());
    }
}
