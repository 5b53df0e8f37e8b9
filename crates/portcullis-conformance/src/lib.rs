//! The one suite that every store of Portcullis passes: random charges, slots and families under clocks that jump, held
//! against a plain map that is driven by [`portcullis::limit::charge_all`], to the last integer.
//!
//! The caller brings the executor, so that a store on a runtime is driven by that. Of a crate that has this one among its
//! `dev-dependencies`, the tests stand in `tests/`: a crate's unit tests are another crate to this one.
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
//! What it doesn't see: whether a store forgets what has expired, as that changes no answer. A store counts its keys for that.
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
