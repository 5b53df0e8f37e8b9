//! Limits, and the tiers that rates come from.

use crate::model::keywords::{Algorithm, Dialects, OnFailure};
use crate::syntax::tree::{Block, Expression, Span, Spanned, Text, Word};

/// `tier "NAME" { rate, … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The name.
    pub name: Text,
    /// The rates, all of which apply.
    pub rates: Vec<Rate>,
}

/// `N per DURATION [burst N]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The span of the whole rate.
    pub span: Span,
    /// The number of requests in a period.
    pub count: Spanned<i64>,
    /// The period in milliseconds.
    pub period: Spanned<u64>,
    /// The number of requests at once.
    pub burst: Option<Spanned<i64>>,
}

/// `limit NAME { … }`
pub type Limit = Block<Text, LimitEntry>;

/// The entries of a limit.
#[derive(Debug, Clone, PartialEq)]
pub enum LimitEntry {
    /// `algorithm sliding_log`
    Algorithm(Word<Algorithm>),
    /// `key EXPR, …`
    Key(Vec<Expression>),
    /// `tier EXPR`
    Tier(Expression),
    /// `rate N per D [burst N], …`
    Rate(Vec<Rate>),
    /// `cost N [when EXPR]`
    Cost(Expression, Option<Expression>),
    /// `skip when EXPR`
    SkipWhen(Expression),
    /// `on_failure deny|allow`
    OnFailure(Word<OnFailure>),
    /// `headers standard|legacy|both`
    Headers(Word<Dialects>),
    /// `dry_run`
    DryRun,
    /// `concurrency N [timeout D]`, the timeout in milliseconds
    Concurrency(Spanned<i64>, Option<Spanned<u64>>),
    /// `lease N`
    Lease(Spanned<i64>),
    /// `ipv6_prefix N`
    Ipv6Prefix(Spanned<i64>),
}
