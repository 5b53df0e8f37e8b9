//! The CSRF block.

use std::collections::HashMap;

use jiff::SignedDuration;

use crate::check::browser::cookie::{ambient_cookies, cookie_name, session_cookie};
use crate::check::browser::header::header_name;
use crate::check::callers::secret::Secrets;
use crate::check::checker::{Checker, Report};
use crate::check::settings::{SeenEntries, incomplete_block};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::{CsrfEntry, Text};
use crate::typed::{Cookie, Csrf, CsrfApplies, CsrfLayer, HmacAlgorithm, Purpose};

/// The entries of the token layer, each with an example. Without any of them, the origin layer stands alone.
const TOKEN_LAYER: [(&str, &str); 4] = [
    ("secret", "secret NAME_OF_A_SECRET"),
    ("session", "session cookie \"session-id\""),
    ("header", "header \"x-csrf-token\""),
    ("lifetime", "lifetime 1h"),
];

/// The CSRF block; `None` where it has errors, `Some(None)` where there is none.
pub(crate) fn csrf(
    checker: &Checker<'_>,
    secrets: &mut Secrets,
    cookies: &HashMap<String, Cookie>,
) -> Option<Option<Csrf>> {
    let Some((span, csrf)) = checker.names.csrf else { return Some(None) };
    let (mut secret, mut cookie, mut header, mut lifetime) = (None, None, None, None);
    let mut applies = CsrfApplies::Ambient;
    let mut entries = SeenEntries::default();
    for entry in &csrf.entries {
        if !entries.first(entry.span, checker) {
            continue;
        }
        match &entry.node {
            CsrfEntry::Secret(name) => secret = secrets.take(name, Purpose::Hmac(HmacAlgorithm::Hs256), checker),
            CsrfEntry::Session(name) => {
                no_token_in(checker, name);
                cookie = cookie_name(checker, name);
            }
            CsrfEntry::Header(name) => header = header_name(checker, name),
            CsrfEntry::Lifetime(duration) => lifetime = csrf_lifetime(checker, duration),
            CsrfEntry::Applies(what) => match what.keyword {
                Some(known) => applies = known,
                None => {
                    let message = format!("`applies` can't be `{}`", what.text.node);
                    Diagnostic::error("unknown_name", what.text.span, message)
                        .report_with(checker, "write `applies ambient` or `applies always`");
                }
            },
        }
    }
    let ambient = ambient_cookies(checker);
    if !issues_tokens(csrf) {
        return Some(Some(Csrf { span, applies, ambient, token: None }));
    }
    for (word, example) in TOKEN_LAYER {
        if entries.span(word).is_none() {
            incomplete_block(span, "csrf", word, example).report(checker);
        }
    }
    let cookie = cookie?;
    let session = cookies.get(&cookie).cloned().unwrap_or_else(|| session_cookie(cookie));
    let token = CsrfLayer { secret: secret?, session, header: header?, lifetime: lifetime? };
    Some(Some(Csrf { span, applies, ambient, token: Some(token) }))
}

/// The session's cookie is set to random bytes, which no token is.
fn no_token_in(checker: &Checker<'_>, cookie: &Text) {
    let carried = checker.names.tokens.values().flat_map(|token| &token.entries).find_map(|entry| match &entry.node {
        tree::TokenEntry::Carried(tree::Carried::Cookie(name)) if name.node == cookie.node => Some(name.span),
        _ => None,
    });
    if let Some(carried) = carried {
        let (earlier, later) = checker.findings.in_order(carried, cookie.span);
        Diagnostic::error("cookie_reused", later, format!("the cookie `{}` serves two purposes", cookie.node))
            .also(earlier, "used here, too")
            .report_with(checker, "give the session that CSRF tokens are bound to a cookie of its own");
    }
}

fn csrf_lifetime(checker: &Checker<'_>, milliseconds: &tree::Spanned<u64>) -> Option<SignedDuration> {
    let lifetime = i64::try_from(milliseconds.node).ok().map(SignedDuration::from_millis);
    match lifetime.filter(|lifetime| lifetime.as_secs() >= 1) {
        Some(lifetime) => Some(lifetime),
        None => {
            Diagnostic::error("duration_out_of_range", milliseconds.span, "a CSRF token lives for at least a second")
                .report_with(checker, "write a duration such as `1h`");
            None
        }
    }
}

/// True if the block has an entry of the token layer.
pub(crate) fn issues_tokens(csrf: &tree::Csrf) -> bool {
    csrf.entries.iter().any(|entry| !matches!(entry.node, CsrfEntry::Applies(_)))
}
