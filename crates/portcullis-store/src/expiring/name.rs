//! Names: keyed hashes that replace ids.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use foldhash::quality::FixedState;
use siphasher::sip::SipHasher13;

/// Two keyed hashes of an id. A collision of both is so improbable that it isn't handled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    /// SipHash: an attacker without the key can't construct a collision.
    sip: u64,
    /// A cheap foldhash, which differs if many ids lead to a collision of SipHash by chance.
    fold: u64,
}

/// The hash keys of a map. They are secret.
pub(super) struct Namer {
    sip: SipHasher13,
    fold: FixedState,
}

impl Namer {
    /// Draws random keys with the standard library's source for its hash maps.
    pub(super) fn random() -> Self {
        let random = RandomState::new();
        let [one, two, three] = [1_u64, 2, 3].map(|number| random.hash_one(number));
        Self { sip: SipHasher13::new_with_keys(one, two), fold: FixedState::with_seed(three) }
    }

    #[inline]
    pub(super) fn name(&self, id: &[u8]) -> Name {
        let mut fold = self.fold.build_hasher();
        fold.write(id);
        Name { sip: self.sip.hash(id), fold: fold.finish() }
    }
}

impl Name {
    /// The bits that select the shard.
    #[inline]
    pub(super) fn shard_bits(self) -> usize {
        // An index takes bits from both ends.
        (self.sip >> 24) as usize & 0xff_ffff
    }

    /// The bits that select the position in the shard's index. They differ from the shard's bits, so that the names of one shard spread
    /// over its index.
    #[inline]
    pub(super) fn index_bits(self) -> u64 {
        self.sip
    }
}
