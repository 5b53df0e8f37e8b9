//! A key pair, or its public half alone, with what it says of its own use.

use std::sync::Arc;

use crate::keys::algorithm::{KeyKind, SignatureAlgorithm};
use crate::keys::private::{Halves, PrivateKey};
use crate::keys::public::PublicKey;
use crate::keys::verify::VerifyingKey;

/// A key pair, or its public half.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) public: PublicKey,
    /// The private half, if it may sign.
    pub(crate) private: Option<Arc<PrivateKey>>,
    /// The one algorithm that it is for, where it says so.
    pub(crate) pinned: Option<SignatureAlgorithm>,
    /// Its name, where it has one.
    pub(crate) id: Option<String>,
}

impl Pair {
    pub(crate) fn private((public, private): Halves) -> Self {
        Self { private: Some(Arc::new(private)), ..Self::public(public) }
    }

    pub(crate) fn public(public: PublicKey) -> Self {
        Self { public, private: None, pinned: None, id: None }
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// The one algorithm that it is for, where it says so.
    pub(crate) fn pinned(&self) -> Option<SignatureAlgorithm> {
        self.pinned
    }

    pub(crate) fn can_sign(&self) -> bool {
        self.private.is_some()
    }

    /// True if both are the same pair, or halves of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.public == other.public
    }

    /// The algorithms that it may be used with.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = SignatureAlgorithm> {
        let all = self.kind().algorithms().iter().copied();
        all.filter(|algorithm| self.pinned.is_none_or(|pinned| pinned == *algorithm))
    }

    /// Its public half, for one algorithm alone.
    pub(crate) fn verifying(&self, algorithm: SignatureAlgorithm) -> VerifyingKey {
        VerifyingKey::public(self.public.clone(), Some(algorithm))
    }
}
