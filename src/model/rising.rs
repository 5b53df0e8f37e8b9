//! Rows that come in rising order: ranges of them, or a bit a row once that is shorter.

use smallvec::SmallVec;

use super::id_set::{IdSet, IdSets, each_run, fill};
use super::table::Id;

/// A set of rows that is still growing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Rising {
    /// Firsts and lasts, with gaps between them.
    Ranges(SmallVec<[(u32, u32); 1]>),
    Bits(Vec<u32>),
}

impl Default for Rising {
    fn default() -> Self {
        Self::Ranges(SmallVec::new())
    }
}

impl Rising {
    /// Adds a row that is no lower than those before it.
    pub(crate) fn push<T>(&mut self, id: Id<T>) {
        let row = id.number();
        let word = (row / 32) as usize;
        match self {
            Self::Ranges(ranges) => {
                if let Some((_, last)) = ranges.last_mut()
                    && row <= last.saturating_add(1)
                {
                    *last = row.max(*last);
                    return;
                }
                ranges.push((row, row));
                if 2 * ranges.len() > word + 1 && ranges.len() > 2 {
                    let mut bits = vec![0; word + 1];
                    let rows = ranges.iter().flat_map(|(first, last)| *first..=*last);
                    rows.for_each(|row| set(&mut bits, row));
                    *self = Self::Bits(bits);
                }
            }
            Self::Bits(bits) => {
                if bits.len() <= word {
                    bits.resize(word + 1, 0);
                }
                set(bits, row);
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
            Self::Bits(bits) => each_run(0, bits, see),
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
            Self::Bits(bits) => sets.of_bits(0, bits),
        }
    }
}

fn set(bits: &mut [u32], row: u32) {
    if let Some(word) = bits.get_mut((row / 32) as usize) {
        *word |= 1 << (row % 32);
    }
}
