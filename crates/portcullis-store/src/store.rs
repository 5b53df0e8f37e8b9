//! The interface of stores.

use jiff::Timestamp;
use portcullis::limit::{Charge, Leasing, Outcome};
use portcullis::token::FamilyState;

/// Keeps limits and families of refresh tokens. Each operation that returns a value has been done exactly once.
pub trait Store: Send + Sync {
    /// Charges all or none: [`portcullis::limit::charge_all`] as one atomic step on the stored states. `now` is the host's time. A store
    /// with a clock of its own uses that instead and returns its time in [`Charged::at`].
    ///
    /// # Errors
    ///
    /// Fails if it isn't known whether the charges were made. The caller must not treat any of them as admitted.
    fn charge(
        &self,
        charges: &[Charge],
        now: Timestamp,
        leasing: Leasing,
    ) -> impl Future<Output = Result<Charged, StoreError>> + Send;

    /// Releases a slot of a `concurrency` limit. A slot that has been released already is no error.
    ///
    /// # Errors
    ///
    /// Fails if the slot may still be taken. It is free again after the limit's `timeout`.
    fn release(&self, bucket: &str, slot: i64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns the state of a family, or none if none is stored or it has expired at `now`.
    ///
    /// # Errors
    ///
    /// Fails if the state can't be read.
    fn family(&self, id: &str, now: Timestamp) -> impl Future<Output = Result<Option<FamilyState>, StoreError>> + Send;

    /// Writes the state of a family and keeps it until `expires`, provided that the stored version is still `read`, or `read` is 0 and
    /// none is stored. Returns true if the state was written.
    ///
    /// # Errors
    ///
    /// Fails if it isn't known whether the state was written.
    fn swap_family(
        &self,
        id: &str,
        read: u64,
        state: &FamilyState,
        expires: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// The outcomes of charges.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charged {
    /// One outcome a charge, in the order of the charges.
    pub outcomes: Vec<Outcome>,
    /// The time of the charges by the store's clock, in microseconds since 1970.
    pub at: i64,
}

impl Charged {
    /// Makes the outcomes of charges made at a time.
    pub fn new(outcomes: Vec<Outcome>, at: i64) -> Self {
        Self { outcomes, at }
    }
}

/// A failure of a store. Its text has no address, no id and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store can't be reached, or didn't answer in time.
    #[error("the store is away: {0}")]
    Away(String),
    /// The store answered with an error.
    #[error("the store refused: {0}")]
    Refused(String),
    /// The store returned a value that no store wrote.
    #[error("the store holds something unreadable: {0}")]
    Unreadable(String),
}
