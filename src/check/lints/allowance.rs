//! `allow(LINT, …) reason "…"`: the warnings in a declaration that its author knows of.

use std::collections::{HashMap, HashSet};

use crate::check::checker::{Checker, Report};
use crate::check::findings::sort_by_place;
use crate::check::lints::LINTS;
use crate::check::suggest::Suggest;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::source::Span;
use crate::syntax::tree::{Allowance, Text};

/// Warnings that a part of the policy doesn't run, or costs more than most. No reason changes that.
const NOT_SWITCHABLE: [(&str, &str); 2] = [
    ("not_running", "take it out: the warning goes with the version that runs this"),
    ("unreduced", "take it out: the warning goes when the permission's conditions reduce to one diagram"),
];

/// The most findings of one lint that are shown.
const MOST_OF_ONE: usize = 100;

/// Checks that every lint that is switched off is one.
pub(crate) fn lint_names(checker: &Checker<'_>) {
    let known: HashSet<&str> = LINTS.iter().map(|lint| lint.name).collect();
    for lint in checker.names.allowing.iter().flat_map(|(_, allowances)| *allowances).flat_map(names) {
        if let Some((_, help)) = NOT_SWITCHABLE.iter().find(|(name, _)| lint.node == *name) {
            Diagnostic::error("lint_not_switchable", lint.span, format!("`{}` can't be switched off", lint.node))
                .report_with(checker, *help);
        } else if !known.contains(lint.node.as_str()) {
            let names = LINTS.iter().map(|lint| lint.name).take(checker.findings.most_names());
            Diagnostic::error("unknown_lint", lint.span, format!("there is no lint `{}`", lint.node))
                .did_you_mean(&lint.node, names, "write the code that the warning shows in brackets: `warning[CODE]`")
                .report(checker);
        }
    }
}

/// Takes out the warnings that declarations allow, and all but the first of each lint.
pub(crate) fn settle_warnings(checker: Checker<'_>) -> Vec<Diagnostic> {
    let linted = !checker.findings.any_error();
    let sources = checker.findings.sources();
    let mut findings = checker.findings.into_vec();
    allow(&mut findings, checker.names.allowing, linted);
    sort_by_place(&mut findings, sources);
    first_of_each(&mut findings);
    findings
}

/// Takes out the findings that are allowed. Reports allowances without effect if lints were run.
fn allow(findings: &mut Vec<Diagnostic>, mut allowing: Vec<(Span, &[Allowance])>, linted: bool) {
    allowing.sort_unstable_by_key(|(declaration, _)| *declaration);
    let mut used: HashSet<Span> = HashSet::new();
    findings.retain(|finding| match allowance(&allowing, finding) {
        Some(lint) => {
            used.insert(lint.span);
            false
        }
        None => true,
    });
    if !linted {
        return;
    }
    let lints: Vec<&Text> = allowing.iter().flat_map(|(_, allowances)| *allowances).flat_map(names).collect();
    let (own, others): (Vec<&Text>, Vec<&Text>) = lints.into_iter().partition(|lint| lint.node == "unused_allowance");
    for lint in others.into_iter().filter(|lint| !used.contains(&lint.span)).collect::<Vec<_>>() {
        let finding = without_effect(lint);
        match allowance(&allowing, &finding) {
            Some(allowed) => drop(used.insert(allowed.span)),
            None => findings.push(finding),
        }
    }
    findings.extend(own.into_iter().filter(|lint| !used.contains(&lint.span)).map(without_effect));
}

/// Keeps the first findings of each lint, and counts those that are left out.
fn first_of_each(findings: &mut Vec<Diagnostic>) {
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
    findings.extend(cut.into_iter().map(|(code, (count, last))| {
        let more = count - MOST_OF_ONE;
        Diagnostic::warning(code, last, format!("{more} more findings of this lint are left out"))
            .help("mend the ones above first")
    }));
}

fn names(allowance: &Allowance) -> impl Iterator<Item = &Text> {
    allowance.lints.iter()
}

fn without_effect(lint: &Text) -> Diagnostic {
    let message = format!("this declaration gives no warning `{}`", lint.node);
    Diagnostic::warning("unused_allowance", lint.span, message).help("take the name out of `allow(…)`")
}

/// The name that allows a warning: that of its lint, above the declaration it lies in.
fn allowance<'t>(allowing: &[(Span, &'t [Allowance])], finding: &Diagnostic) -> Option<&'t Text> {
    if finding.severity == Severity::Error || NOT_SWITCHABLE.iter().any(|(name, _)| finding.code == *name) {
        return None;
    }
    let span = finding.primary.span;
    let before =
        allowing.partition_point(|(declaration, _)| (declaration.file, declaration.start) <= (span.file, span.start));
    let (declaration, allowances) = allowing.get(before.checked_sub(1)?)?;
    let inside = declaration.file == span.file && span.end <= declaration.end;
    allowances.iter().flat_map(names).find(|lint| inside && lint.node == finding.code)
}
