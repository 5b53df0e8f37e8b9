//! A map from ids to small values that expire: bounded, sharded, and cleaned up by whoever inserts.
//!
//! In come ids, as long and as hostile as requests may be, and the time; out come values that haven't expired. It reads no clock and
//! starts no thread, and it never holds more keys than it was made for: where it is full, the value that expires first makes room.

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

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<V> {
    /// It stays as it is.
    Keep,
    /// This takes its place, until the moment, in microseconds since 1970: it is gone at that very moment. One that has passed
    /// removes.
    Put(V, i64),
    /// This takes its place until the moment at which it would have expired, and nothing where there is none.
    Alter(V),
    /// It is forgotten.
    Remove,
}

/// How much a map holds, and what it has let go of since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// The keys in memory: those that live, and those that expired and haven't been cleaned up.
    pub keys: usize,
    /// Values that made room for others before they expired.
    pub evicted: u64,
    /// Values that were cleaned up after they expired.
    pub expired: u64,
}

/// A shard has at least so many keys, or chance would leave one full while others are half empty …
const SMALLEST_SHARE: usize = 1 << 10;
/// … and so many shards are enough for the threads there are …
const ENOUGH_SHARDS: usize = 1 << 6;
/// … but beyond so many keys, or twice, the search for the one that expires first could take long …
const LARGEST_SHARE: usize = 1 << 13;
/// … and a name has bits for so many.
const MOST_SHARDS: usize = 1 << 16;

/// A map from ids to values that expire, for many threads.
///
/// Values of up to 40 bytes fit best: one is then kept, with all that is known of it, in one line of the cache. A map of fewer than
/// 2,048 keys is one shard behind one lock, and evicts exactly what expires first; a larger one is several, each with an equal share of
/// the keys. As ids fall into them by chance, a map that is nearly full evicts a little early, from the shards that are full.
///
/// Ids are not kept. Keyed hashes of 128 bits stand for them, half of them SipHash-1-3, whose keys are drawn at random with each map. So
/// memory doesn't depend on how long ids are, and nobody who doesn't know the keys can find two that have the same.
///
/// No clock is read. Each call brings the time, in microseconds since 1970, and what has expired by then isn't there. Where clocks jump,
/// values come and go with them, but for what has been cleaned up.
pub struct Expiring<V> {
    namer: Namer,
    shards: Box<[Aligned<V>]>,
}

/// A line of the cache of its own, so that cores don't wait for each other over different locks.
#[repr(align(64))]
struct Aligned<V>(Mutex<Shard<V>>);

impl<V> Expiring<V> {
    /// An empty map of at most `max_keys`, of which 2^32 count. Several shards hold a multiple of their number.
    pub fn new(max_keys: NonZeroUsize) -> Self {
        let max_keys = max_keys.get();
        let number = (max_keys / SMALLEST_SHARE).min(ENOUGH_SHARDS).max(max_keys / LARGEST_SHARE);
        // The power of two below.
        let number = 1 << number.clamp(1, MOST_SHARDS).ilog2();
        let shard = || Aligned(Mutex::new(Shard::new(max_keys / number)));
        Self { namer: Namer::random(), shards: iter::repeat_with(shard).take(number).collect() }
    }

    /// Looks up the value of an id, and lets `act` do with it what it likes; its answer is handed on. Nothing comes in between.
    ///
    /// `act` must not come back to this map, as it would wait for itself. If it panics, what it has done until then stays.
    #[inline]
    pub fn entry<R>(&self, id: &[u8], now: i64, act: impl FnOnce(Entry<'_, V>) -> R) -> R {
        let name = self.namer.name(id);
        act(Entry::new(&mut self.lock(self.shard_of(name)), name, now))
    }

    /// Looks up the value of an id, and changes it as `decide` says; its answer is handed on. Nothing comes in between.
    ///
    /// `decide` must not come back to this map, as it would wait for itself. If it panics, nothing has changed.
    pub fn change<R>(&self, id: &[u8], now: i64, decide: impl FnOnce(Option<&V>) -> (Change<V>, R)) -> R {
        self.entry(id, now, |entry| {
            let (change, answer) = decide(entry.get());
            entry.apply(change);
            answer
        })
    }

    /// Looks up the values of several ids, and makes the changes that `decide` says, by the row of the id: all at once, for everyone
    /// else. Of several changes to one id the last one holds; rows that there aren't are passed over.
    ///
    /// `decide` must not come back to this map, as it would wait for itself. If it panics, nothing has changed.
    pub fn change_all<'i, R>(
        &self,
        ids: impl IntoIterator<Item = &'i [u8]>,
        now: i64,
        decide: impl FnOnce(&[Option<&V>]) -> (Vec<(usize, Change<V>)>, R),
    ) -> R {
        let names: SmallVec<[Name; 4]> = ids.into_iter().map(|id| self.namer.name(id)).collect();
        // In ascending order, each once: so two that want the same shards never wait for each other.
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

    /// How much it holds, and what it has let go of. Each shard is looked at in its turn.
    pub fn metrics(&self) -> Metrics {
        let mut sum = Metrics::default();
        for row in 0..self.shards.len() {
            sum += self.lock(row).metrics();
        }
        sum
    }

    /// Their number is a power of two.
    fn shard_of(&self, name: Name) -> usize {
        name.shard_bits() & (self.shards.len() - 1)
    }

    /// A shard is whole between any two of its steps that can panic, so one that a panic has poisoned is as good as any.
    #[expect(clippy::indexing_slicing, reason = "`shard_of` gives no other rows")]
    fn lock(&self, row: usize) -> MutexGuard<'_, Shard<V>> {
        self.shards[row].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> fmt::Debug for Expiring<V> {
    /// Neither the key nor what is kept.
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
