//! The reference: a slow, simple interpreter of permissions and routes, written from the language's pages alone. The tests
//! compare the library with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

mod blowup;
mod caller;
mod choices;
mod doors;
mod engine;
mod eval;
#[allow(dead_code, reason = "the other tests use more of it")]
#[path = "../support/exchange.rs"]
mod exchange;
mod generate;
mod harness;
mod input;
mod operators;
mod policy;
mod rules;
mod rulings;
mod scene;
mod value;
