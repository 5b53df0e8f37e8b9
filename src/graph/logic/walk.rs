//! Diagrams as decisions follow them: one flat array of steps, with the variable of each step resolved.

use crate::graph::diagram::{Class, Diagram, Diagrams, Edge};
use crate::graph::logic::plan::Assignment;
use crate::graph::logic::variable::{ResolvedVariable, Variables};

/// The steps of all diagrams, in the order of the diagrams' nodes.
#[derive(Debug)]
pub(crate) struct Walks {
    steps: Box<[WalkStep]>,
    /// The diagrams that short steps lead to, one for each class. Classes above the last lead to the last one.
    tables: Box<[Diagram]>,
    edges: Box<[Edge]>,
}

#[derive(Debug, Clone, Copy)]
struct WalkStep {
    variable: ResolvedVariable,
    targets: Targets,
}

#[derive(Debug, Clone, Copy)]
enum Targets {
    /// In `tables`: the position of class 0, and the last class.
    Table(u32, u32),
    /// In `edges`: from one position up to another, for variables with many classes.
    Edges(u32, u32),
}

/// A step with fewer classes has a table.
const LONGEST_TABLE: Class = 16;

impl Walks {
    pub(crate) fn of(diagrams: &Diagrams, variables: &Variables) -> Self {
        let (mut tables, mut edges, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for (variable, of_node) in diagrams.nodes() {
            let last = of_node.last().map_or(0, |edge| edge.from);
            let targets = if last < LONGEST_TABLE {
                let first = number(tables.len());
                tables.extend((0..=last).map(|class| target(of_node, class)));
                Targets::Table(first, last)
            } else {
                let first = number(edges.len());
                edges.extend_from_slice(of_node);
                Targets::Edges(first, number(edges.len()))
            };
            steps.push(WalkStep { variable: variables.resolve(variable), targets });
        }
        Self { steps: steps.into(), tables: tables.into(), edges: edges.into() }
    }

    /// True if the diagram ends at *yes* under an assignment.
    pub(crate) fn holds(&self, diagram: Diagram, variables: &Variables, assignment: &impl Assignment) -> bool {
        let mut at = diagram;
        while let Some(step) = at.row().and_then(|row| self.steps.get(row)) {
            let other = |id| variables.variable(id).map_or(0, |variable| assignment.class(variable));
            let class = match step.variable {
                ResolvedVariable::HasUser => u32::from(assignment.has_user()),
                ResolvedVariable::Capped => u32::from(assignment.is_capped()),
                ResolvedVariable::Roles(roles) => u32::from(assignment.has_role(roles)),
                ResolvedVariable::Scopes(scopes) => u32::from(assignment.has_scope(scopes)),
                ResolvedVariable::Attribute(group, row, id) => {
                    assignment.cached_class(group, row).unwrap_or_else(|| other(id))
                }
                ResolvedVariable::Other(id) => other(id),
            };
            let next = match step.targets {
                Targets::Table(first, last) => self.tables.get((first + class.min(last)) as usize).copied(),
                Targets::Edges(first, past) => {
                    let edges = self.edges.get(first as usize..past as usize);
                    edges.map(|edges| target(edges, class))
                }
            };
            at = next.unwrap_or(Diagram::NO);
        }
        at == Diagram::YES
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The diagram that a class leads to.
fn target(edges: &[Edge], class: Class) -> Diagram {
    let after = edges.partition_point(|edge| edge.from <= class);
    after.checked_sub(1).and_then(|at| edges.get(at)).map_or(Diagram::NO, |edge| edge.to)
}
