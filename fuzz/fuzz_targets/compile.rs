//! Any text, compiled, bound and asked.
#![no_main]

#[path = "../../tests/regressions/harness/compile.rs"]
mod compile;
#[allow(dead_code)]
#[path = "../../tests/support/exchange.rs"]
mod exchange;
#[path = "../../tests/regressions/harness/spans.rs"]
mod spans;

libfuzzer_sys::fuzz_target!(|data: &[u8]| compile::check(data));
