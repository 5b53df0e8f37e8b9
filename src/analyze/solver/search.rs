//! Goes through the ways on which plans all say *yes*, and looks on each for a request that takes it.

use std::collections::HashMap;

use crate::analyze::scenario::Roles;
use crate::analyze::solver::ranges::Ranges;
use crate::analyze::solver::solve::{Budget, Solved, solve};
use crate::analyze::solver::space::{About, Key, Place, Space};
use crate::analyze::synthetic_request::SyntheticRequest;
use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::graph::{Diagram, Outcome, Plan, Question, Several, Variables};
use crate::model::value::{Known, Value};
use crate::typed::Role;

/// What makes a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) roles: Vec<Id<Role>>,
    pub(crate) values: Vec<(Place, Known<Value>)>,
}

/// What came of a search that found nothing.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// What may have come out in the way that was looked for.
    pub(crate) open: Vec<Key>,
    /// A request that should have been one, and wasn't.
    pub(crate) unconfirmed: bool,
    /// There was more to look through than the budget allows.
    pub(crate) exhausted: bool,
}

impl Missed {
    /// Whether there is nothing to be found.
    pub(crate) fn is_sure(&self) -> bool {
        self.open.is_empty() && !self.unconfirmed && !self.exhausted
    }
}

/// Plans about things, one of which must say *yes*.
pub(crate) type AnyOf = Vec<(usize, Plan)>;

/// What is still to come of a way.
#[derive(Debug, Clone, Copy)]
enum Goal {
    /// One of the plans of this number.
    AnyOf(usize),
    Plan(usize, Plan),
    /// Those of several plans from this one on.
    Rest(usize, Id<Several>, usize),
}

/// Where a way parts.
struct Fork {
    goals: Vec<Goal>,
    branches: Branches,
    next: usize,
    /// How much was known before.
    trail: usize,
}

enum Branches {
    Truths(Key, Vec<(Ranges, Diagram)>),
    Parts(usize, Id<Several>),
    AnyOf(usize),
}

/// What was assumed, to be taken back.
enum Step {
    Asked(Key, Option<Ranges>),
    Held,
}

enum Ahead {
    Yes,
    Dead,
    Fork(Branches),
}

/// A walk through the plans of one scenario.
pub(crate) struct Search<'s, 'p> {
    space: &'s mut Space<'p>,
    trial: SyntheticRequest<'p>,
    budget: &'s mut Budget,
    assumed: HashMap<Key, Ranges>,
    /// By place, what was assumed of it.
    by_cell: HashMap<usize, Vec<Key>>,
    /// Of sets of roles, whether the caller has one of them.
    held: Vec<(IdSet<Role>, bool)>,
    trail: Vec<Step>,
    solved: HashMap<Vec<(Key, Ranges)>, Solved>,
    missed: Missed,
    wanted: &'s [AnyOf],
}

impl<'s, 'p> Search<'s, 'p> {
    /// For a request of which one of each of these plans says *yes*.
    pub(crate) fn new(space: &'s mut Space<'p>, wanted: &'s [AnyOf], budget: &'s mut Budget) -> Self {
        let trial = space.scenario.trial();
        Self {
            space,
            trial,
            budget,
            assumed: HashMap::new(),
            by_cell: HashMap::new(),
            held: Vec::new(),
            trail: Vec::new(),
            solved: HashMap::new(),
            missed: Missed::default(),
            wanted,
        }
    }

    /// The first model that `confirm` takes.
    pub(crate) fn find<T>(mut self, mut confirm: impl FnMut(&Space<'p>, &Model) -> Option<T>) -> Result<T, Missed> {
        let mut goals: Vec<Goal> = (0..self.wanted.len()).rev().map(Goal::AnyOf).collect();
        let mut forks: Vec<Fork> = Vec::new();
        loop {
            if !self.budget.take() {
                self.missed.exhausted = true;
                return Err(self.missed);
            }
            match self.advance(&mut goals) {
                Ahead::Yes => {
                    if let Some(found) = self.model().and_then(|model| self.confirmed(&model, &mut confirm)) {
                        return Ok(found);
                    }
                }
                Ahead::Dead => {}
                Ahead::Fork(branches) => {
                    let trail = self.trail.len();
                    forks.push(Fork { goals: std::mem::take(&mut goals), branches, next: 0, trail });
                }
            }
            match self.next(&mut forks) {
                Some(next) => goals = next,
                None => {
                    // Whatever was cut short, on whichever way, proves nothing.
                    self.missed.exhausted |= self.budget.steps == 0;
                    return Err(self.missed);
                }
            }
        }
    }

    fn confirmed<T>(&mut self, model: &Model, confirm: &mut impl FnMut(&Space<'p>, &Model) -> Option<T>) -> Option<T> {
        let found = confirm(self.space, model);
        self.missed.unconfirmed |= found.is_none();
        found
    }

    /// Goes on until the way parts or ends.
    fn advance(&mut self, goals: &mut Vec<Goal>) -> Ahead {
        while let Some(goal) = goals.pop() {
            if !self.budget.take() {
                self.missed.exhausted = true;
                return Ahead::Dead;
            }
            match goal {
                Goal::AnyOf(at) => match self.wanted.get(at).map(Vec::as_slice).unwrap_or_default() {
                    [(thing, only)] => goals.push(Goal::Plan(*thing, *only)),
                    _ => return Ahead::Fork(Branches::AnyOf(at)),
                },
                Goal::Rest(thing, id, at) => {
                    if let Some(part) = self.logic_part(id, at) {
                        goals.push(Goal::Rest(thing, id, at + 1));
                        goals.push(Goal::Plan(thing, part));
                    }
                }
                Goal::Plan(_, Plan::Held(roles)) => {
                    self.held.push((roles, true));
                    self.trail.push(Step::Held);
                    let uncapped = self.assume((0, Variables::CAPPED), Ranges::one(0));
                    if !uncapped || self.roles().is_none() {
                        return Ahead::Dead;
                    }
                }
                Goal::Plan(thing, Plan::Several(id)) => {
                    if self.space.scenario.graph.logic.several[id].all {
                        goals.push(Goal::Rest(thing, id, 0));
                    } else {
                        return Ahead::Fork(Branches::Parts(thing, id));
                    }
                }
                Goal::Plan(thing, Plan::Diagram(diagram)) => match self.follow(thing, diagram) {
                    Ahead::Yes => {}
                    other => return other,
                },
            }
        }
        Ahead::Yes
    }

    fn logic_part(&self, id: Id<Several>, at: usize) -> Option<Plan> {
        self.space.scenario.graph.logic.several[id].parts.get(at).copied()
    }

    /// Follows a diagram as far as what is assumed leads.
    fn follow(&mut self, thing: usize, diagram: Diagram) -> Ahead {
        let diagrams = &self.space.scenario.graph.logic.diagrams;
        let mut at = diagram;
        loop {
            let Some(variable) = diagrams.variable(at) else {
                return if at == Diagram::YES { Ahead::Yes } else { Ahead::Dead };
            };
            let key = self.space.key(thing, variable);
            let known = match self.assumed.get(&key) {
                Some(known) => known.clone(),
                None => Ranges::all(self.space.asked(key).outcomes),
            };
            let runs = diagrams.runs(at);
            let mut branches: Vec<(Ranges, Diagram)> = Vec::new();
            let ends = runs.iter().skip(1).map(|run| run.from).chain([Outcome::MAX]);
            for (run, end) in runs.iter().zip(ends) {
                for (from, to) in known.within(run.from, end) {
                    match branches.iter_mut().find(|(_, known)| *known == run.to) {
                        Some((ranges, _)) => ranges.push(from, to),
                        None => {
                            let mut ranges = Ranges::default();
                            ranges.push(from, to);
                            branches.push((ranges, run.to));
                        }
                    }
                }
            }
            if let [(_, only)] = branches.as_slice() {
                at = *only;
                continue;
            }
            branches.retain(|(_, to)| *to != Diagram::NO);
            return Ahead::Fork(Branches::Truths(key, branches));
        }
    }

    /// The goals of the next branch that isn't impossible from the start.
    fn next(&mut self, forks: &mut Vec<Fork>) -> Option<Vec<Goal>> {
        loop {
            let fork = forks.last_mut()?;
            let (trail, at) = (fork.trail, fork.next);
            fork.next += 1;
            self.back_to(trail);
            let fork = forks.last()?;
            match &fork.branches {
                Branches::Truths(key, branches) => {
                    let Some((ranges, to)) = branches.get(at) else {
                        forks.pop();
                        continue;
                    };
                    let mut goals = fork.goals.clone();
                    if self.assume(*key, ranges.clone()) {
                        goals.push(Goal::Plan(key.0, Plan::Diagram(*to)));
                        return Some(goals);
                    }
                }
                Branches::Parts(thing, id) => match self.logic_part(*id, at) {
                    Some(part) => {
                        let mut goals = fork.goals.clone();
                        goals.push(Goal::Plan(*thing, part));
                        return Some(goals);
                    }
                    None => drop(forks.pop()),
                },
                Branches::AnyOf(row) => match self.wanted.get(*row).and_then(|plans| plans.get(at)) {
                    Some((thing, plan)) => {
                        let mut goals = fork.goals.clone();
                        goals.push(Goal::Plan(*thing, *plan));
                        return Some(goals);
                    }
                    None => drop(forks.pop()),
                },
            }
        }
    }

    /// Assumes how a question comes out; false where that is impossible beside what is assumed already.
    fn assume(&mut self, key: Key, ranges: Ranges) -> bool {
        let asked = self.space.asked(key);
        let narrowed = match self.assumed.get(&key) {
            Some(known) if *known == ranges => return true,
            Some(known) => {
                let mut both = Ranges::default();
                ranges.iter().flat_map(|(from, to)| known.within(from, to).collect::<Vec<_>>()).for_each(
                    |(from, to)| {
                        both.push(from, to);
                    },
                );
                both
            }
            None => ranges,
        };
        if narrowed.is_empty() {
            return false;
        }
        match &asked.about {
            About::Roles(roles) => {
                let before = self.assumed.insert(key, narrowed.clone());
                self.trail.push(Step::Asked(key, before));
                self.held.push((*roles, narrowed.has(1)));
                self.trail.push(Step::Held);
                self.roles().is_some()
            }
            About::Cells(cells) => {
                let before = self.assumed.insert(key, narrowed);
                if before.is_none() {
                    cells.iter().for_each(|cell| self.by_cell.entry(*cell).or_default().push(key));
                }
                self.trail.push(Step::Asked(key, before));
                !matches!(self.solved_around(key), Solved::Impossible)
            }
        }
    }

    fn back_to(&mut self, trail: usize) {
        while self.trail.len() > trail {
            match self.trail.pop() {
                Some(Step::Held) => drop(self.held.pop()),
                Some(Step::Asked(key, Some(before))) => drop(self.assumed.insert(key, before)),
                Some(Step::Asked(key, None)) => {
                    self.assumed.remove(&key);
                    if let About::Cells(cells) = &self.space.asked(key).about {
                        for cell in cells.iter() {
                            self.by_cell.entry(*cell).or_default().retain(|known| *known != key);
                        }
                    }
                }
                None => return,
            }
        }
    }

    /// Values for a question and all that hang together with it.
    fn solved_around(&mut self, key: Key) -> Solved {
        let together = self.together(key);
        if let Some(known) = self.solved.get(&together) {
            return known.clone();
        }
        let solved = solve(self.space, &mut self.trial, &together, self.budget);
        self.solved.insert(together, solved.clone());
        solved
    }

    /// What is assumed of places that hang together with those of a question.
    fn together(&mut self, key: Key) -> Vec<(Key, Ranges)> {
        let mut keys = vec![key];
        let mut at = 0;
        while let Some(key) = keys.get(at).copied() {
            at += 1;
            if let About::Cells(cells) = &self.space.asked(key).about {
                for other in cells.iter().filter_map(|cell| self.by_cell.get(cell)).flatten() {
                    if !keys.contains(other) {
                        keys.push(*other);
                    }
                }
            }
        }
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| Some((key, self.assumed.get(&key)?.clone()))).collect()
    }

    /// Roles that the caller may have so that what is assumed of them holds; as weak ones as there are.
    fn roles(&mut self) -> Option<Vec<Id<Role>>> {
        let sets = &self.space.scenario.policy.role_sets;
        let lacks = |role: Id<Role>| self.held.iter().any(|(set, held)| !held && sets.has_any(*set, &[role]));
        let mut roles: Vec<Id<Role>> = Vec::new();
        match self.space.scenario.roles() {
            Roles::Any | Roles::Odd => {
                for (set, _) in self.held.iter().filter(|(_, held)| *held) {
                    if sets.has_any(*set, &roles) {
                        continue;
                    }
                    let mut free = sets.ids(*set).take_while(|_| self.budget.take());
                    roles.push(free.find(|role| !lacks(*role))?);
                }
            }
            Roles::These(these) => {
                let holds = self.held.iter().all(|(set, held)| sets.has_any(*set, &these) == *held);
                if !holds {
                    return None;
                }
                roles = these;
            }
        }
        roles.sort_unstable();
        Some(roles)
    }

    /// What makes a request that goes this way.
    fn model(&mut self) -> Option<Model> {
        let roles = self.roles()?;
        let mut keys: Vec<Key> = self.assumed.keys().copied().collect();
        keys.sort_unstable();
        let mut model = Model { roles, values: Vec::new() };
        let mut is_open = false;
        for key in keys {
            if matches!(self.space.asked(key).about, About::Roles(_)) {
                continue;
            }
            match self.solved_around(key) {
                Solved::Values(values) => {
                    for (place, known) in values.iter() {
                        if !model.values.iter().any(|(seen, _)| seen == place) {
                            model.values.push((place.clone(), known.clone()));
                        }
                    }
                }
                Solved::Impossible => return None,
                Solved::Open => {
                    is_open = true;
                    if matches!(self.space.question(key.1), Some(Question::Opaque(_) | Question::Class(..)))
                        && !self.missed.open.contains(&key)
                    {
                        self.missed.open.push(key);
                    }
                }
            }
        }
        (!is_open).then_some(model)
    }
}
