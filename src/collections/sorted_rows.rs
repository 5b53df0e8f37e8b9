//! Rows that come in rising order: ranges of them, or a bit a row once that is shorter.

use smallvec::SmallVec;

use crate::collections::id_set::{IdSet, IdSets, each_run, fill};
use crate::collections::table::Id;

/// A set of rows that is still growing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum SortedRows {
    /// Firsts and lasts, with gaps between them.
    Ranges(SmallVec<[(u32, u32); 1]>),
    /// And how many ranges they are, and the last row.
    Bits { bits: Vec<u32>, ranges: usize, last: u32 },
}

impl Default for SortedRows {
    fn default() -> Self {
        Self::Ranges(SmallVec::new())
    }
}

impl SortedRows {
    /// Adds a row that is no lower than those before it.
    pub(crate) fn push<T>(&mut self, id: Id<T>) {
        let row = id.number();
        let words = (row / 32) as usize + 1;
        match self {
            Self::Ranges(ranges) => {
                if let Some((_, last)) = ranges.last_mut()
                    && row <= last.saturating_add(1)
                {
                    *last = row.max(*last);
                    return;
                }
                ranges.push((row, row));
                if 2 * ranges.len() > words && ranges.len() > 2 {
                    let mut bits = vec![0; words];
                    ranges.iter().for_each(|(first, last)| fill(&mut bits, *first, *last));
                    *self = Self::Bits { bits, ranges: ranges.len(), last: row };
                }
            }
            Self::Bits { bits, ranges, last } => {
                *ranges += usize::from(row > last.saturating_add(1));
                *last = row;
                // Far rows among few ranges: the bits would be mostly none.
                if words > 4 * *ranges {
                    let mut pairs = SmallVec::with_capacity(*ranges);
                    each_run(0, bits, |first, last| pairs.push((first, last)));
                    *self = Self::Ranges(pairs);
                    return self.push(id);
                }
                if bits.len() < words {
                    bits.resize(words, 0);
                }
                fill(bits, row, row);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Ranges(ranges) if ranges.is_empty())
    }

    /// The ranges of rows, in rising order.
    pub(crate) fn each_range(&self, mut see: impl FnMut(u32, u32)) {
        match self {
            Self::Ranges(ranges) => ranges.iter().for_each(|(first, last)| see(*first, *last)),
            Self::Bits { bits, .. } => each_run(0, bits, see),
        }
    }

    /// Whether it is one range.
    pub(crate) fn is_range(&self) -> bool {
        matches!(self, Self::Ranges(ranges) if ranges.len() == 1)
    }

    /// The union of the sets that `up` says of the rows, each of which holds its row, and the set of every row in it.
    /// `None` where `sets` has no room. There is a bit for each row of the table in `seen`, none of them set.
    pub(crate) fn closed<T>(
        &self,
        sets: &mut IdSets<T>,
        up: impl Fn(Id<T>) -> IdSet<T>,
        seen: &mut [u32],
    ) -> Option<IdSet<T>> {
        let mut parts = Vec::new();
        let mut steps = 0;
        self.each_range(|first, last| {
            for row in first..=last {
                let is_seen = seen.get((row / 32) as usize).is_some_and(|word| word & (1 << (row % 32)) != 0);
                if !is_seen {
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

    /// The rows as a set. `None` where `sets` has no room.
    pub(crate) fn kept<T>(&self, sets: &mut IdSets<T>) -> Option<IdSet<T>> {
        match self {
            Self::Ranges(ranges) => sets.of_ranges(&mut ranges.to_vec()),
            Self::Bits { bits, .. } => sets.of_bits(0, bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_take_little_room_however_far_they_are() {
        let mut rising = SortedRows::default();
        for row in [0, 2, 4].into_iter().chain((4..24).map(|power| 1 << power)) {
            rising.push(Id::<()>::numbered(row));
        }
        assert!(matches!(&rising, SortedRows::Ranges(ranges) if ranges.len() == 23));
        let mut rising = SortedRows::default();
        for row in (0..10_000).step_by(2).chain([1 << 24]) {
            rising.push(Id::<()>::numbered(row));
        }
        assert!(matches!(&rising, SortedRows::Ranges(ranges) if ranges.len() == 5_001));
        for row in ((1 << 24) + 2..(1 << 25)).step_by(2) {
            rising.push(Id::<()>::numbered(row));
        }
        assert!(matches!(&rising, SortedRows::Bits { bits, .. } if bits.len() == 1 << 20));
    }
}
