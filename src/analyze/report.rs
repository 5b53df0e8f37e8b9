//! What came of an invariant, for its author.

use crate::analyze::never::{Doubt, Outcome};
use crate::analyze::print::written;
use crate::analyze::witness::Witness;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::reason::Stage;
use crate::model::source::{Source, Span};
use crate::typed::{Never, NeverOf, Permission, TypedPolicy};

/// Rules that grant what must never be are shown, so many at most.
const MOST: usize = 3;

/// An error, unless it holds.
pub(crate) fn of(policy: &TypedPolicy, sources: &[Source], never: &Never, outcome: Outcome) -> Option<Diagnostic> {
    let about = About { policy, sources, never };
    match outcome {
        Outcome::Holds => None,
        Outcome::Violated(permission, witness) => Some(about.violated(permission, &witness)),
        Outcome::Open(permission, doubt) => Some(about.unproved(permission, &doubt)),
    }
}

/// From this one on there was no time.
pub(crate) fn left_out(never: &Never, count: usize) -> Diagnostic {
    let message = format!("the invariants before take so long that {count} weren't looked at");
    Diagnostic::error("never_unproved", never.span, message)
        .label("the first of them")
        .help("forbid under plainer conditions what must never be granted, so that little has to be looked through")
}

struct About<'a> {
    policy: &'a TypedPolicy,
    sources: &'a [Source],
    never: &'a Never,
}

impl About<'_> {
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
                let when = if unless { format!("not ({text})") } else { text };
                format!("write `forbid {name} when {when}`, or narrow the condition of what grants it")
            }
            _ => "forbid it under the same condition, or narrow the condition of what grants it".to_owned(),
        }
    }

    /// What the author wrote behind `when`, or behind `unless`, where it is short.
    fn condition(&self) -> Option<(String, bool)> {
        const LONGEST: usize = 120;
        let (span, unless) = self.never.written;
        let text = self.sources.get(span.file as usize)?.text().get(span.start as usize..span.end as usize)?;
        let is_plain = text.len() <= LONGEST && !text.contains(['\n', '`']);
        is_plain.then(|| (text.to_owned(), unless))
    }

    fn unproved(&self, permission: Option<Id<Permission>>, doubt: &Doubt) -> Diagnostic {
        let what = match (&self.never.of, permission) {
            (NeverOf::Permissions(_), Some(permission)) => {
                format!("that {} is never granted here", self.name(permission))
            }
            _ => "that no such request is let through".to_owned(),
        };
        let message = format!("it can't be proved {what}");
        let mut error = Diagnostic::error("never_unproved", self.never.span, message);
        let mut names: Vec<String> =
            doubt.conditions.iter().map(|condition| format!("`{}`", written(condition, self.policy))).collect();
        names.sort();
        names.dedup();
        names.truncate(MOST);
        if doubt.exhausted {
            error = error.label("there are too many ways to go through");
        } else if doubt.unconfirmed && names.is_empty() {
            error = error.label("a request was found, and it couldn't be tried");
        }
        if !names.is_empty() {
            error = error.note(format!("whether a request can meet these together isn't known: {}", names.join(", ")));
        }
        let help = match self.condition() {
            Some((text, unless)) => {
                let when = if unless { format!("not ({text})") } else { text };
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
