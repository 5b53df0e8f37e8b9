//! Diagnostics: one plain struct for all findings of the compiler.

use std::error::Error;
use std::fmt;

use crate::model::source::{Source, Span, locate};

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy doesn't compile.
    Error,
    /// The policy compiles, and probably doesn't do what its author intends.
    Warning,
}

impl Severity {
    /// Returns `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A span that a diagnostic points at, with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The span.
    pub span: Span,
    /// A description of the span; may be empty.
    pub text: String,
}

/// A finding of the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// A stable code, such as `unknown_permission`.
    pub code: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The problem: in lower case, without a full stop, with names from the policy in backticks.
    pub message: String,
    /// The span of the problem.
    pub primary: Label,
    /// Other spans that belong to the problem.
    pub others: Vec<Label>,
    /// A demonstration of the problem, such as a request.
    pub note: Option<String>,
    /// A suggestion of what to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label { span, text: String::new() },
            others: Vec::new(),
            note: None,
            help: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Describes the primary span.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another span.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.others.push(Label { span, text: text.into() });
        self
    }

    /// Adds a demonstration of the problem.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Suggests what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The diagnostics of a policy that doesn't compile: at least one error, and warnings.
///
/// Its text has one entry a diagnostic, such as ``p.gate:6:24: error[unknown_permission]: there is no permission `posts:raed` ``.
#[derive(Clone, PartialEq, Eq)]
pub struct CompileError {
    sources: Vec<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl CompileError {
    pub(crate) fn new(sources: &[Source], diagnostics: Vec<Diagnostic>) -> Self {
        Self { sources: sources.to_vec(), diagnostics }
    }

    /// Returns all diagnostics, by file and position.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Returns all diagnostics by value.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }
}

impl Error for CompileError {}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, found) in self.diagnostics.iter().enumerate() {
            let Diagnostic { code, severity, message, primary, note, help, .. } = found;
            let (line, place) = (if number == 0 { "" } else { "\n" }, locate(&self.sources, primary.span));
            let place = if place.is_empty() { place } else { place + ": " };
            write!(f, "{line}{place}{}[{code}]: {message}", severity.as_str())?;
            for (title, text) in [("note", note), ("help", help)] {
                if let Some(text) = text {
                    write!(f, "\n  {title}: {}", text.replace('\n', "\n    "))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for CompileError {
    /// Prints the same text as `Display`, so that `expect` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
