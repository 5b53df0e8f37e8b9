//! Inputs that once did harm, or look as if they might. Every test run checks each of them.
//!
//! The fuzz targets and these tests share the checks in `regressions/harness`. Keep a fuzzer's finding in the folder of its
//! target, under a name that says what the input is.

use std::fs;
use std::path::Path;

use crate::support::exchange;

#[path = "harness/compile.rs"]
mod compile;
#[path = "harness/decide.rs"]
mod decide;
#[path = "harness/parse.rs"]
mod parse;
#[path = "harness/spans.rs"]
mod spans;
#[path = "harness/token.rs"]
mod token;

/// Checks every file of a folder.
fn replay(folder: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        // Names the file above the message of a panic.
        println!("{}", file.display());
        check(&fs::read(&file).unwrap());
    }
}

#[test]
fn parse_inputs() {
    replay("parse", parse::check);
}

#[test]
fn compile_inputs() {
    replay("compile", compile::check);
}

#[test]
fn decide_inputs() {
    replay("decide", decide::check);
}

#[test]
fn token_inputs() {
    replay("token", token::check);
}
