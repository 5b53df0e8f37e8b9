//! Tokens: what is verified, what is refused, what is issued, and what becomes of a token that is exchanged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "tokens/attacks.rs"]
mod attacks;
#[path = "tokens/host.rs"]
mod host;
#[path = "tokens/inquiry.rs"]
mod inquiry;
#[path = "tokens/login.rs"]
mod login;
#[path = "tokens/rotation.rs"]
mod rotation;
#[path = "tokens/sets.rs"]
mod sets;
