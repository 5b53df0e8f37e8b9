//! Diagnostics of mistakes: the snapshots show each line with its diagnostics.

use super::{problems, render};

/// Snippets after `policy p`, each with one mistake.
const SLIPS: &[&str] = &[
    // Keywords
    "rolee admin { allow posts:read }",
    "frobnicate { }",
    "token a {\n  algoritm HS256\n}",
    "limit a {\n  rate 5 per 1m brust 10\n}",
    "role a extend b { }",
    "routes / {\n  GET /x  requiers posts:read\n}",
    "schema A {\n  email: string emial\n}",
    "forbid posts:* wen user.suspended",
    "transport {\n  max_body 64KB\n}",
    "cookie \"a\" { httponly }",
    // Habits from elsewhere
    "condition a = user.id = resource.author",
    "condition a == user.id",
    "condition a = b && c",
    "condition a = b || c",
    "condition a = !b",
    "condition a = user.id == 'x'",
    "condition a = b;",
    "role\u{a0}a { }",
    "\u{2000}",
    "condition a = user is not admin",
    "condition a = x not in y",
    "condition a = user.id == /x/",
    "condition a = b / 2",
    "limit a {\n  key: user.id\n}",
    "token a {\n  key = B\n}",
    "forbid posts.read",
    "schema A {\n  email: string?\n}",
    "routes / {\n  get /x  public\n}",
    "routes / {\n  GET x  public\n}",
    "tier free { 100 per 1m }",
    "tier \"free\" { 100 per minute }",
    "role a { forbid posts:read }",
    "role a { allow anyone posts:read }",
    // Secrets
    "token a {\n  key \"hunter2\"\n}",
    "secret \"hunter2\"",
    "csrf { secret \"hunter2\" }",
    "provider a { client_secret \"hunter2\" }",
    // Lists
    "token a {\n  algorithm ES256 RS256\n}",
    "condition a = user.id in [\"x\" \"y\"]",
    "cors {\n  origins \"https://a.example\" \"https://b.example\"\n}",
    "secret A,",
    // Missing parts
    "condition a =",
    "condition a = b and",
    "condition a = user.",
    "never posts:read",
    "limit a {\n  rate 5\n}",
    "schema A {\n  email string\n}",
    "schema A {\n  email: \n  name: string\n}",
    "role { allow posts:read }",
    "routes / {\n  GET  public\n}",
    "routes / {\n  limit\n  GET /x public\n}",
    "user from a {\n  id claims.sub\n}",
    "resource posts { action read }",
    // Expressions
    "condition a = 1 < x < 3",
    "condition a = b == not c",
    "condition a = client.ip matches \"x\"",
    // Literals
    "condition a = x == \"\\q\"",
    "condition a = x == \"\\u{110000}\"",
    "condition a = x == \"\\u{\"",
    "condition a = x == 99999999999999999999",
    "condition a = x == 999999999999999d",
    "condition a = x == 99999999999999GiB",
    "condition a = now > 2026-11-23",
    "condition a = now > 2026-13-23T10:00:00Z",
    "condition a = client.ip in 10.0.0.0/99",
    "condition a = client.ip == 300.0.0.1",
    "condition a = client.ip == 1:2:3",
    "limit a { rate 5 per 2w }",
    "condition a = x == \"never closed",
    "schema A { a: string matches /never closed }",
    // Brackets
    "limit a {\n  key (user.id\n}",
    "limit a {\n  key user.id",
    "limit a { }\n}",
    // Shapes
    "routes /posts/ { }",
    "account { a: string | int }",
    "policy q",
    // Headers
    "headers { X-Frame-Options DENY }",
    "headers {\n  X-Frame-Options DENY // never\n  preset api\n}",
    "headers { Cache-Control no-store, private }",
    "headers { X-Frame-Options: \"DENY\" }",
    "headers {\n  X-Frame-Options\n}",
    "headers { remov Server }",
    // Paths
    "routes / {\n  GET /x/a{id} public\n}",
    "routes / {\n  GET /x/{id}a public\n}",
    "routes / {\n  GET /x/{id: int}.json public\n}",
    "routes / {\n  GET /{a}{b} public\n}",
    "routes /a{id} { }",
    "routes / {\n  GET /é public\n}",
    "routes / {\n  GET /menu/café/{id} public\n}",
    "routes / {\n  GET /x?page=1 public\n}",
    "routes / {\n  GET //x public\n}",
    "routes / {\n  GET //x public\n  // more\n  GET /y public\n}",
    "never GET //x when b",
    "never GET /x/a{id} when b",
    "schema A { a: string matches /a/é }",
];

#[test]
fn slips() {
    let shown: Vec<String> = SLIPS
        .iter()
        .map(|slip| {
            let text = format!("policy p\n{slip}\n");
            render(&text, &problems(&text))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn file_starts() {
    let shown: Vec<String> =
        ["", "// nothing", "role a { }", "polcy blog\nrole a { }", "policy", "policy \"x\"", "policyblog"]
            .iter()
            .map(|text| render(text, &problems(text)))
            .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn every_slip_says_what_to_write_instead() {
    for slip in SLIPS {
        let text = format!("policy p\n{slip}\n");
        for problem in problems(&text) {
            assert!(problem.help.as_ref().is_some_and(|help| !help.is_empty()), "{slip}: {problem:?}");
            assert!(!problem.message.ends_with('.') && !problem.message.starts_with(char::is_uppercase), "{problem:?}");
            assert!(!problem.message.contains("k_") && !problem.message.contains("something else"), "{problem:?}");
        }
    }
}

#[test]
fn a_literal_secret_is_never_repeated() {
    for slip in SLIPS.iter().filter(|slip| slip.contains("hunter2")) {
        let problems = problems(format!("policy p\n{slip}\n"));
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["literal_secret"], "{slip}");
        assert!(!format!("{problems:?}").contains("hunter2"), "{slip}");
    }
}
