//! The entries of a block of settings: each may stand once.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;

/// The entries that take several values, whatever block they stand in.
const LISTS: [&str; 10] =
    ["accept", "accepts", "audience", "expose", "hosts", "methods", "origins", "proxies", "remove", "scopes"];

/// The entries of one block that were read so far.
#[derive(Default)]
pub(crate) struct Entries {
    seen: Vec<(&'static str, Span)>,
}

impl Entries {
    /// Whether the entry is the first of its name. A second one is an error, and isn't to be read.
    pub(crate) fn first(&mut self, word: &'static str, span: Span, out: &mut Vec<Diagnostic>) -> bool {
        if let Some(first) = self.span(word) {
            let help = if LISTS.contains(&word) {
                format!("keep one `{word}`, and separate its values by commas")
            } else {
                "keep one of them".to_owned()
            };
            out.push(
                Diagnostic::error("duplicate_entry", span, format!("`{word}` stands twice"))
                    .also(first, "first written here")
                    .help(help),
            );
            return false;
        }
        self.seen.push((word, span));
        true
    }

    /// Where the entry stands, if it was written.
    pub(crate) fn span(&self, word: &str) -> Option<Span> {
        self.seen.iter().find(|(other, _)| *other == word).map(|(_, span)| *span)
    }
}
