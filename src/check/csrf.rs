//! The CSRF block.

use jiff::SignedDuration;

use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::{self, CsrfEntry, Text};

use super::Checker;
use super::entries::Entries;
use super::typed::{Csrf, CsrfApplies, HmacAlgorithm};

impl Checker<'_> {
    /// The CSRF block; `None` where it has errors, `Some(None)` where there is none.
    pub(super) fn csrf(&mut self) -> Option<Option<Csrf>> {
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
                CsrfEntry::Secret(name) => secret = self.secret(name, HmacAlgorithm::Hs256),
                CsrfEntry::Session(name) => cookie = self.cookie_name(name),
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
        for (word, example) in [
            ("secret", "secret NAME_OF_A_SECRET"),
            ("session", "session cookie \"session-id\""),
            ("header", "header \"x-csrf-token\""),
            ("lifetime", "lifetime 1h"),
        ] {
            if entries.span(word).is_none() {
                self.report(
                    Diagnostic::error("incomplete", span, format!("`csrf` has no `{word}`"))
                        .help(format!("add `{example}`")),
                );
            }
        }
        Some(Some(Csrf { span, secret: secret?, cookie: cookie?, header: header?, lifetime: lifetime?, applies }))
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

    /// RFC 6265 §4.1.1: a cookie's name is a token.
    fn cookie_name(&mut self, name: &Text) -> Option<String> {
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
