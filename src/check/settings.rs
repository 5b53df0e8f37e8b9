//! The entries of a block of settings: each may be written once, some must be, and many take words or lists.

use std::collections::HashMap;

use crate::check::checker::{Checker, Report};
use crate::check::suggest::{list, suggest};
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::Keyword;
use crate::model::source::{Span, Spanned};
use crate::syntax::tree::{Text, Word};

/// The entries that take several values.
const LISTS: [&str; 10] =
    ["accept", "accepts", "audience", "expose", "hosts", "methods", "origins", "proxies", "remove", "scopes"];
/// The most values of a list that requests are compared with, one by one.
const MOST_VALUES: usize = 1_000;

/// The entries of one block that were read so far.
#[derive(Default)]
pub(crate) struct SeenEntries<'t> {
    seen: Vec<(&'t str, Span)>,
}

impl<'t> SeenEntries<'t> {
    /// Returns true for the first entry of its keyword. A second one is an error.
    pub(crate) fn first(&mut self, entry: Span, checker: &Checker<'t>) -> bool {
        self.first_of(keyword(entry, checker), entry, checker)
    }

    /// The same for a keyword that isn't a part of the span.
    pub(crate) fn first_of(&mut self, word: &'t str, span: Span, checker: &Checker<'_>) -> bool {
        if let Some(first) = self.span(word) {
            let help = match LISTS.contains(&word) {
                true => format!("keep one `{word}`, and separate its values by commas"),
                false => "keep one of them".to_owned(),
            };
            Diagnostic::error("duplicate_entry", span, format!("`{word}` stands twice"))
                .also(first, "first written here")
                .report_with(checker, help);
            return false;
        }
        self.seen.push((word, span));
        true
    }

    pub(crate) fn span(&self, word: &str) -> Option<Span> {
        self.seen.iter().find(|(other, _)| *other == word).map(|(_, span)| *span)
    }
}

/// The keyword that an entry begins with.
pub(crate) fn keyword<'t>(entry: Span, checker: &Checker<'t>) -> &'t str {
    let text = checker.written(entry);
    match text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next() {
        Some("skip") => "skip when",
        word => word.unwrap_or_default(),
    }
}

/// A declaration that lacks an entry it can't do without.
pub(crate) fn incomplete(name: &Text, entry: &str, example: &str) -> Diagnostic {
    incomplete_block(name.span, &name.node, entry, example)
}

/// The same for a block without a name.
pub(crate) fn incomplete_block(span: Span, block: &str, entry: &str, example: &str) -> Diagnostic {
    Diagnostic::error("incomplete", span, format!("`{block}` has no `{entry}`")).help(format!("add `{example}`"))
}

/// Returns a word of a setting, and reports one that isn't in its set.
pub(crate) fn one_word_of<K: Keyword>(checker: &Checker<'_>, setting: &str, word: &Word<K>) -> Option<K> {
    if word.keyword.is_none() {
        let Text { node, span } = &word.text;
        let error = Diagnostic::error("unknown_name", *span, format!("`{setting}` can't be `{node}`"));
        let help = match suggest(node, K::words()) {
            Some(meant) => format!("did you mean `{setting} {meant}`?"),
            None => format!("it can be {}", list(K::words()).unwrap_or_default()),
        };
        error.report_with(checker, help);
    }
    word.keyword
}

/// Reports a list that is too long to be walked for each request.
pub(crate) fn too_many_values<T>(checker: &Checker<'_>, list: &[Spanned<T>]) -> bool {
    if let Some(first) = list.get(MOST_VALUES) {
        Diagnostic::error("too_many_entries", first.span, format!("the list has {} entries", list.len()))
            .label("the first that is too many")
            .help(format!("name at most {MOST_VALUES}; a `*` can stand for many, and so can a network"))
            .report(checker);
    }
    list.len() > MOST_VALUES
}

/// A value that a list names a second time.
pub(crate) fn named_twice(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("duplicate_name", span, format!("`{name}` is named twice")).help("name it once")
}

/// A name that a list holds a second time.
pub(crate) fn stands_twice(what: &str, first: Span, span: Span) -> Diagnostic {
    Diagnostic::error("duplicate_name", span, format!("{what} stands twice"))
        .also(first, "first written here")
        .help("keep one of them")
}

/// The names of one list that were read so far.
#[derive(Default)]
pub(crate) struct Seen<'n> {
    spans: HashMap<&'n str, Span>,
}

impl<'n> Seen<'n> {
    /// Returns true for the first place of a name. Reports what `repeated` makes of the first place for a second one.
    pub(crate) fn first(
        &mut self,
        name: &'n Text,
        checker: &Checker<'_>,
        repeated: impl FnOnce(Span) -> Diagnostic,
    ) -> bool {
        let first = self.spans.insert(&name.node, name.span);
        if let Some(first) = first {
            repeated(first).report(checker);
        }
        first.is_none()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.spans.contains_key(name)
    }
}
