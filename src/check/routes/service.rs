//! Services of the policy itself: logins, callbacks, rotation, revocation and CSRF tokens. A route has one at most.

use std::collections::HashMap;

use crate::check::callers::provider::Return;
use crate::check::checker::Report;
use crate::check::routes::draft::{RouteChecker, RouteDraft, ServiceClause, ServiceKind};
use crate::check::routes::issues::{IssueBlocker, issue_blocker};
use crate::check::routes::path::{METHODS, path_pattern};
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Carried, ClauseKind, Text, TokenEntry};
use crate::typed::{PathSegment, Service};

impl<'t> RouteChecker<'_, 't> {
    /// Returns the service of a route, and checks that all that it needs is declared.
    pub(crate) fn service(
        &mut self,
        route: &tree::Route,
        path: Option<&[PathSegment]>,
        draft: &RouteDraft<'t>,
    ) -> Service {
        let head = route.method.span.to(route.path.span);
        if let [first, .., last] = draft.services.as_slice() {
            let message = format!("a route has `{}` or `{}`, not both", first.kind.name(), last.kind.name());
            Diagnostic::error("two_services", last.span, message)
                .also(first.span, "the other one")
                .report_with(self.checker, "give each a route of its own");
            return Service::Handler;
        }
        let Some(ServiceClause { span, kind }) = draft.services.first().copied() else {
            if let Some(issued) = draft.issues.first() {
                Diagnostic::error("issues_for_nobody", issued.span, "tokens are issued for a login or a rotation")
                    .help("add `login with password(…, …)`, `callback of PROVIDER` or `rotates TOKEN`")
                    .report(self.checker);
            }
            return Service::Handler;
        };
        let before = self.checker.findings.count();
        self.service_method(route, kind);
        self.service_access(draft, span, kind);
        self.service_issues(head, draft, span, kind);
        let service = match kind {
            ServiceKind::IssuesCsrf => Service::IssueCsrf,
            ServiceKind::Password(_) => {
                self.needs_password(span);
                Service::Login
            }
            ServiceKind::Provider(name) => {
                self.returns_somewhere(name);
                Service::Redirect
            }
            ServiceKind::Callback(name) => {
                if self.checker.names.providers.find(name, &self.checker.findings).is_some() {
                    self.comes_back_here(name, path, self.returns);
                }
                Service::Callback
            }
            ServiceKind::Rotates(name) => match self.spent(name, kind) {
                Some(token) => {
                    self.goes_on(name, draft);
                    self.stays_in_family(name, draft);
                    Service::Rotate(token)
                }
                None => Service::Handler,
            },
            ServiceKind::Revokes(name) => self.spent(name, kind).map_or(Service::Handler, Service::Revoke),
        };
        if matches!(kind, ServiceKind::Password(_) | ServiceKind::Callback(_)) && self.checker.names.account.is_empty()
        {
            Diagnostic::error("no_account", span, "nothing says what is known of who logs in")
                .report_with(self.checker, "declare `account { id: string … }`, from which issued claims are made");
        }
        // What is in error is worth no warning.
        if let (true, Some(missing)) = (self.checker.findings.count() == before, service.unavailable()) {
            Diagnostic::warning("not_running", span, missing)
                .label("every request that comes so far is answered with 501")
                .report_with(self.checker, "serve this route by the host until a version does");
        }
        service
    }

    fn service_method(&mut self, route: &tree::Route, kind: ServiceKind<'_>) {
        let methods = kind.methods();
        if !methods.contains(&route.method.node.as_str()) && METHODS.contains(&route.method.node.as_str()) {
            let name = kind.name();
            let methods: Vec<String> = methods.iter().map(|method| format!("`{method}`")).collect();
            let message = format!("`{name}` doesn't go with `{}`", route.method.node);
            Diagnostic::error("wrong_method", route.method.span, message)
                .report_with(self.checker, format!("write {}", methods.join(" or ")));
        }
    }

    /// Reports a login that asks for a caller, whom only the login makes.
    fn service_access(&mut self, draft: &RouteDraft<'_>, span: Span, kind: ServiceKind<'_>) {
        let logs_in = matches!(kind, ServiceKind::Password(_) | ServiceKind::Provider(_) | ServiceKind::Callback(_));
        if logs_in && draft.access.public.is_none() && (draft.access.requires || draft.access.authenticated.is_some()) {
            Diagnostic::error("login_for_callers", span, "whoever logs in isn't a caller yet")
                .report_with(self.checker, "make the route `public`");
        }
    }

    fn service_issues(&mut self, head: Span, draft: &RouteDraft<'_>, span: Span, kind: ServiceKind<'_>) {
        match (kind, draft.issues.first()) {
            (ServiceKind::IssuesCsrf, Some(_)) => {
                Diagnostic::error("two_services", head, "a route issues a CSRF token or other tokens, not both")
                    .report_with(self.checker, "give the CSRF token a route of its own")
            }
            (ServiceKind::Provider(_), Some(issued)) => {
                Diagnostic::error("issues_for_nobody", issued.span, "nobody has logged in before the provider says so")
                    .also(span, "sends the caller to the provider")
                    .report_with(self.checker, "move `issues` to the route with `callback of PROVIDER`")
            }
            (ServiceKind::Revokes(_), Some(issued)) => {
                Diagnostic::error("issues_for_nobody", issued.span, "who logs out gets no tokens")
                    .also(span, "takes a token out of use")
                    .report_with(self.checker, "take `issues` out, or write `rotates TOKEN` to exchange the token")
            }
            (ServiceKind::Rotates(_), None) => {
                Diagnostic::error("rotates_for_nothing", head, "this route takes a token and gives none back")
                    .report_with(self.checker, "add `issues TOKEN, …`")
            }
            (kind, None) if kind.issues() => {
                Diagnostic::error("login_for_nothing", span, "this route logs somebody in and gives nothing back")
                    .report_with(self.checker, "add `issues TOKEN, …`")
            }
            _ => {}
        }
    }

    fn needs_password(&mut self, span: Span) {
        if self.checker.names.password.is_none() {
            Diagnostic::error("no_password", span, "nothing says how passwords are hashed")
                .report_with(self.checker, "declare `password { algorithm argon2id }`");
        }
    }

    /// Checks that a callback exists for a provider that callers are sent to.
    fn returns_somewhere(&mut self, name: &Text) {
        if self.checker.names.providers.find(name, &self.checker.findings).is_none() {
            return;
        }
        let of = |clause: &tree::Clause| matches!(&clause.kind, ClauseKind::Callback(of) if of.node == name.node);
        let routes = self.checker.names.routes.iter();
        let mut clauses =
            routes.flat_map(|block| block.defaults.iter().chain(block.routes.iter().flat_map(|route| &route.clauses)));
        if !clauses.any(of) {
            Diagnostic::error("no_callback", name.span, format!("nobody comes back from `{}`", name.node))
                .help(format!(
                    "add a route at its `redirect_url`: `GET /… public  callback of {}  issues TOKEN`",
                    name.node
                ))
                .report(self.checker);
        }
    }

    /// The callback must stand where the provider sends callers to.
    fn comes_back_here(&mut self, name: &Text, path: Option<&[PathSegment]>, returns: &HashMap<String, Return>) {
        let back = returns.get(&name.node).and_then(|back| Some((back.span, back.path.as_deref()?)));
        let (Some(path), Some((span, expected))) = (path, back) else { return };
        let literal = path.iter().all(|segment| matches!(segment, PathSegment::Literal(_)));
        let shape = path_pattern(path);
        if !literal || shape != expected {
            Diagnostic::error("callback_elsewhere", name.span, format!("`{}` doesn't send callers here", name.node))
                .label(format!("this is `{shape}`"))
                .also(span, "but there")
                .report_with(self.checker, format!("move the route to `{expected}`, or change `redirect_url`"));
        }
    }

    /// A token that a route takes in: only one that the policy issues can be exchanged, or taken out of use.
    fn spent(&mut self, name: &Text, kind: ServiceKind<'_>) -> Option<Id<crate::typed::Token>> {
        let (row, token) = self.checker.names.tokens.find(name, &self.checker.findings)?;
        let rotates = matches!(kind, ServiceKind::Rotates(_));
        let verb = if rotates { "rotated" } else { "revoked" };
        let everywhere = token.entries.iter().find_map(|entry| match &entry.node {
            TokenEntry::Carried(carried) => Some(matches!(carried, Carried::Bearer | Carried::Header(_))),
            _ => None,
        });
        if let Some(IssueBlocker { span, why, .. }) = issue_blocker(token) {
            Diagnostic::error("not_issuable", name.span, format!("`{}` can't be {verb} here", name.node))
                .also(span, why)
                .report_with(self.checker, "name a token that the policy issues: one with a `key` and a `lifetime`");
            return None;
        }
        if rotates && everywhere.unwrap_or(true) {
            let message = format!("`{}` is shown with every request: it can't be rotated", name.node);
            Diagnostic::error("bearer_rotated", name.span, message).report_with(
                self.checker,
                "rotate a token that is `carried cookie \"NAME\"` or `carried body \"FIELD\"`",
            );
            return None;
        }
        if !rotates && !token.entries.iter().any(|entry| matches!(entry.node, TokenEntry::SingleUse(_))) {
            Diagnostic::error("not_revocable", name.span, format!("`{}` holds until it expires", name.node))
                .label("nobody is asked about it when it is shown")
                .also(token.name.span, "declared here")
                .report_with(self.checker, "revoke a token that is `single_use`, and give this one a short `lifetime`");
            return None;
        }
        if rotates && !token.entries.iter().any(|entry| matches!(entry.node, TokenEntry::SingleUse(_))) {
            let message = format!("`{}` is exchanged here, and nothing says that it is then spent", name.node);
            Diagnostic::error("rotated_again", name.span, message)
                .also(token.name.span, "declared here")
                .report_with(self.checker, "add `single_use` to the token");
        }
        self.tokens.id(row)
    }
}
