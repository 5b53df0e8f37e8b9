//! The assumptions of a search on its current path. Each can be undone.

use std::collections::HashMap;

use crate::analyze::scenario::RoleDomain;
use crate::analyze::solver::class_set::ClassSet;
use crate::analyze::solver::solve::Budget;
use crate::analyze::solver::space::{DependsOn, InstanceVariable, Space};
use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::typed::Role;

#[derive(Default)]
pub(crate) struct Assumptions {
    classes: HashMap<InstanceVariable, ClassSet>,
    /// The assumed variables that depend on a slot, by the slot's number.
    by_slot: HashMap<usize, Vec<InstanceVariable>>,
    /// Sets of roles. The caller has one of each set with true, and none of each set with false.
    roles: Vec<(IdSet<Role>, bool)>,
    trail: Vec<TrailEntry>,
}

/// An assumption with the state before it.
enum TrailEntry {
    Classes(InstanceVariable, Option<ClassSet>),
    Roles,
}

/// The result of one more assumption.
pub(crate) enum Assumed {
    /// It was assumed already.
    Known,
    /// It contradicts an assumption about the same variable.
    Contradiction,
    /// The caller's roles must be found again.
    Roles,
    /// The values of the variable's slots must be found again.
    Slots,
}

impl Assumptions {
    /// The position to go back to by [`Self::undo`].
    pub(crate) fn position(&self) -> usize {
        self.trail.len()
    }

    pub(crate) fn classes(&self, key: InstanceVariable) -> Option<&ClassSet> {
        self.classes.get(&key)
    }

    /// The variables with an assumption, in rising order.
    pub(crate) fn variables(&self) -> Vec<InstanceVariable> {
        let mut keys: Vec<InstanceVariable> = self.classes.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// Assumes that the caller has one of these roles, or none of them.
    pub(crate) fn assume_roles(&mut self, roles: IdSet<Role>, has: bool) {
        self.roles.push((roles, has));
        self.trail.push(TrailEntry::Roles);
    }

    /// Assumes that a variable has one of these classes.
    pub(crate) fn assume(&mut self, space: &mut Space<'_>, key: InstanceVariable, classes: ClassSet) -> Assumed {
        let info = space.info(key);
        let narrowed = match self.classes.get(&key) {
            Some(known) if *known == classes => return Assumed::Known,
            Some(known) => classes.intersection(known),
            None => classes,
        };
        if narrowed.is_empty() {
            return Assumed::Contradiction;
        }
        let has = narrowed.has(1);
        let before = self.classes.insert(key, narrowed);
        let is_new = before.is_none();
        self.trail.push(TrailEntry::Classes(key, before));
        match &info.depends_on {
            DependsOn::Roles(roles) => {
                self.assume_roles(*roles, has);
                Assumed::Roles
            }
            DependsOn::Slots(slots) => {
                if is_new {
                    slots.iter().for_each(|slot| self.by_slot.entry(*slot).or_default().push(key));
                }
                Assumed::Slots
            }
        }
    }

    /// Undoes all assumptions made since a position.
    pub(crate) fn undo(&mut self, space: &mut Space<'_>, position: usize) {
        while self.trail.len() > position {
            match self.trail.pop() {
                Some(TrailEntry::Roles) => drop(self.roles.pop()),
                Some(TrailEntry::Classes(key, Some(before))) => drop(self.classes.insert(key, before)),
                Some(TrailEntry::Classes(key, None)) => {
                    self.classes.remove(&key);
                    if let DependsOn::Slots(slots) = &space.info(key).depends_on {
                        for slot in slots.iter() {
                            self.by_slot.entry(*slot).or_default().retain(|known| *known != key);
                        }
                    }
                }
                None => return,
            }
        }
    }

    /// The assumptions about a variable, and about all that share a slot with it, directly or not.
    pub(crate) fn connected(&self, space: &mut Space<'_>, key: InstanceVariable) -> Vec<(InstanceVariable, ClassSet)> {
        let mut keys = vec![key];
        let mut at = 0;
        while let Some(key) = keys.get(at).copied() {
            at += 1;
            if let DependsOn::Slots(slots) = &space.info(key).depends_on {
                for other in slots.iter().filter_map(|slot| self.by_slot.get(slot)).flatten() {
                    if !keys.contains(other) {
                        keys.push(*other);
                    }
                }
            }
        }
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| Some((key, self.classes.get(&key)?.clone()))).collect()
    }

    /// Roles of the caller that satisfy the assumptions about roles. Each is the weakest one of its set.
    pub(crate) fn roles(&self, space: &Space<'_>, budget: &mut Budget) -> Option<Vec<Id<Role>>> {
        let sets = &space.scenario.policy.role_sets;
        let mut roles: Vec<Id<Role>> = Vec::new();
        match space.scenario.roles() {
            RoleDomain::Any | RoleDomain::Unknown => {
                let is_excluded =
                    |role: Id<Role>| self.roles.iter().any(|(set, has)| !has && sets.has_any(*set, &[role]));
                for (set, _) in self.roles.iter().filter(|(_, has)| *has) {
                    if !sets.has_any(*set, &roles) {
                        let mut of_set = sets.ids(*set).take_while(|_| budget.take());
                        roles.push(of_set.find(|role| !is_excluded(*role))?);
                    }
                }
            }
            RoleDomain::Exactly(exactly) => {
                if self.roles.iter().any(|(set, has)| sets.has_any(*set, &exactly) != *has) {
                    return None;
                }
                roles = exactly;
            }
        }
        roles.sort_unstable();
        Some(roles)
    }
}
