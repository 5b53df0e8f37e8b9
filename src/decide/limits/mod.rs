//! Rate and concurrency limits: the charges of a request and their results. All limits of a stage are charged together, or
//! none is.

pub(crate) mod headers;
pub(crate) mod key;
pub(crate) mod terms;

use http::{HeaderValue, header};

use crate::collections::table::Id;
use crate::decide::denial::Denial;
use crate::decide::limits::headers::seconds;
pub(crate) use crate::decide::limits::headers::{TightestRate, headers};
use crate::decide::limits::terms::{Undecided, charges, skips};
use crate::eval::context::Environment;
use crate::limit::{Admitted, Charge, Outcome, Refusal};
use crate::model::reason::{Code, Stage};
use crate::protocol::decision::Effect;
use crate::typed::{ChargeStage, Limit, OnFailure, TypedPolicy};

/// The charges of a stage's limits.
#[derive(Debug, Default)]
pub(crate) struct ChargePlan<'p> {
    /// The limit of each charge.
    limits: Vec<&'p Limit>,
    pub(crate) charges: Vec<Charge>,
    /// Undecided limits that let the request pass.
    notes: Vec<Denial>,
    refused: Option<Denial>,
}

/// The result of a stage's charges.
#[derive(Debug, Default)]
pub(crate) struct StageResult<'p> {
    pub(crate) effects: Vec<Effect>,
    pub(crate) tightest: Option<TightestRate<'p>>,
    /// Refusing or undecided limits that let the request pass.
    pub(crate) notes: Vec<Denial>,
    pub(crate) refused: Option<Denial>,
}

/// Plans the charges of limits. An undecided limit that denies leaves no charges.
pub(crate) fn plan<'p>(policy: &'p TypedPolicy, limits: &[Id<Limit>], environment: &Environment<'_>) -> ChargePlan<'p> {
    let mut plan = ChargePlan::default();
    for limit in limits.iter().map(|limit| &policy.limits[*limit]).filter(|limit| !skips(limit, environment)) {
        match charges(policy, limit, environment) {
            Ok(charges) => {
                plan.charges.extend(charges);
                plan.limits.resize(plan.charges.len(), limit);
            }
            Err(why) if passes(limit, why) => plan.notes.push(undecided(limit, why)),
            Err(why) => {
                let refused = Some(undecided(limit, why));
                return ChargePlan { refused, notes: plan.notes, ..ChargePlan::default() };
            }
        }
    }
    plan
}

impl<'p> ChargePlan<'p> {
    /// Combines the outcomes, one for each charge.
    pub(crate) fn settle(self, outcomes: &[Outcome]) -> StageResult<'p> {
        let mut charged = StageResult { notes: self.notes, refused: self.refused, ..StageResult::default() };
        let mut refused: Option<TightestRate<'p>> = None;
        let mut longest_wait: Option<(&Limit, &Charge, Option<i64>)> = None;
        for ((limit, charge), outcome) in self.limits.into_iter().zip(&self.charges).zip(outcomes) {
            let is_rate = charge.terms.algorithm().has_rates();
            match *outcome {
                Outcome::Admitted(Admitted { standing, slot, .. }) => {
                    let bucket = || charge.bucket.clone();
                    charged.effects.extend(slot.map(|slot| Effect::Slot { bucket: bucket(), slot }));
                    if is_rate && !limit.dry_run {
                        charged.tightest = Some(TightestRate { limit, standing }.or(charged.tightest));
                    }
                }
                Outcome::Refused(Refusal { retry_after, .. }) if limit.dry_run => {
                    charged.notes.push(used_up(limit, charge, retry_after));
                }
                Outcome::Refused(Refusal { standing, retry_after }) => {
                    let longer = longest_wait.is_none_or(|(_, _, known)| match (known, retry_after) {
                        (Some(known), Some(wait)) => wait > known,
                        (Some(_), None) => true,
                        (None, _) => false,
                    });
                    if longer {
                        longest_wait = Some((limit, charge, retry_after));
                    }
                    if is_rate {
                        refused = Some(TightestRate { limit, standing }.or(refused));
                    }
                }
            }
        }
        if let Some((limit, charge, wait)) = longest_wait {
            // Nothing was consumed, so the other limits' remainders don't apply.
            charged.tightest = refused;
            charged.refused = Some(used_up(limit, charge, wait));
        }
        charged
    }

    /// The result if the charges have no outcomes.
    pub(crate) fn unanswered(self) -> StageResult<'p> {
        let mut charged = StageResult { notes: self.notes, ..StageResult::default() };
        let mut limits = self.limits;
        limits.dedup_by(|one, other| std::ptr::eq(*one, *other));
        for limit in limits {
            let denial = undecided(limit, Undecided::State);
            if passes(limit, Undecided::State) {
                charged.notes.push(denial);
            } else {
                charged.refused = charged.refused.or(Some(denial));
            }
        }
        charged
    }
}

/// True if a request passes an undecided limit. `on_failure allow` covers missing facts only.
fn passes(limit: &Limit, why: Undecided) -> bool {
    match why {
        Undecided::Key | Undecided::Tier | Undecided::Cost | Undecided::State => {
            limit.dry_run || limit.on_failure == OnFailure::Allow
        }
        Undecided::CheapCost => limit.dry_run,
    }
}

fn undecided(limit: &Limit, why: Undecided) -> Denial {
    let why = match why {
        Undecided::Key => "its key is unknown",
        Undecided::Tier => "its tier is unknown",
        Undecided::Cost => "its cost is unknown",
        Undecided::State => "nothing is known of its bucket",
        Undecided::CheapCost => "a request costs at least 1, and this one less",
    };
    denial(limit, Code::LimitUndecided, format!("the limit `{}` can't be decided: {why}", limit.name))
}

/// The longest wait for a slot in microseconds: a slot may be released at any moment.
const MAX_SLOT_WAIT: i64 = 1_000_000;

fn used_up(limit: &Limit, charge: &Charge, wait: Option<i64>) -> Denial {
    let Some(wait) = wait else {
        let message = format!("the request costs more than the limit `{}` ever admits", limit.name);
        return denial(limit, Code::RateLimited, message);
    };
    let (message, wait) = match charge.terms.algorithm().has_rates() {
        true => (format!("the limit `{}` is used up", limit.name), wait),
        false => {
            (format!("as many requests run as the limit `{}` lets run at once", limit.name), wait.min(MAX_SLOT_WAIT))
        }
    };
    denial(limit, Code::RateLimited, message).with_header(header::RETRY_AFTER, HeaderValue::from(seconds(wait)))
}

fn denial(limit: &Limit, code: Code, message: String) -> Denial {
    let stage = match limit.stage {
        ChargeStage::Guard => Stage::Guard,
        ChargeStage::Limit | ChargeStage::AfterValidate => Stage::Limit,
    };
    let message = if limit.dry_run { format!("{message} (`dry_run`: it let the request pass)") } else { message };
    Denial::new(code, stage, message).at(limit.span)
}
