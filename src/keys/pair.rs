//! A key pair, or its public half alone, with what it says of its own use.

use std::sync::Arc;

use super::algorithm::{KeyKind, SignatureAlgorithm};
use super::private::{Halves, PrivateKey};
use super::public::PublicKey;
use super::verify::VerifyingKey;

/// A key pair, or its public half.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(super) public: PublicKey,
    /// Where it may sign.
    pub(super) private: Option<Arc<PrivateKey>>,
    /// The one algorithm that it is for, where it says so.
    pub(super) pinned: Option<SignatureAlgorithm>,
    /// Its name, where it has one.
    pub(super) id: Option<String>,
}

impl Pair {
    pub(super) fn private((public, private): Halves) -> Self {
        Self { private: Some(Arc::new(private)), ..Self::public(public) }
    }

    pub(super) fn public(public: PublicKey) -> Self {
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

    /// Whether both are one pair, or halves of one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.public == other.public
    }

    /// The algorithms that it may be used with.
    pub(super) fn algorithms(&self) -> impl Iterator<Item = SignatureAlgorithm> {
        let all = self.kind().algorithms().iter().copied();
        all.filter(|algorithm| self.pinned.is_none_or(|pinned| pinned == *algorithm))
    }

    /// Its public half, for one algorithm alone.
    pub(crate) fn verifying(&self, algorithm: SignatureAlgorithm) -> VerifyingKey {
        VerifyingKey::public(self.public.clone(), Some(algorithm))
    }
}
