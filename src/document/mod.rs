//! The documents that a request comes in as and a decision goes out as, for programs, logs and test suites.
//!
//! In comes what serde reads (JSON, YAML), out go types that borrow from it or from a decision. Nothing here reads
//! a file or a clock: what a document leaves out, the host supplies.

mod decision;
mod request;

pub use decision::DecisionDocument;
pub use request::{DocumentError, RequestDocument};
