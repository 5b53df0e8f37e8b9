//! The program from outside: what it prints where, and how it exits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Run, folder_of, program};
use tempfile::TempDir;

const POLICY: &str = include_str!("../../../policies/article.gate");
const KEYS: &str = include_str!("../../../policies/keys.example.yaml");
const NOWHERE: &str = "{ now: 2026-11-23T10:00:00Z, method: GET, url: https://a.example/nowhere, peer: 203.0.113.9, \
                       entropy: '0000000000000000000000000000000000000000000000000000000000000000' }\n";

/// A folder with `article.gate`, `keys.yaml`, a request that no route has, and the files given.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let usual = [("article.gate", POLICY), ("keys.yaml", KEYS), ("nowhere.yaml", NOWHERE)];
    folder_of(&[&usual, files].concat())
}

/// Runs the program in a folder. The arguments are split at spaces.
fn run(folder: &Path, args: &str, stdin: &str) -> Run {
    program(folder, args.split_whitespace(), stdin)
}

/// Each command line beside what it prints; for messages that are the program's own.
fn check(name: &str, files: &[(&str, &str)], commands: &[&str]) {
    let folder = folder(files);
    let mut text = String::new();
    for args in commands {
        let run = run(folder.path(), args, "");
        writeln!(text, "$ portcullis {args}\n{}{}exit {}\n", run.out, run.err, run.code.unwrap()).unwrap();
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn files_that_cannot_be_used() {
    check(
        "unusable_files",
        &[
            ("two/a.gate", "policy a"),
            ("two/b.gate", "policy b"),
            ("empty/readme.md", ""),
            ("list.yaml", "- a"),
            ("twice.yaml", "method: GET\nmethod: PUT\nurl: /"),
            ("typo.yaml", "method: GET\nurl: /\nbdy: 1"),
            ("broken.json", "{\"method\": \"GET\", \"url\": }"),
            ("several.jsonl", ""),
        ],
        &[
            "check missing.gate",
            "check empty",
            "decide two --request nowhere.yaml",
            "decide two --policy c --request nowhere.yaml",
            "decide article.gate --keys keys.yaml --request missing.yaml",
            "decide article.gate --keys keys.yaml --request list.yaml",
            "decide article.gate --keys keys.yaml --request twice.yaml",
            "decide article.gate --keys keys.yaml --request typo.yaml",
            "decide article.gate --keys keys.yaml --request broken.json",
            "decide article.gate --keys keys.yaml --request several.jsonl --format yaml",
            "decide article.gate --keys list.yaml --request nowhere.yaml",
            "graph two",
            "test empty",
            "test article.gate",
            "test keys.yaml",
        ],
    );
}

#[test]
fn cases_that_cannot_be_used() {
    let policy = ("a/article.gate", POLICY);
    let cases = |defaults: &str, cases: &str| {
        let text = format!("defaults: {{ keys: {defaults} }}\ncases:\n{cases}");
        let folder = folder(&[policy, ("a/article.cases.yaml", &text)]);
        let run = run(folder.path(), "test a", "");
        assert!(!run.out.contains("HUSH") && !run.err.contains("HUSH"), "{}{}", run.out, run.err);
        run
    };
    // One case that can't be used has failed, and the others are run.
    let check = |case: &str, problem: &str| {
        let run = cases("../keys.yaml", &format!("{case}\n- {{ name: two, request: GET /, expect: deny }}"));
        let first = format!("FAIL article  1  one\n       {problem}");
        assert!(run.out.starts_with(&first), "{}{}", run.out, run.err);
        assert!(run.out.ends_with("ok   article  2  two\n1 passed, 1 failed\n"), "{}", run.out);
        assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    };
    check("- { name: one, request: GET /, expekt: deny }", "unknown key `expekt`");
    check("- { name: one, request: GET /, expect: { stats: 1 } }", "unknown key `stats`");
    check("- { name: one, request: GET /, expect: { code: nonsense } }", "`expect`: there is no code `nonsense`, only");
    check("- { name: one, request: GET /, expect: { stage: door } }", "`expect`: there is no stage `door`, only");
    check("- { name: one, request: { method: GET, url: /, peeer: ::1 }, expect: deny }", "unknown key `peeer`");
    check("- { name: one, request: GET /, as: { id: a, roles: HUSH }, expect: deny }", "`user.roles`: must be a list");
    check(
        "- { name: one, request: GET /, token: { kind: nonsense }, expect: deny }",
        "`token.kind`: the policy declares",
    );
    check("- { name: one, request: GET /, token: { kind: HUSH.HUSH }, expect: deny }", "`token.kind` must be the name");
    check("- { name: one, request: GET /, token: HUSH, expect: deny }", "`token` must be a map");
    let nameless = cases("../keys.yaml", "- 5");
    assert!(nameless.out.contains("(without a name)\n       a case must be a map"), "{}", nameless.out);

    let unusable = |defaults: &str, text: &str, problem: &str| {
        let run = cases(defaults, text);
        assert_eq!(run.code, Some(2), "{}{}", run.out, run.err);
        assert!(run.err.contains("article.cases.yaml`: ") && run.err.contains(problem), "{}", run.err);
    };
    unusable("../keys.yaml", "[", "a bracket isn't closed");
    unusable("../keys.yaml", "", "needs `cases`, a list");
    unusable("HUSH", " []", "`defaults.keys`: must be a key ring, or the name of a file");
    unusable("{ JWT_SECRET: {text:HUSH} }", " []", "`defaults.keys`: secret `JWT_SECRET`: is of an unknown kind");
    unusable("{ JWT_SECRET:HUSH }", " []", "`defaults.keys`: secret number 1: ");
    unusable("{ A: { text: !HUSH x } }", " []", "quote text that begins with `!`");
}

#[test]
fn no_slip_in_a_key_ring_tells_a_secret() {
    for ring in [
        "JWT_SECRET: {text:HUSH-0123}",
        "JWT_SECRET: { HUSH }",
        "JWT_SECRET: HUSH",
        "{JWT_SECRET:HUSH}",
        "{ HUSH }",
        "HUSH",
        "[HUSH]",
        "JWT_SECRET:HUSH",
        "JWT_SECRET: { text: !HUSH x }",
        "JWT_SECRET: { text: *HUSH }",
        "JWT_SECRET: { env: HUSH }",
        "JWT_SECRET: { env: 'HUSH=HUSH' }",
        "JWT_SECRET: { hex: HUSH }",
        "JWT_SECRET: { text: HUSH: HUSH }",
        "JWT_SECRET: { text: 'HUSH }",
        "JWT_SECRET: { HUSH: HUSH, HUSH: HUSH }",
        "JWT_SECRET: { jwk: { kty: HUSH, k: HUSH } }",
        "JWT_SECRET: { jwk: { kty: oct, k: HUSH, alg: HUSH } }",
        "{ \"JWT_SECRET\": { \"text\": \"HUSH } }",
    ] {
        let folder = folder(&[("ring.yaml", ring), ("ring.json", ring), ("ring", ring)]);
        for file in ["ring.yaml", "ring.json", "ring"] {
            let run = run(folder.path(), &format!("decide article.gate --keys {file} --request nowhere.yaml"), "");
            assert_eq!(run.code, Some(2), "{ring}");
            assert!(run.err.starts_with("error: ") && !run.err.contains("HUSH"), "{ring}\n{}", run.err);
        }
    }
}

#[test]
fn a_decision_is_printed() {
    let folder = folder(&[("nowhere.json", "{ \"method\": \"GET\", \"url\": \"/nowhere\" }")]);
    let check = |args: &str, stdin: &str, beginning: &str, notes: usize| {
        let run = run(folder.path(), &format!("decide article.gate --keys keys.yaml {args}"), stdin);
        assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
        assert!(run.out.starts_with(beginning) && run.out.contains("not_found"), "{}", run.out);
        assert_eq!(run.err.matches("note: ").count(), notes, "{}", run.err);
    };
    check("--request nowhere.yaml", "", "{\n  \"verdict\": \"deny\",\n  \"status\": 404,\n", 0);
    check("--request nowhere.yaml --format yaml", "", "verdict: deny\nstatus: 404\n", 0);
    check("--request nowhere.json", "", "{\n", 1);
    check("--request -", NOWHERE, "{\n", 0);
    check("--request -", "{\"method\": \"GET\", \"url\": \"/nowhere\"}", "{\n", 1);
    check("--request -", "method: GET\nurl: /nowhere", "{\n", 1);
}

#[test]
fn random_bytes_are_told_of_where_they_are_used() {
    let folder = folder(&[]);
    let csrf = "{ now: 2026-11-23T10:00:00Z, method: GET, url: /api/csrf, peer: 203.0.113.9 }";
    let issued = run(folder.path(), "decide article.gate --keys keys.yaml --request -", csrf);
    assert_eq!((issued.code, issued.err.matches("note: no `entropy`").count()), (Some(0), 1), "{}", issued.err);
    assert!(issued.out.contains("\"csrfToken\""), "{}", issued.out);
    let again = run(folder.path(), "decide article.gate --keys keys.yaml --request -", csrf);
    assert_ne!(issued.out, again.out);
}

#[test]
fn a_policy_may_be_several_files() {
    let folder = folder(&[
        ("shop/a.gate", "policy shop\n"),
        ("shop/b.gate", "// more\npolicy shop\n"),
        ("shop/c.gate", "policy c\n"),
    ]);
    let check = run(folder.path(), "check shop", "");
    assert_eq!((check.code, check.out.as_str()), (Some(0), "c: no errors\nshop: no errors\n"), "{}", check.err);
    let decide = run(folder.path(), "decide shop --policy shop --request nowhere.yaml", "");
    assert_eq!(decide.code, Some(1), "{}", decide.err);
    assert!(decide.out.contains("not_found"), "{}", decide.out);
}

#[test]
fn the_same_request_gets_the_same_decision() {
    let folder = folder(&[]);
    let once = || run(folder.path(), "decide article.gate --keys keys.yaml --request nowhere.yaml", "").out;
    assert_eq!(once(), once());
}

#[test]
fn lines_are_decided_one_by_one() {
    let good = "{\"method\":\"GET\",\"url\":\"/nowhere\"}\n";
    let decided = |lines: &str| {
        let folder = folder(&[("log.jsonl", lines)]);
        run(folder.path(), "decide article.gate --keys keys.yaml --request log.jsonl", "")
    };
    let all = decided(&format!("{good}\n{good}{}", good.trim_end()));
    assert_eq!((all.code, all.out.lines().count()), (Some(1), 3), "{}", all.err);
    assert!(all.out.lines().all(|line| line.starts_with("{\"verdict\":\"deny\",\"status\":404,")), "{}", all.out);

    let some = decided(&format!("{good}{{\"method\":\"GET\"}}\nnonsense\n{good}"));
    assert_eq!((some.code, some.out.lines().count()), (Some(2), 2), "{}", some.err);
    assert!(some.err.contains("line 2: the request document lacks `url`"), "{}", some.err);
    assert!(some.err.contains("line 3: isn't JSON, at column 2\n"), "{}", some.err);
    let bad = decided(&format!("{good}\n{good}{{\"method\":\n[1, 2]\n"));
    assert!(bad.err.contains("line 4: isn't JSON: ends too early, at column 10\n"), "{}", bad.err);
    assert!(bad.err.contains("line 5: a document is a map"), "{}", bad.err);

    let marked = decided(&format!("\u{feff}{good}{good}"));
    assert_eq!((marked.code, marked.out.lines().count()), (Some(1), 2), "{}", marked.err);

    let none = decided("");
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
}

#[test]
fn policies_are_checked() {
    let folder = folder(&[("bad/bad.gate", "policy bad\nbroken {\n"), ("bad/empty.gate", "")]);
    let good = run(folder.path(), "check article.gate", "");
    assert_eq!((good.code, good.out.starts_with("article: no errors")), (Some(0), true), "{}", good.err);

    let bad = run(folder.path(), "check . bad", "");
    assert_eq!(bad.code, Some(2));
    assert!(bad.out.contains("article: no errors") && bad.out.contains("bad: 1 error"), "{}", bad.out);
    assert!(bad.err.contains("error[") && bad.err.contains("--> bad/bad.gate:"), "{}", bad.err);
    assert!(!bad.err.contains('\u{1b}'), "a pipe gets no colours: {}", bad.err);

    let json = run(folder.path(), "check bad/bad.gate --format json", "");
    let found: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json.code, Some(2));
    assert_eq!((&found[0]["severity"], &found[0]["file"]), (&"error".into(), &"bad/bad.gate".into()), "{found}");
    assert!(found[0]["line"].is_u64() && found[0]["end_column"].is_u64() && found[0]["labels"].is_array(), "{found}");
}

#[test]
fn cases_are_run() {
    let text = "defaults: { keys: keys.yaml, now: 2026-11-23T10:00:00Z }
cases:
  - { name: nothing there, request: GET /nowhere, expect: deny }
  - { name: 'told why', request: GET /nowhere, expect: { status: 404, code: not_found, stage: path, user: null } }
  - { name: again and again, request: GET /nowhere, repeat: 3, expect: deny }
";
    let all = folder(&[("article.cases.yaml", text)]);
    for args in ["test .", "test article.gate", "test article.cases.yaml", "test . article.gate"] {
        let run = run(all.path(), args, "");
        assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
        assert_eq!(run.out.lines().last(), Some("3 passed, 0 failed"), "{}", run.out);
        assert!(run.out.starts_with("ok   article  1  nothing there\n"), "{}", run.out);
    }

    let failing = format!("{text}  - {{ name: wrong, request: GET /nowhere, expect: {{ status: 200 }} }}\n");
    let run = run(folder(&[("article.cases.yaml", &failing)]).path(), "test .", "");
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(run.out.contains("FAIL article  4  wrong\n       status: expected 200, got 404\n       decided: deny 404"));
    assert!(run.out.ends_with("3 passed, 1 failed\n"), "{}", run.out);
}

#[test]
fn the_examples_can_be_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for entry in fs::read_dir(root.join("policies/requests")).unwrap() {
        let request = entry.unwrap().path();
        let args = format!(
            "decide policies/article.gate --keys policies/keys.example.yaml --request policies/requests/{}",
            request.file_name().unwrap().to_string_lossy()
        );
        let run = run(&root, &args, "");
        assert!(matches!(run.code, Some(0 | 1)), "{args}\n{}", run.err);
    }
}

#[test]
fn a_reader_may_go_away() {
    let line = "{\"method\":\"GET\",\"url\":\"/nowhere\"}\n";
    let folder = folder(&[("log.jsonl", &line.repeat(5_000))]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["decide", "article.gate", "--keys", "keys.yaml", "--request", "log.jsonl"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err.lines().all(|line| line.starts_with("note: ")), "{err}");
}
