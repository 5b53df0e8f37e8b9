//! The place of one value.

use super::Change;
use super::name::Name;
use super::shard::Shard;

/// The place of an id's value at a moment. As long as there is one, others wait for it: they may want the same lock.
pub struct Entry<'s, V> {
    shard: &'s mut Shard<V>,
    /// Its slot, also where what is in there has expired.
    slot: Option<u16>,
    name: Name,
    now: i64,
}

impl<'s, V> Entry<'s, V> {
    #[inline]
    pub(super) fn new(shard: &'s mut Shard<V>, name: Name, now: i64) -> Self {
        Self { slot: shard.find(name), shard, name, now }
    }

    /// The value; nothing where there is none, or it has expired.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        self.shard.get(self.slot?, self.now)
    }

    /// The same, to be changed where it is. It expires when it did before, unless [`Entry::keep_until`] follows.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut V> {
        self.shard.get_mut(self.slot?, self.now)
    }

    /// Keeps the value that is there until another moment, in microseconds since 1970: it is gone at that very moment. One that
    /// has passed removes.
    #[inline]
    pub fn keep_until(self, expires: i64) {
        let Some(slot) = self.slot.filter(|_| self.get().is_some()) else { return };
        if expires > self.now {
            self.shard.set_expiry(slot, expires);
        } else {
            self.remove();
        }
    }

    /// Puts a value there, until a moment, in microseconds since 1970: it is gone at that very moment. One that has passed removes.
    #[inline]
    pub fn put(self, value: V, expires: i64) {
        match self.slot {
            _ if expires <= self.now => self.remove(),
            Some(slot) => self.shard.replace(slot, self.now, value, expires),
            None => self.shard.insert(self.name, self.now, value, expires),
        }
    }

    /// Forgets the value.
    pub fn remove(self) {
        if let Some(slot) = self.slot {
            self.shard.remove(slot, self.now);
        }
    }

    #[inline]
    pub(super) fn apply(mut self, change: Change<V>) {
        match change {
            Change::Keep => {}
            Change::Put(value, expires) => self.put(value, expires),
            Change::Alter(value) => {
                if let Some(there) = self.get_mut() {
                    *there = value;
                }
            }
            Change::Remove => self.remove(),
        }
    }
}
