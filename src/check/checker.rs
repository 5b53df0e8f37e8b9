//! The declarations and findings that all checks share.

use crate::check::findings::Findings;
use crate::check::names::Names;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;

pub(crate) struct Checker<'t> {
    pub(crate) names: Names<'t>,
    pub(crate) findings: Findings<'t>,
}

impl<'t> Checker<'t> {
    pub(crate) fn report(&self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// The policy's own text.
    pub(crate) fn written(&self, span: Span) -> &'t str {
        self.findings.written(span)
    }
}

/// Ends the making of a finding: `Diagnostic::error(…).report_with(checker, "write …")`.
pub(crate) trait Report {
    fn report(self, checker: &Checker<'_>);

    /// Reports the finding, with help on what to write instead.
    fn report_with(self, checker: &Checker<'_>, help: impl Into<String>);

    /// Reports the finding unless the same was said of the same place.
    fn report_once(self, checker: &Checker<'_>);
}

impl Report for Diagnostic {
    fn report(self, checker: &Checker<'_>) {
        checker.report(self);
    }

    fn report_with(self, checker: &Checker<'_>, help: impl Into<String>) {
        checker.report(self.help(help));
    }

    fn report_once(self, checker: &Checker<'_>) {
        checker.findings.push_once(self, |finding| finding);
    }
}
