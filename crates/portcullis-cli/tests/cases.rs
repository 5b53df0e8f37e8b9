//! The cases that stand beside the policies: they pass, and they would notice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// Runs the cases of a folder.
fn test(folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis")).args(["test", "."]).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The number of cases of a changed article policy that fail.
fn failures(change: impl Fn(&str) -> String) -> usize {
    let folder = tempfile::tempdir().unwrap();
    for name in ["article.gate", "article.cases.yaml", "keys.example.yaml"] {
        let original = fs::read_to_string(policies().join(name)).unwrap();
        let copy = if name == "article.gate" { change(&original) } else { original.clone() };
        fs::write(folder.path().join(name), copy).unwrap();
    }
    let output = test(folder.path());
    let failed = text(&output.stdout).lines().filter(|line| line.starts_with("FAIL ")).count();
    assert_eq!(output.status.code(), Some(i32::from(failed > 0)), "{}", text(&output.stderr));
    failed
}

#[test]
fn all_cases_pass() {
    let output = test(&policies());
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}{}", text(&output.stderr));
    let (cases, last): (Vec<&str>, Vec<&str>) = out.lines().partition(|line| line.starts_with("ok   "));
    assert!(cases.len() >= 75, "{out}");
    assert_eq!(last, [format!("{} passed, 0 failed", cases.len())]);
}

#[test]
fn names_are_all_different() {
    let output = test(&policies());
    // `ok   article   1  a user may not list users`
    let names: Vec<&str> = text(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_prefix("ok   article "))
        .map(|line| line.trim_start().split_once("  ").unwrap().1)
        .collect();
    let different: BTreeSet<_> = names.iter().collect();
    assert!(!names.is_empty());
    assert_eq!(names.len(), different.len());
}

#[test]
fn as_it_stands_nothing_fails() {
    assert_eq!(failures(str::to_owned), 0);
}

/// Each change weakens or breaks one thing that the policy says.
#[test]
fn every_change_to_the_policy_is_noticed() {
    let changes = [
        ("issuer    \"your-app-name\"", ""),
        ("audience  \"your-app-api\"", ""),
        ("lifetime  15m", "lifetime 16m"),
        ("lifetime  15m", "lifetime 15m leeway 1s"),
        ("lifetime  7d", "lifetime 30d"),
        ("carried   body \"refreshToken\"", "carried body \"refresh_token\""),
        ("  single_use\n", "  single_use grace 10s\n"),
        ("  single_use\n", "  single_use idle 1d\n"),
        ("= account.email", "= account.userId"),
        ("= account.role", "= \"user\""),
        ("issues access, refresh", "issues access"),
        ("id    = claims.userId", "id = claims.email"),
        ("  email = claims.email\n", ""),
        ("claims.tier ?? \"free\"", "claims.tier ?? \"pro\""),
        ("role user      { allow posts:read, posts:write }", "role user { allow posts:* }"),
        ("role user      { allow posts:read, posts:write }", "role user { allow posts:read }"),
        ("posts:delete, users:read }", "posts:delete }"),
        ("posts:delete, users:read }", "posts:delete, users:read, admin:access }"),
        ("allow users:*, posts:*", "allow posts:*"),
        ("role admin     {", "role boss {"),
        ("100 per 1m", "101 per 1m"),
        ("100 per 1m", "100 per 59s"),
        ("1_000 per 1m", "1_001 per 1m"),
        ("10_000 per 1m", "9_999 per 1m"),
        ("user.id ?? client.ip", "client.ip"),
        ("user.tier ?? \"free\"", "user.tier ?? \"pro\""),
        ("applies  always", "applies ambient"),
        ("cookie \"session-id\"", "cookie \"session\""),
        ("header   \"x-csrf-token\"", "header \"x-xsrf-token\""),
        ("lifetime 1h", "lifetime 2h"),
        ("X-Frame-Options           \"DENY\"", "X-Frame-Options \"SAMEORIGIN\""),
        ("  Permissions-Policy        \"camera=(), microphone=(), geolocation=()\"\n", ""),
        ("; preload", ""),
        ("img-src 'self' data: https:;", "img-src *;"),
        ("email max 255", "max 255"),
        ("min 8 max 100 secret", "min 8 max 100"),
        ("min 8 max 100 secret", "max 100 secret"),
        ("matches /[A-Z]/        else \"Must contain uppercase\"", ""),
        ("string trim min 2", "string min 2"),
        ("string trim min 1", "string min 1"),
        ("text:  string max", "text?: string max"),
        ("schema NewPost {", "schema NewPost strip {"),
        ("  limit api\n", ""),
        ("  csrf\n\n", ""),
        ("requires users:read", "authenticated"),
        ("requires users:delete", "requires users:read"),
        ("requires admin:access", "public"),
        ("/me            authenticated", "/me public"),
        ("public                 no limit", "public"),
        ("public                 no limit", "authenticated no limit"),
        ("public                 no csrf  rotates", "public rotates"),
        ("PUT    /posts/{id}    requires posts:write   body NewPost", ""),
        ("PUT    /posts/{id}    requires posts:write   body NewPost", "PUT /posts/{id} requires posts:write body raw"),
        ("DELETE /users/{id}", "DELETE /users/{id: int}"),
        ("GET    /csrf          public                 issues csrf", ""),
    ];
    let unnoticed = changes.into_iter().filter(|(written, instead)| {
        let failed = failures(|policy| {
            assert_eq!(policy.matches(written).count(), 1, "{written}");
            policy.replace(written, instead)
        });
        failed == 0
    });
    assert_eq!(unnoticed.collect::<Vec<_>>(), []);
}
