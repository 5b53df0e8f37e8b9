//! Who is calling, as a typed policy says it: secrets, key sets, tokens, and how claims become the caller.

use jiff::SignedDuration;

use crate::model::source::Span;
use crate::model::table::Id;

use super::expr::{Expr, Type};
use super::layers::Cookie;

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
    pub(crate) carrier: TokenCarrier,
    /// What the cookie is set with that carries it, where one does.
    pub(crate) cookie: Option<Cookie>,
    pub(crate) claims: Vec<Claim>,
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

impl Proof {
    /// Why this version can't tell whether such a token is genuine, if it can't.
    pub(crate) fn unverifiable(&self) -> Option<&'static str> {
        match self {
            Self::Hmac(..) => None,
            Self::KeyPair(..) | Self::KeySet(..) => Some("this version doesn't verify tokens that a key pair signs"),
            Self::Opaque => Some("this version doesn't look opaque tokens up"),
        }
    }
}

/// What counts of a `typ`: media types compare without regard to case, and `application/` may be left out
/// (RFC 7515 §4.1.9).
pub(crate) fn bare_typ(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(ToOwned::to_owned).unwrap_or(lower)
}

/// The symmetric signature algorithms (RFC 7518 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HmacAlgorithm {
    Hs256,
    Hs384,
    Hs512,
}

impl HmacAlgorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// A key has at least as many bytes as the hash (RFC 7518 §3.2).
    pub(crate) fn least_key_bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }
}

/// The signature algorithms of key pairs (RFC 7518 §3.3 to §3.5, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    /// Over Ed25519, whichever of its two names is written (RFC 9864 §2.2).
    EdDsa,
}

impl SignatureAlgorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
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
