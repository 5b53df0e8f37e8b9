//! A door: what its rules are asked about, and why it stays shut.

use smallvec::SmallVec;

use crate::collections::table::Id;
use crate::decide::Denial;
use crate::decide::journey::Journey;
use crate::decide::permissions::authorize::Findings;
use crate::decide::respond::Outcome;
use crate::eval::attributes::Attributes;
use crate::eval::evaluate::{Call, Circumstances, Given, Thing, truth};
use crate::eval::questions::holds;
use crate::graph::{Knowing, Test};
use crate::model::reason::{Code, Stage};
use crate::model::truth::Outcomes;
use crate::protocol::question::Question;
use crate::protocol::request::Record;
use crate::typed::{BodyRule, Permission, Resource, Scope};

impl<'g> Journey<'g, '_> {
    /// What is known around the conditions of rules.
    pub(crate) fn around(&self, knowing: Knowing) -> Circumstances<'_> {
        Circumstances {
            user: self.user.as_ref(),
            client: self.client,
            now: Some(self.request.now),
            context: self.lookup.context().map(Attributes::Given),
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
            missing: self.lookup.if_asking(),
            ..Circumstances::empty(self.policy)
        }
    }

    /// The thing of a kind that this route is about.
    fn thing(&self, resource: Id<Resource>) -> Thing<'_> {
        let subject = self.route.access.subjects.iter().find(|subject| subject.resource == resource);
        let Some(id) = subject.and_then(|subject| self.input.params.get(&subject.parameter)) else {
            return Thing::Of { resource, id: None, attributes: None };
        };
        let attributes = self.facts_of(&self.policy.resources[resource].name, id).map(Attributes::Given);
        Thing::Of { resource, id: Some(id), attributes }
    }

    /// What the host looked up of `RESOURCE/ID`.
    fn facts_of(&self, resource: &str, id: &str) -> Option<&Record> {
        let mut name: SmallVec<[u8; 128]> = SmallVec::new();
        name.extend_from_slice(resource.as_bytes());
        name.push(b'/');
        name.extend_from_slice(id.as_bytes());
        self.lookup.resource(std::str::from_utf8(&name).ok()?)
    }

    /// The thing that a condition of the route is about.
    fn own_thing(&self) -> Thing<'_> {
        match self.route.access.subjects.as_slice() {
            [only] => self.thing(only.resource),
            _ => Thing::None,
        }
    }

    /// What isn't known can only turn a *yes* into a *no*: the host is asked where that happens, for the first thing alone,
    /// as the next may not be needed then.
    pub(crate) fn test(&self, test: Test) -> Result<bool, Vec<Question>> {
        self.lookup.start();
        let holds = self.holds(test);
        if !holds {
            self.lookup.first_wanted()?;
        }
        Ok(holds)
    }

    fn holds(&self, test: Test) -> bool {
        let logic = &self.graph.logic;
        match test {
            Test::Permission(any_of, knowing) => {
                self.graph.permission_sets[any_of].iter().any(|permission| self.granted(*permission, knowing))
            }
            Test::Scope(scope) => self.has_scope(scope),
            Test::Whens(route, knowing) => {
                let around = self.around(knowing);
                let environment = &around.about(self.own_thing());
                holds(logic, self.graph.conditions(route, knowing), environment)
            }
            Test::Doors(knowing) => {
                let around = self.around(knowing);
                holds(logic, self.graph.doors(knowing), &around.about(Thing::None))
            }
        }
    }

    fn granted(&self, permission: Id<Permission>, knowing: Knowing) -> bool {
        let thing = self.thing(self.policy.permissions[permission].resource);
        let around = self.around(knowing);
        holds(&self.graph.logic, self.graph.permission(permission, knowing), &around.about(thing))
    }

    /// Whether all that the route takes was looked at.
    fn input_is_known(&self) -> bool {
        let body = !matches!(self.route.body, BodyRule::Shape(_)) || self.input.body.is_some();
        body && (self.route.query.is_none() || self.input.query.is_some())
    }

    /// A scope is asked of callers that are capped by scopes.
    fn has_scope(&self, scope: Id<Scope>) -> bool {
        self.user.as_ref().is_none_or(|user| user.scopes.is_none() || user.known_scopes.contains(&scope))
    }

    /// Every reason why the caller may not. An anonymous one is asked for a credential; and what is concealed is told to
    /// nobody.
    pub(crate) fn refused(&mut self) -> Result<Outcome<'g>, Vec<Question>> {
        self.lookup.start();
        let access = &self.route.access;
        let mut findings = Findings::default();
        let around = self.around(Knowing::Early);
        let knowing = if self.input_is_known() { Knowing::All } else { Knowing::Early };
        for scope in access.scopes.iter().filter(|scope| !self.has_scope(**scope)) {
            findings.scope(self.policy.scope_names.get(*scope), self.route.span);
        }
        for requirement in &access.requirements {
            if !requirement.any_of.iter().any(|permission| self.granted(*permission, knowing)) {
                let thing = |permission: &Permission| self.thing(permission.resource);
                findings.permissions(&requirement.any_of, Some(requirement.span), around, thing);
            }
        }
        // Whoever logs in comes in by no permission, either.
        if self.route.is_open_to_callers() || self.route.service.makes_callers() {
            findings.doors(around);
        }
        let environment = around.about(self.own_thing());
        for when in &access.whens {
            let outcome = truth(&when.expr, &environment);
            if !outcome.may(Outcomes::TRUE) {
                findings.when(&when.expr, when.span, outcome, &environment);
            }
        }
        // Every reason is told, whichever decided.
        self.lookup.wanted()?;
        let mut denials = findings.into_denials();
        if denials.is_empty() {
            let message = "whatever the input were, it wouldn't be allowed";
            denials.push(Denial::new(Code::PermissionDenied, Stage::Authorize, message));
        }
        if self.user.is_none()
            && !access.public
            && let Some(mut credential) = self.credential.take()
        {
            credential.stage = Stage::Authorize;
            denials.insert(0, credential);
        }
        Ok(if access.conceal { Outcome::Conceal(denials) } else { Outcome::Deny(denials) })
    }
}
