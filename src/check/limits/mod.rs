//! Limits, tiers, rates and costs.

pub(crate) mod cost;
pub(crate) mod limit;
pub(crate) mod rate;
