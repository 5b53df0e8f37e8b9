//! JWK sets by name, and the URLs that a policy trusts for keys and logins.

use url::{Host, Url};

use crate::check::checker::{Checker, Report};
use crate::check::settings::incomplete;
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::Text;
use crate::typed::KeySet;

/// One row a declared set, in the order written.
pub(crate) fn key_sets(checker: &Checker<'_>) -> Table<KeySet> {
    let declared: Vec<&tree::Keys> = checker.names.keys.values().collect();
    let mut sets = Table::new();
    for set in declared {
        match set.jwks.as_slice() {
            [] => incomplete(&set.name, "jwks", "jwks \"https://…/jwks.json\"").report(checker),
            [url, more @ ..] => {
                trusted_url(checker, url, "`jwks`");
                for url_again in more {
                    let error = checker.findings.twice(url.span, url_again.span, "`jwks`");
                    error.report_with(checker, "keep one URL; a token of several issuers is several tokens");
                }
            }
        }
        let jwks = set.jwks.first().map(|url| url.node.clone()).unwrap_or_default();
        sets.push(KeySet { name: set.name.node.clone(), jwks });
    }
    sets
}

/// A URL of https. One of http is for trying things out on one machine.
pub(crate) fn trusted_url(checker: &Checker<'_>, text: &Text, what: &str) -> Option<Url> {
    // The parser mends much, and what it mended isn't what was reviewed.
    let parsed = Url::parse(&text.node).ok().filter(|url| is_written_so(url, &text.node));
    let (label, help) = match &parsed {
        None => ("", "write it out, such as `\"https://id.example.com/path\"`"),
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            ("it holds a name or a password", "take out what stands before the `@`")
        }
        Some(url) if url.fragment().is_some() => {
            ("a server never sees what stands after the `#`", "take out the `#` and what follows")
        }
        Some(url) if url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(url)) => return parsed,
        Some(url) if url.scheme() == "http" => (
            "whoever sits on the line could answer in its place",
            "write `https://…`; `http://` is for `localhost` alone",
        ),
        Some(_) => ("", "write it out, such as `\"https://id.example.com/path\"`"),
    };
    let error = Diagnostic::error("invalid_url", text.span, format!("{what} must be a whole URL of https"));
    checker.report(if label.is_empty() { error } else { error.label(label) }.help(help));
    None
}

/// True if the text is equal to the parser's result, apart from the slash of an empty path.
fn is_written_so(url: &Url, text: &str) -> bool {
    url.as_str() == text || url.as_str().strip_suffix('/') == Some(text)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
