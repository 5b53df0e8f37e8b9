//! Tokens that are good for longer, or for more, than they should be.

use std::collections::HashSet;

use crate::check::checker::{Checker, Report};
use crate::check::lints::references::each_clause;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::{Carried, ClauseKind, Token, TokenEntry};

const MINUTE: u64 = 60 * 1_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The longest lifetime of an access token, and of a refresh token.
const LONGEST_ACCESS: u64 = HOUR;
const LONGEST_REFRESH: u64 = 90 * DAY;
const LONGEST_LEEWAY: u64 = 2 * MINUTE;

pub(crate) fn tokens<'t>(checker: &Checker<'t>) {
    let names = &checker.names;
    let makes_callers: HashSet<&'t str> =
        names.mappings.iter().map(|(_, mapping)| mapping.token.node.as_str()).collect();
    let mut rotated: HashSet<&'t str> = HashSet::new();
    each_clause(names, &mut |clause| {
        if let ClauseKind::Rotates(name) = &clause.kind {
            rotated.insert(&name.node);
        }
    });
    for (name, declared) in names.tokens.iter() {
        token(checker, declared, makes_callers.contains(name), rotated.contains(name));
    }
}

fn token(checker: &Checker<'_>, token: &Token, makes_callers: bool, rotated: bool) {
    let name = &token.name;
    let has = |wanted: fn(&TokenEntry) -> bool| token.entries.iter().any(|entry| wanted(&entry.node));
    let in_cookie = has(|entry| matches!(entry, TokenEntry::Carried(Carried::Cookie(_))));
    let pinned =
        has(|entry| matches!(entry, TokenEntry::Issuer(_))) && has(|entry| matches!(entry, TokenEntry::Audience(_)));
    let opaque = has(|entry| matches!(entry, TokenEntry::Opaque));
    if makes_callers && !pinned && !opaque {
        let message = format!("`{}` doesn't say by whom and for whom it is made", name.node);
        Diagnostic::warning("unpinned_token", name.span, message)
            .report_with(checker, "add `issuer \"…\"` and `audience \"…\"`, so that no other service's token passes");
    }
    if makes_callers && !has(|entry| matches!(entry, TokenEntry::Lifetime(_))) {
        let message = format!("`{}` may be good for as long as its issuer likes", name.node);
        Diagnostic::warning("missing_lifetime", name.span, message).report_with(checker, "add `lifetime 15m`");
    }
    let symmetric = token.entries.iter().any(|entry| {
        matches!(&entry.node, TokenEntry::Algorithm(names) if names.iter().any(|name| name.node.starts_with("HS")))
    });
    for entry in &token.entries {
        match &entry.node {
            TokenEntry::Lifetime(lifetime) => {
                let longest = if rotated { LONGEST_REFRESH } else { LONGEST_ACCESS };
                let concerned = rotated || makes_callers && !in_cookie;
                if concerned && lifetime.node > longest {
                    let (most, help) = match rotated {
                        true => ("90 days", "write `lifetime 30d`: rotation gives whoever comes back a new one"),
                        false => ("an hour", "write `lifetime 15m`, and let a refresh token be exchanged for new ones"),
                    };
                    let message = format!("a stolen `{}` is good for more than {most}", name.node);
                    Diagnostic::warning("long_lifetime", lifetime.span, message).report_with(checker, help);
                }
            }
            TokenEntry::Leeway(leeway) if leeway.node > LONGEST_LEEWAY => {
                Diagnostic::warning("long_leeway", leeway.span, "tokens stay good for more than two minutes too long")
                    .report_with(checker, "write `leeway 30s`: clocks that are kept in time differ by less")
            }
            TokenEntry::Audience(audiences) if symmetric && audiences.len() > 1 => {
                Diagnostic::warning("shared_key", entry.span, "each of these audiences can make tokens for the others")
                    .help("give each its own secret, or write an algorithm with a public key, such as `EdDSA`")
                    .report(checker)
            }
            _ => {}
        }
    }
}
