//! Hostile input: `parse` returns, without a panic.

use super::{dump, parse, problems, tree};
use crate::support::{ARTICLE, BLOG};
use portcullis::syntax::tree::DeclarationKind;
use portcullis::syntax::{ERROR_LIMIT, SOURCE_LIMIT};
use proptest::prelude::*;

/// The codes of a text's errors. Quadratic work on a mebibyte wouldn't end.
#[track_caller]
fn codes(name: &str, text: impl AsRef<[u8]>) -> Vec<&'static str> {
    println!("{name}: {} bytes", text.as_ref().len());
    let result = parse(text.as_ref());
    result.map_or_else(|problems| problems.iter().map(|problem| problem.code).collect(), |_| Vec::new())
}

/// Repetitions of `text` that fill the largest source.
fn filled(before: &str, text: &str, after: &str) -> String {
    let times = (SOURCE_LIMIT - before.len() - after.len()) / text.len();
    format!("{before}{}{after}", text.repeat(times))
}

#[test]
fn a_mebibyte_and_a_byte_more() {
    let mut text = filled("policy p\n", "// comment\n", "");
    text.push_str(&" ".repeat(SOURCE_LIMIT - text.len()));
    assert!(codes("exactly a mebibyte", &text).is_empty());
    text.push(' ');
    assert_eq!(codes("a byte more", &text), ["policy_too_large"]);
}

#[test]
fn large_and_right() {
    assert!(codes("one long line", filled("policy p ", "secret A ", "")).is_empty());
    assert!(codes("small declarations", filled("policy p\n", "role a { allow b:c when d }\n", "")).is_empty());
    assert!(codes("one `or` chain", filled("policy p condition a = b", " or c", "")).is_empty());
    assert!(codes("one `??` chain", filled("policy p condition a = b", " ?? c", "")).is_empty());
    assert!(codes("one list", filled("policy p condition a = [b", ",c", "]")).is_empty());
    assert!(codes("one schema", filled("policy p schema A { ", "a: string\n", "}")).is_empty());
    assert!(codes("one union", filled("policy p schema A { a: b", "|c", "}")).is_empty());
    assert!(codes("one enum", filled("policy p schema A { a: b", "|\"c\"", "}")).is_empty());
    assert!(codes("one path", filled("policy p routes /", "a/", "a { }")).is_empty());
    assert!(codes("one table", filled("policy p routes / {", "GET /a/{b} public\n", "}")).is_empty());
    assert!(codes("one string", filled("policy p condition a = \"", "\\n", "\"")).is_empty());
    assert!(codes("one doc comment", filled("policy p\n", "/// a\n", "secret A")).is_empty());
    assert!(codes("docs", filled("policy p\n", "/// a\nsecret A\n", "")).is_empty());
}

#[test]
fn large_and_wrong() {
    let many = [vec!["unknown_declaration"; ERROR_LIMIT], vec!["too_many_errors"]].concat();
    assert_eq!(codes("broken declarations", filled("policy p\n", "roel a {}\n", "")), many);
    assert_eq!(codes("broken roles", filled("policy p\n", "role {}\n", "")).len(), ERROR_LIMIT + 1);
    assert_eq!(codes("good, then broken", filled("policy p\n", "role a { allow b:c }\n", "role {}")), ["syntax"]);
    assert_eq!(codes("unclosed blocks", filled("policy p\n", "role a {\n", "")).len(), ERROR_LIMIT + 1);
    assert_eq!(codes("closing brackets", filled("policy p\n", "}", "")).len(), ERROR_LIMIT + 1);
    assert_eq!(codes("one `+` chain", filled("policy p condition a = b", "+c", "")), ["nested_too_deeply"]);
    assert_eq!(codes("comparisons", filled("policy p condition a = b", " == c", "")), ["chained_comparison"]);
    assert_eq!(codes("one broken line", filled("policy p ", "secret ", "= ")).len(), 1);
    assert_eq!(codes("one broken schema", filled("policy p schema A { ", "a: string\n", "!}")), ["syntax"]);
    assert_eq!(codes("quotes", filled("policy p\n", "\"\n", "")).len(), ERROR_LIMIT + 1);
    assert_eq!(codes("broken comment lines", filled("policy p\nrole {\n", "// a\n", "")).len(), 1);
    assert_eq!(codes("long word", filled("policy p\n", "a", "")), ["unknown_declaration"]);
    assert_eq!(codes("semicolons", filled("policy p\n", ";", "")).len(), 1);
    assert!(
        codes("one regex", filled("policy p schema A { a: string matches /", "[", "")).contains(&"nested_too_deeply")
    );
}

#[test]
fn deep() {
    for bracket in ["(", "[", "{ a: ", "{", "not ", "not(", "[{a:", "a(", "-"] {
        let text = format!("policy p\ncondition a = {}", bracket.repeat(10_000));
        let codes = codes(bracket, &text);
        let wanted = if bracket == "-" { "syntax" } else { "nested_too_deeply" };
        assert_eq!(codes, [wanted], "{bracket}");
    }
    for (open, close) in [("(", ")"), ("[", "]")] {
        let nested = |depth| format!("policy p\ncondition a = {}b{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(codes("10,000 closed", nested(10_000)), ["nested_too_deeply"]);
        assert_eq!(codes("65 closed", nested(65)), ["nested_too_deeply"]);
        tree(&nested(63));
    }
    tree(&nested_types(63));
    assert_eq!(codes("types", nested_types(10_000)), ["nested_too_deeply"]);
    let nots = |count| format!("policy p\ncondition a = {}b", "not ".repeat(count));
    tree(&nots(63));
    assert_eq!(codes("65 nots", nots(65)), ["nested_too_deeply"]);
    let sum = |count| format!("policy p\ncondition a = b{}", " + c".repeat(count));
    tree(&sum(63));
    assert_eq!(codes("65 sums", sum(65)), ["nested_too_deeply"]);
    // Each bracket holds several levels of the tree.
    let mixed = format!("policy p\ncondition a = {}b{}", "not (c or d and ".repeat(40), ")".repeat(40));
    assert_eq!(codes("mixed", mixed), ["nested_too_deeply"]);
}

fn nested_types(depth: usize) -> String {
    format!("policy p\ncontext {{ a: {}int{} }}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn odd_bytes() {
    assert_eq!(codes("not UTF-8", b"policy p\n\xff"), ["invalid_utf8"]);
    let problem = &problems(b"policy p\n\xff")[0];
    assert_eq!(problem.primary.span.start, 9);
    assert_eq!(codes("NUL", "policy p\0"), ["syntax"]);
    assert_eq!(codes("NULs", "\0".repeat(1000)), ["missing_policy"]);
    assert_eq!(codes("escape at the end", "policy p condition a = \"\\u{"), ["unterminated_string"]);
    assert_eq!(codes("backslash at the end", "policy p condition a = \"\\"), ["unterminated_string"]);
    assert_eq!(codes("wide characters", "policy p condition a = \"\\é\" == é"), ["syntax"]);
    assert_eq!(codes("wide escape", "policy p condition a = \"\\é\""), ["bad_escape"]);
    assert_eq!(codes("nothing", ""), ["missing_policy"]);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let file = tree("\u{FEFF}/// Doc\npolicy p\nsecret A\n");
    assert_eq!(file.policy.node, "p");
    assert_eq!(file.doc.as_deref(), Some("Doc"));
    assert_eq!(codes("mark, then an error", "\u{FEFF}policy p\nrole {}\n"), ["syntax"]);
}

#[test]
fn windows_line_ends() {
    for text in [ARTICLE, BLOG] {
        let windows = tree(&text.replace('\n', "\r\n"));
        let unix = tree(text);
        assert_eq!(dump(&windows.declarations), dump(&unix.declarations));
        let docs = |file: &portcullis::syntax::tree::File| -> Vec<_> {
            file.declarations.iter().map(|declaration| declaration.doc.clone()).collect()
        };
        assert_eq!(docs(&windows), docs(&unix));
    }
}

#[test]
fn the_scan_and_the_grammar_agree_on_regexes() {
    // A `matches` that is no operator, and brackets that are no brackets.
    let file = tree(
        "policy p\nroutes /matches/{a} { GET /v1.matches/{id} public }\nschema A { a: string matches /[(/[\\]]]/ matches /\\/\\(/ }\nschema B { matches: string matches /(\"/ }",
    );
    assert!(matches!(file.declarations[0].kind, DeclarationKind::Routes(_)));
    assert_eq!(file.declarations.len(), 3);
}

/// A policy with some of its text replaced, doubled or cut.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "\"",
        "/",
        "//",
        "matches /",
        "not ",
        "\\",
        "::",
        "=",
        ",",
        "\n",
        "\u{FEFF}",
        "é",
        "\0",
        "role x {",
        "1h30m",
        "2026-11-23",
        " or ",
        "null",
        "?",
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, pieces), 1..8);
    (prop::bool::ANY, edits).prop_map(|(blog, edits)| {
        let mut text: Vec<char> = if blog { BLOG } else { ARTICLE }.chars().collect();
        for (at, cut, piece) in edits {
            let at = at.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

#[track_caller]
fn answers(text: &str) -> Result<(), TestCaseError> {
    if let Err(problems) = parse(text) {
        prop_assert!(!problems.is_empty());
        for problem in problems {
            prop_assert!(problem.help.is_some(), "{problem:?}");
            for label in std::iter::once(&problem.primary).chain(&problem.others) {
                prop_assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{problem:?}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_policies_are_answered(text in mutated()) {
        answers(&text)?;
    }

    #[test]
    fn arbitrary_text_is_answered(text in "\\PC*") {
        answers(&text)?;
        answers(&format!("policy p\n{text}"))?;
    }

    #[test]
    fn arbitrary_tokens_are_answered(
        words in prop::collection::vec(prop::sample::select(vec![
            "policy", "p", "role", "allow", "schema", "routes", "/", "GET", "{", "}", "(", ")", "[", "]", ":", ",", "=", "==",
            "\"x\"", "1", "5m", "not", "and", "matches", "/x/", "a.b", "*", "\n", "//", "union", "on", "::1", "..", "|", "?",
        ]), 0..60)
    ) {
        answers(&words.join(" "))?;
    }
}
