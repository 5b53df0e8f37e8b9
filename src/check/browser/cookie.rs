//! The cookie blocks: names, attributes, and the rules that a name's prefix makes (RFC 6265bis §4.1.3).

use std::collections::{HashMap, HashSet};

use cookie::SameSite;

use crate::check::Checker;
use crate::check::entries::Entries;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::host::is_host;
use crate::model::source::{Span, Spanned};
use crate::syntax::tree;
use crate::syntax::tree::{Carried, CookieEntry, CsrfEntry, Text, TokenEntry};
use crate::typed::{Cookie, Token, TokenCarrier};

/// Browsers keep a cookie no longer (RFC 6265bis §5.5).
const MOST_DAYS: u64 = 400;
const DAY: u64 = 24 * 60 * 60 * 1_000;

impl Checker<'_> {
    /// The declared cookies by name.
    pub(crate) fn cookies(&mut self) -> HashMap<String, Cookie> {
        let declared: Vec<&tree::Cookie> = self.names.cookies.iter().map(|(_, (_, cookie))| *cookie).collect();
        self.unused_cookies(&declared);
        let mut cookies = HashMap::new();
        for declared in declared {
            if let Some(cookie) = self.cookie(declared) {
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

    fn cookie(&mut self, declared: &tree::Cookie) -> Option<Cookie> {
        let name = self.cookie_name(&declared.name)?;
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
        let mut entries = Entries::default();
        for entry in &declared.entries {
            if !entries.first(entry_word(&entry.node), entry.span, &mut self.diagnostics) {
                continue;
            }
            match &entry.node {
                CookieEntry::HttpOnly => cookie.http_only = true,
                CookieEntry::Secure => cookie.secure = true,
                CookieEntry::Partitioned => cookie.partitioned = true,
                CookieEntry::SameSite(what) => match what.node.as_str() {
                    "strict" => cookie.same_site = Some(SameSite::Strict),
                    "lax" => cookie.same_site = Some(SameSite::Lax),
                    "none" => cookie.same_site = Some(SameSite::None),
                    _ => self.one_word_of("same_site", what, &["strict", "lax", "none"]),
                },
                CookieEntry::Path(path) => cookie.path = self.cookie_path(path),
                CookieEntry::Domain(domain) => cookie.domain = self.cookie_domain(domain),
                CookieEntry::MaxAge(duration) => cookie.max_age = self.cookie_max_age(duration),
            }
        }
        self.cookie_rules(&declared.name, &cookie, &entries);
        Some(cookie)
    }

    /// What browsers would throw away.
    fn cookie_rules(&mut self, name: &Text, cookie: &Cookie, entries: &Entries) {
        let prefixed =
            |prefix: &str| name.node.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let (host, secure) = (prefixed("__Host-"), prefixed("__Secure-"));
        let prefix = if host { "__Host-" } else { "__Secure-" };
        let mut broken: Vec<(Span, String, &str)> = Vec::new();
        if (host || secure) && !cookie.secure {
            broken.push((name.span, format!("a cookie `{prefix}…` is `secure`"), "add `secure`"));
        }
        if host {
            let is_root = cookie.path.as_deref() == Some("/");
            // A path that isn't one was told of.
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
            self.report(error.help(help));
        }
    }

    /// The names of cookies that something uses: tokens, or expressions. The text is enough to look for these: a false
    /// match costs a warning.
    fn used_cookies(&self) -> HashSet<&str> {
        let read = self.sources.iter().flat_map(|source| source.text().split("cookie(\"").skip(1));
        let read = read.filter_map(|rest| rest.split('"').next());
        self.carrier_cookies().chain(read).collect()
    }

    /// A cookie that nobody reads says nothing to anybody. A policy with `csrf` takes each cookie that it names for one
    /// that browsers send by themselves.
    fn unused_cookies(&mut self, declared: &[&tree::Cookie]) {
        if self.names.csrf.is_some() {
            return;
        }
        let used = self.used_cookies();
        let unused: Vec<Diagnostic> = declared
            .iter()
            .filter(|cookie| !used.contains(cookie.name.node.as_str()))
            .map(|cookie| {
                let message = format!("nothing uses the cookie `{}`", cookie.name.node);
                Diagnostic::warning("unused_cookie", cookie.name.span, message).help(
                    "take the block out, or name the cookie in `csrf { session cookie \"…\" }` or `carried cookie \"…\"`",
                )
            })
            .collect();
        self.diagnostics.extend(unused);
    }

    fn carrier_cookies(&self) -> impl Iterator<Item = &str> {
        self.names.tokens.iter().flat_map(|(_, token)| &token.entries).filter_map(|entry| match &entry.node {
            TokenEntry::Carried(Carried::Cookie(name)) => Some(name.node.as_str()),
            _ => None,
        })
    }

    /// RFC 6265 §4.1.1: a cookie's name is a token.
    pub(crate) fn cookie_name(&mut self, name: &Text) -> Option<String> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !name.node.is_empty() && name.node.bytes().all(token) {
            return Some(name.node.clone());
        }
        self.report(
            Diagnostic::error("invalid_cookie", name.span, format!("`{}` is no cookie name", name.node))
                .help("write letters, digits, `-` and `_`, such as `session-id`"),
        );
        None
    }

    fn cookie_path(&mut self, path: &Text) -> Option<String> {
        let printable = path.node.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b';');
        if path.node.starts_with('/') && printable {
            return Some(path.node.clone());
        }
        self.report(
            Diagnostic::error("invalid_cookie", path.span, format!("`{}` is no path of a cookie", path.node))
                .help("begin with `/`, and leave blanks and `;` out"),
        );
        None
    }

    fn cookie_domain(&mut self, domain: &Text) -> Option<String> {
        let name = domain.node.trim_start_matches('.');
        if domain.node == name && is_host(name) && name.contains('.') {
            return Some(domain.node.to_ascii_lowercase());
        }
        let error =
            Diagnostic::error("invalid_cookie", domain.span, format!("`{}` is no domain of a cookie", domain.node));
        self.report(if is_host(name) && name.contains('.') {
            error.help(format!("write `domain \"{name}\"`, which covers the hosts under it, too"))
        } else {
            error.help("write a host name, such as `example.com`")
        });
        None
    }

    fn cookie_max_age(&mut self, duration: &Spanned<u64>) -> Option<i64> {
        if (1_000..=MOST_DAYS * DAY).contains(&duration.node) {
            return i64::try_from(duration.node / 1_000).ok();
        }
        self.report(
            Diagnostic::error(
                "duration_out_of_range",
                duration.span,
                format!("browsers keep a cookie for a second at least and for {MOST_DAYS} days at most"),
            )
            .help("write a duration such as `30d`, or leave it out for a cookie that ends with the browser's session"),
        );
        None
    }

    /// The cookies that browsers send by themselves and that the policy names: the session, blocks, and carriers of tokens.
    pub(crate) fn ambient_cookies(&self) -> Vec<String> {
        let session =
            self.names.csrf.into_iter().flat_map(|(_, csrf)| &csrf.entries).filter_map(|entry| match &entry.node {
                CsrfEntry::Session(name) => Some(name.node.as_str()),
                _ => None,
            });
        let blocks = self.names.cookies.iter().map(|(name, _)| name);
        let mut all: Vec<String> = session.chain(self.carrier_cookies()).chain(blocks).map(ToOwned::to_owned).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// What a cookie that is worth stealing has where no block says otherwise.
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

fn entry_word(entry: &CookieEntry) -> &'static str {
    match entry {
        CookieEntry::HttpOnly => "http_only",
        CookieEntry::Secure => "secure",
        CookieEntry::Partitioned => "partitioned",
        CookieEntry::SameSite(_) => "same_site",
        CookieEntry::Path(_) => "path",
        CookieEntry::Domain(_) => "domain",
        CookieEntry::MaxAge(_) => "max_age",
    }
}
