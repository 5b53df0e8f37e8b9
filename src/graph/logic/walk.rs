//! Diagrams as they are followed: flat, a step a node, and with what each asks at hand.

use crate::graph::diagram::{Diagram, Diagrams, Outcome, Run};
use crate::graph::logic::plan::Answers;
use crate::graph::logic::variable::{Ask, Variables};

/// The steps of all diagrams.
#[derive(Debug)]
pub(crate) struct Walks {
    steps: Box<[Step]>,
    /// One after the other, by outcome; what is above the last leads where that does.
    tables: Box<[Diagram]>,
    runs: Box<[Run]>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    ask: Ask,
    edges: Edges,
}

#[derive(Debug, Clone, Copy)]
enum Edges {
    /// Two or more, one an outcome: the first of them, and how far the last is from it.
    Table(u32, u32),
    /// Where there are many outcomes, which are alike over long stretches.
    Runs(u32, u32),
}

/// With so many outcomes told apart, a table is short enough.
const LONGEST_TABLE: Outcome = 16;

impl Walks {
    pub(crate) fn of(diagrams: &Diagrams, variables: &Variables) -> Self {
        let (mut tables, mut runs, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for (variable, edges) in diagrams.nodes() {
            let last = edges.last().map_or(0, |run| run.from);
            let edges = if last < LONGEST_TABLE {
                let first = number(tables.len());
                tables.extend((0..=last).map(|outcome| along(edges, outcome)));
                Edges::Table(first, last)
            } else {
                let first = number(runs.len());
                runs.extend_from_slice(edges);
                Edges::Runs(first, number(runs.len()))
            };
            steps.push(Step { ask: variables.ask(variable), edges });
        }
        Self { steps: steps.into(), tables: tables.into(), runs: runs.into() }
    }

    /// Whether the way that the answers lead ends at *yes*.
    pub(crate) fn holds(&self, diagram: Diagram, variables: &Variables, answers: &impl Answers) -> bool {
        let mut at = diagram;
        while let Some(step) = at.row().and_then(|row| self.steps.get(row)) {
            let other = |variable| variables.question(variable).map_or(0, |question| answers.answer(question));
            let outcome = match step.ask {
                Ask::HasUser => u32::from(answers.has_user()),
                Ask::Capped => u32::from(answers.is_capped()),
                Ask::Roles(roles) => u32::from(answers.has_role(roles)),
                Ask::Scopes(scopes) => u32::from(answers.has_scope(scopes)),
                Ask::Class(of, row, variable) => answers.known(of, row).unwrap_or_else(|| other(variable)),
                Ask::Other(variable) => other(variable),
            };
            let next = match step.edges {
                Edges::Table(first, last) => self.tables.get((first + outcome.min(last)) as usize).copied(),
                Edges::Runs(first, past) => {
                    let runs = self.runs.get(first as usize..past as usize);
                    runs.map(|runs| along(runs, outcome))
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

/// Where an outcome leads.
fn along(runs: &[Run], outcome: Outcome) -> Diagram {
    let after = runs.partition_point(|run| run.from <= outcome);
    after.checked_sub(1).and_then(|at| runs.get(at)).map_or(Diagram::NO, |run| run.to)
}
