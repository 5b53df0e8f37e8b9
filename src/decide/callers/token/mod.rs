//! JSON Web Tokens (RFC 7519), compact and signed (RFC 7515): text in, the declared claims out. Times are checked against the
//! request's time. Claims count only if the signature is valid.

pub(crate) mod claims;
pub(crate) mod compact;
pub(crate) mod header;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::collections::table::Id;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::callers::token::claims::Claims;
pub(crate) use crate::decide::callers::token::compact::MAX_TOKEN;
use crate::decide::callers::token::compact::{Buffer, Compact};
use crate::decide::callers::token::header::Header;
use crate::keys::KeySet;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::typed::{Proof, Token, TokenCarrier, TypedPolicy};

/// The reason why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenProblem {
    /// The one problem that the client is told: its owner must know, and an attacker can read it off the token.
    Expired,
    Other(&'static str),
}

impl TokenProblem {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Expired => "the token has expired",
            Self::Other(message) => message,
        }
    }
}

impl From<&'static str> for TokenProblem {
    fn from(message: &'static str) -> Self {
        Self::Other(message)
    }
}

/// A token whose form alone is checked.
pub(crate) struct Unverified<'t> {
    compact: Compact<'t>,
    header: Cow<'static, Header>,
}

/// The policy, the keys and the time that tokens are verified with.
#[derive(Clone, Copy)]
pub(crate) struct VerifyContext<'v> {
    pub(crate) policy: &'v TypedPolicy,
    pub(crate) keys: &'v BoundKeys,
    /// The key set that the token's declaration names, if it names one.
    pub(crate) key_set: Option<&'v KeySet>,
    pub(crate) now: Timestamp,
}

/// The claims of a genuine token.
pub(crate) struct Verified {
    /// In the order of their declarations.
    pub(crate) claims: Vec<Known<Value>>,
    /// `jti` of a single-use token.
    pub(crate) id: Option<String>,
    /// The reason why a single-use token has expired.
    pub(crate) expiry: Option<TokenProblem>,
}

/// Splits a token into its parts.
pub(crate) fn parse(text: &str) -> Result<Unverified<'_>, &'static str> {
    let compact = Compact::parse(text)?;
    let header = Header::parse(compact.header)?;
    Ok(Unverified { compact, header })
}

impl Unverified<'_> {
    /// The kind that the token claims to be, among those with the same carrier. It is selected once, before anything is
    /// verified: only that kind's key and rules count.
    pub(crate) fn kind(&self, policy: &TypedPolicy, carrier: &TokenCarrier) -> Result<Id<Token>, &'static str> {
        let mut alike = policy.tokens.enumerate().filter(|(_, token)| token.carrier == *carrier);
        let (Some((first, _)), second) = (alike.next(), alike.next()) else {
            return Err("no kind of token is carried so");
        };
        if second.is_none() {
            return Ok(first);
        }
        let mut buffer = Buffer::new();
        let issuer = self.compact.payload(&mut buffer).ok().and_then(claims::issuer);
        let is_claimed = |token: &Token| {
            let issuer_fits = token.issuer.is_none() || token.issuer == issuer;
            issuer_fits && token.typ.as_deref().is_none_or(|pinned| self.header.has_typ(pinned))
        };
        let mut alike = policy.tokens.enumerate().filter(|(_, token)| token.carrier == *carrier);
        alike.find(|(_, token)| is_claimed(token)).map(|(kind, _)| kind).ok_or("the token is of no declared kind")
    }

    /// `kid`.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.key_id()
    }

    /// Checks everything that the declaration of the kind requires.
    pub(crate) fn verify(&self, kind: Id<Token>, context: VerifyContext<'_>) -> Result<Verified, TokenProblem> {
        let claims = self.genuine_claims(kind, context)?;
        claims.check(&context.policy.tokens[kind], context.now)?;
        Ok(Verified { id: claims.id, claims: claims.declared, expiry: None })
    }

    /// Verifies a single-use token. An expired one is no error, as its family may have to be revoked.
    pub(crate) fn verify_single_use(
        &self,
        kind: Id<Token>,
        context: VerifyContext<'_>,
    ) -> Result<Verified, TokenProblem> {
        let token = &context.policy.tokens[kind];
        let claims = self.genuine_claims(kind, context)?;
        claims.check_beginning(token, context.now)?;
        let expiry = claims.check(token, context.now).err();
        Ok(Verified { id: claims.id, claims: claims.declared, expiry })
    }

    /// The claims of a token whose header and signature are valid.
    fn genuine_claims(&self, kind: Id<Token>, context: VerifyContext<'_>) -> Result<Claims, TokenProblem> {
        let token = &context.policy.tokens[kind];
        self.header.check(token)?;
        self.check_signature(kind, context)?;
        Ok(Claims::parse(self.compact.payload(&mut Buffer::new())?, token, &context.policy.shapes)?)
    }

    /// Verifies the signature with an algorithm and a key that the declaration names.
    fn check_signature(&self, kind: Id<Token>, context: VerifyContext<'_>) -> Result<(), &'static str> {
        let mut buffer = Buffer::new();
        let signature = self.compact.signature(&mut buffer)?;
        let signed = self.compact.signed.as_bytes();
        let key = || context.keys.token(kind).ok_or("the token's key isn't bound");
        let is_valid = match &context.policy.tokens[kind].proof {
            Proof::Hmac(algorithm, _) if self.header.is_signed_with(algorithm.name()) => {
                key()?.verify_mac(*algorithm, signed, signature)
            }
            Proof::KeyPair(algorithm, _) if self.header.is_signed_with(algorithm.name()) => {
                key()?.verify(*algorithm, signed, signature)
            }
            Proof::KeySet(algorithms, _) => {
                let algorithm = algorithms.iter().find(|algorithm| self.header.is_signed_with(algorithm.name()));
                let algorithm = *algorithm.ok_or(OTHER_ALGORITHM)?;
                let key_set = context.key_set.ok_or("the token's key set isn't known")?;
                key_set.select(self.key_id(), algorithm)?.verify(algorithm, signed, signature)
            }
            Proof::Hmac(..) | Proof::KeyPair(..) => return Err(OTHER_ALGORITHM),
            Proof::Opaque => return Err("the token is opaque"),
        };
        if is_valid { Ok(()) } else { Err("the token's signature doesn't verify") }
    }
}

const OTHER_ALGORITHM: &str = "the token's algorithm isn't a declared one";

/// The declared claims of a token that is to be issued, as its verifier will read them.
pub(crate) fn issued(policy: &TypedPolicy, token: &Token, payload: &Record) -> Result<Vec<Known<Value>>, &'static str> {
    let text = serde_json::to_vec(payload).map_err(|_| "the token's claims can't be written")?;
    Ok(Claims::parse(&text, token, &policy.shapes)?.declared)
}

/// The declared claims of an opaque token, from the claims that the host keeps.
pub(crate) fn claims_of(
    policy: &TypedPolicy,
    token: &Token,
    known: &Record,
    now: Timestamp,
) -> Result<Vec<Known<Value>>, TokenProblem> {
    let text = serde_json::to_vec(known).map_err(|_| "the token's claims can't be read")?;
    let claims = Claims::parse(&text, token, &policy.shapes)?;
    claims.check_times(token, now)?;
    Ok(claims.declared)
}
