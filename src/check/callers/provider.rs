//! Providers to log in with (RFC 6749, OpenID Connect Core): their settings are complete, and their
//! callbacks lead back to a route.

use std::collections::HashMap;

use url::Url;

use crate::check::callers::key_set::trusted_url;
use crate::check::callers::secret::Secrets;
use crate::check::checker::{Checker, Report};
use crate::check::settings::incomplete;
use crate::check::suggest::Suggest;
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::{Keyword as _, ProviderSetting};
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{ProviderEntry, Text, Word};
use crate::typed::Purpose;

/// The entries that every provider needs, each with an example.
const REQUIRED: [(&str, &str); 5] = [
    ("authorize_url", "authorize_url \"https://id.example.com/authorize\""),
    ("token_url", "token_url \"https://id.example.com/token\""),
    ("redirect_url", "redirect_url \"https://api.example.com/auth/callback\""),
    ("client_id", "client_id \"…\""),
    ("state", "state NAME_OF_A_SECRET"),
];
/// The place that a provider sends callers back to.
pub(crate) struct Return {
    pub(crate) span: Span,
    /// The form of the policy's routes; nothing where the URL is in error.
    pub(crate) path: Option<String>,
}

/// The providers' ways back, by their names.
pub(crate) fn providers(checker: &Checker<'_>, secrets: &mut Secrets) -> HashMap<String, Return> {
    let declared = checker.names.providers.values();
    declared.map(|declared| (declared.name.node.clone(), provider(checker, secrets, declared))).collect()
}

fn provider(checker: &Checker<'_>, secrets: &mut Secrets, provider: &tree::Provider) -> Return {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    let mut back = Return { span: provider.name.span, path: None };
    let mut asks_for_id = false;
    let mut misspelt = false;
    for entry in &provider.entries {
        let word = match &entry.node {
            ProviderEntry::Setting(Word { keyword: Some(setting), .. }, _) => setting.word(),
            ProviderEntry::Setting(Word { text: name, keyword: None }, _) => {
                misspelt = true;
                unknown_entry(checker, name);
                continue;
            }
            ProviderEntry::ClientSecret(_) => "client_secret",
            ProviderEntry::State(_) => "state",
            ProviderEntry::Keys(_) => "keys",
            ProviderEntry::Scopes(_) => "scopes",
        };
        if let Some(first) = seen.insert(word, entry.span) {
            let error = checker.findings.twice(first, entry.span, &format!("`{word}`"));
            error.report_with(checker, "keep one of them");
            continue;
        }
        match &entry.node {
            ProviderEntry::Setting(Word { keyword: Some(ProviderSetting::ClientId), .. }, text) => {
                not_empty(checker, text, "client_id");
            }
            ProviderEntry::Setting(Word { keyword, .. }, url) => {
                let url_of = trusted_url(checker, url, &format!("`{word}`"));
                if *keyword == Some(ProviderSetting::RedirectUrl) {
                    back = Return { span: url.span, path: url_of.and_then(|parsed| way_back(checker, url, &parsed)) };
                }
            }
            ProviderEntry::State(name) => drop(secrets.take(name, Purpose::Sealing, checker)),
            ProviderEntry::ClientSecret(name) => drop(secrets.take(name, Purpose::Password, checker)),
            ProviderEntry::Keys(name) => drop(checker.names.keys.find(name, &checker.findings).is_some()),
            ProviderEntry::Scopes(scopes) => asks_for_id = provider_scopes(checker, scopes),
        }
    }
    // What is misspelt isn't missing, too.
    if !misspelt {
        for (word, example) in REQUIRED.into_iter().filter(|(word, _)| !seen.contains_key(word)) {
            incomplete(&provider.name, word, example).report(checker);
        }
    }
    let of_id_tokens = [("issuer", "issuer \"https://id.example.com\""), ("keys", "keys NAME_OF_A_KEY_SET")];
    let needs = asks_for_id || seen.contains_key("keys");
    for (word, example) in of_id_tokens.into_iter().filter(|(word, _)| needs && !misspelt && !seen.contains_key(word)) {
        let why = match asks_for_id {
            true => "the scope `openid` brings an ID token, which can't be verified without",
            false => "the keys are for the ID tokens of one issuer",
        };
        incomplete(&provider.name, word, example).label(why).report(checker);
    }
    back
}

fn unknown_entry(checker: &Checker<'_>, name: &Text) {
    Diagnostic::error("unknown_entry", name.span, format!("a provider has no `{}`", name.node))
        .one_of(&name.node, ProviderSetting::words().chain(["client_secret", "state", "keys", "scopes"]))
        .report(checker);
}

fn not_empty(checker: &Checker<'_>, text: &Text, word: &str) {
    if text.node.is_empty() {
        Diagnostic::error("nothing_pinned", text.span, format!("`{word}` is empty"))
            .report_with(checker, "write what the provider gave you when you registered");
    }
}

/// Returns true if the scopes ask for an ID token (OpenID Connect Core §3.1.2.1).
fn provider_scopes(checker: &Checker<'_>, scopes: &[Text]) -> bool {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for scope in scopes {
        // RFC 6749 §3.3, `scope-token`.
        let token = |byte: u8| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
        if scope.node.is_empty() || !scope.node.bytes().all(token) {
            Diagnostic::error("invalid_scope", scope.span, format!("`{}` is no scope", scope.node))
                .report_with(checker, "write each scope as a string of its own: `scopes \"openid\", \"email\"`");
        } else if let Some(first) = seen.insert(&scope.node, scope.span) {
            let error = checker.findings.twice(first, scope.span, &format!("the scope `{}`", scope.node));
            error.report_with(checker, "keep one of them");
        }
    }
    seen.contains_key("openid")
}

/// The path of a `redirect_url`, which providers compare with what was registered, byte by byte.
fn way_back(checker: &Checker<'_>, text: &Text, url: &Url) -> Option<String> {
    if url.query().is_some() {
        Diagnostic::error("invalid_url", text.span, "`redirect_url` has a query")
            .label("the provider adds its own")
            .report_with(checker, "take out the `?` and what follows");
        return None;
    }
    Some(url.path().to_owned())
}
