//! Permissions: one an action of a resource, and which of them a pattern names.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::model::bits::BitSet;
use crate::model::diagnostic::Diagnostic;
use crate::model::id_set::{IdSet, IdSets};
use crate::model::names::Names;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::syntax::tree::{Action, Pattern, Text};

use super::Checker;
use super::names::{list, suggest, unknown, worth_suggesting};
use super::order::{Cycle, order};
use super::typed::{Grant, Permission, Rule, Scope, Terms};

/// Where the permissions are: those of one resource stand side by side.
pub(super) struct PermissionIndex {
    pub(super) permissions: Table<Permission>,
    pub(super) names: Names<Permission>,
    /// By permission, what it takes beside a role.
    pub(super) drafts: Vec<TermsDraft>,
    pub(super) scope_sets: IdSets<Scope>,
    by_resource: HashMap<String, Range<usize>>,
    by_action: HashMap<String, Vec<usize>>,
    /// What each named set of permissions stands for.
    sets: HashMap<String, BitSet>,
    /// The named sets that `*` is in.
    every: HashSet<String>,
}

/// What a permission takes beside a role, as far as it is known.
#[derive(Default)]
pub(super) struct TermsDraft {
    pub(super) callers: bool,
    pub(super) anyone: bool,
    pub(super) scopes: IdSet<Scope>,
    pub(super) grants: Vec<Grant>,
    pub(super) forbids: Vec<Id<Rule>>,
}

/// The permissions of a policy without errors.
pub(super) struct Permissions {
    pub(super) table: Table<Permission>,
    pub(super) names: Names<Permission>,
    pub(super) terms: Table<Terms>,
    pub(super) scope_sets: IdSets<Scope>,
}

impl Checker<'_> {
    /// One row an action of a resource; what rules say of them is added by [`Checker::rules`].
    pub(super) fn permissions(&mut self) -> PermissionIndex {
        let mut index = self.actions();
        self.sets(&mut index);
        index
    }

    fn actions(&mut self) -> PermissionIndex {
        let mut index = PermissionIndex {
            permissions: Table::new(),
            names: Names::default(),
            drafts: Vec::new(),
            scope_sets: IdSets::default(),
            by_resource: HashMap::new(),
            by_action: HashMap::new(),
            sets: HashMap::new(),
            every: HashSet::new(),
        };
        let declared: Vec<_> = self.names.resources.iter().map(|(_, resource)| *resource).collect();
        let mut name = String::new();
        for (id, resource) in self.resources.ids().zip(declared) {
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
                name.clear();
                name.extend([&resource.name.node, ":", &action.node]);
                index.names.intern(&name);
                index.permissions.push(Permission { resource: id, roles: IdSet::EMPTY, terms: Table::first() });
                index.drafts.push(TermsDraft::default());
            }
            index.by_resource.insert(resource.name.node.clone(), first..index.permissions.len());
        }
        index
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
            if set.patterns.iter().any(|pattern| index.is_every(pattern)) {
                index.every.insert(set.name.node.clone());
            }
            index.sets.insert(set.name.node.clone(), rows);
        }
    }

    /// The permissions that `patterns` names, and those of them that `except` doesn't.
    pub(super) fn expand(
        &mut self,
        patterns: &[Pattern],
        except: &[Pattern],
        index: &PermissionIndex,
    ) -> (BitSet, BitSet) {
        let named = self.matching(patterns, index);
        let mut left = named.clone();
        left.subtract(&self.matching(except, index));
        (named, left)
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
                if self.rows_of(resource, index).is_none() {
                    return rows;
                }
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
        let with_action = index.by_action.get(&action.node).map(Vec::as_slice).unwrap_or_default();
        let at = with_action.partition_point(|row| *row < range.start);
        match with_action.get(at).copied().filter(|row| range.contains(row)) {
            Some(row) => rows.insert(row),
            None => {
                let known: Vec<&str> = range
                    .take(if worth_suggesting(&self.diagnostics) { usize::MAX } else { 0 })
                    .filter_map(|row| index.permissions.id(row))
                    .filter_map(|id| index.names.get(id).split_once(':').map(|(_, action)| action))
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
            let elsewhere =
                |message: String, help: String| Diagnostic::error("unknown_permission", name.span, message).help(help);
            self.report(if self.names.resources.contains(&name.node) {
                elsewhere(
                    format!("`{}` is a resource, and says nothing about what may be done to it", name.node),
                    format!("for all its actions, write `{}:*`", name.node),
                )
            } else if self.names.roles.contains(&name.node) {
                elsewhere(
                    format!("`{}` is a role, and no permission", name.node),
                    "require what the role is granted, such as `posts:read`".to_owned(),
                )
            } else {
                error
            });
        }
    }
}

pub(super) fn rows_only(named: &[Vec<(usize, &Text)>]) -> Vec<Vec<usize>> {
    named.iter().map(|named| named.iter().map(|(row, _)| *row).collect()).collect()
}

/// The name that closes a cycle, where it is written.
pub(super) fn closing<'t>(cycle: &Cycle, named: &[Vec<(usize, &'t Text)>]) -> Option<&'t Text> {
    let (_, name) = named.get(*cycle.rows.last()?)?.get(cycle.closing)?;
    Some(name)
}

/// `roles extend each other in a cycle: a → b → a`
pub(super) fn in_a_cycle<'n>(what: &str, names: impl Iterator<Item = &'n Text>) -> String {
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
    /// Whether a pattern is `*`, or a set that holds it.
    pub(super) fn is_every(&self, pattern: &Pattern) -> bool {
        match (&pattern.resource, &pattern.action) {
            (None, Action::Every | Action::None) => true,
            (Some(set), Action::None) => self.every.contains(&set.node),
            _ => false,
        }
    }

    /// Each permission with its terms, those that take the same with one.
    pub(super) fn finished(self) -> Permissions {
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
