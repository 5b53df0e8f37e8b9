//! One shard of the map, behind one lock.
//!
//! Values are in slots, numbered without a gap: the last one moves into the place of a removed one. An index finds the slot of a name, and
//! a queue finds the slot that expires first. All three change together, in functions that call no foreign code in between.

use super::Metrics;
use super::index::Index;
use super::name::Name;
use super::queue::Queue;

/// The number of values that each insertion checks for expiry. In a steady stream, at most a third as many expired values as live ones
/// are in memory.
const CLEANED: usize = 4;

/// Slot numbers have 16 bits, and one of them means none.
const MOST_SLOTS: usize = u16::MAX as usize;

/// The capacity below which a shard doesn't shrink.
const SMALL: usize = 64;

/// The fields that a lookup needs come first, in one cache line together with the lock.
#[repr(C)]
pub(super) struct Shard<V> {
    index: Index,
    slots: Vec<Slot<V>>,
    queue: Queue,
    most: usize,
    evicted: u64,
    expired: u64,
}

/// One cache line for a value of up to 40 bytes.
#[repr(align(64))]
struct Slot<V> {
    name: Name,
    expires: i64,
    value: V,
}

impl<V> Shard<V> {
    /// Makes an empty shard of at most `most` keys, and at most 65,535.
    pub(super) fn new(most: usize) -> Self {
        Self {
            index: Index::default(),
            slots: Vec::new(),
            queue: Queue::default(),
            most: most.min(MOST_SLOTS),
            evicted: 0,
            expired: 0,
        }
    }

    /// Finds the slot of a name, including one whose value has expired.
    #[inline]
    pub(super) fn find(&self, name: Name) -> Option<u16> {
        let is_it = |number: u16| self.slots.get(number as usize).is_some_and(|slot| slot.name == name);
        self.index.find(name.index_bits(), is_it)
    }

    #[inline]
    pub(super) fn get(&self, number: u16, now: i64) -> Option<&V> {
        self.slots.get(number as usize).filter(|slot| slot.expires > now).map(|slot| &slot.value)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u16, now: i64) -> Option<&mut V> {
        self.slots.get_mut(number as usize).filter(|slot| slot.expires > now).map(|slot| &mut slot.value)
    }

    pub(super) fn metrics(&self) -> Metrics {
        Metrics { keys: self.slots.len(), evicted: self.evicted, expired: self.expired }
    }

    #[inline]
    pub(super) fn set_expiry(&mut self, number: u16, expires: i64) {
        let Some(slot) = self.slots.get_mut(number as usize) else { return };
        // The time in the queue may be earlier than the expiry, and never later.
        if expires < slot.expires && self.queue.due(number).is_some_and(|due| expires < due) {
            self.queue.set(number, expires);
        }
        slot.expires = expires;
    }

    #[inline]
    pub(super) fn replace(&mut self, number: u16, now: i64, value: V, expires: i64) {
        self.expired += u64::from(self.get(number, now).is_none());
        self.set_expiry(number, expires);
        if let Some(slot) = self.slots.get_mut(number as usize) {
            slot.value = value;
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn insert(&mut self, name: Name, now: i64, value: V, expires: i64) {
        self.clean(now);
        if self.slots.len() >= self.most {
            self.make_room(now);
        }
        self.grow();
        let number = self.slots.len() as u16;
        self.index.insert(name.index_bits(), number, hash_of(&self.slots));
        self.slots.push(Slot { name, expires, value });
        self.queue.push(expires);
    }

    /// Removes a few expired values.
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

    /// Evicts the value that expires first.
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

    #[cold]
    #[inline(never)]
    pub(super) fn remove(&mut self, number: u16, now: i64) {
        let Some(slot) = self.slots.get(number as usize) else { return };
        self.expired += u64::from(slot.expires <= now);
        self.index.remove(slot.name.index_bits(), number, hash_of(&self.slots));
        if let Some(moved) = self.slots.last() {
            self.index.renumber(moved.name.index_bits(), self.slots.len() as u16 - 1, number);
        }
        self.queue.swap_remove(number);
        let removed = self.slots.swap_remove(number as usize);
        self.shrink();
        // The drop may panic: the shard is consistent again.
        drop(removed);
    }

    /// Reserves capacity for one more key. With values of 40 bytes, a key takes 74 bytes here and at most 11 in the index. As capacity
    /// grows by a tenth, a key never takes more than 96 bytes.
    fn grow(&mut self) {
        let len = self.slots.len();
        if len == self.slots.capacity() {
            let more = (len / 10).max(4).min(self.most.saturating_sub(len)).max(1);
            self.slots.reserve_exact(more);
            self.queue.reserve_exact(more);
        }
    }

    /// Frees memory if less than a quarter of it is used.
    fn shrink(&mut self) {
        let (len, capacity) = (self.slots.len(), self.slots.capacity());
        if capacity > SMALL && len < capacity / 4 {
            self.slots.shrink_to(len * 2);
            self.queue.shrink_to(len * 2);
            self.index.shrink_to(len * 2, hash_of(&self.slots));
        }
    }
}

fn hash_of<V>(slots: &[Slot<V>]) -> impl Fn(u16) -> u64 {
    |number| slots.get(number as usize).map_or(0, |slot| slot.name.index_bits())
}

/// The slot with the earliest time in the queue.
struct First {
    number: u16,
    /// The time in the queue, which may be too early.
    due: i64,
    /// The expiry of the value.
    expires: i64,
}

#[cfg(test)]
impl<V> Shard<V> {
    /// Asserts the invariants.
    #[track_caller]
    pub(super) fn check(&self) {
        self.queue.check();
        assert!(self.slots.len() <= self.most, "it is bounded");
        self.index.check(self.slots.len());
        for (number, slot) in (0..).zip(&self.slots) {
            assert_eq!(self.find(slot.name), Some(number), "by its name");
            assert!(self.queue.due(number).is_some_and(|due| due <= slot.expires), "the queue is never late");
        }
        assert_eq!(self.queue.due(self.slots.len() as u16), None, "nothing else is queued");
    }
}
