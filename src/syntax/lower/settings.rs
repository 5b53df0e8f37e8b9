//! Comes in: the pairs of declarations that are lists of settings. Goes out: their trees. It never asks whether a
//! setting makes sense, or stands twice.

use crate::syntax::literal::{duration, int, natural, network, size};
use crate::syntax::lower::expressions::value_type;
use crate::syntax::lower::{Lowering, Pair, Parts};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{
    Attribute, Carried, Claim, Cookie, CookieEntry, Cors, CorsEntry, Csrf, CsrfEntry, DeclarationKind, Headers,
    HeadersEntry, Keys, Limit, LimitEntry, Mapping, Password, PasswordEntry, Provider, ProviderEntry, Rate, Secrets,
    SingleUse, Spanned, Tier, Token, TokenEntry, Transport, TransportEntry,
};

/// A declaration that `lower_rule`, `lower_schema` and `lower_route` don't know.
pub(crate) fn declaration(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<DeclarationKind> {
    let rule = pair.as_rule();
    let mut parts = Parts::of(pair);
    parts.next()?;
    Some(match rule {
        Rule::secrets => DeclarationKind::Secrets(Secrets { names: lowering.texts(parts) }),
        Rule::keys => {
            let name = lowering.text(&parts.next()?);
            let jwks = parts.filter_map(|entry| Parts::of(entry).pick(Rule::string));
            DeclarationKind::Keys(Keys { name, jwks: jwks.map(|url| lowering.text(&url)).collect() })
        }
        Rule::token => {
            let name = lowering.text(&parts.next()?);
            DeclarationKind::Token(Token { name, entries: entries(lowering, parts, token_entry)? })
        }
        Rule::password => DeclarationKind::Password(Password { entries: entries(lowering, parts, password_entry)? }),
        Rule::account => DeclarationKind::Account(attributes(lowering, parts)?),
        Rule::context => DeclarationKind::Context(attributes(lowering, parts)?),
        Rule::user => {
            let token = lowering.text(&parts.pick(Rule::name)?);
            DeclarationKind::User(Mapping { token, entries: mapping(lowering, parts)? })
        }
        Rule::provider => {
            let name = lowering.text(&parts.next()?);
            DeclarationKind::Provider(Provider { name, entries: entries(lowering, parts, provider_entry)? })
        }
        Rule::tier => {
            let name = lowering.text(&parts.next()?);
            DeclarationKind::Tier(Tier { name, rates: rates(lowering, parts)? })
        }
        Rule::limit => {
            let name = lowering.text(&parts.next()?);
            DeclarationKind::Limit(Limit { name, entries: entries(lowering, parts, limit_entry)? })
        }
        Rule::transport => {
            DeclarationKind::Transport(Transport { entries: entries(lowering, parts, transport_entry)? })
        }
        Rule::cors => {
            let name = parts.take_next(Rule::name).map(|name| lowering.text(&name));
            DeclarationKind::Cors(Cors { name, entries: entries(lowering, parts, cors_entry)? })
        }
        Rule::csrf => DeclarationKind::Csrf(Csrf { entries: entries(lowering, parts, csrf_entry)? }),
        Rule::headers => {
            let name = parts.take_next(Rule::name).map(|name| lowering.text(&name));
            DeclarationKind::Headers(Headers { name, entries: entries(lowering, parts, headers_entry)? })
        }
        Rule::cookie => {
            let name = lowering.text(&parts.next()?);
            DeclarationKind::Cookie(Cookie { name, entries: entries(lowering, parts, cookie_entry)? })
        }
        _ => return None,
    })
}

/// All of `parts` as entries, each with its place. Entries that can't be read have said why; the others go on.
fn entries<T>(
    lowering: &mut Lowering<'_>,
    parts: Parts<'_>,
    entry: fn(&mut Lowering<'_>, Rule, Parts<'_>) -> Option<T>,
) -> Option<Vec<Spanned<T>>> {
    let mut all = Some(Vec::new());
    for pair in parts {
        let span = lowering.span(&pair);
        let mut inner = Parts::of(pair);
        // The first part says which entry it is; where it says more than that, it is still there to be read.
        let whole = inner.clone();
        let first = inner.next().map(|first| first.as_rule());
        let keeps_first = matches!(
            first,
            Some(
                Rule::maximum_name
                    | Rule::header_setting
                    | Rule::provider_setting
                    | Rule::k_client_secret
                    | Rule::k_state
            )
        );
        let node = first.and_then(|rule| entry(lowering, rule, if keeps_first { whole } else { inner }));
        all = all.zip(node).map(|(mut all, node)| {
            all.push(Spanned { node, span });
            all
        });
    }
    all
}

fn attributes(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<Vec<Attribute>> {
    parts.map(|part| attribute(lowering, part)).collect()
}

/// An `attribute` pair: `NAME[?]: TYPE`
pub(crate) fn attribute(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Attribute> {
    let mut parts = Parts::of(pair);
    let name = lowering.text(&parts.pick(Rule::entry_name)?);
    let optional = parts.take_next(Rule::question).is_some();
    let ty = value_type(lowering, parts.pick(Rule::value_type)?)?;
    Some(Attribute { name, optional, ty })
}

fn mapping(
    lowering: &mut Lowering<'_>,
    parts: Parts<'_>,
) -> Option<Vec<(crate::syntax::tree::Text, crate::syntax::tree::Expression)>> {
    parts
        .map(|entry| {
            let mut entry = Parts::of(entry);
            let name = lowering.text(&entry.pick(Rule::mapping_name)?);
            Some((name, lowering.expression(entry.pick(Rule::expression)?)?))
        })
        .collect()
}

fn rates(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<Vec<Rate>> {
    parts
        .map(|pair| {
            let span = lowering.span(&pair);
            let mut parts = Parts::of(pair);
            let count = int(lowering, &parts.pick(Rule::int)?)?;
            let period = duration(lowering, &parts.pick(Rule::duration)?)?;
            let burst = match parts.pick(Rule::int) {
                Some(burst) => Some(int(lowering, &burst)?),
                None => None,
            };
            Some(Rate { span, count, period, burst })
        })
        .collect()
}

fn token_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<TokenEntry> {
    Some(match rule {
        Rule::k_algorithm => TokenEntry::Algorithm(lowering.texts(parts)),
        Rule::k_key => TokenEntry::Key(lowering.text(&parts.next()?)),
        Rule::k_keys => TokenEntry::Keys(lowering.text(&parts.next()?)),
        Rule::k_issuer => TokenEntry::Issuer(lowering.text(&parts.next()?)),
        Rule::k_audience => TokenEntry::Audience(lowering.texts(parts)),
        Rule::k_typ => TokenEntry::Typ(lowering.text(&parts.next()?)),
        Rule::k_lifetime => TokenEntry::Lifetime(duration(lowering, &parts.next()?)?),
        Rule::k_leeway => TokenEntry::Leeway(duration(lowering, &parts.next()?)?),
        Rule::k_carried => {
            let mut carrier = Parts::of(parts.next()?);
            match carrier.next()?.as_rule() {
                Rule::k_cookie => TokenEntry::Carried(Carried::Cookie(lowering.text(&carrier.next()?))),
                Rule::k_header => TokenEntry::Carried(Carried::Header(lowering.text(&carrier.next()?))),
                Rule::k_body => TokenEntry::Carried(Carried::Body(lowering.text(&carrier.next()?))),
                _ => TokenEntry::Carried(Carried::Bearer),
            }
        }
        Rule::k_single_use => {
            let mut after = |keyword| match parts.pick(keyword) {
                Some(_) => duration(lowering, &parts.next()?).map(Some),
                None => Some(None),
            };
            TokenEntry::SingleUse(SingleUse { grace: after(Rule::k_grace)?, idle: after(Rule::k_idle)? })
        }
        Rule::k_opaque => TokenEntry::Opaque,
        Rule::k_claims => {
            let claims = parts.map(|pair| {
                let mut parts = Parts::of(pair);
                let attribute = attribute(lowering, parts.pick(Rule::attribute)?)?;
                let source = match parts.pick(Rule::expression) {
                    Some(source) => Some(lowering.expression(source)?),
                    None => None,
                };
                Some(Claim { attribute, source })
            });
            TokenEntry::Claims(claims.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn password_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<PasswordEntry> {
    Some(match rule {
        Rule::k_algorithm => PasswordEntry::Algorithm(lowering.text(&parts.next()?)),
        Rule::k_memory => PasswordEntry::Memory(size(lowering, &parts.next()?)?),
        Rule::k_iterations => PasswordEntry::Iterations(int(lowering, &parts.next()?)?),
        Rule::k_parallelism => PasswordEntry::Parallelism(int(lowering, &parts.next()?)?),
        Rule::k_cost => PasswordEntry::Cost(int(lowering, &parts.next()?)?),
        Rule::k_accept => PasswordEntry::Accept(lowering.texts(parts)),
        _ => return None,
    })
}

fn provider_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<ProviderEntry> {
    Some(match rule {
        Rule::k_client_secret | Rule::k_state => {
            ProviderEntry::Secret(lowering.text(&parts.next()?), lowering.text(&parts.next()?))
        }
        Rule::provider_setting => ProviderEntry::Text(lowering.text(&parts.next()?), lowering.text(&parts.next()?)),
        Rule::k_keys => ProviderEntry::Keys(lowering.text(&parts.next()?)),
        Rule::k_scopes => ProviderEntry::Scopes(lowering.texts(parts)),
        _ => return None,
    })
}

fn limit_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<LimitEntry> {
    Some(match rule {
        Rule::k_algorithm => LimitEntry::Algorithm(lowering.text(&parts.next()?)),
        Rule::k_key => LimitEntry::Key(parts.map(|part| lowering.expression(part)).collect::<Option<_>>()?),
        Rule::k_tier => LimitEntry::Tier(lowering.expression(parts.next()?)?),
        Rule::k_rate => LimitEntry::Rate(rates(lowering, parts)?),
        Rule::k_cost => {
            let cost = lowering.expression(parts.next()?)?;
            let when = match parts.next() {
                Some(when) => Some(lowering.expression(Parts::of(when).pick(Rule::expression)?)?),
                None => None,
            };
            LimitEntry::Cost(cost, when)
        }
        Rule::k_skip => LimitEntry::SkipWhen(lowering.expression(Parts::of(parts.next()?).pick(Rule::expression)?)?),
        Rule::k_on_failure => LimitEntry::OnFailure(lowering.text(&parts.next()?)),
        Rule::k_headers => LimitEntry::Headers(lowering.text(&parts.next()?)),
        Rule::k_dry_run => LimitEntry::DryRun,
        Rule::k_concurrency => {
            let most = int(lowering, &parts.pick(Rule::int)?)?;
            let timeout = match parts.pick(Rule::duration) {
                Some(timeout) => Some(duration(lowering, &timeout)?),
                None => None,
            };
            LimitEntry::Concurrency(most, timeout)
        }
        Rule::k_lease => LimitEntry::Lease(int(lowering, &parts.next()?)?),
        Rule::k_ipv6_prefix => LimitEntry::Ipv6Prefix(int(lowering, &parts.next()?)?),
        _ => return None,
    })
}

fn transport_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<TransportEntry> {
    Some(match rule {
        Rule::k_https => TransportEntry::Https(lowering.text(&parts.next()?)),
        Rule::k_hosts => TransportEntry::Hosts(lowering.texts(parts)),
        Rule::k_proxies => {
            let proxies = parts.map(|proxy| network(lowering, &proxy.into_inner().next()?));
            TransportEntry::Proxies(proxies.collect::<Option<_>>()?)
        }
        Rule::k_forwarded => TransportEntry::Forwarded(lowering.text(&parts.next()?)),
        Rule::maximum_name => {
            let name = lowering.text(&parts.next()?);
            let value = parts.next()?;
            let value = if value.as_rule() == Rule::size { size(lowering, &value) } else { natural(lowering, &value) };
            TransportEntry::Maximum(name, value?)
        }
        _ => return None,
    })
}

fn cors_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<CorsEntry> {
    Some(match rule {
        Rule::k_origins => CorsEntry::Origins(lowering.texts(parts)),
        Rule::k_methods => CorsEntry::Methods(lowering.texts(parts)),
        Rule::k_headers => CorsEntry::Headers(lowering.texts(parts)),
        Rule::k_expose => CorsEntry::Expose(lowering.texts(parts)),
        Rule::k_credentials => CorsEntry::Credentials,
        Rule::k_max_age => CorsEntry::MaxAge(duration(lowering, &parts.next()?)?),
        _ => return None,
    })
}

fn csrf_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<CsrfEntry> {
    Some(match rule {
        Rule::k_secret => CsrfEntry::Secret(lowering.text(&parts.next()?)),
        Rule::k_session => CsrfEntry::Session(lowering.text(&parts.pick(Rule::string)?)),
        Rule::k_header => CsrfEntry::Header(lowering.text(&parts.next()?)),
        Rule::k_lifetime => CsrfEntry::Lifetime(duration(lowering, &parts.next()?)?),
        Rule::k_applies => CsrfEntry::Applies(lowering.text(&parts.next()?)),
        _ => return None,
    })
}

fn headers_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<HeadersEntry> {
    Some(match rule {
        Rule::header_setting => HeadersEntry::Set(lowering.text(&parts.next()?), lowering.text(&parts.next()?)),
        Rule::k_preset => HeadersEntry::Preset(lowering.text(&parts.next()?)),
        Rule::k_remove => HeadersEntry::Remove(lowering.texts(parts)),
        _ => return None,
    })
}

fn cookie_entry(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<CookieEntry> {
    Some(match rule {
        Rule::k_http_only => CookieEntry::HttpOnly,
        Rule::k_secure => CookieEntry::Secure,
        Rule::k_partitioned => CookieEntry::Partitioned,
        Rule::k_same_site => CookieEntry::SameSite(lowering.text(&parts.next()?)),
        Rule::k_path => CookieEntry::Path(lowering.text(&parts.next()?)),
        Rule::k_domain => CookieEntry::Domain(lowering.text(&parts.next()?)),
        Rule::k_max_age => CookieEntry::MaxAge(duration(lowering, &parts.next()?)?),
        _ => return None,
    })
}
