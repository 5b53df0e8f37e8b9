//! The README shows what the program prints, and this runs it to see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

/// Runs every `$ portcullis …` of the file's `console` blocks in the repository's root.
#[test]
fn the_examples_print_what_the_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(blocks.len() >= 3, "the README has lost its examples");
    for block in blocks {
        let (command, expected) = block.split_once('\n').unwrap();
        let arguments = command.strip_prefix("$ portcullis ").expect("an example begins with `$ portcullis `");
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(arguments.split_whitespace())
            .current_dir(&root)
            .output()
            .unwrap();
        let printed = [output.stderr, output.stdout].concat();
        assert_eq!(String::from_utf8(printed).unwrap().trim_end(), expected.trim_end(), "{command}");
    }
}
