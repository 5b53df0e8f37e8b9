//! Limits, tiers and costs.

use std::num::NonZeroU64;

use crate::limit::{self, Algorithm, Rate};
use crate::model::source::Span;
use crate::typed::expressions::Expr;

/// A named rate, or several that all hold.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(crate) name: String,
    pub(crate) rates: Vec<Rate>,
}

/// How often.
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
    /// How many at once.
    pub(crate) concurrency: Option<limit::Terms>,
    /// How much a machine may take from a shared store at once.
    pub(crate) lease: Option<NonZeroU64>,
    /// IPv6 clients are counted by the subnet of so many bits.
    pub(crate) ipv6_prefix: u8,
    /// By what it is charged: by its own rates, or by those of each tier, in the order of the tiers; by nothing, where it says
    /// only how many run at once.
    pub(crate) terms: Vec<limit::Terms>,
    pub(crate) stage: ChargeStage,
}

/// What a request costs.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) amount: Expr,
    /// Counts unless it is false.
    pub(crate) when: Option<Expr>,
}

/// When a limit is charged, by what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChargeStage {
    /// Before authentication: it doesn't read the user.
    Guard,
    /// Once it is known who is calling.
    Limit,
    /// It reads the body or the query.
    AfterValidate,
}

/// Which headers tell clients how a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialects {
    /// `RateLimit` and `RateLimit-Policy`
    Standard,
    /// `X-RateLimit-*`
    Legacy,
    Both,
}

/// Where a limit's rates come from.
#[derive(Debug)]
pub(crate) enum Quota {
    /// None at all, where the limit has none.
    Rates(Vec<Rate>),
    Tier(Expr),
}

/// What a limit does where it can't be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    Deny,
    Allow,
}
