//! The canonical format: of messy files, and of policies whose meaning it must not change.

use std::fmt::Write as _;

use portcullis::diagnostic::Diagnostic;
use portcullis::syntax::{self, SOURCE_LIMIT};
use proptest::prelude::*;

use crate::support::{ARTICLE, BLOG, HEALTH, codes, snapshot, source};
use crate::syntax::{dump, parse};

/// Messy files that use the whole language together.
const MESSY: &[&str] = &[
    include_str!("corpus/allowances.gate"),
    include_str!("corpus/comments_between_clauses.gate"),
    include_str!("corpus/comments_in_lists.gate"),
    include_str!("corpus/comments_inside_entries.gate"),
    include_str!("corpus/expressions.gate"),
    include_str!("corpus/hanging.gate"),
    include_str!("corpus/limits.gate"),
    include_str!("corpus/literals.gate"),
    include_str!("corpus/long_lines.gate"),
    include_str!("corpus/neighbours.gate"),
    include_str!("corpus/nested_blocks.gate"),
    include_str!("corpus/one_line.gate"),
    include_str!("corpus/routes.gate"),
    include_str!("corpus/rules.gate"),
    include_str!("corpus/schemas.gate"),
    include_str!("corpus/token.gate"),
    include_str!("corpus/who.gate"),
    include_str!("corpus/browser.gate"),
    include_str!("corpus/keywords_as_names.gate"),
];

fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    syntax::format(&source(text))
}

/// The format of a text. It must have the same meaning, and be its own format.
#[track_caller]
fn formatted(text: &str) -> String {
    let once = format(text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
    assert_eq!(says(&once), says(text), "{once}");
    let twice = format(&once).unwrap_or_else(|problems| panic!("{problems:#?}\n{once}"));
    assert_eq!(twice, once, "formatting again changes it");
    once
}

/// The meaning of a text: its tree without spans, its docs and its comments.
fn says(text: &str) -> String {
    let file = parse(text).unwrap();
    let comments =
        file.comments.iter().map(|comment| text[comment.span.start as usize..comment.span.end as usize].trim_end());
    let mut out = comments.collect::<Vec<_>>().join("\n");
    write!(out, "\n{}\n{:?}\n{}", file.policy.node, file.doc, dump(&file.declarations)).unwrap();
    out
}

#[test]
fn the_policies_are_formatted() {
    assert_eq!(formatted(ARTICLE), ARTICLE);
    assert_eq!(formatted(BLOG), BLOG);
    assert_eq!(formatted(HEALTH), HEALTH);
}

#[test]
fn messy_files() {
    insta::glob!("corpus/*.gate", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let rule = "─".repeat(80);
        snapshot!("messy_files", format!("{text}\n{rule}\n{}{rule}", formatted(&text)));
    });
}

#[test]
fn line_ends() {
    for text in [ARTICLE, BLOG] {
        assert_eq!(formatted(&text.replace('\n', "\r\n")), text);
        assert_eq!(formatted(text.trim_end()), text);
        assert_eq!(formatted(&format!("\u{FEFF}\r\n\n{text}\n\n\t")), text);
    }
    assert_eq!(formatted("policy p"), "policy p\n");
    assert_eq!(formatted("policy p // a \r\n// b\r"), "policy p  // a\n// b\n");
}

#[test]
fn what_does_not_parse_is_told() {
    let errors = format("policy p\nrole {}\nroel a {}").unwrap_err();
    assert_eq!(codes(&errors), ["syntax", "unknown_declaration"]);
    assert_eq!(codes(&format("").unwrap_err()), ["missing_policy"]);
}

/// Repetitions of `text` that fill `size` bytes.
fn filled(size: usize, before: &str, text: &str, after: &str) -> String {
    let times = (size - before.len() - after.len()) / text.len();
    format!("{before}{}{after}", text.repeat(times))
}

/// Formats a mebibyte of `text` twice, or once if the result is larger than a file may be. Quadratic work on so much text
/// wouldn't end.
#[track_caller]
fn check_large(before: &str, text: &str, after: &str) {
    match format(&filled(SOURCE_LIMIT, before, text, after)) {
        Ok(once) => assert_eq!(format(&once).as_ref(), Ok(&once)),
        Err(problems) => assert_eq!(problems[0].code, "policy_too_large", "{:?}", problems[0]),
    }
}

#[test]
fn large_declarations() {
    check_large("policy p\n", "\n\n//\n\n", "");
    check_large("policy p", " ", "");
    check_large("policy p ", "secret A ", "");
    check_large("policy p secret A", ",//\nA", "");
    check_large("policy p\n", "role a { allow b:c when d }\n", "");
    check_large("policy p\n", "routes / {\nGET / public }", "");
}

#[test]
fn large_blocks() {
    check_large("policy p role a {", "allow b:c ", "}");
    check_large("policy p schema A { ", "a: string\n", "}");
    check_large("policy p schema A {\n a: string", " matches /a/ else \"b\"", "}");
    check_large("policy p routes / {", "GET /a/{b} public\n", "}");
    check_large("policy p routes / {\nGET /a public", " csrf", "}");
    check_large("policy p tier \"a\" {\n1 per 1m", ",1 per 1m", "}");
}

#[test]
fn large_expressions() {
    check_large("policy p condition a = b", " or c", "");
    check_large("policy p condition a = [b", ",{c:d}", "]");
    check_large("policy p condition a = \"", "\\n", "\"");
    check_large("policy p routes /", "a/", "a { }");
    // Every level is tried on one line before it is broken.
    let items = "b,".repeat(100_000);
    formatted(&format!("policy p condition a = {}[{items}b]{}", "{a:".repeat(60), "}".repeat(60)));
}

/// Trivia between two tokens.
const TRIVIA: &[&str] = &[
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n\n\n",
    "\t",
    "\r\n",
    " // c\n",
    "\n// c\n",
    "\n\n// c\n\n",
    " // c\n// d\n",
    "\n/// doc\n",
    " // c  \r\n\r\n",
    "\r",
];

/// A policy with other white space and comments between its tokens.
fn respaced() -> impl Strategy<Value = String> {
    let trivia = prop::sample::select(TRIVIA);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), trivia, prop::bool::ANY), 1..60);
    (prop::bool::ANY, edits).prop_map(|(blog, edits)| {
        let text = if blog { BLOG } else { ARTICLE };
        let gaps = gaps(text);
        let mut edits: Vec<_> =
            edits.into_iter().map(|(at, new, replace)| (gaps[at.index(gaps.len())], new, replace)).collect();
        edits.sort_by_key(|(gap, ..)| *gap);
        edits.dedup_by_key(|(gap, ..)| *gap);
        let mut out = text.to_owned();
        for ((start, end), new, replace) in edits.into_iter().rev() {
            out.replace_range(if replace { start..end } else { end..end }, new);
        }
        out
    })
}

/// The runs of white space between tokens: outside strings, regexes and comments.
fn gaps(text: &str) -> Vec<(usize, usize)> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let mut quoted = None;
        let mut start = None;
        for (offset, c) in line.char_indices() {
            if quoted.is_none() && line[offset..].starts_with("//") {
                break;
            }
            match quoted {
                Some(end) if c == end => quoted = None,
                None if c == '"' => quoted = Some('"'),
                None if c == '/' && line[..offset].ends_with("matches ") => quoted = Some('/'),
                _ => {}
            }
            match (quoted.is_none() && c.is_whitespace(), start) {
                (true, None) => start = Some(offset),
                (false, Some(begin)) => {
                    gaps.push((at + begin, at + offset));
                    start = None;
                }
                _ => {}
            }
        }
        gaps.extend(start.map(|begin| (at + begin, at + line.len())));
        at += line.len();
    }
    gaps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn other_white_space_and_comments(text in respaced()) {
        formatted(&text);
    }

    #[test]
    fn edited_files(
        file in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..3, prop::sample::select(TRIVIA)), 1..4),
    ) {
        let mut text: Vec<char> = MESSY[file.index(MESSY.len())].chars().collect();
        for (at, cut, new) in edits {
            let at = at.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        if parse(&text).is_ok() {
            formatted(&text);
        }
    }

    #[test]
    fn arbitrary_tokens(
        words in prop::collection::vec(prop::sample::select(vec![
            "secret A", "role a {", "allow b:c", "schema A {", "a: string", "routes / {", "GET /", "public", "{", "}", "(",
            ")", "[", "]", ":", ",", "=", "==", "\"x\"", "1", "5m", "not", "and", "matches /x/", "a.b", "*", "\n", "// c\n",
            "union on \"k\" {", "..", "|", "?", "condition a =", "b", "min 1", "else \"m\"", "}", "}", "resource a {",
            "actions b", "one_of \"x\"", "tier \"t\" {", "1 per 1m", "user from a {", "id = b", "context {",
        ]), 0..30)
    ) {
        let text = format!("policy p {}", words.join(" "));
        if parse(&text).is_ok() {
            formatted(&text);
        }
    }

    #[test]
    fn arbitrary_text(text in "\\PC*") {
        let _ = format(&text);
        let _ = format(&format!("policy p\n{text}"));
        formatted(&format!("policy p // {text}"));
    }
}
