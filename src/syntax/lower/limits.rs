//! Lowers tiers and limits.

use crate::syntax::literal::{duration, int};
use crate::syntax::lower::{Lowering, Pair, Parts, optional};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{Block, DeclarationKind, LimitEntry, Rate, Tier};

/// Lowers the declaration after its keyword.
pub(crate) fn declaration(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<DeclarationKind> {
    let name = lowering.next_text(&mut parts)?;
    Some(match rule {
        Rule::tier => DeclarationKind::Tier(Tier { name, rates: rates(lowering, parts)? }),
        _ => DeclarationKind::Limit(Block { name, entries: lowering.entries(parts, limit_entry)? }),
    })
}

fn rates(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<Vec<Rate>> {
    parts
        .map(|pair| {
            let span = lowering.span(&pair);
            let mut parts = Parts::of(pair);
            let count = int(lowering, &parts.pick(Rule::int)?)?;
            let period = duration(lowering, &parts.pick(Rule::duration)?)?;
            let burst = optional(parts.pick(Rule::int), |burst| int(lowering, &burst))?;
            Some(Rate { span, count, period, burst })
        })
        .collect()
}

fn limit_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<LimitEntry> {
    Some(match keyword.as_rule() {
        Rule::k_algorithm => LimitEntry::Algorithm(lowering.word(&parts.next()?)),
        Rule::k_key => LimitEntry::Key(parts.map(|part| lowering.expression(part)).collect::<Option<_>>()?),
        Rule::k_tier => LimitEntry::Tier(lowering.next_expression(&mut parts)?),
        Rule::k_rate => LimitEntry::Rate(rates(lowering, parts)?),
        Rule::k_cost => {
            let cost = lowering.next_expression(&mut parts)?;
            let when = optional(parts.next(), |when| lowering.next_expression(&mut Parts::of(when)))?;
            LimitEntry::Cost(cost, when)
        }
        Rule::k_skip => LimitEntry::SkipWhen(lowering.next_expression(&mut Parts::of(parts.next()?))?),
        Rule::k_on_failure => LimitEntry::OnFailure(lowering.word(&parts.next()?)),
        Rule::k_headers => LimitEntry::Headers(lowering.word(&parts.next()?)),
        Rule::k_dry_run => LimitEntry::DryRun,
        Rule::k_concurrency => {
            let most = int(lowering, &parts.pick(Rule::int)?)?;
            let timeout = optional(parts.pick(Rule::duration), |timeout| duration(lowering, &timeout))?;
            LimitEntry::Concurrency(most, timeout)
        }
        Rule::k_lease => LimitEntry::Lease(int(lowering, &parts.next()?)?),
        Rule::k_ipv6_prefix => LimitEntry::Ipv6Prefix(int(lowering, &parts.next()?)?),
        _ => return None,
    })
}
