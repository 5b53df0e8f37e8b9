//! Lowers the declarations about transport and browsers.

use crate::syntax::literal::{duration, natural, network, size};
use crate::syntax::lower::{Lowering, Pair, Parts};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{
    Block, CookieEntry, CorsEntry, CsrfEntry, DeclarationKind, HeadersEntry, Text, TransportEntry,
};

/// Lowers the declaration after its keyword.
pub(crate) fn declaration(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<DeclarationKind> {
    let name: Option<Text> = match rule {
        Rule::cookie => Some(lowering.next_text(&mut parts)?),
        _ => parts.take_next(Rule::name).map(|name| lowering.text(&name)),
    };
    Some(match rule {
        Rule::transport => {
            DeclarationKind::Transport(Block { name: (), entries: lowering.entries(parts, transport_entry)? })
        }
        Rule::cors => DeclarationKind::Cors(Block { name, entries: lowering.entries(parts, cors_entry)? }),
        Rule::csrf => DeclarationKind::Csrf(Block { name: (), entries: lowering.entries(parts, csrf_entry)? }),
        Rule::headers => DeclarationKind::Headers(Block { name, entries: lowering.entries(parts, headers_entry)? }),
        _ => DeclarationKind::Cookie(Block { name: name?, entries: lowering.entries(parts, cookie_entry)? }),
    })
}

fn transport_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<TransportEntry> {
    Some(match keyword.as_rule() {
        Rule::k_https => TransportEntry::Https(lowering.word(&parts.next()?)),
        Rule::k_hosts => TransportEntry::Hosts(lowering.texts(parts)),
        Rule::k_proxies => {
            let proxies = parts.map(|proxy| network(lowering, &proxy.into_inner().next()?));
            TransportEntry::Proxies(proxies.collect::<Option<_>>()?)
        }
        Rule::k_forwarded => TransportEntry::Forwarded(lowering.word(&parts.next()?)),
        Rule::maximum_name => {
            let value = parts.next()?;
            let value = if value.as_rule() == Rule::size { size(lowering, &value) } else { natural(lowering, &value) };
            TransportEntry::Maximum(lowering.word(keyword), value?)
        }
        _ => return None,
    })
}

fn cors_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<CorsEntry> {
    Some(match keyword.as_rule() {
        Rule::k_origins => CorsEntry::Origins(lowering.texts(parts)),
        Rule::k_methods => CorsEntry::Methods(lowering.texts(parts)),
        Rule::k_headers => CorsEntry::Headers(lowering.texts(parts)),
        Rule::k_expose => CorsEntry::Expose(lowering.texts(parts)),
        Rule::k_credentials => CorsEntry::Credentials,
        Rule::k_max_age => CorsEntry::MaxAge(duration(lowering, &parts.next()?)?),
        _ => return None,
    })
}

fn csrf_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<CsrfEntry> {
    Some(match keyword.as_rule() {
        Rule::k_secret => CsrfEntry::Secret(lowering.next_text(&mut parts)?),
        Rule::k_session => CsrfEntry::Session(lowering.text(&parts.pick(Rule::string)?)),
        Rule::k_header => CsrfEntry::Header(lowering.next_text(&mut parts)?),
        Rule::k_lifetime => CsrfEntry::Lifetime(duration(lowering, &parts.next()?)?),
        Rule::k_applies => CsrfEntry::Applies(lowering.word(&parts.next()?)),
        _ => return None,
    })
}

fn headers_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<HeadersEntry> {
    Some(match keyword.as_rule() {
        Rule::header_setting => HeadersEntry::Set(lowering.text(keyword), lowering.next_text(&mut parts)?),
        Rule::k_preset => HeadersEntry::Preset(lowering.next_text(&mut parts)?),
        Rule::k_remove => HeadersEntry::Remove(lowering.texts(parts)),
        _ => return None,
    })
}

fn cookie_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<CookieEntry> {
    Some(match keyword.as_rule() {
        Rule::k_http_only => CookieEntry::HttpOnly,
        Rule::k_secure => CookieEntry::Secure,
        Rule::k_partitioned => CookieEntry::Partitioned,
        Rule::k_same_site => CookieEntry::SameSite(lowering.word(&parts.next()?)),
        Rule::k_path => CookieEntry::Path(lowering.next_text(&mut parts)?),
        Rule::k_domain => CookieEntry::Domain(lowering.next_text(&mut parts)?),
        Rule::k_max_age => CookieEntry::MaxAge(duration(lowering, &parts.next()?)?),
        _ => return None,
    })
}
