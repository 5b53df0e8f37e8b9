//! Providers to log in with (RFC 6749, OpenID Connect Core): what the policy must know of them, and that their
//! callbacks lead back to a route.

use std::collections::HashMap;

use url::Url;

use crate::check::Checker;
use crate::check::callers::token::incomplete;
use crate::check::names::{list, suggest, twice};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{ProviderEntry, Text};
use crate::typed::Purpose;

/// What every provider needs, each with an example.
const REQUIRED: [(&str, &str); 5] = [
    ("authorize_url", "authorize_url \"https://id.example.com/authorize\""),
    ("token_url", "token_url \"https://id.example.com/token\""),
    ("redirect_url", "redirect_url \"https://api.example.com/auth/callback\""),
    ("client_id", "client_id \"…\""),
    ("state", "state NAME_OF_A_SECRET"),
];
/// Every setting that holds a string.
const TEXTS: [&str; 6] = ["authorize_url", "token_url", "redirect_url", "userinfo_url", "client_id", "issuer"];
/// Every entry.
const ENTRIES: [&str; 10] = [
    "authorize_url",
    "token_url",
    "redirect_url",
    "userinfo_url",
    "client_id",
    "issuer",
    "client_secret",
    "state",
    "keys",
    "scopes",
];

/// Where a provider sends callers back to.
pub(crate) struct Return {
    pub(crate) span: Span,
    /// As the policy's routes are written; nothing where the URL is in error.
    pub(crate) path: Option<String>,
}

impl Checker<'_> {
    /// The providers' ways back, by their names.
    pub(crate) fn providers(&mut self) -> HashMap<String, Return> {
        let declared: Vec<&tree::Provider> = self.names.providers.iter().map(|(_, (_, provider))| *provider).collect();
        declared.into_iter().map(|provider| (provider.name.node.clone(), self.provider(provider))).collect()
    }

    fn provider(&mut self, provider: &tree::Provider) -> Return {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut back = Return { span: provider.name.span, path: None };
        let mut asks_for_id = false;
        let mut misspelt = false;
        for entry in &provider.entries {
            let word = match &entry.node {
                ProviderEntry::Text(name, _) if !TEXTS.contains(&name.node.as_str()) => {
                    misspelt = true;
                    self.unknown_entry(name);
                    continue;
                }
                ProviderEntry::Text(name, _) | ProviderEntry::Secret(name, _) => name.node.as_str(),
                ProviderEntry::Keys(_) => "keys",
                ProviderEntry::Scopes(_) => "scopes",
            };
            if let Some(first) = seen.insert(word, entry.span) {
                let error = twice(self.sources, first, entry.span, &format!("`{word}`"));
                self.report(error.help("keep one of them"));
                continue;
            }
            match &entry.node {
                ProviderEntry::Text(_, text) if word == "client_id" => self.not_empty(text, "client_id"),
                ProviderEntry::Text(_, url) => {
                    let url_of = self.trusted_url(url, &format!("`{word}`"));
                    if word == "redirect_url" {
                        back = Return { span: url.span, path: url_of.and_then(|parsed| self.way_back(url, &parsed)) };
                    }
                }
                ProviderEntry::Secret(_, name) if word == "state" => drop(self.secret(name, Purpose::Sealing)),
                ProviderEntry::Secret(_, name) => drop(self.secret(name, Purpose::Password)),
                ProviderEntry::Keys(name) => drop(self.names.keys.find(name, &mut self.diagnostics).is_some()),
                ProviderEntry::Scopes(scopes) => asks_for_id = self.provider_scopes(scopes),
            }
        }
        // What is misspelt isn't missing, too.
        if !misspelt {
            for (word, example) in REQUIRED.into_iter().filter(|(word, _)| !seen.contains_key(word)) {
                self.report(incomplete(&provider.name, word, example));
            }
        }
        let of_id_tokens = [("issuer", "issuer \"https://id.example.com\""), ("keys", "keys NAME_OF_A_KEY_SET")];
        let needs = asks_for_id || seen.contains_key("keys");
        for (word, example) in
            of_id_tokens.into_iter().filter(|(word, _)| needs && !misspelt && !seen.contains_key(word))
        {
            let why = match asks_for_id {
                true => "the scope `openid` brings an ID token, which can't be verified without",
                false => "the keys are for the ID tokens of one issuer",
            };
            self.report(incomplete(&provider.name, word, example).label(why));
        }
        back
    }

    fn unknown_entry(&mut self, name: &Text) {
        let error = Diagnostic::error("unknown_entry", name.span, format!("a provider has no `{}`", name.node));
        let known = list(ENTRIES.into_iter()).unwrap_or_default();
        self.report(match suggest(&name.node, ENTRIES.into_iter()) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error.help(format!("there are {known}")),
        });
    }

    fn not_empty(&mut self, text: &Text, word: &str) {
        if text.node.is_empty() {
            self.report(
                Diagnostic::error("nothing_pinned", text.span, format!("`{word}` is empty"))
                    .help("write what the provider gave you when you registered"),
            );
        }
    }

    /// Whether they ask for an ID token (OpenID Connect Core §3.1.2.1).
    fn provider_scopes(&mut self, scopes: &[Text]) -> bool {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for scope in scopes {
            // RFC 6749 §3.3, `scope-token`.
            let token = |byte: u8| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
            if scope.node.is_empty() || !scope.node.bytes().all(token) {
                self.report(
                    Diagnostic::error("invalid_scope", scope.span, format!("`{}` is no scope", scope.node))
                        .help("write each scope as a string of its own: `scopes \"openid\", \"email\"`"),
                );
            } else if let Some(first) = seen.insert(&scope.node, scope.span) {
                let error = twice(self.sources, first, scope.span, &format!("the scope `{}`", scope.node));
                self.report(error.help("keep one of them"));
            }
        }
        seen.contains_key("openid")
    }

    /// The path of a `redirect_url`, which providers compare with what was registered, byte by byte.
    fn way_back(&mut self, text: &Text, url: &Url) -> Option<String> {
        if url.query().is_some() {
            self.report(
                Diagnostic::error("invalid_url", text.span, "`redirect_url` has a query")
                    .label("the provider adds its own")
                    .help("take out the `?` and what follows"),
            );
            return None;
        }
        Some(url.path().to_owned())
    }
}
