//! Tiers, and the rates of tiers and limits.

use crate::check::checker::{Checker, Report};
use crate::collections::table::Table;
use crate::limit::Rate;
use crate::model::diagnostic::Diagnostic;
use crate::model::value::Value;
use crate::syntax::tree;
use crate::typed::{Expr, Limit, Quota, Tier};

/// Longer windows keep state for longer than hosts keep it.
const LONGEST_PERIOD_MILLISECONDS: u64 = 366 * 24 * 60 * 60 * 1000;
/// A sliding log holds an entry an admission.
const MOST_IN_A_LOG: u64 = 1_000_000;

/// One row a declared tier, in the order written.
pub(crate) fn tiers(checker: &Checker<'_>) -> Table<Tier> {
    let declared = checker.names.tiers.values();
    declared.map(|tier| Tier { name: tier.name.node.clone(), rates: rates(checker, &tier.rates) }).collect()
}

/// Rates that all hold, each of a period of its own.
pub(crate) fn rates(checker: &Checker<'_>, written: &[tree::Rate]) -> Vec<Rate> {
    for (row, rate) in written.iter().enumerate() {
        let same = written.iter().take(row).find(|other| other.period.node == rate.period.node);
        if let Some(first) = same {
            Diagnostic::error("duplicate_rate", rate.span, "two rates have the same period")
                .also(first.span, "the other one")
                .report_with(checker, "keep the lower one: both would have to hold");
        }
    }
    written.iter().filter_map(|written| rate(checker, written)).collect()
}

fn rate(checker: &Checker<'_>, rate: &tree::Rate) -> Option<Rate> {
    let in_range = |count: i64| u64::try_from(count).ok().filter(|count| (1..=MOST_IN_A_LOG).contains(count));
    let count = in_range(rate.count.node);
    if count.is_none() {
        Diagnostic::error("rate_out_of_range", rate.count.span, "a rate admits at least 1 and at most 1,000,000")
            .report_with(checker, "write a number in that range, such as `100 per 1m`");
    }
    if !(1..=LONGEST_PERIOD_MILLISECONDS).contains(&rate.period.node) {
        Diagnostic::error("rate_out_of_range", rate.period.span, "a window is longer than 0 and at most 366 days")
            .report_with(checker, "write a duration in that range, such as `1m` or `1d`");
        return None;
    }
    let period = i64::try_from(rate.period.node * 1_000).ok()?;
    let burst = match &rate.burst {
        Some(written) => burst(checker, written, in_range(written.node), Rate { count: count?, period, burst: 1 })?,
        None => count?,
    };
    Some(Rate { count: count?, period, burst })
}

fn burst(checker: &Checker<'_>, burst: &tree::Spanned<i64>, in_range: Option<u64>, rate: Rate) -> Option<u64> {
    let Some(size) = in_range else {
        Diagnostic::error("rate_out_of_range", burst.span, "a burst is at least 1 and at most 1,000,000")
            .report_with(checker, "write a number in that range, such as `100 per 1m burst 200`");
        return None;
    };
    let longest = i64::try_from(LONGEST_PERIOD_MILLISECONDS * 1_000).unwrap_or(i64::MAX);
    if (Rate { burst: size, ..rate }).refill() > longest {
        Diagnostic::error("rate_out_of_range", burst.span, "this burst would take more than 366 days to come back")
            .report_with(checker, "write a smaller burst, or a higher rate");
        return None;
    }
    if size < rate.count {
        Diagnostic::warning("burst_below_rate", burst.span, "the burst is below the rate")
            .label(format!("no more than {size} at once, although the rate is {}", rate.count))
            .help("write a burst of the rate or more, or leave it out: it is then as large as the rate")
            .report(checker);
    }
    Some(size)
}

/// Every rate that the limit can be charged by.
pub(crate) fn possible_rates(quota: &Quota, tiers: &Table<Tier>) -> Vec<Rate> {
    match quota {
        Quota::Rates(rates) => rates.clone(),
        Quota::Tier(Expr::Constant(Value::String(name))) => {
            let named = tiers.iter().filter(|tier| tier.name == *name);
            named.flat_map(|tier| &tier.rates).copied().collect()
        }
        Quota::Tier(_) => tiers.iter().flat_map(|tier| &tier.rates).copied().collect(),
    }
}

/// Reports a `burst` for another algorithm than a token bucket.
pub(crate) fn check_bursts(checker: &Checker<'_>, limit: &tree::Limit, typed: &Limit) {
    if typed.algorithm.has_bursts() {
        return;
    }
    let own = limit.entries.iter().find_map(|entry| match &entry.node {
        tree::LimitEntry::Rate(rates) => rates.iter().find_map(|rate| rate.burst.as_ref()),
        _ => None,
    });
    let burst = own.or_else(|| {
        let of = |tier: &str| match &typed.quota {
            Quota::Rates(_) => false,
            Quota::Tier(Expr::Constant(Value::String(name))) => name == tier,
            Quota::Tier(_) => true,
        };
        let tiers = checker.names.tiers.iter().filter(|(name, _)| of(name));
        tiers.flat_map(|(_, tier)| &tier.rates).find_map(|rate| rate.burst.as_ref())
    });
    if let Some(burst) = burst {
        let algorithm = typed.algorithm.name();
        let mut error = Diagnostic::error(
            "burst_misplaced",
            burst.span,
            format!("`burst` is for a token bucket, and the limit `{}` is a `{algorithm}`", typed.name),
        )
        .help("write `algorithm token_bucket` in the limit, or leave `burst` out");
        if own.is_none() {
            error = error.also(typed.span, "counts by this tier");
        }
        error.report(checker);
    }
}
