//! The limits of a random policy, which is changed now and then, and the charges by them.

use std::num::NonZeroU64;

use portcullis::limit::{Algorithm, Charge, Rate, Terms};

/// A second, in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// The periods of rates, which are also steps of the clock.
pub(crate) const PERIODS: [i64; 8] =
    [Rate::SHORTEST, 999_983, SECOND, 7 * SECOND + 1, 60 * SECOND, 3_600 * SECOND, DAY, Rate::LONGEST];

/// A limit of a policy: its algorithm and the rates of each tier.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) algorithm: Algorithm,
    pub(crate) tiers: Vec<Vec<Rate>>,
}

impl Limit {
    fn tier(&self, tier: usize) -> &[Rate] {
        tier.checked_rem(self.tiers.len()).and_then(|row| self.tiers.get(row)).map_or(&[], Vec::as_slice)
    }

    fn terms(&self, tier: usize) -> Terms {
        Terms::among(self.algorithm, self.tier(tier), &self.tiers.concat())
    }

    /// Resolves a cost for a tier.
    fn cost(&self, tier: usize, cost: Cost) -> NonZeroU64 {
        let most = self.tier(tier).first().map_or(1, |rate| match self.algorithm {
            Algorithm::TokenBucket => rate.burst(),
            _ => rate.count(),
        });
        let cost = match cost {
            Cost::Plain(cost) => cost,
            Cost::Near(off) => most.saturating_add_signed(off),
            Cost::Part(thousandths) => most * thousandths / 1_000,
        };
        NonZeroU64::new(cost).unwrap_or(NonZeroU64::MIN)
    }
}

/// The cost of a charge.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cost {
    Plain(u64),
    /// The most that the limit admits, plus an offset.
    Near(i64),
    /// Thousandths of the most that the limit admits.
    Part(u64),
}

/// One charge of a stage, before the policy is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedCharge {
    /// The row of the limit, modulo their number.
    pub(crate) limit: usize,
    pub(crate) tier: usize,
    /// True if it is charged by the changed policy.
    pub(crate) is_changed: bool,
    pub(crate) cost: Cost,
    pub(crate) dry_run: bool,
    pub(crate) lease: Option<NonZeroU64>,
}

/// A policy: its limits, each before and after the change of the policy.
#[derive(Debug, Clone)]
pub(crate) struct Plan(pub(crate) Vec<(Limit, Limit)>);

impl Plan {
    pub(crate) fn charge(&self, planned: PlannedCharge) -> Option<Charge> {
        let row = planned.limit.checked_rem(self.0.len())?;
        let (before, after) = self.0.get(row)?;
        let limit = if planned.is_changed { after } else { before };
        let mut charge = Charge::new(bucket(row), limit.terms(planned.tier), limit.cost(planned.tier, planned.cost));
        charge.dry_run = planned.dry_run;
        charge.lease = planned.lease;
        Some(charge)
    }
}

/// The bucket of a limit. All belong to one caller, so that a cluster keeps them in one slot.
pub(crate) fn bucket(limit: usize) -> String {
    format!("l{limit}/0:1:u")
}
