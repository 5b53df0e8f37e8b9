//! Permissions: one an action of a resource, and which of them a pattern names.

use std::collections::{HashMap, HashSet};

use smallvec::SmallVec;

use crate::check::Checker;
use crate::check::names::{list, suggest, unknown, worth_suggesting};
use crate::check::order::{Cycle, order};
use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::names::Names;
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Action, Pattern, Text};
use crate::typed::{Grant, Permission, Rule, Scope, Terms};

/// Where the permissions are: those of one resource stand side by side.
pub(crate) struct PermissionIndex {
    pub(crate) permissions: Table<Permission>,
    pub(crate) names: Names<Permission>,
    /// By permission, what it takes beside a role.
    pub(crate) drafts: Vec<TermsDraft>,
    pub(crate) scope_sets: IdSets<Scope>,
    /// By resource, all of its own.
    of_resource: Vec<IdSet<Permission>>,
    /// By action, as far as there is room.
    with_action: HashMap<String, Option<IdSet<Permission>>>,
    all: IdSet<Permission>,
    /// What each named set of permissions stands for.
    named: HashMap<String, IdSet<Permission>>,
    /// The named sets that `*` is in.
    every: HashSet<String>,
}

/// What a permission takes beside a role, as far as it is known.
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

impl Checker<'_> {
    /// One row an action of a resource; what rules say of them is added by [`Checker::rules`].
    pub(crate) fn permissions(&mut self) -> PermissionIndex {
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
            of_resource: Vec::new(),
            with_action: HashMap::new(),
            all: IdSet::EMPTY,
            named: HashMap::new(),
            every: HashSet::new(),
        };
        let declared: Vec<_> = self.names.resources.iter().map(|(_, resource)| *resource).collect();
        let mut name = String::new();
        let mut all = RowSet::default();
        let mut with_action: HashMap<&str, RowSet> = HashMap::new();
        for (id, resource) in self.resources.ids().zip(declared) {
            let mut own = RowSet::default();
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
                named(&mut name, &resource.name.node, &action.node);
                index.names.intern(&name);
                let permission = Permission { resource: id, roles: IdSet::EMPTY, terms: Table::first() };
                let permission = index.permissions.push(permission);
                index.drafts.push(TermsDraft::default());
                with_action.entry(&action.node).or_default().insert(permission.row());
                own.insert(permission.row());
                all.insert(permission.row());
            }
            // Side by side, and so one range.
            index.of_resource.push(own.intern(&mut self.permission_sets).unwrap_or_default());
        }
        index.all = all.intern(&mut self.permission_sets).unwrap_or_default();
        let with_action = with_action.into_iter();
        index.with_action =
            with_action.map(|(action, rows)| (action.to_owned(), rows.intern(&mut self.permission_sets))).collect();
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
            index.named.insert(set.name.node.clone(), rows);
        }
    }

    /// The permissions that `patterns` names, and those of them that `except` doesn't.
    pub(crate) fn expand(
        &mut self,
        patterns: &[Pattern],
        except: &[Pattern],
        index: &PermissionIndex,
    ) -> (IdSet<Permission>, IdSet<Permission>) {
        let named = self.matching(patterns, index);
        let taken_away = self.matching(except, index);
        let left = self.permission_sets.difference(named, taken_away);
        let left = left.unwrap_or_else(|| self.too_many_patterns(except));
        (named, left)
    }

    /// The permissions that a route's `requires` names.
    pub(crate) fn required(&mut self, patterns: &[Pattern], index: &PermissionIndex) -> Vec<Id<Permission>> {
        let set = self.matching(patterns, index);
        self.permission_sets.ids(set).collect()
    }

    fn matching(&mut self, patterns: &[Pattern], index: &PermissionIndex) -> IdSet<Permission> {
        let mut sets: SmallVec<[IdSet<Permission>; 4]> = SmallVec::new();
        for pattern in patterns {
            let errors = self.diagnostics.len();
            let found = self.matching_one(pattern, index).unwrap_or_else(|| self.too_many_patterns(patterns));
            if found.is_empty() && self.diagnostics.len() == errors && !self.said_where_declared(pattern) {
                self.report(
                    Diagnostic::error("empty_pattern", pattern.span, "this pattern matches no permission")
                        .help("declare the actions of a resource: `resource NAME { actions read, write }`"),
                );
            }
            sets.push(found);
        }
        self.permission_sets.union(&sets).unwrap_or_else(|| self.too_many_patterns(patterns))
    }

    /// Said once: there is no room for any further one.
    fn too_many_patterns(&mut self, patterns: &[Pattern]) -> IdSet<Permission> {
        let span = patterns.first().map_or(Span { file: 0, start: 0, end: 0 }, |pattern| pattern.span);
        if !self.diagnostics.iter().any(|finding| finding.code == "too_complex") {
            self.report(
                Diagnostic::error("too_complex", span, "the patterns up to this one name too many sets of permissions")
                    .help("name fewer permissions one by one, or give sets that are named often a name: `permissions NAME = …`"),
            );
        }
        IdSet::EMPTY
    }

    /// What is wrong with a set was said where it is declared.
    fn said_where_declared(&self, pattern: &Pattern) -> bool {
        let name = pattern.resource.as_ref().filter(|_| pattern.action == Action::None);
        name.is_some_and(|name| self.names.permission_sets.contains(&name.node))
    }

    /// `None` where there is no room for the set.
    fn matching_one(&mut self, pattern: &Pattern, index: &PermissionIndex) -> Option<IdSet<Permission>> {
        match (&pattern.resource, &pattern.action) {
            (None, Action::Every | Action::None) => Some(index.all),
            (None, Action::One(action)) => self.any_with(action, index),
            (None, Action::Several(actions)) => {
                let sets: Option<Vec<_>> = actions.iter().map(|action| self.any_with(action, index)).collect();
                self.permission_sets.union(&sets?)
            }
            (Some(set), Action::None) => Some(self.set_of(set, index)),
            (Some(resource), Action::Every) => Some(self.all_of(resource, index).unwrap_or_default()),
            (Some(resource), Action::One(action)) => {
                let all = self.all_of(resource, index);
                Some(all.map_or(IdSet::EMPTY, |all| self.one_of(resource, action, all, index)))
            }
            (Some(resource), Action::Several(actions)) => {
                let Some(all) = self.all_of(resource, index) else { return Some(IdSet::EMPTY) };
                let sets: Vec<_> = actions.iter().map(|action| self.one_of(resource, action, all, index)).collect();
                self.permission_sets.union(&sets)
            }
        }
    }

    fn all_of(&mut self, resource: &Text, index: &PermissionIndex) -> Option<IdSet<Permission>> {
        let (row, _) = self.names.resources.find(resource, &mut self.diagnostics)?;
        index.of_resource.get(row).copied()
    }

    /// `*:action`
    fn any_with(&mut self, action: &Text, index: &PermissionIndex) -> Option<IdSet<Permission>> {
        if let Some(found) = index.with_action.get(&action.node) {
            return *found;
        }
        let known: Vec<&str> = match worth_suggesting(&self.diagnostics) {
            true => index.with_action.keys().map(String::as_str).collect(),
            false => Vec::new(),
        };
        self.report(unknown_permission(None, action, &known));
        Some(IdSet::EMPTY)
    }

    /// `resource:action`, where these are all of the resource.
    fn one_of(
        &mut self,
        resource: &Text,
        action: &Text,
        all: IdSet<Permission>,
        index: &PermissionIndex,
    ) -> IdSet<Permission> {
        named(&mut self.asked, &resource.node, &action.node);
        if let Some(found) = index.names.find(&self.asked) {
            return IdSet::one(found);
        }
        let known: Vec<&str> = self
            .permission_sets
            .ids(all)
            .take(if worth_suggesting(&self.diagnostics) { usize::MAX } else { 0 })
            .filter_map(|id| index.names.get(id).split_once(':').map(|(_, action)| action))
            .collect();
        self.report(unknown_permission(Some(resource), action, &known));
        IdSet::EMPTY
    }

    /// A bare name is the name of a set.
    fn set_of(&mut self, name: &Text, index: &PermissionIndex) -> IdSet<Permission> {
        if let Some(found) = index.named.get(&name.node) {
            return *found;
        }
        if !self.names.permission_sets.contains(&name.node) {
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
        IdSet::EMPTY
    }
}

/// `resource:action`
fn named(name: &mut String, resource: &str, action: &str) {
    name.clear();
    name.extend([resource, ":", action]);
}

pub(crate) fn rows_only(named: &[Vec<(usize, &Text)>]) -> Vec<Vec<usize>> {
    named.iter().map(|named| named.iter().map(|(row, _)| *row).collect()).collect()
}

/// The name that closes a cycle, where it is written.
pub(crate) fn closing<'t>(cycle: &Cycle, named: &[Vec<(usize, &'t Text)>]) -> Option<&'t Text> {
    let (_, name) = named.get(*cycle.rows.last()?)?.get(cycle.closing)?;
    Some(name)
}

/// `roles extend each other in a cycle: a → b → a`
pub(crate) fn in_a_cycle<'n>(what: &str, names: impl Iterator<Item = &'n Text>) -> String {
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
    pub(crate) fn is_every(&self, pattern: &Pattern) -> bool {
        match (&pattern.resource, &pattern.action) {
            (None, Action::Every | Action::None) => true,
            (Some(set), Action::None) => self.every.contains(&set.node),
            _ => false,
        }
    }

    /// Each permission with its terms, those that take the same with one.
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
