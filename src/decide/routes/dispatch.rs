//! The way of a request to its door, or to the answer that it gets before.

use http::Method;

use crate::decide::browser::cors;
use crate::decide::decision::Decision;
use crate::decide::ready::Ready;
use crate::decide::respond::{Response, ResponseContext, unrouted};
use crate::decide::routes::client::client;
use crate::decide::routes::transport::{Target, admit, require_https};
use crate::graph::{Door, ResponseHeaders};
use crate::protocol::request::Request;
use crate::typed::Route;

/// The way of a request.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation")]
pub(crate) enum Routing<'g, 'r> {
    /// Into the graph.
    Routed { door: &'g Door, target: Target<'g, 'r> },
    /// Decided before any route's rules.
    Answered(Decision<'g, 'r>),
}

/// Finds the door of a request.
pub(crate) fn route_request<'g, 'r>(ready: Ready<'g>, request: &Request<'r>) -> Routing<'g, 'r> {
    let Ready { policy, graph, .. } = ready;
    let client = client(&policy.transport, request);
    let answered = |scheme, target, route, answer, response| {
        let context = ResponseContext { policy, graph, request, scheme, target, route, answer };
        Routing::Answered(unrouted(context, response))
    };
    let default = &graph.headers[graph.default_headers];
    let target = match admit(&policy.transport, request, client) {
        Ok(target) => target,
        Err(denial) => return answered(client.scheme, None, None, default, Response::Denied(denial)),
    };
    if let Some(response) = require_https(policy, request, &target) {
        return answered(target.scheme, Some(target.canonical), None, default, response);
    }
    match dispatch(ready, request, &target.path) {
        Dispatch::Door(door) => Routing::Routed { door, target },
        Dispatch::Answered { route, answer, response } => {
            answered(target.scheme, Some(target.canonical), route, answer, response)
        }
    }
}

/// The result of looking a path and a method up.
enum Dispatch<'g> {
    Door(&'g Door),
    Answered { route: Option<&'g Route>, answer: &'g ResponseHeaders, response: Response<'g> },
}

fn dispatch<'g>(Ready { policy, graph, .. }: Ready<'g>, request: &Request<'_>, path: &str) -> Dispatch<'g> {
    let mut answer = &graph.headers[graph.default_headers];
    let Some(endpoint) = graph.dispatch.find(path).map(|endpoint| &graph.endpoints[endpoint]) else {
        return Dispatch::Answered { route: None, answer, response: Response::NotFound };
    };
    if let Some(requested) = cors::preflight(request) {
        let door = requested.as_ref().and_then(|method| endpoint.door(method));
        let requested_answer = door.map_or(answer, |door| &graph.headers[door.headers]);
        if let Some(cors) = &requested_answer.cors {
            let checked = cors::check_preflight(policy, endpoint, cors.block, requested.as_ref(), request.headers);
            let response = checked.map_or_else(Response::Denied, Response::Preflight);
            let route = door.map(|door| &policy.routes[door.route]);
            return Dispatch::Answered { route, answer: requested_answer, response };
        }
        answer = &graph.headers[graph.default_headers_without_cors];
    }
    let response = match endpoint.door(request.method) {
        Some(door) => return Dispatch::Door(door),
        None if *request.method == Method::OPTIONS => Response::Options(endpoint),
        None => Response::MethodNotAllowed(endpoint),
    };
    Dispatch::Answered { route: None, answer, response }
}
