//! Decides requests: one loop over the graph's nodes, one folder a chapter. Pure and total: the same arguments give the same
//! decision, and no argument makes it panic.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod decision;
pub(crate) mod denial;
pub(crate) mod headers;
pub(crate) mod inquiry;
pub(crate) mod journey;
pub(crate) mod limits;
pub(crate) mod lookup;
pub(crate) mod permissions;
pub(crate) mod probe;
pub(crate) mod ready;
pub(crate) mod respond;
pub(crate) mod routes;
pub(crate) mod schemas;

pub(crate) use crate::decide::browser::csrf::issue as issue_csrf;
pub(crate) use crate::decide::callers::authenticate::{opaque_id, verify_token};
pub use crate::decide::decision::{Caller, Decision, DecisionParts};
pub use crate::decide::inquiry::{AnswerError, Inquiry, Step};
use crate::decide::journey::{Journey, Pause};
use crate::decide::lookup::Lookup;
pub use crate::decide::permissions::check::{PermissionId, RoleId, Ruling};
pub(crate) use crate::decide::permissions::check::{all as check_all, holds as holds_in_scene};
pub use crate::decide::permissions::scene::{Resource, Scene, SceneBuilder};
use crate::decide::ready::Ready;
use crate::decide::respond::Response;
use crate::decide::routes::dispatch::{Routing, route_request};
pub(crate) use crate::eval::reads::name_of;
use crate::protocol::question::{Answer, Question};
use crate::protocol::request::Request;

/// Decides a request on the facts that came with it.
pub(crate) fn decide<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Decision<'g, 'r> {
    match route_request(ready, request) {
        Routing::Answered(decision) => decision,
        Routing::Routed { door, target } => {
            let mut journey = Journey::new(ready, *request, door, target, Lookup::of(request));
            let response = journey.travel(door.entry).unwrap_or_else(|Pause { .. }| Response::DeniedForAll(Vec::new()));
            respond::routed(journey, response)
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
            Ok(response) => return respond::routed(journey, response),
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
                Ok(response) => Step::Decided(respond::routed(journey, response)),
                Err(pause) => Step::Ask(Inquiry::new(ready, journey, pause)),
            }
        }
    }
}
