//! Proves invariants: searches for a request that is granted a permission, or let through, against the policy's `never`.

use std::collections::HashSet;

use crate::analyze::report::{self, ProofResult, UndecidedReason};
use crate::analyze::scenario::{Caller, Instance, Scenario};
use crate::analyze::solver::search::{Alternatives, Search, SearchFailure};
use crate::analyze::solver::solve::Budget;
use crate::analyze::solver::space::{InstanceVariable, Space};
use crate::analyze::witness::Witness;
use crate::collections::table::Id;
use crate::graph::{DecisionGraph, Phase, Plan, Variable, takes_anonymous};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Source;
use crate::typed::{Expr, Never, NeverOf, Permission, Read, Resource, Route, Rule, TypedPolicy};

/// The steps for one invariant: at least `STEPS`, and `STEPS_EACH` for each of its permissions.
const STEPS: usize = 200_000;
const STEPS_EACH: usize = 20;
/// The steps for all invariants together.
const ALL_STEPS: usize = 1_000_000;

/// Returns an error for each invariant that is violated or can't be proved.
pub(crate) fn prove(policy: &TypedPolicy, graph: &DecisionGraph, sources: &[Source]) -> Vec<Diagnostic> {
    let mut left = ALL_STEPS;
    let mut found = Vec::new();
    for (row, (never, plan)) in policy.nevers.iter().zip(graph.invariants()).enumerate() {
        if left == 0 {
            found.push(report::left_out(never, policy.nevers.len() - row));
            break;
        }
        let count = if let NeverOf::Permissions(permissions) = &never.of { permissions.len() } else { 1 };
        let steps = STEPS.max(count.saturating_mul(STEPS_EACH)).min(left);
        let budget = Budget { steps };
        let mut prover = Prover { policy, graph, never, plan: *plan, budget, seen: HashSet::new() };
        let result = prover.result();
        left -= steps - prover.budget.steps.min(steps);
        found.extend(report::diagnostic(policy, sources, never, result));
    }
    found
}

struct Prover<'p> {
    policy: &'p TypedPolicy,
    graph: &'p DecisionGraph,
    never: &'p Never,
    plan: Plan,
    budget: Budget,
    /// Permissions with the same resource and plan have the same result.
    seen: HashSet<(Id<Resource>, Plan)>,
}

/// The first violation, or else the first undecided result.
fn worst(results: impl IntoIterator<Item = ProofResult>) -> ProofResult {
    let mut worst = ProofResult::Proved;
    for result in results {
        match result {
            violated @ ProofResult::Violated(..) => return violated,
            undecided @ ProofResult::Undecided(..) if matches!(worst, ProofResult::Proved) => worst = undecided,
            ProofResult::Undecided(..) | ProofResult::Proved => {}
        }
    }
    worst
}

impl<'p> Prover<'p> {
    fn result(&mut self) -> ProofResult {
        match &self.never.of {
            NeverOf::Door(route) => self.door(*route, None),
            NeverOf::Permissions(permissions) => {
                worst(permissions.iter().map(|permission| self.permission(*permission)))
            }
        }
    }

    fn permission(&mut self, id: Id<Permission>) -> ProofResult {
        let (policy, graph) = (self.policy, self.graph);
        let declared = &policy.permissions[id];
        let plan = graph.permission(id, Phase::AfterInput);
        let terms = policy.terms(declared);
        let conditions: Vec<&Expr> = self.conditions(terms.rules()).collect();
        let reads_request = conditions.iter().any(|condition| self.reads(condition, is_of_request));
        let reads_token = conditions.iter().any(|condition| self.reads(condition, is_token));
        if plan == Plan::NO || (!reads_request && !self.seen.insert((declared.resource, plan))) {
            return ProofResult::Proved;
        }
        let callers = self.callers(terms.opens_to_anyone(), reads_token);
        let requirements = [vec![(0, self.plan)], vec![(0, plan)]];
        let result = worst(callers.map(|caller| {
            let instances = vec![Instance::Of(declared.resource)];
            self.search(Scenario { policy, graph, caller, instances, route: None }, &requirements, Some(id))
        }));
        if !reads_request || matches!(result, ProofResult::Violated(..)) {
            return result;
        }
        let requires =
            |route: &Route| route.access.requirements.iter().any(|requirement| requirement.any_of.contains(&id));
        let doors = policy.routes.enumerate().filter(|(_, route)| requires(route));
        worst([result, worst(doors.map(|(route, _)| self.door(route, Some(id))))])
    }

    /// The conditions of rules, and that of the invariant.
    fn conditions<I: Iterator<Item = Id<Rule>>>(&self, rules: I) -> impl Iterator<Item = &'p Expr> + use<'p, I> {
        let (policy, never) = (self.policy, self.never);
        rules.filter_map(|rule| policy.rules[rule].condition.as_ref()).chain([&never.condition])
    }

    fn callers(&self, anonymous: bool, by_token: bool) -> impl Iterator<Item = Caller> + use<> {
        let mappings = if by_token { self.policy.mappings.len() } else { 0 };
        let anonymous = anonymous.then_some(Caller::Nobody);
        [Caller::Vouched].into_iter().chain(anonymous).chain((0..mappings).map(Caller::Mapped))
    }

    /// Searches for a request that a door lets through, and that is granted the permission, if there is one.
    fn door(&mut self, id: Id<Route>, permission: Option<Id<Permission>>) -> ProofResult {
        let (policy, graph) = (self.policy, self.graph);
        let route = &policy.routes[id];
        let (instances, requirements) = self.requirements(id, route, permission);
        let required = route.access.requirements.iter().flat_map(|requirement| &requirement.any_of);
        let rules = required.flat_map(|permission| policy.terms(&policy.permissions[*permission]).rules());
        let conditions = self.conditions(rules.chain(policy.door_forbids.iter().copied()));
        let mut conditions = conditions.chain(route.access.whens.iter().map(|when| &when.expr));
        let reads_token = conditions.any(|condition| self.reads(condition, is_token));
        worst(self.callers(takes_anonymous(policy, route), reads_token).map(|caller| {
            let scenario = Scenario { policy, graph, caller, instances: instances.clone(), route: Some(id) };
            self.search(scenario, &requirements, permission)
        }))
    }

    /// The instances that a door's conditions are about, and its requirements. The first instance is that of the route's own
    /// conditions.
    fn requirements(
        &self,
        id: Id<Route>,
        route: &Route,
        permission: Option<Id<Permission>>,
    ) -> (Vec<Instance>, Vec<Alternatives>) {
        let (policy, graph) = (self.policy, self.graph);
        let access = &route.access;
        let named = |resource: Id<Resource>| {
            let subject = access.subjects.iter().find(|subject| subject.resource == resource);
            subject.map_or(Instance::Unnamed(resource), |subject| Instance::Named(resource, subject.parameter.clone()))
        };
        let own = match access.subjects.as_slice() {
            [only] => named(only.resource),
            _ => Instance::None,
        };
        let mut instances = vec![own];
        let mut number = |instance: Instance| {
            instances.iter().position(|known| *known == instance).unwrap_or_else(|| {
                instances.push(instance);
                instances.len() - 1
            })
        };
        let mut granted = |permission: &Id<Permission>| {
            let instance = number(named(policy.permissions[*permission].resource));
            (instance, graph.permission(*permission, Phase::AfterInput))
        };
        let mut requirements = match &permission {
            Some(permission) => {
                let (instance, plan) = granted(permission);
                vec![vec![(instance, self.plan)], vec![(instance, plan)]]
            }
            None => vec![vec![(0, self.plan)]],
        };
        for requirement in &access.requirements {
            requirements.push(requirement.any_of.iter().map(&mut granted).collect());
        }
        requirements.push(vec![(0, graph.gate(id))]);
        requirements.push(vec![(0, graph.conditions(id, Phase::AfterInput))]);
        if route.is_open_to_callers() {
            requirements.push(vec![(number(Instance::None), graph.doors(Phase::AfterInput))]);
        }
        (instances, requirements)
    }

    fn search(
        &mut self,
        scenario: Scenario<'p>,
        requirements: &[Alternatives],
        permission: Option<Id<Permission>>,
    ) -> ProofResult {
        let mut space = Space::new(scenario);
        let search = Search::new(&mut space, requirements, &mut self.budget);
        match search.find(|space, model| Witness::of(space, model, requirements, permission)) {
            Ok(witness) => ProofResult::Violated(permission, witness),
            Err(failure) if failure.is_proof() => ProofResult::Proved,
            Err(failure) => ProofResult::Undecided(permission, undecided_reason(&space, &failure)),
        }
    }

    /// True if a condition reads something that passes a test, directly or by another condition.
    fn reads(&self, condition: &Expr, test: fn(&Read) -> bool) -> bool {
        self.policy.any_part(condition, &mut |part| matches!(part, Expr::Read(read) if test(read)))
    }
}

fn undecided_reason(space: &Space<'_>, failure: &SearchFailure) -> UndecidedReason {
    let condition = |key: &InstanceVariable| match space.variable(key.1) {
        Some(Variable::Opaque(expr) | Variable::Attribute(expr, _)) => Some(expr.clone()),
        _ => None,
    };
    UndecidedReason {
        conditions: failure.undecided.iter().filter_map(condition).collect(),
        unconfirmed: failure.unconfirmed,
        exhausted: failure.exhausted,
    }
}

fn is_token(read: &Read) -> bool {
    matches!(read, Read::UserToken)
}

/// True if a value is known only with a request at a door.
fn is_of_request(read: &Read) -> bool {
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
