//! The tests of the library, by chapters of the language: [`permissions`], [`callers`], [`routes`], [`schemas`], [`limits`],
//! [`browser`] and [`expressions`]. The other folders test what has no chapter.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests read files, and stop at the first mistake"
)]

#[path = "allocation/counting.rs"]
mod counting;
mod support;

mod browser;
mod callers;
mod expressions;
mod limits;
mod permissions;
mod routes;
mod schemas;

mod architecture;
mod compile;
mod documents;
mod format;
mod lints;
mod properties;
mod regressions;
mod syntax;
