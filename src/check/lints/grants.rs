//! Grants that others cover, rules without effect, and grants that are wide.

use std::collections::{HashMap, HashSet};

use crate::check::checker::{Checker, Report};
use crate::check::lints::conditions::never_holds;
use crate::check::permissions::permission::PermissionIndex;
use crate::check::permissions::role::Roles;
use crate::check::permissions::rule::{RuleDraft, RuleEffect};
use crate::check::routes::table::RouteTable;
use crate::collections::row_set::RowSet;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::Effect;
use crate::typed::{Grantee, Role};

/// Actions that change something.
const WRITES: [&str; 15] = [
    "add", "admin", "approve", "archive", "create", "delete", "destroy", "edit", "insert", "manage", "publish",
    "remove", "update", "upload", "write",
];

/// The lints of grants, and the results that they look at.
pub(crate) struct Grants<'c, 't> {
    pub(crate) checker: &'c Checker<'t>,
    pub(crate) roles: &'c Roles,
    pub(crate) routes: &'c RouteTable,
    pub(crate) permissions: &'c PermissionIndex,
    pub(crate) drafts: &'c [RuleDraft<'t>],
}

impl Grants<'_, '_> {
    pub(crate) fn check(&self) {
        let granted = self.granted();
        self.permissions_of_nobody(&granted);
        for draft in self.drafts {
            self.rule(draft, &granted);
        }
        let duplicates = self.duplicates();
        self.covered(&duplicates);
    }

    /// The permissions that are granted to some caller, under a condition or not.
    fn granted(&self) -> RowSet {
        let mut granted = RowSet::default();
        let mut seen = HashSet::new();
        for draft in self.drafts {
            let grants = matches!(draft.effect, RuleEffect::Grant(to) if !matches!(to, Grantee::Scope(_)));
            if grants && seen.insert(draft.set) {
                granted.extend(draft.permissions.iter().map(|row| *row as usize));
            }
        }
        granted
    }

    fn name(&self, row: usize) -> &str {
        self.permissions.permissions.id(row).map_or("", |id| self.permissions.names.get(id))
    }

    /// True if a permission is granted to one of these roles, or to one that they extend, without a condition.
    fn has_any(&self, row: usize, roles: &[Id<Role>]) -> bool {
        let permissions = &self.permissions.permissions;
        let granted = permissions.id(row).map(|id| permissions[id].roles);
        granted.is_some_and(|granted| self.roles.sets.has_any(granted, roles))
    }

    fn permissions_of_nobody(&self, granted: &RowSet) {
        let checker = self.checker;
        let resources = checker.names.resources.iter();
        let actions = resources.flat_map(|(name, resource)| resource.actions.iter().map(move |action| (name, action)));
        for (row, (resource, action)) in actions.enumerate() {
            let required = self.routes.requiring.get(row).is_some_and(|routes| !routes.is_empty());
            if !required && !granted.contains(row) {
                let name = format!("{resource}:{}", action.node);
                let message = format!("no route requires `{name}`, and nobody is granted it");
                Diagnostic::warning("unused_permission", action.span, message)
                    .report_with(self.checker, format!("take the action out, or write a route that `requires {name}`"));
            }
        }
        let mut seen = HashSet::new();
        for requirement in self.routes.table.iter().flat_map(|route| &route.access.requirements) {
            let first = requirement.any_of.first().copied();
            let open = requirement.any_of.iter().any(|permission| granted.contains(permission.row()));
            let Some(permission) = first.filter(|_| !open) else { continue };
            if seen.insert((requirement.span, permission.row())) {
                let name = self.permissions.names.get(permission);
                let message = format!("nobody is granted `{name}`, so this door never opens");
                Diagnostic::warning("ungranted_permission", requirement.span, message)
                    .report_with(self.checker, format!("grant it to a role: `role NAME {{ allow {name} }}`"));
            }
        }
    }

    fn rule(&self, draft: &RuleDraft<'_>, granted: &RowSet) {
        let span = draft.rule.span;
        let reaches = draft.permissions.iter().any(|row| granted.contains(*row as usize))
            || draft.doors && !self.routes.doors.is_empty();
        let empty = draft.permissions.is_empty();
        match draft.effect {
            RuleEffect::Forbid if never_holds(draft.rule) => Diagnostic::warning(
                "forbid_without_effect",
                span,
                "this never forbids anything: its condition is false",
            )
            .report_with(self.checker, "take the rule out, or write the condition that it should have"),
            RuleEffect::Forbid if !reaches && !empty => {
                Diagnostic::warning("forbid_without_effect", span, "this never forbids anything: nobody is granted it")
                    .report_with(self.checker, "take the rule out: what isn't granted is denied anyway")
            }
            RuleEffect::Never if !reaches && !empty => {
                Diagnostic::warning("never_without_effect", span, "nobody is granted what this invariant speaks of")
                    .report_with(self.checker, "name permissions that are granted, or take the rule out")
            }
            RuleEffect::Grant(to) => self.wide_grant(draft, to),
            _ => {}
        }
    }

    fn wide_grant(&self, draft: &RuleDraft<'_>, to: Grantee) {
        let Effect::Allow { patterns, except, .. } = &draft.rule.effect else { return };
        let every = patterns.iter().find(|pattern| self.permissions.is_every(pattern));
        if let (Some(every), true, None, false) =
            (every, except.is_empty(), &draft.rule.condition, matches!(to, Grantee::Scope(_)))
        {
            Diagnostic::warning("grants_everything", every.span, "this grants everything, later permissions too")
                .help("name the resources, as in `posts:*`, so that a new one has to be granted outright")
                .report(self.checker);
        }
        if to != Grantee::Anyone {
            return;
        }
        let write = draft
            .permissions
            .iter()
            .map(|row| self.name(*row as usize))
            .find(|name| name.split_once(':').is_some_and(|(_, action)| WRITES.contains(&action)));
        if let Some(write) = write {
            let message = format!("anybody may do `{}`, without a name to hold them to", write);
            Diagnostic::warning("anyone_may_write", draft.rule.span, message)
                .report_with(self.checker, "leave `anyone` out, so that a caller has to be known");
        }
    }

    /// Reports and returns rules that repeat another one; all but the first of each.
    fn duplicates(&self) -> HashSet<Span> {
        let mut first: HashMap<(Option<Key>, usize, &str), Span> = HashMap::new();
        let mut duplicates = HashSet::new();
        for draft in
            self.drafts.iter().filter(|draft| draft.effect != RuleEffect::Never && !draft.permissions.is_empty())
        {
            let condition = draft.rule.condition.as_ref();
            let condition = condition.map_or("", |(_, condition)| self.checker.written(condition.span));
            let grantee = match draft.effect {
                RuleEffect::Grant(to) => Some(key(to)),
                RuleEffect::Forbid | RuleEffect::Never => None,
            };
            let span = draft.rule.span;
            let earlier = *first.entry((grantee, draft.set, condition)).or_insert(span);
            if earlier != span {
                duplicates.insert(span);
                Diagnostic::warning("duplicate_rule", span, "this rule says what another one says")
                    .also(earlier, "the other one")
                    .report_with(self.checker, "take one of them out");
            }
        }
        duplicates
    }

    /// Grants whose permissions are granted without a condition elsewhere.
    fn covered(&self, duplicates: &HashSet<Span>) {
        let parents = self.parents();
        let mut grants: Vec<(Key, &RuleDraft<'_>)> = Vec::new();
        for draft in self.drafts.iter().filter(|draft| !duplicates.contains(&draft.rule.span)) {
            if let (RuleEffect::Grant(to), false) = (draft.effect, draft.permissions.is_empty()) {
                grants.push((key(to), draft));
            }
        }
        // Of two that cover each other, the larger stays.
        grants.sort_by_key(|(to, draft)| (*to, draft.permissions.len(), std::cmp::Reverse(draft.rule.span)));
        let mut counts = vec![0_u32; self.permissions.permissions.len()];
        for drafts in grants.chunk_by(|(one, _), (other, _)| one == other) {
            let Some(((kind, row), _)) = drafts.first().copied() else { continue };
            let parents = parents.get(row).filter(|_| kind == ROLE).map(Vec::as_slice).unwrap_or_default();
            let drafts = || drafts.iter().map(|(_, draft)| *draft);
            let count = |counts: &mut Vec<u32>, draft: &RuleDraft<'_>, change: fn(u32) -> u32| {
                for at in draft.permissions.iter().filter(|_| draft.rule.condition.is_none()) {
                    if let Some(count) = counts.get_mut(*at as usize) {
                        *count = change(*count);
                    }
                }
            };
            drafts().for_each(|draft| count(&mut counts, draft, |count| count.saturating_add(1)));
            for draft in drafts() {
                let own = u32::from(draft.rule.condition.is_none());
                let elsewhere = |at: usize| {
                    let known = self.permissions.drafts.get(at);
                    known.is_some_and(|known| match kind {
                        ROLE => known.callers || self.has_any(at, parents),
                        CALLERS => known.anyone,
                        _ => false,
                    })
                };
                let here = |at: usize| counts.get(at).is_some_and(|count| *count > own);
                let rows = || draft.permissions.iter().map(|at| *at as usize);
                if !rows().all(|at| here(at) || elsewhere(at)) {
                    continue;
                }
                let by = if rows().all(here) { "other lines grant it" } else { "it is granted elsewhere" };
                let message = format!("this grant changes nothing: {by} already, without a condition");
                let help = match draft.rule.condition {
                    Some(_) => "take it out, or give the broader grant the condition: either one suffices",
                    None => "take it out: roles that a role extends, and an `allow` for every caller, grant it too",
                };
                Diagnostic::warning("covered_grant", draft.rule.span, message).report_with(self.checker, help);
                count(&mut counts, draft, |count| count.saturating_sub(1));
            }
            drafts().flat_map(|draft| draft.permissions.iter()).for_each(|at| {
                counts.iter_mut().skip(*at as usize).take(1).for_each(|count| *count = 0);
            });
        }
    }

    /// The roles that each role extends.
    fn parents(&self) -> Vec<Vec<Id<Role>>> {
        let checker = self.checker;
        let mut parents = vec![Vec::new(); self.roles.ids.len()];
        for (id, (_, role)) in self.roles.ids.iter().zip(checker.names.roles.iter()) {
            let extended = role.extends.iter().filter_map(|name| checker.names.roles.get(&name.node));
            let extended = extended.filter_map(|(row, _)| self.roles.ids.get(row).copied());
            parents.iter_mut().skip(id.row()).take(1).for_each(|parents| parents.extend(extended.clone()));
        }
        parents
    }
}

/// A grantee as a key of maps: its kind and its row.
type Key = (u8, usize);

const ANYONE: u8 = 0;
const CALLERS: u8 = 1;
const ROLE: u8 = 2;
const SCOPE: u8 = 3;

fn key(to: Grantee) -> Key {
    match to {
        Grantee::Anyone => (ANYONE, 0),
        Grantee::Callers => (CALLERS, 0),
        Grantee::Role(role) => (ROLE, role.row()),
        Grantee::Scope(scope) => (SCOPE, scope.row()),
    }
}
