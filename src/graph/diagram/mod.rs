//! Multi-valued decision diagrams: each node tests one variable, and its edges lead to further nodes or to an end, *no* or
//! *yes*. Equal diagrams are one, so two diagrams are compared by their numbers. Every path tests each variable at most
//! once, in one fixed order.
//!
//! An edge covers a range of classes: a variable with a thousand classes, two of which matter, has three edges.

pub(crate) mod manager;

pub(crate) use crate::graph::diagram::manager::{Diagrams, TooLarge};

/// The position of a variable in the order of tests.
pub(crate) type VariableId = u32;

/// The number of a class of a variable's values. All values of one class have the same outcome in every diagram.
pub(crate) type Class = u32;

/// The first node of a diagram, or an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Diagram(u32);

impl Diagram {
    pub(crate) const NO: Self = Self(0);
    pub(crate) const YES: Self = Self(1);

    /// The row of its first node, or `None` at an end.
    pub(crate) fn row(self) -> Option<usize> {
        (self.0 as usize).checked_sub(2)
    }
}

/// An edge for the classes from `from` up to the next edge's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Edge {
    pub(crate) from: Class,
    pub(crate) to: Diagram,
}
