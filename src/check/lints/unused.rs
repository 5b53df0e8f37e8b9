//! Declarations that nothing in the policy uses.

use std::collections::HashSet;

use crate::check::checker::{Checker, Report};
use crate::check::lints::references::References;
use crate::check::names::Kind;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::Role;

pub(crate) fn unused(checker: &Checker<'_>, used: &References<'_>, used_conditions: &HashSet<usize>) {
    let names = &checker.names;
    let warn = |code: &'static str, unused: Vec<(&str, Span)>, what: &str, help: &str| {
        for (name, span) in unused {
            Diagnostic::warning(code, span, format!("nothing uses the {what} `{name}`")).report_with(checker, help);
        }
    };
    let secrets = without(&names.secrets, |name, ()| used.secrets.contains(name));
    warn("unused_secret", secrets, "secret", "take it out, so that no host has to keep a key for nothing");
    let tokens = without(&names.tokens, |name, _| used.tokens.contains(name));
    let help = "take it out, or make callers from it: `user from TOKEN { … }`";
    warn("unused_token", tokens, "token", help);
    let key_sets = without(&names.keys, |name, _| used.key_sets.contains(name));
    warn("unused_keys", key_sets, "key set", "take it out, or verify a token with it: `keys NAME`");
    let providers = without(&names.providers, |name, _| used.providers.contains(name));
    let help = "take it out, or write the routes: `login with NAME`, `callback of NAME`";
    warn("unused_provider", providers, "provider", help);
    let sets = without(&names.permission_sets, |name, _| used.sets.contains(name));
    warn("unused_permission_set", sets, "set of permissions", "take it out, or name it in a rule");
    let limits = without(&names.limits, |name, _| used.limits.contains(name));
    warn("unused_limit", limits, "limit", "take it out, or hold routes to it: `limit NAME`");
    let cors = without(&names.cors, |name, _| used.cors.contains(name));
    warn("unused_cors", cors, "`cors` block", "take it out, or name it in a route: `cors NAME`");
    let headers = without(&names.headers, |name, _| used.headers.contains(name));
    warn("unused_headers", headers, "`headers` block", "take it out, or name it in a route: `headers NAME`");
    let schemas = without(&names.schemas, |name, _| used.schemas.contains(name));
    warn("unused_schema", schemas, "schema", "take it out, or let a route take it: `body NAME`, `query NAME`");
    let tiers = without(&names.tiers, |name, _| used.any_tier || used.tiers.contains(name));
    warn("unused_tier", tiers, "tier", "take it out, or let a limit go by tiers: `tier user.tier ?? \"free\"`");

    let unused = names.conditions.named().enumerate().filter(|(row, _)| !used_conditions.contains(row));
    let unused = unused.map(|(_, (name, span, _))| (name, span)).collect();
    warn("unused_condition", unused, "condition", "take it out, or name it behind a `when`");

    let context = without(&names.context, |name, _| used.context.contains(name));
    warn("unused_attribute", context, "context attribute", "take it out, so that no host has to supply it");
    let account = without(&names.account, |name, _| used.account.contains(name));
    warn("unused_attribute", account, "account attribute", "take it out, or make a claim from it");
    let attributes = names.resources.values().flat_map(|resource| &resource.attributes);
    let unused = attributes.filter(|attribute| !used.resource.contains(attribute.name.node.as_str()));
    let unused = unused.map(|attribute| (attribute.name.node.as_str(), attribute.name.span)).collect();
    warn("unused_attribute", unused, "resource attribute", "take it out, so that no host has to supply it");

    let does_nothing = |role: &Role| role.grants.is_empty() && role.extends.is_empty();
    for (name, span) in without(&names.roles, |name, role| used.roles.contains(name) || !does_nothing(role)) {
        let message = format!("the role `{name}` grants nothing, and nothing asks for it");
        Diagnostic::warning("unused_role", span, message)
            .help("grant it something, or take it out: a role that the policy doesn't know grants nothing, too")
            .report(checker);
    }
    if !names.mappings.iter().any(|(_, mapping)| mapping.entries.iter().any(|(name, _)| name.node == "scopes")) {
        for (name, span, _) in names.scopes.named() {
            let message = format!("no caller comes with scopes, so `{name}` caps nobody");
            Diagnostic::warning("unused_scope", span, message)
                .help("say where scopes come from, `scopes = claims.scope` in `user from`, or take it out")
                .report(checker);
        }
    }
    if let (Some((span, _)), false) = (names.csrf, used.csrf) {
        Diagnostic::warning("unused_csrf", span, "no route asks for CSRF's proof")
            .report_with(checker, "write `csrf` at the head of `routes`, or take the block out");
    }
}

/// The names and places of the declarations that nothing uses.
fn without<'t, D: Copy>(kind: &Kind<'t, D>, is_used: impl Fn(&str, D) -> bool) -> Vec<(&'t str, Span)> {
    kind.named().filter(|(name, _, declared)| !is_used(name, *declared)).map(|(name, span, _)| (name, span)).collect()
}
