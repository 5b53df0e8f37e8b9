//! Sets of classes of one variable.

use smallvec::{SmallVec, smallvec};

use crate::graph::Class;

/// Ranges of classes in rising order, with gaps between them: the first class, and the one behind the last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct ClassSet(SmallVec<[(Class, Class); 2]>);

impl ClassSet {
    /// The classes below `count`.
    pub(crate) fn all(count: Class) -> Self {
        Self(smallvec![(0, count)])
    }

    pub(crate) fn one(class: Class) -> Self {
        Self(smallvec![(class, class + 1)])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = (Class, Class)> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn has(&self, class: Class) -> bool {
        self.iter().any(|(from, to)| from <= class && class < to)
    }

    /// Adds a range behind the others.
    pub(crate) fn push(&mut self, (from, to): (Class, Class)) {
        match self.0.last_mut() {
            _ if from >= to => {}
            Some(last) if last.1 >= from => last.1 = to,
            _ => self.0.push((from, to)),
        }
    }

    /// The ranges of the set between two classes.
    pub(crate) fn within(&self, from: Class, to: Class) -> impl Iterator<Item = (Class, Class)> + '_ {
        let cut = move |(first, past): (Class, Class)| (first.max(from), past.min(to));
        self.iter().map(cut).filter(|(first, past)| first < past)
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        self.iter().flat_map(|(from, to)| other.within(from, to)).for_each(|range| both.push(range));
        both
    }
}
