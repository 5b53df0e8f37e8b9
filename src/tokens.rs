//! Tokens outside any request.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::collections::table::Id;
use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::issuer::Issuer;
use crate::decide::{opaque_id, verify_token};
use crate::gate::Gate;
use crate::policy::Policy;
use crate::protocol::account::Account;
use crate::protocol::facts::{Facts, Record};
use crate::protocol::family::FamilyState;
use crate::typed::{Proof, Token, TokenCarrier};

/// A kind of token of one policy, resolved by its name once, at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId {
    fingerprint: u64,
    id: Id<Token>,
}

/// The declaration of a kind of token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenInfo<'p> {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: &'p str,
    /// The names of its signature algorithms (RFC 7518 §3.1); none if it is opaque.
    pub algorithms: Vec<&'static str>,
    /// The name of the secret or key pair that signs it; none if a JWK set verifies it, or if it is opaque.
    pub secret: Option<&'p str>,
    /// The name of the JWK set that verifies it.
    pub key_set: Option<&'p str>,
    /// The required value of `iss`.
    pub issuer: Option<&'p str>,
    /// The accepted values of `aud`; any value if empty.
    pub audiences: &'p [String],
    /// The required value of `typ`.
    pub typ: Option<&'p str>,
    /// Its longest lifetime.
    pub lifetime: Option<Duration>,
    /// True if it can be exchanged once only, and belongs to a family.
    pub is_single_use: bool,
    /// The part of a request that carries it.
    pub carrier: Carrier<'p>,
}

/// The part of a request that carries a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carrier<'p> {
    /// The header `Authorization: Bearer` (RFC 6750 §2.1).
    Bearer,
    /// This field of a JSON body.
    Body(&'p str),
    /// This cookie.
    Cookie(&'p str),
    /// This header.
    Header(&'p str),
}

/// An issued token.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token, which is secret: its bearer is authenticated as the account.
    pub text: String,
    /// The time from which it is invalid.
    pub expires: Timestamp,
    /// The id and the state of a `single_use` token's family, to be stored.
    pub family: Option<(String, FamilyState)>,
}

impl fmt::Debug for IssuedToken {
    /// Omits the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("expires", &self.expires)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// An error of [`Gate::issue`] or [`Gate::verify`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The id is of another policy.
    #[error("the token's id is one of another policy")]
    OtherPolicy,
    /// The policy verifies tokens of this kind, and doesn't issue them.
    #[error("the policy doesn't make tokens `{0}`: name one with a `key` and a `lifetime`")]
    NotIssued(String),
    /// The account or the key ring lacks something that the token needs.
    #[error("{0}")]
    Incomplete(Cow<'static, str>),
    /// The token is invalid.
    #[error("{0}")]
    Invalid(&'static str),
}

/// Returns the id of an opaque token in facts and questions: `sha256:` and its SHA-256 digest in hexadecimal digits. A host
/// stores this id in place of the token.
///
/// ```
/// let id = portcullis::token::opaque_token_id("an API key");
/// assert!(id.starts_with("sha256:") && id.len() == 71);
/// ```
pub fn opaque_token_id(token: &str) -> String {
    opaque_id(token)
}

impl Policy {
    /// Returns the kinds of token that the policy declares, in the order of the source.
    pub fn tokens(&self) -> impl Iterator<Item = TokenInfo<'_>> {
        let typed = &self.compiled().typed;
        typed.tokens.enumerate().map(|(id, token)| TokenInfo {
            id: TokenId { fingerprint: typed.fingerprint, id },
            name: &token.name,
            algorithms: algorithms(&token.proof),
            secret: match token.proof {
                Proof::Hmac(_, secret) | Proof::KeyPair(_, secret) => Some(&typed.secrets[secret].name),
                Proof::KeySet(..) | Proof::Opaque => None,
            },
            key_set: match token.proof {
                Proof::KeySet(_, set) => Some(&typed.key_sets[set].name),
                Proof::Hmac(..) | Proof::KeyPair(..) | Proof::Opaque => None,
            },
            issuer: token.issuer.as_deref(),
            audiences: &token.audiences,
            typ: token.typ.as_deref(),
            lifetime: token.lifetime.and_then(|lifetime| lifetime.try_into().ok()),
            is_single_use: token.single_use.is_some(),
            carrier: match &token.carrier {
                TokenCarrier::Bearer => Carrier::Bearer,
                TokenCarrier::Body(field) => Carrier::Body(field),
                TokenCarrier::Cookie(name) => Carrier::Cookie(name),
                TokenCarrier::Header(name) => Carrier::Header(name),
            },
        })
    }

    /// Resolves a kind of token by its name.
    pub fn token(&self, name: &str) -> Option<TokenId> {
        self.tokens().find(|token| token.name == name).map(|token| token.id)
    }
}

fn algorithms(proof: &Proof) -> Vec<&'static str> {
    match proof {
        Proof::Hmac(algorithm, _) => vec![algorithm.name()],
        Proof::KeyPair(algorithm, _) => vec![algorithm.name()],
        Proof::KeySet(algorithms, _) => algorithms.iter().map(|algorithm| algorithm.name()).collect(),
        Proof::Opaque => Vec::new(),
    }
}

impl Gate {
    /// Issues a token for an account, as a route that `issues` it would: for logins that the host verifies itself. `entropy`
    /// is 32 bytes from a cryptographic random source, used once.
    ///
    /// # Errors
    ///
    /// The policy doesn't issue such tokens, the key ring has no key that signs them, or the account lacks a claim.
    pub fn issue(
        &self,
        token: TokenId,
        account: &Account,
        now: Timestamp,
        entropy: &[u8; 32],
    ) -> Result<IssuedToken, TokenError> {
        let policy = &self.policy().compiled().typed;
        let kind = self.own(token)?;
        let declared = &policy.tokens[kind];
        if declared.lifetime.is_none() || matches!(declared.proof, Proof::KeySet(..) | Proof::Opaque) {
            return Err(TokenError::NotIssued(declared.name.clone()));
        }
        let issuer = Issuer { policy, keys: self.keys(), account: Some(account), now };
        let (issued, family) = issuer
            .first(kind, &Entropy::new(entropy))
            .map_err(|denial| TokenError::Incomplete(denial.into_message()))?;
        Ok(IssuedToken { text: issued.text.to_string(), expires: issued.expires, family })
    }

    /// Returns the declared claims of a token that is valid at `now`. Of `facts`, only key sets and opaque tokens count.
    ///
    /// # Errors
    ///
    /// The token is invalid. The message is for developers, and not for the client.
    pub fn verify(&self, token: TokenId, text: &str, facts: &Facts, now: Timestamp) -> Result<Record, TokenError> {
        verify_token(self.ready(), self.own(token)?, text, facts, now).map_err(TokenError::Invalid)
    }

    fn own(&self, token: TokenId) -> Result<Id<Token>, TokenError> {
        let own = token.fingerprint == self.policy().compiled().typed.fingerprint;
        own.then_some(token.id).ok_or(TokenError::OtherPolicy)
    }
}
