//! Any bytes, read as a policy file.
#![no_main]

#[path = "../../tests/regressions/harness/parse.rs"]
mod parse;
#[path = "../../tests/regressions/harness/spans.rs"]
mod spans;

libfuzzer_sys::fuzz_target!(|data: &[u8]| parse::check(data));
