//! The rule of a policy's `password` block: the parameters of new hashes, and the accepted algorithms of older ones.

use std::hint::black_box;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher};
use argon2::{Algorithm as Variant, Argon2, Version};
use scrypt::Scrypt;

use crate::model::keywords::PasswordAlgorithm;
use crate::password::PasswordError;
use crate::password::crypt::Bcrypt;
use crate::password::parameters::HashParameters;
use crate::password::stored_hash::StoredHash;

/// The bytes of a new hash by Argon2id or scrypt.
pub(crate) const OUTPUT: usize = 32;
/// The bytes of a salt (RFC 9106 §3.1).
pub(crate) const SALT: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PasswordRule {
    parameters: HashParameters,
    /// Older algorithms whose hashes are accepted too.
    accepted: Vec<PasswordAlgorithm>,
}

impl PasswordRule {
    /// The checker has checked that the parameters are affordable.
    pub(crate) fn new(parameters: HashParameters, accepted: Vec<PasswordAlgorithm>) -> Self {
        Self { parameters, accepted }
    }

    pub(crate) fn parameters(&self) -> HashParameters {
        self.parameters
    }

    pub(crate) fn accepts(&self, algorithm: PasswordAlgorithm) -> bool {
        algorithm == self.parameters.algorithm() || self.accepted.contains(&algorithm)
    }

    /// A hash with the policy's parameters that no known password has, so that a login without an account takes as long as one
    /// with an account.
    pub(crate) fn dummy(&self) -> String {
        match self.parameters {
            HashParameters::Argon2id { memory, iterations, parallelism } => format!(
                "$argon2id$v=19$m={memory},t={iterations},p={parallelism}\
                 $bm9ib2R5IGxvZ3MgaW4gQQ$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkIGF0IGFsbCE"
            ),
            HashParameters::Scrypt { cost, block, parallelism } => format!(
                "$scrypt$ln={cost},r={block},p={parallelism}\
                 $bm9ib2R5IGxvZ3MgaW4gQQ$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkIGF0IGFsbCE"
            ),
            HashParameters::Bcrypt { cost } => {
                format!("$2b${cost:02}$nobody.logs.in.here..Onobody.has.that.password.here.O")
            }
        }
    }

    /// Takes the time of a hash. Returns false if the machine has too little memory for it.
    pub(crate) fn spend_time(&self) -> bool {
        StoredHash::parse(&self.dummy()).is_some_and(|dummy| black_box(dummy.matches(black_box(""))).is_some())
    }

    /// A new hash of a password, as text to be stored. Every hash needs a new random salt.
    pub(crate) fn hash(&self, password: &str, salt: &[u8; SALT]) -> Result<String, PasswordError> {
        self.parameters.check(password)?;
        let hash = match self.parameters {
            HashParameters::Argon2id { memory, iterations, parallelism } => {
                argon2::Params::new(memory, iterations, parallelism, Some(OUTPUT))
                    .map_err(Error::from)
                    .and_then(|params| hashed(&Argon2::new(Variant::Argon2id, Version::V0x13, params), password, salt))
            }
            HashParameters::Scrypt { cost, block, parallelism } => u8::try_from(cost)
                .ok()
                .and_then(|cost| scrypt::Params::new(cost, block, parallelism).ok())
                .ok_or(Error::ParamsInvalid)
                .and_then(|params| hashed(&Scrypt::new_with_params(params), password, salt)),
            HashParameters::Bcrypt { cost } => Ok(Bcrypt::hash(password, cost, *salt).text()),
        };
        // Only memory can be missing: lengths are checked above, parameters by the checker.
        hash.map_err(|_| PasswordError::OutOfMemory)
    }
}

fn hashed(hasher: &impl PasswordHasher<PasswordHash>, password: &str, salt: &[u8]) -> Result<String, Error> {
    hasher.hash_password_with_salt(password.as_bytes(), salt).map(|hash| hash.to_string())
}
