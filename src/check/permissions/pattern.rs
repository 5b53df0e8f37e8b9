//! The permissions that patterns name: `posts:read`, `posts:*`, `*:read`, the name of a set.

use smallvec::SmallVec;

use crate::check::checker::{Checker, Report};
use crate::check::permissions::permission::{PermissionIndex, write_name};
use crate::check::suggest::{list, suggest, unknown};
use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Action, Pattern, Text};
use crate::typed::Permission;

/// The permissions of a rule.
pub(crate) struct Expanded {
    /// The permissions that the patterns name.
    pub(crate) named: IdSet<Permission>,
    /// Those of them that `except` leaves.
    pub(crate) left: IdSet<Permission>,
}

impl PermissionIndex {
    pub(crate) fn expand(&mut self, checker: &Checker<'_>, patterns: &[Pattern], except: &[Pattern]) -> Expanded {
        let named = self.matching(checker, patterns);
        let taken_away = self.matching(checker, except);
        let left = self.sets.difference(named, taken_away).unwrap_or_else(|| too_many_patterns(checker, except));
        Expanded { named, left }
    }

    /// The permissions that a route's `requires` names.
    pub(crate) fn required(&mut self, checker: &Checker<'_>, patterns: &[Pattern]) -> Vec<Id<Permission>> {
        let set = self.matching(checker, patterns);
        self.sets.ids(set).collect()
    }

    pub(crate) fn matching(&mut self, checker: &Checker<'_>, patterns: &[Pattern]) -> IdSet<Permission> {
        let mut sets: SmallVec<[IdSet<Permission>; 4]> = SmallVec::new();
        for pattern in patterns {
            let errors = checker.findings.count();
            let found = self.matching_one(checker, pattern).unwrap_or_else(|| too_many_patterns(checker, patterns));
            // An error in a set was reported where it is declared.
            let is_set = |name: &Text| checker.names.permission_sets.contains(&name.node);
            let named_set = pattern.action == Action::None && pattern.resource.as_ref().is_some_and(is_set);
            if found.is_empty() && checker.findings.count() == errors && !named_set {
                Diagnostic::error("empty_pattern", pattern.span, "this pattern matches no permission")
                    .report_with(checker, "declare the actions of a resource: `resource NAME { actions read, write }`");
            }
            sets.push(found);
        }
        self.sets.union(&sets).unwrap_or_else(|| too_many_patterns(checker, patterns))
    }

    /// `None` where there is no room for the set.
    fn matching_one(&mut self, checker: &Checker<'_>, pattern: &Pattern) -> Option<IdSet<Permission>> {
        match (&pattern.resource, &pattern.action) {
            (None, Action::Every | Action::None) => Some(self.all),
            (None, Action::One(action)) => self.any_with(checker, action),
            (None, Action::Several(actions)) => {
                let sets: Option<Vec<_>> = actions.iter().map(|action| self.any_with(checker, action)).collect();
                self.sets.union(&sets?)
            }
            (Some(set), Action::None) => Some(self.set_of(checker, set)),
            (Some(resource), Action::Every) => Some(self.all_of(checker, resource).unwrap_or_default()),
            (Some(resource), Action::One(action)) => {
                let all = self.all_of(checker, resource);
                Some(all.map_or(IdSet::EMPTY, |all| self.one_of(checker, resource, action, all, &mut String::new())))
            }
            (Some(resource), Action::Several(actions)) => {
                let Some(all) = self.all_of(checker, resource) else { return Some(IdSet::EMPTY) };
                let mut name = String::new();
                let one = |action| self.one_of(checker, resource, action, all, &mut name);
                let sets: Vec<_> = actions.iter().map(one).collect();
                self.sets.union(&sets)
            }
        }
    }

    fn all_of(&self, checker: &Checker<'_>, resource: &Text) -> Option<IdSet<Permission>> {
        let (row, _) = checker.names.resources.find(resource, &checker.findings)?;
        self.of_resource.get(row).copied()
    }

    /// `*:action`
    fn any_with(&self, checker: &Checker<'_>, action: &Text) -> Option<IdSet<Permission>> {
        if let Some(found) = self.with_action.get(&action.node) {
            return *found;
        }
        let known: Vec<&str> =
            self.with_action.keys().map(String::as_str).take(checker.findings.most_names()).collect();
        unknown_permission(None, action, &known).report(checker);
        Some(IdSet::EMPTY)
    }

    /// `resource:action`, where `all` are the permissions of the resource. `name` is a buffer.
    fn one_of(
        &self,
        checker: &Checker<'_>,
        resource: &Text,
        action: &Text,
        all: IdSet<Permission>,
        name: &mut String,
    ) -> IdSet<Permission> {
        write_name(name, &resource.node, &action.node);
        if let Some(found) = self.names.find(name) {
            return IdSet::one(found);
        }
        let all = self.sets.ids(all).take(checker.findings.most_names());
        let known: Vec<&str> =
            all.filter_map(|id| self.names.get(id).split_once(':').map(|(_, action)| action)).collect();
        unknown_permission(Some(resource), action, &known).report(checker);
        IdSet::EMPTY
    }

    /// A bare name is the name of a set.
    fn set_of(&self, checker: &Checker<'_>, name: &Text) -> IdSet<Permission> {
        if let Some(found) = self.named.get(&name.node) {
            return *found;
        }
        let names = &checker.names;
        if !names.permission_sets.contains(&name.node) {
            let elsewhere =
                |message: String, help: String| Diagnostic::error("unknown_permission", name.span, message).help(help);
            let error = if names.resources.contains(&name.node) {
                elsewhere(
                    format!("`{}` is a resource, and says nothing about what may be done to it", name.node),
                    format!("for all its actions, write `{}:*`", name.node),
                )
            } else if names.roles.contains(&name.node) {
                elsewhere(
                    format!("`{}` is a role, and no permission", name.node),
                    "require what the role is granted, such as `posts:read`".to_owned(),
                )
            } else {
                let sets = names.permission_sets.names().take(checker.findings.most_names());
                unknown("unknown_permission", "set of permissions", name, sets)
            };
            error.report(checker);
        }
        IdSet::EMPTY
    }
}

/// Reported once: there is no room for any further set.
fn too_many_patterns(checker: &Checker<'_>, patterns: &[Pattern]) -> IdSet<Permission> {
    let span = patterns.first().map_or(Span { file: 0, start: 0, end: 0 }, |pattern| pattern.span);
    if !checker.findings.any_of_code("too_complex") {
        Diagnostic::error("too_complex", span, "the patterns up to this one name too many sets of permissions")
            .help("name fewer permissions one by one, or give sets that are named often a name: `permissions NAME = …`")
            .report(checker);
    }
    IdSet::EMPTY
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
