//! The route table: defaults merged, names resolved, and every route complete.

use crate::check::checker::Report;
use crate::check::routes::clause::said_once;
use crate::check::routes::draft::{PasswordLogin, RouteChecker, RouteDraft, ServiceKind, SubjectClause};
use crate::check::routes::path::{distinct, method, path};
use crate::check::suggest::unknown;
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Clause, ClauseKind, Expression};
use crate::typed::{Access, BodyRule, PathSegment, Route, Subject, TokenCarrier};

/// The expressions of a route. They are typed once the input of all routes is known.
pub(crate) struct RouteExpressions<'t> {
    pub(crate) whens: Vec<&'t Expression>,
    pub(crate) login: Option<PasswordLogin<'t>>,
}

/// Returns every route without its expressions, and these as they are written.
pub(crate) fn routes<'t>(routes: &mut RouteChecker<'_, 't>) -> (Table<Route>, Vec<RouteExpressions<'t>>) {
    let mut table = Table::new();
    let mut expressions = Vec::new();
    for block in &routes.checker.names.routes {
        let mut defaults = RouteDraft::default();
        said_once(routes.checker, &block.defaults, true);
        for clause in &block.defaults {
            routes.clause(clause, &mut defaults);
        }
        for route in &block.routes {
            if let Some((route, own)) = routes.route(block, route, defaults.clone()) {
                table.push(route);
                expressions.push(own);
            }
        }
    }
    distinct(routes.checker, &table);
    (table, expressions)
}

impl<'t> RouteChecker<'_, 't> {
    fn route(
        &mut self,
        block: &'t tree::Routes,
        route: &'t tree::Route,
        mut draft: RouteDraft<'t>,
    ) -> Option<(Route, RouteExpressions<'t>)> {
        said_once(self.checker, &route.clauses, false);
        // The route's own body replaces the block's.
        let by_default = draft.body.take();
        let public_by_default = draft.access.public;
        // What a route switches off are the block's defaults, wherever among its clauses it says so.
        let (off, on): (Vec<&'t Clause>, Vec<&'t Clause>) =
            route.clauses.iter().partition(|clause| matches!(clause.kind, ClauseKind::No(_)));
        for clause in off.into_iter().chain(on) {
            self.clause(clause, &mut draft);
        }
        let method = method(self.checker, &route.method);
        let path = path(self.checker, &block.prefix, &route.path);
        self.access(route, &draft, public_by_default);
        let body = self.body(route, &draft, by_default);
        let service = self.service(route, path.as_deref(), &draft);
        let issues = draft.issues.iter();
        let issues = issues.filter_map(|name| self.tokens.id(self.checker.names.tokens.row(&name.node)?)).collect();
        let path = path?;
        let subjects = self.on(&draft.access.subjects, &path);
        let route = Route {
            span: route.span,
            method: method?,
            path,
            access: Access {
                public: draft.access.public.is_some(),
                authenticated: draft.access.authenticated.is_some(),
                requirements: draft.access.requirements,
                scopes: draft.access.scopes,
                whens: Vec::new(),
                subjects,
                conceal: draft.access.conceal,
            },
            limits: draft.limits,
            csrf: draft.csrf,
            cors: draft.cors.unwrap_or(self.cors.default),
            headers: draft.headers.unwrap_or(self.headers.default),
            query: draft.query,
            body: body?,
            service,
            login: None,
            issues,
        };
        let login = draft.services.iter().find_map(|service| match service.kind {
            ServiceKind::Password(login) => Some(login),
            _ => None,
        });
        Some((route, RouteExpressions { whens: draft.access.whens, login }))
    }

    /// `on RESOURCE(PARAM)`, one a resource.
    fn on(&mut self, written: &[SubjectClause<'_>], path: &[PathSegment]) -> Vec<Subject> {
        let mut subjects: Vec<Subject> = Vec::new();
        for SubjectClause { span, resource, parameter } in written.iter().copied() {
            let found = self.checker.names.resources.find(resource, &self.checker.findings).map(|(row, _)| row);
            let Some(resource) = found.and_then(|row| self.attributes.resources.id(row)) else { continue };
            let parameters = || {
                path.iter().filter_map(|segment| match segment {
                    PathSegment::Literal(_) => None,
                    PathSegment::Parameter { name, .. } | PathSegment::Rest(name) => Some(name.as_str()),
                })
            };
            if !parameters().any(|name| name == parameter.node) {
                let error = unknown("unknown_parameter", "path parameter", parameter, parameters());
                self.checker.report(match parameters().next() {
                    Some(_) => error,
                    None => error.help(format!("put the id into the path: `/{{{}}}`", parameter.node)),
                });
                continue;
            }
            if let Some(first) = subjects.iter().find(|known| known.resource == resource) {
                self.checker
                    .findings
                    .twice(first.span, span, &format!("`on {}`", self.attributes.resources[resource].name))
                    .report(self.checker);
                continue;
            }
            subjects.push(Subject { span, resource, parameter: parameter.node.clone() });
        }
        subjects
    }

    /// A route must say who may enter: without a clause on that, it is an error.
    fn access(&mut self, route: &tree::Route, draft: &RouteDraft<'t>, by_default: Option<Span>) {
        let head = route.method.span.to(route.path.span);
        if let (Some(public), true) = (
            draft.access.public,
            draft.access.requires || draft.access.authenticated.is_some() || !draft.access.scopes.is_empty(),
        ) {
            let span = if by_default == Some(public) { head } else { public };
            Diagnostic::error("public_and_protected", span, "a route can't be `public` and ask for a caller, too")
                .report_with(self.checker, "take `public` out, or move the route to a block of its own");
        }
        if let (Some(authenticated), true) = (draft.access.authenticated, draft.access.requires) {
            Diagnostic::warning("redundant_authenticated", authenticated, "`requires` asks for a caller already")
                .help("take `authenticated` out, unless an `allow anyone` covers the permission and shouldn't here")
                .report(self.checker);
        }
        if draft.access.public.is_none() && draft.access.authenticated.is_none() && !draft.access.requires {
            Diagnostic::error("no_access", head, "this route doesn't say who may call it")
                .report_with(self.checker, "add `public`, `authenticated` or `requires PERMISSION`");
        }
        if draft.access.public.is_none()
            && (draft.access.requires || draft.access.authenticated.is_some())
            && self.checker.names.mappings.is_empty()
        {
            Diagnostic::error("no_users", head, "this route needs a caller, and nothing makes one")
                .report_with(self.checker, "declare `user from TOKEN { … }`");
        }
    }

    fn body(&mut self, route: &tree::Route, draft: &RouteDraft<'t>, by_default: Option<BodyRule>) -> Option<BodyRule> {
        let said = draft.body.or(by_default);
        let names = &self.checker.names.tokens;
        let taken = draft.services.iter().find_map(|service| service.kind.takes());
        let taken = taken.and_then(|name| self.tokens.id(names.get(&name.node)?.0));
        let carried = taken.filter(|token| matches!(self.tokens[*token].carrier, TokenCarrier::Body(_)));
        match (carried, said) {
            (Some(token), None) => Some(BodyRule::Token(token)),
            (Some(_), Some(_)) => {
                Diagnostic::error("two_bodies", route.span, "the token is this route's body already")
                    .report_with(self.checker, "take the `body` clause out");
                None
            }
            (None, Some(rule)) => Some(rule),
            (None, None) if matches!(route.method.node.as_str(), "POST" | "PUT" | "PATCH") => {
                let head = route.method.span.to(route.path.span);
                let message = format!("a {} route must say what body it takes", route.method.node);
                Diagnostic::error("no_body_rule", head, message)
                    .report_with(self.checker, "add `body SCHEMA`, `body raw` or `no body`");
                None
            }
            (None, None) => Some(BodyRule::Empty),
        }
    }
}
