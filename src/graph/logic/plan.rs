//! Plans: a decision by one diagram, or by several one after the other where one would grow out of proportion.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::collections::id_set::IdSet;
use crate::collections::table::{Id, Table};
use crate::graph::diagram::{Class, Diagram, Diagrams};
use crate::graph::logic::variable::{Variable, VariableGroup, Variables};
use crate::graph::logic::walk::Walks;
use crate::typed::{Role, Scope};

/// The way in which a permission or a condition is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Plan {
    /// The caller has one of these roles, and isn't capped by scopes.
    HasRole(IdSet<Role>),
    Diagram(Diagram),
    Compound(Id<CompoundPlan>),
}

impl Plan {
    pub(crate) const NO: Self = Self::Diagram(Diagram::NO);
    pub(crate) const YES: Self = Self::Diagram(Diagram::YES);

    pub(crate) fn constant(value: bool) -> Self {
        if value { Self::YES } else { Self::NO }
    }
}

/// The conjunction or the disjunction of plans.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CompoundPlan {
    /// True for a conjunction.
    pub(crate) all: bool,
    pub(crate) parts: Box<[Plan]>,
    /// True if several plans contain it: then each decision remembers its value.
    pub(crate) is_shared: bool,
}

/// The classes of all variables in one request.
pub(crate) trait Assignment {
    fn has_user(&self) -> bool;
    /// True if the caller has scopes, which cap the roles.
    fn is_capped(&self) -> bool;
    /// True if the caller has one of these roles.
    fn has_role(&self, roles: IdSet<Role>) -> bool;
    /// True if the caller has one of these scopes.
    fn has_scope(&self, scopes: IdSet<Scope>) -> bool;
    /// The class of an attribute, if it was found before.
    fn cached_class(&self, group: VariableGroup, row: u32) -> Option<Class>;
    fn class(&self, variable: Variable<'_>) -> Class;
}

/// The plans that plans refer to, with their diagrams and variables.
#[derive(Debug)]
pub(crate) struct Logic {
    pub(crate) diagrams: Diagrams,
    pub(crate) variables: Variables,
    pub(crate) compounds: Table<CompoundPlan>,
    walks: Walks,
}

type Memo = HashMap<Id<CompoundPlan>, bool, FixedState>;

impl Logic {
    pub(crate) fn new(mut diagrams: Diagrams, variables: Variables, mut compounds: Table<CompoundPlan>) -> Self {
        diagrams.finish();
        let walks = Walks::of(&diagrams, &variables);
        let parts = compounds.iter().flat_map(|compound| &compound.parts);
        let mut inner: Vec<_> =
            parts.filter_map(|part| if let Plan::Compound(id) = part { Some(*id) } else { None }).collect();
        inner.sort_unstable();
        for pair in inner.windows(2) {
            if let [one, other] = pair
                && one == other
            {
                compounds.row_mut(*one).is_shared = true;
            }
        }
        Self { diagrams, variables, compounds, walks }
    }

    /// The number of diagrams of a compound plan, each counted as often as it is followed. It stops at about a million.
    pub(crate) fn diagrams_of(&self, compound: Id<CompoundPlan>) -> usize {
        const MOST: usize = 1_000_000;
        let mut open = vec![compound];
        let mut found = 0;
        while let Some(next) = open.pop() {
            for part in &self.compounds[next].parts {
                match part {
                    Plan::Compound(inner) => open.push(*inner),
                    Plan::HasRole(_) | Plan::Diagram(_) => found += 1,
                }
            }
            if found >= MOST {
                break;
            }
        }
        found
    }

    /// True if a plan says *yes* under an assignment. The number of steps is bounded by the depths of its diagrams.
    pub(crate) fn holds(&self, plan: Plan, assignment: &impl Assignment) -> bool {
        self.holds_with(plan, assignment, &mut Memo::default())
    }

    /// The recursion is as deep as conditions nest, which the checker bounds. Shared plans are decided once: the number of
    /// paths to them can grow exponentially.
    fn holds_with(&self, plan: Plan, assignment: &impl Assignment, memo: &mut Memo) -> bool {
        match plan {
            Plan::HasRole(roles) => !assignment.is_capped() && assignment.has_role(roles),
            Plan::Diagram(diagram) => self.walks.holds(diagram, &self.variables, assignment),
            Plan::Compound(id) => {
                if let Some(known) = memo.get(&id) {
                    return *known;
                }
                let CompoundPlan { all, parts, is_shared } = &self.compounds[id];
                let holds = match all {
                    true => parts.iter().all(|part| self.holds_with(*part, assignment, memo)),
                    false => parts.iter().any(|part| self.holds_with(*part, assignment, memo)),
                };
                if *is_shared {
                    memo.insert(id, holds);
                }
                holds
            }
        }
    }
}
