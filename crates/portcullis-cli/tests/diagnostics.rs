//! The output of `check` for each wrong policy in `tests/errors`, whose folders are the chapters of the language.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/errors")
}

/// The folders of the wrong policies, by the policies' names without their ending.
fn policies() -> BTreeMap<String, PathBuf> {
    let entries = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path.with_file_name(""));
    entries(&folder()).flat_map(|chapter| entries(&chapter).map(named)).collect()
}

fn names() -> Vec<String> {
    policies().into_keys().collect()
}

struct Told {
    text: String,
    summary: String,
    code: Option<i32>,
}

/// The output of `check` for a policy.
fn told(name: &str) -> Told {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["check", &format!("{name}.gate")])
        .current_dir(&policies()[name])
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    Told {
        text: String::from_utf8(output.stderr).unwrap(),
        summary: String::from_utf8(output.stdout).unwrap(),
        code: output.status.code(),
    }
}

#[test]
fn every_wrong_policy_is_told() {
    let names = names();
    assert!(names.len() >= 60);
    for name in names {
        let Told { text, summary, code } = told(&name);
        assert_eq!(code, Some(2), "{name}: {text}{summary}");
        let policy = fs::read_to_string(policies()[&name].join(format!("{name}.gate"))).unwrap();
        let comment = policy.lines().next().unwrap();
        assert!(comment.starts_with("// ") && comment.ends_with('.'), "{name}: {comment}");
        // The snapshot of an error in a long policy doesn't repeat the policy.
        let shown = if policy.lines().count() > 40 { comment } else { policy.trim_end() };
        let shown = format!("{shown}\n\n{}\n\n{}", text.trim_end(), summary.trim_end());
        insta::with_settings!({
            omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots/diagnostics",
        }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

/// Each finding must have a position and advice.
#[test]
fn every_finding_has_a_place_and_help() {
    for name in names() {
        let text = told(&name).text;
        let errors = text.matches("error[").count();
        let found = errors + text.matches("warning[").count();
        assert!(errors >= 1, "{name}: {text}");
        assert_eq!(text.matches(&format!("--> {name}.gate:")).count(), found, "{name}: {text}");
        assert_eq!(text.matches("= help: ").count(), found, "{name}: {text}");
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")) && !text.contains("hunter2hunter2h\n"), "{name}: {text}");
    }
}

#[test]
fn a_misspelt_permission_is_underlined_and_the_right_one_named() {
    let text = told("permission_misspelt").text;
    let lines: Vec<&str> = text.lines().collect();
    let written = lines.iter().position(|line| line.contains("posts:raed, posts:write")).unwrap();
    let from = lines[written].find("posts:raed").unwrap();
    assert_eq!(lines[written + 1].find('^'), Some(from), "{text}");
    assert_eq!(lines[written + 1].matches('^').count(), "posts:raed".len(), "{text}");
    assert!(text.contains("did you mean `posts:read`?"), "{text}");
    assert_eq!(text.matches("error[").count(), 1, "{text}");
}

/// The codes that are only for policies larger than one would keep in a file, of several files, or of another text
/// than UTF-8: other tests have them.
#[test]
fn every_code_has_a_policy() {
    const ELSEWHERE: [&str; 9] = [
        "duration_too_long",
        "no_sources",
        "nested_too_deeply",
        "path_too_deep",
        "too_complex",
        "too_many_entries",
        "too_many_errors",
        "too_many_regexes",
        "two_policies",
    ];
    let told: String = names().iter().map(|name| told(name).text).collect();
    let mut missing = Vec::new();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src");
    for path in ["check", "analyze"].iter().flat_map(|folder| sources(&library.join(folder))) {
        let source = fs::read_to_string(path).unwrap();
        for after in source.split("Diagnostic::error(").skip(1) {
            let Some(code) = after.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            if !told.contains(&format!("error[{code}]")) && !ELSEWHERE.contains(&code) {
                missing.push(code.to_owned());
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}
