//! Graph and request to decision: one loop over the nodes, one file a stage. Pure and total: the same arguments
//! give the same decision, and no argument makes it panic.

mod answer;
mod authenticate;
mod authorize;
mod body;
pub(crate) mod check;
mod client;
mod cookie;
mod cors;
mod csrf;
mod datum;
mod decision;
mod door;
pub(crate) mod entropy;
mod evaluate;
mod fact;
mod json;
mod jwt;
pub(crate) mod keys;
mod limit;
mod operate;
mod plain;
mod query;
mod read;
mod respond;
mod scene;
mod transport;
mod trial;

pub use check::{PermissionId, Ruling};
pub(crate) use check::{all as check_all, holds as holds_in_scene};
pub(crate) use csrf::issue as issue_csrf;
pub use decision::{Caller, Decision};
pub(crate) use read::name_of;
pub use scene::{Resource, Scene};
pub(crate) use trial::{Trial, TrialRecord, TrialThing};

use std::borrow::Cow;
use std::net::IpAddr;

use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value as Json};

use crate::check::typed::{BodyRule, Route, Token, TokenCarrier, TypedPolicy};
use crate::graph::{DecisionGraph, Door, Knowing, Leaf, Node, Probe};
use crate::model::decision::{Effect, Input};
use crate::model::headers::Header;
use crate::model::outcome::Outcomes;
use crate::model::params::Params;
use crate::model::reason::{Code, Stage};
use crate::model::request::Request;
use crate::model::source::Span;
use crate::model::table::Id;
use crate::shape::{Check, Violations};

use authenticate::{Authenticated, Identity};
use evaluate::{Cache, Circumstances, Thing, truth};
use keys::BoundKeys;
use limit::Tightest;
use respond::{Arrival, Outcome};
use transport::Target;

/// Why a request goes no further, or what is noted beside a decision.
#[derive(Debug, Clone)]
struct Denial {
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

    fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { headers: Cow::Owned(vec![(name, value)]), ..self }
    }
}

/// Decides one request.
pub(crate) fn decide<'g, 'r>(
    policy: &'g TypedPolicy,
    graph: &'g DecisionGraph,
    keys: &'g BoundKeys,
    request: &Request<'r>,
) -> Decision<'g, 'r> {
    let client = client::client(&policy.transport, request);
    let answer = &graph.answers[graph.default_answer];
    let arrival = |target| Arrival { graph, request, scheme: client.scheme, target, route: None, answer };
    let target = match transport::transport(&policy.transport, request, client) {
        Ok(target) => target,
        Err(denial) => return respond::unrouted(policy, arrival(None), Outcome::Denied(denial)),
    };
    if let Err(outcome) = transport::secure(policy, request, &target) {
        return respond::unrouted(policy, arrival(Some(target.canonical)), outcome);
    }
    let Some(endpoint) = graph.dispatch.find(&target.path).map(|endpoint| &graph.endpoints[endpoint]) else {
        return respond::unrouted(policy, arrival(Some(target.canonical)), Outcome::NotFound);
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
            return respond::unrouted(policy, arrival, outcome);
        }
        answer = &graph.answers[graph.default_without_cors];
    }
    let Some(door) = endpoint.door(request.method) else {
        // `OPTIONS` is answered wherever something is.
        let options = *request.method == Method::OPTIONS;
        let outcome = if options { Outcome::Options(endpoint) } else { Outcome::OtherMethod(endpoint) };
        return respond::unrouted(policy, Arrival { answer, ..arrival(Some(target.canonical)) }, outcome);
    };
    let mut journey = Journey::new(policy, graph, keys, *request, target, door);
    let outcome = journey.travel(door.entry);
    respond::routed(journey, outcome)
}

/// A request on its way through the graph, and what it has gathered.
struct Journey<'g, 'r> {
    policy: &'g TypedPolicy,
    graph: &'g DecisionGraph,
    keys: &'g BoundKeys,
    request: Request<'r>,
    target: Target<'g, 'r>,
    door: &'g Door,
    route: &'g Route,
    client: Option<IpAddr>,
    user: Option<Identity<'r>>,
    /// What is wrong with the credential, where something is.
    credential: Option<Denial>,
    /// What the last probe found.
    found: Option<Denial>,
    notes: Vec<Denial>,
    tightest: Option<Tightest<'g>>,
    effects: Vec<Effect>,
    input: Input<'g, 'r>,
    /// What the body carried as a token.
    carried: Option<Json>,
    /// What rules have read.
    cache: Cache,
}

impl<'g, 'r> Journey<'g, 'r> {
    fn new(
        policy: &'g TypedPolicy,
        graph: &'g DecisionGraph,
        keys: &'g BoundKeys,
        request: Request<'r>,
        target: Target<'g, 'r>,
        door: &'g Door,
    ) -> Self {
        let route = &policy.routes[door.route];
        let input = Input { params: Params::new(&door.parameters, target.path.clone()), ..Input::default() };
        let client = target.client;
        Self {
            policy,
            graph,
            keys,
            request,
            target,
            door,
            route,
            client,
            user: None,
            credential: None,
            found: None,
            notes: Vec::new(),
            tightest: None,
            effects: Vec::new(),
            input,
            carried: None,
            cache: Cache::default(),
        }
    }

    fn travel(&mut self, entry: Id<Node>) -> Outcome<'g> {
        let graph = self.graph;
        let mut at = entry;
        loop {
            at = match graph.nodes[at] {
                Node::Authenticate { caller, nobody, malformed } => self.authenticate(caller, nobody, malformed),
                Node::Probe { probe, pass, fail } => match self.probe(probe) {
                    Ok(()) => pass,
                    Err(denial) => {
                        self.found = Some(denial);
                        fail
                    }
                },
                Node::Roles { any_of, yes, no } => {
                    // Where the policy has no scopes, none lets a caller through who is capped by them.
                    let holds = self.user.as_ref().is_some_and(|user| {
                        let mut sets = graph.role_sets[any_of].iter();
                        user.scopes.is_none() && sets.any(|set| self.policy.role_sets.has_any(*set, &user.roles))
                    });
                    if holds { yes } else { no }
                }
                Node::Test { test, yes, no } => {
                    if self.test(test) {
                        yes
                    } else {
                        no
                    }
                }
                Node::Leaf(leaf) => return self.outcome(leaf),
            }
        }
    }

    fn authenticate(&mut self, caller: Id<Node>, nobody: Id<Node>, malformed: Id<Node>) -> Id<Node> {
        match authenticate::authenticate(self.policy, self.keys, &self.request) {
            Authenticated::Known(identity) => {
                self.user = Some(identity);
                caller
            }
            Authenticated::Nobody(denial) => {
                self.credential = Some(denial);
                nobody
            }
            Authenticated::Malformed(denial) => {
                self.credential = Some(denial);
                malformed
            }
        }
    }

    fn probe(&mut self, probe: Probe) -> Result<(), Denial> {
        match probe {
            Probe::Charge(set) => {
                let around = self.around(Knowing::All);
                let environment = &around.about(Thing::None);
                let limits = &self.graph.limit_sets[set];
                let charged = limit::charge_all(self.policy, limits, environment, &self.request);
                self.effects.extend(charged.effects);
                // A refusal is told of, whatever an earlier stage had left.
                let earlier = if charged.refused.is_some() { None } else { self.tightest };
                self.tightest = charged.tightest.map(|tightest| tightest.or(earlier)).or(earlier);
                self.notes.extend(charged.notes);
                charged.refused.map_or(Ok(()), Err)
            }
            Probe::Csrf => {
                let Some(csrf) = &self.policy.csrf else {
                    return Err(Denial::new(Code::CsrfInvalid, Stage::Csrf, "the policy has no `csrf` block"));
                };
                // A caller whom the host vouches for may have come by a cookie or a certificate.
                let token = self.user.as_ref().and_then(|user| user.token);
                let carrier = token.map(|token| &self.policy.tokens[token].carrier);
                let check = csrf::Check {
                    csrf,
                    key: self.keys.csrf(),
                    cors: self.route.cors.map(|cors| &self.policy.cors[cors]),
                    target: &self.target,
                    by_header: matches!(carrier, Some(TokenCarrier::Bearer | TokenCarrier::Header(_))),
                };
                csrf::check(&check, &self.request)
            }
            Probe::Query(shape) => {
                let validated = query::check(self.policy, shape, &self.target, &self.checks())?;
                self.input.query = Some(validated.value);
                self.input.query_secrets = validated.secrets;
                Ok(())
            }
            Probe::Body(BodyRule::Raw) => body::check_size(&self.policy.transport, &self.request),
            Probe::Body(BodyRule::Empty) => body::check_empty(&self.request),
            Probe::Body(BodyRule::Shape(shape)) => {
                let validated = body::check_shape(self.policy, shape, &self.request, &self.checks())?;
                self.input.body = Some(validated.value);
                self.input.body_secrets = validated.secrets;
                Ok(())
            }
            Probe::Body(BodyRule::Token(token)) => {
                let token = &self.policy.tokens[token];
                let TokenCarrier::Body(field) = &token.carrier else { return Ok(()) };
                self.carried = body::check_token(&self.policy.transport, token, field, &self.request)?;
                self.input.body = Some(body::without_token());
                Ok(())
            }
            Probe::RefreshToken(token) => self.verify_carried(token),
        }
    }

    /// A refresh token is a credential: a missing or bad one is a 401, whatever it was carried in.
    fn verify_carried(&self, kind: Id<Token>) -> Result<(), Denial> {
        let token = &self.policy.tokens[kind];
        let denied = |mut denial: Denial| {
            denial.stage = Stage::Login;
            denial.at(token.span)
        };
        let invalid = |why| denied(authenticate::invalid_token(why));
        let text = match &token.carrier {
            TokenCarrier::Cookie(name) => {
                let found = cookie::find(name, self.request.headers);
                found.map_err(|_| invalid("the token's cookie came twice, or is malformed"))?
            }
            TokenCarrier::Body(_) | TokenCarrier::Bearer | TokenCarrier::Header(_) => match &self.carried {
                Some(Json::String(text)) => Some(Cow::Borrowed(text.as_str())),
                Some(_) => return Err(invalid("the token isn't a string")),
                None => None,
            },
        };
        let text = text.ok_or_else(|| denied(authenticate::missing()))?;
        let compact = jwt::parse(&text).map_err(invalid)?;
        authenticate::verified(self.policy, self.keys, &self.request, kind, &compact).map_err(invalid)?;
        Ok(())
    }

    fn outcome(&mut self, leaf: Leaf) -> Outcome<'g> {
        match leaf {
            Leaf::Allow => Outcome::Allow(&self.door.allowed),
            Leaf::IssueCsrf => respond::csrf_token(self),
            Leaf::DenyProbe => denied(self.found.take()),
            Leaf::DenyCredential => denied(self.credential.take()),
            Leaf::DenyPermission => self.refused(),
            Leaf::Unavailable(service) => {
                let why = service.unavailable().unwrap_or("this version doesn't serve this");
                Outcome::Denied(Denial::new(Code::NotAvailable, Stage::Login, why))
            }
        }
    }

    /// Which of a schema's `check`s hold: where that is unknown, one doesn't.
    fn checks(&self) -> impl Fn(&[&Check], &Map<String, Json>) -> Vec<bool> {
        let (policy, now) = (self.policy, Some(self.request.now));
        move |checks, fields| {
            let cache = Cache::default();
            let holds = |check: &&Check| {
                let siblings = Some((check.reads.as_slice(), fields));
                let around = Circumstances { now, siblings, cache: Some(&cache), ..Circumstances::empty(policy) };
                truth(&check.expr, &around.about(Thing::None)) == Outcomes::TRUE
            };
            checks.iter().map(holds).collect()
        }
    }
}

/// With what denied; where nothing is known of that, it is denied all the same.
fn denied<'g>(denial: Option<Denial>) -> Outcome<'g> {
    denial.map_or_else(|| Outcome::Deny(Vec::new()), Outcome::Denied)
}
