//! Rules: which permissions they speak of, and the conditions that they stand under.

use std::collections::HashMap;
use std::rc::Rc;

use crate::check::Checker;
use crate::check::expressions::{Caller, View};
use crate::check::permissions::permission::PermissionIndex;
use crate::collections::bit_set::BitSet;
use crate::collections::id_set::IdSet;
use crate::collections::sorted_rows::SortedRows;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::{Effect, NeverSubject, Polarity};
use crate::typed::{Expr, Grant, Grantee, Never, NeverOf, Permission, Rule};

/// The rules of a policy may name so many permissions altogether.
const MOST_PAIRS: usize = 60_000_000;
/// And so many under a condition, or to forbid them.
const MOST_CONDITIONAL_PAIRS: usize = 2_000_000;

/// A rule whose permissions are known, and whose condition is still as written.
pub(crate) struct RuleDraft<'t> {
    pub(crate) rule: &'t tree::Rule,
    pub(crate) does: Does,
    /// Rows, in rising order; equal sets are one.
    pub(crate) permissions: Rc<[u32]>,
    /// The set's number among all sets.
    pub(crate) set: usize,
    /// Whether it holds at doors that a caller enters without a permission, too.
    pub(crate) doors: bool,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Grant(Grantee),
    Forbid,
    /// An invariant on permissions.
    Never,
}

impl<'t> Checker<'t> {
    /// Expands the patterns of every rule, and enters what is granted without a condition.
    pub(crate) fn rule_drafts(&mut self, index: &mut PermissionIndex) -> Vec<RuleDraft<'t>> {
        let mut written: Vec<(&'t tree::Rule, Option<Grantee>)> = Vec::new();
        for (id, (_, role)) in self.roles.ids.iter().zip(self.names.roles.iter()) {
            written.extend(role.grants.iter().map(|rule| (rule, Some(Grantee::Role(*id)))));
        }
        for (id, (_, (_, scope))) in self.scopes.ids().zip(self.names.scopes.iter()) {
            written.extend(scope.grants.iter().map(|rule| (rule, Some(Grantee::Scope(id)))));
        }
        written.extend(self.names.rules.iter().map(|rule| (*rule, None)));
        let (mut pairs, mut conditional) = (0_usize, 0_usize);
        let mut drafts = Vec::with_capacity(written.len());
        let mut sets: HashMap<IdSet<Permission>, (usize, Rc<[u32]>)> = HashMap::new();
        for (rule, inside) in written {
            let Some(draft) = self.rule_draft(rule, inside, index, &mut sets) else { continue };
            pairs += draft.permissions.len();
            let stored = rule.condition.is_some() || draft.does == Does::Forbid;
            conditional += if stored { draft.permissions.len() } else { 0 };
            if pairs > MOST_PAIRS || conditional > MOST_CONDITIONAL_PAIRS {
                let most = if pairs > MOST_PAIRS { MOST_PAIRS } else { MOST_CONDITIONAL_PAIRS };
                let message = format!("the rules up to this one name more than {most} permissions altogether");
                self.report(
                    Diagnostic::error("too_complex", rule.span, message)
                        .help("name fewer permissions in each rule, or let roles extend roles"),
                );
                break;
            }
            drafts.push(draft);
        }
        self.unconditional(&drafts, index);
        drafts
    }

    /// Enters what is granted without a condition.
    fn unconditional(&mut self, drafts: &[RuleDraft<'_>], index: &mut PermissionIndex) {
        let mut to_roles = Vec::new();
        let mut scopes = vec![SortedRows::default(); index.drafts.len()];
        for draft in drafts.iter().filter(|draft| draft.rule.condition.is_none()) {
            let Does::Grant(to) = draft.does else { continue };
            if let Grantee::Role(role) = to {
                to_roles.push((role, &draft.permissions));
                continue;
            }
            for row in draft.permissions.iter().map(|row| *row as usize) {
                if let Grantee::Scope(scope) = to {
                    scopes.iter_mut().skip(row).take(1).for_each(|scopes| scopes.push(scope));
                } else if let Some(permission) = index.drafts.get_mut(row) {
                    permission.callers = true;
                    permission.anyone |= to == Grantee::Anyone;
                }
            }
        }
        to_roles.sort_by_key(|(role, _)| role.row());
        let mut roles = vec![SortedRows::default(); index.drafts.len()];
        for (role, permissions) in to_roles {
            for row in permissions.iter() {
                roles.iter_mut().skip(*row as usize).take(1).for_each(|roles| roles.push(role));
            }
        }
        self.roles_of_permissions(roles, index);
        for ((permission, draft), scopes) in index.permissions.iter().zip(&mut index.drafts).zip(scopes) {
            let Some(set) = scopes.kept(&mut index.scope_sets) else {
                return self.too_many_sets(permission.resource, "scopes");
            };
            draft.scopes = set;
        }
    }

    fn rule_draft(
        &mut self,
        rule: &'t tree::Rule,
        inside: Option<Grantee>,
        index: &PermissionIndex,
        sets: &mut HashMap<IdSet<Permission>, (usize, Rc<[u32]>)>,
    ) -> Option<RuleDraft<'t>> {
        let (does, patterns, except) = match &rule.effect {
            Effect::Allow { anyone, patterns, except } => {
                let outside = if *anyone { Grantee::Anyone } else { Grantee::Callers };
                (Does::Grant(inside.unwrap_or(outside)), patterns, except)
            }
            Effect::Forbid { patterns, except } => (Does::Forbid, patterns, except),
            Effect::Never(NeverSubject::Permissions { patterns, except }) => (Does::Never, patterns, except),
            Effect::Never(NeverSubject::Door(..)) => return None,
        };
        let (named, rows) = self.expand(patterns, except, index);
        let doors = does == Does::Forbid && patterns.iter().any(|pattern| index.is_every(pattern));
        if rows.is_empty() && !named.is_empty() && !doors {
            self.report(
                Diagnostic::warning("empty_rule", rule.span, "`except` takes away all that this rule names")
                    .help("take the rule out, or name fewer permissions after `except`"),
            );
        }
        let next = sets.len();
        let ids = || self.permission_sets.ids(rows).filter_map(|id| u32::try_from(id.row()).ok()).collect();
        let (set, permissions) = sets.entry(rows).or_insert_with(|| (next, ids()));
        Some(RuleDraft { rule, does, permissions: permissions.clone(), set: *set, doors })
    }

    /// The permissions that an `allow anyone` opens, under a condition or not.
    pub(crate) fn opened_to_anyone(drafts: &[RuleDraft<'_>]) -> BitSet {
        let mut open = BitSet::default();
        for draft in drafts.iter().filter(|draft| draft.does == Does::Grant(Grantee::Anyone)) {
            open.extend(draft.permissions.iter().map(|row| *row as usize));
        }
        open
    }

    /// Types the conditions of rules, once it is known which routes lead to them, and enters them with the permissions.
    /// What comes out beside them are those that hold at doors without a permission.
    pub(crate) fn rules(
        &mut self,
        drafts: &[RuleDraft<'t>],
        index: &mut PermissionIndex,
    ) -> (Table<Rule>, Vec<Id<Rule>>) {
        let open = Self::opened_to_anyone(drafts);
        let mut rules = Table::new();
        let mut door_forbids = Vec::new();
        for draft in drafts {
            if draft.rule.condition.is_none() && draft.does != Does::Forbid {
                continue;
            }
            let Some(condition) = self.rule_condition(draft, &open, index) else { continue };
            if draft.does == Does::Never {
                self.nevers.extend(condition.map(|condition| never(draft, condition, index)));
                continue;
            }
            let reads = condition.as_ref().map(|condition| self.reads(condition)).unwrap_or_default();
            let id = rules.push(Rule {
                span: draft.rule.span,
                condition,
                reads,
                because: draft.rule.because.as_ref().map(|because| because.node.clone()),
            });
            if draft.doors {
                door_forbids.push(id);
            }
            for row in draft.permissions.iter() {
                let Some(permission) = index.drafts.get_mut(*row as usize) else { continue };
                match draft.does {
                    Does::Grant(to) => permission.grants.push(Grant { to, rule: id }),
                    Does::Forbid | Does::Never => permission.forbids.push(id),
                }
            }
        }
        (rules, door_forbids)
    }

    /// The condition of a rule, typed: `None` where it has errors, `Some(None)` where it has none at all.
    fn rule_condition(
        &mut self,
        draft: &RuleDraft<'_>,
        open: &BitSet,
        index: &PermissionIndex,
    ) -> Option<Option<Expr>> {
        let Some((polarity, condition)) = &draft.rule.condition else { return Some(None) };
        let opens = draft.permissions.iter().any(|row| open.contains(*row as usize));
        let caller = match draft.does {
            Does::Grant(Grantee::Anyone) => Caller::Perhaps,
            Does::Grant(_) => Caller::Assumed,
            Does::Forbid | Does::Never if opens => Caller::Perhaps,
            Does::Forbid | Does::Never => Caller::Assumed,
        };
        let mut resources = BitSet::default();
        let of = |row: &u32| index.permissions.id(*row as usize).map(|id| index.permissions[id].resource.row());
        resources.extend(draft.permissions.iter().filter_map(of));
        let doors = draft.doors && !self.doors.is_empty();
        let view = View::rule((draft.set, &draft.permissions), caller, resources, doors);
        let expr = self.truth(condition, view.site())?;
        Some(Some(match polarity {
            Polarity::When => expr,
            Polarity::Unless => Expr::Not(Box::new(expr)),
        }))
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
