//! The entry of one id.

use super::Change;
use super::name::Name;
use super::shard::Shard;

/// The entry of an id at a time. It locks a part of the map.
pub struct Entry<'s, V> {
    shard: &'s mut Shard<V>,
    /// The slot of the id, including one whose value has expired.
    slot: Option<u16>,
    name: Name,
    now: i64,
}

impl<'s, V> Entry<'s, V> {
    #[inline]
    pub(super) fn new(shard: &'s mut Shard<V>, name: Name, now: i64) -> Self {
        Self { slot: shard.find(name), shard, name, now }
    }

    /// The value, or none if it has expired.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        self.shard.get(self.slot?, self.now)
    }

    /// The value for changes in place. Its expiry stays, unless [`Entry::keep_until`] follows.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut V> {
        self.shard.get_mut(self.slot?, self.now)
    }

    /// Sets the expiry of the value, in microseconds since 1970. A time in the past removes the value.
    #[inline]
    pub fn keep_until(self, expires: i64) {
        let Some(slot) = self.slot.filter(|_| self.get().is_some()) else { return };
        if expires > self.now {
            self.shard.set_expiry(slot, expires);
        } else {
            self.remove();
        }
    }

    /// Stores a value until a time, in microseconds since 1970. A time in the past removes the value.
    #[inline]
    pub fn put(self, value: V, expires: i64) {
        match self.slot {
            _ if expires <= self.now => self.remove(),
            Some(slot) => self.shard.replace(slot, self.now, value, expires),
            None => self.shard.insert(self.name, self.now, value, expires),
        }
    }

    /// Removes the value.
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
