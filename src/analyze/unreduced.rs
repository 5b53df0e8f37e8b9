//! Warnings for permissions whose rules don't reduce to one diagram: the cost of a decision then grows with the rules.

use std::collections::HashSet;

use crate::collections::table::Id;
use crate::graph::{DecisionGraph, Phase, Plan};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::typed::{Permission, Rule, Terms, TypedPolicy};

/// The most warnings: more permissions usually share their causes.
const MOST_WARNINGS: usize = 10;
/// The most conditions that a warning shows beside the first.
const MOST_SHOWN: usize = 5;

/// A warning for each set of rules that is decided by several diagrams, one after the other.
pub(crate) fn unreduced(policy: &TypedPolicy, graph: &DecisionGraph) -> Vec<Diagnostic> {
    let mut seen: HashSet<Id<Terms>> = HashSet::new();
    let compounds = policy.permissions.enumerate().filter_map(|(id, permission)| {
        let Plan::Compound(compound) = graph.permission(id, Phase::AfterInput) else { return None };
        seen.insert(permission.terms).then_some((id, permission, compound))
    });
    compounds
        .take(MOST_WARNINGS)
        .filter_map(|(id, permission, compound)| {
            let name = policy.permission_names.get(id);
            warning(policy, permission, name, graph.logic.diagrams_of(compound))
        })
        .collect()
}

fn warning(policy: &TypedPolicy, permission: &Permission, name: &str, diagrams: usize) -> Option<Diagnostic> {
    let terms = policy.terms(permission);
    let rules = terms.rules();
    let conditional = |rule: Id<Rule>| policy.rules[rule].condition.as_ref().map(|_| policy.rules[rule].span);
    let mut spans: Vec<Span> = rules.filter_map(conditional).collect();
    spans.sort_unstable();
    spans.dedup();
    let (first, others) = spans.split_first()?;
    let message =
        format!("the conditions of `{name}` don't reduce to one diagram: {diagrams} are followed one after the other");
    let mut warning = Diagnostic::warning("unreduced", *first, message).label("one of the conditions");
    for span in others.iter().take(MOST_SHOWN) {
        warning = warning.also(*span, "another");
    }
    let more = others.len().saturating_sub(MOST_SHOWN);
    let help = "what is decided is the same; to make it cheaper, let rules share conditions, or compare fewer \
                attributes with each other";
    Some(warning.help(match more {
        0 => help.to_owned(),
        more => format!("{help}; {more} more rules take part"),
    }))
}
