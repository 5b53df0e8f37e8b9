//! What a route serves itself: logins, callbacks, rotation, revocation and CSRF tokens. One of them a route, each with what
//! it needs.

use std::collections::HashMap;

use crate::check::Checker;
use crate::check::callers::issue::{NotIssued, not_issued};
use crate::check::callers::provider::Return;
use crate::check::expressions::View;
use crate::check::routes::clause::Draft;
use crate::check::routes::path::path_pattern;
use crate::check::routes::route::Declared;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Carried, ClauseKind, Expression, Login, Text, TokenEntry};
use crate::typed::{BodyRule, Expr, PathSegment, Read, Route, Service, Type};

/// A clause that makes the policy serve a route, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Serves<'t> {
    pub(crate) span: Span,
    pub(crate) what: What<'t>,
}

/// What the clause says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What<'t> {
    IssuesCsrf,
    Password(&'t Expression, &'t Expression),
    Provider(&'t Text),
    Callback(&'t Text),
    Rotates(&'t Text),
    Revokes(&'t Text),
}

impl<'t> What<'t> {
    /// What a clause makes the policy serve; `issues csrf` apart, which shares its clause with tokens.
    pub(crate) fn of(clause: &'t ClauseKind) -> Option<Self> {
        match clause {
            ClauseKind::Login(Login::Password(who, password)) => Some(Self::Password(who, password)),
            ClauseKind::Login(Login::Provider(name)) => Some(Self::Provider(name)),
            ClauseKind::Callback(name) => Some(Self::Callback(name)),
            ClauseKind::Rotates(name) => Some(Self::Rotates(name)),
            ClauseKind::Revokes(name) => Some(Self::Revokes(name)),
            _ => None,
        }
    }

    /// As users call it.
    fn name(self) -> &'static str {
        match self {
            Self::IssuesCsrf => "issues csrf",
            Self::Password(..) | Self::Provider(_) => "login",
            Self::Callback(_) => "callback",
            Self::Rotates(_) => "rotates",
            Self::Revokes(_) => "revokes",
        }
    }

    /// The methods that a route of this kind can have: what changes something isn't asked for by a link.
    fn methods(self) -> &'static [&'static str] {
        match self {
            Self::IssuesCsrf => &["GET", "POST"],
            Self::Password(..) | Self::Rotates(_) => &["POST"],
            Self::Revokes(_) => &["POST", "DELETE"],
            Self::Provider(_) | Self::Callback(_) => &["GET"],
        }
    }

    /// The token that the route takes in.
    pub(crate) fn takes(self) -> Option<&'t Text> {
        match self {
            Self::Rotates(name) | Self::Revokes(name) => Some(name),
            _ => None,
        }
    }

    fn issues(self) -> bool {
        matches!(self, Self::Password(..) | Self::Callback(_) | Self::Rotates(_))
    }
}

impl<'t> Checker<'t> {
    /// What a route serves, and whether all that it needs is there.
    pub(crate) fn service(
        &mut self,
        route: &tree::Route,
        path: Option<&[PathSegment]>,
        draft: &Draft<'t>,
        declared: &Declared<'_>,
    ) -> Service {
        let head = route.method.span.to(route.path.span);
        if let [first, .., last] = draft.serves.as_slice() {
            self.report(
                Diagnostic::error(
                    "two_services",
                    last.span,
                    format!("a route has `{}` or `{}`, not both", first.what.name(), last.what.name()),
                )
                .also(first.span, "the other one")
                .help("give each a route of its own"),
            );
            return Service::Handler;
        }
        let Some(Serves { span, what }) = draft.serves.first().copied() else {
            if let Some(issued) = draft.issues.first() {
                self.report(
                    Diagnostic::error("issues_for_nobody", issued.span, "tokens are issued for a login or a rotation")
                        .help("add `login with password(…, …)`, `callback of PROVIDER` or `rotates TOKEN`"),
                );
            }
            return Service::Handler;
        };
        let told = self.diagnostics.len();
        self.service_method(route, what);
        self.service_access(draft, span, what);
        self.service_issues(head, draft, span, what);
        let service = match what {
            What::IssuesCsrf => Service::IssueCsrf,
            What::Password(..) => {
                self.needs_password(span);
                Service::Login
            }
            What::Provider(name) => {
                self.returns_somewhere(name);
                Service::Redirect
            }
            What::Callback(name) => {
                if self.names.providers.find(name, &mut self.diagnostics).is_some() {
                    self.comes_back_here(name, path, declared.returns);
                }
                Service::Callback
            }
            What::Rotates(name) => match self.spent(name, what, declared) {
                Some(token) => {
                    self.goes_on(name, draft);
                    self.stays_in_family(name, draft, declared);
                    Service::Rotate(token)
                }
                None => Service::Handler,
            },
            What::Revokes(name) => self.spent(name, what, declared).map_or(Service::Handler, Service::Revoke),
        };
        if matches!(what, What::Password(..) | What::Callback(_)) && self.names.account.iter().next().is_none() {
            self.report(
                Diagnostic::error("no_account", span, "nothing says what is known of who logs in")
                    .help("declare `account { id: string … }`, from which issued claims are made"),
            );
        }
        // What is in error is worth no warning.
        if let (true, Some(missing)) = (self.diagnostics.len() == told, service.unavailable()) {
            self.report(
                Diagnostic::warning("not_running", span, missing)
                    .label("every request that comes so far is answered with 501")
                    .help("serve this route by the host until a version does"),
            );
        }
        service
    }

    fn service_method(&mut self, route: &tree::Route, what: What<'_>) {
        let methods = what.methods();
        if !methods.contains(&route.method.node.as_str())
            && crate::check::expressions::METHODS.contains(&route.method.node.as_str())
        {
            let name = what.name();
            let methods: Vec<String> = methods.iter().map(|method| format!("`{method}`")).collect();
            self.report(
                Diagnostic::error(
                    "wrong_method",
                    route.method.span,
                    format!("`{name}` doesn't go with `{}`", route.method.node),
                )
                .help(format!("write {}", methods.join(" or "))),
            );
        }
    }

    /// Who logs in isn't a caller yet.
    fn service_access(&mut self, draft: &Draft<'_>, span: Span, what: What<'_>) {
        let logs_in = matches!(what, What::Password(..) | What::Provider(_) | What::Callback(_));
        if logs_in && draft.public.is_none() && (draft.requires || draft.authenticated.is_some()) {
            self.report(
                Diagnostic::error("login_for_callers", span, "whoever logs in isn't a caller yet")
                    .help("make the route `public`"),
            );
        }
    }

    fn service_issues(&mut self, head: Span, draft: &Draft<'_>, span: Span, what: What<'_>) {
        match (what, draft.issues.first()) {
            (What::IssuesCsrf, Some(_)) => self.report(
                Diagnostic::error("two_services", head, "a route issues a CSRF token or other tokens, not both")
                    .help("give the CSRF token a route of its own"),
            ),
            (What::Provider(_), Some(issued)) => self.report(
                Diagnostic::error("issues_for_nobody", issued.span, "nobody has logged in before the provider says so")
                    .also(span, "sends the caller to the provider")
                    .help("move `issues` to the route with `callback of PROVIDER`"),
            ),
            (What::Revokes(_), Some(issued)) => self.report(
                Diagnostic::error("issues_for_nobody", issued.span, "who logs out gets no tokens")
                    .also(span, "takes a token out of use")
                    .help("take `issues` out, or write `rotates TOKEN` to exchange the token"),
            ),
            (What::Rotates(_), None) => self.report(
                Diagnostic::error("rotates_for_nothing", head, "this route takes a token and gives none back")
                    .help("add `issues TOKEN, …`"),
            ),
            (what, None) if what.issues() => self.report(
                Diagnostic::error("login_for_nothing", span, "this route logs somebody in and gives nothing back")
                    .help("add `issues TOKEN, …`"),
            ),
            _ => {}
        }
    }

    fn needs_password(&mut self, span: Span) {
        if self.names.password.is_none() {
            self.report(
                Diagnostic::error("no_password", span, "nothing says how passwords are hashed")
                    .help("declare `password { algorithm argon2id }`"),
            );
        }
    }

    /// Who is sent to a provider comes back to a callback.
    fn returns_somewhere(&mut self, name: &Text) {
        if self.names.providers.find(name, &mut self.diagnostics).is_none() {
            return;
        }
        let of = |clause: &tree::Clause| matches!(&clause.kind, ClauseKind::Callback(of) if of.node == name.node);
        let routes = self.names.routes.iter();
        let mut clauses =
            routes.flat_map(|block| block.defaults.iter().chain(block.routes.iter().flat_map(|route| &route.clauses)));
        if !clauses.any(of) {
            self.report(
                Diagnostic::error("no_callback", name.span, format!("nobody comes back from `{}`", name.node)).help(
                    format!(
                        "add a route at its `redirect_url`: `GET /… public  callback of {}  issues TOKEN`",
                        name.node
                    ),
                ),
            );
        }
    }

    /// The callback must stand where the provider sends callers to.
    fn comes_back_here(&mut self, name: &Text, path: Option<&[PathSegment]>, returns: &HashMap<String, Return>) {
        let back = returns.get(&name.node).and_then(|back| Some((back.span, back.path.as_deref()?)));
        let (Some(path), Some((span, expected))) = (path, back) else { return };
        let literal = path.iter().all(|segment| matches!(segment, PathSegment::Literal(_)));
        let shape = path_pattern(path);
        if !literal || shape != expected {
            self.report(
                Diagnostic::error(
                    "callback_elsewhere",
                    name.span,
                    format!("`{}` doesn't send callers here", name.node),
                )
                .label(format!("this is `{shape}`"))
                .also(span, "but there")
                .help(format!("move the route to `{expected}`, or change `redirect_url`")),
            );
        }
    }

    /// A token that a route takes in: only one that the policy issues can be exchanged, or taken out of use.
    fn spent(&mut self, name: &Text, what: What<'_>, declared: &Declared<'_>) -> Option<Id<crate::typed::Token>> {
        let (row, token) = self.names.tokens.find(name, &mut self.diagnostics)?;
        let token = *token;
        let rotates = matches!(what, What::Rotates(_));
        let verb = if rotates { "rotated" } else { "revoked" };
        let everywhere = token.entries.iter().find_map(|entry| match &entry.node {
            TokenEntry::Carried(carried) => Some(matches!(carried, Carried::Bearer | Carried::Header(_))),
            _ => None,
        });
        if let Some(NotIssued { span, why, .. }) = not_issued(token) {
            self.report(
                Diagnostic::error("not_issuable", name.span, format!("`{}` can't be {verb} here", name.node))
                    .also(span, why)
                    .help("name a token that the policy issues: one with a `key` and a `lifetime`"),
            );
            return None;
        }
        if rotates && everywhere.unwrap_or(true) {
            self.report(
                Diagnostic::error(
                    "bearer_rotated",
                    name.span,
                    format!("`{}` is shown with every request: it can't be rotated", name.node),
                )
                .help("rotate a token that is `carried cookie \"NAME\"` or `carried body \"FIELD\"`"),
            );
            return None;
        }
        if !rotates && !token.entries.iter().any(|entry| matches!(entry.node, TokenEntry::SingleUse(_))) {
            self.report(
                Diagnostic::error("not_revocable", name.span, format!("`{}` holds until it expires", name.node))
                    .label("nobody is asked about it when it is shown")
                    .also(token.name.span, "declared here")
                    .help("revoke a token that is `single_use`, and give this one a short `lifetime`"),
            );
            return None;
        }
        if rotates && !token.entries.iter().any(|entry| matches!(entry.node, TokenEntry::SingleUse(_))) {
            self.report(
                Diagnostic::error(
                    "rotated_again",
                    name.span,
                    format!("`{}` is exchanged here, and nothing says that it is then spent", name.node),
                )
                .also(token.name.span, "declared here")
                .help("add `single_use` to the token"),
            );
        }
        declared.tokens.id(row)
    }

    /// `password(WHO, PASSWORD)`, once it is known what the route takes.
    pub(crate) fn login(&mut self, route: Id<Route>, who: &Expression, password: &Expression) -> Option<(Expr, Expr)> {
        let one = [route];
        let view = View::route(&one, self.caller_of(route), self.resource_of(route));
        let known = self.expect(who, &Type::String, "who logs in", &view);
        let known = known.and_then(|typed| self.discharged(who, &typed, &view).map(|()| typed.expr));
        let typed = self.expect(password, &Type::String, "the password", &view)?;
        self.discharged(password, &typed, &view)?;
        let shape = match self.routes[route].body {
            BodyRule::Shape(shape) => Some(shape),
            _ => None,
        };
        let is_secret = |name: &str| {
            shape.is_some_and(|shape| {
                self.shapes.table[shape].fields.iter().any(|field| field.name == name && field.secret)
            })
        };
        if !matches!(&typed.expr, Expr::Read(Read::Body(name)) if is_secret(name)) {
            self.report(
                Diagnostic::warning(
                    "password_in_the_open",
                    password.span,
                    "this password can end up in logs and answers",
                )
                .help("take it from a field of the body that is `secret`: `password: string bytes 8..1024 secret`"),
            );
        }
        Some((known?, typed.expr))
    }
}
