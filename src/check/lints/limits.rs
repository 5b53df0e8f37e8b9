//! Limits with keys that don't separate clients, and proxies that are trusted too widely.

use crate::check::checker::{Checker, Report};
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::HttpsRule;
use crate::syntax::tree::{Expression, ExpressionKind, LimitEntry, TransportEntry};

/// A network of a trusted proxy has at least so many bits, by the length of its addresses.
const FEWEST_BITS: [(u8, u8); 2] = [(32, 8), (128, 16)];

pub(crate) fn limits(checker: &Checker<'_>) {
    let names = &checker.names;
    for entry in names.limits.values().flat_map(|limit| &limit.entries) {
        let LimitEntry::Key(parts) = &entry.node else { continue };
        let mut reads = false;
        let mut chosen: Option<&Expression> = None;
        for part in parts {
            part.visit(&mut |part| match &part.kind {
                ExpressionKind::Path(_) => reads = true,
                ExpressionKind::Call(path, _) => {
                    reads = true;
                    let by_client = matches!(path.as_slice(), [root, of] if root.node == "request" && matches!(of.node.as_str(), "header" | "cookie"));
                    chosen = chosen.or(Some(part).filter(|_| by_client));
                }
                _ => {}
            });
        }
        if !reads {
            Diagnostic::warning("shared_bucket", entry.span, "all callers share one bucket")
                .label("one of them can use it up for the others")
                .report_with(checker, "write a key that tells them apart: `key user.id ?? client.ip`");
        }
        if let Some(chosen) = chosen {
            Diagnostic::warning("client_chosen_key", chosen.span, "a client chooses this, and so its own bucket")
                .report_with(checker, "write a key that it can't choose: `user.id`, `client.ip`");
        }
    }
    for entry in names.transport.iter().flat_map(|(_, transport)| &transport.entries) {
        match &entry.node {
            TransportEntry::Proxies(networks) => {
                let wide = networks.iter().filter(|network| {
                    let length = network.node.max_prefix_len();
                    FEWEST_BITS.iter().any(|(of, fewest)| *of == length && network.node.prefix_len() < *fewest)
                });
                for network in wide {
                    let message = format!("`{}` trusts most of the internet's word on who is calling", network.node);
                    Diagnostic::warning("wide_proxies", network.span, message)
                        .report_with(checker, "name the networks that the proxies are in, as small as they are");
                }
            }
            TransportEntry::Https(what)
                if what.keyword == Some(HttpsRule::Optional) && names.tokens.iter().next().is_some() =>
            {
                Diagnostic::warning("https_optional", entry.span, "tokens may travel in the clear")
                    .report_with(checker, "write `https required`");
            }
            _ => {}
        }
    }
}
