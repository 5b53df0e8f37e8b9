//! Passwords: how a policy hashes them, and whether one has a stored hash. Slow on purpose, and pure: salts come from
//! the host. Whatever is wrong with a password or a hash is "doesn't match", and takes the time that a match takes.

pub(crate) mod crypt;
pub(crate) mod rule;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
pub(crate) mod work;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use crate::password::rule::PasswordRule;
use crate::password::stored::Stored;
pub(crate) use crate::password::work::{
    MOST_BCRYPT_COST, MOST_ITERATIONS, MOST_MEMORY, MOST_PARALLELISM, MOST_SCRYPT_COST, Work,
};

/// The most bytes of a password that is hashed: no person's is longer, and hashing them takes time.
pub const MAX_PASSWORD: usize = 1024;

/// A password and the hash that it may have, to be looked at where a thread may be busy for a while.
///
/// Both are wiped when it is dropped, and never printed.
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

    /// Whether the password has the hash. It takes as long as the policy's `password` block asks for, tens of
    /// milliseconds and more, and as much memory: run it on a thread for such work, off any event loop.
    ///
    /// Nothing but a hash by an algorithm that the policy takes matches. Of anything else, and of a password that the
    /// algorithm can't take whole, it is told that it doesn't match, after as long as a hash by the policy's own
    /// algorithm takes.
    #[must_use]
    pub fn run(&self) -> PasswordOutcome {
        let is_taken = |stored: &Stored| {
            let work = stored.work();
            self.rule.takes(work.algorithm()) && work.takes(&self.password).is_ok()
        };
        let Some(stored) = Stored::parse(&self.hash).filter(is_taken) else {
            return PasswordOutcome { failed: !self.rule.spend(), ..PasswordOutcome::new(false, false) };
        };
        let Some(matches) = stored.matches(&self.password) else {
            return PasswordOutcome { failed: true, ..PasswordOutcome::new(false, false) };
        };
        let own = self.rule.work();
        // What the own algorithm can't take stays as it is.
        let needs_rehash = matches && stored.is_weaker_than(own) && own.takes(&self.password).is_ok();
        PasswordOutcome::new(matches, needs_rehash)
    }
}

impl fmt::Debug for PasswordTask {
    /// What the policy says: the password and the hash are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordTask").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// Whether a password has a stored hash.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordOutcome {
    /// Whether it has.
    pub matches: bool,
    /// Whether the hash is weaker than those that the policy makes, or by an older algorithm: time to store a new one,
    /// by [`Policy::hash_password`](crate::Policy::hash_password), while the password is at hand. Never without a match.
    pub needs_rehash: bool,
    /// Whether it couldn't be found out, as the machine hasn't the memory. A login answers 503 then.
    pub failed: bool,
}

impl PasswordOutcome {
    /// An outcome that the host has found by itself.
    #[must_use]
    pub const fn new(matches: bool, needs_rehash: bool) -> Self {
        Self { matches, needs_rehash, failed: false }
    }
}

/// Why a password isn't hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The policy doesn't say how.
    #[error("the policy doesn't say how passwords are hashed: add `password {{ algorithm argon2id }}` to it")]
    NoRule,
    /// It would have to be cut, or would take too long.
    #[error("the password is too long: the policy's algorithm takes {most} bytes at most")]
    TooLong {
        /// The most bytes that the policy's algorithm takes.
        most: usize,
    },
    /// `bcrypt` would end the password there.
    #[error("the password has a NUL character, which `bcrypt` can't take: refuse it in the schema")]
    Nul,
    /// The machine hasn't the memory that the policy asks for.
    #[error("there is too little memory to hash a password: give the process more, or lower `memory` in the policy")]
    OutOfMemory,
}
