//! Response headers that protect less than they seem to.

use crate::check::browser::header::within;
use crate::check::checker::{Checker, Report};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Headers, HeadersEntry, Text};

/// Headers that browsers dropped, and their replacements.
const DEPRECATED: [(&str, &str); 9] = [
    ("expect-ct", "take it out: browsers ask for certificate transparency anyway"),
    ("feature-policy", "write `Permissions-Policy`, whose values have another form"),
    ("pragma", "write `Cache-Control \"no-store\"`"),
    ("public-key-pins", "take it out: a lost key would lock every visitor out"),
    ("public-key-pins-report-only", "take it out: browsers ignore it"),
    ("x-content-security-policy", "write `Content-Security-Policy`"),
    ("x-ua-compatible", "take it out: no browser reads it"),
    ("x-webkit-csp", "write `Content-Security-Policy`"),
    ("x-xss-protection", "write `X-XSS-Protection \"0\"` or take it out: the filter itself leaks data across sites"),
];
/// Directives that allow scripts, the more specific first.
const SCRIPTS: [&str; 4] = ["script-src-elem", "script-src-attr", "script-src", "default-src"];
/// Sources that allow scripts from any host.
const ANYWHERE: [&str; 5] = ["*", "http:", "https:", "data:", "blob:"];
const HALF_A_YEAR: u64 = 180 * 24 * 60 * 60;
const A_YEAR: u64 = 365 * 24 * 60 * 60;

pub(crate) fn headers(checker: &Checker<'_>) {
    let names = &checker.names;
    let default = names.default_headers;
    let named = names.headers.iter().map(|(_, block)| (block.name.as_ref().map(|name| name.span), block));
    let blocks: Vec<(Span, &Headers)> =
        default.into_iter().chain(named.filter_map(|(span, block)| Some((span?, block)))).collect();
    for (span, block) in blocks {
        let mut preset = false;
        let mut set: Vec<(String, &Text)> = Vec::new();
        for entry in &block.entries {
            match &entry.node {
                HeadersEntry::Set(name, value) => {
                    let lower = name.node.to_ascii_lowercase();
                    header(checker, &lower, name, value);
                    set.push((lower, value));
                }
                HeadersEntry::Preset(_) => preset = true,
                HeadersEntry::Remove(_) => {}
            }
        }
        if !preset && !set.is_empty() {
            missing(checker, span, &set);
        }
    }
}

/// Reports headers that every block should have and every preset has.
fn missing(checker: &Checker<'_>, span: Span, set: &[(String, &Text)]) {
    let has = |name: &str| set.iter().any(|(known, _)| known == name);
    let framed = has("x-frame-options")
        || set.iter().any(|(name, value)| {
            name == "content-security-policy" && value.node.to_ascii_lowercase().contains("frame-ancestors")
        });
    let lacking = [
        ("Strict-Transport-Security", has("strict-transport-security")),
        ("X-Content-Type-Options", has("x-content-type-options")),
        ("X-Frame-Options", framed),
    ];
    let lacking: Vec<String> =
        lacking.iter().filter(|(_, there)| !there).map(|(name, _)| format!("`{name}`")).collect();
    if !lacking.is_empty() {
        let message = format!("this block doesn't set {}", lacking.join(" and "));
        Diagnostic::warning("missing_header", span, message)
            .report_with(checker, "begin it with `preset api` or `preset web`, which have them all");
    }
}

fn header(checker: &Checker<'_>, lower: &str, name: &Text, value: &Text) {
    let switched_off = lower == "x-xss-protection" && value.node.trim_start().starts_with('0');
    if let Some((_, help)) = DEPRECATED.iter().find(|(known, _)| *known == lower && !switched_off) {
        let message = format!("`{}` does no good any more", name.node);
        Diagnostic::warning("deprecated_header", name.span.to(value.span), message).report_with(checker, *help);
    }
    match lower {
        "content-security-policy" => value.node.split(',').for_each(|policy| scripts(checker, policy, value)),
        "strict-transport-security" => hsts(checker, value),
        "referrer-policy" => {
            let last = value.node.split(',').next_back().unwrap_or_default().trim().to_ascii_lowercase();
            if matches!(last.as_str(), "unsafe-url" | "no-referrer-when-downgrade") {
                let message = format!("`{last}` tells other sites the whole address of your pages");
                Diagnostic::warning("leaky_referrer", value.span, message)
                    .report_with(checker, "write `strict-origin-when-cross-origin` or `no-referrer`");
            }
        }
        _ => {}
    }
}

/// Checks the sources of scripts in one policy of a header.
fn scripts(checker: &Checker<'_>, policy: &str, value: &Text) {
    let directives: Vec<(String, Vec<&str>)> = policy
        .split(';')
        .filter_map(|directive| {
            let mut words = directive.split_ascii_whitespace();
            Some((words.next()?.to_ascii_lowercase(), words.collect()))
        })
        .collect();
    let has = |name: &str| directives.iter().any(|(known, _)| known == name);
    for (name, sources) in directives.iter().filter(|(name, _)| SCRIPTS.contains(&name.as_str())) {
        // Scripts have sources of their own.
        if name == "default-src" && has("script-src") {
            continue;
        }
        let lower: Vec<String> = sources.iter().map(|source| source.to_ascii_lowercase()).collect();
        // Beside a nonce or a hash, browsers pass over what is there for old ones.
        let strict = lower.iter().any(|source| source.starts_with("'nonce-") || source.starts_with("'sha"));
        for (source, word) in sources.iter().zip(&lower) {
            let span = within(checker, value, source);
            match word.as_str() {
                "'unsafe-inline'" if !strict => {
                    Diagnostic::warning("unsafe_script", span, "whatever script gets into a page runs")
                        .report_with(checker, "write scripts in files of their own, or give them a nonce or a hash")
                }
                "'unsafe-eval'" => {
                    Diagnostic::warning("unsafe_script", span, "text that gets into a page can be run as a script")
                        .report_with(checker, "take it out; for WebAssembly, `'wasm-unsafe-eval'` suffices")
                }
                word if ANYWHERE.contains(&word) && !(strict && word.ends_with("s:")) => Diagnostic::warning(
                    "scripts_from_anywhere",
                    span,
                    format!("`{word}` lets scripts come from anybody"),
                )
                .report_with(checker, "name the hosts that scripts come from, or write `'self'`"),
                _ => {}
            }
        }
    }
}

fn hsts(checker: &Checker<'_>, value: &Text) {
    let lower = value.node.to_ascii_lowercase();
    let directives: Vec<&str> = lower.split(';').map(str::trim).collect();
    let age = directives.iter().find_map(|directive| directive.strip_prefix("max-age"));
    let age = age.and_then(|age| age.trim_start().strip_prefix('=')).map(|age| age.trim().trim_matches('"'));
    // What is too large for a number is long enough.
    let age = age.map_or(0, |age| age.parse::<u64>().unwrap_or(u64::MAX));
    let preload = directives.contains(&"preload");
    if age < HALF_A_YEAR {
        Diagnostic::warning("short_hsts", value.span, "browsers forget to insist on https within half a year")
            .report_with(checker, "write `max-age=31536000; includeSubDomains`, a year");
    } else if preload && (age < A_YEAR || !directives.contains(&"includesubdomains")) {
        Diagnostic::warning("preload_refused", value.span, "browsers' preload lists don't take this")
            .report_with(checker, "write `max-age=31536000; includeSubDomains; preload`, or leave `preload` out");
    }
}
