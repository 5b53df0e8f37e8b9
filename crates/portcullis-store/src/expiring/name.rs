//! What stands for an id.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use foldhash::quality::FixedState;
use siphasher::sip::SipHasher13;

/// Two keyed hashes of an id. Two ids never have the same ones, but by a chance that nobody lives to see.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    /// By SipHash: nobody who doesn't know the key finds two ids with the same one.
    sip: u64,
    /// By foldhash, which is worked out in passing: among so many ids that two have the same SipHash, these differ.
    fold: u64,
}

/// The keys of a map, which leave it in no form.
pub(super) struct Namer {
    sip: SipHasher13,
    fold: FixedState,
}

impl Namer {
    /// Keys of the system's random bytes, by the standard library's way to them: they keep its own maps from collisions, too.
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
    /// These bits find the shard …
    #[inline]
    pub(super) fn shard_bits(self) -> usize {
        // An index takes bits from both ends.
        (self.sip >> 24) as usize & 0xff_ffff
    }

    /// … and others the place in its index, or all names in a shard would crowd together there.
    #[inline]
    pub(super) fn index_bits(self) -> u64 {
        self.sip
    }
}
