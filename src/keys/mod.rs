//! Keys: secrets, key pairs and JWK sets, read from bytes, PEM and JWK. No error contains a byte of a key.

pub(crate) mod algorithm;
pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod jwk;
pub(crate) mod pair;
pub(crate) mod pem;
pub(crate) mod private;
pub(crate) mod public;
pub(crate) mod ring;
pub(crate) mod set;
pub(crate) mod sign;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

pub(crate) use crate::keys::algorithm::{HmacAlgorithm, SignatureAlgorithm};
pub(crate) use crate::keys::error::BindError;
pub use crate::keys::error::{KeyProblem, KeySetError};
pub(crate) use crate::keys::pair::Pair;
pub(crate) use crate::keys::ring::Entry;
pub(crate) use crate::keys::ring::Keys;
pub use crate::keys::set::{KeySet, SkippedKey};
pub(crate) use crate::keys::sign::SigningKey;
pub(crate) use crate::keys::verify::VerifyingKey;
