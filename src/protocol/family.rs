//! The state of a family of refresh tokens: all tokens that descend from one login.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::digest::sha256;

/// The state of a family of `single_use` tokens. Each was exchanged for the next, and one is valid (RFC 9700 §4.14.2).
///
/// It contains no token: only SHA-256 digests in hexadecimal digits, and a successor that is encrypted with a key from the
/// token it replaced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyState {
    /// Rises by one with each state that a decision gives, for compare-and-swap.
    pub version: u64,
    /// The number of exchanges since the first token.
    pub generation: u64,
    /// The digest of the valid token.
    pub current: String,
    /// The token that the valid one replaced, unless it is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ExchangedToken>,
    /// The time when the valid token expires.
    pub expires: Timestamp,
    /// The time when the family expires. No exchange moves it.
    pub ends: Timestamp,
    /// True if the family was revoked, by its owner or because a token was used twice.
    #[serde(default)]
    pub revoked: bool,
}

impl FamilyState {
    /// The state of a family that begins with this token.
    pub fn begin(token: &str, expires: Timestamp, ends: Timestamp) -> Self {
        Self { version: 1, generation: 0, current: sha256(token), parent: None, expires, ends, revoked: false }
    }
}

/// A token that was exchanged for the valid one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangedToken {
    /// Its digest.
    pub digest: String,
    /// The time of the exchange.
    pub at: Timestamp,
    /// The client's address, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The valid token, encrypted with a key from this one, if the policy has a `grace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

impl fmt::Debug for FamilyState {
    /// Omits the digests and the successor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyState")
            .field("version", &self.version)
            .field("generation", &self.generation)
            .field("parent", &self.parent)
            .field("expires", &self.expires)
            .field("ends", &self.ends)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ExchangedToken {
    /// Omits the digests and the successor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangedToken").field("at", &self.at).field("client", &self.client).finish_non_exhaustive()
    }
}
