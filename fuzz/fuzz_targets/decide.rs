//! Any request, decided by the gate of `policies/article.gate`.
#![no_main]

#[path = "../../tests/regressions/harness/decide.rs"]
mod decide;
#[allow(dead_code)]
#[path = "../../tests/support/exchange.rs"]
mod exchange;

libfuzzer_sys::fuzz_target!(|data: &[u8]| decide::check(data));
