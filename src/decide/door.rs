//! A door: what its rules are asked about, and why it stays shut.

use crate::check::typed::{BodyRule, Permission, Scope};
use crate::graph::{Knowing, Test};
use crate::model::outcome::Outcomes;
use crate::model::reason::Stage;
use crate::model::table::Id;

use super::Journey;
use super::authorize::{self, Findings};
use super::evaluate::{Call, Circumstances, Given, Thing, truth};
use super::respond::Outcome;

impl<'g> Journey<'g, '_> {
    /// What is known around the conditions of rules.
    pub(super) fn around(&self, knowing: Knowing) -> Circumstances<'_> {
        Circumstances {
            user: self.user.as_ref(),
            client: self.client,
            now: Some(self.request.now),
            context: self.request.facts.context.as_ref(),
            call: Some(Call {
                method: self.request.method,
                path: self.target.canonical_path(),
                authority: self.target.authority(),
                headers: self.request.headers,
                route: self.route,
                params: &self.input.params,
            }),
            body: match (self.route.body, knowing, &self.input.body) {
                (BodyRule::Shape(shape), _, Some(body)) => Given::Json(shape, body),
                (BodyRule::Shape(_), Knowing::Early, None) => Given::Pending,
                _ => Given::Unknown,
            },
            query: match (self.route.query, knowing, &self.input.query) {
                (Some(shape), _, Some(query)) => Given::Json(shape, query),
                (Some(_), Knowing::Early, None) => Given::Pending,
                _ => Given::Unknown,
            },
            cache: Some(&self.cache),
            ..Circumstances::empty(self.policy)
        }
    }

    /// The thing that a permission is about at this route.
    fn thing(&self, permission: &Permission) -> Thing<'_> {
        let resource = permission.resource;
        let subject = self.route.access.subjects.iter().find(|subject| subject.resource == resource);
        let Some(id) = subject.and_then(|subject| self.input.params.get(&subject.parameter)) else {
            return Thing::Of { resource, id: None, attributes: None };
        };
        let name = format!("{}/{id}", self.policy.resources[resource].name);
        let attributes = self.request.facts.resources.get(&name).and_then(Option::as_ref);
        Thing::Of { resource, id: Some(id), attributes }
    }

    /// The thing that a condition of the route is about.
    fn own_thing(&self) -> Thing<'_> {
        match self.route.access.subjects.as_slice() {
            [only] => {
                let resource = only.resource;
                let of = self.policy.permissions.iter().find(|permission| permission.resource == resource);
                of.map_or(Thing::None, |permission| self.thing(permission))
            }
            _ => Thing::None,
        }
    }

    pub(super) fn test(&self, test: Test) -> bool {
        let passes = |outcome: Outcomes, knowing: Knowing| match knowing {
            Knowing::Early => outcome.may(Outcomes::TRUE),
            Knowing::All => outcome == Outcomes::TRUE,
        };
        match test {
            Test::Permission(any_of, knowing) => {
                let around = self.around(knowing);
                self.graph.permission_sets[any_of]
                    .iter()
                    .map(|id| &self.policy.permissions[*id])
                    .any(|permission| passes(authorize::granted(permission, around, self.thing(permission)), knowing))
            }
            Test::Scope(scope) => self.has_scope(scope),
            Test::Whens(route, knowing) => {
                let environment = self.around(knowing).about(self.own_thing());
                let whens = &self.policy.routes[route].access.whens;
                whens.iter().all(|when| passes(truth(&when.expr, &environment), knowing))
            }
            Test::Doors(knowing) => passes(authorize::doors(self.around(knowing)), knowing),
        }
    }

    /// A scope is asked of callers that are capped by scopes.
    fn has_scope(&self, scope: Id<Scope>) -> bool {
        self.user.as_ref().is_none_or(|user| user.scopes.is_none() || user.known_scopes.contains(scope.row()))
    }

    /// Every reason why the caller may not. An anonymous one is asked for a credential; and what is concealed is told to
    /// nobody.
    pub(super) fn refused(&mut self) -> Outcome<'g> {
        let access = &self.route.access;
        let mut findings = Findings::default();
        let around = self.around(Knowing::Early);
        for scope in access.scopes.iter().filter(|scope| !self.has_scope(**scope)) {
            findings.scope(&self.policy.scopes[*scope], self.route.span);
        }
        for requirement in &access.requirements {
            let granted = |id: &Id<Permission>| {
                let permission = &self.policy.permissions[*id];
                authorize::granted(permission, around, self.thing(permission)).may(Outcomes::TRUE)
            };
            if !requirement.any_of.iter().any(granted) {
                let thing = |permission: &Permission| self.thing(permission);
                findings.permissions(&requirement.any_of, Some(requirement.span), around, thing);
            }
        }
        if self.route.is_open_to_callers() {
            findings.doors(around);
        }
        let environment = around.about(self.own_thing());
        for when in &access.whens {
            let outcome = truth(&when.expr, &environment);
            if !outcome.may(Outcomes::TRUE) {
                findings.when(&when.expr, when.span, outcome, &environment);
            }
        }
        let mut denials = findings.into_denials();
        if self.user.is_none()
            && !access.public
            && let Some(mut credential) = self.credential.take()
        {
            credential.stage = Stage::Authorize;
            denials.insert(0, credential);
        }
        if access.conceal { Outcome::Conceal(denials) } else { Outcome::Deny(denials) }
    }
}
