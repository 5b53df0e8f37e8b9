//! One error for each broken declaration, and none for the others.

use portcullis::syntax::ERROR_LIMIT;

use super::{problems, render};
use crate::support::source;

/// The lines at which a text is wrong.
fn lines(text: &str) -> Vec<usize> {
    let source = source(text);
    problems(text).iter().map(|problem| source.line_and_column(problem.primary.span.start as usize).0).collect()
}

#[test]
fn each_broken_declaration_is_told() {
    let text = "policy p\n\nrole a {\n  alow posts:read\n}\n\nrole fine { allow posts:read }\n\nlimit b {\n  rate 5 of 1m\n}\n\n/// doc\nroutes / {\n  GET /x publik\n}\n";
    assert_eq!(lines(text), [4, 10, 15]);
}

#[test]
fn a_missing_brace_hides_nothing() {
    let text =
        "policy p\nrole a {\n  allow posts:read\n\nlimit b {\n  rate 5 of 1m\n}\nroutes / {\n  GET /x publik\n}\n";
    assert_eq!(lines(text), [2, 6, 9]);
    insta::assert_snapshot!(render(text, &problems(text)));
}

#[test]
fn an_extra_brace_hides_nothing() {
    assert_eq!(lines("policy p\nrole a { }\n}\nlimit b { rate 5 of 1m }\nsecret A,\n"), [3, 4, 5]);
}

#[test]
fn a_broken_string_hides_nothing() {
    assert_eq!(lines("policy p\ntier \"a { 1 per 1m }\nlimit b {\n  rate 5 of 1m\n}\n"), [2, 4]);
    assert_eq!(lines("policy p\ntoken t {\n  issuer \"a\n}\n  limit b { rate 5 of 1m }\n"), [3, 5]);
}

#[test]
fn a_missing_header_hides_nothing() {
    assert_eq!(lines("role a { }\nlimit b { rate 5 of 1m }\n"), [1, 2]);
}

#[test]
fn misspelt_keywords_are_told_apart() {
    assert_eq!(lines("policy p\nrolee a { alow x }\ntokn b { }\nfoo \"x\" { }\nrole c { }\n"), [2, 3, 4]);
}

#[test]
fn literals_and_shapes_are_told_together() {
    assert_eq!(lines("policy p\ncondition a = \"\\q\" == \"\\w\"\nrole x {\ncondition b = 1 < 2 < 3\n"), [2, 2, 3, 4]);
    assert_eq!(lines("policy p\ncondition a = \"\\q\"\ncondition b = 1 < 2 < 3\n"), [2, 3]);
}

#[test]
fn a_block_without_indentation_is_one_piece() {
    assert_eq!(
        lines("policy p\nroutes / {\nlimit api\ncsrf\nGET /x publik\n}\nrole a {\nallow x:y\nallow z:\n}\n"),
        [5, 10]
    );
}

#[test]
fn errors_are_capped() {
    let text = format!("policy p\n{}", "role {\n}\n".repeat(ERROR_LIMIT));
    assert_eq!(problems(&text).len(), ERROR_LIMIT);
    let text = format!("policy p\n{}", "role {\n}\n".repeat(ERROR_LIMIT + 1));
    let problems = problems(&text);
    assert_eq!(problems.len(), ERROR_LIMIT + 1);
    assert_eq!(problems[ERROR_LIMIT].code, "too_many_errors");
}

#[test]
fn windows_line_ends() {
    let text = "policy p\n\nrole a {\n  alow posts:read // no\n}\nlimit b {\n  rate 5 of 1m\n}\n".replace('\n', "\r\n");
    assert_eq!(lines(&text), [4, 7]);
}

#[test]
fn an_allowance_hides_nothing() {
    let broken = "allow(x) reson \"y\"\nrole a { }\n\nallow(x)\nlimit b {\n  rate 5 of 1m\n}\nallow(x) reason \"y\"\nlimt c { }\n";
    assert_eq!(lines(&format!("policy p\n{broken}")), [2, 5, 7, 10]);
    assert_eq!(lines("policy p\nrole a { }\nallow(x) reason \"y\"\n"), [3]);
}
