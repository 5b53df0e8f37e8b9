//! The route table: defaults merged, names resolved, and nothing left unsaid.

use std::collections::HashMap;

use http::Method;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::syntax::tree::{self, Clause, ClauseKind, PathPattern, Segment};

use super::Checker;
use super::names::{in_order, suggest, unsupported};
use super::permission::PermissionIndex;
use super::schema::Shapes;
use super::typed::{
    Access, BodyRule, HeaderSet, Limit, ParameterType, PathSegment, Requirement, Route, Service, Token, TokenCarrier,
};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Deeper paths than any client's target would hold.
const MOST_SEGMENTS: usize = 64;

/// What routes can refer to.
pub(super) struct Declared<'c> {
    pub(super) tokens: &'c Table<Token>,
    pub(super) permissions: &'c PermissionIndex,
    pub(super) limits: &'c Table<Limit>,
    pub(super) shapes: &'c Shapes,
    pub(super) headers: &'c Table<HeaderSet>,
    pub(super) default_headers: Id<HeaderSet>,
    pub(super) no_headers: Id<HeaderSet>,
    pub(super) has_csrf: bool,
    pub(super) makes_callers: bool,
}

/// What the clauses of a block and of one of its routes add up to.
#[derive(Clone, Default)]
struct Draft {
    public: Option<Span>,
    authenticated: Option<Span>,
    requirements: Vec<Requirement>,
    /// Whether it requires something, known or not.
    requires: bool,
    body: Option<BodyRule>,
    limits: Vec<Id<Limit>>,
    csrf: bool,
    headers: Option<Id<HeaderSet>>,
    issues_csrf: bool,
    issues: bool,
    rotates: Option<Id<Token>>,
    logs_in: bool,
}

impl Checker<'_> {
    pub(super) fn routes(&mut self, declared: &Declared<'_>) -> Table<Route> {
        let blocks = self.names.routes.clone();
        let mut routes = Table::new();
        for block in blocks {
            let mut defaults = Draft::default();
            for clause in &block.defaults {
                self.clause(clause, &mut defaults, declared);
            }
            for route in &block.routes {
                if let Some(route) = self.route(block, route, defaults.clone(), declared) {
                    routes.push(route);
                }
            }
        }
        self.distinct(&routes);
        routes
    }

    fn route(
        &mut self,
        block: &tree::Routes,
        route: &tree::Route,
        mut draft: Draft,
        declared: &Declared<'_>,
    ) -> Option<Route> {
        // The route's own body and headers replace the block's.
        let by_default = draft.body.take();
        let public_by_default = draft.public;
        for clause in &route.clauses {
            self.clause(clause, &mut draft, declared);
        }
        let method = self.method(&route.method);
        let path = self.path(&block.prefix, &route.path);
        self.access(route, &draft, public_by_default, declared);
        let body = self.body(route, &draft, by_default, declared);
        let service = self.service(route, &draft);
        Some(Route {
            span: route.span,
            method: method?,
            path: path?,
            access: Access { public: draft.public.is_some(), requirements: draft.requirements },
            limits: draft.limits,
            csrf: draft.csrf,
            headers: draft.headers.unwrap_or(declared.default_headers),
            body: body?,
            service,
        })
    }

    fn clause(&mut self, clause: &Clause, draft: &mut Draft, declared: &Declared<'_>) {
        match &clause.kind {
            ClauseKind::Public => draft.public = Some(clause.span),
            ClauseKind::Authenticated => draft.authenticated = Some(clause.span),
            ClauseKind::Requires(patterns) => {
                draft.requires = true;
                for permission in self.required(patterns, declared.permissions) {
                    draft.requirements.push(Requirement { any_of: vec![permission] });
                }
            }
            ClauseKind::RequiresAny(patterns) => {
                draft.requires = true;
                let any_of = self.required(patterns, declared.permissions);
                draft.requirements.push(Requirement { any_of });
            }
            ClauseKind::Body(name) => {
                match self.names.schemas.find(name, &mut self.diagnostics) {
                    Some(_) => draft.body = declared.shapes.find(&name.node).map(BodyRule::Shape),
                    // Said once already; the route did say which body it takes.
                    None => draft.body = Some(BodyRule::Raw),
                }
            }
            ClauseKind::BodyRaw => draft.body = Some(BodyRule::Raw),
            ClauseKind::NoBody => draft.body = Some(BodyRule::Empty),
            ClauseKind::Limit(name) => {
                if let Some((row, _)) = self.names.limits.find(name, &mut self.diagnostics)
                    && let Some(limit) = declared.limits.id(row)
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
            ClauseKind::Headers(name) => {
                if let Some((row, _)) = self.names.headers.find(name, &mut self.diagnostics) {
                    draft.headers = declared.headers.id(row);
                }
            }
            ClauseKind::No(what) => self.switch_off(what, clause.span, draft, declared),
            ClauseKind::Issues(tokens) => self.issues(tokens, draft, declared),
            ClauseKind::Rotates(name) => {
                if let Some((row, _)) = self.names.tokens.find(name, &mut self.diagnostics) {
                    draft.rotates = declared.tokens.id(row);
                }
            }
            ClauseKind::Scope(_) => self.report(unsupported(clause.span, "`scope`")),
            ClauseKind::When(_) => self.report(unsupported(clause.span, "`when`")),
            ClauseKind::Query(_) => self.report(unsupported(clause.span, "`query`")),
            ClauseKind::Cors(_) => self.report(unsupported(clause.span, "`cors`")),
            ClauseKind::On { .. } => self.report(unsupported(clause.span, "`on`")),
            ClauseKind::Conceal => self.report(unsupported(clause.span, "`conceal`")),
            ClauseKind::Login(_) => {
                draft.logs_in = true;
                self.report(unsupported(clause.span, "`login`"));
            }
            ClauseKind::Callback(_) => {
                draft.logs_in = true;
                self.report(unsupported(clause.span, "`callback`"));
            }
            ClauseKind::Revokes(_) => self.report(unsupported(clause.span, "`revokes`")),
        }
    }

    fn switch_off(&mut self, what: &tree::Text, span: Span, draft: &mut Draft, declared: &Declared<'_>) {
        match what.node.as_str() {
            "csrf" => draft.csrf = false,
            "limit" => draft.limits.clear(),
            "headers" => draft.headers = Some(declared.no_headers),
            // There is nothing to switch off: `cors` itself isn't supported.
            "cors" => {}
            other => self.report(
                Diagnostic::error("not_switchable", span, format!("`{other}` can't be switched off"))
                    .help("what protects by identity holds for the whole block: move the route to another block"),
            ),
        }
    }

    fn issues(&mut self, tokens: &[tree::Text], draft: &mut Draft, declared: &Declared<'_>) {
        for name in tokens {
            if name.node == "csrf" {
                draft.issues_csrf = true;
                if !declared.has_csrf {
                    self.report(
                        Diagnostic::error("no_csrf", name.span, "the policy has no `csrf` block")
                            .help("declare `csrf { … }`"),
                    );
                }
                continue;
            }
            draft.issues = true;
            let Some((_, token)) = self.names.tokens.find(name, &mut self.diagnostics) else { continue };
            let claims = token.entries.iter().filter_map(|entry| match &entry.node {
                tree::TokenEntry::Claims(claims) => Some(claims),
                _ => None,
            });
            let sourceless = claims.flatten().find(|claim| claim.source.is_none() && !claim.attribute.optional);
            if let Some(claim) = sourceless {
                let name = &claim.attribute.name;
                let message = format!("a route issues this token, and nothing says where `{}` comes from", name.node);
                self.diagnostics.push(
                    Diagnostic::error("claim_without_source", name.span, message)
                        .help(format!("write `{}: … = account.NAME`", name.node)),
                );
            }
        }
    }

    fn method(&mut self, method: &tree::Text) -> Option<Method> {
        if METHODS.contains(&method.node.as_str()) {
            return Method::from_bytes(method.node.as_bytes()).ok();
        }
        let error = Diagnostic::error("unknown_method", method.span, format!("there is no method `{}`", method.node));
        self.report(match suggest(&method.node, METHODS.into_iter()) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error.help("write `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, `HEAD` or `OPTIONS`"),
        });
        None
    }

    fn path(&mut self, prefix: &PathPattern, path: &PathPattern) -> Option<Vec<PathSegment>> {
        let mut segments = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let written = prefix.segments.iter().chain(&path.segments);
        let count = prefix.segments.len() + path.segments.len();
        if count > MOST_SEGMENTS {
            let message = format!("the path has {count} segments");
            let help = format!("use at most {MOST_SEGMENTS}");
            self.report(Diagnostic::error("path_too_deep", path.span, message).help(help));
            return None;
        }
        for (at, segment) in written.enumerate() {
            let (name, typed) = match segment {
                Segment::Literal(literal) => {
                    segments.push(PathSegment::Literal(literal.node.clone()));
                    continue;
                }
                Segment::Parameter { name, ty } => {
                    let ty = match ty {
                        Some(ty) => self.parameter_type(ty)?,
                        None => ParameterType::Any,
                    };
                    (name, PathSegment::Parameter { name: name.node.clone(), ty })
                }
                Segment::Rest(name) => {
                    if at + 1 != count {
                        self.report(
                            Diagnostic::error(
                                "rest_not_last",
                                name.span,
                                format!("`{{*{}}}` takes the whole rest of the path", name.node),
                            )
                            .help("let it stand last"),
                        );
                        return None;
                    }
                    (name, PathSegment::Rest(name.node.clone()))
                }
            };
            if names.contains(&name.node.as_str()) {
                self.report(
                    Diagnostic::error(
                        "duplicate_name",
                        name.span,
                        format!("parameter `{}` stands twice in this path", name.node),
                    )
                    .help("give them different names"),
                );
                return None;
            }
            names.push(&name.node);
            segments.push(typed);
        }
        Some(segments)
    }

    fn parameter_type(&mut self, ty: &tree::Text) -> Option<ParameterType> {
        match ty.node.as_str() {
            "int" => Some(ParameterType::Int),
            "uuid" => Some(ParameterType::Uuid),
            "string" => Some(ParameterType::Any),
            other => {
                self.report(
                    Diagnostic::error("unknown_type", ty.span, format!("a path parameter can't be of type `{other}`"))
                        .help("write `{name}`, `{name: int}` or `{name: uuid}`"),
                );
                None
            }
        }
    }

    /// A route must say who may come: silence opens no door.
    fn access(&mut self, route: &tree::Route, draft: &Draft, by_default: Option<Span>, declared: &Declared<'_>) {
        let head = route.method.span.to(route.path.span);
        if let (Some(public), true) = (draft.public, draft.requires || draft.authenticated.is_some()) {
            let span = if by_default == Some(public) { head } else { public };
            self.report(
                Diagnostic::error("public_and_protected", span, "a route can't be `public` and ask for a caller, too")
                    .help("take `public` out, or move the route to a block of its own"),
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
        draft: &Draft,
        by_default: Option<BodyRule>,
        declared: &Declared<'_>,
    ) -> Option<BodyRule> {
        let said = draft.body.or(by_default);
        let carried = draft.rotates.filter(|token| matches!(declared.tokens[*token].carrier, TokenCarrier::Body(_)));
        match (carried, said) {
            (Some(token), None) => Some(BodyRule::Token(token)),
            (Some(_), Some(_)) => {
                self.report(
                    Diagnostic::error("two_bodies", route.span, "the rotated token is this route's body already")
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

    fn service(&mut self, route: &tree::Route, draft: &Draft) -> Service {
        let head = route.method.span.to(route.path.span);
        match (draft.rotates, draft.issues_csrf, draft.issues) {
            (Some(_), true, _) | (None, true, true) => {
                self.report(
                    Diagnostic::error("two_services", head, "a route issues a CSRF token or other tokens, not both")
                        .help("give the CSRF token a route of its own"),
                );
                Service::IssueCsrf
            }
            (Some(token), false, _) => Service::Rotate(token),
            (None, true, false) => Service::IssueCsrf,
            (None, false, true) if !draft.logs_in => {
                self.report(
                    Diagnostic::error("issues_for_nobody", head, "tokens are issued for a login or a rotation")
                        .help("add `rotates TOKEN`"),
                );
                Service::Handler
            }
            (None, false, _) => Service::Handler,
        }
    }

    /// Two routes with one method whose paths match the same requests, and two types at one place.
    fn distinct(&mut self, routes: &Table<Route>) {
        let mut shapes: HashMap<(String, &Method), Span> = HashMap::new();
        for route in routes.iter() {
            let shape = path_shape(&route.path);
            if let Some(first) = shapes.get(&(shape.clone(), &route.method)) {
                let (earlier, later) = in_order(self.sources, *first, route.span);
                self.diagnostics.push(
                    Diagnostic::error("duplicate_route", later, format!("two routes match `{} {shape}`", route.method))
                        .also(earlier, "the other one")
                        .help("take one of them out"),
                );
                continue;
            }
            shapes.insert((shape, &route.method), route.span);
        }
        let mut types: HashMap<String, (ParameterType, Span)> = HashMap::new();
        for route in routes.iter() {
            for (at, segment) in route.path.iter().enumerate() {
                let PathSegment::Parameter { ty: ty @ (ParameterType::Int | ParameterType::Uuid), .. } = segment else {
                    continue;
                };
                let place = path_shape(route.path.get(..at).unwrap_or_default());
                let (known, first) = *types.entry(place.clone()).or_insert((*ty, route.span));
                if known != *ty {
                    let (earlier, later) = in_order(self.sources, first, route.span);
                    self.diagnostics.push(
                        Diagnostic::error("parameter_types", later, format!("two types of parameter follow `{place}`"))
                            .also(earlier, "the other type")
                            .help("give both the same type"),
                    );
                }
            }
        }
    }
}

/// The path with parameters' names taken out: equal ones match the same requests.
fn path_shape(path: &[PathSegment]) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    path.iter()
        .map(|segment| match segment {
            PathSegment::Literal(literal) => format!("/{literal}"),
            PathSegment::Parameter { ty: ParameterType::Int, .. } => "/{int}".to_owned(),
            PathSegment::Parameter { ty: ParameterType::Uuid, .. } => "/{uuid}".to_owned(),
            PathSegment::Parameter { ty: ParameterType::Any, .. } => "/{}".to_owned(),
            PathSegment::Rest(_) => "/{*}".to_owned(),
        })
        .collect()
}
