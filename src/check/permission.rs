//! Who may do what: patterns expanded to permissions, roles closed under inheritance.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::bits::BitSet;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::syntax::tree::{Action, Effect, Pattern, Rule, Text};

use super::Checker;
use super::names::{list, suggest, unknown, unsupported};
use super::typed::{Permission, Role};

/// Where the permissions are: those of one resource stand side by side.
pub(super) struct PermissionIndex {
    permissions: Table<Permission>,
    by_resource: HashMap<String, Range<usize>>,
    by_action: HashMap<String, Vec<usize>>,
    /// What each set of permissions holds, by its name.
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
        index.sets = self.sets(&index);
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

    /// Each set of permissions, and with it what the sets that it names hold.
    fn sets(&mut self, index: &PermissionIndex) -> HashMap<String, BitSet> {
        let declared: Vec<_> = self.names.permission_sets.iter().map(|(_, set)| *set).collect();
        let mut held = Vec::with_capacity(declared.len());
        let mut named: Vec<Vec<(usize, &Text)>> = Vec::with_capacity(declared.len());
        for set in &declared {
            let mut own = BitSet::default();
            let mut others = Vec::new();
            for pattern in &set.patterns {
                match (&pattern.resource, &pattern.action) {
                    (Some(name), Action::None) => others.extend(self.set_row(name).map(|row| (row, name))),
                    _ => self.matching_one(pattern, index, &mut own),
                }
            }
            held.push(own);
            named.push(others);
        }
        let names: Vec<&Text> = declared.iter().map(|set| &set.name).collect();
        self.close(&names, &named, &mut held, &SETS);
        names.iter().map(|name| name.node.clone()).zip(held).collect()
    }

    /// Gives each role what the roles it extends may do.
    fn inherit(&mut self, granted: &mut [BitSet]) {
        let declared: Vec<_> = self.names.roles.iter().map(|(_, role)| *role).collect();
        let parents: Vec<Vec<(usize, &Text)>> = declared
            .iter()
            .map(|role| {
                let names = role.extends.iter();
                names.filter_map(|name| Some((self.names.roles.find(name, &mut self.diagnostics)?.0, name))).collect()
            })
            .collect();
        let names: Vec<&Text> = declared.iter().map(|role| &role.name).collect();
        self.close(&names, &parents, granted, &ROLES);
    }

    /// Gives each row what its parents have; a cycle is an error that shows the way round it. Walked without
    /// recursion: chains can be as long as a policy.
    fn close(&mut self, names: &[&Text], parents: &[Vec<(usize, &Text)>], granted: &mut [BitSet], words: &CycleWords) {
        let mut visits = vec![Visit::Not; parents.len()];
        for start in 0..parents.len() {
            // The way from `start` to the role at hand, and how many of each one's parents were seen to.
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            if visits.get(start) != Some(&Visit::Not) {
                continue;
            }
            set(&mut visits, start, Visit::OnTheWay);
            while let Some((role, seen)) = way.last_mut() {
                let role = *role;
                let Some((parent, name)) = parents.get(role).and_then(|parents| parents.get(*seen)).copied() else {
                    set(&mut visits, role, Visit::Done);
                    way.pop();
                    if let (Some((child, _)), Some(inherited)) = (way.last(), granted.get(role).cloned())
                        && let Some(own) = granted.get_mut(*child)
                    {
                        own.union(&inherited);
                    }
                    continue;
                };
                *seen += 1;
                match visits.get(parent) {
                    Some(Visit::Not) => {
                        set(&mut visits, parent, Visit::OnTheWay);
                        way.push((parent, 0));
                    }
                    Some(Visit::OnTheWay) => {
                        let cycle = way.iter().map(|(role, _)| *role).skip_while(|role| *role != parent);
                        let way = cycle.chain([parent]).filter_map(|row| names.get(row).copied());
                        self.report(cyclic(way, name, words));
                    }
                    Some(Visit::Done) | None => {
                        if let Some(inherited) = granted.get(parent).cloned()
                            && let Some(own) = granted.get_mut(role)
                        {
                            own.union(&inherited);
                        }
                    }
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
            self.matching_one(pattern, index, &mut rows);
        }
        rows
    }

    fn matching_one(&mut self, pattern: &Pattern, index: &PermissionIndex, rows: &mut BitSet) {
        match (&pattern.resource, &pattern.action) {
            (None, Action::Every | Action::None) => rows.extend(0..index.permissions.len()),
            (None, Action::One(action)) => self.any_with(action, index, rows),
            (None, Action::Several(actions)) => {
                for action in actions {
                    self.any_with(action, index, rows);
                }
            }
            (Some(set), Action::None) => {
                if let (Some(_), Some(held)) = (self.set_row(set), index.sets.get(&set.node)) {
                    rows.union(held);
                }
            }
            (Some(resource), Action::Every) => {
                if let Some(range) = self.rows_of(resource, index) {
                    rows.extend(range);
                }
            }
            (Some(resource), Action::One(action)) => self.one_of(resource, action, index, rows),
            (Some(resource), Action::Several(actions)) => {
                for action in actions {
                    self.one_of(resource, action, index, rows);
                }
            }
        }
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
                let known: Vec<&str> = index.by_action.keys().map(String::as_str).collect();
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
                    .filter_map(|row| index.permissions.id(row))
                    .map(|id| index.permissions[id].action.as_str())
                    .collect();
                self.report(unknown_permission(Some(resource), action, &known));
            }
        }
    }

    /// A bare name is the name of a set.
    fn set_row(&mut self, name: &Text) -> Option<usize> {
        if let Some((row, _)) = self.names.permission_sets.get(&name.node) {
            return Some(row);
        }
        let error = match self.names.resources.contains(&name.node) {
            true => Diagnostic::error(
                "unknown_permission",
                name.span,
                format!("`{}` is a resource, and says nothing about what may be done to it", name.node),
            )
            .help(format!("for all its actions, write `{}:*`", name.node)),
            false => {
                let sets = self.names.permission_sets.iter().map(|(set, _)| set);
                unknown("unknown_permission", "set of permissions", name, sets)
            }
        };
        self.report(error);
        None
    }
}

/// How far the walk has come with a role or a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    OnTheWay,
    Done,
}

fn set(visits: &mut [Visit], role: usize, visit: Visit) {
    if let Some(slot) = visits.get_mut(role) {
        *slot = visit;
    }
}

/// What is said of a cycle.
struct CycleWords {
    code: &'static str,
    message: &'static str,
    help: &'static str,
}

const ROLES: CycleWords = CycleWords {
    code: "cyclic_role",
    message: "roles extend each other in a cycle",
    help: "take one of the roles out of `extends`",
};
const SETS: CycleWords = CycleWords {
    code: "cyclic_permissions",
    message: "sets of permissions name each other in a cycle",
    help: "name the permissions themselves in one of the sets",
};

fn cyclic<'n>(names: impl Iterator<Item = &'n Text>, closing: &Text, words: &CycleWords) -> Diagnostic {
    const MOST_SHOWN: usize = 8;
    let names: Vec<String> = names.map(|name| format!("`{}`", name.node)).collect();
    let way = match names.as_slice() {
        [first, second, .., last] if names.len() > MOST_SHOWN => format!("{first} → {second} → … → {last}"),
        _ => names.join(" → "),
    };
    Diagnostic::error(words.code, closing.span, format!("{}: {way}", words.message))
        .label("closes the cycle")
        .help(words.help)
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
