//! The clauses of routes: what each adds to what a block's defaults said, and that none contradicts another.

use std::collections::HashMap;

use crate::check::Checker;
use crate::check::callers::issue::each_once;
use crate::check::routes::route::Declared;
use crate::check::routes::service::{Serves, What};
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Clause, ClauseKind, Expression, Text};
use crate::typed::schemas::Shape;
use crate::typed::{BodyRule, Cors, HeaderSet, Limit, Requirement, Scope};

/// What `no` takes, `body` apart, which has a clause of its own.
const SWITCHABLE: [&str; 4] = ["csrf", "cors", "headers", "limit"];
/// What `no` never takes.
const IDENTITY: [&str; 6] = ["requires", "authenticated", "scope", "when", "conceal", "on"];
/// The most clauses of a block and a route that add up: every route of a block holds what the block says.
const MOST_ADDED: usize = 100;
/// The most permissions that one clause can name.
const MOST_REQUIRED: usize = 100;

/// What the clauses of a block and of one of its routes add up to.
#[derive(Clone, Default)]
pub(crate) struct Draft<'t> {
    pub(crate) public: Option<Span>,
    pub(crate) authenticated: Option<Span>,
    pub(crate) requirements: Vec<Requirement>,
    /// Whether it requires something, known or not.
    pub(crate) requires: bool,
    pub(crate) query: Option<Id<Shape>>,
    pub(crate) body: Option<BodyRule>,
    pub(crate) limits: Vec<Id<Limit>>,
    pub(crate) csrf: bool,
    /// What the routes say of CORS, if they say something: a block, or none.
    pub(crate) cors: Option<Option<Id<Cors>>>,
    pub(crate) headers: Option<Id<HeaderSet>>,
    pub(crate) serves: Vec<Serves<'t>>,
    /// The tokens that it issues, known or not.
    pub(crate) issues: Vec<&'t Text>,
    pub(crate) scopes: Vec<Id<Scope>>,
    pub(crate) whens: Vec<&'t Expression>,
    pub(crate) subjects: Vec<(&'t Text, &'t Text, Span)>,
    pub(crate) conceal: bool,
    /// How many clauses there were that add up.
    added: usize,
}

impl<'t> Checker<'t> {
    /// The order of clauses means nothing, so none may contradict another of the same list, or repeat it.
    pub(crate) fn said_once(&mut self, clauses: &[Clause], defaults: bool) {
        let mut seen: HashMap<(&str, &str), Span> = HashMap::new();
        for clause in clauses {
            if let (true, ClauseKind::No(what)) = (defaults, &clause.kind)
                && SWITCHABLE.contains(&what.node.as_str())
            {
                self.report(
                    Diagnostic::error("nothing_to_switch_off", clause.span, "there is nothing to switch off here")
                        .help("blocks don't nest: leave the default out, or say this in a route"),
                );
                continue;
            }
            let Some(subject) = subject(&clause.kind) else { continue };
            if let Some(first) = seen.insert(subject, clause.span) {
                self.report(
                    Diagnostic::error(
                        "contradictory_clauses",
                        clause.span,
                        "this clause contradicts another, or repeats it",
                    )
                    .also(first, "the other one")
                    .help("keep one of the two"),
                );
            }
        }
    }

    pub(crate) fn clause(&mut self, clause: &'t Clause, draft: &mut Draft<'t>, declared: &Declared<'_>) {
        if adds_up(&clause.kind) && draft.added >= MOST_ADDED {
            if draft.added == MOST_ADDED {
                draft.added += 1;
                let message = format!("more than {MOST_ADDED} clauses add up here");
                self.report_once(
                    Diagnostic::error("too_many_requirements", clause.span, message)
                        .help("join conditions with `and`, and give the door a permission of its own"),
                );
            }
            return;
        }
        draft.added += usize::from(adds_up(&clause.kind));
        match &clause.kind {
            ClauseKind::Public => draft.public = Some(clause.span),
            ClauseKind::Authenticated => draft.authenticated = Some(clause.span),
            ClauseKind::Requires(patterns) => {
                draft.requires = true;
                let required = self.required(patterns, declared.permissions);
                if self.too_many(required.len(), clause.span) {
                    return;
                }
                if required.is_empty() {
                    // An error was reported; a requirement that nobody meets is the safe way to go on.
                    draft.requirements.push(Requirement { span: clause.span, any_of: Vec::new() });
                }
                for permission in required {
                    draft.requirements.push(Requirement { span: clause.span, any_of: vec![permission] });
                }
            }
            ClauseKind::RequiresAny(patterns) => {
                draft.requires = true;
                let any_of = self.required(patterns, declared.permissions);
                if self.too_many(any_of.len(), clause.span) {
                    return;
                }
                draft.requirements.push(Requirement { span: clause.span, any_of });
            }
            ClauseKind::Query(name) => draft.query = self.query(name),
            ClauseKind::Body(name) => {
                match self.names.schemas.find(name, &mut self.diagnostics) {
                    Some(_) => draft.body = self.shapes.find(&name.node).map(BodyRule::Shape),
                    // Said once already; the route did say which body it takes.
                    None => draft.body = Some(BodyRule::Raw),
                }
            }
            ClauseKind::BodyRaw => draft.body = Some(BodyRule::Raw),
            ClauseKind::NoBody => draft.body = Some(BodyRule::Empty),
            ClauseKind::Limit(name) => {
                if let Some((row, _)) = self.names.limits.find(name, &mut self.diagnostics)
                    && let Some(limit) = declared.limits.get(row).copied()
                    && !draft.limits.contains(&limit)
                {
                    draft.limits.push(limit);
                }
            }
            ClauseKind::Csrf => {
                draft.csrf = true;
                if !declared.has_csrf {
                    self.report(
                        Diagnostic::error("no_csrf", clause.span, "the policy has no `csrf` block")
                            .help("declare `csrf { … }`"),
                    );
                }
            }
            ClauseKind::Cors(name) => {
                if let Some((row, _)) = self.names.cors.find(name, &mut self.diagnostics) {
                    draft.cors = Some(declared.cors.id(row));
                }
            }
            ClauseKind::Headers(name) => {
                if let Some((row, _)) = self.names.headers.find(name, &mut self.diagnostics) {
                    draft.headers = declared.headers.id(row);
                }
            }
            ClauseKind::No(what) => self.switch_off(what, clause.span, draft, declared),
            ClauseKind::Issues(tokens) => self.issues(tokens, clause.span, draft, declared),
            ClauseKind::Scope(name) => {
                if let Some((row, _)) = self.names.scopes.find(name, &mut self.diagnostics)
                    && let Some(scope) = self.scopes.id(row)
                    && !draft.scopes.contains(&scope)
                {
                    draft.scopes.push(scope);
                }
            }
            ClauseKind::When(condition) => draft.whens.push(condition),
            ClauseKind::On { resource, parameter } => draft.subjects.push((resource, parameter, clause.span)),
            ClauseKind::Conceal => draft.conceal = true,
            ClauseKind::Login(_) | ClauseKind::Callback(_) | ClauseKind::Rotates(_) | ClauseKind::Revokes(_) => {
                draft.serves.extend(What::of(&clause.kind).map(|what| Serves { span: clause.span, what }));
            }
        }
    }

    /// Every route of a block holds what the block requires, so the product must stay small.
    fn too_many(&mut self, permissions: usize, span: Span) -> bool {
        if permissions > MOST_REQUIRED {
            self.report(
                Diagnostic::error(
                    "too_many_requirements",
                    span,
                    format!("this clause names {permissions} permissions"),
                )
                .help(format!("name at most {MOST_REQUIRED}, or give the door a permission of its own")),
            );
        }
        permissions > MOST_REQUIRED
    }

    fn switch_off(&mut self, what: &Text, span: Span, draft: &mut Draft<'t>, declared: &Declared<'_>) {
        match what.node.as_str() {
            "csrf" => draft.csrf = false,
            "limit" => draft.limits.clear(),
            "headers" => draft.headers = Some(declared.no_headers),
            "cors" => draft.cors = Some(None),
            other if IDENTITY.contains(&other) => self.report(
                Diagnostic::error("not_switchable", span, format!("`{other}` can't be switched off"))
                    .help("what protects by identity holds for the whole block: move the route to another block"),
            ),
            other => self.report(
                Diagnostic::error("not_switchable", span, format!("there is no `no {other}`"))
                    .help("write `no csrf`, `no cors`, `no headers`, `no limit` or `no body`"),
            ),
        }
    }

    fn issues(&mut self, tokens: &'t [Text], span: Span, draft: &mut Draft<'t>, declared: &Declared<'_>) {
        let names = each_once(tokens, &mut self.diagnostics);
        let (csrf, issued): (Vec<&Text>, Vec<&Text>) = names.into_iter().partition(|name| name.node == "csrf");
        if let Some(name) = csrf.first() {
            draft.serves.push(Serves { span, what: What::IssuesCsrf });
            if !declared.has_csrf {
                self.report(
                    Diagnostic::error("no_csrf", name.span, "the policy has no `csrf` block")
                        .help("declare `csrf { … }`"),
                );
            } else if !declared.issues_csrf {
                self.report(
                    Diagnostic::error("no_csrf_token", name.span, "the `csrf` block has no tokens to issue")
                        .help("give it a `secret`, a `session`, a `header` and a `lifetime`"),
                );
            }
        }
        self.issued(&issued);
        draft.issues.extend(issued);
    }
}

/// Whether what a block says and what its route says both hold.
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

/// What a clause speaks of, where only one of a list may.
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
        ClauseKind::No(what) if what.node == "limit" => Some(("no limit", "")),
        ClauseKind::No(what) => Some((what.node.as_str(), "")),
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
