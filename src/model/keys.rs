//! The key ring: the bytes of the secrets that policies only name.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// The secrets that a host supplies, by the names that policies give them. Wiped when dropped; never printed.
#[derive(Clone, Default)]
pub struct Keys {
    secrets: BTreeMap<String, Secret>,
}

#[derive(Clone)]
struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    /// The one algorithm that it may be used with.
    pinned: Option<String>,
    form: Form,
}

/// How the bytes are to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are.
    Bytes,
    /// As the text of a key pair, or of one half of it.
    KeyPair,
}

impl Keys {
    /// An empty ring.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a secret on the ring, in place of one of the same name. Whether it is strong enough is said by
    /// [`Policy::bind`](crate::Policy::bind), which knows what it is for.
    #[must_use]
    pub fn with_secret(self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(name.into(), bytes.into(), None, Form::Bytes)
    }

    /// Puts a secret on the ring that is for one algorithm alone, such as `HS512`, as the `alg` of a JWK says
    /// (RFC 7517 §4.4).
    #[must_use]
    pub fn with_secret_for(self, name: impl Into<String>, bytes: impl Into<Vec<u8>>, algorithm: &str) -> Self {
        self.with(name.into(), bytes.into(), Some(algorithm.to_owned()), Form::Bytes)
    }

    /// Puts a key pair, or one half of it, on the ring, as the text of PEM (RFC 7468).
    #[must_use]
    pub fn with_pem(self, name: impl Into<String>, pem: impl Into<Vec<u8>>) -> Self {
        self.with(name.into(), pem.into(), None, Form::KeyPair)
    }

    /// Puts a key pair, or one half of it, on the ring, as the JSON of a JWK (RFC 7517), and for which algorithm alone
    /// it is, where its `alg` says so.
    #[must_use]
    pub fn with_jwk(self, name: impl Into<String>, jwk: impl Into<Vec<u8>>, algorithm: Option<&str>) -> Self {
        self.with(name.into(), jwk.into(), algorithm.map(ToOwned::to_owned), Form::KeyPair)
    }

    fn with(mut self, name: String, bytes: Vec<u8>, pinned: Option<String>, form: Form) -> Self {
        self.secrets.insert(name, Secret { bytes: Zeroizing::new(bytes), pinned, form });
        self
    }

    /// The bytes of a secret.
    pub(crate) fn secret(&self, name: &str) -> Option<&[u8]> {
        self.secrets.get(name).map(|secret| secret.bytes.as_slice())
    }

    /// Whether it is a key pair, which is never taken for the bytes of a secret.
    pub(crate) fn is_key_pair(&self, name: &str) -> bool {
        self.secrets.get(name).is_some_and(|secret| secret.form == Form::KeyPair)
    }

    /// The one algorithm that a secret is for, if there is one.
    pub(crate) fn pinned(&self, name: &str) -> Option<&str> {
        self.secrets.get(name)?.pinned.as_deref()
    }
}

impl fmt::Debug for Keys {
    /// The names, and the algorithms that they are for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.secrets.keys().map(|name| (name, self.pinned(name)))).finish()
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
    /// Its JWK says what it is for, and the policy uses it otherwise (RFC 7517 §4.4).
    #[error(
        "the secret `{name}` is for {pinned} alone, as its `alg` says, and the policy uses it with {used}: supply one \
         for {used}, or change the policy's algorithm"
    )]
    WrongAlgorithm {
        /// The secret's name.
        name: String,
        /// The algorithm that it is for.
        pinned: String,
        /// The algorithm that the policy uses it with.
        used: String,
    },
    /// It is a key pair, and the policy needs a secret.
    #[error("`{name}` is a key pair on the key ring, and the policy uses it as a secret: supply random bytes")]
    KeyPair {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_may_be_for_one_algorithm() {
        let keys = Keys::new().with_secret("A", b"hush").with_secret_for("B", b"hush", "HS512");
        assert_eq!((keys.secret("A"), keys.pinned("A")), (Some(&b"hush"[..]), None));
        assert_eq!((keys.secret("B"), keys.pinned("B")), (Some(&b"hush"[..]), Some("HS512")));
        assert_eq!((keys.secret("C"), keys.pinned("C")), (None, None));
        assert_eq!(format!("{keys:?}"), r#"{"A": None, "B": Some("HS512")}"#);
        assert_eq!(keys.with_secret("B", b"other").pinned("B"), None, "what is replaced is gone");
    }
}
