//! Lowers the declarations about callers.

use crate::syntax::literal::{duration, int, size};
use crate::syntax::lower::{Lowering, Pair, Parts, attribute, attributes, optional};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{
    Block, Carried, Claim, DeclarationKind, Keys, Mapping, PasswordEntry, ProviderEntry, Secrets, SingleUse, TokenEntry,
};

/// Lowers the declaration after its keyword.
pub(crate) fn declaration(lowering: &mut Lowering<'_>, rule: Rule, mut parts: Parts<'_>) -> Option<DeclarationKind> {
    Some(match rule {
        Rule::secrets => DeclarationKind::Secrets(Secrets { names: lowering.texts(parts) }),
        Rule::keys => {
            let name = lowering.next_text(&mut parts)?;
            let jwks = parts.filter_map(|entry| Parts::of(entry).pick(Rule::string));
            DeclarationKind::Keys(Keys { name, jwks: jwks.map(|url| lowering.text(&url)).collect() })
        }
        Rule::token => {
            let name = lowering.next_text(&mut parts)?;
            DeclarationKind::Token(Block { name, entries: lowering.entries(parts, token_entry)? })
        }
        Rule::password => {
            DeclarationKind::Password(Block { name: (), entries: lowering.entries(parts, password_entry)? })
        }
        Rule::account => DeclarationKind::Account(attributes(lowering, parts)?),
        Rule::user => {
            let token = lowering.text(&parts.pick(Rule::name)?);
            let entries = parts.map(|entry| {
                let mut entry = Parts::of(entry);
                Some((lowering.next_text(&mut entry)?, lowering.next_expression(&mut entry)?))
            });
            DeclarationKind::User(Mapping { token, entries: entries.collect::<Option<_>>()? })
        }
        Rule::provider => {
            let name = lowering.next_text(&mut parts)?;
            DeclarationKind::Provider(Block { name, entries: lowering.entries(parts, provider_entry)? })
        }
        _ => return None,
    })
}

fn token_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<TokenEntry> {
    Some(match keyword.as_rule() {
        Rule::k_algorithm => TokenEntry::Algorithm(lowering.texts(parts)),
        Rule::k_key => TokenEntry::Key(lowering.next_text(&mut parts)?),
        Rule::k_keys => TokenEntry::Keys(lowering.next_text(&mut parts)?),
        Rule::k_issuer => TokenEntry::Issuer(lowering.next_text(&mut parts)?),
        Rule::k_audience => TokenEntry::Audience(lowering.texts(parts)),
        Rule::k_typ => TokenEntry::Typ(lowering.next_text(&mut parts)?),
        Rule::k_lifetime => TokenEntry::Lifetime(duration(lowering, &parts.next()?)?),
        Rule::k_leeway => TokenEntry::Leeway(duration(lowering, &parts.next()?)?),
        Rule::k_carried => {
            let mut carrier = Parts::of(parts.next()?);
            TokenEntry::Carried(match carrier.next()?.as_rule() {
                Rule::k_cookie => Carried::Cookie(lowering.next_text(&mut carrier)?),
                Rule::k_header => Carried::Header(lowering.next_text(&mut carrier)?),
                Rule::k_body => Carried::Body(lowering.next_text(&mut carrier)?),
                _ => Carried::Bearer,
            })
        }
        Rule::k_single_use => {
            let mut after = |keyword| {
                let value = parts.pick(keyword).and_then(|_| parts.next());
                optional(value, |value| duration(lowering, &value))
            };
            TokenEntry::SingleUse(SingleUse { grace: after(Rule::k_grace)?, idle: after(Rule::k_idle)? })
        }
        Rule::k_opaque => TokenEntry::Opaque,
        Rule::k_claims => {
            let claims = parts.map(|pair| {
                let mut parts = Parts::of(pair);
                let attribute = attribute(lowering, parts.pick(Rule::attribute)?)?;
                let source = optional(parts.pick(Rule::expression), |source| lowering.expression(source))?;
                Some(Claim { attribute, source })
            });
            TokenEntry::Claims(claims.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn password_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<PasswordEntry> {
    Some(match keyword.as_rule() {
        Rule::k_algorithm => PasswordEntry::Algorithm(lowering.word(&parts.next()?)),
        Rule::k_memory => PasswordEntry::Memory(size(lowering, &parts.next()?)?),
        Rule::k_iterations => PasswordEntry::Iterations(int(lowering, &parts.next()?)?),
        Rule::k_parallelism => PasswordEntry::Parallelism(int(lowering, &parts.next()?)?),
        Rule::k_cost => PasswordEntry::Cost(int(lowering, &parts.next()?)?),
        Rule::k_accept => PasswordEntry::Accept(parts.map(|part| lowering.word(&part)).collect()),
        _ => return None,
    })
}

fn provider_entry(lowering: &mut Lowering<'_>, keyword: &Pair<'_>, mut parts: Parts<'_>) -> Option<ProviderEntry> {
    Some(match keyword.as_rule() {
        Rule::k_client_secret => ProviderEntry::ClientSecret(lowering.next_text(&mut parts)?),
        Rule::k_state => ProviderEntry::State(lowering.next_text(&mut parts)?),
        Rule::k_keys => ProviderEntry::Keys(lowering.next_text(&mut parts)?),
        Rule::k_scopes => ProviderEntry::Scopes(lowering.texts(parts)),
        Rule::provider_setting => ProviderEntry::Setting(lowering.word(keyword), lowering.next_text(&mut parts)?),
        _ => return None,
    })
}
