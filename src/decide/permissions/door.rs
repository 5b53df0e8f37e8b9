//! The tests of a route's access rules.

use crate::collections::table::Id;
use crate::decide::denial::Denial;
use crate::decide::journey::Journey;
use crate::decide::permissions::authorize::Findings;
use crate::decide::respond::Response;
use crate::eval::attributes::Attributes;
use crate::eval::context::{EvalContext, InputState, RequestRef, ResourceRef};
use crate::eval::evaluate::truth;
use crate::eval::questions::satisfies;
use crate::graph::{Phase, Test};
use crate::model::reason::{Code, Stage};
use crate::model::truth::Truths;
use crate::protocol::question::Question;
use crate::typed::{BodyRule, Permission, Resource, Scope};

impl<'g> Journey<'g, '_> {
    pub(crate) fn eval_context(&self, phase: Phase) -> EvalContext<'_> {
        EvalContext {
            user: self.progress.user.as_ref(),
            client: self.progress.target.client,
            now: Some(self.request.now),
            host_context: self.progress.lookup.context().map(Attributes::Json),
            call: Some(RequestRef {
                method: self.request.method,
                path: self.progress.target.canonical_path(),
                authority: self.progress.target.authority(),
                headers: self.request.headers,
                route: self.route,
                params: &self.progress.input.params,
            }),
            body: match (self.route.body, phase, &self.progress.input.body) {
                (BodyRule::Shape(shape), _, Some(body)) => InputState::Json(shape, body),
                (BodyRule::Shape(_), Phase::BeforeInput, None) => InputState::Pending,
                _ => InputState::Unknown,
            },
            query: match (self.route.query, phase, &self.progress.input.query) {
                (Some(shape), _, Some(query)) => InputState::Json(shape, query),
                (Some(_), Phase::BeforeInput, None) => InputState::Pending,
                _ => InputState::Unknown,
            },
            cache: Some(&self.progress.cache),
            missing: self.progress.lookup.if_asking(),
            ..EvalContext::empty(self.policy)
        }
    }

    /// The route's resource of a kind.
    fn resource_ref(&self, resource: Id<Resource>) -> ResourceRef<'_> {
        let subject = self.route.access.subjects.iter().find(|subject| subject.resource == resource);
        let Some(id) = subject.and_then(|subject| self.progress.input.params.get(&subject.parameter)) else {
            return ResourceRef::Of { resource, id: None, attributes: None };
        };
        let attributes = self.progress.lookup.resource(&self.policy.resources[resource].name, id).map(Attributes::Json);
        ResourceRef::Of { resource, id: Some(id), attributes }
    }

    /// The resource that the route's conditions read.
    fn only_resource_ref(&self) -> ResourceRef<'_> {
        match self.route.access.subjects.as_slice() {
            [only] => self.resource_ref(only.resource),
            _ => ResourceRef::None,
        }
    }

    /// Makes a test. Unknown facts only turn `true` into `false`, so the host is asked only if the result is `false`, and only
    /// for the first fact, as the others may not be needed then.
    pub(crate) fn test(&self, test: Test) -> Result<bool, Vec<Question>> {
        let (holds, mut questions) = self.progress.lookup.with_questions(|| self.holds(test));
        if holds || questions.is_empty() {
            return Ok(holds);
        }
        questions.truncate(1);
        Err(questions)
    }

    fn holds(&self, test: Test) -> bool {
        let logic = &self.graph.logic;
        match test {
            Test::Permission(any_of, phase) => {
                self.graph.permission_sets[any_of].iter().any(|permission| self.granted(*permission, phase))
            }
            Test::Scope(scope) => self.has_scope(scope),
            Test::Whens(route, phase) => {
                let context = self.eval_context(phase);
                let environment = &context.on(self.only_resource_ref());
                satisfies(logic, self.graph.conditions(route, phase), environment)
            }
            Test::Doors(phase) => {
                let context = self.eval_context(phase);
                satisfies(logic, self.graph.doors(phase), &context.on(ResourceRef::None))
            }
        }
    }

    fn granted(&self, permission: Id<Permission>, phase: Phase) -> bool {
        let resource = self.resource_ref(self.policy.permissions[permission].resource);
        let context = self.eval_context(phase);
        satisfies(&self.graph.logic, self.graph.permission(permission, phase), &context.on(resource))
    }

    /// True if all input of the route is validated.
    fn input_is_known(&self) -> bool {
        let body = !matches!(self.route.body, BodyRule::Shape(_)) || self.progress.input.body.is_some();
        body && (self.route.query.is_none() || self.progress.input.query.is_some())
    }

    /// True if the caller has a scope or isn't capped by scopes.
    fn has_scope(&self, scope: Id<Scope>) -> bool {
        self.progress.user.as_ref().is_none_or(|user| user.scopes.is_none() || user.known_scopes.contains(&scope))
    }

    /// Denies with every reason why the caller may not. An anonymous caller is asked for a credential. A concealed route
    /// answers as if it didn't exist.
    pub(crate) fn refused(&mut self) -> Result<Response<'g>, Vec<Question>> {
        let mut denials = self.progress.lookup.asking_for(|| self.refusals())?;
        if denials.is_empty() {
            let message = "whatever the input were, it wouldn't be allowed";
            denials.push(Denial::new(Code::PermissionDenied, Stage::Authorize, message));
        }
        let access = &self.route.access;
        if self.progress.user.is_none()
            && !access.public
            && let Some(mut credential) = self.progress.credential_denial.take()
        {
            credential.stage = Stage::Authorize;
            denials.insert(0, credential);
        }
        Ok(if access.conceal { Response::Concealed(denials) } else { Response::DeniedForAll(denials) })
    }

    fn refusals(&self) -> Vec<Denial> {
        let access = &self.route.access;
        let mut findings = Findings::default();
        let context = self.eval_context(Phase::BeforeInput);
        let phase = if self.input_is_known() { Phase::AfterInput } else { Phase::BeforeInput };
        for scope in access.scopes.iter().filter(|scope| !self.has_scope(**scope)) {
            findings.scope(self.policy.scope_names.get(*scope), self.route.span);
        }
        for requirement in &access.requirements {
            if !requirement.any_of.iter().any(|permission| self.granted(*permission, phase)) {
                let resource = |permission: &Permission| self.resource_ref(permission.resource);
                findings.permissions(&requirement.any_of, Some(requirement.span), context, resource);
            }
        }
        // A login needs no permission, either.
        if self.route.is_open_to_callers() || self.route.service.makes_callers() {
            findings.doors(context);
        }
        let environment = context.on(self.only_resource_ref());
        for when in &access.whens {
            let outcome = truth(&when.expr, &environment);
            if !outcome.may(Truths::TRUE) {
                findings.when(&when.expr, when.span, outcome, &environment);
            }
        }
        findings.into_denials()
    }
}
