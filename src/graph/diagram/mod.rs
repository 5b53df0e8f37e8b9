//! Decision diagrams: a test of variables, one a node, whose edges lead on or to the end, *no* or *yes*. Equal diagrams
//! are one, so comparing two is comparing two numbers; on a path each variable is asked once at most, in one fixed order.
//!
//! A node's edges are runs of outcomes: a variable with a thousand classes, two of which matter, has three edges.

pub(crate) mod manager;

pub(crate) use crate::graph::diagram::manager::{Diagrams, TooLarge};

/// A variable, by its place in the order: lower ones are asked first.
pub(crate) type Variable = u32;

/// What a variable comes to: which of its classes.
pub(crate) type Outcome = u32;

/// A diagram: its first node, or the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Diagram(u32);

impl Diagram {
    pub(crate) const NO: Self = Self(0);
    pub(crate) const YES: Self = Self(1);

    /// Which of all nodes comes first; `None` at the end.
    pub(crate) fn row(self) -> Option<usize> {
        (self.0 as usize).checked_sub(2)
    }

    /// Whether it asks nothing any more.
    pub(crate) fn is_end(self) -> bool {
        self.0 < 2
    }
}

/// An edge for this outcome and those above it, up to the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    pub(crate) from: Outcome,
    pub(crate) to: Diagram,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    variable: Variable,
    /// Its runs, among all runs.
    first: u32,
    count: u32,
    /// How many nodes the longest way to the end has.
    depth: u32,
}
