//! Proves invariants: that no request is granted what must never be.

use std::collections::HashSet;

use crate::analyze::report;
use crate::analyze::scenario::{Caller, Scenario, Thing};
use crate::analyze::solver::search::{AnyOf, Missed, Search};
use crate::analyze::solver::solve::Budget;
use crate::analyze::solver::space::{Key, Space};
use crate::analyze::witness::Witness;
use crate::collections::table::Id;
use crate::graph::{DecisionGraph, Phase, Plan, Question, takes_anonymous};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Source;
use crate::typed::{Expr, Never, NeverOf, Permission, Read, Resource, Route, TypedPolicy};

/// So many steps may be taken for one invariant, or so many for each of its permissions,
const STEPS: usize = 200_000;
const STEPS_EACH: usize = 20;
/// and so many for all of them.
const ALL_STEPS: usize = 1_000_000;

/// What isn't so, or can't be said to be so.
pub(crate) fn prove(policy: &TypedPolicy, graph: &DecisionGraph, sources: &[Source]) -> Vec<Diagnostic> {
    let mut left = ALL_STEPS;
    let mut found = Vec::new();
    for (row, (never, plan)) in policy.nevers.iter().zip(graph.nevers()).enumerate() {
        if left == 0 {
            found.push(report::left_out(never, policy.nevers.len() - row));
            break;
        }
        let of = if let NeverOf::Permissions(permissions) = &never.of { permissions.len() } else { 1 };
        let budget = Budget { steps: STEPS.max(of.saturating_mul(STEPS_EACH)).min(left) };
        let before = budget.steps;
        let mut prover = Prover { policy, graph, never, plan: *plan, budget, seen: HashSet::new() };
        let outcome = prover.outcome();
        left -= before - prover.budget.steps.min(before);
        found.extend(report::of(policy, sources, never, outcome));
    }
    found
}

/// What came of an invariant.
pub(crate) enum Outcome {
    Holds,
    /// This is granted, or let through.
    Violated(Option<Id<Permission>>, Witness),
    /// It isn't known of this.
    Open(Option<Id<Permission>>, Doubt),
}

/// Why something isn't known.
#[derive(Default)]
pub(crate) struct Doubt {
    /// The conditions that stand in the way.
    pub(crate) conditions: Vec<Expr>,
    pub(crate) unconfirmed: bool,
    pub(crate) exhausted: bool,
}

struct Prover<'p> {
    policy: &'p TypedPolicy,
    graph: &'p DecisionGraph,
    never: &'p Never,
    plan: Plan,
    budget: Budget,
    /// Permissions that are alike needn't be looked at twice.
    seen: HashSet<(Id<Resource>, Plan)>,
}

impl<'p> Prover<'p> {
    fn outcome(&mut self) -> Outcome {
        let mut open = None;
        match &self.never.of {
            NeverOf::Door(route) => self.door(*route, None),
            NeverOf::Permissions(permissions) => {
                for permission in permissions {
                    match self.permission(*permission) {
                        Outcome::Holds => {}
                        violated @ Outcome::Violated(..) => return violated,
                        doubt @ Outcome::Open(..) => open = open.or(Some(doubt)),
                    }
                }
                open.unwrap_or(Outcome::Holds)
            }
        }
    }

    fn permission(&mut self, id: Id<Permission>) -> Outcome {
        let declared = &self.policy.permissions[id];
        let plan = self.graph.permission(id, Phase::AfterInput);
        let terms = self.policy.terms(declared);
        let grants = terms.grants.iter().map(|grant| grant.rule).chain(terms.forbids.iter().copied());
        let conditions = grants.filter_map(|rule| self.policy.rules[rule].condition.as_ref());
        let conditions: Vec<&Expr> = conditions.chain([&self.never.condition]).collect();
        let reads = |test: fn(&Read) -> bool| conditions.iter().any(|condition| self.reads(condition, test));
        let (by_call, by_token) = (reads(of_call), reads(|read| matches!(read, Read::UserToken)));
        if plan == Plan::NO || (!by_call && !self.seen.insert((declared.resource, plan))) {
            return Outcome::Holds;
        }
        let mut callers = vec![Caller::Vouched];
        callers.extend(terms.opens_to_anyone().then_some(Caller::Nobody));
        callers.extend(self.mapped(by_token));
        let mut doubt = None;
        for caller in callers {
            let things = vec![Thing::Of(declared.resource)];
            let scenario = Scenario { policy: self.policy, graph: self.graph, caller, things, route: None };
            match self.search(scenario, &[vec![(0, self.plan)], vec![(0, plan)]], Some(id)) {
                Outcome::Holds => {}
                violated @ Outcome::Violated(..) => return violated,
                open @ Outcome::Open(..) => doubt = doubt.or(Some(open)),
            }
        }
        if by_call {
            for (route, declared) in self.policy.routes.enumerate() {
                if !declared.access.requirements.iter().any(|requirement| requirement.any_of.contains(&id)) {
                    continue;
                }
                match self.door(route, Some(id)) {
                    Outcome::Holds => {}
                    violated @ Outcome::Violated(..) => return violated,
                    open @ Outcome::Open(..) => doubt = doubt.or(Some(open)),
                }
            }
        }
        doubt.unwrap_or(Outcome::Holds)
    }

    /// The callers whose token a condition asks for.
    fn mapped(&self, by_token: bool) -> impl Iterator<Item = Caller> + use<> {
        (0..if by_token { self.policy.mappings.len() } else { 0 }).map(Caller::Mapped)
    }

    /// Everything that a door lets through; and is granted a permission, where one is asked for.
    fn door(&mut self, id: Id<Route>, permission: Option<Id<Permission>>) -> Outcome {
        let policy = self.policy;
        let route = &policy.routes[id];
        let (things, wanted) = self.wanted(id, route, permission);
        let access = &route.access;
        let required = access.requirements.iter().flat_map(|requirement| &requirement.any_of);
        let rules = required.flat_map(|permission| {
            let terms = policy.terms(&policy.permissions[*permission]);
            terms.grants.iter().map(|grant| grant.rule).chain(terms.forbids.iter().copied())
        });
        let rules = rules.chain(policy.door_forbids.iter().copied());
        let mut conditions = rules.filter_map(|rule| policy.rules[rule].condition.as_ref());
        let by_token = |expr: &Expr| self.reads(expr, |read| matches!(read, Read::UserToken));
        let by_token = conditions.any(by_token)
            || access.whens.iter().any(|when| by_token(&when.expr))
            || by_token(&self.never.condition);
        let mut callers = vec![Caller::Vouched];
        callers.extend(takes_anonymous(policy, route).then_some(Caller::Nobody));
        callers.extend(self.mapped(by_token));
        let mut doubt = None;
        for caller in callers {
            let scenario = Scenario { policy, graph: self.graph, caller, things: things.clone(), route: Some(id) };
            match self.search(scenario, &wanted, permission) {
                Outcome::Holds => {}
                violated @ Outcome::Violated(..) => return violated,
                open @ Outcome::Open(..) => doubt = doubt.or(Some(open)),
            }
        }
        doubt.unwrap_or(Outcome::Holds)
    }

    /// The things that a door asks about, the one of its own conditions first, and what must be true of them.
    fn wanted(&self, id: Id<Route>, route: &Route, permission: Option<Id<Permission>>) -> (Vec<Thing>, Vec<AnyOf>) {
        let (policy, graph) = (self.policy, self.graph);
        let access = &route.access;
        let named = |resource: Id<Resource>| {
            let subject = access.subjects.iter().find(|subject| subject.resource == resource);
            subject.map_or(Thing::Unnamed(resource), |subject| Thing::Named(resource, subject.parameter.clone()))
        };
        let own = match access.subjects.as_slice() {
            [only] => named(only.resource),
            _ => Thing::None,
        };
        let mut things = vec![own];
        let mut about = |thing: Thing| match things.iter().position(|known| *known == thing) {
            Some(known) => known,
            None => {
                things.push(thing);
                things.len() - 1
            }
        };
        let mut granted = |permission: &Id<Permission>| {
            let thing = about(named(policy.permissions[*permission].resource));
            (thing, graph.permission(*permission, Phase::AfterInput))
        };
        let mut wanted = Vec::new();
        match &permission {
            Some(permission) => {
                let (thing, plan) = granted(permission);
                wanted.extend([vec![(thing, self.plan)], vec![(thing, plan)]]);
            }
            None => wanted.push(vec![(0, self.plan)]),
        }
        for requirement in &access.requirements {
            wanted.push(requirement.any_of.iter().map(&mut granted).collect());
        }
        wanted.push(vec![(0, graph.gate(id))]);
        wanted.push(vec![(0, graph.conditions(id, Phase::AfterInput))]);
        if route.is_open_to_callers() {
            wanted.push(vec![(about(Thing::None), graph.doors(Phase::AfterInput))]);
        }
        (things, wanted)
    }

    fn search(&mut self, scenario: Scenario<'p>, wanted: &[AnyOf], permission: Option<Id<Permission>>) -> Outcome {
        let mut space = Space::new(scenario);
        let search = Search::new(&mut space, wanted, &mut self.budget);
        match search.find(|space, model| Witness::of(space, model, wanted, permission)) {
            Ok(witness) => Outcome::Violated(permission, witness),
            Err(missed) if missed.is_sure() => Outcome::Holds,
            Err(missed) => Outcome::Open(permission, doubt(&space, &missed)),
        }
    }

    /// Whether a condition reads something, conditions looked into.
    fn reads(&self, expr: &Expr, test: fn(&Read) -> bool) -> bool {
        expr.any(&mut |part| match part {
            Expr::Read(read) => test(read),
            Expr::Condition(id) => self.reads(&self.policy.conditions[*id].expr, test),
            _ => false,
        })
    }
}

fn doubt(space: &Space<'_>, missed: &Missed) -> Doubt {
    let condition = |key: &Key| match space.question(key.1) {
        Some(Question::Opaque(expr) | Question::Class(expr, _)) => Some(expr.clone()),
        _ => None,
    };
    Doubt {
        conditions: missed.open.iter().filter_map(condition).collect(),
        unconfirmed: missed.unconfirmed,
        exhausted: missed.exhausted,
    }
}

/// Whether something is known at a door alone.
fn of_call(read: &Read) -> bool {
    matches!(
        read,
        Read::Method
            | Read::Path
            | Read::Host
            | Read::Origin
            | Read::Header(_)
            | Read::Cookie(_)
            | Read::Param(_)
            | Read::Query(_)
            | Read::Body(_)
    )
}
