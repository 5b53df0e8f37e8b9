//! Sets of outcomes of a question.

use smallvec::{SmallVec, smallvec};

use crate::graph::Outcome;

/// Truths, as ranges from one up to another, in rising order and with gaps between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Ranges(SmallVec<[(Outcome, Outcome); 2]>);

impl Ranges {
    /// All of so many.
    pub(crate) fn all(count: Outcome) -> Self {
        Self(smallvec![(0, count)])
    }

    pub(crate) fn one(outcome: Outcome) -> Self {
        Self(smallvec![(outcome, outcome + 1)])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Outcome, Outcome)> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn has(&self, outcome: Outcome) -> bool {
        self.iter().any(|(from, to)| from <= outcome && outcome < to)
    }

    /// Adds a range behind those that are there.
    pub(crate) fn push(&mut self, from: Outcome, to: Outcome) {
        match self.0.last_mut() {
            _ if from >= to => {}
            Some(last) if last.1 >= from => last.1 = to,
            _ => self.0.push((from, to)),
        }
    }

    /// Those of a range that are among them.
    pub(crate) fn within(&self, from: Outcome, to: Outcome) -> impl Iterator<Item = (Outcome, Outcome)> + '_ {
        let cut = move |(first, past): (Outcome, Outcome)| (first.max(from), past.min(to));
        self.iter().map(cut).filter(|(first, past)| first < past)
    }
}
