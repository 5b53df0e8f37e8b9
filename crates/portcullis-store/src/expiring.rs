//! A map from ids to small values that expire: bounded and sharded. Insertions clean it up.
//!
//! Its input is ids, as long and as hostile as requests may be, and the time. Its output is values that haven't expired. It reads no
//! clock, starts no thread and never has more keys than its capacity: in a full map, the value that expires first is evicted.

mod entry;
mod index;
mod name;
mod queue;
mod shard;
#[cfg(test)]
mod tests;

use std::fmt;
use std::iter;
use std::num::NonZeroUsize;
use std::ops::AddAssign;
use std::sync::{Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

pub use entry::Entry;
use name::{Name, Namer};
use shard::Shard;

/// A change to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<V> {
    /// Keeps the value as it is.
    Keep,
    /// Stores a value that expires at a time, in microseconds since 1970. At that very time the value is gone. A time in the past
    /// removes the value.
    Put(V, i64),
    /// Replaces the value and keeps its expiry. Does nothing if there is no value.
    Alter(V),
    /// Removes the value.
    Remove,
}

/// The size of a map, and counts since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// The keys in memory, including those that expired and haven't been cleaned up.
    pub keys: usize,
    /// The number of values that were evicted before they expired.
    pub evicted: u64,
    /// The number of values that were cleaned up after they expired.
    pub expired: u64,
}

/// The least capacity of a shard. With smaller shards, chance would fill one while others are half empty.
const SMALLEST_SHARE: usize = 1 << 10;
/// The number of shards that is enough for the threads of a machine.
const ENOUGH_SHARDS: usize = 1 << 6;
/// The capacity from which a map gets more shards than that. In larger shards, the search for the key that expires first takes long.
const LARGEST_SHARE: usize = 1 << 13;
/// The number of shards that the bits of a name can tell apart.
const MOST_SHARDS: usize = 1 << 16;

/// A map from ids to values that expire, for many threads.
///
/// Values of up to 40 bytes fit best: each is kept with its metadata in one cache line. A map of fewer than 2,048 keys is one shard
/// behind one lock, and evicts exactly the value that expires first. A larger map has several shards of equal capacity. Hashes spread the
/// ids over them, so a map that is nearly full evicts a little early, from the shards that are full.
///
/// Ids are not kept. Keyed hashes of 128 bits replace them. Half of the bits are SipHash-1-3 with random keys for each map. So memory
/// doesn't depend on the length of ids, and an attacker without the keys can't construct a collision.
///
/// No clock is read. Each call brings the time, in microseconds since 1970, and doesn't see values that have expired by then. If the
/// clock jumps back, expired values are visible again unless they have been cleaned up.
pub struct Expiring<V> {
    namer: Namer,
    shards: Box<[Aligned<V>]>,
}

/// A cache line of its own avoids false sharing between locks.
#[repr(align(64))]
struct Aligned<V>(Mutex<Shard<V>>);

impl<V> Expiring<V> {
    /// Makes an empty map of at most `max_keys`, and at most 2^32. The capacity is rounded down to a multiple of the number of shards.
    pub fn new(max_keys: NonZeroUsize) -> Self {
        let max_keys = max_keys.get();
        let number = (max_keys / SMALLEST_SHARE).min(ENOUGH_SHARDS).max(max_keys / LARGEST_SHARE);
        // The power of two below.
        let number = 1 << number.clamp(1, MOST_SHARDS).ilog2();
        let shard = || Aligned(Mutex::new(Shard::new(max_keys / number)));
        Self { namer: Namer::random(), shards: iter::repeat_with(shard).take(number).collect() }
    }

    /// Looks up the value of an id and returns the result of `act`, which may change it. Both are one atomic step.
    ///
    /// `act` must not use this map, as that would deadlock. If it panics, its changes until then stay.
    #[inline]
    pub fn entry<R>(&self, id: &[u8], now: i64, act: impl FnOnce(Entry<'_, V>) -> R) -> R {
        let name = self.namer.name(id);
        act(Entry::new(&mut self.lock(self.shard_of(name)), name, now))
    }

    /// Looks up the value of an id, makes the change that `decide` returns, and returns its result. All of it is one atomic step.
    ///
    /// `decide` must not use this map, as that would deadlock. If it panics, nothing has changed.
    pub fn change<R>(&self, id: &[u8], now: i64, decide: impl FnOnce(Option<&V>) -> (Change<V>, R)) -> R {
        self.entry(id, now, |entry| {
            let (change, answer) = decide(entry.get());
            entry.apply(change);
            answer
        })
    }

    /// Looks up the values of several ids and makes the changes that `decide` returns, each with the row of its id. All of it is one
    /// atomic step. The last of several changes to one id counts. Rows out of range are ignored.
    ///
    /// `decide` must not use this map, as that would deadlock. If it panics, nothing has changed.
    pub fn change_all<'i, R>(
        &self,
        ids: impl IntoIterator<Item = &'i [u8]>,
        now: i64,
        decide: impl FnOnce(&[Option<&V>]) -> (Vec<(usize, Change<V>)>, R),
    ) -> R {
        let names: SmallVec<[Name; 4]> = ids.into_iter().map(|id| self.namer.name(id)).collect();
        // Ascending order prevents a deadlock between two calls that lock the same shards.
        let mut rows: SmallVec<[usize; 4]> = names.iter().map(|name| self.shard_of(*name)).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut shards: SmallVec<[MutexGuard<'_, Shard<V>>; 4]> = rows.iter().map(|row| self.lock(*row)).collect();
        let locked = |name: Name| rows.binary_search(&self.shard_of(name)).unwrap_or_default();

        let (changes, answer) = {
            let value = |name: &Name| shards.get(locked(*name)).and_then(|shard| shard.get(shard.find(*name)?, now));
            decide(&names.iter().map(value).collect::<SmallVec<[Option<&V>; 4]>>())
        };
        for (row, change) in changes {
            let Some(name) = names.get(row) else { continue };
            if let Some(shard) = shards.get_mut(locked(*name)) {
                Entry::new(shard, *name, now).apply(change);
            }
        }
        answer
    }

    /// The sum of the metrics of all shards, which are read one after the other.
    pub fn metrics(&self) -> Metrics {
        let mut sum = Metrics::default();
        for row in 0..self.shards.len() {
            sum += self.lock(row).metrics();
        }
        sum
    }

    fn shard_of(&self, name: Name) -> usize {
        // The number of shards is a power of two.
        name.shard_bits() & (self.shards.len() - 1)
    }

    /// Ignores poisoning: a shard is consistent wherever one of its methods can panic.
    #[expect(clippy::indexing_slicing, reason = "`shard_of` gives no other rows")]
    fn lock(&self, row: usize) -> MutexGuard<'_, Shard<V>> {
        self.shards[row].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> fmt::Debug for Expiring<V> {
    /// Shows neither the hash keys nor the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expiring").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}

impl AddAssign for Metrics {
    fn add_assign(&mut self, other: Self) {
        self.keys += other.keys;
        self.evicted += other.evicted;
        self.expired += other.expired;
    }
}
