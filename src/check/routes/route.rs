//! The route table: defaults merged, names resolved, and nothing left unsaid.

use std::collections::HashMap;

use crate::check::Checker;
use crate::check::callers::provider::Return;
use crate::check::expressions::{Caller, View};
use crate::check::names::{twice, unknown};
use crate::check::permissions::permission::PermissionIndex;
use crate::check::routes::clause::Draft;
use crate::check::routes::path::path_pattern;
use crate::check::routes::service::{Serves, What};
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Clause, ClauseKind, Expression, Text};
use crate::typed::{
    Access, BodyRule, Cors, HeaderSet, Limit, PathSegment, Requirement, Resource, Route, Subject, Token, TokenCarrier,
    When,
};

/// What routes can refer to.
pub(crate) struct Declared<'c> {
    pub(crate) tokens: &'c Table<Token>,
    pub(crate) permissions: &'c PermissionIndex,
    pub(crate) limits: &'c [Id<Limit>],
    pub(crate) cors: &'c Table<Cors>,
    pub(crate) default_cors: Option<Id<Cors>>,
    pub(crate) headers: &'c Table<HeaderSet>,
    pub(crate) default_headers: Id<HeaderSet>,
    pub(crate) no_headers: Id<HeaderSet>,
    pub(crate) has_csrf: bool,
    /// Whether it has tokens to issue.
    pub(crate) issues_csrf: bool,
    pub(crate) makes_callers: bool,
    /// Where providers send callers back to.
    pub(crate) returns: &'c HashMap<String, Return>,
}

/// The expressions of a route, which are typed once it is known what all routes take.
pub(crate) struct Untyped<'t> {
    whens: Vec<&'t Expression>,
    /// Who logs in, and with which password.
    login: Option<(&'t Expression, &'t Expression)>,
}

impl<'t> Checker<'t> {
    /// Every route but for its expressions, which come out as they are written.
    pub(crate) fn routes(&mut self, declared: &Declared<'_>) -> Vec<Untyped<'t>> {
        let blocks = self.names.routes.clone();
        let mut untyped = Vec::new();
        for block in blocks {
            let mut defaults = Draft::default();
            self.said_once(&block.defaults, true);
            for clause in &block.defaults {
                self.clause(clause, &mut defaults, declared);
            }
            for route in &block.routes {
                if let Some((route, expressions)) = self.route(block, route, defaults.clone(), declared) {
                    self.routes.push(route);
                    untyped.push(expressions);
                }
            }
        }
        let routes = std::mem::take(&mut self.routes);
        self.distinct(&routes);
        self.routes = routes;
        self.requiring = vec![Vec::new(); declared.permissions.permissions.len()];
        for (id, route) in self.routes.enumerate() {
            for permission in route.access.requirements.iter().flat_map(|requirement| &requirement.any_of) {
                self.requiring.iter_mut().skip(permission.row()).take(1).for_each(|routes| routes.push(id));
            }
            if route.enters_without_permission() {
                self.doors.push(id);
            }
        }
        untyped
    }

    /// Types the expressions of routes, once it is known what all routes take.
    pub(crate) fn route_conditions(&mut self, untyped: Vec<Untyped<'t>>) {
        let ids: Vec<Id<Route>> = self.routes.ids().collect();
        for (id, Untyped { whens, login }) in ids.into_iter().zip(untyped) {
            let one = [id];
            let view = View::route(&one, self.caller_of(id), self.resource_of(id));
            let mut typed = Vec::with_capacity(whens.len());
            for when in whens {
                let Some(expr) = self.truth(when, view.site()) else { continue };
                let reads = self.reads(&expr);
                typed.push(When { span: when.span, expr, reads });
            }
            self.routes.row_mut(id).access.whens = typed;
            if let Some((who, password)) = login {
                self.routes.row_mut(id).login = self.login(id, who, password);
            }
        }
    }

    /// Whether somebody is always calling at a route.
    pub(crate) fn caller_of(&self, route: Id<Route>) -> Caller {
        let access = &self.routes[route].access;
        let opens = |requirement: &Requirement| {
            requirement.any_of.iter().any(|permission| self.open_to_anyone.contains(permission.row()))
        };
        let anonymous = access.public
            || (!access.authenticated && !access.requirements.is_empty() && access.requirements.iter().all(opens));
        if anonymous { Caller::Perhaps } else { Caller::Assumed }
    }

    /// The resource that `resource` means in a route's own conditions, where there is no doubt.
    pub(crate) fn resource_of(&self, route: Id<Route>) -> Option<Id<Resource>> {
        match self.routes[route].access.subjects.as_slice() {
            [only] => Some(only.resource),
            _ => None,
        }
    }

    pub(crate) fn route_name(&self, route: Id<Route>) -> String {
        let route = &self.routes[route];
        format!("{} {}", route.method, path_pattern(&route.path))
    }

    fn route(
        &mut self,
        block: &'t tree::Routes,
        route: &'t tree::Route,
        mut draft: Draft<'t>,
        declared: &Declared<'_>,
    ) -> Option<(Route, Untyped<'t>)> {
        self.said_once(&route.clauses, false);
        // The route's own body replaces the block's.
        let by_default = draft.body.take();
        let public_by_default = draft.public;
        // What a route switches off are the block's defaults, wherever among its clauses it says so.
        let (off, on): (Vec<&'t Clause>, Vec<&'t Clause>) =
            route.clauses.iter().partition(|clause| matches!(clause.kind, ClauseKind::No(_)));
        for clause in off.into_iter().chain(on) {
            self.clause(clause, &mut draft, declared);
        }
        let method = self.method(&route.method);
        let path = self.path(&block.prefix, &route.path);
        self.access(route, &draft, public_by_default, declared);
        let body = self.body(route, &draft, by_default, declared);
        let service = self.service(route, path.as_deref(), &draft, declared);
        let issues = draft.issues.iter();
        let issues = issues.filter_map(|name| declared.tokens.id(self.names.tokens.get(&name.node)?.0)).collect();
        let path = path?;
        let subjects = self.on(&draft.subjects, &path);
        let route = Route {
            span: route.span,
            method: method?,
            path,
            access: Access {
                public: draft.public.is_some(),
                authenticated: draft.authenticated.is_some(),
                requirements: draft.requirements,
                scopes: draft.scopes,
                whens: Vec::new(),
                subjects,
                conceal: draft.conceal,
            },
            limits: draft.limits,
            csrf: draft.csrf,
            cors: draft.cors.unwrap_or(declared.default_cors),
            headers: draft.headers.unwrap_or(declared.default_headers),
            query: draft.query,
            body: body?,
            service,
            login: None,
            issues,
        };
        let login = draft.serves.iter().find_map(|serves| match serves.what {
            What::Password(who, password) => Some((who, password)),
            _ => None,
        });
        Some((route, Untyped { whens: draft.whens, login }))
    }

    /// `on RESOURCE(PARAM)`, one a resource.
    fn on(&mut self, written: &[(&Text, &Text, Span)], path: &[PathSegment]) -> Vec<Subject> {
        let mut subjects: Vec<Subject> = Vec::new();
        for (resource, parameter, span) in written {
            let found = self.names.resources.find(resource, &mut self.diagnostics).map(|(row, _)| row);
            let Some(resource) = found.and_then(|row| self.resources.id(row)) else { continue };
            let parameters = || {
                path.iter().filter_map(|segment| match segment {
                    PathSegment::Literal(_) => None,
                    PathSegment::Parameter { name, .. } | PathSegment::Rest(name) => Some(name.as_str()),
                })
            };
            if !parameters().any(|name| name == parameter.node) {
                let error = unknown("unknown_parameter", "path parameter", parameter, parameters());
                self.report(match parameters().next() {
                    Some(_) => error,
                    None => error.help(format!("put the id into the path: `/{{{}}}`", parameter.node)),
                });
                continue;
            }
            if let Some(first) = subjects.iter().find(|known| known.resource == resource) {
                let error = twice(self.sources, first.span, *span, &format!("`on {}`", self.resources[resource].name));
                self.report(error);
                continue;
            }
            subjects.push(Subject { span: *span, resource, parameter: parameter.node.clone() });
        }
        subjects
    }

    /// A route must say who may come: silence opens no door.
    fn access(&mut self, route: &tree::Route, draft: &Draft<'t>, by_default: Option<Span>, declared: &Declared<'_>) {
        let head = route.method.span.to(route.path.span);
        if let (Some(public), true) =
            (draft.public, draft.requires || draft.authenticated.is_some() || !draft.scopes.is_empty())
        {
            let span = if by_default == Some(public) { head } else { public };
            self.report(
                Diagnostic::error("public_and_protected", span, "a route can't be `public` and ask for a caller, too")
                    .help("take `public` out, or move the route to a block of its own"),
            );
        }
        if let (Some(authenticated), true) = (draft.authenticated, draft.requires) {
            self.report(
                Diagnostic::warning("redundant_authenticated", authenticated, "`requires` asks for a caller already")
                    .help(
                        "take `authenticated` out, unless an `allow anyone` covers the permission and shouldn't here",
                    ),
            );
        }
        if draft.public.is_none() && draft.authenticated.is_none() && !draft.requires {
            self.report(
                Diagnostic::error("no_access", head, "this route doesn't say who may call it")
                    .help("add `public`, `authenticated` or `requires PERMISSION`"),
            );
        }
        if draft.public.is_none() && (draft.requires || draft.authenticated.is_some()) && !declared.makes_callers {
            self.report(
                Diagnostic::error("no_users", head, "this route needs a caller, and nothing makes one")
                    .help("declare `user from TOKEN { … }`"),
            );
        }
    }

    fn body(
        &mut self,
        route: &tree::Route,
        draft: &Draft<'t>,
        by_default: Option<BodyRule>,
        declared: &Declared<'_>,
    ) -> Option<BodyRule> {
        let said = draft.body.or(by_default);
        let names = &self.names.tokens;
        let taken = draft.serves.iter().find_map(|Serves { what, .. }| what.takes());
        let taken = taken.and_then(|name| declared.tokens.id(names.get(&name.node)?.0));
        let carried = taken.filter(|token| matches!(declared.tokens[*token].carrier, TokenCarrier::Body(_)));
        match (carried, said) {
            (Some(token), None) => Some(BodyRule::Token(token)),
            (Some(_), Some(_)) => {
                self.report(
                    Diagnostic::error("two_bodies", route.span, "the token is this route's body already")
                        .help("take the `body` clause out"),
                );
                None
            }
            (None, Some(rule)) => Some(rule),
            (None, None) if matches!(route.method.node.as_str(), "POST" | "PUT" | "PATCH") => {
                let head = route.method.span.to(route.path.span);
                self.report(
                    Diagnostic::error(
                        "no_body_rule",
                        head,
                        format!("a {} route must say what body it takes", route.method.node),
                    )
                    .help("add `body SCHEMA`, `body raw` or `no body`"),
                );
                None
            }
            (None, None) => Some(BodyRule::Empty),
        }
    }
}
