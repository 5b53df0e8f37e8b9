//! Sets of rows of a table: ranges of rows, or a bit a row where that is shorter. A range alone needs no room but its
//! handle's; what is more stands in one flat array, equal sets once.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::marker::PhantomData;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::collections::table::Id;

/// All sets of a policy together may take so many words of 4 bytes.
const MOST_WORDS: usize = 1 << 24;
/// And so many words may be gone through to make them.
const MOST_STEPS: usize = 1 << 30;

/// A set of rows, made by one [`IdSets`]. Of one `IdSets`, two sets are equal if they hold the same rows.
pub(crate) struct IdSet<T> {
    /// `first..=last` where they are in order; `STORED` and a place in the array; `1` and `0` for no rows at all.
    first: u32,
    last: u32,
    of: PhantomData<fn() -> T>,
}

/// No table has so many rows.
const STORED: u32 = u32::MAX;

impl<T> IdSet<T> {
    /// No rows.
    pub(crate) const EMPTY: Self = Self { first: 1, last: 0, of: PhantomData };

    pub(crate) fn one(id: Id<T>) -> Self {
        Self::range(id.number(), id.number())
    }

    fn range(first: u32, last: u32) -> Self {
        Self { first, last, of: PhantomData }
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
impl<T> Clone for IdSet<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for IdSet<T> {}
impl<T> PartialEq for IdSet<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.first, self.last) == (other.first, other.last)
    }
}
impl<T> Eq for IdSet<T> {}
impl<T> PartialOrd for IdSet<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for IdSet<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.first, self.last).cmp(&(other.first, other.last))
    }
}
impl<T> Hash for IdSet<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.first, self.last).hash(state);
    }
}
impl<T> fmt::Debug for IdSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.first, self.last)
    }
}

/// The sets that are more than a range.
///
/// Each is a header, twice a count and a bit that says what is counted: pairs of a first and a last row, in order and
/// with gaps between them; or words of a mask, which are behind a word that says which row the mask begins at, a
/// multiple of 32.
pub(crate) struct IdSets<T> {
    words: Vec<u32>,
    /// Where equal sets are found while sets are made.
    places: HashTable<u32>,
    steps: usize,
    scratch: Vec<u32>,
    of: PhantomData<fn() -> T>,
}

impl<T> Default for IdSets<T> {
    fn default() -> Self {
        Self { words: Vec::new(), places: HashTable::new(), steps: 0, scratch: Vec::new(), of: PhantomData }
    }
}

impl<T> fmt::Debug for IdSets<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdSets({} words)", self.words.len())
    }
}

/// A set as it stands.
enum Form<'s> {
    Range(u32, u32),
    /// Firsts and lasts in turn.
    Ranges(&'s [u32]),
    /// The row of the first bit, and the bits.
    Mask(u32, &'s [u32]),
}

impl<T> IdSets<T> {
    fn form(&self, set: IdSet<T>) -> Form<'_> {
        if set.first != STORED {
            return Form::Range(set.first, set.last);
        }
        let at = set.last as usize;
        let header = self.words.get(at).copied().unwrap_or(0);
        let count = (header / 2) as usize;
        if header % 2 == 0 {
            return Form::Ranges(self.words.get(at + 1..).and_then(|rest| rest.get(..2 * count)).unwrap_or_default());
        }
        let base = self.words.get(at + 1).copied().unwrap_or(0);
        Form::Mask(base, self.words.get(at + 2..).and_then(|rest| rest.get(..count)).unwrap_or_default())
    }

    pub(crate) fn contains(&self, set: IdSet<T>, id: Id<T>) -> bool {
        let row = id.number();
        match self.form(set) {
            Form::Range(first, last) => first <= row && row <= last,
            Form::Ranges(ranges) => {
                let (pairs, _) = ranges.as_chunks::<2>();
                let after = pairs.partition_point(|[first, _]| *first <= row);
                let before = after.checked_sub(1).and_then(|before| pairs.get(before));
                before.is_some_and(|[_, last]| row <= *last)
            }
            Form::Mask(base, words) => {
                let bit = row.checked_sub(base);
                bit.is_some_and(|bit| words.get(bit as usize / 32).is_some_and(|word| word & (1 << (bit % 32)) != 0))
            }
        }
    }

    /// Whether one of these is in the set.
    pub(crate) fn has_any(&self, set: IdSet<T>, ids: &[Id<T>]) -> bool {
        if set.first != STORED {
            return ids.iter().any(|id| set.first <= id.number() && id.number() <= set.last);
        }
        ids.iter().any(|id| self.contains(set, *id))
    }

    /// The rows of a set, in rising order.
    pub(crate) fn ids(&self, set: IdSet<T>) -> impl Iterator<Item = Id<T>> {
        let mut ranges = Vec::new();
        self.each_range(set, |first, last| ranges.push((first, last)));
        ranges.into_iter().flat_map(|(first, last)| (first..=last).map(Id::numbered))
    }

    /// The ranges of a set, in rising order, with gaps between them.
    pub(crate) fn each_range(&self, set: IdSet<T>, mut see: impl FnMut(u32, u32)) {
        match self.form(set) {
            Form::Range(first, last) if first <= last => see(first, last),
            Form::Range(..) => {}
            Form::Ranges(ranges) => ranges.as_chunks::<2>().0.iter().for_each(|[first, last]| see(*first, *last)),
            Form::Mask(base, words) => each_run(base, words, see),
        }
    }

    /// The rows of one set that aren't in the other. `None` where there is no room for another set.
    pub(crate) fn difference(&mut self, set: IdSet<T>, other: IdSet<T>) -> Option<IdSet<T>> {
        let Some((first, last)) = self.bounds(set).filter(|_| !other.is_empty()) else { return Some(set) };
        let (base, length) = (first / 32 * 32, (last / 32 - first / 32) as usize + 1);
        self.spend(length)?;
        let mut bits = std::mem::take(&mut self.scratch);
        bits.clear();
        bits.resize(length, 0);
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

    /// No row of a set is before or after these.
    fn bounds(&self, set: IdSet<T>) -> Option<(u32, u32)> {
        match self.form(set) {
            Form::Range(first, last) => (first <= last).then_some((first, last)),
            Form::Ranges(ranges) => ranges.first().copied().zip(ranges.last().copied()),
            Form::Mask(base, words) => {
                let bits = u32::try_from(32 * words.len()).ok()?;
                Some((base, base.saturating_add(bits).saturating_sub(1)))
            }
        }
    }

    /// All rows of several sets. `None` where they are too many, or too entangled, to keep them all.
    pub(crate) fn union(&mut self, sets: &[IdSet<T>]) -> Option<IdSet<T>> {
        if let [only] = sets {
            return Some(*only);
        }
        let mut bounds: Option<(u32, u32)> = None;
        let mut length = 0;
        let mut masks = false;
        for set in sets {
            let Some((first, last)) = self.bounds(*set) else { continue };
            length += match self.form(*set) {
                Form::Range(..) => 2,
                Form::Ranges(ranges) => ranges.len(),
                Form::Mask(_, words) => {
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
        let mut bits = std::mem::take(&mut self.scratch);
        bits.clear();
        bits.resize(length, 0);
        for set in sets {
            if let Form::Mask(from, words) = self.form(*set) {
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
        let words = ranges.iter().flat_map(|(first, last)| [*first, *last]);
        self.store(u32::try_from(2 * ranges.len()).ok()?, words)
    }

    /// The set of these bits, the first of which stands for the row `base`, a multiple of 32.
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

    /// Keeps a set that isn't there yet.
    fn store(&mut self, header: u32, words: impl Iterator<Item = u32>) -> Option<IdSet<T>> {
        let place = self.words.len();
        self.words.push(header);
        self.words.extend(words);
        let Self { words, places, .. } = self;
        let new = stored(words, place);
        let known = places.find(hash(new), |known| stored(words, *known as usize) == new).copied();
        if known.is_some() || words.len() > MOST_WORDS {
            words.truncate(place);
            return known.map(|known| IdSet { first: STORED, last: known, of: PhantomData });
        }
        let place = u32::try_from(place).ok()?;
        places.insert_unique(hash(new), place, |known| hash(stored(words, *known as usize)));
        Some(IdSet { first: STORED, last: place, of: PhantomData })
    }

    pub(crate) fn spend(&mut self, steps: usize) -> Option<()> {
        self.steps = self.steps.saturating_add(steps);
        (self.steps <= MOST_STEPS).then_some(())
    }

    /// Gives back what only the making of sets needs.
    pub(crate) fn shrink(&mut self) {
        self.words.shrink_to_fit();
        self.places = HashTable::new();
        self.scratch = Vec::new();
    }
}

/// A set's words, with its header.
fn stored(words: &[u32], place: usize) -> &[u32] {
    let rest = words.get(place..).unwrap_or_default();
    let header = rest.first().copied().unwrap_or(0);
    let count = (header / 2) as usize;
    let length = if header % 2 == 0 { 2 * count + 1 } else { count + 2 };
    rest.get(..length).unwrap_or_default()
}

fn hash(words: &[u32]) -> u64 {
    FixedState::default().hash_one(words)
}

/// Sets the bits from `first` to `last`.
pub(crate) fn fill(bits: &mut [u32], first: u32, last: u32) {
    each_word(bits, first, last, |word, bits| *word |= bits);
}

/// Clears the bits from `first` to `last`.
fn clear(bits: &mut [u32], first: u32, last: u32) {
    each_word(bits, first, last, |word, bits| *word &= !bits);
}

fn each_word(bits: &mut [u32], first: u32, last: u32, change: impl Fn(&mut u32, u32)) {
    let (from, to) = ((first / 32) as usize, (last / 32) as usize);
    for (at, word) in bits.iter_mut().enumerate().take(to + 1).skip(from) {
        let low = if at == from { u32::MAX << (first % 32) } else { u32::MAX };
        let high = if at == to { u32::MAX >> (31 - last % 32) } else { u32::MAX };
        change(word, low & high);
    }
}

/// The runs of bits that are set, as rows.
pub(crate) fn each_run(base: u32, bits: &[u32], mut see: impl FnMut(u32, u32)) {
    let mut open: Option<u32> = None;
    let mut row = base;
    for word in bits {
        match (*word, open) {
            (0, None) | (u32::MAX, Some(_)) => {}
            (word, _) => {
                let mut at = 0;
                while at < 32 {
                    let rest = word >> at;
                    if open.is_none() {
                        at += rest.trailing_zeros().min(32 - at);
                        open = (at < 32).then_some(row + at);
                    } else {
                        at += rest.trailing_ones().min(32 - at);
                        if at < 32 {
                            open.take().into_iter().for_each(|first| see(first, row + at - 1));
                        }
                    }
                }
            }
        }
        row += 32;
    }
    open.into_iter().for_each(|first| see(first, row - 1));
}
