//! Immutable sets of a table's rows, as handles of 8 bytes. A single range is in the handle itself. Every other set is in
//! one flat array, which has equal sets once.

pub(crate) mod build;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;

use hashbrown::HashTable;

use crate::collections::table::{Id, handle_traits};
use crate::collections::words::{each_run, has_bit};

/// A set of rows, made by one [`IdSets`]. Two handles of one `IdSets` are equal exactly if their sets have the same rows.
pub(crate) struct IdSet<T> {
    /// The first row of a range; or `STORED`, and then `last` is a position in the array. `1..=0` is the empty set.
    first: u32,
    last: u32,
    table: PhantomData<fn() -> T>,
}

/// No table has so many rows.
const STORED: u32 = u32::MAX;

handle_traits!(IdSet { first, last }, "{}..={}");

impl<T> IdSet<T> {
    pub(crate) const EMPTY: Self = Self::range(1, 0);

    pub(crate) fn one(id: Id<T>) -> Self {
        Self::range(id.number(), id.number())
    }

    const fn range(first: u32, last: u32) -> Self {
        Self { first, last, table: PhantomData }
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }
}

impl<T> Default for IdSet<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The sets of one table's rows.
///
/// A stored set begins with a header: twice a count, plus a bit. With the bit 0, the count is that of ranges, which follow
/// as first and last row each, in rising order with gaps between them. With the bit 1, it is the count of the words of a
/// mask, which follow behind the row of the mask's first bit, a multiple of 32.
pub(crate) struct IdSets<T> {
    words: Vec<u32>,
    /// The positions of the stored sets, by their content.
    positions: HashTable<u32>,
    steps: usize,
    scratch: Vec<u32>,
    table: PhantomData<fn() -> T>,
}

impl<T> Default for IdSets<T> {
    fn default() -> Self {
        Self { words: Vec::new(), positions: HashTable::new(), steps: 0, scratch: Vec::new(), table: PhantomData }
    }
}

impl<T> fmt::Debug for IdSets<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdSets({} words)", self.words.len())
    }
}

enum Layout<'s> {
    Range(u32, u32),
    /// First and last rows in turn.
    Ranges(&'s [u32]),
    /// The row of the first bit, and the bits.
    Mask(u32, &'s [u32]),
}

impl<T> IdSets<T> {
    fn layout(&self, set: IdSet<T>) -> Layout<'_> {
        if set.first != STORED {
            return Layout::Range(set.first, set.last);
        }
        let at = set.last as usize;
        let header = self.words.get(at).copied().unwrap_or(0);
        let count = (header / 2) as usize;
        if header % 2 == 0 {
            return Layout::Ranges(self.words.get(at + 1..).and_then(|rest| rest.get(..2 * count)).unwrap_or_default());
        }
        let base = self.words.get(at + 1).copied().unwrap_or(0);
        Layout::Mask(base, self.words.get(at + 2..).and_then(|rest| rest.get(..count)).unwrap_or_default())
    }

    pub(crate) fn contains(&self, set: IdSet<T>, id: Id<T>) -> bool {
        let row = id.number();
        match self.layout(set) {
            Layout::Range(first, last) => first <= row && row <= last,
            Layout::Ranges(ranges) => {
                let (pairs, _) = ranges.as_chunks::<2>();
                let after = pairs.partition_point(|[first, _]| *first <= row);
                let before = after.checked_sub(1).and_then(|before| pairs.get(before));
                before.is_some_and(|[_, last]| row <= *last)
            }
            Layout::Mask(base, words) => row.checked_sub(base).is_some_and(|bit| has_bit(words, bit)),
        }
    }

    /// True if one of these ids is in the set.
    pub(crate) fn has_any(&self, set: IdSet<T>, ids: &[Id<T>]) -> bool {
        if set.first != STORED {
            return ids.iter().any(|id| set.first <= id.number() && id.number() <= set.last);
        }
        ids.iter().any(|id| self.contains(set, *id))
    }

    /// The ids of a set in rising order.
    pub(crate) fn ids(&self, set: IdSet<T>) -> impl Iterator<Item = Id<T>> {
        let mut ranges = Vec::new();
        self.each_range(set, |first, last| ranges.push((first, last)));
        rows_of(ranges).map(Id::numbered)
    }

    /// Visits the ranges of a set in rising order, first and last row each, with gaps between them.
    pub(crate) fn each_range(&self, set: IdSet<T>, mut visit: impl FnMut(u32, u32)) {
        match self.layout(set) {
            Layout::Range(first, last) if first <= last => visit(first, last),
            Layout::Range(..) => {}
            Layout::Ranges(ranges) => ranges.as_chunks::<2>().0.iter().for_each(|[first, last]| visit(*first, *last)),
            Layout::Mask(base, words) => each_run(base, words, visit),
        }
    }

    /// Frees the memory that only the making of sets needs.
    pub(crate) fn shrink(&mut self) {
        self.words.shrink_to_fit();
        self.positions = HashTable::new();
        self.scratch = Vec::new();
    }
}

/// The rows of ranges, first and last row each.
pub(crate) fn rows_of(ranges: Vec<(u32, u32)>) -> impl Iterator<Item = u32> {
    ranges.into_iter().flat_map(|(first, last)| first..=last)
}
