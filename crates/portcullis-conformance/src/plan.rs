//! The limits of a random policy, which is reformed now and then, and what is charged by them.

use std::num::NonZeroU64;

use portcullis::limit::{Algorithm, Charge, Rate, Terms};

/// A second, in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// Periods of rates, which the clock's steps go by, too.
pub(crate) const PERIODS: [i64; 8] =
    [Rate::SHORTEST, 999_983, SECOND, 7 * SECOND + 1, 60 * SECOND, 3_600 * SECOND, DAY, Rate::LONGEST];

/// A limit as a policy has it: by which rates the callers of each tier are charged.
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

    /// What a cost means in this tier.
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

/// How much a charge costs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cost {
    Plain(u64),
    /// About as much as there ever is.
    Near(i64),
    /// So many thousandths of that.
    Part(u64),
}

/// One charge of a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Which limit, modulo how many there are.
    pub(crate) limit: usize,
    pub(crate) tier: usize,
    /// Whether it is charged as the reformed policy says.
    pub(crate) reformed: bool,
    pub(crate) cost: Cost,
    pub(crate) dry_run: bool,
    pub(crate) lease: Option<NonZeroU64>,
}

/// A policy: its limits, each as it is and as it is after a reform.
#[derive(Debug, Clone)]
pub(crate) struct Plan(pub(crate) Vec<(Limit, Limit)>);

impl Plan {
    pub(crate) fn charge(&self, wish: Wish) -> Option<Charge> {
        let row = wish.limit.checked_rem(self.0.len())?;
        let (before, after) = self.0.get(row)?;
        let limit = if wish.reformed { after } else { before };
        let mut charge = Charge::new(bucket(row), limit.terms(wish.tier), limit.cost(wish.tier, wish.cost));
        charge.dry_run = wish.dry_run;
        charge.lease = wish.lease;
        Some(charge)
    }
}

/// The bucket of a limit. All are of one caller, so that a store which keeps the buckets of a caller together has them in one
/// place.
pub(crate) fn bucket(limit: usize) -> String {
    format!("l{limit}/0:1:u")
}
