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
pub use crate::decide::decision::{Caller, Decision};
pub use crate::decide::inquiry::{Asked, Inquiry, QuestionId, Step};
use crate::decide::journey::{Journey, Pause};
use crate::decide::lookup::Lookup;
pub use crate::decide::permissions::check::{PermissionId, Ruling};
pub(crate) use crate::decide::permissions::check::{all as check_all, holds as holds_in_scene};
pub use crate::decide::permissions::scene::{Resource, Scene};
use crate::decide::respond::{Arrival, Outcome};
use crate::decide::routes::transport::Target;
use crate::decide::routes::{client, transport};
pub(crate) use crate::eval::reads::name_of;
use crate::graph::{DecisionGraph, Door};
use crate::model::headers::Header;
use crate::model::reason::{Code, Stage};
use crate::model::source::Span;
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

/// Decides one request by what the host has said already.
pub(crate) fn decide<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Decision<'g, 'r> {
    match set_out(ready, request) {
        Departure::Turned(decision) => decision,
        Departure::Travels(target, door) => {
            let mut journey = Journey::new(ready, *request, Lookup::of(request), target, door);
            let outcome = journey.travel(door.entry).unwrap_or_else(|Pause { .. }| Outcome::Deny(Vec::new()));
            respond::routed(journey, outcome)
        }
    }
}

/// Begins to decide a request, and asks the host for what it hasn't said.
pub(crate) fn inquire<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Step<'g, 'r> {
    match set_out(ready, request) {
        Departure::Turned(decision) => Step::Decided(decision),
        Departure::Travels(target, door) => {
            let mut journey = Journey::new(ready, *request, Lookup::asking(request), target, door);
            match journey.travel(door.entry) {
                Ok(outcome) => Step::Decided(respond::routed(journey, outcome)),
                Err(pause) => Step::Ask(Inquiry::new(ready, request, journey, pause)),
            }
        }
    }
}

/// How a request sets out.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation")]
enum Departure<'g, 'r> {
    /// Into the graph, by a door.
    Travels(Target<'g, 'r>, &'g Door),
    /// Nowhere: it doesn't get so far.
    Turned(Decision<'g, 'r>),
}

/// Finds the door of a request.
fn set_out<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Departure<'g, 'r> {
    let Ready { policy, graph, .. } = ready;
    let client = client::client(&policy.transport, request);
    let answer = &graph.headers[graph.default_headers];
    let arrival = |target| Arrival { graph, request, scheme: client.scheme, target, route: None, answer };
    let turned = |arrival, outcome| Departure::Turned(respond::unrouted(policy, arrival, outcome));
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
        let asked = door.map_or(answer, |door| &graph.headers[door.headers]);
        if let Some(cors) = &asked.cors {
            let route = door.map(|door| &policy.routes[door.route]);
            let arrival = Arrival { route, answer: asked, ..arrival(Some(target.canonical)) };
            let checked = cors::check_preflight(policy, endpoint, cors.block, requested.as_ref(), request.headers);
            let outcome = checked.map_or_else(Outcome::Denied, Outcome::Preflight);
            return turned(arrival, outcome);
        }
        answer = &graph.headers[graph.default_headers_without_cors];
    }
    let Some(door) = endpoint.door(request.method) else {
        // `OPTIONS` is answered wherever something is.
        let options = *request.method == Method::OPTIONS;
        let outcome = if options { Outcome::Options(endpoint) } else { Outcome::OtherMethod(endpoint) };
        return turned(Arrival { answer, ..arrival(Some(target.canonical)) }, outcome);
    };
    Departure::Travels(target, door)
}
