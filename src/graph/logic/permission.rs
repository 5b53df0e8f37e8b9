//! What a permission means: *granted* is what a grant allows for sure, within the scopes of the caller, and what no rule
//! may forbid.

use indexmap::IndexMap;

use foldhash::fast::FixedState;

use crate::check::typed::{Expr, Grantee, Permission, Rule};
use crate::model::bits::BitSet;
use crate::model::table::Id;

use super::lower::Lowering;
use super::plan::Plan;
use super::variable::Variables;

impl Lowering<'_> {
    /// That a permission is granted.
    pub(crate) fn permission(&mut self, permission: &Permission) -> Plan {
        let plain = self.policy.scopes.len() == 0
            && !permission.callers
            && permission.grants.is_empty()
            && permission.forbids.is_empty();
        if plain {
            return match permission.roles.is_empty() {
                true => Plan::NO,
                false => Plan::Held(self.role_set(&permission.roles)),
            };
        }
        let mut parts = vec![self.allowed(permission)];
        parts.extend(permission.forbids.iter().map(|rule| self.rule(*rule, false)));
        self.all(parts)
    }

    fn role_set(&mut self, roles: &BitSet) -> Id<BitSet> {
        if let Some(known) = self.role_set_ids.get(roles) {
            return *known;
        }
        let id = self.role_sets.push(roles.clone());
        self.role_set_ids.insert(roles.clone(), id);
        id
    }

    fn allowed(&mut self, permission: &Permission) -> Plan {
        let mut to_anyone = vec![if permission.anyone { Plan::YES } else { Plan::NO }];
        let mut to_callers = vec![if permission.callers { Plan::YES } else { Plan::NO }];
        // Grants of many roles under one condition are one.
        let mut to_roles: IndexMap<Plan, BitSet, FixedState> = IndexMap::default();
        to_roles.insert(Plan::YES, permission.roles.clone());
        let mut to_scopes: IndexMap<Plan, BitSet, FixedState> = IndexMap::default();
        to_scopes.insert(Plan::YES, permission.scopes.clone());
        for grant in &permission.grants {
            let plan = self.rule(grant.rule, true);
            match grant.to {
                Grantee::Anyone => to_anyone.push(plan),
                Grantee::Callers => to_callers.push(plan),
                Grantee::Role(role) => to_roles.entry(plan).or_default().insert(role.row()),
                Grantee::Scope(scope) => to_scopes.entry(plan).or_default().insert(scope.row()),
            }
        }
        let has_user = self.is(Variables::HAS_USER, true);
        let to_callers = self.any(to_callers);
        let mut granted = vec![self.all(vec![has_user, to_callers])];
        for (plan, roles) in to_roles.into_iter().filter(|(_, roles)| !roles.is_empty()) {
            let variable = self.variables.roles(&roles);
            let held = self.is(variable, true);
            granted.push(self.all(vec![held, plan]));
        }
        let mut within = vec![self.is(Variables::CAPPED, false)];
        for (plan, scopes) in to_scopes.into_iter().filter(|(_, scopes)| !scopes.is_empty()) {
            let variable = self.variables.scopes(&scopes);
            let held = self.is(variable, true);
            within.push(self.all(vec![held, plan]));
        }
        let (granted, within) = (self.any(granted), self.any(within));
        to_anyone.push(self.all(vec![granted, within]));
        self.any(to_anyone)
    }

    /// That no rule of `forbid *` closes a door.
    pub(crate) fn doors(&mut self, forbids: &[Id<Rule>]) -> Plan {
        let open = forbids.iter().map(|rule| self.rule(*rule, false)).collect();
        self.all(open)
    }

    /// That all conditions of a route hold.
    pub(crate) fn conditions<'e>(&mut self, conditions: impl Iterator<Item = &'e Expr>) -> Plan {
        let hold = conditions.map(|condition| self.condition(condition, true)).collect();
        self.all(hold)
    }
}
