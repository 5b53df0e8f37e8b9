//! Limits.

use std::num::NonZeroU64;

use crate::check::Checker;
use crate::check::callers::token::incomplete;
use crate::check::entries::Entries;
use crate::check::expressions::View;
use crate::check::names::suggest;
use crate::collections::table::Table;
use crate::limit::{Algorithm, Rate, Terms};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Expression, ExpressionKind, LimitEntry, Literal, Spanned, Text};
use crate::typed::{ChargeStage, Dialects, Expr, Limit, OnFailure, Quota, Reads, Tier, Type};

/// IPv6 clients are counted by the subnet that one customer gets.
const IPV6_PREFIX: u8 = 64;
const MOST_AT_ONCE: u64 = 1_000_000;
/// A slot that nobody gave back is free again then: no request runs for longer, where the limit doesn't say otherwise.
const SLOT_TIMEOUT: u64 = 60_000;
const LONGEST_SLOT_TIMEOUT: u64 = 24 * 60 * 60 * 1000;

impl Checker<'_> {
    /// One row a declared limit, in the order written.
    pub(crate) fn limits(&mut self, tiers: &Table<Tier>, has_users: bool) -> Table<Limit> {
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
        let mut algorithm = None;
        let mut costs = Vec::new();
        let mut typed = Limit {
            name: limit.name.node.clone(),
            span: limit.name.span,
            algorithm: Algorithm::SlidingLog,
            key: Vec::new(),
            quota: Quota::Rates(Vec::new()),
            costs: Vec::new(),
            skip: None,
            on_failure: OnFailure::Deny,
            dialects: Dialects::Both,
            dry_run: false,
            concurrency: None,
            lease: None,
            ipv6_prefix: IPV6_PREFIX,
            terms: Vec::new(),
            stage: ChargeStage::Guard,
        };
        for entry in &limit.entries {
            let word = entry_word(&entry.node);
            let has_condition = matches!(&entry.node, LimitEntry::Cost(_, Some(_)));
            if let (LimitEntry::Cost(_, None), Some(first)) = (&entry.node, entries.span("cost")) {
                self.two_costs(entry.span, first);
                continue;
            }
            if !has_condition && !entries.first(word, entry.span, &mut self.diagnostics) {
                continue;
            }
            match &entry.node {
                LimitEntry::Algorithm(name) => algorithm = self.limit_algorithm(name),
                LimitEntry::Key(parts) => {
                    typed.key = parts.iter().filter_map(|part| self.key_part(part, view)).collect();
                }
                LimitEntry::Tier(tier) => typed.quota = self.tier(tier, view),
                LimitEntry::Rate(rates) => typed.quota = Quota::Rates(self.rates(rates)),
                LimitEntry::Cost(amount, when) => costs.extend(self.cost(amount, when.as_ref(), view)),
                LimitEntry::SkipWhen(condition) => typed.skip = self.limit_condition(condition, view),
                LimitEntry::OnFailure(what) => {
                    let known = [("deny", OnFailure::Deny), ("allow", OnFailure::Allow)];
                    typed.on_failure = self.word("on_failure", what, &known).unwrap_or(OnFailure::Deny);
                }
                LimitEntry::Headers(what) => {
                    let known =
                        [("standard", Dialects::Standard), ("legacy", Dialects::Legacy), ("both", Dialects::Both)];
                    typed.dialects = self.word("headers", what, &known).unwrap_or(Dialects::Both);
                }
                LimitEntry::DryRun => typed.dry_run = true,
                LimitEntry::Concurrency(most, timeout) => {
                    typed.concurrency = self.concurrency(most, timeout.as_ref());
                }
                LimitEntry::Lease(share) => {
                    typed.lease = self.number("lease", share, MOST_AT_ONCE, "1,000,000").and_then(NonZeroU64::new);
                }
                LimitEntry::Ipv6Prefix(bits) => {
                    let bits = self.number("ipv6_prefix", bits, 128, "128").and_then(|bits| u8::try_from(bits).ok());
                    typed.ipv6_prefix = bits.unwrap_or(IPV6_PREFIX);
                }
            }
        }
        self.missing_entries(limit, &entries);
        let rates = self.possible_rates(&typed.quota, tiers);
        let (written, costs): (Vec<Span>, Vec<_>) = costs.into_iter().unzip();
        typed.costs = costs;
        self.costs(&typed, &written, &rates);
        if let Some(algorithm) = algorithm {
            typed.algorithm = algorithm;
            self.bursts(limit, &typed);
        }
        if let Some(lease) = entries.span("lease") {
            self.leasable(lease, algorithm.filter(|_| !rates.is_empty()));
        }
        typed.terms = terms(&typed, &rates, tiers);
        let reads = exprs(&typed).map(|expr| self.reads(expr)).fold(Reads::default(), Reads::union);
        typed.stage = stage(reads);
        if reads.user && !has_users {
            self.report(
                Diagnostic::error("no_users", limit.name.span, "this limit reads the user, and nothing makes one")
                    .help("declare `user from TOKEN { … }`, or key the limit on `client.ip`"),
            );
        }
        typed
    }

    /// A limit counts something: how often, or how many at once.
    fn missing_entries(&mut self, limit: &tree::Limit, entries: &Entries) {
        let wrote = |word: &str| entries.span(word).is_some();
        let has_rate = wrote("tier") || wrote("rate");
        if !wrote("algorithm") && (has_rate || !wrote("concurrency")) {
            self.report(incomplete(&limit.name, "algorithm", "algorithm sliding_log"));
        }
        if !wrote("key") {
            self.report(incomplete(&limit.name, "key", "key user.id ?? client.ip"));
        }
        if !has_rate && !wrote("concurrency") {
            self.report(incomplete(&limit.name, "rate", "rate 100 per 1m"));
        }
        if let (true, Some(span)) = (wrote("rate"), entries.span("tier")) {
            self.report(
                Diagnostic::error("tier_and_rate", span, "a limit goes by its tier or by its own rate, not by both")
                    .help("take one of them out, or make two limits"),
            );
        }
    }

    fn limit_algorithm(&mut self, name: &Text) -> Option<Algorithm> {
        let known = Algorithm::from_name(&name.node).filter(|algorithm| algorithm.has_rates());
        if known.is_none() {
            let names = || Algorithm::ALL.into_iter().filter(|algorithm| algorithm.has_rates()).map(Algorithm::name);
            let message = format!("there is no limit algorithm `{}`", name.node);
            let error = Diagnostic::error("unknown_algorithm", name.span, message);
            self.report(match suggest(&name.node, names()) {
                Some(meant) => error.help(format!("did you mean `{meant}`?")),
                None => error.help(format!("write {}", one_of(names()))),
            });
        }
        known
    }

    /// A word of a few.
    fn word<T: Copy>(&mut self, entry: &str, word: &Text, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(name, _)| *name == word.node).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let choices: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            self.report(
                Diagnostic::error("unknown_name", word.span, format!("`{entry}` can't be `{}`", word.node))
                    .help(format!("write {}", choices.join(" or "))),
            );
        }
        found
    }

    /// `concurrency N [timeout D]`
    fn concurrency(&mut self, most: &Spanned<i64>, timeout: Option<&Spanned<u64>>) -> Option<Terms> {
        let count = self.number("concurrency", most, MOST_AT_ONCE, "1,000,000");
        let milliseconds = timeout.map_or(SLOT_TIMEOUT, |timeout| timeout.node);
        if let Some(timeout) = timeout
            && !(1..=LONGEST_SLOT_TIMEOUT).contains(&milliseconds)
        {
            self.report(
                Diagnostic::error(
                    "duration_out_of_range",
                    timeout.span,
                    "a `timeout` is longer than 0 and at most a day",
                )
                .help("write for how long a request runs at most, such as `timeout 30s`"),
            );
            return None;
        }
        let period = i64::try_from(milliseconds.saturating_mul(1_000)).ok()?;
        Some(Terms::new(Algorithm::Concurrency, &[Rate::new(count?, period).ok()?]))
    }

    /// What is taken in advance is spent later, which only some algorithms can account for.
    fn leasable(&mut self, lease: Span, algorithm: Option<Algorithm>) {
        let error = |message: &str| Diagnostic::error("lease_misplaced", lease, message.to_owned());
        match algorithm {
            Some(algorithm) if !algorithm.can_lease() => self.report(
                error(&format!(
                    "a `{}` counts each admission from its own moment, which a lease doesn't know in advance",
                    algorithm.name()
                ))
                .help("write `algorithm sliding_window` or `algorithm token_bucket`, or leave `lease` out"),
            ),
            None => self.report(
                error("a lease is a share of a rate, and this limit has none")
                    .help("add an `algorithm` and a `rate`, or leave `lease` out"),
            ),
            Some(_) => {}
        }
    }

    /// A number from 1 to `most`, which is told as `in_words`.
    fn number(&mut self, entry: &str, number: &Spanned<i64>, most: u64, in_words: &str) -> Option<u64> {
        let found = u64::try_from(number.node).ok().filter(|number| (1..=most).contains(number));
        if found.is_none() {
            let message = format!("`{entry}` is at least 1 and at most {in_words}");
            self.report(
                Diagnostic::error("number_out_of_range", number.span, message)
                    .help(format!("write a number in that range, such as `{entry} 64`")),
            );
        }
        found
    }

    /// The name of a tier, which may come with the caller. Every constant must be the name of a tier.
    fn tier(&mut self, tier: &Expression, view: &View<'_>) -> Quota {
        let errors = self.diagnostics.len();
        self.tier_constants(tier);
        if self.diagnostics.len() > errors {
            return Quota::Rates(Vec::new());
        }
        let Some(typed) = self.expect(tier, &Type::String, "a tier", view) else {
            return Quota::Rates(Vec::new());
        };
        self.discharged(tier, &typed, view);
        Quota::Tier(typed.expr)
    }

    pub(crate) fn tier_constants(&mut self, tier: &Expression) {
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
}

/// By what the limit is charged. What another tier counts must not be forgotten.
fn terms(limit: &Limit, known: &[Rate], tiers: &Table<Tier>) -> Vec<Terms> {
    match &limit.quota {
        Quota::Rates(rates) if rates.is_empty() => Vec::new(),
        Quota::Rates(rates) => vec![Terms::new(limit.algorithm, rates)],
        Quota::Tier(_) => tiers.iter().map(|tier| Terms::among(limit.algorithm, &tier.rates, known)).collect(),
    }
}

/// Everything that the limit evaluates.
fn exprs(limit: &Limit) -> impl Iterator<Item = &Expr> {
    let tier = match &limit.quota {
        Quota::Tier(tier) => Some(tier),
        Quota::Rates(_) => None,
    };
    let costs = limit.costs.iter().flat_map(|cost| std::iter::once(&cost.amount).chain(&cost.when));
    limit.key.iter().chain(tier).chain(costs).chain(&limit.skip)
}

/// As early as what it reads is there.
fn stage(reads: Reads) -> ChargeStage {
    match reads {
        Reads { input: true, .. } => ChargeStage::AfterValidate,
        Reads { user: true, .. } => ChargeStage::Limit,
        Reads { .. } => ChargeStage::Guard,
    }
}

/// Names as "`a`, `b` or `c`".
fn one_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
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
        LimitEntry::Concurrency(..) => "concurrency",
        LimitEntry::Lease(_) => "lease",
        LimitEntry::Ipv6Prefix(_) => "ipv6_prefix",
    }
}
