//! Callers in a typed policy: secrets, key sets, tokens, and the mappings from claims to the caller.

use jiff::SignedDuration;

use crate::collections::table::Id;
use crate::keys::{HmacAlgorithm, SignatureAlgorithm};
use crate::model::source::Span;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::typed::browser::Cookie;
use crate::typed::expressions::Expr;
use crate::typed::secrets::{KeySet, Secret};
use crate::typed::types::Type;

/// A kind of token.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) proof: Proof,
    pub(crate) issuer: Option<String>,
    /// A token must name one of them, unless there are none.
    pub(crate) audiences: Vec<String>,
    pub(crate) typ: Option<String>,
    pub(crate) lifetime: Option<SignedDuration>,
    pub(crate) leeway: SignedDuration,
    /// The rules of its single use, if it is good for one exchange.
    pub(crate) single_use: Option<SingleUse>,
    pub(crate) carrier: TokenCarrier,
    /// The attributes of the cookie that carries it, if one does.
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

/// The rules of a token that is good for one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SingleUse {
    /// For so long, the same client that exchanged it may do so once more, and gets the same.
    pub(crate) grace: SignedDuration,
    /// The lifetime of each token of a family; the token's lifetime is that of the whole family.
    pub(crate) idle: Option<SignedDuration>,
}

/// The proof that a token is genuine. A symmetric key never verifies a signature, nor a public one a MAC.
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

/// The part of a `typ` that is compared: media types compare without regard to case, and `application/` may be left out
/// (RFC 7515 §4.1.9).
pub(crate) fn bare_typ(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(ToOwned::to_owned).unwrap_or(lower)
}

/// The part of a request that carries a token.
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
    /// The value in an issued token.
    pub(crate) source: Option<Expr>,
}

/// The caller that a token's claims make.
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
