//! What a permission means: *granted* is what a grant allows for sure, within the scopes of the caller, and what no rule
//! may forbid.

use indexmap::IndexMap;

use foldhash::fast::FixedState;

use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::graph::logic::lower::Lowering;
use crate::graph::logic::plan::Plan;
use crate::graph::logic::variable::Variables;
use crate::typed::{Grantee, Permission, Role, Rule, Scope, Terms, When};

impl Lowering<'_> {
    /// That a permission is granted.
    pub(crate) fn permission(&mut self, permission: &Permission) -> Plan {
        let terms = self.policy.terms(permission);
        let plain =
            self.policy.scopes.len() == 0 && !terms.callers && terms.grants.is_empty() && terms.forbids.is_empty();
        if plain {
            return if permission.roles.is_empty() { Plan::NO } else { Plan::Held(permission.roles) };
        }
        let mut parts = vec![self.allowed(permission.roles, terms)];
        parts.extend(terms.forbids.iter().map(|rule| self.rule(*rule, false)));
        self.all(parts)
    }

    fn allowed(&mut self, roles: IdSet<Role>, terms: &Terms) -> Plan {
        let mut to_anyone = vec![if terms.anyone { Plan::YES } else { Plan::NO }];
        let mut to_callers = vec![if terms.callers { Plan::YES } else { Plan::NO }];
        // Grants of many roles under one condition are one.
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
            let held = roles.into_iter().filter(|roles| !roles.is_empty()).collect();
            let held = self.holds_role(held);
            granted.push(self.all(vec![held, plan]));
        }
        let mut within = vec![self.is(Variables::CAPPED, false)];
        for (plan, scopes) in to_scopes {
            let held = scopes.into_iter().filter(|scopes| !scopes.is_empty()).collect();
            let held = self.holds_scope(held);
            within.push(self.all(vec![held, plan]));
        }
        let (granted, within) = (self.any(granted), self.any(within));
        to_anyone.push(self.all(vec![granted, within]));
        self.any(to_anyone)
    }

    /// That the caller has a role of one of these sets.
    fn holds_role(&mut self, sets: Vec<IdSet<Role>>) -> Plan {
        let united = if let [only] = sets.as_slice() { Some(*only) } else { self.role_sets.union(&sets) };
        let sets = united.map_or(sets, |united| vec![united]);
        let held = sets.into_iter().filter(|set| !set.is_empty()).map(|set| {
            let variable = self.variables.roles(set);
            self.is(variable, true)
        });
        let held = held.collect();
        self.any(held)
    }

    fn holds_scope(&mut self, sets: Vec<IdSet<Scope>>) -> Plan {
        let held = sets.into_iter().map(|set| {
            let variable = self.variables.scopes(set);
            self.is(variable, true)
        });
        let held = held.collect();
        self.any(held)
    }

    /// That the caller has these scopes, or isn't capped by scopes.
    pub(crate) fn gate(&mut self, scopes: &[Id<Scope>]) -> Plan {
        let gates = scopes.iter().map(|scope| {
            let uncapped = self.is(Variables::CAPPED, false);
            let held = self.holds_scope(vec![IdSet::one(*scope)]);
            self.any(vec![uncapped, held])
        });
        let gates = gates.collect();
        self.all(gates)
    }

    /// That no rule of `forbid *` closes a door.
    pub(crate) fn doors(&mut self, forbids: &[Id<Rule>]) -> Plan {
        let open = forbids.iter().map(|rule| self.rule(*rule, false)).collect();
        self.all(open)
    }

    /// That all conditions of a route hold.
    pub(crate) fn conditions(&mut self, whens: &[When]) -> Plan {
        let hold = whens.iter().map(|when| self.condition(&when.expr, true)).collect();
        self.all(hold)
    }
}
