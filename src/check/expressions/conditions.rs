//! Named conditions: each is checked wherever it is used, as what it reads depends on the place, and stands once in the
//! typed policy.

use std::collections::{HashMap, HashSet};

use crate::check::checker::{Checker, Report};
use crate::check::expressions::narrowing::bare_names;
use crate::check::expressions::view::ViewKey;
use crate::check::order::{ReferenceGraph, order};
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::value::Value;
use crate::syntax::tree;
use crate::syntax::tree::Expression;
use crate::typed::{Condition, Expr, Read, Reads};

/// The most levels of a condition, with all those that it names inserted: checking and deciding recurse as deep.
const MOST_LEVELS: usize = 192;

/// A use of a condition. Two uses that are equal have the same outcome.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConditionUse {
    pub(crate) condition: Id<Condition>,
    pub(crate) view: ViewKey,
    /// The row of the guards in `guard_sets`.
    pub(crate) guards: usize,
}

/// The named conditions of a policy, each typed once it is used.
pub(crate) struct Conditions {
    pub(crate) table: Table<Condition>,
    /// False if conditions name each other in a cycle or nest too deeply: then none is typed.
    pub(crate) sound: bool,
    /// True for a use in which the condition is sound.
    pub(crate) checked: HashMap<ConditionUse, bool>,
    /// The rows of the conditions that were used.
    pub(crate) used: HashSet<usize>,
    pub(crate) guard_sets: HashMap<Vec<String>, usize>,
}

impl Conditions {
    /// Collects the declared conditions, and checks that none names itself or nests too deeply.
    pub(crate) fn declared(checker: &Checker<'_>) -> Self {
        let declared: Vec<&tree::Condition> = checker.names.conditions.values().collect();
        let mut references = ReferenceGraph::default();
        for condition in &declared {
            let mut named = Vec::new();
            bare_names(&condition.expression, &mut |name| {
                named.extend(checker.names.conditions.row(&name.node).map(|row| (row, name)));
            });
            references.push(&condition.name, named);
        }
        let order = order(&references.rows());
        for cycle in &order.cycles {
            references
                .cycle("cyclic_condition", "conditions name", cycle)
                .report_with(checker, "write out in one of the conditions what it takes from the other");
        }
        for name in declared.iter().map(|condition| &condition.name).filter(|name| name.node == "now") {
            Diagnostic::error("reserved_name", name.span, "`now` is the time of the request")
                .report_with(checker, "give the condition another name");
        }
        let mut depths = vec![0_usize; declared.len()];
        for row in &order.rows {
            let Some(condition) = declared.get(*row) else { continue };
            let below = references.of(*row).filter_map(|inner| depths.get(inner)).max().copied().unwrap_or(0);
            let depth = below.saturating_add(levels(&condition.expression));
            depths.iter_mut().skip(*row).take(1).for_each(|slot| *slot = depth);
            if below <= MOST_LEVELS && depth > MOST_LEVELS {
                let message = format!("conditions nest more than {MOST_LEVELS} levels deep here");
                Diagnostic::error("nested_too_deeply", condition.name.span, message)
                    .report_with(checker, "write it with fewer conditions that name conditions");
            }
        }
        let untyped = |row: usize| Condition {
            expr: Expr::Constant(Value::Bool(false)),
            reads: Reads::default(),
            compound: references.of(row).next().is_some(),
        };
        Self {
            table: (0..declared.len()).map(untyped).collect(),
            sound: order.cycles.is_empty() && depths.iter().all(|depth| *depth <= MOST_LEVELS),
            checked: HashMap::new(),
            used: HashSet::new(),
            guard_sets: HashMap::new(),
        }
    }

    /// The inputs that an expression depends on, those of its conditions included.
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
                Expr::Condition(id) => reads = reads.union(self.table[*id].reads),
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
