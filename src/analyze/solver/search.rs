//! Walks all paths on which every requirement's plan ends at *yes*, and looks for a request on each.

use std::collections::HashMap;

use crate::analyze::solver::assumptions::{Assumed, Assumptions};
use crate::analyze::solver::class_set::ClassSet;
use crate::analyze::solver::solve::{Budget, Solution, solve};
use crate::analyze::solver::space::{DependsOn, InstanceVariable, Slot, Space};
use crate::analyze::synthetic_request::SyntheticRequest;
use crate::collections::table::Id;
use crate::graph::{Class, CompoundPlan, Diagram, Plan, Variable, Variables};
use crate::model::value::{Known, Value};
use crate::typed::Role;

/// The roles and values of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) roles: Vec<Id<Role>>,
    pub(crate) values: Vec<(Slot, Known<Value>)>,
}

/// The reasons why a search that found nothing proves nothing. Without a reason, no request meets the requirements.
#[derive(Debug, Default)]
pub(crate) struct SearchFailure {
    /// Variables for which the solver couldn't find values, or prove that there are none.
    pub(crate) undecided: Vec<InstanceVariable>,
    /// A model was found, and the evaluation didn't confirm it.
    pub(crate) unconfirmed: bool,
    /// The budget was used up.
    pub(crate) exhausted: bool,
}

impl SearchFailure {
    /// True if no request meets the requirements.
    pub(crate) fn is_proof(&self) -> bool {
        self.undecided.is_empty() && !self.unconfirmed && !self.exhausted
    }
}

/// A requirement: one of these plans says *yes* of its instance.
pub(crate) type Alternatives = Vec<(usize, Plan)>;

/// A part of the current path that is still to be walked.
#[derive(Debug, Clone, Copy)]
enum Goal {
    /// One plan of the requirement of this number.
    Requirement(usize),
    Plan(usize, Plan),
    /// The parts of a conjunction, from this one on.
    Parts(usize, Id<CompoundPlan>, usize),
}

/// A point where the path has several branches.
struct Fork {
    goals: Vec<Goal>,
    branches: Branches,
    next: usize,
    /// The position of the assumptions to go back to.
    position: usize,
}

enum Branches {
    Classes(InstanceVariable, Vec<(ClassSet, Diagram)>),
    Parts(usize, Id<CompoundPlan>),
    Requirement(usize),
}

enum Progress {
    Satisfied,
    DeadEnd,
    Fork(Branches),
}

/// A search in one scenario.
pub(crate) struct Search<'s, 'p> {
    space: &'s mut Space<'p>,
    request: SyntheticRequest<'p>,
    budget: &'s mut Budget,
    assumptions: Assumptions,
    solutions: HashMap<Vec<(InstanceVariable, ClassSet)>, Solution>,
    failure: SearchFailure,
    requirements: &'s [Alternatives],
}

impl<'s, 'p> Search<'s, 'p> {
    pub(crate) fn new(space: &'s mut Space<'p>, requirements: &'s [Alternatives], budget: &'s mut Budget) -> Self {
        let request = space.scenario.request();
        Self {
            space,
            request,
            budget,
            assumptions: Assumptions::default(),
            solutions: HashMap::new(),
            failure: SearchFailure::default(),
            requirements,
        }
    }

    /// The first model that `confirm` accepts.
    pub(crate) fn find<T>(
        mut self,
        mut confirm: impl FnMut(&Space<'p>, &Model) -> Option<T>,
    ) -> Result<T, SearchFailure> {
        let mut goals: Vec<Goal> = (0..self.requirements.len()).rev().map(Goal::Requirement).collect();
        let mut forks: Vec<Fork> = Vec::new();
        loop {
            if !self.budget.take() {
                self.failure.exhausted = true;
                return Err(self.failure);
            }
            match self.advance(&mut goals) {
                Progress::Satisfied => {
                    if let Some(model) = self.model() {
                        match confirm(self.space, &model) {
                            Some(found) => return Ok(found),
                            None => self.failure.unconfirmed = true,
                        }
                    }
                }
                Progress::DeadEnd => {}
                Progress::Fork(branches) => {
                    let position = self.assumptions.position();
                    forks.push(Fork { goals: std::mem::take(&mut goals), branches, next: 0, position });
                }
            }
            match self.next_branch(&mut forks) {
                Some(next) => goals = next,
                None => {
                    // A search that the budget cut short anywhere proves nothing.
                    self.failure.exhausted |= self.budget.steps == 0;
                    return Err(self.failure);
                }
            }
        }
    }

    /// Walks up to the next fork or end.
    fn advance(&mut self, goals: &mut Vec<Goal>) -> Progress {
        while let Some(goal) = goals.pop() {
            if !self.budget.take() {
                self.failure.exhausted = true;
                return Progress::DeadEnd;
            }
            match goal {
                Goal::Requirement(at) => match self.requirements.get(at).map(Vec::as_slice).unwrap_or_default() {
                    [(instance, only)] => goals.push(Goal::Plan(*instance, *only)),
                    _ => return Progress::Fork(Branches::Requirement(at)),
                },
                Goal::Parts(instance, id, at) => {
                    if let Some(part) = self.part(id, at) {
                        goals.push(Goal::Parts(instance, id, at + 1));
                        goals.push(Goal::Plan(instance, part));
                    }
                }
                Goal::Plan(_, Plan::HasRole(roles)) => {
                    self.assumptions.assume_roles(roles, true);
                    let uncapped = self.assume((0, Variables::CAPPED), ClassSet::one(0));
                    if !uncapped || self.roles().is_none() {
                        return Progress::DeadEnd;
                    }
                }
                Goal::Plan(instance, Plan::Compound(id)) => {
                    if self.space.scenario.graph.logic.compounds[id].all {
                        goals.push(Goal::Parts(instance, id, 0));
                    } else {
                        return Progress::Fork(Branches::Parts(instance, id));
                    }
                }
                Goal::Plan(instance, Plan::Diagram(diagram)) => match self.follow(instance, diagram) {
                    Progress::Satisfied => {}
                    other => return other,
                },
            }
        }
        Progress::Satisfied
    }

    fn part(&self, id: Id<CompoundPlan>, at: usize) -> Option<Plan> {
        self.space.scenario.graph.logic.compounds[id].parts.get(at).copied()
    }

    /// Follows a diagram as far as the assumptions decide its variables.
    fn follow(&mut self, instance: usize, diagram: Diagram) -> Progress {
        let diagrams = &self.space.scenario.graph.logic.diagrams;
        let mut at = diagram;
        loop {
            let Some(variable) = diagrams.variable(at) else {
                return if at == Diagram::YES { Progress::Satisfied } else { Progress::DeadEnd };
            };
            let key = self.space.instance_variable(instance, variable);
            let known = match self.assumptions.classes(key) {
                Some(known) => known.clone(),
                None => ClassSet::all(self.space.info(key).classes),
            };
            let edges = diagrams.edges(at);
            let mut branches: Vec<(ClassSet, Diagram)> = Vec::new();
            let ends = edges.iter().skip(1).map(|edge| edge.from).chain([Class::MAX]);
            for (edge, end) in edges.iter().zip(ends) {
                for range in known.within(edge.from, end) {
                    match branches.iter_mut().find(|(_, to)| *to == edge.to) {
                        Some((classes, _)) => classes.push(range),
                        None => {
                            let mut classes = ClassSet::default();
                            classes.push(range);
                            branches.push((classes, edge.to));
                        }
                    }
                }
            }
            if let [(_, only)] = branches.as_slice() {
                at = *only;
                continue;
            }
            branches.retain(|(_, to)| *to != Diagram::NO);
            return Progress::Fork(Branches::Classes(key, branches));
        }
    }

    /// The goals of the next branch that doesn't contradict the assumptions. Removes forks without further branches.
    fn next_branch(&mut self, forks: &mut Vec<Fork>) -> Option<Vec<Goal>> {
        loop {
            let fork = forks.last_mut()?;
            let (position, at) = (fork.position, fork.next);
            fork.next += 1;
            self.assumptions.undo(self.space, position);
            let fork = forks.last()?;
            let goal = match &fork.branches {
                Branches::Classes(key, branches) => match branches.get(at) {
                    Some((classes, to)) => {
                        let (key, goal) = (*key, Goal::Plan(key.0, Plan::Diagram(*to)));
                        if !self.assume(key, classes.clone()) {
                            continue;
                        }
                        Some(goal)
                    }
                    None => None,
                },
                Branches::Parts(instance, id) => self.part(*id, at).map(|part| Goal::Plan(*instance, part)),
                Branches::Requirement(row) => {
                    let plan = self.requirements.get(*row).and_then(|plans| plans.get(at));
                    plan.map(|(instance, plan)| Goal::Plan(*instance, *plan))
                }
            };
            match goal {
                Some(goal) => {
                    let mut goals = fork.goals.clone();
                    goals.push(goal);
                    return Some(goals);
                }
                None => drop(forks.pop()),
            }
        }
    }

    /// Assumes that a variable has one of these classes. Returns false if the assumptions are then impossible together.
    fn assume(&mut self, key: InstanceVariable, classes: ClassSet) -> bool {
        match self.assumptions.assume(self.space, key, classes) {
            Assumed::Known => true,
            Assumed::Contradiction => false,
            Assumed::Roles => self.roles().is_some(),
            Assumed::Slots => !matches!(self.solve_around(key), Solution::Impossible),
        }
    }

    /// Values for a variable, and for all that are connected with it.
    fn solve_around(&mut self, key: InstanceVariable) -> Solution {
        let connected = self.assumptions.connected(self.space, key);
        if let Some(known) = self.solutions.get(&connected) {
            return known.clone();
        }
        let solution = solve(self.space, &mut self.request, &connected, self.budget);
        self.solutions.insert(connected, solution.clone());
        solution
    }

    fn roles(&mut self) -> Option<Vec<Id<Role>>> {
        self.assumptions.roles(self.space, self.budget)
    }

    /// The roles and values of a request that takes the current path.
    fn model(&mut self) -> Option<Model> {
        let mut model = Model { roles: self.roles()?, values: Vec::new() };
        let mut is_complete = true;
        for key in self.assumptions.variables() {
            if matches!(self.space.info(key).depends_on, DependsOn::Roles(_)) {
                continue;
            }
            match self.solve_around(key) {
                Solution::Values(values) => {
                    for (slot, known) in values.iter() {
                        if !model.values.iter().any(|(seen, _)| seen == slot) {
                            model.values.push((slot.clone(), known.clone()));
                        }
                    }
                }
                Solution::Impossible => return None,
                Solution::Unknown => {
                    is_complete = false;
                    if matches!(self.space.variable(key.1), Some(Variable::Opaque(_) | Variable::Attribute(..)))
                        && !self.failure.undecided.contains(&key)
                    {
                        self.failure.undecided.push(key);
                    }
                }
            }
        }
        is_complete.then_some(model)
    }
}
