//! `on RESOURCE(PARAM)`: a route must name the resources that its permissions' rules read.

use std::collections::HashMap;

use crate::check::checker::{Checker, Report};
use crate::check::permissions::permission::{PermissionIndex, TermsDraft};
use crate::check::permissions::rule::Rules;
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::truth::Truths;
use crate::typed::{Condition, Expr, Permission, Read, Resource, Route, Rule};

/// After so many steps, every outcome counts as possible: routes are then not warned of, and deny all the same.
const MOST_STEPS: usize = 2_000_000;

/// The typed permissions, rules, conditions and resources that every `on` is checked against.
pub(crate) struct Subjects<'p> {
    pub(crate) index: &'p PermissionIndex,
    pub(crate) rules: &'p Rules,
    pub(crate) conditions: &'p Table<Condition>,
    pub(crate) resources: &'p Table<Resource>,
}

/// The possible outcomes of conditions without a resource, as far as they were found.
#[derive(Default)]
struct Outcomes {
    found: HashMap<(Id<Condition>, Id<Resource>), Truths>,
    steps: usize,
}

/// The effect on a permission of a route that doesn't say where its resource is found.
#[derive(Clone, Copy)]
enum WithoutResource {
    /// None: no rule reads the resource.
    Same,
    /// Some grant is never true; the place of its rule.
    Fewer(Span),
    /// The permission is never granted, or always forbidden; the place of a rule that reads the resource.
    Never(Span),
}

impl Subjects<'_> {
    /// Reports routes without an `on` for a resource that their permissions' rules read, and an `on` that no rule needs.
    pub(crate) fn check(&self, routes: &Table<Route>, checker: &Checker<'_>) {
        let mut outcomes = Outcomes::default();
        let permissions = || self.index.permissions.iter().zip(&self.index.drafts);
        let without: Vec<WithoutResource> =
            permissions().map(|(permission, draft)| self.without_resource(permission, draft, &mut outcomes)).collect();
        let mut read = RowSet::default();
        for (permission, draft) in permissions() {
            let mut ids = draft.grants.iter().map(|grant| grant.rule).chain(draft.forbids.iter().copied());
            if !read.contains(permission.resource.row()) && ids.any(|rule| self.rule(rule).reads.resource) {
                read.insert(permission.resource.row());
            }
        }
        for route in routes.iter() {
            self.check_missing(route, &without, checker);
            self.check_needless(route, &read, checker);
        }
    }

    fn rule(&self, id: Id<Rule>) -> &Rule {
        &self.rules.table[id]
    }

    fn without_resource(
        &self,
        permission: &Permission,
        draft: &TermsDraft,
        outcomes: &mut Outcomes,
    ) -> WithoutResource {
        let resource = permission.resource;
        let mut outcome = |rule: Id<Rule>| match &self.rule(rule).condition {
            Some(condition) if self.rule(rule).reads.resource => self.outcome(condition, resource, outcomes),
            Some(_) => Truths::ANY,
            None => Truths::TRUE,
        };
        let always = |rule: &&Id<Rule>| self.rule(**rule).reads.resource && !outcome(**rule).may(Truths::FALSE);
        if let Some(rule) = draft.forbids.iter().find(always) {
            return WithoutResource::Never(self.rule(*rule).span);
        }
        let grants = draft.grants.iter().map(|grant| grant.rule);
        let lost: Vec<Id<Rule>> = grants.filter(|rule| !outcome(*rule).may(Truths::TRUE)).collect();
        let Some(first) = lost.first().map(|rule| self.rule(*rule).span) else { return WithoutResource::Same };
        let kept = draft.anyone || draft.callers || !permission.roles.is_empty() || draft.grants.len() > lost.len();
        if kept { WithoutResource::Fewer(first) } else { WithoutResource::Never(first) }
    }

    /// The possible outcomes of a condition where the attributes of a resource are unknown.
    fn outcome(&self, expr: &Expr, resource: Id<Resource>, outcomes: &mut Outcomes) -> Truths {
        outcomes.steps += 1;
        if outcomes.steps > MOST_STEPS {
            return Truths::ANY;
        }
        let undeclared = |of: &Expr| matches!(of, Expr::Read(Read::Resource(name)) if self.resources[resource].slot(*name).is_none());
        match expr {
            Expr::Not(inner) => self.outcome(inner, resource, outcomes).not(),
            Expr::All(parts) => {
                parts.iter().fold(Truths::TRUE, |all, part| all.and(self.outcome(part, resource, outcomes)))
            }
            Expr::Any(parts) => {
                parts.iter().fold(Truths::FALSE, |any, part| any.or(self.outcome(part, resource, outcomes)))
            }
            Expr::Condition(id) if self.conditions[*id].reads.resource => {
                if let Some(outcome) = outcomes.found.get(&(*id, resource)) {
                    return *outcome;
                }
                let outcome = self.outcome(&self.conditions[*id].expr, resource, outcomes);
                outcomes.found.insert((*id, resource), outcome);
                outcome
            }
            Expr::Has(of) if undeclared(of) => Truths::FALSE,
            Expr::IsNull(of) if undeclared(of) => Truths::TRUE,
            other => {
                let mut reads = false;
                let mut falls_back = false;
                other.any(&mut |part| {
                    reads |= matches!(part, Expr::Read(Read::Resource(_) | Read::ResourceId));
                    falls_back |= matches!(part, Expr::Coalesce(_) | Expr::Condition(_));
                    false
                });
                if reads && !falls_back { Truths::UNKNOWN } else { Truths::ANY }
            }
        }
    }

    fn check_missing(&self, route: &Route, without: &[WithoutResource], checker: &Checker<'_>) {
        let names = |resource: Id<Resource>| route.access.subjects.iter().any(|subject| subject.resource == resource);
        for requirement in &route.access.requirements {
            let effects = || {
                requirement.any_of.iter().map(|id| {
                    let resource = self.index.permissions[*id].resource;
                    let effect = if names(resource) { None } else { without.get(id.row()) };
                    (*id, resource, effect.copied().unwrap_or(WithoutResource::Same))
                })
            };
            let Some((id, resource, rule)) = effects().find_map(|(id, resource, effect)| match effect {
                WithoutResource::Same => None,
                WithoutResource::Fewer(rule) | WithoutResource::Never(rule) => Some((id, resource, rule)),
            }) else {
                continue;
            };
            let resource = &self.resources[resource].name;
            let name = self.index.names.get(id);
            let finding = if effects().all(|(.., effect)| matches!(effect, WithoutResource::Never(_))) {
                let message =
                    format!("`{name}` can't be granted here: the route doesn't say which of `{resource}` it is about");
                Diagnostic::error("on_missing", requirement.span, message)
            } else {
                let message = format!(
                    "some grants of `{name}` never hold here: the route doesn't say which of `{resource}` it is about"
                );
                Diagnostic::warning("on_missing", requirement.span, message)
            };
            finding
                .also(rule, "asks for the resource's attributes")
                .help(format!("add `on {resource}(PARAMETER)`, with the path parameter that holds the id"))
                .report(checker);
        }
    }

    fn check_needless(&self, route: &Route, read: &RowSet, checker: &Checker<'_>) {
        if route.access.whens.iter().any(|when| when.reads.resource) {
            return;
        }
        for subject in &route.access.subjects {
            let mut required = route.access.requirements.iter().flat_map(|requirement| &requirement.any_of);
            let name = &self.resources[subject.resource].name;
            if !required.any(|permission| self.index.permissions[*permission].resource == subject.resource) {
                let message = format!("no permission of `{name}` is required here");
                Diagnostic::error("on_in_vain", subject.span, message)
                    .help(format!("require a permission such as `{name}:ACTION`, or take the `on` out"))
                    .report(checker);
            } else if !read.contains(subject.resource.row()) {
                Diagnostic::error("on_in_vain", subject.span, format!("no rule reads an attribute of `{name}`"))
                    .report_with(checker, "take the `on` out, or write a rule that reads `resource.NAME`");
            }
        }
    }
}
