//! Stores of limits and families of refresh tokens.
//!
//! [`Store`] is the interface. [`answer`], [`record`] and [`finish`] connect it with a decision's questions and effects.
#![forbid(unsafe_code)]

mod expiring;
mod host;
mod leased;
mod memory;
mod single_flight;
mod store;

pub use expiring::{Change, Entry, Expiring, Metrics};
pub use host::{Recorded, answer, finish, record};
pub use leased::{LeaseMetrics, Leased};
pub use memory::Memory;
pub use store::{Charged, Store, StoreError};
