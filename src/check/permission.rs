//! Who may do what: patterns expanded to permissions, roles closed under inheritance.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::bits::BitSet;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::syntax::tree::{Action, Effect, Pattern, Rule, Text};

use super::Checker;
use super::names::{list, suggest, unknown, unsupported, worth_suggesting};
use super::order::{Cycle, order};
use super::typed::{Permission, Role};

/// Where the permissions are: those of one resource stand side by side.
pub(super) struct PermissionIndex {
    permissions: Table<Permission>,
    by_resource: HashMap<String, Range<usize>>,
    by_action: HashMap<String, Vec<usize>>,
    /// What each named set of permissions stands for.
    sets: HashMap<String, BitSet>,
}

impl Checker<'_> {
    /// One row a declared role, in the order written.
    pub(super) fn roles(&mut self) -> Table<Role> {
        self.names.roles.iter().map(|(name, _)| Role { name: name.to_owned() }).collect()
    }

    /// One row an action of a resource, with the roles that may do it.
    pub(super) fn permissions(&mut self, roles: &Table<Role>) -> PermissionIndex {
        let mut index = self.actions();
        self.sets(&mut index);
        let declared: Vec<_> = self.names.roles.iter().map(|(_, role)| *role).collect();
        let mut granted: Vec<BitSet> = declared
            .iter()
            .map(|role| {
                let mut own = BitSet::default();
                for rule in &role.grants {
                    if let Effect::Allow { patterns, except, .. } = &rule.effect {
                        self.unconditional(rule);
                        own.union(&self.expand(patterns, except, &index));
                    }
                }
                own
            })
            .collect();
        self.inherit(&mut granted);
        for (role, granted) in roles.ids().zip(&granted) {
            for row in granted.rows() {
                if let Some(permission) = index.row_mut(row) {
                    permission.roles.insert(role.row());
                }
            }
        }
        self.top_level_rules(&mut index);
        index
    }

    fn actions(&mut self) -> PermissionIndex {
        let mut index = PermissionIndex {
            permissions: Table::new(),
            by_resource: HashMap::new(),
            by_action: HashMap::new(),
            sets: HashMap::new(),
        };
        let declared: Vec<_> = self.names.resources.iter().map(|(_, resource)| *resource).collect();
        for resource in declared {
            let first = index.permissions.len();
            let mut seen: HashMap<&str, Span> = HashMap::new();
            for action in &resource.actions {
                if let Some(first) = seen.insert(&action.node, action.span) {
                    let message = format!("action `{}` stands twice", action.node);
                    let error = Diagnostic::error("duplicate_name", action.span, message)
                        .also(first, "first written here")
                        .help("keep one of them");
                    self.report(error);
                    continue;
                }
                index.by_action.entry(action.node.clone()).or_default().push(index.permissions.len());
                index.permissions.push(Permission {
                    resource: resource.name.node.clone(),
                    action: action.node.clone(),
                    roles: BitSet::default(),
                    callers: false,
                    anyone: false,
                });
            }
            index.by_resource.insert(resource.name.node.clone(), first..index.permissions.len());
            for attribute in &resource.attributes {
                // Only conditions read attributes; their types must hold all the same.
                super::expression::value_type(&attribute.ty, &mut self.diagnostics);
            }
        }
        index
    }

    fn top_level_rules(&mut self, index: &mut PermissionIndex) {
        let rules = self.names.rules.clone();
        for rule in rules {
            match &rule.effect {
                Effect::Allow { anyone, patterns, except } => {
                    self.unconditional(rule);
                    for row in self.expand(patterns, except, index).rows() {
                        if let Some(permission) = index.row_mut(row) {
                            permission.callers = true;
                            permission.anyone |= anyone;
                        }
                    }
                }
                Effect::Forbid { .. } => self.report(unsupported(rule.span, "`forbid`")),
                Effect::Never(_) => self.report(unsupported(rule.span, "`never`")),
            }
        }
    }

    fn unconditional(&mut self, rule: &Rule) {
        if let Some((_, condition)) = &rule.condition {
            self.report(unsupported(condition.span, "a condition on a grant"));
        }
    }

    /// Finds out what each named set stands for, once, whether it is used or not.
    fn sets(&mut self, index: &mut PermissionIndex) {
        let declared: Vec<_> = self.names.permission_sets.iter().map(|(_, set)| *set).collect();
        let named: Vec<Vec<(usize, &Text)>> = declared
            .iter()
            .map(|set| {
                let bare = set.patterns.iter().filter(|pattern| pattern.action == Action::None);
                let names = bare.filter_map(|pattern| pattern.resource.as_ref());
                names.filter_map(|name| Some((self.names.permission_sets.get(&name.node)?.0, name))).collect()
            })
            .collect();
        let order = order(&rows_only(&named));
        for cycle in &order.cycles {
            let names = cycle.rows.iter().filter_map(|row| declared.get(*row)).map(|set| &set.name);
            if let Some(closing) = closing(cycle, &named) {
                self.report(
                    Diagnostic::error(
                        "cyclic_permissions",
                        closing.span,
                        in_a_cycle("sets of permissions name", names),
                    )
                    .label("closes the cycle")
                    .help("name the permissions themselves in one of the sets"),
                );
            }
        }
        for set in order.rows.iter().filter_map(|row| declared.get(*row)) {
            let rows = self.matching(&set.patterns, index);
            index.sets.insert(set.name.node.clone(), rows);
        }
    }

    /// Gives each role what the roles it extends may do; a cycle is an error that shows the way round it.
    fn inherit(&mut self, granted: &mut [BitSet]) {
        let declared: Vec<_> = self.names.roles.iter().map(|(_, role)| *role).collect();
        let parents: Vec<Vec<(usize, &Text)>> = declared
            .iter()
            .map(|role| {
                let names = role.extends.iter();
                names.filter_map(|name| Some((self.names.roles.find(name, &mut self.diagnostics)?.0, name))).collect()
            })
            .collect();
        let order = order(&rows_only(&parents));
        for cycle in &order.cycles {
            let names = cycle.rows.iter().filter_map(|row| declared.get(*row)).map(|role| &role.name);
            if let Some(closing) = closing(cycle, &parents) {
                self.report(
                    Diagnostic::error("cyclic_role", closing.span, in_a_cycle("roles extend", names))
                        .label("closes the cycle")
                        .help("take one of the roles out of `extends`"),
                );
            }
        }
        for row in order.rows {
            for (parent, _) in parents.get(row).into_iter().flatten() {
                let inherited = granted.get(*parent).cloned().unwrap_or_default();
                if let Some(own) = granted.get_mut(row) {
                    own.union(&inherited);
                }
            }
        }
    }

    /// The permissions that `patterns` names and `except` doesn't.
    fn expand(&mut self, patterns: &[Pattern], except: &[Pattern], index: &PermissionIndex) -> BitSet {
        let mut rows = self.matching(patterns, index);
        rows.subtract(&self.matching(except, index));
        rows
    }

    /// The permissions that a route's `requires` names.
    pub(super) fn required(&mut self, patterns: &[Pattern], index: &PermissionIndex) -> Vec<Id<Permission>> {
        self.matching(patterns, index).rows().filter_map(|row| index.permissions.id(row)).collect()
    }

    fn matching(&mut self, patterns: &[Pattern], index: &PermissionIndex) -> BitSet {
        let mut rows = BitSet::default();
        for pattern in patterns {
            let errors = self.diagnostics.len();
            let found = self.matching_one(pattern, index);
            if found.is_empty() && self.diagnostics.len() == errors && !self.said_where_declared(pattern) {
                self.report(
                    Diagnostic::error("empty_pattern", pattern.span, "this pattern matches no permission")
                        .help("declare the actions of a resource: `resource NAME { actions read, write }`"),
                );
            }
            rows.union(&found);
        }
        rows
    }

    /// What is wrong with a set was said where it is declared.
    fn said_where_declared(&self, pattern: &Pattern) -> bool {
        let name = pattern.resource.as_ref().filter(|_| pattern.action == Action::None);
        name.is_some_and(|name| self.names.permission_sets.contains(&name.node))
    }

    fn matching_one(&mut self, pattern: &Pattern, index: &PermissionIndex) -> BitSet {
        let mut rows = BitSet::default();
        match (&pattern.resource, &pattern.action) {
            (None, Action::Every | Action::None) => rows.extend(0..index.permissions.len()),
            (None, Action::One(action)) => self.any_with(action, index, &mut rows),
            (None, Action::Several(actions)) => {
                for action in actions {
                    self.any_with(action, index, &mut rows);
                }
            }
            (Some(set), Action::None) => self.set_of(set, index, &mut rows),
            (Some(resource), Action::Every) => {
                if let Some(range) = self.rows_of(resource, index) {
                    rows.extend(range);
                }
            }
            (Some(resource), Action::One(action)) => self.one_of(resource, action, index, &mut rows),
            (Some(resource), Action::Several(actions)) => {
                for action in actions {
                    self.one_of(resource, action, index, &mut rows);
                }
            }
        }
        rows
    }

    fn rows_of(&mut self, resource: &Text, index: &PermissionIndex) -> Option<Range<usize>> {
        self.names.resources.find(resource, &mut self.diagnostics)?;
        index.by_resource.get(&resource.node).cloned()
    }

    /// `*:action`
    fn any_with(&mut self, action: &Text, index: &PermissionIndex, rows: &mut BitSet) {
        match index.by_action.get(&action.node) {
            Some(found) => rows.extend(found.iter().copied()),
            None => {
                let known: Vec<&str> = match worth_suggesting(&self.diagnostics) {
                    true => index.by_action.keys().map(String::as_str).collect(),
                    false => Vec::new(),
                };
                self.report(unknown_permission(None, action, &known));
            }
        }
    }

    /// `resource:action`
    fn one_of(&mut self, resource: &Text, action: &Text, index: &PermissionIndex, rows: &mut BitSet) {
        let Some(range) = self.rows_of(resource, index) else { return };
        let with_action = index.by_action.get(&action.node).into_iter().flatten();
        match with_action.copied().find(|row| range.contains(row)) {
            Some(row) => rows.insert(row),
            None => {
                let known: Vec<&str> = range
                    .take(if worth_suggesting(&self.diagnostics) { usize::MAX } else { 0 })
                    .filter_map(|row| index.permissions.id(row))
                    .map(|id| index.permissions[id].action.as_str())
                    .collect();
                self.report(unknown_permission(Some(resource), action, &known));
            }
        }
    }

    /// A bare name is the name of a set.
    fn set_of(&mut self, name: &Text, index: &PermissionIndex, rows: &mut BitSet) {
        if let Some(found) = index.sets.get(&name.node) {
            rows.union(found);
        } else if !self.names.permission_sets.contains(&name.node) {
            let sets = self.names.permission_sets.iter().map(|(set, _)| set);
            let sets = sets.take(if worth_suggesting(&self.diagnostics) { usize::MAX } else { 0 });
            let error = unknown("unknown_permission", "set of permissions", name, sets);
            let message = format!("`{}` is a resource, and says nothing about what may be done to it", name.node);
            self.report(match self.names.resources.contains(&name.node) {
                true => Diagnostic::error("unknown_permission", name.span, message)
                    .help(format!("for all its actions, write `{}:*`", name.node)),
                false => error,
            });
        }
    }
}

fn rows_only(named: &[Vec<(usize, &Text)>]) -> Vec<Vec<usize>> {
    named.iter().map(|named| named.iter().map(|(row, _)| *row).collect()).collect()
}

/// The name that closes a cycle, where it is written.
fn closing<'t>(cycle: &Cycle, named: &[Vec<(usize, &'t Text)>]) -> Option<&'t Text> {
    let (_, name) = named.get(*cycle.rows.last()?)?.get(cycle.closing)?;
    Some(name)
}

/// `roles extend each other in a cycle: a → b → a`
fn in_a_cycle<'n>(what: &str, names: impl Iterator<Item = &'n Text>) -> String {
    const MOST_SHOWN: usize = 8;
    let mut names: Vec<String> = names.map(|name| format!("`{}`", name.node)).collect();
    names.extend(names.first().cloned());
    let way = match names.as_slice() {
        [first, second, .., last] if names.len() > MOST_SHOWN => format!("{first} → {second} → … → {last}"),
        _ => names.join(" → "),
    };
    format!("{what} each other in a cycle: {way}")
}

impl PermissionIndex {
    fn row_mut(&mut self, row: usize) -> Option<&mut Permission> {
        self.permissions.id(row).map(|id| self.permissions.row_mut(id))
    }

    pub(super) fn into_permissions(self) -> Table<Permission> {
        self.permissions
    }
}

fn unknown_permission(resource: Option<&Text>, action: &Text, known: &[&str]) -> Diagnostic {
    let name = |action: &str| match resource {
        Some(resource) => format!("{}:{action}", resource.node),
        None => format!("*:{action}"),
    };
    let span = match resource {
        Some(resource) if resource.span.end < action.span.start && action.span.start - resource.span.end <= 2 => {
            resource.span.to(action.span)
        }
        _ => action.span,
    };
    let message = match resource {
        Some(_) => format!("there is no permission `{}`", name(&action.node)),
        None => format!("no resource has an action `{}`", action.node),
    };
    let error = Diagnostic::error("unknown_permission", span, message).label("not declared");
    if let Some(meant) = suggest(&action.node, known.iter().copied()) {
        return error.help(format!("did you mean `{}`?", name(meant)));
    }
    match (resource, list(known.iter().copied())) {
        (Some(resource), Some(names)) => error.help(format!("the actions of `{}` are {names}", resource.node)),
        _ => error.help("declare the action with its resource: `resource NAME { actions … }`"),
    }
}
