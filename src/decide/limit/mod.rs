//! How often: which buckets a request is charged to, whether they admit it, and what the client is told. All
//! limits of a stage are charged together, or none is.

mod charge;
mod fixed_window;
mod headers;
mod key;
mod sliding_log;
mod sliding_window;
mod terms;
mod token_bucket;

pub(super) use headers::{Tightest, headers};

use http::{HeaderValue, header};
use jiff::Timestamp;

use crate::check::typed::{ChargeStage, Limit, OnFailure, TypedPolicy};
use crate::model::bucket::BucketState;
use crate::model::decision::Effect;
use crate::model::reason::{Code, Stage};
use crate::model::table::Id;

use super::Denial;
use super::evaluate::Environment;
use super::lookup::Lookup;
use charge::{Charge, Charged, Kept, Refusal};
use headers::seconds;
use terms::{Terms, Undecided, skips, terms};

/// What charging a set of limits came to.
#[derive(Debug, Default)]
pub(super) struct Outcome<'p> {
    pub(super) effects: Vec<Effect>,
    pub(super) tightest: Option<Tightest<'p>>,
    /// Limits that would have denied, or couldn't be decided, and let the request pass all the same.
    pub(super) notes: Vec<Denial>,
    pub(super) refused: Option<Denial>,
}

/// Charges all limits of a set, or none.
pub(super) fn charge_all<'p>(
    policy: &'p TypedPolicy,
    limits: &[Id<Limit>],
    environment: &Environment<'_>,
    (lookup, now): (&Lookup<'_>, Timestamp),
) -> Outcome<'p> {
    let mut outcome = Outcome::default();
    let mut healed = Vec::new();
    let mut refused: Option<Tightest<'p>> = None;
    let mut longest_wait: Option<(&Limit, Option<i64>)> = None;
    for limit in limits.iter().map(|limit| &policy.limits[*limit]).filter(|limit| !skips(limit, environment)) {
        let Terms { bucket, rates, cost } = match terms(policy, limit, environment) {
            Ok(terms) => terms,
            Err(why) if passes(limit, why) => {
                outcome.notes.push(undecided(limit, why));
                continue;
            }
            Err(why) => {
                let refused = Some(undecided(limit, why));
                return Outcome { refused, notes: outcome.notes, ..Outcome::default() };
            }
        };
        let Some(state) = lookup.bucket(&bucket) else {
            if passes(limit, Undecided::State) {
                outcome.notes.push(undecided(limit, Undecided::State));
                continue;
            }
            let refused = Some(undecided(limit, Undecided::State));
            return Outcome { refused, notes: outcome.notes, ..Outcome::default() };
        };
        let state = &*state;
        let charge = Charge { limit, rates, cost, now: now.as_microsecond() };
        match charge::charge(state, charge) {
            Charged::Admitted { after, standing } => {
                outcome.effects.push(effect(bucket, state, after));
                if !limit.dry_run {
                    outcome.tightest = Some(Tightest { limit, standing }.or(outcome.tightest));
                }
            }
            Charged::Refused { refusal: Refusal { standing, retry_after }, healed: kept } => {
                healed.extend(kept.map(|kept| effect(bucket, state, kept)));
                if limit.dry_run {
                    outcome.notes.push(used_up(limit, retry_after));
                    continue;
                }
                let longer = longest_wait.is_none_or(|(_, known)| match (known, retry_after) {
                    (Some(known), Some(wait)) => wait > known,
                    (Some(_), None) => true,
                    (None, _) => false,
                });
                if longer {
                    longest_wait = Some((limit, retry_after));
                }
                refused = Some(Tightest { limit, standing }.or(refused));
            }
        }
    }
    if let Some((limit, wait)) = longest_wait {
        // None was consumed, so what the others would have left says nothing.
        outcome.effects.clear();
        outcome.tightest = refused;
        outcome.refused = Some(used_up(limit, wait));
    }
    outcome.effects.extend(healed);
    outcome
}

fn effect(id: String, read: &BucketState, kept: Kept) -> Effect {
    Effect::Bucket {
        id,
        read: read.version,
        state: BucketState { version: read.version.wrapping_add(1), usage: kept.usage },
        expires: Timestamp::from_microsecond(kept.expires).unwrap_or(Timestamp::MAX),
    }
}

/// Whether a request passes a limit that can't be decided. What the policy's author let pass are facts that are missing.
fn passes(limit: &Limit, why: Undecided) -> bool {
    match why {
        Undecided::Key | Undecided::Tier | Undecided::Cost | Undecided::State => {
            limit.dry_run || limit.on_failure == OnFailure::Allow
        }
        Undecided::CheapCost | Undecided::Concurrency => limit.dry_run,
    }
}

fn undecided(limit: &Limit, why: Undecided) -> Denial {
    let why = match why {
        Undecided::Key => "its key is unknown",
        Undecided::Tier => "its tier is unknown",
        Undecided::Cost => "its cost is unknown",
        Undecided::State => "nothing is known of its bucket",
        Undecided::CheapCost => "a request costs at least 1, and this one less",
        Undecided::Concurrency => "this version doesn't count how many requests run at once",
    };
    denial(limit, Code::LimitUndecided, format!("the limit `{}` can't be decided: {why}", limit.name))
}

fn used_up(limit: &Limit, wait: Option<i64>) -> Denial {
    let Some(wait) = wait else {
        let message = format!("the request costs more than the limit `{}` ever admits", limit.name);
        return denial(limit, Code::RateLimited, message);
    };
    let denial = denial(limit, Code::RateLimited, format!("the limit `{}` is used up", limit.name));
    denial.with_header(header::RETRY_AFTER, HeaderValue::from(seconds(wait)))
}

fn denial(limit: &Limit, code: Code, message: String) -> Denial {
    let stage = match limit.stage {
        ChargeStage::Guard => Stage::Guard,
        ChargeStage::Limit | ChargeStage::AfterValidate => Stage::Limit,
    };
    let message = if limit.dry_run { format!("{message} (`dry_run`: it let the request pass)") } else { message };
    Denial::new(code, stage, message).at(limit.span)
}
