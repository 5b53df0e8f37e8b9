//! A second reading of the language's page: a slow, obvious interpreter of who may do what, and the tests that hold the
//! library against it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "reference/caller.rs"]
mod caller;
#[path = "reference/choices.rs"]
mod choices;
#[path = "reference/doors.rs"]
mod doors;
#[path = "reference/engine.rs"]
mod engine;
#[path = "reference/eval.rs"]
mod eval;
#[path = "reference/generate/mod.rs"]
mod generate;
#[path = "reference/harness.rs"]
mod harness;
#[path = "reference/input.rs"]
mod input;
#[path = "reference/operators.rs"]
mod operators;
#[path = "reference/policy.rs"]
mod policy;
#[path = "reference/rules.rs"]
mod rules;
#[path = "reference/rulings/mod.rs"]
mod rulings;
#[path = "reference/scene.rs"]
mod scene;
#[path = "reference/value.rs"]
mod value;
