//! The parameters of hashes: their limits, and a comparison of their strength.

use crate::model::keywords::PasswordAlgorithm;
use crate::password::{MAX_PASSWORD, PasswordError};

/// The most memory of a hash, in bytes.
pub(crate) const MOST_MEMORY: u64 = 1024 * 1024 * 1024;
/// The most iterations of Argon2id.
pub(crate) const MOST_ITERATIONS: u32 = 100;
/// The most lanes of Argon2id and scrypt.
pub(crate) const MOST_PARALLELISM: u32 = 64;
/// The most that N of scrypt is, as a logarithm to the base 2.
pub(crate) const MOST_SCRYPT_COST: u32 = 20;
/// The most rounds of bcrypt, as a logarithm to the base 2.
pub(crate) const MOST_BCRYPT_COST: u32 = 16;

/// The fewest rounds that bcrypt has.
const LEAST_BCRYPT_COST: u32 = 4;
/// The largest block size of scrypt. The usual one is 8.
const MOST_BLOCK: u32 = 32;
/// The most bytes of a password for bcrypt: 18 words of its key schedule.
const MOST_BCRYPT_PASSWORD: usize = 72;

/// An algorithm with its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashParameters {
    /// RFC 9106; `memory` in KiB.
    Argon2id { memory: u32, iterations: u32, parallelism: u32 },
    /// RFC 7914; `cost` is the logarithm of N to the base 2, `block` is r.
    Scrypt { cost: u32, block: u32, parallelism: u32 },
    /// `cost` is the logarithm of the rounds to the base 2.
    Bcrypt { cost: u32 },
}

impl HashParameters {
    pub(crate) fn algorithm(self) -> PasswordAlgorithm {
        match self {
            Self::Argon2id { .. } => PasswordAlgorithm::Argon2id,
            Self::Scrypt { .. } => PasswordAlgorithm::Scrypt,
            Self::Bcrypt { .. } => PasswordAlgorithm::Bcrypt,
        }
    }

    /// True if a server can afford the hash. A stored hash has parameters of its own, and may come from anywhere.
    pub(crate) fn is_affordable(self) -> bool {
        match self {
            Self::Argon2id { memory, iterations, parallelism } => {
                u64::from(memory) * 1024 <= MOST_MEMORY
                    && (1..=MOST_ITERATIONS).contains(&iterations)
                    && (1..=MOST_PARALLELISM).contains(&parallelism)
                    // RFC 9106 §3.1: at least eight blocks a lane.
                    && memory >= 8 * parallelism
            }
            Self::Scrypt { cost, block, parallelism } => {
                (1..=MOST_SCRYPT_COST).contains(&cost)
                    && (1..=MOST_BLOCK).contains(&block)
                    && (1..=MOST_PARALLELISM).contains(&parallelism)
                    && (u64::from(block) * 128) << cost <= MOST_MEMORY
            }
            Self::Bcrypt { cost } => (LEAST_BCRYPT_COST..=MOST_BCRYPT_COST).contains(&cost),
        }
    }

    /// Returns an error if the algorithm can't hash all bytes of a password.
    pub(crate) fn check(self, password: &str) -> Result<(), PasswordError> {
        let is_bcrypt = self.algorithm() == PasswordAlgorithm::Bcrypt;
        let most = if is_bcrypt { MOST_BCRYPT_PASSWORD } else { MAX_PASSWORD };
        if password.len() > most {
            return Err(PasswordError::TooLong { most });
        }
        if is_bcrypt && password.contains('\0') {
            return Err(PasswordError::Nul);
        }
        Ok(())
    }

    /// True if the other has another algorithm, or any higher parameter.
    pub(crate) fn is_weaker_than(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Argon2id { memory, iterations, parallelism },
                Self::Argon2id { memory: least, iterations: passes, parallelism: lanes },
            ) => memory < least || iterations < passes || parallelism < lanes,
            (
                Self::Scrypt { cost, block, parallelism },
                Self::Scrypt { cost: least, block: size, parallelism: lanes },
            ) => cost < least || block < size || parallelism < lanes,
            (Self::Bcrypt { cost }, Self::Bcrypt { cost: least }) => cost < least,
            _ => true,
        }
    }
}
