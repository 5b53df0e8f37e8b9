//! The state of a family of refresh tokens, as hosts keep it between decisions: all that one login led to.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::digest::sha256;

/// A family of `single_use` tokens: each was exchanged for the next, and one holds (RFC 9700 §4.14.2).
///
/// No token can be read off it: tokens stand in it by their digests (SHA-256, in hexadecimal digits), and the successor that a
/// repeated exchange gives back is sealed with the token that it took the place of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyState {
    /// Rises by one with every state that a decision gives, so that a host can write it back by compare-and-swap.
    pub version: u64,
    /// How often the first token was exchanged.
    pub generation: u64,
    /// The digest of the token that holds.
    pub current: String,
    /// What that took the place of, where it isn't the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ExchangedToken>,
    /// When the token that holds doesn't any more, if it isn't exchanged before.
    pub expires: Timestamp,
    /// When no token of the family holds any more. No exchange moves it.
    pub ends: Timestamp,
    /// Whether the family was taken out of use, by its owner or because a token was used twice.
    #[serde(default)]
    pub revoked: bool,
}

impl FamilyState {
    /// The state of a family that begins with this token, such as one that a test has made.
    pub fn begin(token: &str, expires: Timestamp, ends: Timestamp) -> Self {
        Self { version: 1, generation: 0, current: sha256(token), parent: None, expires, ends, revoked: false }
    }
}

/// A token that was exchanged for the one that holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangedToken {
    /// Its digest.
    pub digest: String,
    /// When it was exchanged.
    pub at: Timestamp,
    /// The address of the client that did, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What it was exchanged for, sealed with itself; where the policy gives a `grace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

impl fmt::Debug for FamilyState {
    /// Without what stands for tokens.
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
    /// Without what stands for tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangedToken").field("at", &self.at).field("client", &self.client).finish_non_exhaustive()
    }
}
