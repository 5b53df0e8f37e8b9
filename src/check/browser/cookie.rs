//! The cookie blocks: names, attributes, and the rules that a name's prefix makes (RFC 6265bis §4.1.3).

use std::collections::{HashMap, HashSet};

use cookie::SameSite;

use crate::check::checker::{Checker, Report};
use crate::check::settings::{SeenEntries, one_word_of};
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::host::is_host;
use crate::model::keywords::SameSiteRule;
use crate::model::source::{Span, Spanned};
use crate::syntax::tree;
use crate::syntax::tree::{Carried, CookieEntry, CsrfEntry, Text, TokenEntry};
use crate::typed::{Cookie, Token, TokenCarrier};

/// Browsers keep a cookie no longer (RFC 6265bis §5.5).
const MOST_DAYS: u64 = 400;
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// The declared cookies by name.
pub(crate) fn cookies(checker: &Checker<'_>) -> HashMap<String, Cookie> {
    let declared: Vec<&tree::Cookie> = checker.names.cookies.values().collect();
    unused_cookies(checker, &declared);
    let mut cookies = HashMap::new();
    for declared in declared {
        if let Some(cookie) = cookie(checker, declared) {
            cookies.insert(cookie.name.clone(), cookie);
        }
    }
    cookies
}

/// Gives tokens that travel in cookies the attributes that these are set with.
pub(crate) fn cookies_of_tokens(tokens: &mut Table<Token>, cookies: &HashMap<String, Cookie>) {
    let ids: Vec<Id<Token>> = tokens.ids().collect();
    for id in ids {
        let token = tokens.row_mut(id);
        if let TokenCarrier::Cookie(name) = &token.carrier {
            token.cookie = Some(cookies.get(name).cloned().unwrap_or_else(|| session_cookie(name.clone())));
        }
    }
}

fn cookie(checker: &Checker<'_>, declared: &tree::Cookie) -> Option<Cookie> {
    let name = cookie_name(checker, &declared.name)?;
    let mut cookie = Cookie {
        name,
        http_only: false,
        secure: false,
        partitioned: false,
        same_site: None,
        path: None,
        domain: None,
        max_age: None,
    };
    let mut entries = SeenEntries::default();
    for entry in &declared.entries {
        if !entries.first(entry.span, checker) {
            continue;
        }
        match &entry.node {
            CookieEntry::HttpOnly => cookie.http_only = true,
            CookieEntry::Secure => cookie.secure = true,
            CookieEntry::Partitioned => cookie.partitioned = true,
            CookieEntry::SameSite(word) => {
                cookie.same_site = one_word_of(checker, "same_site", word).map(|rule| match rule {
                    SameSiteRule::Strict => SameSite::Strict,
                    SameSiteRule::Lax => SameSite::Lax,
                    SameSiteRule::None => SameSite::None,
                });
            }
            CookieEntry::Path(path) => cookie.path = cookie_path(checker, path),
            CookieEntry::Domain(domain) => cookie.domain = cookie_domain(checker, domain),
            CookieEntry::MaxAge(duration) => cookie.max_age = cookie_max_age(checker, duration),
        }
    }
    cookie_rules(checker, &declared.name, &cookie, &entries);
    Some(cookie)
}

/// Reports combinations of attributes that browsers refuse.
fn cookie_rules(checker: &Checker<'_>, name: &Text, cookie: &Cookie, entries: &SeenEntries) {
    let prefixed = |prefix: &str| name.node.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let (host, secure) = (prefixed("__Host-"), prefixed("__Secure-"));
    let prefix = if host { "__Host-" } else { "__Secure-" };
    let mut broken: Vec<(Span, String, &str)> = Vec::new();
    if (host || secure) && !cookie.secure {
        broken.push((name.span, format!("a cookie `{prefix}…` is `secure`"), "add `secure`"));
    }
    if host {
        let is_root = cookie.path.as_deref() == Some("/");
        // A path that isn't one was reported.
        if !is_root && (cookie.path.is_some() || entries.span("path").is_none()) {
            let span = entries.span("path").unwrap_or(name.span);
            broken.push((span, "a cookie `__Host-…` has the path `/`".to_owned(), "write `path \"/\"`"));
        }
        if let Some(span) = entries.span("domain") {
            broken.push((span, "a cookie `__Host-…` has no `domain`".to_owned(), "take `domain` out"));
        }
    }
    if !host && !secure && !cookie.secure {
        let by_site = entries.span("same_site").filter(|_| cookie.same_site == Some(SameSite::None));
        let by_site = by_site.map(|span| (span, "same_site none"));
        let either = by_site.or(entries.span("partitioned").map(|span| (span, "partitioned")));
        broken.extend(either.map(|(span, what)| (span, format!("`{what}` needs `secure`"), "add `secure`")));
    }
    for (span, message, help) in broken {
        let error = Diagnostic::error("cookie_refused", span, message).label("browsers refuse it otherwise");
        error.report_with(checker, help);
    }
}

/// The names of cookies that something uses: tokens, or expressions. The text is enough to look for these: a false
/// match costs a warning.
fn used_cookies<'t>(checker: &Checker<'t>) -> HashSet<&'t str> {
    let read = checker.findings.sources().iter().flat_map(|source| source.text().split("cookie(\"").skip(1));
    let read = read.filter_map(|rest| rest.split('"').next());
    carrier_cookies(checker).chain(read).collect()
}

/// Reports cookies that nothing reads. A policy with `csrf` takes each cookie that it names for one
/// that browsers send by themselves.
fn unused_cookies(checker: &Checker<'_>, declared: &[&tree::Cookie]) {
    if checker.names.csrf.is_some() {
        return;
    }
    let used = used_cookies(checker);
    for name in declared.iter().map(|cookie| &cookie.name).filter(|name| !used.contains(name.node.as_str())) {
        Diagnostic::warning("unused_cookie", name.span, format!("nothing uses the cookie `{}`", name.node))
            .help("take the block out, or name the cookie in `csrf { session cookie \"…\" }` or `carried cookie \"…\"`")
            .report(checker);
    }
}

fn carrier_cookies<'t>(checker: &Checker<'t>) -> impl Iterator<Item = &'t str> {
    checker.names.tokens.values().flat_map(|token| &token.entries).filter_map(|entry| match &entry.node {
        TokenEntry::Carried(Carried::Cookie(name)) => Some(name.node.as_str()),
        _ => None,
    })
}

/// RFC 6265 §4.1.1: a cookie's name is a token.
pub(crate) fn cookie_name(checker: &Checker<'_>, name: &Text) -> Option<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.node.is_empty() && name.node.bytes().all(token) {
        return Some(name.node.clone());
    }
    Diagnostic::error("invalid_cookie", name.span, format!("`{}` is no cookie name", name.node))
        .report_with(checker, "write letters, digits, `-` and `_`, such as `session-id`");
    None
}

fn cookie_path(checker: &Checker<'_>, path: &Text) -> Option<String> {
    let printable = path.node.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b';');
    if path.node.starts_with('/') && printable {
        return Some(path.node.clone());
    }
    Diagnostic::error("invalid_cookie", path.span, format!("`{}` is no path of a cookie", path.node))
        .report_with(checker, "begin with `/`, and leave blanks and `;` out");
    None
}

fn cookie_domain(checker: &Checker<'_>, domain: &Text) -> Option<String> {
    let name = domain.node.trim_start_matches('.');
    if domain.node == name && is_host(name) && name.contains('.') {
        return Some(domain.node.to_ascii_lowercase());
    }
    let error = Diagnostic::error("invalid_cookie", domain.span, format!("`{}` is no domain of a cookie", domain.node));
    checker.report(if is_host(name) && name.contains('.') {
        error.help(format!("write `domain \"{name}\"`, which covers the hosts under it, too"))
    } else {
        error.help("write a host name, such as `example.com`")
    });
    None
}

fn cookie_max_age(checker: &Checker<'_>, duration: &Spanned<u64>) -> Option<i64> {
    if (1_000..=MOST_DAYS * DAY).contains(&duration.node) {
        return i64::try_from(duration.node / 1_000).ok();
    }
    let message = format!("browsers keep a cookie for a second at least and for {MOST_DAYS} days at most");
    Diagnostic::error("duration_out_of_range", duration.span, message)
        .help("write a duration such as `30d`, or leave it out for a cookie that ends with the browser's session")
        .report(checker);
    None
}

/// The cookies that browsers send by themselves and that the policy names: the session, blocks, and carriers of tokens.
pub(crate) fn ambient_cookies(checker: &Checker<'_>) -> Vec<String> {
    let session =
        checker.names.csrf.into_iter().flat_map(|(_, csrf)| &csrf.entries).filter_map(|entry| match &entry.node {
            CsrfEntry::Session(name) => Some(name.node.as_str()),
            _ => None,
        });
    let blocks = checker.names.cookies.names();
    let mut all: Vec<String> = session.chain(carrier_cookies(checker)).chain(blocks).map(ToOwned::to_owned).collect();
    all.sort();
    all.dedup();
    all
}

/// The attributes of a session's cookie that no block declares.
pub(crate) fn session_cookie(name: String) -> Cookie {
    Cookie {
        name,
        http_only: true,
        secure: true,
        partitioned: false,
        same_site: Some(SameSite::Lax),
        path: Some("/".to_owned()),
        domain: None,
        max_age: None,
    }
}
