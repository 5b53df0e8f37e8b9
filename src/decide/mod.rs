//! Graph and request to decision: one loop over the nodes, one file a stage. Pure and total: the same arguments
//! give the same decision, and no argument makes it panic.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod decision;
pub(crate) mod inquiry;
pub(crate) mod journey;
pub(crate) mod limits;
pub(crate) mod lookup;
pub(crate) mod permissions;
pub(crate) mod probe;
pub(crate) mod respond;
pub(crate) mod routes;
pub(crate) mod schemas;

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Method};

use crate::decide::browser::cors;
pub(crate) use crate::decide::browser::csrf::issue as issue_csrf;
pub(crate) use crate::decide::callers::authenticate::{known_by, verify_token};
use crate::decide::callers::keys::BoundKeys;
pub use crate::decide::decision::{Caller, Decision, DecisionParts};
pub use crate::decide::inquiry::{AnswerError, Inquiry, Step};
use crate::decide::journey::{Journey, Pause};
use crate::decide::lookup::Lookup;
pub use crate::decide::permissions::check::{PermissionId, RoleId, Ruling};
pub(crate) use crate::decide::permissions::check::{all as check_all, holds as holds_in_scene};
pub use crate::decide::permissions::scene::{Resource, Scene, SceneBuilder};
use crate::decide::respond::{Arrival, Outcome};
use crate::decide::routes::transport::Target;
use crate::decide::routes::{client, transport};
pub(crate) use crate::eval::reads::name_of;
use crate::graph::{DecisionGraph, Door};
use crate::model::headers::Header;
use crate::model::reason::{Code, Stage};
use crate::model::source::Span;
use crate::protocol::question::{Answer, Question};
use crate::protocol::request::Request;
use crate::schemas::violation::Violations;
use crate::typed::TypedPolicy;

/// Why a request goes no further, or what is noted beside a decision.
#[derive(Debug, Clone)]
pub(crate) struct Denial {
    code: Code,
    stage: Stage,
    message: Cow<'static, str>,
    span: Option<Span>,
    headers: Cow<'static, [Header]>,
    violations: Option<Box<Violations>>,
    /// What the client is told in place of the code's own words.
    detail: Option<Box<str>>,
}

impl Denial {
    fn new(code: Code, stage: Stage, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            stage,
            message: message.into(),
            span: None,
            headers: Cow::Borrowed(&[]),
            violations: None,
            detail: None,
        }
    }

    fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    pub(crate) fn into_message(self) -> Cow<'static, str> {
        self.message
    }

    fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { headers: Cow::Owned(vec![(name, value)]), ..self }
    }
}

/// A policy that is ready to decide.
#[derive(Clone, Copy)]
pub(crate) struct Ready<'g> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) graph: &'g DecisionGraph,
    pub(crate) keys: &'g BoundKeys,
}

/// Decides a request on the facts that came with it.
pub(crate) fn decide<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Decision<'g, 'r> {
    match route_request(ready, request) {
        Routing::Answered(decision) => decision,
        Routing::Routed { door, target } => {
            let mut journey = Journey::new(ready, *request, door, target, Lookup::of(request));
            let outcome = journey.travel(door.entry).unwrap_or_else(|Pause { .. }| Outcome::Deny(Vec::new()));
            respond::routed(journey, outcome)
        }
    }
}

/// Decides a request, and asks `host` for missing facts where the decision needs them. The journey stays in place while
/// the host answers. `None` leaves a fact unknown.
pub(crate) fn decide_with<'g, 'r>(
    ready: Ready<'g>,
    request: &Request<'r>,
    host: &mut dyn FnMut(&Question) -> Option<Answer>,
) -> Decision<'g, 'r> {
    let (door, target) = match route_request(ready, request) {
        Routing::Answered(decision) => return decision,
        Routing::Routed { door, target } => (door, target),
    };
    let mut journey = Journey::new(ready, *request, door, target, Lookup::asking(request));
    let mut node = door.entry;
    loop {
        let Pause { at, questions } = match journey.travel(node) {
            Ok(outcome) => return respond::routed(journey, outcome),
            Err(pause) => pause,
        };
        for question in questions {
            let answer = host(&question);
            journey.progress.lookup.answer(question, answer);
        }
        node = at;
    }
}

/// Begins to decide a request. The step asks for missing facts where the decision needs them.
pub(crate) fn inquire<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Step<'g, 'r> {
    match route_request(ready, request) {
        Routing::Answered(decision) => Step::Decided(decision),
        Routing::Routed { door, target } => {
            let mut journey = Journey::new(ready, *request, door, target, Lookup::asking(request));
            match journey.travel(door.entry) {
                Ok(outcome) => Step::Decided(respond::routed(journey, outcome)),
                Err(pause) => Step::Ask(Inquiry::new(ready, journey, pause)),
            }
        }
    }
}

/// The way that a request takes.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation")]
enum Routing<'g, 'r> {
    /// Into the graph.
    Routed { door: &'g Door, target: Target<'g, 'r> },
    /// Decided before any route's rules.
    Answered(Decision<'g, 'r>),
}

/// Finds the door of a request.
fn route_request<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Routing<'g, 'r> {
    let Ready { policy, graph, .. } = ready;
    let client = client::client(&policy.transport, request);
    let answer = &graph.answers[graph.default_answer];
    let arrival = |target| Arrival { graph, request, scheme: client.scheme, target, route: None, answer };
    let turned = |arrival, outcome| Routing::Answered(respond::unrouted(policy, arrival, outcome));
    let target = match transport::transport(&policy.transport, request, client) {
        Ok(target) => target,
        Err(denial) => return turned(arrival(None), Outcome::Denied(denial)),
    };
    if let Err(outcome) = transport::secure(policy, request, &target) {
        return turned(arrival(Some(target.canonical)), outcome);
    }
    let Some(endpoint) = graph.dispatch.find(&target.path).map(|endpoint| &graph.endpoints[endpoint]) else {
        return turned(arrival(Some(target.canonical)), Outcome::NotFound);
    };
    let mut answer = answer;
    if let Some(requested) = cors::preflight(request) {
        let door = requested.as_ref().and_then(|method| endpoint.door(method));
        let asked = door.map_or(answer, |door| &graph.answers[door.answer]);
        if let Some(cors) = &asked.cors {
            let route = door.map(|door| &policy.routes[door.route]);
            let arrival = Arrival { route, answer: asked, ..arrival(Some(target.canonical)) };
            let checked = cors::check_preflight(policy, endpoint, cors.block, requested.as_ref(), request.headers);
            let outcome = checked.map_or_else(Outcome::Denied, Outcome::Preflight);
            return turned(arrival, outcome);
        }
        answer = &graph.answers[graph.default_without_cors];
    }
    let Some(door) = endpoint.door(request.method) else {
        // `OPTIONS` is answered wherever something is.
        let options = *request.method == Method::OPTIONS;
        let outcome = if options { Outcome::Options(endpoint) } else { Outcome::OtherMethod(endpoint) };
        return turned(Arrival { answer, ..arrival(Some(target.canonical)) }, outcome);
    };
    Routing::Routed { door, target }
}
