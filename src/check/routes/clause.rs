//! The clauses of routes: each adds to the defaults of its block, and none contradicts another.

use std::collections::HashMap;

use crate::check::browser::csrf::issues_tokens;
use crate::check::checker::{Checker, Report};
use crate::check::routes::draft::{RouteChecker, RouteDraft, ServiceClause, ServiceKind, SubjectClause};
use crate::check::routes::issues::each_once;
use crate::check::schemas::media::flat;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::Switch;
use crate::model::source::Span;
use crate::syntax::tree::{Clause, ClauseKind, Text, Word};
use crate::typed::schemas::Shape;
use crate::typed::{BodyRule, Requirement};

/// The clauses that `no` never switches off.
const IDENTITY: [&str; 6] = ["requires", "authenticated", "scope", "when", "conceal", "on"];
/// The most clauses of a block and a route that add up: every route of a block holds those of the block.
const MOST_ADDED: usize = 100;
/// The most permissions that one clause can name.
const MOST_REQUIRED: usize = 100;

impl<'t> RouteChecker<'_, 't> {
    pub(crate) fn clause(&mut self, clause: &'t Clause, draft: &mut RouteDraft<'t>) {
        if adds_up(&clause.kind) && draft.added >= MOST_ADDED {
            if draft.added == MOST_ADDED {
                draft.added += 1;
                let message = format!("more than {MOST_ADDED} clauses add up here");
                Diagnostic::error("too_many_requirements", clause.span, message)
                    .help("join conditions with `and`, and give the door a permission of its own")
                    .report_once(self.checker);
            }
            return;
        }
        draft.added += usize::from(adds_up(&clause.kind));
        match &clause.kind {
            ClauseKind::Public => draft.access.public = Some(clause.span),
            ClauseKind::Authenticated => draft.access.authenticated = Some(clause.span),
            ClauseKind::Requires(patterns) => {
                draft.access.requires = true;
                let required = self.permissions.required(self.checker, patterns);
                if self.too_many(required.len(), clause.span) {
                    return;
                }
                if required.is_empty() {
                    // An error was reported; a requirement that nobody meets is the safe way to go on.
                    draft.access.requirements.push(Requirement { span: clause.span, any_of: Vec::new() });
                }
                for permission in required {
                    draft.access.requirements.push(Requirement { span: clause.span, any_of: vec![permission] });
                }
            }
            ClauseKind::RequiresAny(patterns) => {
                draft.access.requires = true;
                let any_of = self.permissions.required(self.checker, patterns);
                if self.too_many(any_of.len(), clause.span) {
                    return;
                }
                draft.access.requirements.push(Requirement { span: clause.span, any_of });
            }
            ClauseKind::Query(name) => draft.query = self.query(name),
            ClauseKind::Body(name) => {
                match self.checker.names.schemas.find(name, &self.checker.findings) {
                    Some(_) => draft.body = self.shapes.find(&name.node).map(BodyRule::Shape),
                    // Said once already; the route did say which body it takes.
                    None => draft.body = Some(BodyRule::Raw),
                }
            }
            ClauseKind::BodyRaw => draft.body = Some(BodyRule::Raw),
            ClauseKind::NoBody => draft.body = Some(BodyRule::Empty),
            ClauseKind::Limit(name) => {
                if let Some((row, _)) = self.checker.names.limits.find(name, &self.checker.findings)
                    && let Some(limit) = self.limits.get(row).copied()
                    && !draft.limits.contains(&limit)
                {
                    draft.limits.push(limit);
                }
            }
            ClauseKind::Csrf => {
                draft.csrf = true;
                if self.checker.names.csrf.is_none() {
                    Diagnostic::error("no_csrf", clause.span, "the policy has no `csrf` block")
                        .report_with(self.checker, "declare `csrf { … }`");
                }
            }
            ClauseKind::Cors(name) => {
                if let Some((row, _)) = self.checker.names.cors.find(name, &self.checker.findings) {
                    draft.cors = Some(self.cors.blocks.id(row));
                }
            }
            ClauseKind::Headers(name) => {
                if let Some((row, _)) = self.checker.names.headers.find(name, &self.checker.findings) {
                    draft.headers = self.headers.sets.id(row);
                }
            }
            ClauseKind::No(what) => self.switch_off(what, clause.span, draft),
            ClauseKind::Issues(tokens) => self.issues(tokens, clause.span, draft),
            ClauseKind::Scope(name) => {
                if let Some((row, _)) = self.checker.names.scopes.find(name, &self.checker.findings)
                    && let Some(scope) = self.scopes.id(row)
                    && !draft.access.scopes.contains(&scope)
                {
                    draft.access.scopes.push(scope);
                }
            }
            ClauseKind::When(condition) => draft.access.whens.push(condition),
            ClauseKind::On { resource, parameter } => {
                draft.access.subjects.push(SubjectClause { span: clause.span, resource, parameter });
            }
            ClauseKind::Conceal => draft.access.conceal = true,
            ClauseKind::Login(_) | ClauseKind::Callback(_) | ClauseKind::Rotates(_) | ClauseKind::Revokes(_) => {
                draft
                    .services
                    .extend(ServiceKind::of(&clause.kind).map(|kind| ServiceClause { span: clause.span, kind }));
            }
        }
    }

    /// The schema of a query.
    fn query(&mut self, name: &Text) -> Option<Id<Shape>> {
        let (_, schema) = self.checker.names.schemas.find(name, &self.checker.findings)?;
        let id = self.shapes.find(&name.node)?;
        if self.queries.insert(id) {
            flat(self.checker, name.span, "query", schema, &self.shapes.table[id]);
        }
        Some(id)
    }

    /// Every route of a block holds what the block requires, so the product must stay small.
    fn too_many(&mut self, permissions: usize, span: Span) -> bool {
        if permissions > MOST_REQUIRED {
            Diagnostic::error("too_many_requirements", span, format!("this clause names {permissions} permissions"))
                .help(format!("name at most {MOST_REQUIRED}, or give the door a permission of its own"))
                .report(self.checker);
        }
        permissions > MOST_REQUIRED
    }

    fn switch_off(&mut self, what: &Word<Switch>, span: Span, draft: &mut RouteDraft<'t>) {
        let word = what.text.node.as_str();
        match what.keyword {
            Some(Switch::Csrf) => draft.csrf = false,
            Some(Switch::Limit) => draft.limits.clear(),
            Some(Switch::Headers) => draft.headers = Some(self.headers.none),
            Some(Switch::Cors) => draft.cors = Some(None),
            None if IDENTITY.contains(&word) => {
                Diagnostic::error("not_switchable", span, format!("`{word}` can't be switched off"))
                    .help("what protects by identity holds for the whole block: move the route to another block")
                    .report(self.checker);
            }
            None => Diagnostic::error("not_switchable", span, format!("there is no `no {word}`"))
                .report_with(self.checker, "write `no csrf`, `no cors`, `no headers`, `no limit` or `no body`"),
        }
    }

    fn issues(&mut self, tokens: &'t [Text], span: Span, draft: &mut RouteDraft<'t>) {
        let names = each_once(tokens, self.checker);
        let (csrf, issued): (Vec<&Text>, Vec<&Text>) = names.into_iter().partition(|name| name.node == "csrf");
        if let Some(name) = csrf.first() {
            draft.services.push(ServiceClause { span, kind: ServiceKind::IssuesCsrf });
            if self.checker.names.csrf.is_none() {
                Diagnostic::error("no_csrf", name.span, "the policy has no `csrf` block")
                    .report_with(self.checker, "declare `csrf { … }`");
            } else if !self.checker.names.csrf.is_some_and(|(_, csrf)| issues_tokens(csrf)) {
                Diagnostic::error("no_csrf_token", name.span, "the `csrf` block has no tokens to issue")
                    .report_with(self.checker, "give it a `secret`, a `session`, a `header` and a `lifetime`");
            }
        }
        self.issued(&issued);
        draft.issues.extend(issued);
    }
}

/// The order of clauses means nothing, so none may contradict another of the same list, or repeat it.
pub(crate) fn said_once(checker: &Checker<'_>, clauses: &[Clause], defaults: bool) {
    let mut seen: HashMap<(&str, &str), Span> = HashMap::new();
    for clause in clauses {
        if let (true, ClauseKind::No(what)) = (defaults, &clause.kind)
            && what.keyword.is_some()
        {
            Diagnostic::error("nothing_to_switch_off", clause.span, "there is nothing to switch off here")
                .report_with(checker, "blocks don't nest: leave the default out, or say this in a route");
            continue;
        }
        let Some(subject) = subject(&clause.kind) else { continue };
        if let Some(first) = seen.insert(subject, clause.span) {
            Diagnostic::error("contradictory_clauses", clause.span, "this clause contradicts another, or repeats it")
                .also(first, "the other one")
                .report_with(checker, "keep one of the two");
        }
    }
}

/// True if the clause of a block and that of its route apply together.
fn adds_up(clause: &ClauseKind) -> bool {
    matches!(
        clause,
        ClauseKind::Requires(_)
            | ClauseKind::RequiresAny(_)
            | ClauseKind::Scope(_)
            | ClauseKind::When(_)
            | ClauseKind::Limit(_)
            | ClauseKind::On { .. }
    )
}

/// The subject of a clause, if a list may have only one clause of that subject.
fn subject(clause: &ClauseKind) -> Option<(&str, &str)> {
    match clause {
        ClauseKind::Public => Some(("public", "")),
        ClauseKind::Authenticated => Some(("authenticated", "")),
        ClauseKind::Body(_) | ClauseKind::BodyRaw | ClauseKind::NoBody => Some(("body", "")),
        ClauseKind::Query(_) => Some(("query", "")),
        ClauseKind::Limit(name) => Some(("limit", &name.node)),
        ClauseKind::Csrf => Some(("csrf", "")),
        ClauseKind::Cors(_) => Some(("cors", "")),
        ClauseKind::Headers(_) => Some(("headers", "")),
        // `no limit` beside `limit x` puts x in the place of the block's limits.
        ClauseKind::No(what) if what.keyword == Some(Switch::Limit) => Some(("no limit", "")),
        ClauseKind::No(what) => Some((what.text.node.as_str(), "")),
        ClauseKind::On { resource, .. } => Some(("on", &resource.node)),
        ClauseKind::Conceal => Some(("conceal", "")),
        ClauseKind::Login(_) => Some(("login", "")),
        ClauseKind::Callback(_) => Some(("callback", "")),
        ClauseKind::Issues(_) => Some(("issues", "")),
        ClauseKind::Rotates(_) => Some(("rotates", "")),
        ClauseKind::Revokes(_) => Some(("revokes", "")),
        ClauseKind::Requires(_) | ClauseKind::RequiresAny(_) | ClauseKind::Scope(_) | ClauseKind::When(_) => None,
    }
}
