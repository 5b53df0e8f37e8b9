//! One part of the map, behind one lock.
//!
//! Values lie in slots, numbered without a gap: the last one moves into the place of one that is removed. A table finds the slot of a name,
//! and a queue the slot that expires first. All three change together, in functions that call no code of anybody else's in between.

use hashbrown::HashTable;

use super::name::Name;
use super::queue::Queue;
use super::{Change, Metrics};

/// Each insertion looks at so many values whose moment may have passed, and cleans them up or learns when it comes. Where values keep
/// expiring, those that wait for it are never more than half of those that live.
const CLEANED: usize = 4;

/// So few slots are kept, empty or not.
const SMALL: usize = 64;

/// The fields that a lookup needs come first, in one line of the cache together with the lock.
#[repr(C)]
pub(super) struct Shard<V> {
    /// The slots' numbers, by their names.
    table: HashTable<u32>,
    slots: Vec<Slot<V>>,
    queue: Queue,
    most: usize,
    evicted: u64,
    expired: u64,
}

/// One line of the cache, of a value of up to 40 bytes.
#[repr(align(64))]
struct Slot<V> {
    name: Name,
    expires: i64,
    value: V,
}

impl<V> Shard<V> {
    /// An empty one, of at most so many keys; of 2^32 at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            table: HashTable::new(),
            slots: Vec::new(),
            queue: Queue::default(),
            most: most.min(u32::MAX as usize),
            evicted: 0,
            expired: 0,
        }
    }

    pub(super) fn get(&self, name: Name, now: i64) -> Option<&V> {
        let slot = self.slots.get(self.find(name)? as usize)?;
        (slot.expires > now).then_some(&slot.value)
    }

    pub(super) fn change<R>(&mut self, name: Name, now: i64, decide: impl FnOnce(Option<&V>) -> (Change<V>, R)) -> R {
        let number = self.find(name);
        let slot = number.and_then(|number| self.slots.get(number as usize)).filter(|slot| slot.expires > now);
        let (change, answer) = decide(slot.map(|slot| &slot.value));
        self.apply_at(number, name, now, change);
        answer
    }

    pub(super) fn apply(&mut self, name: Name, now: i64, change: Change<V>) {
        self.apply_at(self.find(name), name, now, change);
    }

    pub(super) fn metrics(&self) -> Metrics {
        Metrics { keys: self.slots.len(), evicted: self.evicted, expired: self.expired }
    }

    fn apply_at(&mut self, number: Option<u32>, name: Name, now: i64, change: Change<V>) {
        match (number, change) {
            (_, Change::Keep) | (None, Change::Alter(_) | Change::Remove) => {}
            (Some(number), Change::Alter(value)) => self.alter(number, now, value),
            (Some(number), Change::Put(value, expires)) if expires > now => self.replace(number, now, value, expires),
            (None, Change::Put(value, expires)) if expires > now => self.insert(name, now, value, expires),
            (Some(number), Change::Put(..) | Change::Remove) => self.remove(number, now),
            (None, Change::Put(..)) => {}
        }
    }

    fn find(&self, name: Name) -> Option<u32> {
        let is_it = |number: &u32| self.slots.get(*number as usize).is_some_and(|slot| slot.name == name);
        self.table.find(name.low_bits(), is_it).copied()
    }

    fn replace(&mut self, number: u32, now: i64, value: V, expires: i64) {
        let Some(slot) = self.slots.get_mut(number as usize) else { return };
        if slot.expires <= now {
            self.expired += 1;
        }
        // The queue may say too early, and not too late. It says no later than what stood here.
        if expires < slot.expires && self.queue.due(number).is_some_and(|due| expires < due) {
            self.queue.set(number, expires);
        }
        slot.expires = expires;
        slot.value = value;
    }

    fn alter(&mut self, number: u32, now: i64, value: V) {
        if let Some(slot) = self.slots.get_mut(number as usize).filter(|slot| slot.expires > now) {
            slot.value = value;
        }
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, name: Name, now: i64, value: V, expires: i64) {
        self.clean(now);
        if self.slots.len() >= self.most {
            self.make_room(now);
        }
        self.grow();
        let number = self.slots.len() as u32;
        let slots = &self.slots;
        let hash = |number: &u32| slots.get(*number as usize).map_or(0, |slot| slot.name.low_bits());
        self.table.insert_unique(name.low_bits(), number, hash);
        self.slots.push(Slot { name, expires, value });
        self.queue.push(expires);
    }

    /// Cleans up a few of those that have expired.
    fn clean(&mut self, now: i64) {
        for _ in 0..CLEANED {
            match self.first() {
                Some(First { due, .. }) if due > now => break,
                Some(First { number, expires, .. }) if expires <= now => self.remove(number, now),
                Some(First { number, expires, .. }) => self.queue.set(number, expires),
                None => break,
            }
        }
    }

    /// Removes what expires first.
    fn make_room(&mut self, now: i64) {
        while let Some(First { number, due, expires }) = self.first() {
            if due == expires {
                self.evicted += u64::from(expires > now);
                self.remove(number, now);
                break;
            }
            self.queue.set(number, expires);
        }
    }

    fn first(&self) -> Option<First> {
        let entry = self.queue.first()?;
        let slot = self.slots.get(entry.slot as usize)?;
        Some(First { number: entry.slot, due: entry.due, expires: slot.expires })
    }

    fn remove(&mut self, number: u32, now: i64) {
        let Some(slot) = self.slots.get(number as usize) else { return };
        self.expired += u64::from(slot.expires <= now);
        if let Ok(entry) = self.table.find_entry(slot.name.low_bits(), |found| *found == number) {
            entry.remove();
        }
        let last = self.slots.len() as u32 - 1;
        if let Some(moved) = self.slots.last()
            && let Some(found) = self.table.find_mut(moved.name.low_bits(), |found| *found == last)
        {
            *found = number;
        }
        self.queue.swap_remove(number);
        let removed = self.slots.swap_remove(number as usize);
        self.shrink();
        // By now it may do what it likes.
        drop(removed);
    }

    /// Makes room for one more: a sixteenth of what there is, as it is long lists that take the memory.
    fn grow(&mut self) {
        let len = self.slots.len();
        if len == self.slots.capacity() {
            let more = (len / 16).max(4).min(self.most.saturating_sub(len)).max(1);
            self.slots.reserve_exact(more);
            self.queue.reserve_exact(more);
        }
    }

    /// Gives memory back, where most of it is empty and it is worth the while.
    fn shrink(&mut self) {
        let (len, capacity) = (self.slots.len(), self.slots.capacity());
        if capacity > SMALL && len < capacity / 4 {
            self.slots.shrink_to(len * 2);
            self.queue.shrink_to(len * 2);
            let slots = &self.slots;
            let hash = |number: &u32| slots.get(*number as usize).map_or(0, |slot| slot.name.low_bits());
            self.table.shrink_to(len * 2, hash);
        }
    }
}

/// What may expire first.
struct First {
    number: u32,
    /// Not before …
    due: i64,
    /// … in fact then.
    expires: i64,
}

#[cfg(test)]
impl<V> Shard<V> {
    /// What holds between any two calls.
    #[track_caller]
    pub(super) fn check(&self) {
        self.queue.check();
        assert!(self.slots.len() <= self.most, "it is bounded");
        assert_eq!(self.table.len(), self.slots.len(), "each slot is found");
        for (number, slot) in (0..).zip(&self.slots) {
            assert_eq!(self.find(slot.name), Some(number), "by its name");
            assert!(self.queue.due(number).is_some_and(|due| due <= slot.expires), "the queue is never late");
        }
        assert_eq!(self.queue.due(self.slots.len() as u32), None, "nothing else is queued");
    }
}
