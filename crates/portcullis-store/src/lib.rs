//! Where limits and families of refresh tokens are kept between decisions.
//!
//! [`Store`] is what a host asks; [`answer`], [`record`] and [`finish`] turn a decision's questions and effects into that.
#![forbid(unsafe_code)]

mod expiring;
mod flight;
mod host;
mod leased;
mod memory;
mod store;

pub use expiring::{Change, Entry, Expiring, Metrics};
pub use host::{Recorded, answer, finish, record};
pub use leased::{LeaseMetrics, Leased};
pub use memory::Memory;
pub use store::{Charged, Store, StoreError};
