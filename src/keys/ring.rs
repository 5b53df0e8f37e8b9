//! The key ring: the secrets, key pairs and key sets that policies only name.

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

/// The keys that a host supplies, by the names that policies give them. Secrets and private keys are wiped when they are
/// dropped, and never printed.
#[derive(Clone, Default)]
pub struct Keys {
    secrets: BTreeMap<String, Entry>,
    sets: BTreeMap<String, KeySet>,
}

/// What stands under the name of a secret.
#[derive(Clone)]
pub(crate) enum Entry {
    /// Bytes, and the one algorithm that they are for, where there is one.
    Secret(Zeroizing<Vec<u8>>, Option<String>),
    Pair(Pair),
    /// What isn't a key that can be used, and why.
    Unusable(Flaw),
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
        self.with(name.into(), Entry::Secret(Zeroizing::new(bytes.into()), None))
    }

    /// Puts a secret on the ring that is for one algorithm alone, such as `HS512`, as the `alg` of a JWK says
    /// (RFC 7517 §4.4).
    #[must_use]
    pub fn with_secret_for(self, name: impl Into<String>, bytes: impl Into<Vec<u8>>, algorithm: &str) -> Self {
        self.with(name.into(), Entry::Secret(Zeroizing::new(bytes.into()), Some(algorithm.to_owned())))
    }

    /// Puts a key pair on the ring, or its public half where nothing is signed with it, as the text of PEM (RFC 7468):
    /// PKCS#8 (`PRIVATE KEY`), `PUBLIC KEY`, PKCS#1 (`RSA PRIVATE KEY`, `RSA PUBLIC KEY`) or SEC 1 (`EC PRIVATE KEY`).
    /// The public half of a private key comes with it. RSA keys have 2048 to 8192 bits; curves are P-256, P-384 and
    /// Ed25519. What can't be read is told by [`Policy::bind`](crate::Policy::bind).
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

    /// Puts a key on the ring as the JSON of a JWK (RFC 7517): a secret (`oct`), a key pair, or its public half. What it
    /// says of its own use with `alg`, `use` and `key_ops` holds, and tokens that it signs bear its `kid`. What can't be
    /// read is told by [`Policy::bind`](crate::Policy::bind).
    #[must_use]
    pub fn with_jwk(self, name: impl Into<String>, jwk: impl Into<Vec<u8>>) -> Self {
        let text = Zeroizing::new(jwk.into());
        self.with(name.into(), jwk::parse(&text).map_or_else(Entry::Unusable, Entry::from))
    }

    /// Puts a JWK set on the ring, in place of one of the same name. A set among a request's facts goes before it.
    #[must_use]
    pub fn with_key_set(mut self, name: impl Into<String>, set: KeySet) -> Self {
        self.sets.insert(name.into(), set);
        self
    }

    /// The signature of bytes by a key of the ring (RFC 7515 §5.1), and the same every time: for tokens that no policy makes,
    /// such as others' tokens in tests. `algorithm` is a name such as `ES256`. None where the ring has no such key, where
    /// the key can't sign or isn't for the algorithm, and where every signature would be another (`PS256` and its like).
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

    /// What stands under the name of a secret.
    pub(crate) fn secret(&self, name: &str) -> Option<&Entry> {
        self.secrets.get(name)
    }

    pub(crate) fn set(&self, name: &str) -> Option<&KeySet> {
        self.sets.get(name)
    }

    /// The names under which both a secret and a key set stand.
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
    /// The names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.secrets.keys()).entries(self.sets.keys()).finish()
    }
}
