//! The diagrams of a policy: each is stored once, and two are joined by *and* or *or*.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::graph::diagram::{Class, Diagram, Edge, VariableId};

/// Distinct diagrams.
#[derive(Debug, Default)]
pub(crate) struct Diagrams {
    nodes: Vec<DiagramNode>,
    edges: Vec<Edge>,
    /// The numbers of the diagrams, by their content.
    known: HashTable<u32>,
    joined: HashMap<(Join, Diagram, Diagram), Diagram, FixedState>,
    hasher: FixedState,
}

#[derive(Debug, Clone, Copy)]
struct DiagramNode {
    variable: VariableId,
    /// The position of the first edge, and the number of edges.
    first: u32,
    count: u32,
    /// The most nodes on a path to an end.
    depth: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Join {
    And,
    Or,
}

impl Join {
    /// The result where one operand alone decides it.
    fn shortcut(self, one: Diagram, other: Diagram) -> Option<Diagram> {
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

/// The joined diagram would be too large beside its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// The most nodes on a path: joins recurse.
const DEEPEST: u32 = 400;
/// A join may make so many edges for each edge of its operands, plus `FREE`.
const GROWTH: usize = 4;
const FREE: usize = 64;
/// The most edges of a joined diagram.
const MOST: usize = 100_000;

impl Diagrams {
    /// The diagram that tests `variable`. The first edge is for class 0, and the classes of the edges rise.
    pub(crate) fn node(&mut self, variable: VariableId, edges: &[Edge]) -> Diagram {
        let mut merged: Vec<Edge> = Vec::with_capacity(edges.len());
        for edge in edges {
            if merged.last().is_none_or(|last| last.to != edge.to) {
                merged.push(*edge);
            }
        }
        if let [only] = merged.as_slice() {
            return only.to;
        }
        let hash = self.hasher.hash_one((variable, &merged));
        let same = |id: &u32| {
            let diagram = Diagram(*id);
            self.variable(diagram) == Some(variable) && self.edges(diagram) == merged
        };
        if let Some(known) = self.known.find(hash, same) {
            return Diagram(*known);
        }
        let id = u32::try_from(self.nodes.len() + 2).unwrap_or(u32::MAX);
        let first = u32::try_from(self.edges.len()).unwrap_or(u32::MAX);
        let count = u32::try_from(merged.len()).unwrap_or(u32::MAX);
        let depth = 1 + merged.iter().map(|edge| self.depth(edge.to)).max().unwrap_or(0);
        self.edges.extend(merged);
        self.nodes.push(DiagramNode { variable, first, count, depth });
        let Self { nodes, edges, known, hasher, .. } = self;
        let hash_of = |id: &u32| {
            let node = nodes.get(*id as usize - 2);
            node.map_or(0, |node| hasher.hash_one((node.variable, of_node(edges, node))))
        };
        known.insert_unique(hash, id, hash_of);
        Diagram(id)
    }

    /// The variable of the first node.
    pub(crate) fn variable(&self, diagram: Diagram) -> Option<VariableId> {
        self.first_node(diagram).map(|node| node.variable)
    }

    /// The edges of the first node.
    pub(crate) fn edges(&self, diagram: Diagram) -> &[Edge] {
        self.first_node(diagram).map(|node| of_node(&self.edges, node)).unwrap_or_default()
    }

    /// Frees the memory that only the making of diagrams needs.
    pub(crate) fn finish(&mut self) {
        self.known = HashTable::new();
        self.joined = HashMap::default();
        self.nodes.shrink_to_fit();
        self.edges.shrink_to_fit();
    }

    /// The variables and the edges of all nodes, in the order of [`Diagram::row`].
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (VariableId, &[Edge])> {
        self.nodes.iter().map(|node| (node.variable, of_node(&self.edges, node)))
    }

    fn depth(&self, diagram: Diagram) -> u32 {
        self.first_node(diagram).map_or(0, |node| node.depth)
    }

    fn first_node(&self, diagram: Diagram) -> Option<&DiagramNode> {
        self.nodes.get(diagram.row()?)
    }

    pub(crate) fn and(&mut self, one: Diagram, other: Diagram) -> Result<Diagram, TooLarge> {
        self.join(Join::And, one, other)
    }

    pub(crate) fn or(&mut self, one: Diagram, other: Diagram) -> Result<Diagram, TooLarge> {
        self.join(Join::Or, one, other)
    }

    fn join(&mut self, join: Join, one: Diagram, other: Diagram) -> Result<Diagram, TooLarge> {
        if let Some(result) = join.shortcut(one, other) {
            return Ok(result);
        }
        let edges = (GROWTH * (self.size(one) + self.size(other)) + FREE).min(MOST);
        self.join_within(join, one, other, &mut { edges })
    }

    fn join_within(
        &mut self,
        join: Join,
        one: Diagram,
        other: Diagram,
        budget: &mut usize,
    ) -> Result<Diagram, TooLarge> {
        if let Some(result) = join.shortcut(one, other) {
            return Ok(result);
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
        let side = |diagram: Diagram, own: Option<VariableId>| match own == Some(variable) {
            true => self.edges(diagram).to_vec(),
            false => vec![Edge { from: 0, to: diagram }],
        };
        let (left, right) = (side(one, first), side(other, second));
        let pairs = merge(&left, &right);
        *budget = budget.checked_sub(pairs.len()).ok_or(TooLarge)?;
        let mut edges = Vec::with_capacity(pairs.len());
        for (from, one, other) in pairs {
            edges.push(Edge { from, to: self.join_within(join, one, other, budget)? });
        }
        let made = self.node(variable, &edges);
        if self.depth(made) > DEEPEST {
            return Err(TooLarge);
        }
        self.joined.insert(key, made);
        Ok(made)
    }

    /// The number of edges of a diagram, counted up to `MOST`.
    fn size(&self, diagram: Diagram) -> usize {
        let mut seen = HashSet::with_hasher(FixedState::default());
        let mut open = vec![diagram];
        let mut size = 0;
        while let Some(next) = open.pop() {
            if next.row().is_none() || !seen.insert(next) {
                continue;
            }
            size += self.edges(next).len();
            if size >= MOST {
                return MOST;
            }
            open.extend(self.edges(next).iter().map(|edge| edge.to));
        }
        size
    }
}

fn of_node<'e>(edges: &'e [Edge], node: &DiagramNode) -> &'e [Edge] {
    let first = node.first as usize;
    edges.get(first..first + node.count as usize).unwrap_or_default()
}

/// For each class where the target of one side changes: the targets of both sides.
fn merge(left: &[Edge], right: &[Edge]) -> Vec<(Class, Diagram, Diagram)> {
    let mut pairs = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let (mut one, mut other) = (Diagram::NO, Diagram::NO);
    loop {
        let from = match (left.peek(), right.peek()) {
            (Some(one), Some(other)) => one.from.min(other.from),
            (Some(edge), None) | (None, Some(edge)) => edge.from,
            (None, None) => return pairs,
        };
        if let Some(edge) = left.next_if(|edge| edge.from == from) {
            one = edge.to;
        }
        if let Some(edge) = right.next_if(|edge| edge.from == from) {
            other = edge.to;
        }
        pairs.push((from, one, other));
    }
}
