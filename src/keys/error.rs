//! Errors of keys. They contain names and advice, never a value.

/// The problems of a key ring with a policy: all of them, at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct BindError {
    pub(crate) problems: Vec<KeyProblem>,
}

impl BindError {
    /// Returns the problems.
    pub fn problems(&self) -> &[KeyProblem] {
        &self.problems
    }
}

/// A problem of one secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// The key ring lacks it.
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
    /// It is one byte repeated.
    #[error("the secret `{name}` is one byte over and over: use at least 32 random bytes")]
    Constant {
        /// The secret's name.
        name: String,
    },
    /// It is unreadable or unsafe.
    #[error("the key `{name}` can't be used: {why}")]
    Unusable {
        /// The secret's name.
        name: String,
        /// The reason.
        why: &'static str,
    },
    /// Its JWK restricts it to another algorithm (RFC 7517 §4.4).
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
    /// Its kind of key pair doesn't fit the algorithm.
    #[error(
        "the key `{name}` is of the kind {kind}, and the policy uses it with {used}, which takes one of the kind \
         {needed}: supply such a key, or change the policy's algorithm"
    )]
    WrongKind {
        /// The secret's name.
        name: String,
        /// The key's kind: `RSA`, `P-256`, `P-384` or `Ed25519`.
        kind: &'static str,
        /// The algorithm that the policy uses it with.
        used: &'static str,
        /// The kind of key that the algorithm takes.
        needed: &'static str,
    },
    /// It lacks the private half, and the policy issues tokens that it must sign.
    #[error(
        "a route issues `{token}`, and the key `{name}` can't sign: supply its private half, as a key to `sign` with"
    )]
    CannotSign {
        /// The secret's name.
        name: String,
        /// The token's name.
        token: String,
    },
    /// It is a secret, and the policy needs a key pair.
    #[error("the secret `{name}` is bytes, and the policy uses it with {used}: supply a key pair, as PEM or as a JWK")]
    Bytes {
        /// The secret's name.
        name: String,
        /// The algorithm that the policy uses it with.
        used: &'static str,
    },
    /// It is a key pair, and the policy needs a secret.
    #[error("`{name}` is a key pair on the key ring, and the policy uses it as a secret: supply random bytes")]
    KeyPair {
        /// The secret's name.
        name: String,
    },
    /// It is a JWK set, and the policy needs a secret or a key pair.
    #[error(
        "`{name}` is a JWK set on the key ring, and the policy uses it as a secret: supply the secret in its place"
    )]
    KeySet {
        /// The secret's name.
        name: String,
    },
    /// It is a secret or a key pair, and the policy needs a JWK set.
    #[error("`{name}` is a secret on the key ring, and the policy uses it as a JWK set: supply the set in its place")]
    NoKeySet {
        /// The set's name.
        name: String,
    },
    /// The name belongs to both a secret and a JWK set.
    #[error("`{name}` is both a secret and a JWK set on the key ring: keep one of them under that name")]
    Twice {
        /// The name.
        name: String,
    },
    /// Two secrets are equal: a token for one purpose would be valid for another.
    #[error("the secrets `{first}` and `{second}` are equal: each purpose needs a secret of its own")]
    Equal {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

/// An error of a whole JWK set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It has too many bytes.
    #[error("the key set has more than 4 MiB: publish fewer keys")]
    TooLong,
    /// It has too many keys.
    #[error("the key set has more than 10,000 keys: publish fewer")]
    TooMany,
    /// It isn't JSON, or JSON that two parsers could read differently.
    #[error("the key set can't be read as JSON: {why}")]
    Unreadable {
        /// The reason, without any part of the text.
        why: &'static str,
    },
    /// It is JSON, but no set.
    #[error("the key set has no `keys`: it must be a JSON object with a list of that name (RFC 7517 §5)")]
    NoKeys,
}
