//! Refresh tokens that a request presents, to exchange or revoke them.

use std::borrow::Cow;

use serde_json::Value as Json;
use zeroize::Zeroizing;

use crate::collections::table::Id;
use crate::decide::callers::authenticate::{challenged_as_invalid, invalid_token, missing};
use crate::decide::callers::family::{RefreshPolicy, RefreshStatus};
use crate::decide::callers::issue::{expired_cookie, family_effect};
use crate::decide::callers::login::account_unknown;
use crate::decide::callers::token::{TokenProblem, VerifyContext};
use crate::decide::callers::{family, token};
use crate::decide::denial::Denial;
use crate::decide::journey::{Halt, Journey};
use crate::decide::respond::Response;
use crate::eval::cookies;
use crate::model::reason::{Code, Stage};
use crate::model::value::Known;
use crate::protocol::account::{AccountQuery, TokenFact};
use crate::protocol::decision::Effect;
use crate::protocol::facts::Record;
use crate::protocol::family::FamilyState;
use crate::typed::{Token, TokenCarrier, Type};

/// A verified token of the kind that the route takes.
pub(crate) struct PresentedToken {
    pub(crate) kind: Id<Token>,
    pub(crate) text: Zeroizing<String>,
    pub(crate) family: String,
    claims: Record,
    expiry: Option<TokenProblem>,
}

impl<'g> Journey<'g, '_> {
    /// Checks that the token can be exchanged. A token that was exchanged before is stolen, or its successor is: the family
    /// is revoked.
    pub(crate) fn redeemable(&mut self, kind: Id<Token>) -> Result<(), Halt> {
        let token = &self.policy.tokens[kind];
        self.present(kind)?;
        let Some(presented) = &self.progress.presented else { return Err(at_login(token, missing()).into()) };
        let lookup = &self.progress.lookup;
        let account_of = || AccountQuery::Token { kind: token.name.clone(), claims: presented.claims.clone() };
        let (stored, account) = lookup.asking_for(|| (self.stored(presented), lookup.account(account_of)))?;
        let state = stored?.ok_or_else(|| no_family(token))?;
        let client = self.client_name();
        match family::status(&presented.text, state, &RefreshPolicy::of(token), self.request.now, client.as_deref()) {
            RefreshStatus::Live | RefreshStatus::Repeated => {}
            RefreshStatus::Refused(why) => return Err(refused(token, why).into()),
            RefreshStatus::Reused => {
                let effect = self.revocation(presented);
                self.progress.effects.extend(effect);
                return Err(reused(token).into());
            }
        }
        if let Some(why) = presented.expiry {
            return Err(refused(token, why).into());
        }
        match account {
            Known::Value(_) => self.is_of_account(presented),
            Known::Absent => Err(refused(token, "the token's account is gone").into()),
            Known::Unknown => Err(account_unknown("nothing is known of the token's account").at(token.span).into()),
        }
    }

    /// Checks that the token is of the account that the host has found: its required text claims are the account's.
    fn is_of_account(&self, presented: &PresentedToken) -> Result<(), Halt> {
        let token = &self.policy.tokens[presented.kind];
        let issuer = self.issuer();
        let current = issuer.payload(presented.kind, issuer.expires(presented.kind), None)?;
        let mut named =
            token.claims.iter().filter(|claim| claim.source.is_some() && !claim.optional && claim.ty == Type::String);
        if named.all(|claim| current.get(&claim.name) == presented.claims.get(&claim.name)) {
            Ok(())
        } else {
            Err(refused(token, "the token is of another account").into())
        }
    }

    /// Checks that the token can be revoked.
    pub(crate) fn revocable(&mut self, kind: Id<Token>) -> Result<(), Halt> {
        let token = &self.policy.tokens[kind];
        self.present(kind)?;
        let Some(presented) = &self.progress.presented else { return Err(at_login(token, missing()).into()) };
        self.progress.lookup.asking_for(|| self.stored(presented))??;
        Ok(())
    }

    /// Revokes the family, if there is one.
    pub(crate) fn revoke(&mut self) -> Response<'g> {
        let Some(presented) = &self.progress.presented else { return Response::DeniedForAll(Vec::new()) };
        let effect = self.revocation(presented);
        let cookie = expired_cookie(&self.policy.tokens[presented.kind]);
        self.progress.effects.extend(effect);
        Response::Revoked(cookie)
    }

    pub(crate) fn revocation(&self, presented: &PresentedToken) -> Option<Effect> {
        let state = self.stored(presented).ok()??;
        (!state.revoked).then(|| family_effect(&presented.family, state.version, family::revoke(state)))
    }

    /// The state of the family; `None` if there is no such family.
    pub(crate) fn stored(&self, presented: &PresentedToken) -> Result<Option<&FamilyState>, Denial> {
        let token = &self.policy.tokens[presented.kind];
        match self.progress.lookup.token(&token.name, &presented.family) {
            Known::Value(TokenFact::Family(state)) => Ok(Some(state)),
            Known::Absent => Ok(None),
            Known::Value(TokenFact::Claims(_)) | Known::Unknown => Err(match presented.expiry {
                Some(why) => refused(token, why),
                None => Denial::new(Code::TokenUnknown, Stage::Login, "nothing is known of the token's family")
                    .at(token.span),
            }),
        }
    }

    /// The client's address. Only the same client may repeat an exchange.
    pub(crate) fn client_name(&self) -> Option<String> {
        self.progress.target.client.map(|address| address.to_string())
    }

    /// Verifies the token, once.
    fn present(&mut self, kind: Id<Token>) -> Result<(), Denial> {
        if self.progress.presented.is_none() {
            self.progress.presented = Some(self.verify_carried(kind)?);
        }
        Ok(())
    }

    /// A refresh token is a credential: a missing or bad one is a 401, whatever it was carried in.
    fn verify_carried(&self, kind: Id<Token>) -> Result<PresentedToken, Denial> {
        let token = &self.policy.tokens[kind];
        let text = match &token.carrier {
            TokenCarrier::Cookie(name) => {
                let found = cookies::find(name, self.request.headers);
                found.map_err(|_| refused(token, "the token's cookie came twice, or is malformed"))?
            }
            TokenCarrier::Body(_) | TokenCarrier::Bearer | TokenCarrier::Header(_) => match &self.progress.body_token {
                Some(Json::String(text)) => Some(Cow::Borrowed(text.as_str())),
                Some(_) => return Err(refused(token, "the token isn't a string")),
                None => None,
            },
        };
        let text = text.ok_or_else(|| at_login(token, missing()))?;
        let context = VerifyContext { policy: self.policy, keys: self.keys, key_set: None, now: self.request.now };
        let verified = token::parse(&text)
            .map_err(TokenProblem::from)
            .and_then(|unverified| unverified.verify_single_use(kind, context))
            .map_err(|problem| refused(token, problem))?;
        let family = verified.id.as_deref().and_then(family::family_of);
        let family = family.ok_or_else(|| refused(token, "the token is of no family"))?.to_owned();
        let claims = token.claims_as_record(&verified.claims);
        let expiry = verified.expiry;
        Ok(PresentedToken { kind, claims, text: Zeroizing::new(text.into_owned()), family, expiry })
    }
}

fn at_login(token: &Token, denial: Denial) -> Denial {
    Denial { stage: Stage::Login, ..denial }.at(token.span)
}

pub(crate) fn refused(token: &Token, problem: impl Into<TokenProblem>) -> Denial {
    at_login(token, invalid_token(problem))
}

pub(crate) fn reused(token: &Token) -> Denial {
    let why = "the token was exchanged before: its whole family is revoked";
    at_login(token, challenged_as_invalid(Code::TokenReused, why))
}

pub(crate) fn no_family(token: &Token) -> Denial {
    refused(token, "there is no such family of tokens")
}
