//! Rules: their permissions and their conditions.

use std::collections::HashMap;
use std::rc::Rc;

use crate::check::checker::{Checker, Report};
use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Caller, View};
use crate::check::permissions::pattern::Expanded;
use crate::check::permissions::permission::PermissionIndex;
use crate::check::permissions::role::{Roles, too_entangled};
use crate::collections::id_set::IdSet;
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::{Effect, NeverSubject, Polarity};
use crate::typed::{Expr, Grant, Grantee, Never, NeverOf, Permission, Resource, Rule};

/// The most permissions that the rules of a policy may name altogether.
const MOST_PAIRS: usize = 60_000_000;
/// The most permissions that rules may name under a condition, or to forbid them.
const MOST_CONDITIONAL_PAIRS: usize = 2_000_000;

/// A rule whose permissions are known, and whose condition is still as written.
pub(crate) struct RuleDraft<'t> {
    pub(crate) rule: &'t tree::Rule,
    pub(crate) effect: RuleEffect,
    /// Rows, in rising order; equal sets are one.
    pub(crate) permissions: Rc<[u32]>,
    /// The set's number among all sets.
    pub(crate) set: usize,
    /// True if the rule also holds at doors that a caller enters without a permission.
    pub(crate) doors: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleEffect {
    Grant(Grantee),
    Forbid,
    /// An invariant on permissions.
    Never,
}

/// The typed rules of a policy.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) table: Table<Rule>,
    /// The rules of `forbid *`, which also hold at doors that a caller enters without a permission.
    pub(crate) door_forbids: Vec<Id<Rule>>,
    /// The invariants on permissions.
    pub(crate) nevers: Vec<Never>,
}

/// Rows of permissions and the number of their set, for each set that rules name.
type PermissionSets = HashMap<IdSet<Permission>, (usize, Rc<[u32]>)>;

/// Expands the patterns of every rule, and enters what is granted without a condition.
pub(crate) fn rule_drafts<'t>(
    checker: &Checker<'t>,
    roles: &mut Roles,
    index: &mut PermissionIndex,
) -> Vec<RuleDraft<'t>> {
    let mut written: Vec<(&'t tree::Rule, Option<Grantee>)> = Vec::new();
    for (id, role) in roles.ids.iter().zip(checker.names.roles.values()) {
        written.extend(role.grants.iter().map(|rule| (rule, Some(Grantee::Role(*id)))));
    }
    for (id, scope) in Table::promised(checker.names.scopes.len()).zip(checker.names.scopes.values()) {
        written.extend(scope.grants.iter().map(|rule| (rule, Some(Grantee::Scope(id)))));
    }
    written.extend(checker.names.rules.iter().map(|rule| (*rule, None)));
    let (mut pairs, mut conditional) = (0_usize, 0_usize);
    let mut drafts = Vec::with_capacity(written.len());
    let mut sets = PermissionSets::new();
    for (rule, inside) in written {
        let Some(draft) = rule_draft(checker, rule, inside, index, &mut sets) else { continue };
        pairs += draft.permissions.len();
        let stored = rule.condition.is_some() || draft.effect == RuleEffect::Forbid;
        conditional += if stored { draft.permissions.len() } else { 0 };
        if pairs > MOST_PAIRS || conditional > MOST_CONDITIONAL_PAIRS {
            let most = if pairs > MOST_PAIRS { MOST_PAIRS } else { MOST_CONDITIONAL_PAIRS };
            let message = format!("the rules up to this one name more than {most} permissions altogether");
            Diagnostic::error("too_complex", rule.span, message)
                .report_with(checker, "name fewer permissions in each rule, or let roles extend roles");
            break;
        }
        drafts.push(draft);
    }
    enter_unconditional(checker, &drafts, roles, index);
    drafts
}

/// Enters what is granted without a condition.
fn enter_unconditional(
    checker: &Checker<'_>,
    drafts: &[RuleDraft<'_>],
    roles: &mut Roles,
    index: &mut PermissionIndex,
) {
    let mut to_roles = Vec::new();
    let mut scopes = vec![RowSet::default(); index.drafts.len()];
    for draft in drafts.iter().filter(|draft| draft.rule.condition.is_none()) {
        let RuleEffect::Grant(to) = draft.effect else { continue };
        if let Grantee::Role(role) = to {
            to_roles.push((role, &draft.permissions));
            continue;
        }
        for row in draft.permissions.iter().map(|row| *row as usize) {
            if let Grantee::Scope(scope) = to {
                scopes.iter_mut().skip(row).take(1).for_each(|scopes| scopes.insert(scope.row()));
            } else if let Some(permission) = index.drafts.get_mut(row) {
                permission.callers = true;
                permission.anyone |= to == Grantee::Anyone;
            }
        }
    }
    to_roles.sort_by_key(|(role, _)| role.row());
    let mut granted = vec![RowSet::default(); index.drafts.len()];
    for (role, permissions) in to_roles {
        for row in permissions.iter() {
            granted.iter_mut().skip(*row as usize).take(1).for_each(|roles| roles.insert(role.row()));
        }
    }
    let no_room = |resource: Id<Resource>, what: &str| {
        if let Some((name, span, _)) = checker.names.resources.named().nth(resource.row()) {
            let message = format!("permissions up to those of `{name}` are granted to too many sets of {what}");
            too_entangled(span, message).report(checker);
        }
    };
    if let Err(resource) = roles.of_permissions(granted, &mut index.permissions) {
        no_room(resource, "roles");
    }
    for ((permission, draft), scopes) in index.permissions.iter().zip(&mut index.drafts).zip(scopes) {
        match scopes.intern(&mut index.scope_sets) {
            Some(set) => draft.scopes = set,
            None => return no_room(permission.resource, "scopes"),
        }
    }
}

fn rule_draft<'t>(
    checker: &Checker<'_>,
    rule: &'t tree::Rule,
    inside: Option<Grantee>,
    index: &mut PermissionIndex,
    sets: &mut PermissionSets,
) -> Option<RuleDraft<'t>> {
    let (effect, patterns, except) = match &rule.effect {
        Effect::Allow { anyone, patterns, except } => {
            let outside = if *anyone { Grantee::Anyone } else { Grantee::Callers };
            (RuleEffect::Grant(inside.unwrap_or(outside)), patterns, except)
        }
        Effect::Forbid { patterns, except } => (RuleEffect::Forbid, patterns, except),
        Effect::Never(NeverSubject::Permissions { patterns, except }) => (RuleEffect::Never, patterns, except),
        Effect::Never(NeverSubject::Door(..)) => return None,
    };
    let Expanded { named, left } = index.expand(checker, patterns, except);
    let doors = effect == RuleEffect::Forbid && patterns.iter().any(|pattern| index.is_every(pattern));
    if left.is_empty() && !named.is_empty() && !doors {
        Diagnostic::warning("empty_rule", rule.span, "`except` takes away all that this rule names")
            .report_with(checker, "take the rule out, or name fewer permissions after `except`");
    }
    let next = sets.len();
    let rows = || index.sets.ids(left).filter_map(|id| u32::try_from(id.row()).ok()).collect();
    let (set, permissions) = sets.entry(left).or_insert_with(|| (next, rows()));
    Some(RuleDraft { rule, effect, permissions: permissions.clone(), set: *set, doors })
}

/// The permissions that an `allow anyone` opens, under a condition or not.
pub(crate) fn opened_to_anyone(drafts: &[RuleDraft<'_>]) -> RowSet {
    let mut open = RowSet::default();
    for draft in drafts.iter().filter(|draft| draft.effect == RuleEffect::Grant(Grantee::Anyone)) {
        open.extend(draft.permissions.iter().map(|row| *row as usize));
    }
    open
}

/// Types the conditions of rules, once it is known which routes lead to them, and enters them with the permissions.
pub(crate) fn rules(typer: &mut Typer<'_, '_>, drafts: &[RuleDraft<'_>], index: &mut PermissionIndex) -> Rules {
    let open = opened_to_anyone(drafts);
    let mut rules = Rules::default();
    for draft in drafts {
        if draft.rule.condition.is_none() && draft.effect != RuleEffect::Forbid {
            continue;
        }
        let Some(condition) = rule_condition(typer, draft, &open, index) else { continue };
        if draft.effect == RuleEffect::Never {
            rules.nevers.extend(condition.map(|condition| never(draft, condition, index)));
            continue;
        }
        let reads = condition.as_ref().map(|condition| typer.conditions.reads(condition)).unwrap_or_default();
        let because = draft.rule.because.as_ref().map(|because| because.node.clone());
        let id = rules.table.push(Rule { span: draft.rule.span, condition, reads, because });
        if draft.doors {
            rules.door_forbids.push(id);
        }
        for row in draft.permissions.iter() {
            let Some(permission) = index.drafts.get_mut(*row as usize) else { continue };
            match draft.effect {
                RuleEffect::Grant(to) => permission.grants.push(Grant { to, rule: id }),
                RuleEffect::Forbid | RuleEffect::Never => permission.forbids.push(id),
            }
        }
    }
    rules
}

/// The condition of a rule, typed: `None` where it has errors, `Some(None)` where it has none at all.
fn rule_condition(
    typer: &mut Typer<'_, '_>,
    draft: &RuleDraft<'_>,
    open: &RowSet,
    index: &PermissionIndex,
) -> Option<Option<Expr>> {
    let Some((polarity, condition)) = &draft.rule.condition else { return Some(None) };
    let opens = draft.permissions.iter().any(|row| open.contains(*row as usize));
    let caller = match draft.effect {
        RuleEffect::Grant(Grantee::Anyone) => Caller::Perhaps,
        RuleEffect::Grant(_) => Caller::Assumed,
        RuleEffect::Forbid | RuleEffect::Never if opens => Caller::Perhaps,
        RuleEffect::Forbid | RuleEffect::Never => Caller::Assumed,
    };
    let mut resources = RowSet::default();
    let of = |row: &u32| index.permissions.id(*row as usize).map(|id| index.permissions[id].resource.row());
    resources.extend(draft.permissions.iter().filter_map(of));
    let doors = draft.doors && !typer.routes.doors.is_empty();
    let view = View::rule((draft.set, &draft.permissions), caller, resources, doors);
    let expr = typer.truth(condition, view.site())?;
    Some(Some(under(*polarity, expr)))
}

/// `when` or `unless` before a condition.
pub(crate) fn under(polarity: Polarity, condition: Expr) -> Expr {
    match polarity {
        Polarity::When => condition,
        Polarity::Unless => Expr::Not(Box::new(condition)),
    }
}

fn never(draft: &RuleDraft<'_>, condition: Expr, index: &PermissionIndex) -> Never {
    let rows = draft.permissions.iter();
    let written =
        draft.rule.condition.as_ref().map(|(polarity, written)| (written.span, *polarity == Polarity::Unless));
    Never {
        span: draft.rule.span,
        of: NeverOf::Permissions(rows.filter_map(|row| index.permissions.id(*row as usize)).collect()),
        condition,
        written: written.unwrap_or((draft.rule.span, false)),
        because: draft.rule.because.as_ref().map(|because| because.node.clone()),
    }
}
