//! The key ring: the secrets, key pairs and key sets that policies refer to by name.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use crate::keys::algorithm::{HmacAlgorithm, SignatureAlgorithm};
use crate::keys::jwk::Jwk;
use crate::keys::pair::Pair;
use crate::keys::public::Flaw;
use crate::keys::set::KeySet;
use crate::keys::sign::SigningKey;
use crate::keys::{jwk, pem};

/// The key ring: the keys that a host supplies, by their names in policies. Secrets and private keys are wiped when they are
/// dropped, and never printed.
#[derive(Clone, Default)]
pub struct Keys {
    secrets: BTreeMap<String, Entry>,
    sets: BTreeMap<String, KeySet>,
}

/// The entry of a secret's name.
#[derive(Clone)]
pub(crate) enum Entry {
    /// Bytes, and the only algorithm that they may be used with, if there is one.
    Secret(Zeroizing<Vec<u8>>, Option<String>),
    Pair(Pair),
    /// A key that can't be used.
    Unusable(Flaw),
}

impl Keys {
    /// An empty ring.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret, in place of one of the same name. [`Policy::bind`](crate::Policy::bind) checks that it is strong enough
    /// for its use.
    #[must_use]
    pub fn with_secret(self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(name.into(), Entry::Secret(Zeroizing::new(bytes.into()), None))
    }

    /// Adds a secret that may be used with one algorithm only, such as `HS512` (RFC 7517 §4.4).
    #[must_use]
    pub fn with_secret_for(self, name: impl Into<String>, bytes: impl Into<Vec<u8>>, algorithm: &str) -> Self {
        self.with(name.into(), Entry::Secret(Zeroizing::new(bytes.into()), Some(algorithm.to_owned())))
    }

    /// Adds a key pair, or its public half if it signs nothing, as PEM (RFC 7468):
    /// PKCS#8 (`PRIVATE KEY`), `PUBLIC KEY`, PKCS#1 (`RSA PRIVATE KEY`, `RSA PUBLIC KEY`) or SEC 1 (`EC PRIVATE KEY`).
    /// The public half of a private key comes with it. RSA keys have 2048 to 8192 bits; curves are P-256, P-384 and
    /// Ed25519. [`Policy::bind`](crate::Policy::bind) reports a key that can't be read.
    ///
    /// ```
    /// use portcullis::Keys;
    ///
    /// let pem = "-----BEGIN PUBLIC KEY-----
    /// MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    /// -----END PUBLIC KEY-----";
    /// assert_eq!(format!("{:?}", Keys::new().with_pem("ACCESS_KEY", pem)), r#"["ACCESS_KEY"]"#);
    /// ```
    #[must_use]
    pub fn with_pem(self, name: impl Into<String>, pem: impl Into<Vec<u8>>) -> Self {
        let text = Zeroizing::new(pem.into());
        self.with(name.into(), pem::parse(&text).map_or_else(Entry::Unusable, Entry::Pair))
    }

    /// Adds a key as a JWK (RFC 7517): a secret (`oct`), a key pair, or its public half. Its `alg`, `use` and `key_ops`
    /// restrict its use, and tokens that it signs have its `kid`. [`Policy::bind`](crate::Policy::bind) reports a key that
    /// can't be read.
    #[must_use]
    pub fn with_jwk(self, name: impl Into<String>, jwk: impl Into<Vec<u8>>) -> Self {
        let text = Zeroizing::new(jwk.into());
        self.with(name.into(), jwk::parse(&text).map_or_else(Entry::Unusable, Entry::from))
    }

    /// Adds a JWK set, in place of one of the same name. A set among a request's facts takes precedence.
    #[must_use]
    pub fn with_key_set(mut self, name: impl Into<String>, set: KeySet) -> Self {
        self.sets.insert(name.into(), set);
        self
    }

    /// Signs bytes with a key of the ring (RFC 7515 §5.1): for tokens that no policy issues, such as those of tests. `algorithm`
    /// is a name such as `ES256`. `None` if the ring has no such key, if the key can't sign or isn't for the algorithm, or if
    /// the algorithm needs randomness (`PS256`, `PS384`, `PS512`).
    ///
    /// ```
    /// use portcullis::Keys;
    ///
    /// let keys = Keys::new().with_secret("KEY", "at least 32 bytes, and random in earnest");
    /// assert_eq!(keys.sign("KEY", "HS256", b"header.payload").map(|signature| signature.len()), Some(32));
    /// assert_eq!(keys.sign("KEY", "RS256", b"header.payload"), None);
    /// ```
    pub fn sign(&self, name: &str, algorithm: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let key = match self.secrets.get(name)? {
            Entry::Secret(secret, pinned) => {
                let algorithm = HmacAlgorithm::named(algorithm)?;
                let fits = pinned.as_deref().is_none_or(|pinned| pinned == algorithm.name());
                fits.then(|| SigningKey::secret(algorithm, secret))
            }
            Entry::Pair(pair) => SigningKey::private(SignatureAlgorithm::named(algorithm)?, pair),
            Entry::Unusable(_) => None,
        };
        key?.sign(bytes)
    }

    fn with(mut self, name: String, entry: Entry) -> Self {
        self.secrets.insert(name, entry);
        self
    }

    /// The entry of a secret's name.
    pub(crate) fn secret(&self, name: &str) -> Option<&Entry> {
        self.secrets.get(name)
    }

    pub(crate) fn set(&self, name: &str) -> Option<&KeySet> {
        self.sets.get(name)
    }

    /// The names of both a secret and a key set.
    pub(crate) fn names_of_two(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().filter(|name| self.sets.contains_key(*name)).map(String::as_str)
    }
}

impl From<Jwk> for Entry {
    fn from(key: Jwk) -> Self {
        match key {
            Jwk::Secret { bytes, pinned } => {
                Self::Secret(bytes, pinned.map(HmacAlgorithm::name).map(ToOwned::to_owned))
            }
            Jwk::Pair(pair) => Self::Pair(pair),
        }
    }
}

impl fmt::Debug for Keys {
    /// Prints the names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.secrets.keys()).entries(self.sets.keys()).finish()
    }
}
