//! The key ring: the bytes of the secrets that policies only name.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// The secrets that a host supplies, by the names that policies give them. Wiped when dropped; never printed.
#[derive(Clone, Default)]
pub struct Keys {
    secrets: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl Keys {
    /// An empty ring.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a secret on the ring, in place of one of the same name. Whether it is strong enough is said by
    /// [`Policy::bind`](crate::Policy::bind), which knows what it is for.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.secrets.insert(name.into(), Zeroizing::new(bytes.into()));
        self
    }

    /// The bytes of a secret.
    pub(crate) fn secret(&self, name: &str) -> Option<&[u8]> {
        self.secrets.get(name).map(|bytes| bytes.as_slice())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.secrets.keys()).finish()
    }
}

/// Why a policy and a key ring don't go together: every problem at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct BindError {
    /// At least one.
    pub problems: Vec<KeyProblem>,
}

/// One secret that won't do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// The policy names it, the ring lacks it.
    #[error("the key ring lacks the secret `{name}`: add it under that name")]
    Missing {
        /// The secret's name.
        name: String,
    },
    /// RFC 7518 §3.2: an HMAC key has at least as many bytes as the hash.
    #[error("the secret `{name}` has {length} bytes: it needs at least {least} random ones (RFC 7518 §3.2)")]
    TooShort {
        /// The secret's name.
        name: String,
        /// Its length in bytes.
        length: usize,
        /// The fewest bytes that its use allows.
        least: usize,
    },
    /// One byte over and over.
    #[error("the secret `{name}` is one byte over and over: use at least 32 random bytes")]
    Constant {
        /// The secret's name.
        name: String,
    },
    /// A token made for one purpose would then pass for another.
    #[error("the secrets `{first}` and `{second}` are equal: each purpose needs a secret of its own")]
    Equal {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}
