//! Who is calling, as a typed policy says it: secrets, key sets, tokens, and how claims become the caller.

use jiff::SignedDuration;

use crate::collections::table::Id;
use crate::keys::{HmacAlgorithm, SignatureAlgorithm};
use crate::model::source::Span;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::typed::browser::Cookie;
use crate::typed::expressions::Expr;
use crate::typed::types::Type;

/// A secret that the key ring must supply, and what for.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) name: String,
    /// What it is for, and where the policy says so; nothing where nothing uses it.
    pub(crate) used: Option<(Purpose, Span)>,
}

/// What a secret is for. What is made with it for one purpose mustn't pass for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Bytes for an HMAC.
    Hmac(HmacAlgorithm),
    /// A key pair, or its public half.
    KeyPair(SignatureAlgorithm),
    /// Bytes that other keys are derived from.
    Sealing,
    /// What a provider gave the policy's owner to prove who they are.
    Password,
}

impl Purpose {
    /// The fewest bytes that are strong enough. What others made up is as long as they made it.
    pub(crate) fn least_bytes(self) -> usize {
        match self {
            Self::Hmac(algorithm) => algorithm.least_key_bytes(),
            Self::Sealing => 32,
            Self::KeyPair(_) | Self::Password => 0,
        }
    }

    /// The algorithm that the policy uses it with, where it is a key.
    pub(crate) fn algorithm(self) -> Option<&'static str> {
        match self {
            Self::Hmac(algorithm) => Some(algorithm.name()),
            Self::KeyPair(algorithm) => Some(algorithm.name()),
            Self::Sealing | Self::Password => None,
        }
    }
}

/// A JWK set that the host supplies.
#[derive(Debug)]
pub(crate) struct KeySet {
    pub(crate) name: String,
    /// Where the host finds it.
    pub(crate) jwks: String,
}

/// A kind of token.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) proof: Proof,
    pub(crate) issuer: Option<String>,
    /// One of them must match; none where the policy doesn't say.
    pub(crate) audiences: Vec<String>,
    pub(crate) typ: Option<String>,
    pub(crate) lifetime: Option<SignedDuration>,
    pub(crate) leeway: SignedDuration,
    /// How it is spent, where it is good for one exchange.
    pub(crate) single_use: Option<SingleUse>,
    pub(crate) carrier: TokenCarrier,
    /// What the cookie is set with that carries it, where one does.
    pub(crate) cookie: Option<Cookie>,
    pub(crate) claims: Vec<Claim>,
}

impl Token {
    /// The declared claims that a token has, by name.
    pub(crate) fn claims_as_record(&self, claims: &[Known<Value>]) -> Record {
        let named = self.claims.iter().zip(claims);
        let value = |known: &Known<Value>| match known {
            Known::Value(value) => serde_json::to_value(value).ok(),
            Known::Absent | Known::Unknown => None,
        };
        named.filter_map(|(claim, known)| Some((claim.name.clone(), value(known)?))).collect()
    }
}

/// How a token that is good for one exchange is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SingleUse {
    /// For so long, the same client that exchanged it may do so once more, and gets the same.
    pub(crate) grace: SignedDuration,
    /// How long each token of a family holds; the token's lifetime is that of the whole family.
    pub(crate) idle: Option<SignedDuration>,
}

/// How a token shows that it is genuine. A symmetric key never verifies a signature, nor a public one a MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    Hmac(HmacAlgorithm, Id<Secret>),
    /// A signature that a key of the ring verifies.
    KeyPair(SignatureAlgorithm, Id<Secret>),
    /// A signature, by one of these algorithms, that a key of the set verifies.
    KeySet(Vec<SignatureAlgorithm>, Id<KeySet>),
    /// None of its own: the host knows it, or doesn't.
    Opaque,
}

/// What counts of a `typ`: media types compare without regard to case, and `application/` may be left out
/// (RFC 7515 §4.1.9).
pub(crate) fn bare_typ(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(ToOwned::to_owned).unwrap_or(lower)
}

/// Where a token travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenCarrier {
    Bearer,
    Body(String),
    Cookie(String),
    /// In lower case.
    Header(String),
}

/// A declared claim.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
    /// What an issued token says there.
    pub(crate) source: Option<Expr>,
}

/// How a token's claims become the caller.
#[derive(Debug)]
pub(crate) struct Mapping {
    pub(crate) token: Id<Token>,
    pub(crate) id: Expr,
    pub(crate) roles: Option<Expr>,
    pub(crate) tier: Option<Expr>,
    pub(crate) scopes: Option<Expr>,
    /// In the order of `TypedPolicy::attributes`.
    pub(crate) attributes: Vec<Expr>,
}
