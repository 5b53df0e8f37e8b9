//! Origins and cookies that more pages can use than were meant to.

use std::collections::HashSet;

use crate::check::checker::{Checker, Report};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::{Carried, CookieEntry, Cors, CorsEntry, CsrfEntry, TokenEntry};

pub(crate) fn cors(checker: &Checker<'_>) {
    let names = &checker.names;
    let default = names.default_cors.map(|(_, cors)| cors);
    let blocks: Vec<&Cors> = default.into_iter().chain(names.cors.values().map(|(_, cors)| cors)).collect();
    for block in blocks {
        let credentials = block.entries.iter().any(|entry| matches!(entry.node, CorsEntry::Credentials));
        for entry in &block.entries {
            let CorsEntry::Origins(origins) = &entry.node else { continue };
            for origin in origins {
                if credentials && origin.node.contains("://*.") {
                    let message = "any host of this domain can read answers in a user's name";
                    Diagnostic::warning("credentialed_wildcard", origin.span, message)
                        .report_with(checker, "name the hosts, or make sure that nobody else can have one there");
                }
                let host = origin.node.strip_prefix("http://");
                let host = host.map(|host| host.split(':').next().unwrap_or(host));
                if let Some(host) = host.filter(|host| !is_local(host)) {
                    let message = format!("whoever is on the way can speak as `http://{host}`");
                    Diagnostic::warning("insecure_origin", origin.span, message)
                        .report_with(checker, format!("write `https://{host}`"));
                }
            }
        }
    }
    cookies(checker);
}

/// Cookies that hold a session or a token.
fn cookies(checker: &Checker<'_>) {
    let names = &checker.names;
    let carried = names.tokens.values().flat_map(|token| &token.entries).filter_map(|entry| match &entry.node {
        TokenEntry::Carried(Carried::Cookie(name)) => Some(name.node.as_str()),
        _ => None,
    });
    let sessions = names.csrf.iter().flat_map(|(_, csrf)| &csrf.entries).filter_map(|entry| match &entry.node {
        CsrfEntry::Session(name) => Some(name.node.as_str()),
        _ => None,
    });
    let sensitive: HashSet<&str> = carried.chain(sessions).collect();
    for (name, cookie) in names.cookies.iter().filter(|(name, _)| sensitive.contains(name)) {
        let has = |wanted: fn(&CookieEntry) -> bool| cookie.entries.iter().any(|entry| wanted(&entry.node));
        let mut lacking = Vec::new();
        if !has(|entry| matches!(entry, CookieEntry::HttpOnly)) {
            lacking.push("`http_only`");
        }
        if !has(|entry| matches!(entry, CookieEntry::Secure)) && !name.starts_with("__") {
            lacking.push("`secure`");
        }
        if !lacking.is_empty() {
            let lacking = lacking.join(" and ");
            let message = format!("`{name}` holds what logs somebody in, and isn't {lacking}");
            Diagnostic::warning("weak_cookie", cookie.name.span, message)
                .report_with(checker, format!("add {lacking}, so that neither scripts nor eavesdroppers get it"));
        }
    }
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
}
