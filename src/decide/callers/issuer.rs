//! Makes tokens for an account: their claims, their lifetimes and their signatures.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use zeroize::Zeroizing;

use crate::collections::table::Id;
use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::family;
use crate::decide::callers::family::RefreshPolicy;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::callers::token::MAX_TOKEN;
use crate::decide::denial::Denial;
use crate::eval::attributes::Attributes;
use crate::eval::context::{Environment, EvalContext, ResourceRef};
use crate::eval::evaluate::evaluate;
use crate::model::reason::{Code, Stage};
use crate::model::value::Known;
use crate::protocol::account::Account;
use crate::protocol::facts::Record;
use crate::protocol::family::FamilyState;
use crate::typed::{Claim, Token, TypedPolicy};

/// The sources that tokens are made from.
#[derive(Clone, Copy)]
pub(crate) struct Issuer<'i> {
    pub(crate) policy: &'i TypedPolicy,
    pub(crate) keys: &'i BoundKeys,
    pub(crate) account: Option<&'i Account>,
    pub(crate) now: Timestamp,
}

/// A signed token.
pub(crate) struct Issued {
    pub(crate) kind: Id<Token>,
    pub(crate) text: Zeroizing<String>,
    pub(crate) expires: Timestamp,
}

/// The id and the state of a family that begins with a token.
pub(crate) type NewFamily = (String, FamilyState);

impl Issuer<'_> {
    /// The claims of a token of a kind (RFC 7519 §4.1).
    pub(crate) fn payload(&self, kind: Id<Token>, expires: Timestamp, id: Option<&str>) -> Result<Record, Denial> {
        let token = &self.policy.tokens[kind];
        let mut payload = Map::new();
        if let Some(issuer) = &token.issuer {
            payload.insert("iss".to_owned(), issuer.as_str().into());
        }
        match token.audiences.as_slice() {
            [] => {}
            [one] => drop(payload.insert("aud".to_owned(), one.as_str().into())),
            several => drop(payload.insert("aud".to_owned(), several.into())),
        }
        // Rounded to whole seconds, a token must not claim more than its lifetime.
        let issued = self.now.as_second();
        let longest = token.lifetime.map_or(i64::MAX, |lifetime| issued.saturating_add(lifetime.as_secs()));
        payload.insert("iat".to_owned(), issued.into());
        payload.insert("exp".to_owned(), expires.as_second().min(longest).into());
        payload.extend(id.map(|id| ("jti".to_owned(), id.into())));
        let account = self.account.map(|account| Attributes::Json(&account.attributes));
        let context = EvalContext { account, now: Some(self.now), ..EvalContext::empty(self.policy) };
        let environment = context.on(ResourceRef::None);
        for claim in &token.claims {
            let value = claim_value(claim, &environment).ok_or_else(|| incomplete(token, claim))?;
            payload.extend(value.map(|value| (claim.name.clone(), value)));
        }
        Ok(payload)
    }

    /// The expiry of a token that is issued now and begins a family or has none.
    pub(crate) fn expires(&self, kind: Id<Token>) -> Timestamp {
        let policy = RefreshPolicy::of(&self.policy.tokens[kind]);
        policy.expires(self.now, policy.ends(self.now))
    }

    /// A token of a kind. A single-use token begins a family.
    pub(crate) fn first(&self, kind: Id<Token>, entropy: &Entropy<'_>) -> Result<(Issued, Option<NewFamily>), Denial> {
        let token = &self.policy.tokens[kind];
        if token.single_use.is_none() {
            let id = family::token_id(entropy, &token.name).ok_or_else(no_entropy)?;
            return Ok((self.signed(kind, self.expires(kind), &id)?, None));
        }
        let id = family::new_id(entropy, &token.name, None).ok_or_else(no_entropy)?;
        let issued = self.signed(kind, self.expires(kind), &id)?;
        let state = family::start(&issued.text, &RefreshPolicy::of(token), self.now);
        let family = family::family_of(&id).unwrap_or_default().to_owned();
        Ok((issued, Some((family, state))))
    }

    pub(crate) fn signed(&self, kind: Id<Token>, expires: Timestamp, id: &str) -> Result<Issued, Denial> {
        let token = &self.policy.tokens[kind];
        let unsigned = || Denial::new(Code::KeysUnknown, Stage::Issue, "the token's key can't sign").at(token.span);
        let signer = self.keys.signer(kind).ok_or_else(unsigned)?;
        let payload = self.payload(kind, expires, Some(id))?;
        let text = signer.token(token.typ.as_deref(), &payload).ok_or_else(unsigned)?;
        if text.len() > MAX_TOKEN {
            let message =
                format!("what the account says makes `{}` longer than 8 KiB, which nobody would take", token.name);
            return Err(Denial::new(Code::AccountIncomplete, Stage::Issue, message).at(token.span));
        }
        Ok(Issued { kind, text: Zeroizing::new(text), expires })
    }
}

/// The value of a claim: `Some(None)` if it is left out, `None` if it is required and unknown.
fn claim_value(claim: &Claim, environment: &Environment<'_>) -> Option<Option<Json>> {
    let Some(source) = &claim.source else { return Some(None) };
    match evaluate(source, environment) {
        Known::Value(value) => serde_json::to_value(value.into_value()).ok().map(Some),
        Known::Absent if claim.optional => Some(None),
        Known::Absent | Known::Unknown => None,
    }
}

fn incomplete(token: &Token, claim: &Claim) -> Denial {
    let message =
        format!("nothing is known of the account that the claim `{}` of `{}` could say", claim.name, token.name);
    Denial::new(Code::AccountIncomplete, Stage::Issue, message).at(token.span)
}

pub(crate) fn no_entropy() -> Denial {
    let message = "a token should be issued, and the host supplied no entropy";
    Denial::new(Code::EntropyMissing, Stage::Issue, message)
}
