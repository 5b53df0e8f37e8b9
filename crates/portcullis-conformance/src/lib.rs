//! The test suite of all stores of Portcullis: random charges, slots and families under clocks that jump. Every integer of the answers is
//! compared with a plain map and [`portcullis::limit::charge_all`].
//!
//! The caller provides the executor, so that a store runs on the runtime it needs. The tests of a store are integration tests in `tests/`:
//! its unit tests would see another copy of the store's crate.
//!
//! ```
//! use portcullis_conformance::{Suite, steps};
//! use portcullis_store::Store;
//! use proptest::test_runner::TestRunner;
//!
//! fn passes<S: Store>(store: &S) {
//!     let suite = Suite::new(store, "memory");
//!     let checked = TestRunner::default().run(&steps(), |steps| Ok(pollster::block_on(suite.run(&steps))?));
//!     checked.unwrap_or_else(|failure| panic!("{failure}"));
//! }
//! ```
//!
//! The suite doesn't test that a store removes expired states, as that changes no answer. The metrics of a store show that.
#![forbid(unsafe_code)]

mod contest;
mod hostile;
mod model;
mod plan;
mod step;
mod strategy;
mod suite;

pub use contest::Contest;
pub use hostile::hostile_ids;
pub use model::Forgets;
pub use step::{Action, Read, Step, Tick};
pub use strategy::{family_steps, steps, steps_of};
pub use suite::{Clock, Mismatch, Suite};
