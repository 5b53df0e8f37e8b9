//! Sets of rows that grow row by row: ranges of rows, or one bit a row where bits take less memory.

use smallvec::SmallVec;

use crate::collections::id_set::{IdSet, IdSets, rows_of};
use crate::collections::table::Id;
use crate::collections::words::{each_run, fill, has_bit};

/// A growing set of rows. Two sets are equal if the same rows were inserted in rising order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum RowSet {
    /// The first and the last row of each range, in rising order, with gaps between the ranges.
    Ranges(SmallVec<[(u32, u32); 1]>),
    /// One bit a row, the number of ranges, and the last row.
    Bits { words: Vec<u32>, ranges: usize, last: u32 },
}

impl Default for RowSet {
    fn default() -> Self {
        Self::Ranges(SmallVec::new())
    }
}

impl RowSet {
    pub(crate) fn insert(&mut self, row: usize) {
        let Ok(row) = u32::try_from(row) else { return };
        match self {
            Self::Ranges(ranges) => {
                if insert_into_ranges(ranges, row)
                    && let [_, _, .., (_, last)] = ranges.as_slice()
                {
                    let (count, last) = (ranges.len(), *last);
                    let needed = (last / 32) as usize + 1;
                    if 2 * count > needed {
                        let mut words = vec![0; needed];
                        ranges.iter().for_each(|(first, last)| fill(&mut words, *first, *last));
                        *self = Self::Bits { words, ranges: count, last };
                    }
                }
            }
            Self::Bits { words, ranges, last } => {
                if has_bit(words, row) {
                    return;
                }
                let neighbours = [row.checked_sub(1), row.checked_add(1)].into_iter().flatten();
                *ranges = *ranges + 1 - neighbours.filter(|row| has_bit(words, *row)).count();
                let needed = (row.max(*last) / 32) as usize + 1;
                // Few ranges with a far last row: most words would be 0.
                if needed > 4 * *ranges {
                    let mut pairs = SmallVec::with_capacity(*ranges);
                    each_run(0, words, |first, last| pairs.push((first, last)));
                    *self = Self::Ranges(pairs);
                    return self.insert(row as usize);
                }
                if words.len() < needed {
                    words.resize(needed, 0);
                }
                *last = row.max(*last);
                fill(words, row, row);
            }
        }
    }

    pub(crate) fn contains(&self, row: usize) -> bool {
        let Ok(row) = u32::try_from(row) else { return false };
        match self {
            Self::Ranges(ranges) => {
                let after = ranges.partition_point(|(first, _)| *first <= row);
                after.checked_sub(1).and_then(|before| ranges.get(before)).is_some_and(|(_, last)| row <= *last)
            }
            Self::Bits { words, .. } => has_bit(words, row),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Ranges(ranges) if ranges.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        let mut count = 0;
        self.each_range(|first, last| count += (last - first) as usize + 1);
        count
    }

    /// The rows in rising order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> {
        let mut ranges = Vec::new();
        self.each_range(|first, last| ranges.push((first, last)));
        rows_of(ranges).map(|row| row as usize)
    }

    /// Visits the ranges in rising order, first and last row each.
    pub(crate) fn each_range(&self, mut visit: impl FnMut(u32, u32)) {
        match self {
            Self::Ranges(ranges) => ranges.iter().for_each(|(first, last)| visit(*first, *last)),
            Self::Bits { words, .. } => each_run(0, words, visit),
        }
    }

    pub(crate) fn is_range(&self) -> bool {
        matches!(self, Self::Ranges(ranges) if ranges.len() == 1)
    }

    /// The union of `up` over the rows. `up` of a row contains the row, and `up` of every row in it. Returns `None` where
    /// `sets` has no memory left. `seen` has a bit for each row of the table, all 0 before and after.
    pub(crate) fn closure<T>(
        &self,
        sets: &mut IdSets<T>,
        up: impl Fn(Id<T>) -> IdSet<T>,
        seen: &mut [u32],
    ) -> Option<IdSet<T>> {
        let mut parts = Vec::new();
        let mut steps = 0;
        self.each_range(|first, last| {
            for row in first..=last {
                if !has_bit(seen, row) {
                    let set = up(Id::numbered(row));
                    sets.each_range(set, |first, last| {
                        fill(seen, first, last);
                        steps += (last - first) as usize / 32 + 1;
                    });
                    parts.push(set);
                }
            }
        });
        for set in &parts {
            sets.each_range(*set, |first, last| {
                let words = seen.iter_mut().take((last / 32) as usize + 1).skip((first / 32) as usize);
                words.for_each(|word| *word = 0);
            });
        }
        sets.spend(steps)?;
        sets.union(&parts)
    }

    /// The same rows as an [`IdSet`]. Returns `None` where `sets` has no memory left.
    pub(crate) fn intern<T>(&self, sets: &mut IdSets<T>) -> Option<IdSet<T>> {
        match self {
            Self::Ranges(ranges) => sets.of_ranges(&mut ranges.to_vec()),
            Self::Bits { words, .. } => sets.of_bits(0, words),
        }
    }
}

impl Extend<usize> for RowSet {
    fn extend<I: IntoIterator<Item = usize>>(&mut self, rows: I) {
        rows.into_iter().for_each(|row| self.insert(row));
    }
}

/// Inserts a row. Returns true if it became a new range.
fn insert_into_ranges(ranges: &mut SmallVec<[(u32, u32); 1]>, row: u32) -> bool {
    // Most rows come in rising order.
    let after = match ranges.last() {
        Some((first, _)) if *first <= row => ranges.len(),
        _ => ranges.partition_point(|(first, _)| *first <= row),
    };
    let meets_next = ranges.get(after).is_some_and(|(first, _)| row + 1 == *first);
    let before = after.checked_sub(1).and_then(|before| ranges.get_mut(before));
    match before.filter(|(_, last)| row <= last.saturating_add(1)) {
        Some(_) if meets_next => {
            let (_, end) = ranges.remove(after);
            ranges.iter_mut().skip(after - 1).take(1).for_each(|(_, last)| *last = end);
        }
        Some((_, last)) => *last = row.max(*last),
        None if meets_next => ranges.iter_mut().skip(after).take(1).for_each(|(first, _)| *first = row),
        None => {
            ranges.insert(after, (row, row));
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_rows_take_little_memory_however_far_they_are() {
        let mut rising = RowSet::default();
        rising.extend([0, 2, 4].into_iter().chain((4..24).map(|power| 1 << power)));
        assert!(matches!(&rising, RowSet::Ranges(ranges) if ranges.len() == 23));
        let mut rising = RowSet::default();
        rising.extend((0..10_000).step_by(2).chain([1 << 24]));
        assert!(matches!(&rising, RowSet::Ranges(ranges) if ranges.len() == 5_001));
        rising.extend(((1 << 24) + 2..(1 << 25)).step_by(2));
        assert!(matches!(&rising, RowSet::Bits { words, .. } if words.len() == 1 << 20));
    }

    proptest! {
        #[test]
        fn rows_come_in_any_order(rows in prop::collection::vec(prop_oneof![0..70_usize, 0..3_000_usize], 0..200)) {
            let (mut set, mut plain) = (RowSet::default(), BTreeSet::new());
            for row in &rows {
                set.insert(*row);
                plain.insert(*row);
            }
            prop_assert_eq!(set.rows().collect::<Vec<_>>(), plain.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!((set.len(), set.is_empty()), (plain.len(), plain.is_empty()));
            for row in 0..3_100 {
                prop_assert_eq!(set.contains(row), plain.contains(&row));
            }
            let mut ranges = 0;
            set.each_range(|_, _| ranges += 1);
            let counted = if let RowSet::Bits { ranges, .. } = set { ranges } else { ranges };
            prop_assert_eq!(counted, ranges);
        }
    }
}
