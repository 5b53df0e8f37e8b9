//! The embedded store, in the memory of the process.

use std::num::NonZeroUsize;

use jiff::Timestamp;
use portcullis::limit::Usage;
use portcullis::limit::{Charge, Leasing, Outcome, StageResult, Write, charge_all, charge_in_place, charge_one};
use portcullis::token::FamilyState;

use crate::expiring::{Change, Expiring, Metrics};
use crate::store::{Charged, Store, StoreError};

/// A store in the memory of the process. Its size is bounded, it is cleaned up while it is used, and it ends with the process. It uses
/// the host's clock and never fails.
///
/// A full store evicts the bucket that would be full again first, so that its callers start afresh, and the family that expires first,
/// so that its tokens are no longer valid.
#[derive(Debug)]
pub struct Memory {
    buckets: Expiring<Usage>,
    families: Expiring<Box<FamilyState>>,
}

impl Memory {
    /// Makes an empty store of at most `max_keys` buckets, and as many families.
    pub fn new(max_keys: NonZeroUsize) -> Self {
        Self { buckets: Expiring::new(max_keys), families: Expiring::new(max_keys) }
    }

    /// Charges all or none at a time in microseconds since 1970: [`charge_all`] as one atomic step.
    pub fn charge(&self, charges: &[Charge], now: i64, leasing: Leasing) -> Vec<Outcome> {
        if let [charge] = charges {
            return vec![self.charge_one(charge, now, leasing)];
        }
        let ids = charges.iter().map(|charge| charge.bucket.as_bytes());
        self.buckets.change_all(ids, now, |stored| {
            let state = |bucket: &str| {
                let row = charges.iter().position(|charge| charge.bucket == bucket)?;
                stored.get(row).copied().flatten().cloned()
            };
            let StageResult { outcomes, writes, .. } = charge_all(charges, now, leasing, state);
            let put = |Write { charge, usage, expires, .. }: Write| (charge, Change::Put(usage, expires));
            (writes.into_iter().map(put).collect(), outcomes)
        })
    }

    /// Makes a single charge, without the allocations of [`Memory::charge`].
    pub fn charge_one(&self, charge: &Charge, now: i64, leasing: Leasing) -> Outcome {
        self.buckets.entry(charge.bucket.as_bytes(), now, |mut entry| match entry.get_mut() {
            Some(usage) => {
                let mut expires = None;
                let outcome = charge_in_place(charge, now, leasing, usage, &mut expires);
                if let Some(expires) = expires {
                    entry.keep_until(expires);
                }
                outcome
            }
            None => {
                let (outcome, write) = charge_one(charge, now, leasing, &Usage::default());
                if let Some((usage, expires)) = write {
                    entry.put(usage, expires);
                }
                outcome
            }
        })
    }

    /// The metrics of the buckets.
    pub fn bucket_metrics(&self) -> Metrics {
        self.buckets.metrics()
    }

    /// The metrics of the families.
    pub fn family_metrics(&self) -> Metrics {
        self.families.metrics()
    }
}

/// No state has expired at this time.
const BEFORE_ALL: i64 = i64::MIN;

impl Store for Memory {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Charged, StoreError> {
        let now = now.as_microsecond();
        Ok(Charged::new(self.charge(charges, now, leasing), now))
    }

    async fn release(&self, bucket: &str, slot: i64) -> Result<(), StoreError> {
        self.buckets.change(bucket.as_bytes(), BEFORE_ALL, |stored| {
            let without = stored.cloned().and_then(|mut usage| usage.release(slot).then_some(usage));
            (without.map_or(Change::Keep, Change::Alter), ())
        });
        Ok(())
    }

    async fn family(&self, id: &str, now: Timestamp) -> Result<Option<FamilyState>, StoreError> {
        let now = now.as_microsecond();
        Ok(self.families.change(id.as_bytes(), now, |stored| (Change::Keep, stored.map(|state| (**state).clone()))))
    }

    async fn swap_family(
        &self,
        id: &str,
        read: u64,
        state: &FamilyState,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let now = now.as_microsecond();
        Ok(self.families.change(id.as_bytes(), now, |stored| {
            if stored.map_or(0, |stored| stored.version) != read {
                return (Change::Keep, false);
            }
            (Change::Put(Box::new(state.clone()), expires.as_microsecond()), true)
        }))
    }
}
