//! Inputs that once did harm, or look as if they might: each is read again in every test run, and must do none.
//!
//! What must hold of them is written in `regressions/harness`, which the fuzzers share. A finding is kept by putting
//! its file into the folder of its target, under a name that says what it is.
#![allow(clippy::disallowed_methods, reason = "the inputs are files")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

#[path = "regressions/harness/compile.rs"]
mod compile;
#[path = "regressions/harness/decide.rs"]
mod decide;
#[path = "regressions/harness/parse.rs"]
mod parse;
#[path = "regressions/harness/spans.rs"]
mod spans;
#[path = "regressions/harness/token.rs"]
mod token;

/// Checks every file of a folder.
fn replay(folder: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        // Which one it was stands above the panic's message.
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
