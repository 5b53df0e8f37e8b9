//! The embedded store: everything in this process's memory.

use std::num::NonZeroUsize;

use jiff::Timestamp;
use portcullis::limit::Usage;
use portcullis::limit::{Charge, Leasing, Outcome, Stage, Write, charge_all, charge_in_place, charge_one};
use portcullis::token::FamilyState;

use crate::expiring::{Change, Expiring, Metrics};
use crate::store::{Charged, Store, StoreError};

/// A store in this process's memory: bounded, cleaned up while it is used, and gone with the process. It goes by the host's clock,
/// and is never away.
///
/// Where it is full, the buckets that would be full again first make room, which lets whoever they counted start afresh; and the
/// families that end first, whose tokens hold no more.
#[derive(Debug)]
pub struct Memory {
    buckets: Expiring<Usage>,
    families: Expiring<Box<FamilyState>>,
}

impl Memory {
    /// An empty store of at most `max_keys` buckets, and as many families.
    pub fn new(max_keys: NonZeroUsize) -> Self {
        Self { buckets: Expiring::new(max_keys), families: Expiring::new(max_keys) }
    }

    /// Charges all, or none, at a time in microseconds since 1970: [`charge_all`], with nothing in between.
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
            let Stage { outcomes, writes, .. } = charge_all(charges, now, leasing, state);
            let put = |Write { charge, usage, expires, .. }: Write| (charge, Change::Put(usage, expires));
            (writes.into_iter().map(put).collect(), outcomes)
        })
    }

    /// Charges one: the same, without a list.
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

    /// What is held of buckets.
    pub fn bucket_metrics(&self) -> Metrics {
        self.buckets.metrics()
    }

    /// What is held of families.
    pub fn family_metrics(&self) -> Metrics {
        self.families.metrics()
    }
}

/// Nothing has expired by then.
const ANY_TIME: i64 = i64::MIN;

impl Store for Memory {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Charged, StoreError> {
        let now = now.as_microsecond();
        Ok(Charged::new(self.charge(charges, now, leasing), now))
    }

    async fn release(&self, bucket: &str, slot: i64) -> Result<(), StoreError> {
        self.buckets.change(bucket.as_bytes(), ANY_TIME, |stored| {
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
