//! The store of diagrams, and how two become one.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::graph::diagram::{Diagram, Node, Outcome, Run, Variable};

/// Diagrams that are all different.
#[derive(Debug, Default)]
pub(crate) struct Diagrams {
    nodes: Vec<Node>,
    runs: Vec<Run>,
    known: HashTable<u32>,
    joined: HashMap<(Join, Diagram, Diagram), Diagram, FixedState>,
    hasher: FixedState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Join {
    And,
    Or,
}

impl Join {
    /// What is so whatever the other one is.
    fn decided(self, one: Diagram, other: Diagram) -> Option<Diagram> {
        let (absorbing, neutral) = match self {
            Self::And => (Diagram::NO, Diagram::YES),
            Self::Or => (Diagram::YES, Diagram::NO),
        };
        if one == absorbing || other == absorbing {
            Some(absorbing)
        } else if one == neutral || one == other {
            Some(other)
        } else if other == neutral {
            Some(one)
        } else {
            None
        }
    }
}

/// Two diagrams that would grow out of proportion together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// No diagram is deeper than this: walks of them recurse.
const DEEPEST: u32 = 400;
/// Two diagrams that are joined may come to so many times the edges that they have, and a few more.
const GROWTH: usize = 4;
const FREE: usize = 64;
/// No joined diagram is larger than so many edges.
const MOST: usize = 100_000;

impl Diagrams {
    /// The diagram that asks `variable` and goes on along `runs`, which begin at 0 and rise.
    pub(crate) fn node(&mut self, variable: Variable, runs: &[Run]) -> Diagram {
        let mut merged: Vec<Run> = Vec::with_capacity(runs.len());
        for run in runs {
            if merged.last().is_none_or(|last| last.to != run.to) {
                merged.push(*run);
            }
        }
        if let [only] = merged.as_slice() {
            return only.to;
        }
        let hash = self.hasher.hash_one((variable, &merged));
        let same = |id: &u32| {
            let diagram = Diagram(*id);
            self.variable(diagram) == Some(variable) && self.runs(diagram) == merged
        };
        if let Some(known) = self.known.find(hash, same) {
            return Diagram(*known);
        }
        let id = u32::try_from(self.nodes.len() + 2).unwrap_or(u32::MAX);
        let first = u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        let count = u32::try_from(merged.len()).unwrap_or(u32::MAX);
        let depth = 1 + merged.iter().map(|run| self.depth(run.to)).max().unwrap_or(0);
        self.runs.extend(merged);
        self.nodes.push(Node { variable, first, count, depth });
        let Self { nodes, runs, known, hasher, .. } = self;
        let hash_of = |id: &u32| {
            let node = nodes.get(*id as usize - 2);
            node.map_or(0, |node| hasher.hash_one((node.variable, of_node(runs, node))))
        };
        known.insert_unique(hash, id, hash_of);
        Diagram(id)
    }

    /// The variable that is asked first.
    pub(crate) fn variable(&self, diagram: Diagram) -> Option<Variable> {
        self.at(diagram).map(|node| node.variable)
    }

    /// The edges of the first node.
    pub(crate) fn runs(&self, diagram: Diagram) -> &[Run] {
        self.at(diagram).map(|node| of_node(&self.runs, node)).unwrap_or_default()
    }

    /// No more diagrams will be made.
    pub(crate) fn finish(&mut self) {
        self.known = HashTable::new();
        self.joined = HashMap::default();
        self.nodes.shrink_to_fit();
        self.runs.shrink_to_fit();
    }

    /// The diagrams' nodes in the order they were made, which is that of their numbers: what each asks, and its edges.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (Variable, &[Run])> {
        self.nodes.iter().map(|node| (node.variable, of_node(&self.runs, node)))
    }

    /// The most questions on a way through.
    pub(crate) fn depth(&self, diagram: Diagram) -> u32 {
        self.at(diagram).map_or(0, |node| node.depth)
    }

    fn at(&self, diagram: Diagram) -> Option<&Node> {
        self.nodes.get((diagram.0 as usize).checked_sub(2)?)
    }

    pub(crate) fn and(&mut self, one: Diagram, other: Diagram) -> Result<Diagram, TooLarge> {
        self.join(Join::And, one, other)
    }

    pub(crate) fn or(&mut self, one: Diagram, other: Diagram) -> Result<Diagram, TooLarge> {
        self.join(Join::Or, one, other)
    }

    fn join(&mut self, join: Join, one: Diagram, other: Diagram) -> Result<Diagram, TooLarge> {
        if let Some(decided) = join.decided(one, other) {
            return Ok(decided);
        }
        let runs = (GROWTH * (self.size(one, MOST) + self.size(other, MOST)) + FREE).min(MOST);
        self.joined_within(join, one, other, &mut { runs })
    }

    fn joined_within(
        &mut self,
        join: Join,
        one: Diagram,
        other: Diagram,
        budget: &mut usize,
    ) -> Result<Diagram, TooLarge> {
        if let Some(decided) = join.decided(one, other) {
            return Ok(decided);
        }
        let key = if one <= other { (join, one, other) } else { (join, other, one) };
        if let Some(known) = self.joined.get(&key) {
            return Ok(*known);
        }
        let (first, second) = (self.variable(one), self.variable(other));
        let variable = match (first, second) {
            (Some(first), Some(second)) => first.min(second),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return Ok(one),
        };
        let side = |diagram: Diagram, own: Option<Variable>| match own == Some(variable) {
            true => self.runs(diagram).to_vec(),
            false => vec![Run { from: 0, to: diagram }],
        };
        let (left, right) = (side(one, first), side(other, second));
        let pairs = together(&left, &right);
        *budget = budget.checked_sub(pairs.len()).ok_or(TooLarge)?;
        let mut runs = Vec::with_capacity(pairs.len());
        for (from, one, other) in pairs {
            runs.push(Run { from, to: self.joined_within(join, one, other, budget)? });
        }
        let made = self.node(variable, &runs);
        if self.depth(made) > DEEPEST {
            return Err(TooLarge);
        }
        self.joined.insert(key, made);
        Ok(made)
    }

    /// How many edges a diagram has, counted up to `most`.
    pub(crate) fn size(&self, diagram: Diagram, most: usize) -> usize {
        let mut seen = std::collections::HashSet::with_hasher(FixedState::default());
        let mut open = vec![diagram];
        let mut size = 0;
        while let Some(next) = open.pop() {
            if next.is_end() || !seen.insert(next) {
                continue;
            }
            size += self.runs(next).len();
            if size >= most {
                return most;
            }
            open.extend(self.runs(next).iter().map(|run| run.to));
        }
        size
    }
}

fn of_node<'r>(runs: &'r [Run], node: &Node) -> &'r [Run] {
    let first = node.first as usize;
    runs.get(first..first + node.count as usize).unwrap_or_default()
}

/// The runs of two edges at once.
fn together(left: &[Run], right: &[Run]) -> Vec<(Outcome, Diagram, Diagram)> {
    let mut pairs = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let (mut one, mut other) = (Diagram::NO, Diagram::NO);
    loop {
        let from = match (left.peek(), right.peek()) {
            (Some(one), Some(other)) => one.from.min(other.from),
            (Some(run), None) | (None, Some(run)) => run.from,
            (None, None) => return pairs,
        };
        if let Some(run) = left.next_if(|run| run.from == from) {
            one = run.to;
        }
        if let Some(run) = right.next_if(|run| run.from == from) {
            other = run.to;
        }
        pairs.push((from, one, other));
    }
}
