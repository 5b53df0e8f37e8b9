//! Stores of limits and families of refresh tokens.
//!
//! [`decide()`] decides a request with a [`Store`] and an asynchronous [`Host`]. For hosts that drive an inquiry by themselves,
//! [`answer`], [`record`] and [`finish`] turn its questions and effects into calls of a store.
#![forbid(unsafe_code)]

mod decide;
mod expiring;
mod host;
mod leased;
mod memory;
mod single_flight;
mod store;

pub use decide::{DecideError, Host, decide};
pub use expiring::{Change, Entry, Expiring, Metrics};
pub use host::{Recorded, answer, finish, record};
pub use leased::{LeaseMetrics, Leased};
pub use memory::Memory;
pub use store::{Charged, Store, StoreError};
