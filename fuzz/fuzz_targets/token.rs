//! Any token, key, key set and stored family.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/support/exchange.rs"]
mod exchange;
#[path = "../../tests/regressions/harness/token.rs"]
mod token;

libfuzzer_sys::fuzz_target!(|data: &[u8]| token::check(data));
