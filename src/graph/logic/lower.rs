//! Lowers conditions to plans. A condition that is unknown is neither true nor false, so "is true" and "is false" are two
//! plans that don't follow from each other.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::collections::id_set::IdSets;
use crate::collections::table::{Id, Table};
use crate::graph::Phase;
use crate::graph::diagram::{Diagram, Diagrams, Edge, TooLarge, VariableId};
use crate::graph::logic::atom::{Atom, AttributeTest, Formula, ValueKind};
use crate::graph::logic::partition::{Partition, Truth};
use crate::graph::logic::plan::{CompoundPlan, Logic, Plan};
use crate::graph::logic::variable::{VariableGroup, Variables};
use crate::typed::{Condition, Expr, Role, Rule, TypedPolicy};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Makes the plans of a policy, each once.
pub(crate) struct Lowering<'p> {
    pub(crate) policy: &'p TypedPolicy,
    pub(crate) diagrams: Diagrams,
    pub(crate) variables: Variables,
    pub(crate) compounds: Table<CompoundPlan>,
    compound_ids: Map<CompoundPlan, Id<CompoundPlan>>,
    pub(crate) role_sets: IdSets<Role>,
    formulas: Formulas,
    tests: Map<Expr, Tests>,
    /// The phase in which decisions will follow the plans that are being made.
    pub(crate) phase: Phase,
    of_conditions: Map<(Id<Condition>, bool, Phase), Plan>,
    of_rules: Map<(Id<Rule>, bool, Phase), Plan>,
}

/// The formulas of rules and conditions, by their rows.
#[derive(Default)]
struct Formulas {
    rules: Vec<Option<Formula>>,
    conditions: Vec<Formula>,
}

/// The distinct tests of one attribute, each with the kind of its constants.
type Tests = indexmap::IndexMap<AttributeTest, Option<ValueKind>, FixedState>;

impl<'p> Lowering<'p> {
    pub(crate) fn new(policy: &'p TypedPolicy, role_sets: IdSets<Role>) -> Self {
        let mut tests = Map::default();
        let mut gathered = |expr: &Expr| {
            let formula = Formula::of(expr, policy);
            gather(&formula, &mut tests);
            formula
        };
        let formulas = Formulas {
            rules: policy.rules.iter().map(|rule| rule.condition.as_ref().map(&mut gathered)).collect(),
            conditions: policy.conditions.iter().map(|condition| gathered(&condition.expr)).collect(),
        };
        for when in policy.routes.iter().flat_map(|route| &route.access.whens) {
            gathered(&when.expr);
        }
        for never in &policy.nevers {
            gathered(&never.condition);
        }
        Self {
            policy,
            diagrams: Diagrams::default(),
            variables: Variables::default(),
            compounds: Table::new(),
            compound_ids: Map::default(),
            role_sets,
            formulas,
            tests,
            phase: Phase::AfterInput,
            of_conditions: Map::default(),
            of_rules: Map::default(),
        }
    }

    /// Returns the plans, and the sets of roles with the unions that they need.
    pub(crate) fn finish(self) -> (Logic, IdSets<Role>) {
        let Self { diagrams, variables, compounds, role_sets, .. } = self;
        (Logic::new(diagrams, variables, compounds), role_sets)
    }

    /// The plan for a rule's condition being true (`positive`), or false. A rule without a condition is always true.
    pub(crate) fn rule(&mut self, id: Id<Rule>, positive: bool) -> Plan {
        let phase = if self.policy.rules[id].reads.input { self.phase } else { Phase::AfterInput };
        if let Some(known) = self.of_rules.get(&(id, positive, phase)) {
            return *known;
        }
        let formula = self.formulas.rules.get_mut(id.row()).and_then(Option::take);
        let plan = match &formula {
            Some(formula) => self.formula(formula, positive),
            None => Plan::constant(positive),
        };
        if let Some(slot) = self.formulas.rules.get_mut(id.row()) {
            *slot = formula;
        }
        self.of_rules.insert((id, positive, phase), plan);
        plan
    }

    /// The plan for a condition being true (`positive`), or false.
    pub(crate) fn condition(&mut self, expr: &Expr, positive: bool) -> Plan {
        let formula = Formula::of(expr, self.policy);
        self.formula(&formula, positive)
    }

    /// The recursion is as deep as conditions nest, which the checker bounds.
    fn formula(&mut self, formula: &Formula, positive: bool) -> Plan {
        match formula {
            Formula::Constant(value) => Plan::constant(*value == positive),
            Formula::HasUser => self.is(Variables::HAS_USER, positive),
            Formula::Is(role) => {
                let variable = self.variables.roles(self.policy.roles_up(*role));
                self.is(variable, positive)
            }
            Formula::Atom(Atom::Opaque(expr)) => {
                let group = VariableGroup::of(expr, self.policy);
                let variable = self.variables.opaque(group, expr);
                let truths = [(0, Truth::No), (1, Truth::Yes), (2, Truth::Unknown), (3, Truth::Open)];
                let open = self.phase == Phase::BeforeInput && group == VariableGroup::Input;
                self.branch(variable, truths.get(..if open { 4 } else { 3 }).unwrap_or_default(), positive)
            }
            Formula::Atom(Atom::Test(test)) => self.test(test, positive),
            Formula::Not(inner) => self.formula(inner, !positive),
            Formula::All(parts) | Formula::Any(parts) => {
                let lowered = parts.iter().map(|part| self.formula(part, positive)).collect();
                // De Morgan's laws hold for unknown values, too.
                match matches!(formula, Formula::All(_)) == positive {
                    true => self.all(lowered),
                    false => self.any(lowered),
                }
            }
            Formula::Condition(id) => {
                let key = (*id, positive, self.phase);
                if let Some(known) = self.of_conditions.get(&key) {
                    return *known;
                }
                let Some(slot) = self.formulas.conditions.get_mut(id.row()) else { return Plan::NO };
                let formula = std::mem::replace(slot, Formula::Constant(false));
                let plan = self.formula(&formula, positive);
                if let Some(slot) = self.formulas.conditions.get_mut(id.row()) {
                    *slot = formula;
                }
                self.of_conditions.insert(key, plan);
                plan
            }
        }
    }

    /// The plan for a variable of two classes being *yes* (`positive`), or *no*.
    pub(crate) fn is(&mut self, variable: VariableId, positive: bool) -> Plan {
        self.branch(variable, &[(0, Truth::No), (1, Truth::Yes)], positive)
    }

    fn test(&mut self, test: &AttributeTest, positive: bool) -> Plan {
        let Some(tests) = self.tests.get(&test.path) else { return Plan::NO };
        let kind = test.kind().or_else(|| only_kind(tests));
        let of_kind = || tests.keys().filter(|test| test.kind().or_else(|| only_kind(tests)) == kind);
        let group = VariableGroup::of(&test.path, self.policy);
        if self.phase == Phase::BeforeInput && group == VariableGroup::Input {
            return Plan::YES;
        }
        let of = (test.path.clone(), kind);
        let variable = self.variables.attribute(group, &of, || Partition::of(kind, of_kind()));
        let truths = self.variables.partition(variable).map(|partition| partition.truths(test)).unwrap_or_default();
        self.branch(variable, &truths, positive)
    }

    fn branch(&mut self, variable: VariableId, truths: &[(u32, Truth)], positive: bool) -> Plan {
        let wanted = if positive { Truth::Yes } else { Truth::No };
        // Before the input is known, a condition on it counts as satisfied.
        let end = |truth: Truth| if truth == wanted || truth == Truth::Open { Diagram::YES } else { Diagram::NO };
        let edges: Vec<Edge> = truths.iter().map(|(from, truth)| Edge { from: *from, to: end(*truth) }).collect();
        Plan::Diagram(self.diagrams.node(variable, &edges))
    }

    pub(crate) fn all(&mut self, parts: Vec<Plan>) -> Plan {
        self.joined(parts, true)
    }

    pub(crate) fn any(&mut self, parts: Vec<Plan>) -> Plan {
        self.joined(parts, false)
    }

    /// The conjunction (`all`) or disjunction of plans. Diagrams are joined in pairs, those with the same first variable first.
    /// A pair that would grow too large stays apart, so the work is proportional to the plans' size.
    fn joined(&mut self, parts: Vec<Plan>, all: bool) -> Plan {
        let (absorbing, neutral) = if all { (Diagram::NO, Diagram::YES) } else { (Diagram::YES, Diagram::NO) };
        let mut diagrams = Vec::new();
        let mut others = Vec::new();
        for part in parts {
            match part {
                Plan::Diagram(diagram) if diagram == absorbing => return part,
                Plan::Diagram(diagram) if diagram == neutral => {}
                Plan::Diagram(diagram) => diagrams.push(diagram),
                Plan::Compound(id) if self.compounds[id].all == all => {
                    let inner = self.compounds[id].parts.clone();
                    for part in inner {
                        match part {
                            Plan::Diagram(diagram) => diagrams.push(diagram),
                            other => others.push(other),
                        }
                    }
                }
                other => others.push(other),
            }
        }
        diagrams.sort_unstable_by_key(|diagram| (self.diagrams.variable(*diagram), *diagram));
        diagrams.dedup();
        let mut apart = Vec::new();
        while diagrams.len() > 1 {
            let mut halved = Vec::with_capacity(diagrams.len().div_ceil(2));
            for pair in diagrams.chunks(2) {
                match pair {
                    [one, other] => match self.join(*one, *other, all) {
                        Ok(joined) if joined == absorbing => return Plan::Diagram(absorbing),
                        Ok(joined) => halved.push(joined),
                        Err(TooLarge) => {
                            apart.push(*one);
                            halved.push(*other);
                        }
                    },
                    rest => halved.extend(rest),
                }
            }
            diagrams = halved;
        }
        apart.extend(diagrams);
        others.extend(apart.into_iter().map(Plan::Diagram));
        others.sort_unstable();
        others.dedup();
        match others.as_slice() {
            [] => Plan::Diagram(neutral),
            [only] => *only,
            _ => self.compound(CompoundPlan { all, parts: others.into(), is_shared: false }),
        }
    }

    fn join(&mut self, one: Diagram, other: Diagram, all: bool) -> Result<Diagram, TooLarge> {
        if all { self.diagrams.and(one, other) } else { self.diagrams.or(one, other) }
    }

    fn compound(&mut self, compound: CompoundPlan) -> Plan {
        if let Some(known) = self.compound_ids.get(&compound) {
            return Plan::Compound(*known);
        }
        let id = self.compounds.push(compound.clone());
        self.compound_ids.insert(compound, id);
        Plan::Compound(id)
    }
}

/// Collects the tests of a formula by their attributes.
fn gather(formula: &Formula, tests: &mut Map<Expr, Tests>) {
    match formula {
        Formula::Atom(Atom::Test(test)) => {
            let of_path = match tests.get_mut(&test.path) {
                Some(known) => known,
                None => tests.entry(test.path.clone()).or_default(),
            };
            if !of_path.contains_key(test) {
                of_path.insert(test.clone(), test.kind());
            }
        }
        Formula::Not(inner) => gather(inner, tests),
        Formula::All(parts) | Formula::Any(parts) => parts.iter().for_each(|part| gather(part, tests)),
        Formula::Constant(_)
        | Formula::HasUser
        | Formula::Is(_)
        | Formula::Atom(Atom::Opaque(_))
        | Formula::Condition(_) => {}
    }
}

/// The kind of the tests that have one, if it is the same for all. Tests without a kind use it.
fn only_kind(tests: &Tests) -> Option<ValueKind> {
    let mut kinds = tests.values().flatten();
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(*first)
}
