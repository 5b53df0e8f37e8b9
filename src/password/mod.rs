//! Passwords: hashes them, and compares them with stored hashes. It is slow on purpose, and pure: salts come from the host. A
//! malformed password or hash doesn't match, and takes the time of a match.

pub(crate) mod crypt;
pub(crate) mod parameters;
pub(crate) mod rule;
pub(crate) mod stored_hash;
#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use crate::password::parameters::{
    HashParameters, MOST_BCRYPT_COST, MOST_ITERATIONS, MOST_MEMORY, MOST_PARALLELISM, MOST_SCRYPT_COST,
};
pub(crate) use crate::password::rule::PasswordRule;
use crate::password::stored_hash::StoredHash;

/// The most bytes of a password.
pub const MAX_PASSWORD: usize = 1024;

/// The comparison of a password with a stored hash, to be run on a thread that may be busy for a while.
///
/// The password and the hash are wiped when it is dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordTask {
    rule: PasswordRule,
    password: Zeroizing<String>,
    hash: Zeroizing<String>,
}

impl PasswordTask {
    pub(crate) fn new(rule: PasswordRule, password: String, hash: String) -> Self {
        Self { rule, password: Zeroizing::new(password), hash: Zeroizing::new(hash) }
    }

    /// Compares the password with the hash. It takes the time and memory that the policy's `password` block sets, tens of
    /// milliseconds and more: run it on a thread for such work, off any event loop.
    ///
    /// Only hashes by an algorithm that the policy accepts can match. Any other hash, and a password that is too long for the
    /// algorithm, don't match, after the time that a hash by the policy's own algorithm takes.
    #[must_use]
    pub fn run(&self) -> PasswordOutcome {
        let is_accepted = |stored: &StoredHash| {
            let parameters = stored.parameters();
            self.rule.accepts(parameters.algorithm()) && parameters.check(&self.password).is_ok()
        };
        let Some(stored) = StoredHash::parse(&self.hash).filter(is_accepted) else {
            return PasswordOutcome { failed: !self.rule.spend_time(), ..PasswordOutcome::new(false, false) };
        };
        let Some(matches) = stored.matches(&self.password) else {
            return PasswordOutcome { failed: true, ..PasswordOutcome::new(false, false) };
        };
        let own = self.rule.parameters();
        // A password that the policy's own algorithm can't hash keeps its hash.
        let needs_rehash = matches && stored.is_weaker_than(own) && own.check(&self.password).is_ok();
        PasswordOutcome::new(matches, needs_rehash)
    }
}

impl fmt::Debug for PasswordTask {
    /// Prints the policy's rule only: the password and the hash are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordTask").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// The result of comparing a password with a stored hash.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordOutcome {
    /// True if the password has the hash.
    pub matches: bool,
    /// True if the hash matches and is weaker than a new one would be: store a new one, by
    /// [`Policy::hash_password`](crate::Policy::hash_password), while the password is at hand.
    pub needs_rehash: bool,
    /// True if the machine has too little memory for the comparison. A login then answers 503.
    pub failed: bool,
}

impl PasswordOutcome {
    /// An outcome of a comparison by the host itself.
    #[must_use]
    pub const fn new(matches: bool, needs_rehash: bool) -> Self {
        Self { matches, needs_rehash, failed: false }
    }
}

/// The reason why a password isn't hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The policy has no `password` block.
    #[error("the policy doesn't say how passwords are hashed: add `password {{ algorithm argon2id }}` to it")]
    NoRule,
    /// The password is too long for the policy's algorithm.
    #[error("the password is too long: the policy's algorithm takes {most} bytes at most")]
    TooLong {
        /// The most bytes that the policy's algorithm takes.
        most: usize,
    },
    /// `bcrypt` would cut the password at a NUL.
    #[error("the password has a NUL character, which `bcrypt` can't take: refuse it in the schema")]
    Nul,
    /// The machine has too little memory for the policy's algorithm.
    #[error("there is too little memory to hash a password: give the process more, or lower `memory` in the policy")]
    OutOfMemory,
}
