//! Spans of trees and findings.

use std::fmt::Debug;
use std::ops::Range;

use portcullis::Source;
use portcullis::diagnostic::{Diagnostic, Span};

/// Asserts that a span lies inside its file, on boundaries of characters.
#[track_caller]
pub(crate) fn stands_in(sources: &[Source], span: Span) {
    let text = sources.get(span.file as usize).map(Source::text);
    let shown = text.and_then(|text| text.get(span.start as usize..span.end as usize));
    assert!(shown.is_some(), "{span:?} doesn't stand in the text");
}

/// Asserts that a finding has a message, and spans inside the files.
#[track_caller]
pub(crate) fn can_be_shown(sources: &[Source], finding: &Diagnostic) {
    assert!(!finding.code.is_empty() && !finding.message.is_empty(), "{finding:?}");
    for label in std::iter::once(&finding.primary).chain(&finding.others) {
        stands_in(sources, label.span);
    }
}

/// All spans of a tree. They are read from its `Debug` output, so that new kinds of nodes are included.
#[allow(dead_code, reason = "findings alone have no tree")]
pub(crate) fn all_of(tree: &impl Debug) -> Vec<Span> {
    let printed = format!("{tree:?}");
    let mut spans = Vec::new();
    let mut rest = printed.as_str();
    // A string of the policy may look like a span: quoted text is skipped.
    while let Some(at) = rest.find(['"', 'S']) {
        let (_, found) = rest.split_at(at);
        rest = if let Some(string) = found.strip_prefix('"') {
            after_string(string)
        } else if let Some(fields) = found.strip_prefix("Span { ") {
            let numbers = fields.split(" }").next().unwrap_or_default();
            let mut numbers = numbers.split(", ").filter_map(|field| field.rsplit(' ').next()?.parse().ok());
            if let (Some(file), Some(start), Some(end)) = (numbers.next(), numbers.next(), numbers.next()) {
                spans.push(Span { file, start, end });
            }
            fields
        } else {
            found.strip_prefix('S').unwrap_or_default()
        };
    }
    spans
}

fn after_string(text: &str) -> &str {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return text.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

/// Asserts that spans follow each other without overlap.
#[track_caller]
#[allow(dead_code, reason = "findings alone have no tree")]
pub(crate) fn in_order(what: &str, spans: impl IntoIterator<Item = Span>) {
    let mut before = Range { start: 0, end: 0 };
    for span in spans {
        assert!(before.end <= span.start && span.start < span.end, "{what} at {span:?} comes after {before:?}");
        before = span.start..span.end;
    }
}
