//! `allow(LINT, …) reason "…"`: the warnings in a declaration that its author knows of.

use std::collections::HashSet;

use crate::check::Checker;
use crate::check::lints::LINTS;
use crate::check::names::{suggest, worth_suggesting};
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::source::Span;
use crate::syntax::tree::{Allowance, Text};

/// What says of a policy that a part of it doesn't run, or costs more than most; nobody's reason changes that.
const NOT_SWITCHABLE: [(&str, &str); 2] = [
    ("not_running", "take it out: the warning goes with the version that runs this"),
    ("unreduced", "take it out: the warning goes when the permission's conditions reduce to one diagram"),
];

impl<'t> Checker<'t> {
    /// That every lint that is switched off is one.
    pub(crate) fn lint_names(&mut self) {
        let known: HashSet<&str> = LINTS.iter().map(|lint| lint.name).collect();
        let allowances = self.names.allowing.iter().flat_map(|(_, allowances)| *allowances);
        let lints: Vec<&'t Text> = allowances.flat_map(names).collect();
        for lint in lints {
            self.lint_name(lint, &known);
        }
    }

    /// Takes out what is allowed. Where lints weren't run, nothing is said of allowances without effect.
    pub(crate) fn allow(&mut self, linted: bool) {
        let mut allowing = self.names.allowing.clone();
        allowing.sort_unstable_by_key(|(declaration, _)| *declaration);
        let mut used: HashSet<Span> = HashSet::new();
        self.diagnostics.retain(|finding| match allowance(&allowing, finding) {
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
        let (own, others): (Vec<&Text>, Vec<&Text>) =
            lints.into_iter().partition(|lint| lint.node == "unused_allowance");
        for lint in others.into_iter().filter(|lint| !used.contains(&lint.span)).collect::<Vec<_>>() {
            let finding = without_effect(lint);
            match allowance(&allowing, &finding) {
                Some(allowed) => drop(used.insert(allowed.span)),
                None => self.diagnostics.push(finding),
            }
        }
        let idle = own.into_iter().filter(|lint| !used.contains(&lint.span));
        self.diagnostics.extend(idle.map(without_effect));
    }

    fn lint_name(&mut self, lint: &Text, known: &HashSet<&str>) {
        if let Some((_, help)) = NOT_SWITCHABLE.iter().find(|(name, _)| lint.node == *name) {
            self.report(
                Diagnostic::error("lint_not_switchable", lint.span, format!("`{}` can't be switched off", lint.node))
                    .help(*help),
            );
        } else if !known.contains(lint.node.as_str()) {
            let names = LINTS.iter().map(|lint| lint.name);
            let meant = worth_suggesting(&self.diagnostics).then(|| suggest(&lint.node, names)).flatten();
            let error = Diagnostic::error("unknown_lint", lint.span, format!("there is no lint `{}`", lint.node));
            self.report(match meant {
                Some(meant) => error.help(format!("did you mean `{meant}`?")),
                None => error.help("write the code that the warning shows in brackets: `warning[CODE]`"),
            });
        }
    }
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
