//! Any token, key, key set and stored family.
#![no_main]

#[path = "../../tests/regressions/harness/token.rs"]
mod token;

libfuzzer_sys::fuzz_target!(|data: &[u8]| token::check(data));
