//! The tokens that a route issues: the policy must be able to make them, and one answer to carry them all.

use std::collections::HashSet;

use crate::check::callers::token::OWN_CLAIMS;
use crate::check::checker::{Checker, Report};
use crate::check::routes::draft::{RouteChecker, RouteDraft};
use crate::keys::SignatureAlgorithm;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Carried, Text, TokenEntry};

impl<'t> RouteChecker<'_, 't> {
    pub(crate) fn goes_on(&mut self, name: &Text, draft: &RouteDraft<'_>) {
        if !draft.issues.is_empty() && !draft.issues.iter().any(|issued| issued.node == name.node) {
            let message = format!("`{}` is spent here, and no fresh one is issued", name.node);
            Diagnostic::warning("rotation_ends", name.span, message)
                .report_with(self.checker, format!("add it: `issues …, {}`", name.node));
        }
    }

    /// A rotation stays in one family: a second family would outlive the first, and no reuse would end it.
    pub(crate) fn stays_in_family(&mut self, name: &Text, draft: &RouteDraft<'_>) {
        for issued in draft.issues.iter().filter(|issued| issued.node != name.node) {
            let row = self.checker.names.tokens.get(&issued.node).map(|(row, _)| row);
            let token = row.and_then(|row| self.tokens.id(row)).map(|token| &self.tokens[token]);
            if token.is_some_and(|token| token.single_use.is_some()) {
                let message =
                    format!("`{}` would begin a family of its own, whatever becomes of `{}`", issued.node, name.node);
                Diagnostic::error("second_family", issued.span, message)
                    .also(name.span, "exchanged here")
                    .help(format!("issue `{}` again, and tokens that aren't `single_use`", name.node))
                    .report(self.checker);
            }
        }
    }

    /// Tokens that a route issues must be complete, and the answer must be able to hold all of them.
    pub(crate) fn issued(&mut self, tokens: &[&'t Text]) {
        let mut carriers: Vec<(Carried, &Text)> = Vec::new();
        for name in tokens {
            let Some((_, token)) = self.checker.names.tokens.find(name, &self.checker.findings) else { continue };
            if !self.issuable(name, token) {
                continue;
            }
            if ["access_token", "token_type", "expires_in", "refresh_token"].contains(&name.node.as_str()) {
                let message = format!("the answer has a `{}` of its own", name.node);
                Diagnostic::error("reserved_name", token.name.span, message)
                    .also(name.span, "issued here")
                    .help("give the token another name: it may go out under that (RFC 6749 §5.1)")
                    .report_once(self.checker);
            }
            let carried = token.entries.iter().find_map(|entry| match &entry.node {
                TokenEntry::Carried(carried) => Some(carried.clone()),
                _ => None,
            });
            let carried = carried.unwrap_or(Carried::Bearer);
            if let Some((_, first)) = carriers.iter().find(|(known, _)| alike(known, &carried)) {
                let message = format!("`{}` and `{}` are carried alike", first.node, name.node);
                Diagnostic::error("issued_alike", name.span, message)
                    .label("one answer can't hold both")
                    .also(first.span, "the other one")
                    .report_with(self.checker, "carry one of them elsewhere, such as `carried cookie \"NAME\"`");
            }
            carriers.push((carried, name));
        }
    }

    /// Returns true if the policy can make such a token, and reports what it lacks for that.
    fn issuable(&mut self, name: &Text, token: &'t tree::Token) -> bool {
        if let Some(IssueBlocker { span, why, help }) = issue_blocker(token) {
            Diagnostic::error("not_issuable", name.span, format!("`{}` can't be issued here", name.node))
                .also(span, why)
                .help(help)
                .report_once(self.checker);
            return false;
        }
        if !token.entries.iter().any(|entry| matches!(entry.node, TokenEntry::Lifetime(_))) {
            let message = format!("a route issues `{}`, and nothing says for how long", token.name.node);
            Diagnostic::error("not_issuable", token.name.span, message)
                .also(name.span, "issued here")
                .help("add `lifetime 15m`")
                .report_once(self.checker);
        }
        let claims = token.entries.iter().filter_map(|entry| match &entry.node {
            TokenEntry::Claims(claims) => Some(claims),
            _ => None,
        });
        let own = |claim: &tree::Claim| OWN_CLAIMS.contains(&claim.attribute.name.node.as_str());
        let sourceless =
            claims.flatten().find(|claim| claim.source.is_none() && !claim.attribute.optional && !own(claim));
        if let Some(claim) = sourceless {
            let name = &claim.attribute.name;
            let message = format!("a route issues this token, and nothing says where `{}` comes from", name.node);
            Diagnostic::error("claim_without_source", name.span, message)
                .help(format!("write `{}: … = account.NAME`", name.node))
                .report_once(self.checker);
        }
        true
    }
}

/// The entry of a token's declaration that keeps the policy from issuing it.
pub(crate) struct IssueBlocker {
    pub(crate) span: Span,
    pub(crate) why: &'static str,
    pub(crate) help: &'static str,
}

/// The entry that keeps the policy from issuing a token, if there is one.
pub(crate) fn issue_blocker(token: &tree::Token) -> Option<IssueBlocker> {
    let help = "issue a token with a `key` and a `lifetime`";
    let made_elsewhere = token.entries.iter().find_map(|entry| match &entry.node {
        TokenEntry::Keys(_) => Some(IssueBlocker { span: entry.span, why: "others sign it", help }),
        TokenEntry::Opaque => Some(IssueBlocker { span: entry.span, why: "the host makes it", help }),
        _ => None,
    });
    made_elsewhere.or_else(|| {
        let algorithms = token.entries.iter().filter_map(|entry| match &entry.node {
            TokenEntry::Algorithm(names) => Some(names),
            _ => None,
        });
        let needs_randomness =
            |name: &Text| SignatureAlgorithm::named(&name.node).is_some_and(|algorithm| !algorithm.is_repeatable());
        let name = algorithms.flatten().find(|name| needs_randomness(name))?;
        Some(IssueBlocker {
            span: name.span,
            why: "such a signature takes random numbers, and the same request must get the same decision",
            help: "sign with `RS256`, which takes the same kind of key, or with `ES256` or `EdDSA`",
        })
    })
}

fn alike(one: &Carried, other: &Carried) -> bool {
    match (one, other) {
        (Carried::Bearer, Carried::Bearer) => true,
        (Carried::Cookie(one), Carried::Cookie(other)) | (Carried::Body(one), Carried::Body(other)) => {
            one.node == other.node
        }
        (Carried::Header(one), Carried::Header(other)) => one.node.eq_ignore_ascii_case(&other.node),
        _ => false,
    }
}

/// The tokens of an `issues`, each once.
pub(crate) fn each_once<'t>(names: &'t [Text], checker: &Checker<'_>) -> Vec<&'t Text> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for name in names {
        if seen.insert(&name.node) {
            found.push(name);
        } else {
            Diagnostic::error("duplicate_name", name.span, format!("`{}` is issued twice", name.node))
                .report_with(checker, "name it once");
        }
    }
    found
}
