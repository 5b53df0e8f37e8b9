//! Permissions: one an action of a resource.

use std::collections::{HashMap, HashSet};

use crate::check::checker::{Checker, Report};
use crate::check::order::{ReferenceGraph, order};
use crate::check::permissions::attribute::Attributes;
use crate::check::settings::{Seen, stands_twice};
use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::names::Names;
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::syntax::tree;
use crate::syntax::tree::{Action, Pattern, Text};
use crate::typed::{Grant, Permission, Rule, Scope, Terms};

/// The permissions of a policy. Those of one resource stand side by side.
pub(crate) struct PermissionIndex {
    pub(crate) permissions: Table<Permission>,
    pub(crate) names: Names<Permission>,
    /// One a permission.
    pub(crate) drafts: Vec<TermsDraft>,
    pub(crate) scope_sets: IdSets<Scope>,
    /// The sets of permissions that patterns name.
    pub(crate) sets: IdSets<Permission>,
    pub(crate) all: IdSet<Permission>,
    pub(crate) of_resource: Vec<IdSet<Permission>>,
    /// Nothing for an action whose permissions found no room.
    pub(crate) with_action: HashMap<String, Option<IdSet<Permission>>>,
    /// The permissions of each named set.
    pub(crate) named: HashMap<String, IdSet<Permission>>,
    /// The named sets that include `*`.
    pub(crate) every: HashSet<String>,
}

/// The terms of a permission while rules are read.
#[derive(Default)]
pub(crate) struct TermsDraft {
    pub(crate) callers: bool,
    pub(crate) anyone: bool,
    pub(crate) scopes: IdSet<Scope>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) forbids: Vec<Id<Rule>>,
}

/// The permissions of a policy without errors.
pub(crate) struct Permissions {
    pub(crate) table: Table<Permission>,
    pub(crate) names: Names<Permission>,
    pub(crate) terms: Table<Terms>,
    pub(crate) scope_sets: IdSets<Scope>,
}

impl PermissionIndex {
    /// One row an action of a resource. Rules add to the drafts.
    pub(crate) fn declared(checker: &Checker<'_>, attributes: &Attributes) -> Self {
        let mut index = Self {
            permissions: Table::new(),
            names: Names::default(),
            drafts: Vec::new(),
            scope_sets: IdSets::default(),
            sets: IdSets::default(),
            all: IdSet::EMPTY,
            of_resource: Vec::new(),
            with_action: HashMap::new(),
            named: HashMap::new(),
            every: HashSet::new(),
        };
        index.add_actions(checker, attributes);
        index.add_sets(checker);
        index
    }

    fn add_actions(&mut self, checker: &Checker<'_>, attributes: &Attributes) {
        let mut name = String::new();
        let mut all = RowSet::default();
        let mut with_action: HashMap<&str, RowSet> = HashMap::new();
        for (resource, declared) in attributes.resources.ids().zip(checker.names.resources.values()) {
            let mut own = RowSet::default();
            let mut seen = Seen::default();
            for action in &declared.actions {
                let again = |first| stands_twice(&format!("action `{}`", action.node), first, action.span);
                if !seen.first(action, checker, again) {
                    continue;
                }
                write_name(&mut name, &declared.name.node, &action.node);
                self.names.intern(&name);
                let permission = Permission { resource, roles: IdSet::EMPTY, terms: Table::first() };
                let permission = self.permissions.push(permission);
                self.drafts.push(TermsDraft::default());
                with_action.entry(&action.node).or_default().insert(permission.row());
                own.insert(permission.row());
                all.insert(permission.row());
            }
            // Side by side, and so one range.
            self.of_resource.push(own.intern(&mut self.sets).unwrap_or_default());
        }
        self.all = all.intern(&mut self.sets).unwrap_or_default();
        for (action, rows) in with_action {
            self.with_action.insert(action.to_owned(), rows.intern(&mut self.sets));
        }
    }

    /// Finds the permissions of each named set, once, whether it is used or not.
    fn add_sets(&mut self, checker: &Checker<'_>) {
        let declared: Vec<&tree::PermissionSet> = checker.names.permission_sets.values().collect();
        let mut references = ReferenceGraph::default();
        for set in &declared {
            let bare = set.patterns.iter().filter(|pattern| pattern.action == Action::None);
            let row = |name: &'_ Text| checker.names.permission_sets.row(&name.node);
            let names = bare.filter_map(|pattern| pattern.resource.as_ref());
            references.push(&set.name, names.filter_map(|name| Some((row(name)?, name))).collect());
        }
        let order = order(&references.rows());
        for cycle in &order.cycles {
            references
                .cycle("cyclic_permissions", "sets of permissions name", cycle)
                .report_with(checker, "name the permissions themselves in one of the sets");
        }
        for set in order.rows.iter().filter_map(|row| declared.get(*row)) {
            let rows = self.matching(checker, &set.patterns);
            if set.patterns.iter().any(|pattern| self.is_every(pattern)) {
                self.every.insert(set.name.node.clone());
            }
            self.named.insert(set.name.node.clone(), rows);
        }
    }

    /// True for `*`, and for a set that includes it.
    pub(crate) fn is_every(&self, pattern: &Pattern) -> bool {
        match (&pattern.resource, &pattern.action) {
            (None, Action::Every | Action::None) => true,
            (Some(set), Action::None) => self.every.contains(&set.node),
            _ => false,
        }
    }

    /// Gives each permission its terms. Permissions with equal terms share them.
    pub(crate) fn finished(self) -> Permissions {
        let Self { mut permissions, mut names, drafts, mut scope_sets, .. } = self;
        let mut terms = Table::new();
        let mut known: HashMap<Terms, Id<Terms>> = HashMap::new();
        for (id, draft) in permissions.ids().zip(drafts) {
            let TermsDraft { callers, anyone, scopes, grants, forbids } = draft;
            let own = Terms { callers, anyone, scopes, grants: grants.into(), forbids: forbids.into() };
            permissions.row_mut(id).terms = *known.entry(own).or_insert_with_key(|own| terms.push(own.clone()));
        }
        names.shrink();
        scope_sets.shrink();
        permissions.shrink();
        Permissions { table: permissions, names, terms, scope_sets }
    }
}

/// `resource:action`
pub(crate) fn write_name(name: &mut String, resource: &str, action: &str) {
    name.clear();
    name.extend([resource, ":", action]);
}
