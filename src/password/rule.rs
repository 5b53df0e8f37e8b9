//! What a policy's `password` block says: how new hashes are made, and which older ones count.

use std::hint::black_box;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher};
use argon2::{Algorithm as Variant, Argon2, Version};
use scrypt::Scrypt;

use crate::model::keywords::PasswordAlgorithm;
use crate::password::PasswordError;
use crate::password::crypt::Bcrypt;
use crate::password::stored::Stored;
use crate::password::work::Work;

/// The bytes of a hash that a policy makes by Argon2id or scrypt: what cannot be guessed needs no more.
pub(crate) const OUTPUT: usize = 32;
/// The bytes of a salt (RFC 9106 §3.1).
pub(crate) const SALT: usize = 16;

/// How a policy hashes passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PasswordRule {
    work: Work,
    /// Older algorithms whose hashes count, too.
    accepted: Vec<PasswordAlgorithm>,
}

impl PasswordRule {
    /// The work is one that the checker has found good.
    pub(crate) fn new(work: Work, accepted: Vec<PasswordAlgorithm>) -> Self {
        Self { work, accepted }
    }

    pub(crate) fn work(&self) -> Work {
        self.work
    }

    /// Whether hashes by it count.
    pub(crate) fn takes(&self, algorithm: PasswordAlgorithm) -> bool {
        algorithm == self.work.algorithm() || self.accepted.contains(&algorithm)
    }

    /// A hash that no password is known for, so that a login without an account takes as long as one with an account.
    /// Its salt and its output are made up, the work is the policy's.
    pub(crate) fn dummy(&self) -> String {
        match self.work {
            Work::Argon2id { memory, iterations, parallelism } => format!(
                "$argon2id$v=19$m={memory},t={iterations},p={parallelism}\
                 $bm9ib2R5IGxvZ3MgaW4gQQ$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkIGF0IGFsbCE"
            ),
            Work::Scrypt { cost, block, parallelism } => format!(
                "$scrypt$ln={cost},r={block},p={parallelism}\
                 $bm9ib2R5IGxvZ3MgaW4gQQ$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkIGF0IGFsbCE"
            ),
            Work::Bcrypt { cost } => format!("$2b${cost:02}$nobody.logs.in.here..Onobody.has.that.password.here.O"),
        }
    }

    /// Takes the time of a hash, for nothing; whether the machine has the memory for it.
    pub(crate) fn spend(&self) -> bool {
        Stored::parse(&self.dummy()).is_some_and(|dummy| black_box(dummy.matches(black_box(""))).is_some())
    }

    /// A new hash of a password, as text to be stored. The salt is random, and another for every hash.
    pub(crate) fn hash(&self, password: &str, salt: &[u8; SALT]) -> Result<String, PasswordError> {
        self.work.takes(password)?;
        let hash = match self.work {
            Work::Argon2id { memory, iterations, parallelism } => {
                argon2::Params::new(memory, iterations, parallelism, Some(OUTPUT))
                    .map_err(Error::from)
                    .and_then(|params| hashed(&Argon2::new(Variant::Argon2id, Version::V0x13, params), password, salt))
            }
            Work::Scrypt { cost, block, parallelism } => u8::try_from(cost)
                .ok()
                .and_then(|cost| scrypt::Params::new(cost, block, parallelism).ok())
                .ok_or(Error::ParamsInvalid)
                .and_then(|params| hashed(&Scrypt::new_with_params(params), password, salt)),
            Work::Bcrypt { cost } => Ok(Bcrypt::hash(password, cost, *salt).text()),
        };
        // Memory is all that may be lacking: lengths are checked above, parameters by the checker.
        hash.map_err(|_| PasswordError::OutOfMemory)
    }
}

fn hashed(hasher: &impl PasswordHasher<PasswordHash>, password: &str, salt: &[u8]) -> Result<String, Error> {
    hasher.hash_password_with_salt(password.as_bytes(), salt).map(|hash| hash.to_string())
}
