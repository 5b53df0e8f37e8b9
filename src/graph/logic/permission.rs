//! The plans of permissions. A permission is granted if a grant applies, the caller's scopes let it through, and no `forbid`
//! applies or could apply.

use indexmap::IndexMap;

use foldhash::fast::FixedState;

use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::graph::logic::lower::Lowering;
use crate::graph::logic::plan::Plan;
use crate::graph::logic::variable::Variables;
use crate::typed::{Grantee, Permission, Role, Rule, Scope, Terms, When};

impl Lowering<'_> {
    /// The plan for a permission being granted.
    pub(crate) fn permission(&mut self, permission: &Permission) -> Plan {
        let terms = self.policy.terms(permission);
        if self.policy.is_by_role(permission) {
            return if permission.roles.is_empty() { Plan::NO } else { Plan::HasRole(permission.roles) };
        }
        let mut parts = vec![self.allowed(permission.roles, terms)];
        parts.extend(terms.forbids.iter().map(|rule| self.rule(*rule, false)));
        self.all(parts)
    }

    fn allowed(&mut self, roles: IdSet<Role>, terms: &Terms) -> Plan {
        let mut to_anyone = vec![Plan::constant(terms.anyone)];
        let mut to_callers = vec![Plan::constant(terms.callers)];
        // Grants under one condition share a test of their roles.
        let mut to_roles: IndexMap<Plan, Vec<IdSet<Role>>, FixedState> = IndexMap::default();
        to_roles.insert(Plan::YES, vec![roles]);
        let mut to_scopes: IndexMap<Plan, Vec<IdSet<Scope>>, FixedState> = IndexMap::default();
        to_scopes.insert(Plan::YES, vec![terms.scopes]);
        for grant in &terms.grants {
            let plan = self.rule(grant.rule, true);
            match grant.to {
                Grantee::Anyone => to_anyone.push(plan),
                Grantee::Callers => to_callers.push(plan),
                Grantee::Role(role) => to_roles.entry(plan).or_default().push(self.policy.roles_up(role)),
                Grantee::Scope(scope) => to_scopes.entry(plan).or_default().push(IdSet::one(scope)),
            }
        }
        let has_user = self.is(Variables::HAS_USER, true);
        let to_callers = self.any(to_callers);
        let mut granted = vec![self.all(vec![has_user, to_callers])];
        for (plan, roles) in to_roles {
            let held = self.has_role(roles);
            granted.push(self.all(vec![held, plan]));
        }
        let mut within = vec![self.is(Variables::CAPPED, false)];
        for (plan, scopes) in to_scopes {
            let held = self.has_scope(scopes);
            within.push(self.all(vec![held, plan]));
        }
        let (granted, within) = (self.any(granted), self.any(within));
        to_anyone.push(self.all(vec![granted, within]));
        self.any(to_anyone)
    }

    /// The plan for a role of one of these sets.
    fn has_role(&mut self, mut sets: Vec<IdSet<Role>>) -> Plan {
        sets.retain(|set| !set.is_empty());
        let united = self.role_sets.union(&sets);
        let sets = united.map_or(sets, |united| vec![united]);
        let held = sets.into_iter().filter(|set| !set.is_empty()).map(|set| {
            let variable = self.variables.roles(set);
            self.is(variable, true)
        });
        let held = held.collect();
        self.any(held)
    }

    /// The plan for a scope of one of these sets.
    fn has_scope(&mut self, sets: Vec<IdSet<Scope>>) -> Plan {
        let held = sets.into_iter().filter(|set| !set.is_empty()).map(|set| {
            let variable = self.variables.scopes(set);
            self.is(variable, true)
        });
        let held = held.collect();
        self.any(held)
    }

    /// The plan for a caller who has all these scopes, or isn't capped by scopes.
    pub(crate) fn gate(&mut self, scopes: &[Id<Scope>]) -> Plan {
        let gates = scopes.iter().map(|scope| {
            let uncapped = self.is(Variables::CAPPED, false);
            let held = self.has_scope(vec![IdSet::one(*scope)]);
            self.any(vec![uncapped, held])
        });
        let gates = gates.collect();
        self.all(gates)
    }

    /// The plan for no rule of `forbid *` closing a door.
    pub(crate) fn doors(&mut self, forbids: &[Id<Rule>]) -> Plan {
        let open = forbids.iter().map(|rule| self.rule(*rule, false)).collect();
        self.all(open)
    }

    /// The plan for all conditions of a route being true.
    pub(crate) fn conditions(&mut self, whens: &[When]) -> Plan {
        let hold = whens.iter().map(|when| self.condition(&when.expr, true)).collect();
        self.all(hold)
    }
}
