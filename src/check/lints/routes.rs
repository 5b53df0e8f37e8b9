//! Doors that are open wider than they look.

use std::collections::HashSet;

use crate::check::checker::{Checker, Report};
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::{Algorithm, OnFailure, Switch};
use crate::model::source::Span;
use crate::syntax::tree::{Clause, ClauseKind, LimitEntry, Route};

/// The clauses of a block and of a route, as far as lints need them.
#[derive(Debug, Clone, Copy, Default)]
struct RouteClauses {
    public: bool,
    csrf: bool,
    /// Switched off outright.
    no_csrf: bool,
    limited: bool,
    /// The place of a clause that takes a credential: a login, a callback, a rotation or a revocation.
    credential: Option<Span>,
    raw: bool,
}

impl RouteClauses {
    fn add(&mut self, clause: &Clause) {
        match &clause.kind {
            ClauseKind::Public => self.public = true,
            ClauseKind::Csrf => self.csrf = true,
            ClauseKind::Limit(_) => self.limited = true,
            ClauseKind::Login(_) | ClauseKind::Callback(_) | ClauseKind::Rotates(_) | ClauseKind::Revokes(_) => {
                self.credential = Some(clause.span);
            }
            ClauseKind::BodyRaw => self.raw = true,
            ClauseKind::Body(_) | ClauseKind::NoBody => self.raw = false,
            _ => {}
        }
    }

    /// Applies a `no …`, which comes before the route's other clauses.
    fn switch_off(&mut self, clause: &Clause) {
        let ClauseKind::No(what) = &clause.kind else { return };
        match what.keyword {
            Some(Switch::Csrf) => (self.csrf, self.no_csrf) = (false, true),
            Some(Switch::Limit) => self.limited = false,
            Some(Switch::Cors | Switch::Headers) | None => {}
        }
    }
}

pub(crate) fn routes<'t>(checker: &Checker<'t>) {
    let names = &checker.names;
    let has_csrf = names.csrf.is_some();
    let mut guarding: HashSet<&'t str> = HashSet::new();
    for block in &names.routes {
        let mut defaults = RouteClauses::default();
        block.defaults.iter().for_each(|clause| defaults.add(clause));
        let mut by_default = false;
        for route in &block.routes {
            let mut said = defaults;
            route.clauses.iter().for_each(|clause| said.switch_off(clause));
            let keeps = !route.clauses.iter().any(is_no_limit);
            route.clauses.iter().for_each(|clause| said.add(clause));
            stray_clauses(checker, route);
            let head = route.method.span.to(route.path.span);
            let safe = matches!(route.method.node.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
            door(checker, head, &said, safe, has_csrf);
            if said.credential.is_some() {
                guarding.extend(limits(&route.clauses));
                by_default |= keeps;
            }
        }
        if by_default {
            guarding.extend(limits(&block.defaults));
        }
    }
    guarding_limits(checker, &guarding);
}

/// A clause behind a blank line or a comment looks like a default of what follows, and is the route's above.
fn stray_clauses(checker: &Checker<'_>, route: &Route) {
    let mut end = route.path.span.end;
    let mut stray = None;
    for clause in &route.clauses {
        let between = checker.written(Span { start: end, end: clause.span.start, ..route.span });
        let mut lines = between.lines().skip(1).peekable();
        let apart = std::iter::from_fn(|| lines.next().filter(|_| lines.peek().is_some()));
        if stray.is_none() && apart.into_iter().any(|line| line.trim().is_empty() || line.trim().starts_with("//")) {
            stray = Some(clause.span);
        }
        end = clause.span.end;
    }
    if let Some(clause) = stray {
        let head = route.method.span.to(route.path.span);
        Diagnostic::warning("stray_clause", clause, "this clause belongs to the route above, and to no other")
            .also(head, "to this one")
            .help("put it on the route's line, or before the block's first route, where it holds for all of them")
            .report(checker);
    }
}

fn door(checker: &Checker<'_>, head: Span, said: &RouteClauses, safe: bool, has_csrf: bool) {
    if let (Some(credential), false) = (said.credential, said.limited) {
        Diagnostic::warning("missing_limit", credential, "nothing limits how often credentials are tried here")
            .report_with(checker, "add `limit NAME`, with a limit whose key is `client.ip`");
    } else if said.public && !safe && !said.csrf && !said.limited {
        let help = match has_csrf {
            true => "add `csrf` or `limit NAME`, or let it require something",
            false => "add `limit NAME`, or let it require something",
        };
        let message = "anybody may change something here, from any page and as often as they like";
        Diagnostic::warning("public_unsafe_method", head, message).report_with(checker, help);
        return;
    }
    if has_csrf && !safe && !said.csrf && !said.no_csrf && !said.raw {
        Diagnostic::warning("missing_csrf", head, "this changes something, and doesn't ask for CSRF's proof")
            .report_with(checker, "add `csrf` here or at the head of the block; write `no csrf` where that is meant");
    }
}

/// Limits that stand before credentials.
fn guarding_limits(checker: &Checker<'_>, guarding: &HashSet<&str>) {
    for (_, limit) in checker.names.limits.iter().filter(|(name, _)| guarding.contains(name)) {
        for entry in &limit.entries {
            match &entry.node {
                LimitEntry::OnFailure(what) if what.keyword == Some(OnFailure::Allow) => {
                    Diagnostic::warning("login_fails_open", entry.span, "credentials are tried where this limit fails")
                        .report_with(checker, "write `on_failure deny`, or use another limit for logins")
                }
                LimitEntry::DryRun => {
                    Diagnostic::warning("login_fails_open", entry.span, "credentials are tried, as this never denies")
                        .report_with(checker, "take `dry_run` out, or use another limit for logins")
                }
                LimitEntry::Algorithm(name) if name.keyword.is_some_and(Algorithm::admits_twice) => {
                    Diagnostic::warning("fixed_window_login", entry.span, "twice the rate passes around a window's end")
                        .report_with(checker, "write `algorithm sliding_log`, which counts each attempt exactly")
                }
                _ => {}
            }
        }
    }
}

fn is_no_limit(clause: &Clause) -> bool {
    matches!(&clause.kind, ClauseKind::No(what) if what.keyword == Some(Switch::Limit))
}

fn limits(clauses: &[Clause]) -> impl Iterator<Item = &str> {
    clauses.iter().filter_map(|clause| match &clause.kind {
        ClauseKind::Limit(name) => Some(name.node.as_str()),
        _ => None,
    })
}
