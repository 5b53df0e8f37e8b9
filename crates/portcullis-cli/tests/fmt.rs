//! `portcullis fmt` from outside: what it rewrites, and what it leaves alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;

use support::{Run, folder_of, program};
use tempfile::TempDir;

const GOOD: &str = "policy good\n\nsecret A, B\n";
const MESSY: &str = "policy messy\nsecret A,B\n";
const FORMATTED: &str = "policy messy\nsecret A, B\n";
const BROKEN: &str = "policy broken\nsecret   A,\n";

/// Runs the program in a folder. Returns its exit code, stdout and stderr.
fn run(folder: &Path, args: &[&str], stdin: &str) -> (i32, String, String) {
    let Run { code, out, err } = program(folder, [&["fmt"], args].concat(), stdin);
    (code.unwrap(), out, err)
}

fn folder() -> TempDir {
    folder_of(&[("good.gate", GOOD), ("below/messy.gate", MESSY), ("notes.txt", "policy   x")])
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

#[test]
fn files_are_rewritten() {
    let folder = folder();
    let messy = folder.path().join("below/messy.gate");
    assert_eq!(run(folder.path(), &["."], ""), (0, "./below/messy.gate\n".to_owned(), String::new()));
    assert_eq!(fs::read_to_string(&messy).unwrap(), FORMATTED);
    assert_eq!(fs::read_to_string(folder.path().join("good.gate")).unwrap(), GOOD);
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "policy   x");
    assert_eq!(names(&folder.path().join("below")), ["messy.gate"]);
    assert_eq!(run(folder.path(), &[".", "good.gate"], ""), (0, String::new(), String::new()));
}

#[test]
fn checking_writes_nothing() {
    let folder = folder();
    let (code, out, err) = run(folder.path(), &["--check", "below", "good.gate"], "");
    let hint = "below/messy.gate:2: isn't formatted\n  - secret A,B\n  + secret A, B\n";
    assert_eq!((code, out.as_str(), err.as_str()), (1, hint, ""));
    assert_eq!(fs::read_to_string(folder.path().join("below/messy.gate")).unwrap(), MESSY);
    assert_eq!(run(folder.path(), &["--check", "good.gate"], ""), (0, String::new(), String::new()));

    // What can't be seen is shown all the same.
    let (code, out, _) = run(folder.path(), &["--check", "-"], "policy a\r\n");
    assert_eq!((code, out.as_str()), (1, "<stdin>:1: isn't formatted\n  - policy a\u{fffd}\n  + policy a\n"));
    let (code, out, _) = run(folder.path(), &["--check", "-"], "policy a");
    assert_eq!((code, out.as_str()), (1, "<stdin>:2: isn't formatted\n  +\n"));
}

#[test]
fn broken_files_are_left_alone() {
    let folder = folder();
    let broken = folder.path().join("broken.gate");
    fs::write(&broken, BROKEN).unwrap();
    let (code, out, err) = run(folder.path(), &[".", "missing.gate"], "");
    assert_eq!((code, out.as_str()), (2, "./below/messy.gate\n"), "{err}");
    assert!(err.contains("error[") && err.contains("broken.gate:2:") && err.contains("missing.gate"), "{err}");
    assert_eq!(fs::read_to_string(&broken).unwrap(), BROKEN);
}

#[test]
fn stdin_goes_to_stdout() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["-"], MESSY), (0, FORMATTED.to_owned(), String::new()));
    assert_eq!(run(folder.path(), &["-"], GOOD), (0, GOOD.to_owned(), String::new()));
    let (code, out, err) = run(folder.path(), &["-"], BROKEN);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("--> <stdin>:2:"), "{err}");
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = folder();
    let messy = folder.path().join("below/messy.gate");
    let link = folder.path().join("link.gate");
    fs::set_permissions(&messy, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("below/messy.gate", &link).unwrap();
    assert_eq!(run(folder.path(), &["link.gate"], ""), (0, "link.gate\n".to_owned(), String::new()));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&messy).unwrap(), FORMATTED);
    assert_eq!(fs::metadata(&messy).unwrap().permissions().mode() & 0o777, 0o640);
}
