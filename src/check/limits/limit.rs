//! Limits.

use std::num::NonZeroU64;

use crate::check::checker::{Checker, Report};
use crate::check::expressions::View;
use crate::check::expressions::typer::Typer;
use crate::check::limits::cost::{check_costs, cost, two_costs};
use crate::check::limits::rate::{check_bursts, possible_rates, rates};
use crate::check::settings::{SeenEntries, incomplete};
use crate::check::suggest::Suggest;
use crate::collections::table::Table;
use crate::limit::{Algorithm, Rate, Terms};
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::Keyword;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Expression, ExpressionKind, LimitEntry, Literal, Spanned, Text, Word};
use crate::typed::{ChargeStage, Dialects, Expr, Limit, OnFailure, Quota, Reads, Tier, Type};

/// IPv6 clients are counted by the subnet that one customer gets.
const IPV6_PREFIX: u8 = 64;
const MOST_AT_ONCE: u64 = 1_000_000;
/// The default time in milliseconds after which a slot is free again, although it wasn't given back.
const SLOT_TIMEOUT: u64 = 60_000;
const LONGEST_SLOT_TIMEOUT: u64 = 24 * 60 * 60 * 1000;

/// One row a declared limit, in the order written.
pub(crate) fn limits(typer: &mut Typer<'_, '_>, tiers: &Table<Tier>) -> Table<Limit> {
    let declared = typer.checker.names.limits.values();
    let mut routes = vec![Vec::new(); typer.checker.names.limits.len()];
    for (id, route) in typer.routes.table.enumerate() {
        for limit in &route.limits {
            routes.iter_mut().skip(limit.row()).take(1).for_each(|routes| routes.push(id));
        }
    }
    let rows = declared.zip(routes).enumerate();
    rows.map(|(row, (declared, routes))| limit(typer, declared, &View::limit(row, &routes), tiers)).collect()
}

fn limit(typer: &mut Typer<'_, '_>, limit: &tree::Limit, view: &View<'_>, tiers: &Table<Tier>) -> Limit {
    let checker = typer.checker;
    let mut entries = SeenEntries::default();
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
        let has_condition = matches!(&entry.node, LimitEntry::Cost(_, Some(_)));
        if let (LimitEntry::Cost(_, None), Some(first)) = (&entry.node, entries.span("cost")) {
            two_costs(entry.span, first).report(checker);
            continue;
        }
        if !has_condition && !entries.first(entry.span, typer.checker) {
            continue;
        }
        match &entry.node {
            LimitEntry::Algorithm(name) => algorithm = limit_algorithm(checker, name),
            LimitEntry::Key(parts) => {
                typed.key = parts.iter().filter_map(|part| typer.key_part(part, view)).collect();
            }
            LimitEntry::Tier(expression) => typed.quota = tier(typer, expression, view),
            LimitEntry::Rate(written) => typed.quota = Quota::Rates(rates(checker, written)),
            LimitEntry::Cost(amount, when) => costs.extend(cost(typer, amount, when.as_ref(), view)),
            LimitEntry::SkipWhen(condition) => {
                typed.skip = typer.truth(condition, view.site());
            }
            LimitEntry::OnFailure(written) => {
                typed.on_failure = word(checker, "on_failure", written).unwrap_or(OnFailure::Deny);
            }
            LimitEntry::Headers(written) => {
                typed.dialects = word(checker, "headers", written).unwrap_or(Dialects::Both);
            }
            LimitEntry::DryRun => typed.dry_run = true,
            LimitEntry::Concurrency(most, timeout) => {
                typed.concurrency = concurrency(checker, most, timeout.as_ref());
            }
            LimitEntry::Lease(share) => {
                typed.lease = number(checker, "lease", share, MOST_AT_ONCE, "1,000,000").and_then(NonZeroU64::new);
            }
            LimitEntry::Ipv6Prefix(bits) => {
                let bits = number(checker, "ipv6_prefix", bits, 128, "128").and_then(|bits| u8::try_from(bits).ok());
                typed.ipv6_prefix = bits.unwrap_or(IPV6_PREFIX);
            }
        }
    }
    missing_entries(checker, limit, &entries);
    let rates = possible_rates(&typed.quota, tiers);
    let (written, costs): (Vec<Span>, Vec<_>) = costs.into_iter().unzip();
    typed.costs = costs;
    check_costs(checker, &typed, &written, &rates);
    if let Some(algorithm) = algorithm {
        typed.algorithm = algorithm;
        check_bursts(checker, limit, &typed);
    }
    if let Some(lease) = entries.span("lease") {
        leasable(checker, lease, algorithm.filter(|_| !rates.is_empty()));
    }
    typed.terms = terms(&typed, &rates, tiers);
    let reads = exprs(&typed).map(|expr| typer.conditions.reads(expr)).fold(Reads::default(), Reads::union);
    typed.stage = stage(reads);
    if reads.user && checker.names.mappings.is_empty() {
        Diagnostic::error("no_users", limit.name.span, "this limit reads the user, and nothing makes one")
            .report_with(typer.checker, "declare `user from TOKEN { … }`, or key the limit on `client.ip`");
    }
    typed
}

/// A limit counts something: how often, or how many at once.
fn missing_entries(checker: &Checker<'_>, limit: &tree::Limit, entries: &SeenEntries) {
    let wrote = |word: &str| entries.span(word).is_some();
    let has_rate = wrote("tier") || wrote("rate");
    if !wrote("algorithm") && (has_rate || !wrote("concurrency")) {
        incomplete(&limit.name, "algorithm", "algorithm sliding_log").report(checker);
    }
    if !wrote("key") {
        incomplete(&limit.name, "key", "key user.id ?? client.ip").report(checker);
    }
    if !has_rate && !wrote("concurrency") {
        incomplete(&limit.name, "rate", "rate 100 per 1m").report(checker);
    }
    if let (true, Some(span)) = (wrote("rate"), entries.span("tier")) {
        Diagnostic::error("tier_and_rate", span, "a limit goes by its tier or by its own rate, not by both")
            .report_with(checker, "take one of them out, or make two limits");
    }
}

fn limit_algorithm(checker: &Checker<'_>, Word { text: name, keyword }: &Word<Algorithm>) -> Option<Algorithm> {
    if keyword.is_none() {
        Diagnostic::error("unknown_algorithm", name.span, format!("there is no limit algorithm `{}`", name.node))
            .did_you_mean(
                &name.node,
                Algorithm::words(),
                "write `token_bucket`, `sliding_window`, `sliding_log` or `fixed_window`",
            )
            .report(checker);
    }
    *keyword
}

/// Returns a word of a limit, and reports one that isn't in its set.
fn word<K: Keyword>(checker: &Checker<'_>, entry: &str, Word { text: word, keyword }: &Word<K>) -> Option<K> {
    if keyword.is_none() {
        let choices: Vec<String> = K::words().map(|name| format!("`{name}`")).collect();
        Diagnostic::error("unknown_name", word.span, format!("`{entry}` can't be `{}`", word.node))
            .report_with(checker, format!("write {}", choices.join(" or ")));
    }
    *keyword
}

/// `concurrency N [timeout D]`
fn concurrency(checker: &Checker<'_>, most: &Spanned<i64>, timeout: Option<&Spanned<u64>>) -> Option<Terms> {
    let count = number(checker, "concurrency", most, MOST_AT_ONCE, "1,000,000");
    let milliseconds = timeout.map_or(SLOT_TIMEOUT, |timeout| timeout.node);
    if let Some(timeout) = timeout
        && !(1..=LONGEST_SLOT_TIMEOUT).contains(&milliseconds)
    {
        Diagnostic::error("duration_out_of_range", timeout.span, "a `timeout` is longer than 0 and at most a day")
            .report_with(checker, "write for how long a request runs at most, such as `timeout 30s`");
        return None;
    }
    let period = i64::try_from(milliseconds.saturating_mul(1_000)).ok()?;
    Some(Terms::new(Algorithm::Concurrency, &[Rate::new(count?, period).ok()?]))
}

/// Reports a lease of an algorithm that can't account for charges in advance.
fn leasable(checker: &Checker<'_>, lease: Span, algorithm: Option<Algorithm>) {
    let error = |message: &str| Diagnostic::error("lease_misplaced", lease, message.to_owned());
    match algorithm {
        Some(algorithm) if !algorithm.can_lease() => {
            let reason = "counts each admission from its own moment, which a lease doesn't know in advance";
            error(&format!("a `{}` {reason}", algorithm.name()))
                .help("write `algorithm sliding_window` or `algorithm token_bucket`, or leave `lease` out")
                .report(checker)
        }
        None => error("a lease is a share of a rate, and this limit has none")
            .report_with(checker, "add an `algorithm` and a `rate`, or leave `lease` out"),
        Some(_) => {}
    }
}

/// A number from 1 to `most`, which the message shows as `in_words`.
fn number(checker: &Checker<'_>, entry: &str, number: &Spanned<i64>, most: u64, in_words: &str) -> Option<u64> {
    let found = u64::try_from(number.node).ok().filter(|number| (1..=most).contains(number));
    if found.is_none() {
        let message = format!("`{entry}` is at least 1 and at most {in_words}");
        Diagnostic::error("number_out_of_range", number.span, message)
            .report_with(checker, format!("write a number in that range, such as `{entry} 64`"));
    }
    found
}

/// The name of a tier, which may come with the caller. Every constant must be the name of a tier.
fn tier(typer: &mut Typer<'_, '_>, tier: &Expression, view: &View<'_>) -> Quota {
    let errors = typer.checker.findings.count();
    tier_constants(typer.checker, tier);
    if typer.checker.findings.count() > errors {
        return Quota::Rates(Vec::new());
    }
    let Some(typed) = typer.expect(tier, &Type::String, "a tier", view) else {
        return Quota::Rates(Vec::new());
    };
    typer.discharged(tier, &typed, view);
    Quota::Tier(typed.expr)
}

pub(crate) fn tier_constants(checker: &Checker<'_>, tier: &Expression) {
    match &tier.kind {
        ExpressionKind::Literal(Literal::String(name)) => {
            let name = Text { node: name.clone(), span: tier.span };
            checker.names.tiers.find(&name, &checker.findings);
        }
        ExpressionKind::Coalesce(operands) => {
            for operand in operands {
                tier_constants(checker, operand);
            }
        }
        _ => {}
    }
}

/// The terms that the limit is charged by. A change of tier must not lose the counts of another.
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

/// The earliest stage at which all inputs of the limit are known.
fn stage(reads: Reads) -> ChargeStage {
    match reads {
        Reads { input: true, .. } => ChargeStage::AfterValidate,
        Reads { user: true, .. } => ChargeStage::Limit,
        Reads { .. } => ChargeStage::Guard,
    }
}
