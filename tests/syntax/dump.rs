//! A tree as readable lines without spans: two trees that say the same have the same dump.

use regex::Regex;
use std::fmt::Debug;
use std::sync::LazyLock;

static SPAN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(, )?span: Span \{[^}]*\}(, )?").unwrap());
static TEXT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"Spanned \{ node: ("(?:[^"\\]|\\.)*"|\w+\([^()]*\)|\d+) \}"#).unwrap());
static BREAK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(Route|Rule|Claim|Field|Rate|Segment|Spanned|Clause|Attribute) \{|Check\(|Accepts\(").unwrap()
});
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"node: ("(?:[^"\\]|\\.)*"), span: Span \{ file: 0, start: (\d+), end: (\d+) \}"#).unwrap()
});

/// The node on lines of its parts.
pub(super) fn dump(node: &impl Debug) -> String {
    let text = format!("{node:?}");
    let text = SPAN.replace_all(
        &text,
        |found: &regex::Captures<'_>| {
            if found.get(1).is_some() && found.get(2).is_some() { ", " } else { "" }
        },
    );
    let text = TEXT.replace_all(&text, "$1").replace("Expression { kind: ", "(").replace("Literal(", "(");
    BREAK.replace_all(&text, "\n  $0").into_owned()
}

/// The names and strings of a tree, each with its place.
pub(super) fn places(node: &impl Debug) -> Vec<(String, std::ops::Range<usize>)> {
    PLACE
        .captures_iter(&format!("{node:?}"))
        .map(|found| (found[1].to_owned(), found[2].parse().unwrap()..found[3].parse().unwrap()))
        .collect()
}
