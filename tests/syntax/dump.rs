//! Trees as readable lines without spans: equal trees have equal dumps.

use regex::Regex;
use std::fmt::Debug;
use std::sync::LazyLock;

static SPAN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(, )?span: Span \{[^}]*\}(, )?").unwrap());
static BREAK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(Route|Rule|Claim|Rate|Attribute) \{|\b(Field|Check|Accepts)\(").unwrap());
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"node: ("(?:[^"\\]|\\.)*"), span: Span \{ file: 0, start: (\d+), end: (\d+) \}"#).unwrap()
});

/// A node, with each of its parts on a line.
pub(crate) fn dump(node: &impl Debug) -> String {
    let text = format!("{node:?}");
    let text = SPAN.replace_all(
        &text,
        |found: &regex::Captures<'_>| {
            if found.get(1).is_some() && found.get(2).is_some() { ", " } else { "" }
        },
    );
    BREAK.replace_all(&without_wrappers(&text), "\n  $0").lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Types that carry nothing but a span.
const WRAPPERS: &[&str] = &[
    "Spanned { node: ",
    "Expression { kind: ",
    "ValueType { kind: ",
    "PathPattern { segments: ",
    "Clause { kind: ",
    "Literal(",
];

fn without_wrappers(text: &str) -> String {
    let mut out = String::new();
    // For each open bracket, whether its closing one stays.
    let mut stays = Vec::new();
    let mut in_string = false;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let starts_word = !out.ends_with(char::is_alphanumeric);
        if !in_string
            && let Some(wrapper) = WRAPPERS.iter().find(|wrapper| starts_word && text[at..].starts_with(**wrapper))
        {
            stays.push(false);
            at += wrapper.len();
            continue;
        }
        at += c.len_utf8();
        if in_string && c == '\\' {
            out.push(c);
            let escaped = text[at..].chars().next().unwrap();
            out.push(escaped);
            at += escaped.len_utf8();
            continue;
        }
        in_string ^= c == '"';
        match c {
            '{' | '(' | '[' if !in_string => stays.push(true),
            '}' | ')' | ']' if !in_string && !stays.pop().unwrap() => {
                out.truncate(out.trim_end().len());
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The names and strings of a tree, each with its place.
pub(super) fn places(node: &impl Debug) -> Vec<(String, std::ops::Range<usize>)> {
    PLACE
        .captures_iter(&format!("{node:?}"))
        .map(|found| (found[1].to_owned(), found[2].parse().unwrap()..found[3].parse().unwrap()))
        .collect()
}
