//! `on RESOURCE(PARAM)`: whether a route says where the things are found that its permissions' rules read.

use std::collections::HashMap;

use crate::check::Checker;
use crate::check::permissions::permission::{PermissionIndex, TermsDraft};
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::truth::Truths;
use crate::typed::{Condition, Expr, Permission, Read, Resource, Route, Rule};

/// After so many steps, nothing more is found out: routes are then not warned of, and deny all the same.
const MOST_STEPS: usize = 2_000_000;

/// What conditions come to without a resource, as far as it was found out.
#[derive(Default)]
struct Known {
    outcomes: HashMap<(Id<Condition>, Id<Resource>), Truths>,
    steps: usize,
}

/// What becomes of a permission at a route that doesn't say where its thing is found.
#[derive(Clone, Copy)]
pub(crate) enum WithoutThing {
    /// Nothing: no rule asks for it.
    Same,
    /// Some grant never holds; the rule's place.
    Fewer(Span),
    /// It is never granted, or always forbidden; the place of a rule that asks for it.
    Never(Span),
}

impl Checker<'_> {
    /// What becomes of each permission at a route without its `on`.
    pub(crate) fn without_things(&self, index: &PermissionIndex, rules: &Table<Rule>) -> Vec<WithoutThing> {
        let mut known = Known::default();
        index
            .permissions
            .iter()
            .zip(&index.drafts)
            .map(|(permission, draft)| self.without_thing(permission, draft, rules, &mut known))
            .collect()
    }

    fn without_thing(
        &self,
        permission: &Permission,
        draft: &TermsDraft,
        rules: &Table<Rule>,
        known: &mut Known,
    ) -> WithoutThing {
        let resource = permission.resource;
        let mut outcomes = |rule: Id<Rule>| match &rules[rule].condition {
            Some(condition) if rules[rule].reads.resource => self.without(condition, resource, known),
            Some(_) => Truths::ANY,
            None => Truths::TRUE,
        };
        let asks = |rule: Id<Rule>| rules[rule].reads.resource;
        let always = draft.forbids.iter().find(|rule| asks(**rule) && !outcomes(**rule).may(Truths::FALSE));
        if let Some(rule) = always {
            return WithoutThing::Never(rules[*rule].span);
        }
        let grants = draft.grants.iter().map(|grant| grant.rule);
        let lost: Vec<Id<Rule>> = grants.filter(|rule| !outcomes(*rule).may(Truths::TRUE)).collect();
        let Some(first) = lost.first().map(|rule| rules[*rule].span) else { return WithoutThing::Same };
        let kept = draft.anyone || draft.callers || !permission.roles.is_empty() || draft.grants.len() > lost.len();
        if kept { WithoutThing::Fewer(first) } else { WithoutThing::Never(first) }
    }

    /// What a condition can come to where a resource's attributes are unknown, whatever everything else is.
    fn without(&self, expr: &Expr, resource: Id<Resource>, known: &mut Known) -> Truths {
        known.steps += 1;
        if known.steps > MOST_STEPS {
            return Truths::ANY;
        }
        let undeclared = |of: &Expr| matches!(of, Expr::Read(Read::Resource(name)) if self.resources[resource].slot(*name).is_none());
        match expr {
            Expr::Not(inner) => self.without(inner, resource, known).not(),
            Expr::All(parts) => {
                parts.iter().fold(Truths::TRUE, |all, part| all.and(self.without(part, resource, known)))
            }
            Expr::Any(parts) => {
                parts.iter().fold(Truths::FALSE, |any, part| any.or(self.without(part, resource, known)))
            }
            Expr::Condition(id) if self.conditions[*id].reads.resource => {
                if let Some(outcome) = known.outcomes.get(&(*id, resource)) {
                    return *outcome;
                }
                let outcome = self.without(&self.conditions[*id].expr, resource, known);
                known.outcomes.insert((*id, resource), outcome);
                outcome
            }
            Expr::Has(of) if undeclared(of) => Truths::FALSE,
            Expr::IsNull(of) if undeclared(of) => Truths::TRUE,
            other => {
                let mut asks = false;
                let mut falls_back = false;
                other.any(&mut |part| {
                    asks |= matches!(part, Expr::Read(Read::Resource(_) | Read::ResourceId));
                    falls_back |= matches!(part, Expr::Coalesce(_) | Expr::Condition(_));
                    false
                });
                if asks && !falls_back { Truths::UNKNOWN } else { Truths::ANY }
            }
        }
    }

    /// Reports routes that don't say where the things are found that their permissions' rules ask for, and those that
    /// say it in vain.
    pub(crate) fn subjects(&mut self, index: &PermissionIndex, rules: &Table<Rule>) {
        let without = self.without_things(index, rules);
        let mut asked = RowSet::default();
        for (permission, draft) in index.permissions.iter().zip(&index.drafts) {
            let mut ids = draft.grants.iter().map(|grant| grant.rule).chain(draft.forbids.iter().copied());
            if !asked.contains(permission.resource.row()) && ids.any(|rule| rules[rule].reads.resource) {
                asked.insert(permission.resource.row());
            }
        }
        for id in self.routes.ids() {
            let findings = self.subjects_of(id, index, &without, &asked);
            self.diagnostics.extend(findings);
        }
    }

    fn subjects_of(
        &self,
        id: Id<Route>,
        index: &PermissionIndex,
        without: &[WithoutThing],
        asked: &RowSet,
    ) -> Vec<Diagnostic> {
        let route = &self.routes[id];
        let mut findings = Vec::new();
        let names = |resource: Id<Resource>| route.access.subjects.iter().any(|subject| subject.resource == resource);
        for requirement in &route.access.requirements {
            let fates = || {
                requirement.any_of.iter().map(|permission| {
                    let declared = &index.permissions[*permission];
                    let fate = if names(declared.resource) { None } else { without.get(permission.row()) };
                    (*permission, declared, fate.copied().unwrap_or(WithoutThing::Same))
                })
            };
            let Some((id, permission, rule)) = fates().find_map(|(id, permission, fate)| match fate {
                WithoutThing::Same => None,
                WithoutThing::Fewer(rule) | WithoutThing::Never(rule) => Some((id, permission, rule)),
            }) else {
                continue;
            };
            let never = fates().all(|(.., fate)| matches!(fate, WithoutThing::Never(_)));
            let resource = &self.resources[permission.resource].name;
            let name = index.names.get(id);
            let message = match never {
                true => {
                    format!("`{name}` can't be granted here: the route doesn't say which of `{resource}` it is about")
                }
                false => format!(
                    "some grants of `{name}` never hold here: the route doesn't say which of `{resource}` it is about"
                ),
            };
            let finding = match never {
                true => Diagnostic::error("on_missing", requirement.span, message),
                false => Diagnostic::warning("on_missing", requirement.span, message),
            };
            findings.push(
                finding
                    .also(rule, "asks for the resource's attributes")
                    .help(format!("add `on {resource}(PARAMETER)`, with the path parameter that holds the id")),
            );
        }
        let reads_thing = route.access.whens.iter().any(|when| when.reads.resource);
        for subject in &route.access.subjects {
            let required = route.access.requirements.iter().flat_map(|requirement| &requirement.any_of);
            let mut of = required.filter(|permission| index.permissions[**permission].resource == subject.resource);
            let name = &self.resources[subject.resource].name;
            if of.next().is_none() && !reads_thing {
                findings.push(
                    Diagnostic::error(
                        "on_in_vain",
                        subject.span,
                        format!("no permission of `{name}` is required here"),
                    )
                    .help(format!("require a permission such as `{name}:ACTION`, or take the `on` out")),
                );
            } else if !asked.contains(subject.resource.row()) && !reads_thing {
                findings.push(
                    Diagnostic::error("on_in_vain", subject.span, format!("no rule reads an attribute of `{name}`"))
                        .help("take the `on` out, or write a rule that reads `resource.NAME`"),
                );
            }
        }
        findings
    }
}
