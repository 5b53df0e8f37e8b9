//! Keys: secrets, key pairs and key sets come in as bytes, PEM and JWK; keys that are ready to verify and to sign go out.
//! What is wrong with one is told without a byte of it, and nothing here needs randomness.

mod algorithm;
mod document;
mod error;
mod jwk;
mod pair;
mod pem;
mod private;
mod public;
mod ring;
mod set;
mod sign;
mod verify;

pub(crate) use algorithm::{HmacAlgorithm, SignatureAlgorithm};
pub use error::{BindError, KeyProblem, KeySetError};
pub(crate) use pair::Pair;
pub(crate) use ring::Entry;
pub use ring::Keys;
pub use set::{KeySet, SkippedKey};
pub(crate) use sign::SigningKey;
pub(crate) use verify::VerifyingKey;

#[cfg(test)]
mod tests;
