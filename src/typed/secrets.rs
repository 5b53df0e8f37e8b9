//! Secrets and key sets, which the host supplies.

use crate::keys::{HmacAlgorithm, SignatureAlgorithm};
use crate::model::source::Span;

/// A secret that the key ring must supply, and its purpose.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) name: String,
    /// Its purpose, and the place of its use; nothing for a secret without a use.
    pub(crate) used: Option<(Purpose, Span)>,
}

/// The purpose of a secret. A value that is made for one purpose must not pass for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Bytes for an HMAC.
    Hmac(HmacAlgorithm),
    /// A key pair, or its public half.
    KeyPair(SignatureAlgorithm),
    /// Bytes that other keys are derived from.
    Sealing,
    /// The password of the policy's owner at a provider.
    Password,
}

impl Purpose {
    /// The fewest bytes that are strong enough. Others choose the length of a password.
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
    /// The URL that the host loads it from.
    pub(crate) jwks: String,
}
