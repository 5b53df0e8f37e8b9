//! The values of well-known response headers. A browser drops a value that it doesn't understand, and with
//! it the protection; nobody notices.

use std::collections::HashSet;

use crate::check::suggest::{list, suggest};

/// A fault of a value: the part of it at fault, the message, and the correction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault<'v> {
    pub(crate) part: &'v str,
    pub(crate) message: String,
    pub(crate) help: String,
}

type Checked<'v> = Result<(), Fault<'v>>;

/// Headers whose value is one of a few words. Those marked may be followed by parameters, such as `report-to`.
const WORDS: [(&str, &[&str], bool); 9] = [
    ("x-frame-options", &["DENY", "SAMEORIGIN"], false),
    ("x-content-type-options", &["nosniff"], false),
    ("x-download-options", &["noopen"], false),
    ("x-dns-prefetch-control", &["on", "off"], false),
    (
        "x-permitted-cross-domain-policies",
        &["none", "master-only", "by-content-type", "by-ftp-filename", "all", "none-this-response"],
        false,
    ),
    ("origin-agent-cluster", &["?1", "?0"], false),
    (
        "cross-origin-opener-policy",
        &["same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"],
        true,
    ),
    ("cross-origin-embedder-policy", &["require-corp", "credentialless", "unsafe-none"], true),
    ("cross-origin-resource-policy", &["same-origin", "same-site", "cross-origin"], false),
];

/// <https://www.w3.org/TR/referrer-policy/#referrer-policies>
const REFERRER_POLICIES: &str = "\
    no-referrer no-referrer-when-downgrade origin origin-when-cross-origin same-origin strict-origin \
    strict-origin-when-cross-origin unsafe-url";

/// CSP3 §6, and the specifications that add to it.
const DIRECTIVES: &str = "\
    base-uri block-all-mixed-content child-src connect-src default-src fenced-frame-src font-src form-action \
    frame-ancestors frame-src img-src manifest-src media-src navigate-to object-src plugin-types prefetch-src \
    report-to report-uri require-sri-for require-trusted-types-for sandbox script-src script-src-attr \
    script-src-elem style-src style-src-attr style-src-elem trusted-types upgrade-insecure-requests webrtc \
    worker-src";

/// CSP keywords stand in single quotes (CSP3 §2.3.1); without them they are host names, which protect nothing.
const KEYWORDS: &str = "\
    none self report-sample strict-dynamic unsafe-eval unsafe-hashes unsafe-inline wasm-unsafe-eval \
    inline-speculation-rules";

/// Checks the value of a header, whose name is in lower case.
pub(crate) fn check<'v>(name: &str, value: &'v str) -> Checked<'v> {
    match name {
        "content-security-policy" | "content-security-policy-report-only" => content_security_policy(value),
        "referrer-policy" => referrer_policy(value),
        "strict-transport-security" => strict_transport_security(value),
        "permissions-policy" | "permissions-policy-report-only" => permissions_policy(value),
        _ => {
            let name = name.strip_suffix("-report-only").unwrap_or(name);
            match WORDS.iter().find(|(header, _, _)| *header == name) {
                Some((_, words, parameters)) => one_of(value, words, *parameters),
                None => Ok(()),
            }
        }
    }
}

/// CSP keywords that stand without their quotes.
pub(crate) fn unquoted_keywords(value: &str) -> impl Iterator<Item = &str> {
    value.split(';').filter_map(|directive| {
        directive.split_ascii_whitespace().skip(1).find(|source| words(KEYWORDS).any(|known| known == *source))
    })
}

fn fault<'v>(part: &'v str, message: impl Into<String>, help: impl Into<String>) -> Fault<'v> {
    Fault { part, message: message.into(), help: help.into() }
}

fn unknown<'v>(part: &'v str, what: &str, mut known: impl Iterator<Item = &'static str> + Clone) -> Fault<'v> {
    let message = if part.is_empty() { format!("there is no {what}") } else { format!("there is no {what} `{part}`") };
    let help = match (suggest(&part.to_ascii_lowercase(), known.clone()), list(known.clone())) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some(all)) => format!("write {all}").replace(" and `", " or `"),
        (None, None) => format!("write a {what} that browsers know, such as `{}`", known.next().unwrap_or_default()),
    };
    fault(part, message, help)
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> + Clone {
    list.split_ascii_whitespace()
}

fn one_of<'v>(value: &'v str, words: &[&'static str], parameters: bool) -> Checked<'v> {
    let word = if parameters { value.split(';').next().unwrap_or(value).trim() } else { value };
    if words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return Ok(());
    }
    Err(Fault {
        message: format!("`{word}` is no value of this header"),
        ..unknown(word, "value", words.iter().copied())
    })
}

/// The last one that a browser knows counts, so that a list can have fallbacks.
fn referrer_policy(value: &str) -> Checked<'_> {
    let unknown_one = value
        .split(',')
        .map(str::trim)
        .find(|policy| !words(REFERRER_POLICIES).any(|known| known.eq_ignore_ascii_case(policy)));
    match unknown_one {
        Some(policy) => Err(unknown(policy, "referrer policy", words(REFERRER_POLICIES))),
        None => Ok(()),
    }
}

fn content_security_policy(value: &str) -> Checked<'_> {
    // A comma ends a policy, and each policy has its own directives (CSP3 §2.2.2).
    for policy in value.split(',') {
        let mut seen: Vec<String> = Vec::new();
        for directive in policy.split(';') {
            let Some(name) = directive.split_ascii_whitespace().next() else { continue };
            let lower = name.to_ascii_lowercase();
            if words(DIRECTIVES).all(|known| known != lower) {
                return Err(unknown(name, "CSP directive", words(DIRECTIVES)));
            }
            if seen.contains(&lower) {
                let message = format!("`{name}` stands twice, and browsers ignore the second");
                return Err(fault(name, message, "put all of its sources into one"));
            }
            seen.push(lower);
        }
    }
    Ok(())
}

/// RFC 6797 §6.1: directives in any order, each once, `max-age` always.
fn strict_transport_security(value: &str) -> Checked<'_> {
    const EXAMPLE: &str = "write `max-age=31536000; includeSubDomains`";
    let mut seen: Vec<String> = Vec::new();
    for directive in value.split(';').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (name, argument) = match directive.split_once('=') {
            Some((name, argument)) => (name.trim(), Some(argument.trim().trim_matches('"'))),
            None => (directive, None),
        };
        let lower = name.to_ascii_lowercase();
        let fits = match (lower.as_str(), argument) {
            ("max-age", Some(seconds)) => !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit()),
            ("includesubdomains" | "preload", None) => true,
            ("max-age" | "includesubdomains" | "preload", _) => false,
            _ => return Err(unknown(name, "HSTS directive", ["max-age", "includeSubDomains", "preload"].into_iter())),
        };
        if !fits {
            return Err(fault(directive, format!("`{directive}` can't be read"), EXAMPLE));
        }
        if seen.contains(&lower) {
            return Err(fault(directive, format!("`{name}` stands twice"), "keep one of them"));
        }
        seen.push(lower);
    }
    if seen.iter().any(|name| name == "max-age") {
        Ok(())
    } else {
        Err(fault(value, "the value has no `max-age`, so that browsers ignore it", EXAMPLE))
    }
}

/// A dictionary of structured fields (RFC 9651 §3.2), roughly: features, each with an allow-list.
fn permissions_policy(value: &str) -> Checked<'_> {
    const EXAMPLE: &str =
        "write features with their allow-lists: `camera=(), geolocation=(self \"https://a.example\")`";
    let mut seen = HashSet::new();
    for member in value.split(',').map(str::trim) {
        let Some((feature, allowed)) = member.split_once('=') else {
            return Err(fault(member, format!("`{member}` has no allow-list"), EXAMPLE));
        };
        let is_feature = feature.starts_with(|first: char| first.is_ascii_lowercase() || first == '*')
            && feature
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.*".contains(&byte));
        if !is_feature {
            return Err(fault(
                feature,
                format!("`{feature}` is no feature"),
                "write it in lower case, such as `camera`",
            ));
        }
        if !seen.insert(feature) {
            return Err(fault(member, format!("`{feature}` stands twice"), "keep one of them"));
        }
        let inner = allowed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let fits = match inner {
            Some(inner) => inner.split_ascii_whitespace().all(is_allowed),
            None => is_allowed(allowed),
        };
        if !fits {
            return Err(fault(allowed, format!("`{allowed}` is no allow-list"), EXAMPLE));
        }
    }
    Ok(())
}

/// `*`, `self`, `src`, `"https://a.example"`: an origin stands in double quotes.
fn is_allowed(item: &str) -> bool {
    let quoted = item.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        Some(origin) => origin.contains("://") && !origin.contains('"'),
        None => matches!(item, "*" | "self" | "src"),
    }
}
