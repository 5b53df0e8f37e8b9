//! The charges of a limit for one request: bucket, rates and cost.

use std::num::NonZeroU64;

use crate::decide::limits::key::BucketKey;
use crate::eval::context::Environment;
use crate::eval::evaluate::{evaluate, truth};
use crate::limit::{Charge, Terms};
use crate::model::truth::Truths;
use crate::model::value::Known;
use crate::typed::{Expr, Limit, Quota, TypedPolicy};
use crate::values::value_ref::ValueRef;

/// The reason why a limit can't be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecided {
    Key,
    Tier,
    Cost,
    /// The charge has no outcome.
    State,
    /// A cost below 1. It denies even if `on_failure` allows.
    CheapCost,
}

/// True if the limit certainly doesn't apply to the request.
pub(crate) fn skips<'p>(limit: &'p Limit, environment: &Environment<'p>) -> bool {
    limit.skip.as_ref().is_some_and(|skip| truth(skip, environment) == Truths::TRUE)
}

/// The charge of the limit's rates, the charge of its concurrency, or both.
pub(crate) fn charges<'p>(
    policy: &'p TypedPolicy,
    limit: &'p Limit,
    environment: &Environment<'p>,
) -> Result<impl Iterator<Item = Charge>, Undecided> {
    let charge = |bucket: String, terms: &Terms, cost| {
        let lease = limit.lease;
        Charge { dry_run: limit.dry_run, lease, ..Charge::new(bucket, terms.clone(), cost) }
    };
    let cost = if limit.terms.is_empty() { NonZeroU64::MIN } else { cost(limit, environment)? };
    let key = BucketKey::of(limit, environment).ok_or(Undecided::Key)?;
    let by_rate = match limit.terms.is_empty() {
        true => None,
        false => {
            Some(charge(key.bucket(policy, limit), rates(policy, limit, environment).ok_or(Undecided::Tier)?, cost))
        }
    };
    let running = limit.concurrency.as_ref().map(|terms| {
        let slot = charge(key.slots_bucket(policy, limit), terms, NonZeroU64::MIN);
        Charge { lease: None, ..slot }
    });
    Ok(by_rate.into_iter().chain(running))
}

fn rates<'p>(policy: &'p TypedPolicy, limit: &'p Limit, environment: &Environment<'p>) -> Option<&'p Terms> {
    match &limit.quota {
        Quota::Rates(_) => limit.terms.first(),
        Quota::Tier(tier) => {
            let Known::Value(ValueRef::Text(name)) = evaluate(tier, environment) else { return None };
            let mut tiers = policy.tiers.iter().zip(&limit.terms);
            tiers.find(|(tier, _)| tier.name == name).map(|(_, terms)| terms)
        }
    }
}

/// The highest of the costs that apply or may apply; 1 if none does.
fn cost<'p>(limit: &'p Limit, environment: &Environment<'p>) -> Result<NonZeroU64, Undecided> {
    let spared = |when: &Expr| truth(when, environment) == Truths::FALSE;
    let counting = limit.costs.iter().filter(|cost| !cost.when.as_ref().is_some_and(spared));
    let amounts: Vec<Known<ValueRef<'_>>> = counting.map(|cost| evaluate(&cost.amount, environment)).collect();
    if amounts.iter().any(|amount| matches!(amount, Known::Value(ValueRef::Int(..=0)))) {
        return Err(Undecided::CheapCost);
    }
    amounts.into_iter().try_fold(NonZeroU64::MIN, |dearest, amount| match amount {
        Known::Value(ValueRef::Int(amount)) => {
            let amount = u64::try_from(amount).ok().and_then(NonZeroU64::new);
            amount.map(|amount| dearest.max(amount)).ok_or(Undecided::Cost)
        }
        _ => Err(Undecided::Cost),
    })
}
