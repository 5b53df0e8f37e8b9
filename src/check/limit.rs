//! Tiers and limits.

use crate::model::diagnostic::Diagnostic;
use crate::model::table::Table;
use crate::model::value::Value;
use crate::syntax::tree::{self, Expression, ExpressionKind, LimitEntry, Literal, Text};

use super::Checker;
use super::entries::Entries;
use super::expression::View;
use super::names::{suggest, unsupported};
use super::token::incomplete;
use super::typed::{Expr, Limit, OnFailure, Quota, Rate, Tier, Type};

/// Longer windows keep state for longer than hosts keep it.
const LONGEST_PERIOD_MILLISECONDS: u64 = 366 * 24 * 60 * 60 * 1000;
/// A sliding log holds an entry an admission.
const MOST_IN_A_LOG: u64 = 1_000_000;

impl Checker<'_> {
    /// One row a declared tier, in the order written.
    pub(super) fn tiers(&mut self) -> Table<Tier> {
        let declared: Vec<_> = self.names.tiers.iter().map(|(_, tier)| *tier).collect();
        declared.into_iter().map(|tier| Tier { name: tier.name.node.clone(), rates: self.rates(&tier.rates) }).collect()
    }

    fn rates(&mut self, rates: &[tree::Rate]) -> Vec<Rate> {
        rates.iter().filter_map(|rate| self.rate(rate)).collect()
    }

    fn rate(&mut self, rate: &tree::Rate) -> Option<Rate> {
        let count = u64::try_from(rate.count.node).ok().filter(|count| (1..=MOST_IN_A_LOG).contains(count));
        if count.is_none() {
            self.report(
                Diagnostic::error(
                    "rate_out_of_range",
                    rate.count.span,
                    "a rate admits at least 1 and at most 1,000,000",
                )
                .help("write a number in that range, such as `100 per 1m`"),
            );
        }
        if !(1..=LONGEST_PERIOD_MILLISECONDS).contains(&rate.period.node) {
            self.report(
                Diagnostic::error(
                    "rate_out_of_range",
                    rate.period.span,
                    "a window is longer than 0 and at most 366 days",
                )
                .help("write a duration in that range, such as `1m` or `1d`"),
            );
            return None;
        }
        if let Some(burst) = &rate.burst {
            self.report(unsupported(burst.span, "`burst`"));
        }
        let period = i64::try_from(rate.period.node * 1_000).ok()?;
        Some(Rate { count: count?, period })
    }

    /// One row a declared limit, in the order written.
    pub(super) fn limits(&mut self, tiers: &Table<Tier>, has_users: bool) -> Table<Limit> {
        let declared: Vec<_> = self.names.limits.iter().map(|(_, limit)| *limit).collect();
        let mut routes = vec![Vec::new(); declared.len()];
        for (id, route) in self.routes.enumerate() {
            for limit in &route.limits {
                routes.iter_mut().skip(limit.row()).take(1).for_each(|routes| routes.push(id));
            }
        }
        let rows = declared.into_iter().zip(routes).enumerate();
        rows.map(|(row, (limit, routes))| self.limit(limit, &View::limit(row, &routes), has_users, tiers)).collect()
    }

    fn limit(&mut self, limit: &tree::Limit, view: &View<'_>, has_users: bool, tiers: &Table<Tier>) -> Limit {
        let mut entries = Entries::default();
        let mut key: Option<Vec<Expr>> = None;
        let mut quota: Option<Quota> = None;
        let mut typed = Limit {
            name: limit.name.node.clone(),
            span: limit.name.span,
            key: Vec::new(),
            quota: Quota::Rates(Vec::new()),
            cost: 1,
            on_failure: OnFailure::Deny,
            longest_period: 0,
            reads_user: false,
        };
        for entry in &limit.entries {
            let word = entry_word(&entry.node);
            if !entries.first(word, entry.span, &mut self.diagnostics) {
                continue;
            }
            match &entry.node {
                LimitEntry::Algorithm(name) => self.limit_algorithm(name),
                LimitEntry::Key(parts) => {
                    key = Some(parts.iter().filter_map(|part| self.key_part(part, view)).collect());
                }
                LimitEntry::Tier(tier) => quota = Some(self.tier(tier, view)),
                LimitEntry::Rate(rates) => quota = Some(Quota::Rates(self.rates(rates))),
                LimitEntry::Cost(cost, None) => typed.cost = self.cost(cost),
                LimitEntry::OnFailure(what) => match what.node.as_str() {
                    "deny" => typed.on_failure = OnFailure::Deny,
                    "allow" => typed.on_failure = OnFailure::Allow,
                    other => self.report(
                        Diagnostic::error("unknown_name", what.span, format!("`on_failure` can't be `{other}`"))
                            .help("write `on_failure deny` or `on_failure allow`"),
                    ),
                },
                LimitEntry::Cost(_, Some(_))
                | LimitEntry::SkipWhen(_)
                | LimitEntry::Headers(_)
                | LimitEntry::DryRun
                | LimitEntry::Concurrency(_)
                | LimitEntry::Lease(_)
                | LimitEntry::Ipv6Prefix(_) => self.report(unsupported(entry.span, &format!("`{word}`"))),
            }
        }
        let wrote = |word: &str| entries.span(word).is_some();
        if !wrote("algorithm") {
            self.report(incomplete(&limit.name, "algorithm", "algorithm sliding_log"));
        }
        if !wrote("key") {
            self.report(incomplete(&limit.name, "key", "key user.id ?? client.ip"));
        }
        if !wrote("tier") && !wrote("rate") {
            self.report(incomplete(&limit.name, "rate", "rate 100 per 1m"));
        }
        if let (true, Some(span)) = (wrote("rate"), entries.span("tier")) {
            self.report(
                Diagnostic::error("tier_and_rate", span, "a limit goes by its tier or by its own rate, not by both")
                    .help("take one of them out, or make two limits"),
            );
        }
        typed.key = key.unwrap_or_default();
        typed.quota = quota.unwrap_or(Quota::Rates(Vec::new()));
        let rates = self.possible_rates(&typed.quota, tiers);
        typed.longest_period = rates.iter().map(|rate| rate.period).max().unwrap_or(0);
        if let Some(rate) = rates.iter().find(|rate| rate.count < typed.cost) {
            self.report(
                Diagnostic::error("cost_out_of_range", limit.name.span, "a request costs more than a rate ever admits")
                    .label(format!("costs {}, and a rate admits {}", typed.cost, rate.count))
                    .help("lower the cost, or raise the rate"),
            );
        }
        typed.reads_user = typed.key.iter().any(|part| self.reads(part).user)
            || matches!(&typed.quota, Quota::Tier(tier) if self.reads(tier).user);
        if typed.reads_user && !has_users {
            self.report(
                Diagnostic::error("no_users", limit.name.span, "this limit reads the user, and nothing makes one")
                    .help("declare `user from TOKEN { … }`, or key the limit on `client.ip`"),
            );
        }
        typed
    }

    /// Every rate that the limit can be charged by.
    fn possible_rates(&self, quota: &Quota, tiers: &Table<Tier>) -> Vec<Rate> {
        match quota {
            Quota::Rates(rates) => rates.clone(),
            Quota::Tier(Expr::Constant(Value::String(name))) => {
                let named = tiers.iter().filter(|tier| tier.name == *name);
                named.flat_map(|tier| &tier.rates).copied().collect()
            }
            Quota::Tier(_) => tiers.iter().flat_map(|tier| &tier.rates).copied().collect(),
        }
    }

    fn limit_algorithm(&mut self, name: &Text) {
        const ALGORITHMS: [&str; 4] = ["fixed_window", "sliding_window", "sliding_log", "token_bucket"];
        match name.node.as_str() {
            "sliding_log" => {}
            other if ALGORITHMS.contains(&other) => {
                let error = unsupported(name.span, &format!("the algorithm `{other}`"));
                self.report(error.help("this version has `sliding_log`, which is exact"));
            }
            other => {
                let message = format!("there is no limit algorithm `{other}`");
                let error = Diagnostic::error("unknown_algorithm", name.span, message);
                self.report(match suggest(other, ALGORITHMS.into_iter()) {
                    Some(meant) => error.help(format!("did you mean `{meant}`?")),
                    None => error.help("write `algorithm sliding_log`"),
                });
            }
        }
    }

    /// The name of a tier, which may come with the caller. Every constant must be the name of a tier.
    fn tier(&mut self, tier: &Expression, view: &View<'_>) -> Quota {
        self.tier_constants(tier);
        let Some(typed) = self.expect(tier, &Type::String, "a tier", view) else {
            return Quota::Rates(Vec::new());
        };
        self.discharged(tier, &typed, view);
        Quota::Tier(typed.expr)
    }

    pub(super) fn tier_constants(&mut self, tier: &Expression) {
        match &tier.kind {
            ExpressionKind::Literal(Literal::String(name)) => {
                let name = Text { node: name.clone(), span: tier.span };
                self.names.tiers.find(&name, &mut self.diagnostics);
            }
            ExpressionKind::Coalesce(operands) => {
                for operand in operands {
                    self.tier_constants(operand);
                }
            }
            _ => {}
        }
    }

    fn cost(&mut self, cost: &Expression) -> u64 {
        let ExpressionKind::Literal(Literal::Int(cost_of_one)) = &cost.kind else {
            self.report(unsupported(cost.span, "a cost that isn't a number"));
            return 1;
        };
        match u64::try_from(*cost_of_one).ok().filter(|cost| *cost >= 1) {
            Some(cost) => cost,
            None => {
                self.report(
                    Diagnostic::error("cost_out_of_range", cost.span, "a request costs at least 1")
                        .help("write `cost 1` or more, or take the limit off the route with `no limit`"),
                );
                1
            }
        }
    }
}

fn entry_word(entry: &LimitEntry) -> &'static str {
    match entry {
        LimitEntry::Algorithm(_) => "algorithm",
        LimitEntry::Key(_) => "key",
        LimitEntry::Tier(_) => "tier",
        LimitEntry::Rate(_) => "rate",
        LimitEntry::Cost(..) => "cost",
        LimitEntry::SkipWhen(_) => "skip when",
        LimitEntry::OnFailure(_) => "on_failure",
        LimitEntry::Headers(_) => "headers",
        LimitEntry::DryRun => "dry_run",
        LimitEntry::Concurrency(_) => "concurrency",
        LimitEntry::Lease(_) => "lease",
        LimitEntry::Ipv6Prefix(_) => "ipv6_prefix",
    }
}
