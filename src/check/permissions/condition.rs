//! Named conditions: each is checked wherever it is used, as what it reads depends on the place, and stands once in the
//! typed policy.

use crate::check::Checker;
use crate::check::expressions::{Guards, Site, bare_names};
use crate::check::order::order;
use crate::check::permissions::permission::{closing, in_a_cycle, rows_only};
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::value::Value;
use crate::syntax::tree::{Expression, Text};
use crate::typed::{Condition, Expr, Read, Reads};

/// How many levels a condition may have, with all those that it names written out: checking and deciding go as deep.
const MOST_LEVELS: usize = 192;
/// What it takes to check a condition in one more kind of place, beside the steps of its parts.
const STEPS_OF_A_USE: usize = 100;

impl Checker<'_> {
    /// A row a declared condition, to be filled where one is used; and that none names itself, or nests too deeply.
    pub(crate) fn conditions(&mut self) {
        let declared: Vec<_> = self.names.conditions.iter().map(|(_, (_, condition))| *condition).collect();
        let named: Vec<Vec<(usize, &Text)>> = declared
            .iter()
            .map(|condition| {
                let mut named = Vec::new();
                bare_names(&condition.expression, &mut |name| {
                    named.extend(self.names.conditions.get(&name.node).map(|(row, _)| (row, name)));
                });
                named
            })
            .collect();
        let order = order(&rows_only(&named));
        for cycle in &order.cycles {
            let names = cycle.rows.iter().filter_map(|row| declared.get(*row)).map(|condition| &condition.name);
            if let Some(closing) = closing(cycle, &named) {
                let message = in_a_cycle("conditions name", names);
                self.report(
                    Diagnostic::error("cyclic_condition", closing.span, message)
                        .label("closes the cycle")
                        .help("write out in one of the conditions what it takes from the other"),
                );
            }
        }
        for name in declared.iter().map(|condition| &condition.name).filter(|name| name.node == "now") {
            self.report(
                Diagnostic::error("reserved_name", name.span, "`now` is the time of the request")
                    .help("give the condition another name"),
            );
        }
        let mut depths = vec![0_usize; declared.len()];
        for row in &order.rows {
            let Some(condition) = declared.get(*row) else { continue };
            let below = named.get(*row).into_iter().flatten().filter_map(|(inner, _)| depths.get(*inner)).max();
            let below = below.copied().unwrap_or(0);
            let depth = below.saturating_add(levels(&condition.expression));
            depths.iter_mut().skip(*row).take(1).for_each(|slot| *slot = depth);
            if below <= MOST_LEVELS && depth > MOST_LEVELS {
                let message = format!("conditions nest more than {MOST_LEVELS} levels deep here");
                self.report(
                    Diagnostic::error("nested_too_deeply", condition.name.span, message)
                        .help("write it with fewer conditions that name conditions"),
                );
            }
        }
        self.sound_conditions = order.cycles.is_empty() && depths.iter().all(|depth| *depth <= MOST_LEVELS);
        self.conditions = declared
            .iter()
            .zip(&named)
            .map(|(_, named)| Condition {
                expr: Expr::Constant(Value::Bool(false)),
                reads: Reads::default(),
                compound: !named.is_empty(),
            })
            .collect();
        self.narrow_conditions();
    }

    /// Checks a condition for the place where it is used, and says whether it is sound there.
    pub(crate) fn condition_here(
        &mut self,
        id: Id<Condition>,
        expression: &Expression,
        place: Span,
        site: Site<'_>,
    ) -> bool {
        self.used_conditions.insert(id.row());
        if !self.sound_conditions {
            return false;
        }
        let key = (id.row(), site.view.key, Guards::row(site.guards, &mut self.guard_sets));
        if let Some(known) = self.checked_conditions.get(&key) {
            return *known;
        }
        // There may be as many sets of guards as ways to combine them.
        self.steps += STEPS_OF_A_USE;
        self.uses.push(place);
        let typed = self.truth(expression, site);
        self.uses.pop();
        let sound = typed.is_some();
        if let Some(expr) = typed {
            let reads = self.reads(&expr);
            let row = self.conditions.row_mut(id);
            row.expr = expr;
            row.reads = reads;
        }
        self.checked_conditions.insert(key, sound);
        sound
    }

    /// What an expression depends on, its conditions looked into.
    pub(crate) fn reads(&self, expr: &Expr) -> Reads {
        let mut reads = Reads::default();
        expr.any(&mut |part| {
            match part {
                Expr::HasUser | Expr::Is(_) => reads.user = true,
                Expr::Read(
                    Read::UserId | Read::UserTier | Read::UserScopes | Read::UserToken | Read::UserAttribute(_),
                ) => reads.user = true,
                Expr::Read(Read::Resource(_) | Read::ResourceId) => reads.resource = true,
                Expr::Read(Read::Body(_) | Read::Query(_)) => reads.input = true,
                Expr::Condition(id) => reads = reads.union(self.conditions[*id].reads),
                _ => {}
            }
            false
        });
        reads
    }
}

/// The number of levels of an expression.
fn levels(expression: &Expression) -> usize {
    1 + expression.operands().into_iter().map(levels).max().unwrap_or(0)
}
