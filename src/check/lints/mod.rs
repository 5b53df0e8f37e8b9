//! Lints: what compiles, and is worth a word all the same. They look at the trees and at what the checks made of them,
//! once there is no error, and each takes time in proportion to the policy.

pub(crate) mod allowance;
pub(crate) mod conditions;
pub(crate) mod cors;
pub(crate) mod grants;
pub(crate) mod headers;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod references;
pub(crate) mod regexes;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod tokens;
pub(crate) mod unused;

use std::collections::HashMap;

use crate::check::Checker;
pub use crate::check::lints::list::{LINTS, Lint};
use crate::check::lints::references::References;
use crate::check::permissions::permission::PermissionIndex;
use crate::check::permissions::rule::RuleDraft;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::source::{Source, Span};

/// How many findings of one lint are told.
const MOST_OF_ONE: usize = 100;

/// What lints look at, and what they found.
struct Linter<'c, 't> {
    checker: &'c Checker<'t>,
    permissions: &'c PermissionIndex,
    drafts: &'c [RuleDraft<'t>],
    mentions: References<'t>,
    found: Vec<Diagnostic>,
}

impl<'t> Checker<'t> {
    /// Lints a policy without errors.
    pub(crate) fn lint(&mut self, permissions: &PermissionIndex, drafts: &[RuleDraft<'t>]) {
        let mentions = References::of(&self.names);
        let mut linter = Linter { checker: self, permissions, drafts, mentions, found: Vec::new() };
        linter.unused();
        linter.grants();
        linter.conditions();
        linter.routes();
        linter.limits();
        linter.schemas();
        linter.headers();
        linter.cors();
        linter.tokens();
        let found = linter.found;
        self.diagnostics.extend(found);
    }

    /// Takes out the warnings that declarations allow, and all but the first of each lint.
    pub(crate) fn settle_warnings(&mut self) {
        let linted = self.diagnostics.iter().all(|finding| finding.severity == Severity::Warning);
        self.allow(linted);
        self.first_of_each();
    }

    fn first_of_each(&mut self) {
        let mut findings = std::mem::take(&mut self.diagnostics);
        findings.sort_by_key(|finding| {
            let span = finding.primary.span;
            (self.sources.get(span.file as usize).map(Source::name), span.start)
        });
        let mut counts: HashMap<&'static str, (usize, Span)> = HashMap::new();
        findings.retain(|finding| {
            if finding.severity == Severity::Error {
                return true;
            }
            let (count, last) = counts.entry(finding.code).or_insert((0, finding.primary.span));
            *count += 1;
            if *count <= MOST_OF_ONE {
                *last = finding.primary.span;
            }
            *count <= MOST_OF_ONE
        });
        let mut cut: Vec<_> = counts.into_iter().filter(|(_, (count, _))| *count > MOST_OF_ONE).collect();
        cut.sort_unstable();
        for (code, (count, last)) in cut {
            let more = count - MOST_OF_ONE;
            findings.push(
                Diagnostic::warning(code, last, format!("{more} more findings of this lint are left out"))
                    .help("mend the ones above first"),
            );
        }
        self.diagnostics = findings;
    }
}

impl Linter<'_, '_> {
    fn report(&mut self, finding: Diagnostic) {
        self.found.push(finding);
    }
}
