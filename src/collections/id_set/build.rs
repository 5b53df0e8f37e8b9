//! Makes sets: unions, differences, and sets of ranges or bits. All sets together have a budget of memory and of steps.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::collections::id_set::{IdSet, IdSets, Layout, STORED};
use crate::collections::words::{clear, each_run, fill};

/// The most words of 4 bytes that all sets of one table may take.
const MOST_WORDS: usize = 1 << 24;
/// The most words that may be visited to make them.
const MOST_STEPS: usize = 1 << 30;

impl<T> IdSets<T> {
    /// The rows of `set` that are not in `other`. Returns `None` where the budget is used up.
    pub(crate) fn difference(&mut self, set: IdSet<T>, other: IdSet<T>) -> Option<IdSet<T>> {
        let Some((first, last)) = self.bounds(set).filter(|_| !other.is_empty()) else { return Some(set) };
        let (base, length) = (first / 32 * 32, (last / 32 - first / 32) as usize + 1);
        self.spend(length)?;
        let mut bits = self.zeros(length);
        self.each_range(set, |first, last| fill(&mut bits, first - base, last - base));
        self.each_range(other, |from, to| {
            let (from, to) = (from.max(first), to.min(last));
            if from <= to {
                clear(&mut bits, from - base, to - base);
            }
        });
        let difference = self.of_bits(base, &bits);
        self.scratch = bits;
        difference
    }

    /// All rows of several sets. Returns `None` where the budget is used up.
    pub(crate) fn union(&mut self, sets: &[IdSet<T>]) -> Option<IdSet<T>> {
        if let [only] = sets {
            return Some(*only);
        }
        let mut bounds: Option<(u32, u32)> = None;
        let mut length = 0;
        let mut masks = false;
        for set in sets {
            let Some((first, last)) = self.bounds(*set) else { continue };
            length += match self.layout(*set) {
                Layout::Range(..) => 2,
                Layout::Ranges(ranges) => ranges.len(),
                Layout::Mask(_, words) => {
                    masks = true;
                    words.len()
                }
            };
            bounds = Some(bounds.map_or((first, last), |(least, most)| (first.min(least), last.max(most))));
        }
        let Some((first, last)) = bounds else { return Some(IdSet::EMPTY) };
        let mask = (last / 32 - first / 32) as usize + 1;
        self.spend(length)?;
        if masks || length > mask {
            self.spend(mask)?;
            return self.union_of_bits(sets, first / 32 * 32, mask);
        }
        let mut ranges = Vec::with_capacity(length / 2);
        sets.iter().for_each(|set| self.each_range(*set, |first, last| ranges.push((first, last))));
        self.of_ranges(&mut ranges)
    }

    fn union_of_bits(&mut self, sets: &[IdSet<T>], base: u32, length: usize) -> Option<IdSet<T>> {
        let mut bits = self.zeros(length);
        for set in sets {
            if let Layout::Mask(from, words) = self.layout(*set) {
                let slots = bits.iter_mut().skip((from.saturating_sub(base) / 32) as usize);
                slots.zip(words).for_each(|(slot, word)| *slot |= word);
            } else {
                self.each_range(*set, |first, last| fill(&mut bits, first - base, last - base));
            }
        }
        let set = self.of_bits(base, &bits);
        self.scratch = bits;
        set
    }

    /// The set of these ranges, which may overlap and have any order.
    pub(crate) fn of_ranges(&mut self, ranges: &mut Vec<(u32, u32)>) -> Option<IdSet<T>> {
        ranges.sort_unstable();
        ranges.dedup_by(|(first, last), (_, before)| {
            let touches = *first <= before.saturating_add(1);
            if touches {
                *before = (*before).max(*last);
            }
            touches
        });
        let (first, last) = match ranges.as_slice() {
            [] => return Some(IdSet::EMPTY),
            [(first, last)] => return Some(IdSet::range(*first, *last)),
            [(first, _), .., (_, last)] => (*first, *last),
        };
        let mask = (last / 32 - first / 32) as usize + 1;
        self.spend(2 * ranges.len())?;
        if mask < 2 * ranges.len() {
            let base = first / 32 * 32;
            let mut bits = vec![0; mask];
            ranges.iter().for_each(|(first, last)| fill(&mut bits, first - base, last - base));
            return self.of_bits(base, &bits);
        }
        self.store(u32::try_from(2 * ranges.len()).ok()?, ranges.iter().flat_map(|(first, last)| [*first, *last]))
    }

    /// The set of these bits. The first bit is that of the row `base`, a multiple of 32.
    pub(crate) fn of_bits(&mut self, base: u32, bits: &[u32]) -> Option<IdSet<T>> {
        let empty = |word: &&u32| **word == 0;
        let before = bits.iter().take_while(empty).count();
        let after = bits.iter().rev().take_while(empty).count();
        let bits = bits.get(before..bits.len().saturating_sub(after)).unwrap_or_default();
        let base = base + 32 * u32::try_from(before).ok()?;
        let mut before = 0;
        let runs: u32 = bits
            .iter()
            .map(|word| {
                let starts = word & !(word << 1 | before >> 31);
                before = *word;
                starts.count_ones()
            })
            .sum();
        if bits.len() < 2 * runs as usize && runs > 1 {
            let header = 2 * u32::try_from(bits.len()).ok()? + 1;
            return self.store(header, std::iter::once(base).chain(bits.iter().copied()));
        }
        let mut ranges = Vec::with_capacity(runs as usize);
        each_run(base, bits, |first, last| ranges.push((first, last)));
        match ranges.as_slice() {
            [] => Some(IdSet::EMPTY),
            [(first, last)] => Some(IdSet::range(*first, *last)),
            several => self.store(2 * runs, several.iter().flat_map(|(first, last)| [*first, *last])),
        }
    }

    /// The handle of a set, which is stored unless an equal set is.
    fn store(&mut self, header: u32, words: impl Iterator<Item = u32>) -> Option<IdSet<T>> {
        let position = self.words.len();
        self.words.push(header);
        self.words.extend(words);
        let Self { words, positions, .. } = self;
        let new = stored(words, position);
        let known = positions.find(hash(new), |known| stored(words, *known as usize) == new).copied();
        if known.is_some() || words.len() > MOST_WORDS {
            words.truncate(position);
            return known.map(|known| IdSet::range(STORED, known));
        }
        let position = u32::try_from(position).ok()?;
        positions.insert_unique(hash(new), position, |known| hash(stored(words, *known as usize)));
        Some(IdSet::range(STORED, position))
    }

    /// Takes steps from the budget. Returns `None` where there are too few.
    pub(crate) fn spend(&mut self, steps: usize) -> Option<()> {
        self.steps = self.steps.saturating_add(steps);
        (self.steps <= MOST_STEPS).then_some(())
    }

    /// Words of 0, in the memory of `scratch`. The caller gives the memory back.
    fn zeros(&mut self, length: usize) -> Vec<u32> {
        let mut words = std::mem::take(&mut self.scratch);
        words.clear();
        words.resize(length, 0);
        words
    }

    /// A range that contains all rows of the set. It is `None` for the empty set.
    fn bounds(&self, set: IdSet<T>) -> Option<(u32, u32)> {
        match self.layout(set) {
            Layout::Range(first, last) => (first <= last).then_some((first, last)),
            Layout::Ranges(ranges) => ranges.first().copied().zip(ranges.last().copied()),
            Layout::Mask(base, words) => {
                let bits = u32::try_from(32 * words.len()).ok()?;
                Some((base, base.saturating_add(bits).saturating_sub(1)))
            }
        }
    }
}

/// The words of a stored set, the header included.
fn stored(words: &[u32], position: usize) -> &[u32] {
    let rest = words.get(position..).unwrap_or_default();
    let header = rest.first().copied().unwrap_or(0);
    let count = (header / 2) as usize;
    let length = if header % 2 == 0 { 2 * count + 1 } else { count + 2 };
    rest.get(..length).unwrap_or_default()
}

fn hash(words: &[u32]) -> u64 {
    FixedState::default().hash_one(words)
}
