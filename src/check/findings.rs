//! The findings of all checks, in the order in which they were made.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::source::{Source, Span};

/// A policy with thousands of errors has one cause, or an attacker; a person reads the first few.
const MOST_DIAGNOSTICS: usize = 1_000;
/// Comparing names takes time, and a person with more errors than that reads the first few.
const MOST_WITH_SUGGESTIONS: usize = 50;

/// A sink that all checks share, so that none of them needs the others to itself.
pub(crate) struct Findings<'t> {
    sources: &'t [Source],
    found: RefCell<Vec<Diagnostic>>,
    /// The code, place and message of each finding that may be made more than once.
    said: RefCell<HashSet<(&'static str, Span, String)>>,
}

impl<'t> Findings<'t> {
    pub(crate) fn new(sources: &'t [Source]) -> Self {
        Self { sources, found: RefCell::default(), said: RefCell::default() }
    }

    pub(crate) fn push(&self, finding: Diagnostic) {
        self.found.borrow_mut().push(finding);
    }

    /// Adds a finding unless the same was said of the same place. `note` changes one that is added.
    pub(crate) fn push_once(&self, finding: Diagnostic, note: impl FnOnce(Diagnostic) -> Diagnostic) {
        let fresh = self.said.borrow_mut().insert((finding.code, finding.primary.span, finding.message.clone()));
        if fresh {
            self.push(note(finding));
        }
    }

    /// An error for two declarations of a name that may be declared once. The later one is at fault.
    pub(crate) fn twice(&self, first: Span, second: Span, what: &str) -> Diagnostic {
        let (earlier, later) = self.in_order(first, second);
        Diagnostic::error("duplicate_name", later, format!("{what} is declared twice"))
            .label("declared again")
            .also(earlier, "first declared here")
            .help(match what {
                "`csrf`" | "`transport`" | "`password`" => "keep one of them, with the settings of both",
                "the unnamed `headers` block" => "put both into one, or give one a name: `headers NAME { … }`",
                "the unnamed `cors` block" => "put both into one, or give one a name: `cors NAME { … }`",
                _ => "rename one of them, or take one out",
            })
    }

    /// Two places by file name, then position: the order of files on a command line means nothing.
    pub(crate) fn in_order(&self, one: Span, other: Span) -> (Span, Span) {
        if place(self.sources, one) <= place(self.sources, other) { (one, other) } else { (other, one) }
    }

    pub(crate) fn sources(&self) -> &'t [Source] {
        self.sources
    }

    /// The policy's own text.
    pub(crate) fn written(&self, span: Span) -> &'t str {
        let source = self.sources.get(span.file as usize).map_or("", |source| source.text());
        source.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    pub(crate) fn count(&self) -> usize {
        self.found.borrow().len()
    }

    pub(crate) fn any_error(&self) -> bool {
        self.found.borrow().iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(crate) fn any_of_code(&self, code: &str) -> bool {
        self.found.borrow().iter().any(|finding| finding.code == code)
    }

    /// True while there are so few findings that each is worth a search for the name that was meant.
    pub(crate) fn are_few(&self) -> bool {
        self.count() < MOST_WITH_SUGGESTIONS
    }

    /// The number of names that a finding may be compared with.
    pub(crate) fn most_names(&self) -> usize {
        if self.are_few() { usize::MAX } else { 0 }
    }

    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.found.into_inner()
    }
}

/// Sorts by file name, then position, and keeps no more than a person would read.
pub(crate) fn sorted(mut diagnostics: Vec<Diagnostic>, sources: &[Source]) -> Vec<Diagnostic> {
    sort_by_place(&mut diagnostics, sources);
    let left_out = diagnostics.len().saturating_sub(MOST_DIAGNOSTICS);
    if left_out == 0 {
        return diagnostics;
    }
    // No warning takes the place of an error.
    diagnostics.sort_by_key(|finding| finding.severity);
    diagnostics.truncate(MOST_DIAGNOSTICS);
    sort_by_place(&mut diagnostics, sources);
    if let Some(last) = diagnostics.last() {
        let span = last.primary.span;
        let severity = diagnostics.iter().map(|finding| finding.severity).min().unwrap_or(Severity::Error);
        let note = Diagnostic::error("too_many_errors", span, format!("{left_out} more findings are left out"));
        diagnostics.push(Diagnostic { severity, ..note }.help("mend the ones above first"));
    }
    diagnostics
}

pub(crate) fn sort_by_place(diagnostics: &mut [Diagnostic], sources: &[Source]) {
    diagnostics.sort_by_key(|finding| place(sources, finding.primary.span));
}

fn place(sources: &[Source], span: Span) -> (Option<&str>, u32) {
    (sources.get(span.file as usize).map(Source::name), span.start)
}
