//! The CSRF block.

use std::collections::HashMap;

use jiff::SignedDuration;

use crate::check::Checker;
use crate::check::browser::cookie::session_cookie;
use crate::check::entries::Entries;
use crate::check::names::in_order;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::{CsrfEntry, Text};
use crate::typed::{Cookie, Csrf, CsrfApplies, CsrfLayer, HmacAlgorithm, Purpose};

/// What the token layer needs, each with an example. Without any of it, the origin layer stands alone.
const TOKEN_LAYER: [(&str, &str); 4] = [
    ("secret", "secret NAME_OF_A_SECRET"),
    ("session", "session cookie \"session-id\""),
    ("header", "header \"x-csrf-token\""),
    ("lifetime", "lifetime 1h"),
];

impl Checker<'_> {
    /// The CSRF block; `None` where it has errors, `Some(None)` where there is none.
    pub(crate) fn csrf(&mut self, cookies: &HashMap<String, Cookie>) -> Option<Option<Csrf>> {
        let Some((span, csrf)) = self.names.csrf else { return Some(None) };
        let (mut secret, mut cookie, mut header, mut lifetime) = (None, None, None, None);
        let mut applies = CsrfApplies::Ambient;
        let mut entries = Entries::default();
        for entry in &csrf.entries {
            let word = entry_word(&entry.node);
            if !entries.first(word, entry.span, &mut self.diagnostics) {
                continue;
            }
            match &entry.node {
                CsrfEntry::Secret(name) => secret = self.secret(name, Purpose::Hmac(HmacAlgorithm::Hs256)),
                CsrfEntry::Session(name) => {
                    self.no_token_in(name);
                    cookie = self.cookie_name(name);
                }
                CsrfEntry::Header(name) => header = self.header_name(name),
                CsrfEntry::Lifetime(duration) => lifetime = self.csrf_lifetime(duration),
                CsrfEntry::Applies(what) => match what.node.as_str() {
                    "ambient" => applies = CsrfApplies::Ambient,
                    "always" => applies = CsrfApplies::Always,
                    other => self.report(
                        Diagnostic::error("unknown_name", what.span, format!("`applies` can't be `{other}`"))
                            .help("write `applies ambient` or `applies always`"),
                    ),
                },
            }
        }
        let ambient = self.ambient_cookies();
        if !issues_tokens(csrf) {
            return Some(Some(Csrf { span, applies, ambient, token: None }));
        }
        for (word, example) in TOKEN_LAYER {
            if entries.span(word).is_none() {
                self.report(
                    Diagnostic::error("incomplete", span, format!("`csrf` has no `{word}`"))
                        .help(format!("add `{example}`")),
                );
            }
        }
        let cookie = cookie?;
        let session = cookies.get(&cookie).cloned().unwrap_or_else(|| session_cookie(cookie));
        let token = CsrfLayer { secret: secret?, session, header: header?, lifetime: lifetime? };
        Some(Some(Csrf { span, applies, ambient, token: Some(token) }))
    }

    /// The session's cookie is set to random bytes, which no token is.
    fn no_token_in(&mut self, cookie: &Text) {
        let carried =
            self.names.tokens.iter().flat_map(|(_, token)| &token.entries).find_map(|entry| match &entry.node {
                tree::TokenEntry::Carried(tree::Carried::Cookie(name)) if name.node == cookie.node => Some(name.span),
                _ => None,
            });
        if let Some(carried) = carried {
            let (earlier, later) = in_order(self.sources, carried, cookie.span);
            self.report(
                Diagnostic::error("cookie_reused", later, format!("the cookie `{}` serves two purposes", cookie.node))
                    .also(earlier, "used here, too")
                    .help("give the session that CSRF tokens are bound to a cookie of its own"),
            );
        }
    }

    fn csrf_lifetime(&mut self, milliseconds: &tree::Spanned<u64>) -> Option<SignedDuration> {
        let lifetime = i64::try_from(milliseconds.node).ok().map(SignedDuration::from_millis);
        match lifetime.filter(|lifetime| lifetime.as_secs() >= 1) {
            Some(lifetime) => Some(lifetime),
            None => {
                self.report(
                    Diagnostic::error(
                        "duration_out_of_range",
                        milliseconds.span,
                        "a CSRF token lives for at least a second",
                    )
                    .help("write a duration such as `1h`"),
                );
                None
            }
        }
    }
}

/// Whether the block has a token layer, whole or not.
pub(crate) fn issues_tokens(csrf: &tree::Csrf) -> bool {
    csrf.entries.iter().any(|entry| TOKEN_LAYER.iter().any(|(word, _)| *word == entry_word(&entry.node)))
}

fn entry_word(entry: &CsrfEntry) -> &'static str {
    match entry {
        CsrfEntry::Secret(_) => "secret",
        CsrfEntry::Session(_) => "session",
        CsrfEntry::Header(_) => "header",
        CsrfEntry::Lifetime(_) => "lifetime",
        CsrfEntry::Applies(_) => "applies",
    }
}
