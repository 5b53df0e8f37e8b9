//! Errors for the invariants that are violated or can't be proved.

use crate::analyze::print::print;
use crate::analyze::witness::Witness;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::reason::Stage;
use crate::model::source::{Source, Span};
use crate::typed::{Expr, Never, NeverOf, Permission, TypedPolicy};

/// The most rules and conditions that an error shows.
const MOST: usize = 3;

/// The result of a proof.
pub(crate) enum ProofResult {
    Proved,
    /// A request that is granted the permission, or let through.
    Violated(Option<Id<Permission>>, Witness),
    Undecided(Option<Id<Permission>>, UndecidedReason),
}

/// The reasons why an invariant is neither proved nor violated.
pub(crate) struct UndecidedReason {
    /// The conditions that the solver couldn't decide.
    pub(crate) conditions: Vec<Expr>,
    /// A request was found, and the evaluation didn't confirm it.
    pub(crate) unconfirmed: bool,
    /// The budget was used up.
    pub(crate) exhausted: bool,
}

/// The error for a result, unless the invariant is proved.
pub(crate) fn diagnostic(
    policy: &TypedPolicy,
    sources: &[Source],
    never: &Never,
    result: ProofResult,
) -> Option<Diagnostic> {
    let report = Report { policy, sources, never };
    match result {
        ProofResult::Proved => None,
        ProofResult::Violated(permission, witness) => Some(report.violated(permission, &witness)),
        ProofResult::Undecided(permission, reason) => Some(report.unproved(permission, &reason)),
    }
}

/// The error for the invariants that no steps were left for. `never` is the first of them.
pub(crate) fn left_out(never: &Never, count: usize) -> Diagnostic {
    let message = format!("the invariants before take so long that {count} weren't looked at");
    Diagnostic::error("never_unproved", never.span, message)
        .label("the first of them")
        .help("forbid under plainer conditions what must never be granted, so that little has to be looked through")
}

struct Report<'a> {
    policy: &'a TypedPolicy,
    sources: &'a [Source],
    never: &'a Never,
}

impl Report<'_> {
    fn violated(&self, permission: Option<Id<Permission>>, witness: &Witness) -> Diagnostic {
        let (what, verb) = match (&self.never.of, permission) {
            (NeverOf::Permissions(_), Some(permission)) => (self.name(permission), "granted"),
            _ => ("a request".to_owned(), "let through here"),
        };
        let message = match &self.never.because {
            Some(because) => format!("{what} can be {verb}, and never should be: {because}"),
            None => format!("{what} can be {verb}, and never should be"),
        };
        let token = witness.token.as_ref().map(|token| format!(", by a caller with the token `{token}`"));
        let untried = match witness.untried {
            Some(Stage::Authenticate) | None => "",
            Some(Stage::Csrf) => " (with a CSRF token)",
            Some(Stage::Login) => " (once it is served)",
            Some(_) => " (as long as no limit is reached)",
        };
        let request = serde_json::to_string(&witness.document).unwrap_or_default();
        let note = format!("this request is allowed{}{untried}: {request}", token.unwrap_or_default());
        let mut error = Diagnostic::error("never_violated", self.never.span, message).label("this doesn't hold");
        let mut grants: Vec<Span> = witness.grants.clone();
        grants.sort_unstable();
        grants.dedup();
        for span in grants.into_iter().take(MOST) {
            error = error.also(span, "this grants it");
        }
        error.note(note).help(self.remedy(permission))
    }

    fn remedy(&self, permission: Option<Id<Permission>>) -> String {
        let condition = self.condition();
        match (&self.never.of, permission, condition) {
            (NeverOf::Door(_), _, Some((text, true))) => {
                format!("add `when {text}` to the route, or change the invariant")
            }
            (NeverOf::Door(_), _, Some((text, false))) => {
                format!("add `when not ({text})` to the route, or change the invariant")
            }
            (NeverOf::Permissions(_), Some(permission), Some((text, unless))) => {
                let name = self.policy.permission_names.get(permission);
                let when = positive(text, unless);
                format!("write `forbid {name} when {when}`, or narrow the condition of what grants it")
            }
            _ => "forbid it under the same condition, or narrow the condition of what grants it".to_owned(),
        }
    }

    /// The condition as the author wrote it, if it is short. True beside it if it is behind `unless`.
    fn condition(&self) -> Option<(String, bool)> {
        const LONGEST: usize = 120;
        let (span, unless) = self.never.written;
        let text = self.sources.get(span.file as usize)?.text().get(span.start as usize..span.end as usize)?;
        let is_plain = text.len() <= LONGEST && !text.contains(['\n', '`']);
        is_plain.then(|| (text.to_owned(), unless))
    }

    fn unproved(&self, permission: Option<Id<Permission>>, reason: &UndecidedReason) -> Diagnostic {
        let what = match (&self.never.of, permission) {
            (NeverOf::Permissions(_), Some(permission)) => {
                format!("that {} is never granted here", self.name(permission))
            }
            _ => "that no such request is let through".to_owned(),
        };
        let message = format!("it can't be proved {what}");
        let mut error = Diagnostic::error("never_unproved", self.never.span, message);
        let mut names: Vec<String> =
            reason.conditions.iter().map(|condition| format!("`{}`", print(condition, self.policy))).collect();
        names.sort();
        names.dedup();
        names.truncate(MOST);
        if reason.exhausted {
            error = error.label("there are too many ways to go through");
        } else if reason.unconfirmed && names.is_empty() {
            error = error.label("a request was found, and it couldn't be tried");
        }
        if !names.is_empty() {
            error = error.note(format!("whether a request can meet these together isn't known: {}", names.join(", ")));
        }
        let help = match self.condition() {
            Some((text, unless)) => {
                let when = positive(text, unless);
                match permission {
                    Some(permission) => {
                        let name = self.policy.permission_names.get(permission);
                        format!("make it plain: `forbid {name} when {when}`")
                    }
                    None => format!("make it plain: add `when not ({when})` to the route"),
                }
            }
            None => "make it plain: forbid it under the same condition".to_owned(),
        };
        error.help(help)
    }

    fn name(&self, permission: Id<Permission>) -> String {
        format!("`{}`", self.policy.permission_names.get(permission))
    }
}

/// The condition under which the invariant is violated.
fn positive(text: String, unless: bool) -> String {
    if unless { format!("not ({text})") } else { text }
}
