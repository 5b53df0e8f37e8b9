//! What a host asks of a store.

use jiff::Timestamp;
use portcullis::limit::{Charge, Leasing, Outcome};
use portcullis::token::FamilyState;

/// Where limits and families of refresh tokens are kept. Whatever it answers has happened, once.
pub trait Store: Send + Sync {
    /// Charges all, or none: [`portcullis::limit::charge_all`], where the states are kept, with nothing in between. `now` is the
    /// host's clock; a store that has one of its own goes by that, and says so.
    ///
    /// # Errors
    ///
    /// Where nobody knows whether the charges were made. None of them may then be taken for admitted.
    fn charge(
        &self,
        charges: &[Charge],
        now: Timestamp,
        leasing: Leasing,
    ) -> impl Future<Output = Result<Charged, StoreError>> + Send;

    /// Gives a slot of a limit of `concurrency` back. One that isn't there any more is no error.
    ///
    /// # Errors
    ///
    /// Where it may still be taken. It is free again after the limit's `timeout`.
    fn release(&self, bucket: &str, slot: i64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The state of a family; nothing where none is stored, or where it has expired by then.
    ///
    /// # Errors
    ///
    /// Where that isn't known.
    fn family(&self, id: &str, now: Timestamp) -> impl Future<Output = Result<Option<FamilyState>, StoreError>> + Send;

    /// Writes the state of a family where the stored version is still `read`, 0 where none is stored, and keeps it until
    /// `expires`. Whether it did.
    ///
    /// # Errors
    ///
    /// Where nobody knows whether it was written.
    fn swap_family(
        &self,
        id: &str,
        read: u64,
        state: &FamilyState,
        expires: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// What became of charges.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charged {
    /// One each, in their order.
    pub outcomes: Vec<Outcome>,
    /// When, in microseconds since 1970, by the clock that the store goes by.
    pub at: i64,
}

impl Charged {
    /// The outcomes of charges made at a moment.
    pub fn new(outcomes: Vec<Outcome>, at: i64) -> Self {
        Self { outcomes, at }
    }
}

/// Why a store doesn't answer. It names no address, no id and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It can't be reached, or didn't answer in time.
    #[error("the store is away: {0}")]
    Away(String),
    /// It was reached, and refused.
    #[error("the store refused: {0}")]
    Refused(String),
    /// It holds what it can't have been given.
    #[error("the store holds something unreadable: {0}")]
    Unreadable(String),
}
