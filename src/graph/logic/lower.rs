//! Conditions to plans. What holds *for sure* of a condition and of its opposite are two different plans, as something
//! unknown is neither.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::collections::id_set::IdSets;
use crate::collections::table::{Id, Table};
use crate::graph::Phase;
use crate::graph::diagram::{Diagram, Diagrams, Run, TooLarge, Variable};
use crate::graph::logic::atom::{Atom, Formula, Kind, Test};
use crate::graph::logic::domain::{Domain, Truth};
use crate::graph::logic::plan::{Logic, Plan, Several};
use crate::graph::logic::variable::{Stage, Variables};
use crate::typed::{Condition, Expr, Role, Rule, TypedPolicy};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Makes plans, and remembers those it made.
pub(crate) struct Lowering<'p> {
    pub(crate) policy: &'p TypedPolicy,
    pub(crate) diagrams: Diagrams,
    pub(crate) variables: Variables,
    pub(crate) several: Table<Several>,
    several_ids: Map<Several, Id<Several>>,
    pub(crate) role_sets: IdSets<Role>,
    formulas: Formulas,
    tests: Map<Expr, Tests>,
    /// How much is known when the plans that are being made are followed.
    pub(crate) phase: Phase,
    of_conditions: Map<(Id<Condition>, bool, Phase), Plan>,
    of_rules: Map<(Id<Rule>, bool, Phase), Plan>,
}

/// Rules and conditions, taken apart.
#[derive(Default)]
struct Formulas {
    rules: Vec<Option<Formula>>,
    conditions: Vec<Formula>,
}

/// What is asked of one attribute: each question once, with the kind of its constants.
type Tests = indexmap::IndexMap<Test, Option<Kind>, FixedState>;

impl<'p> Lowering<'p> {
    /// Takes every condition of a policy apart.
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
            several: Table::new(),
            several_ids: Map::default(),
            role_sets,
            formulas,
            tests,
            phase: Phase::AfterInput,
            of_conditions: Map::default(),
            of_rules: Map::default(),
        }
    }

    /// What was made, and the sets of roles with those that were made of them.
    pub(crate) fn finish(self) -> (Logic, IdSets<Role>) {
        let Self { diagrams, variables, several, role_sets, .. } = self;
        (Logic::new(diagrams, variables, several), role_sets)
    }

    /// That a rule's condition is true, or false, for sure. A rule without one always holds.
    pub(crate) fn rule(&mut self, id: Id<Rule>, positive: bool) -> Plan {
        let phase = if self.policy.rules[id].reads.input { self.phase } else { Phase::AfterInput };
        if let Some(known) = self.of_rules.get(&(id, positive, phase)) {
            return *known;
        }
        let formula = self.formulas.rules.get_mut(id.row()).and_then(Option::take);
        let plan = match &formula {
            Some(formula) => self.formula(formula, positive),
            None => {
                if positive {
                    Plan::YES
                } else {
                    Plan::NO
                }
            }
        };
        if let Some(slot) = self.formulas.rules.get_mut(id.row()) {
            *slot = formula;
        }
        self.of_rules.insert((id, positive, phase), plan);
        plan
    }

    /// That a condition is true, or false, for sure.
    pub(crate) fn condition(&mut self, expr: &Expr, positive: bool) -> Plan {
        let formula = Formula::of(expr, self.policy);
        self.formula(&formula, positive)
    }

    /// Recursion is as deep as conditions nest, which the checker bounds.
    fn formula(&mut self, formula: &Formula, positive: bool) -> Plan {
        match formula {
            Formula::Constant(value) => {
                if *value == positive {
                    Plan::YES
                } else {
                    Plan::NO
                }
            }
            Formula::HasUser => self.is(Variables::HAS_USER, positive),
            Formula::Is(role) => {
                let variable = self.variables.roles(self.policy.roles_up(*role));
                self.is(variable, positive)
            }
            Formula::Atom(Atom::Opaque(expr)) => {
                let stage = Stage::of(expr, self.policy);
                let variable = self.variables.opaque(stage, expr);
                let truths = [(0, Truth::No), (1, Truth::Yes), (2, Truth::Unknown), (3, Truth::Open)];
                let open = self.phase == Phase::BeforeInput && stage == Stage::Input;
                self.question(variable, truths.get(..if open { 4 } else { 3 }).unwrap_or_default(), positive)
            }
            Formula::Atom(Atom::Test(test)) => self.test(test, positive),
            Formula::Not(inner) => self.formula(inner, !positive),
            Formula::All(parts) | Formula::Any(parts) => {
                let lowered = parts.iter().map(|part| self.formula(part, positive)).collect();
                // Neither is one false, nor are all: De Morgan's laws hold of what is unknown, too.
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

    /// A question that is answered by *yes* or *no*.
    pub(crate) fn is(&mut self, variable: Variable, positive: bool) -> Plan {
        self.question(variable, &[(0, Truth::No), (1, Truth::Yes)], positive)
    }

    fn test(&mut self, test: &Test, positive: bool) -> Plan {
        let Some(tests) = self.tests.get(&test.path) else { return Plan::NO };
        let kind = test.kind().or_else(|| only_kind(tests));
        let of_kind = || tests.keys().filter(|test| test.kind().or_else(|| only_kind(tests)) == kind);
        let stage = Stage::of(&test.path, self.policy);
        if self.phase == Phase::BeforeInput && stage == Stage::Input {
            return Plan::YES;
        }
        let of = (test.path.clone(), kind);
        let variable = self.variables.class(stage, &of, || Domain::of(kind, of_kind()));
        let truths = self.variables.domain(variable).map(|domain| domain.truths(test)).unwrap_or_default();
        self.question(variable, &truths, positive)
    }

    fn question(&mut self, variable: Variable, truths: &[(u32, Truth)], positive: bool) -> Plan {
        let wanted = if positive { Truth::Yes } else { Truth::No };
        // What isn't known yet may come out well, whatever would be well.
        let end = |truth: Truth| if truth == wanted || truth == Truth::Open { Diagram::YES } else { Diagram::NO };
        let runs: Vec<Run> = truths.iter().map(|(from, truth)| Run { from: *from, to: end(*truth) }).collect();
        Plan::Diagram(self.diagrams.node(variable, &runs))
    }

    pub(crate) fn all(&mut self, parts: Vec<Plan>) -> Plan {
        self.joined(parts, true)
    }

    pub(crate) fn any(&mut self, parts: Vec<Plan>) -> Plan {
        self.joined(parts, false)
    }

    /// One plan of several. Those that begin alike are joined first, two and two, as far as they don't grow out of
    /// proportion; so the work is bounded by what there is to join.
    fn joined(&mut self, parts: Vec<Plan>, all: bool) -> Plan {
        let (absorbing, neutral) = if all { (Diagram::NO, Diagram::YES) } else { (Diagram::YES, Diagram::NO) };
        let mut diagrams = Vec::new();
        let mut others = Vec::new();
        for part in parts {
            match part {
                Plan::Diagram(diagram) if diagram == absorbing => return part,
                Plan::Diagram(diagram) if diagram == neutral => {}
                Plan::Diagram(diagram) => diagrams.push(diagram),
                Plan::Several(id) if self.several[id].all == all => {
                    let inner = self.several[id].parts.clone();
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
            _ => self.several(Several { all, parts: others.into() }),
        }
    }

    fn join(&mut self, one: Diagram, other: Diagram, all: bool) -> Result<Diagram, TooLarge> {
        if all { self.diagrams.and(one, other) } else { self.diagrams.or(one, other) }
    }

    fn several(&mut self, several: Several) -> Plan {
        if let Some(known) = self.several_ids.get(&several) {
            return Plan::Several(*known);
        }
        let id = self.several.push(several.clone());
        self.several_ids.insert(several, id);
        Plan::Several(id)
    }
}

/// Notes what is asked of attributes.
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

/// The kind of all questions that have one, where that is the same: whether there is a value is asked with them.
fn only_kind(tests: &Tests) -> Option<Kind> {
    let mut kinds = tests.values().flatten();
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(*first)
}
