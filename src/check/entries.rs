//! The entries of a block of settings: each may stand once.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;

/// The entries of one block that were read so far.
#[derive(Default)]
pub(super) struct Entries {
    seen: Vec<(&'static str, Span)>,
}

impl Entries {
    /// Whether the entry is the first of its name. A second one is an error, and isn't to be read.
    pub(super) fn first(&mut self, word: &'static str, span: Span, out: &mut Vec<Diagnostic>) -> bool {
        if let Some(first) = self.span(word) {
            out.push(
                Diagnostic::error("duplicate_entry", span, format!("`{word}` stands twice"))
                    .also(first, "first written here")
                    .help("keep one of them; several values are separated by commas"),
            );
            return false;
        }
        self.seen.push((word, span));
        true
    }

    /// Where the entry stands, if it was written.
    pub(super) fn span(&self, word: &str) -> Option<Span> {
        self.seen.iter().find(|(other, _)| *other == word).map(|(_, span)| *span)
    }
}
