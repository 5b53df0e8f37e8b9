//! What stands for an id.

use std::hash::{BuildHasher as _, RandomState};

use siphasher::sip128::SipHasher13;

/// A keyed hash of an id. Two ids never have the same one, but by a chance that nobody lives to see.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    high: u64,
    low: u64,
}

/// The key of a map, which leaves it in no form.
pub(super) struct Namer(SipHasher13);

impl Namer {
    /// A key of the system's random bytes, by the standard library's way to them: they keep its own maps from collisions, too.
    pub(super) fn random() -> Self {
        let random = RandomState::new();
        Self(SipHasher13::new_with_keys(random.hash_one(0_u64), random.hash_one(1_u64)))
    }

    pub(super) fn name(&self, id: &[u8]) -> Name {
        let hash = self.0.hash(id);
        Name { high: hash.h2, low: hash.h1 }
    }
}

impl Name {
    /// Half of it finds the shard …
    pub(super) fn high_bits(self) -> usize {
        // What a narrow machine leaves off is as random as the rest.
        self.high as usize
    }

    /// … and the other half the place in its table, or all names in a shard would crowd together there.
    pub(super) fn low_bits(self) -> u64 {
        self.low
    }
}
