//! Limits, tiers and costs.

use std::num::NonZeroU64;

use crate::limit::{self, Algorithm, Rate};
use crate::model::keywords::{Dialects, OnFailure};
use crate::model::source::Span;
use crate::typed::expressions::Expr;

/// A named rate, or several that all hold.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(crate) name: String,
    pub(crate) rates: Vec<Rate>,
}

/// A limit on the rate of requests, or on concurrent requests.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Vec<Expr>,
    pub(crate) quota: Quota,
    /// The dearest that holds counts.
    pub(crate) costs: Vec<Cost>,
    /// Charged unless it is true.
    pub(crate) skip: Option<Expr>,
    pub(crate) on_failure: OnFailure,
    pub(crate) dialects: Dialects,
    /// Counts and reports, and never denies.
    pub(crate) dry_run: bool,
    /// The most concurrent requests.
    pub(crate) concurrency: Option<limit::Terms>,
    /// The most that a machine may take in advance from a shared store.
    pub(crate) lease: Option<NonZeroU64>,
    /// IPv6 clients are counted by the subnet of so many bits.
    pub(crate) ipv6_prefix: u8,
    /// The terms that it is charged by: its own, or those of each tier, in the order of the tiers. None for a limit on
    /// concurrency alone.
    pub(crate) terms: Vec<limit::Terms>,
    pub(crate) stage: ChargeStage,
}

/// The cost of a request.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) amount: Expr,
    /// Counts unless it is false.
    pub(crate) when: Option<Expr>,
}

/// The stage at which a limit is charged, which depends on its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChargeStage {
    /// Before authentication: it doesn't read the user.
    Guard,
    /// After authentication.
    Limit,
    /// It reads the body or the query.
    AfterValidate,
}

/// The source of a limit's rates.
#[derive(Debug)]
pub(crate) enum Quota {
    /// Empty for a limit on concurrency alone.
    Rates(Vec<Rate>),
    Tier(Expr),
}
