//! What a limit asks of one request: which bucket, by which rates, and how much.

use crate::check::typed::{Expr, Limit, Quota, Rate, TypedPolicy};
use crate::decide::datum::Datum;
use crate::decide::evaluate::{Environment, evaluate, truth};
use crate::model::outcome::Outcomes;
use crate::model::value::Known;

use super::key::bucket;

/// What a limit asks.
#[derive(Debug)]
pub(super) struct Terms<'p> {
    pub(super) bucket: String,
    pub(super) rates: &'p [Rate],
    pub(super) cost: u64,
}

/// Why a limit can't be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undecided {
    Key,
    Tier,
    Cost,
    /// Nobody said how the bucket stands.
    State,
    /// A cost below 1. It denies, whatever else can't be known: nothing is had for free, and nothing is given back.
    CheapCost,
    /// The limit is of `concurrency`.
    Concurrency,
}

/// Whether the limit spares the request: only where that is certain.
pub(super) fn skips<'p>(limit: &'p Limit, environment: &Environment<'p>) -> bool {
    limit.skip.as_ref().is_some_and(|skip| truth(skip, environment) == Outcomes::TRUE)
}

/// What the limit asks.
pub(super) fn terms<'p>(
    policy: &'p TypedPolicy,
    limit: &'p Limit,
    environment: &Environment<'p>,
) -> Result<Terms<'p>, Undecided> {
    if limit.concurrency.is_some() {
        return Err(Undecided::Concurrency);
    }
    let cost = cost(limit, environment)?;
    let bucket = bucket(policy, limit, environment).ok_or(Undecided::Key)?;
    let rates = rates(policy, limit, environment).ok_or(Undecided::Tier)?;
    Ok(Terms { bucket, rates, cost })
}

fn rates<'p>(policy: &'p TypedPolicy, limit: &'p Limit, environment: &Environment<'p>) -> Option<&'p [Rate]> {
    match &limit.quota {
        Quota::Rates(rates) => Some(rates),
        Quota::Tier(tier) => {
            let Known::Value(Datum::Text(name)) = evaluate(tier, environment) else { return None };
            policy.tiers.iter().find(|tier| tier.name == name).map(|tier| tier.rates.as_slice())
        }
    }
}

/// The dearest of the costs that hold or may hold; 1 where none does.
fn cost<'p>(limit: &'p Limit, environment: &Environment<'p>) -> Result<u64, Undecided> {
    let spared = |when: &Expr| truth(when, environment) == Outcomes::FALSE;
    let counting = limit.costs.iter().filter(|cost| !cost.when.as_ref().is_some_and(spared));
    let amounts: Vec<Known<Datum<'_>>> = counting.map(|cost| evaluate(&cost.amount, environment)).collect();
    if amounts.iter().any(|amount| matches!(amount, Known::Value(Datum::Int(..=0)))) {
        return Err(Undecided::CheapCost);
    }
    amounts.into_iter().try_fold(1, |dearest, amount| match amount {
        Known::Value(Datum::Int(amount)) => {
            u64::try_from(amount).map(|amount| dearest.max(amount)).or(Err(Undecided::Cost))
        }
        _ => Err(Undecided::Cost),
    })
}
