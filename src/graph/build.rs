//! Builds the graph of a typed policy. Each route is built from its end to its beginning, so that routes share equal ends.

use std::collections::HashMap;
use std::hash::Hash;

use http::{HeaderValue, Method, header};

use crate::check::path_pattern;
use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::table::{Id, Table};
use crate::graph::logic::Lowering;
use crate::graph::response_headers::HeadersInterner;
use crate::graph::{DecisionGraph, Dispatch, Door, Endpoint, Leaf, Node, Phase, Plans, Probe, Test};
use crate::model::headers::{Header, PROBLEM};
use crate::model::reason::{Code, Reason, Stage};
use crate::protocol::params::Parameter;
use crate::typed::schemas::Shape;
use crate::typed::{
    ChargeStage, Limit, PathSegment, Permission, Requirement, Role, Route, Rule, Service, Token, TypedPolicy,
};

pub(crate) fn build(policy: &mut TypedPolicy) -> DecisionGraph {
    let role_sets = std::mem::take(&mut policy.role_sets);
    let mut lowering = Lowering::new(policy, role_sets);
    let plans = Plans::of(policy, &mut lowering);
    let (logic, role_sets) = lowering.finish();
    let mut builder = Builder {
        policy,
        role_sets,
        nodes: Interned::new(),
        limit_sets: Interned::new(),
        permission_sets: Interned::new(),
        headers: HeadersInterner::new(policy),
    };
    let default_headers = builder.headers.intern(policy.default_headers, policy.default_cors);
    let default_headers_without_cors = builder.headers.intern(policy.default_headers, None);
    let mut dispatch = Dispatch::new();
    let mut endpoints = Table::new();
    for (id, route) in policy.routes.enumerate() {
        let door = builder.door(id, route);
        let endpoint = dispatch.insert(&route.path, || {
            let other_method = other_method(HeaderValue::from_static(""));
            endpoints.push(Endpoint { pattern: path_pattern(&route.path), doors: Vec::new(), other_method })
        });
        endpoints.row_mut(endpoint).doors.push(door);
    }
    for id in endpoints.ids() {
        let allow = allow(&endpoints[id]);
        endpoints.row_mut(id).other_method = other_method(allow);
    }
    let Builder { mut role_sets, nodes, limit_sets, permission_sets, headers, .. } = builder;
    let headers = headers.table;
    role_sets.shrink();
    policy.role_sets = role_sets;
    DecisionGraph {
        logic,
        plans,
        dispatch,
        endpoints,
        nodes: nodes.table,
        limit_sets: limit_sets.table,
        permission_sets: permission_sets.table,
        headers,
        default_headers,
        default_headers_without_cors,
    }
}

impl Plans {
    fn of(policy: &TypedPolicy, lowering: &mut Lowering<'_>) -> Self {
        let permissions = policy.permissions.iter().map(|permission| lowering.permission(permission)).collect();
        let conditions = policy.routes.iter().map(|route| lowering.conditions(&route.access.whens)).collect();
        let doors = lowering.doors(&policy.door_forbids);
        let gates = policy.routes.iter().map(|route| lowering.gate(&route.access.scopes)).collect();
        let invariants = policy.nevers.iter().map(|never| lowering.condition(&never.condition, true)).collect();
        lowering.phase = Phase::BeforeInput;
        let reads_input = |rule: Id<Rule>| policy.rules[rule].reads.input;
        let early =
            policy.permissions.enumerate().filter(|(_, permission)| policy.terms(permission).rules().any(reads_input));
        let early_permissions = early.map(|(id, permission)| (id, lowering.permission(permission))).collect();
        let early = policy.routes.enumerate();
        let early = early.filter(|(_, route)| route.access.whens.iter().any(|when| when.reads.input));
        let early_conditions = early.map(|(id, route)| (id, lowering.conditions(&route.access.whens))).collect();
        let early_doors = lowering.doors(&policy.door_forbids);
        lowering.phase = Phase::AfterInput;
        Self { permissions, conditions, doors, gates, invariants, early_permissions, early_conditions, early_doors }
    }
}

/// A table of distinct rows.
struct Interned<T> {
    table: Table<T>,
    ids: HashMap<T, Id<T>>,
}

impl<T: Clone + Eq + Hash> Interned<T> {
    fn new() -> Self {
        Self { table: Table::new(), ids: HashMap::new() }
    }

    fn intern(&mut self, row: T) -> Id<T> {
        if let Some(id) = self.ids.get(&row) {
            return *id;
        }
        let id = self.table.push(row.clone());
        self.ids.insert(row, id);
        id
    }
}

struct Builder<'p> {
    policy: &'p TypedPolicy,
    role_sets: IdSets<Role>,
    nodes: Interned<Node>,
    limit_sets: Interned<Vec<Id<Limit>>>,
    permission_sets: Interned<Vec<Id<Permission>>>,
    headers: HeadersInterner<'p>,
}

impl Builder<'_> {
    fn door(&mut self, id: Id<Route>, route: &Route) -> Door {
        let has_secrets = |query: Id<Shape>| self.policy.shapes[query].fields.iter().any(|field| field.secret);
        let allowed = Reason {
            code: Code::Allowed,
            stage: Stage::Allow,
            message: "every stage let the request pass".into(),
            span: Some(route.span),
        };
        Door {
            method: route.method.clone(),
            route: id,
            parameters: parameters(&route.path),
            secret_query: route.query.is_some_and(has_secrets),
            headers: self.headers.intern(route.headers, route.cors),
            allowed: [allowed],
            entry: self.route(id, route),
        }
    }

    fn route(&mut self, id: Id<Route>, route: &Route) -> Id<Node> {
        let policy = self.policy;
        let limits_of = |stage: ChargeStage| -> Vec<Id<Limit>> {
            route.limits.iter().copied().filter(|limit| policy.limits[*limit].stage == stage).collect()
        };
        let (guards, with_user) = (limits_of(ChargeStage::Guard), limits_of(ChargeStage::Limit));
        let service = self.service(route);
        let authorized = self.authorize(id, route, Phase::AfterInput, service);
        let charged = self.charge(&limits_of(ChargeStage::AfterValidate), authorized);
        let validated = self.probe(Probe::Body(route.body), charged, Leaf::DenyProbe);
        let validated = match route.query {
            Some(query) => self.probe(Probe::Query(query), validated, Leaf::DenyProbe),
            None => validated,
        };

        let authorized = self.authorize(id, route, Phase::BeforeInput, validated);
        let caller = self.csrf(route, authorized);
        let caller = self.charge(&with_user, caller);

        let refused = self.nodes.intern(Node::Leaf(Leaf::DenyCredential));
        let refused = self.charge(&with_user, refused);
        let nobody = if takes_anonymous(self.policy, route) { caller } else { refused };
        let authenticate = self.nodes.intern(Node::Authenticate { caller, nobody, malformed: refused });
        self.charge(&guards, authenticate)
    }

    /// The tests of the caller's permissions. Those that read the input are in both phases.
    fn authorize(&mut self, id: Id<Route>, route: &Route, phase: Phase, then: Id<Node>) -> Id<Node> {
        let policy = self.policy;
        let due = |reads_input: bool| phase == Phase::BeforeInput || reads_input;
        let mut next = then;
        if !route.access.whens.is_empty() && due(route.access.whens.iter().any(|when| when.reads.input)) {
            next = self.test(Test::Whens(id, phase), next);
        }
        let forbidden = || policy.door_forbids.iter().map(|rule| &policy.rules[*rule]);
        if route.is_open_to_callers()
            && !policy.door_forbids.is_empty()
            && due(forbidden().any(|rule| rule.reads.input))
        {
            next = self.test(Test::Doors(phase), next);
        }
        for requirement in route.access.requirements.iter().rev() {
            let permissions = || requirement.any_of.iter().map(|permission| &policy.permissions[*permission]);
            if due(permissions().any(|permission| self.reads_input(permission))) {
                next = self.requirement(requirement, phase, next);
            }
        }
        if phase == Phase::BeforeInput {
            for scope in route.access.scopes.iter().rev() {
                next = self.test(Test::Scope(*scope), next);
            }
        }
        next
    }

    fn reads_input(&self, permission: &Permission) -> bool {
        self.policy.terms(permission).rules().any(|rule| self.policy.rules[rule].reads.input)
    }

    fn requirement(&mut self, requirement: &Requirement, phase: Phase, then: Id<Node>) -> Id<Node> {
        let policy = self.policy;
        let permissions = || requirement.any_of.iter().map(|permission| &policy.permissions[*permission]);
        let roles: Vec<IdSet<Role>> = permissions().map(|permission| permission.roles).collect();
        let by_role = permissions().all(|permission| policy.is_by_role(permission));
        let Some(any_of) = self.role_sets.union(&roles).filter(|_| by_role) else {
            let set = self.permission_sets.intern(requirement.any_of.clone());
            return self.test(Test::Permission(set, phase), then);
        };
        let no = self.nodes.intern(Node::Leaf(Leaf::DenyPermission));
        if any_of.is_empty() { no } else { self.nodes.intern(Node::Roles { any_of, yes: then, no }) }
    }

    fn test(&mut self, test: Test, yes: Id<Node>) -> Id<Node> {
        let no = self.nodes.intern(Node::Leaf(Leaf::DenyPermission));
        self.nodes.intern(Node::Test { test, yes, no })
    }

    fn service(&mut self, route: &Route) -> Id<Node> {
        match route.service {
            Service::Handler => self.nodes.intern(Node::Leaf(Leaf::Allow)),
            Service::IssueCsrf => self.nodes.intern(Node::Leaf(Leaf::IssueCsrf)),
            Service::Rotate(token) => {
                let admitted = self.admitted(route);
                self.probe(Probe::Redeemable(token), admitted, Leaf::DenyProbe)
            }
            Service::Revoke(token) => {
                let revoked = self.nodes.intern(Node::Leaf(Leaf::Revoke));
                self.probe(Probe::Revocable(token), revoked, Leaf::DenyProbe)
            }
            Service::Login => {
                let admitted = self.admitted(route);
                self.probe(Probe::Password, admitted, Leaf::DenyProbe)
            }
            service @ (Service::Redirect | Service::Callback) => {
                self.nodes.intern(Node::Leaf(Leaf::Unavailable(service)))
            }
        }
    }

    /// The test of every `forbid *` for the callers of the tokens that the route issues, before it issues them.
    fn admitted(&mut self, route: &Route) -> Id<Node> {
        let mut next = self.nodes.intern(Node::Leaf(Leaf::Issue));
        let makes_callers = |token: &&Id<Token>| self.policy.mappings.iter().any(|mapping| mapping.token == **token);
        let callers: Vec<Id<Token>> = route.issues.iter().filter(makes_callers).copied().collect();
        let is_guarded = !self.policy.door_forbids.is_empty();
        if is_guarded && callers.is_empty() {
            next = self.test(Test::Doors(Phase::AfterInput), next);
        }
        for token in callers.into_iter().rev() {
            if is_guarded {
                next = self.test(Test::Doors(Phase::AfterInput), next);
            }
            next = self.probe(Probe::Admit(token), next, Leaf::DenyProbe);
        }
        next
    }

    fn csrf(&mut self, route: &Route, then: Id<Node>) -> Id<Node> {
        if route.csrf { self.probe(Probe::Csrf, then, Leaf::DenyProbe) } else { then }
    }

    fn charge(&mut self, limits: &[Id<Limit>], then: Id<Node>) -> Id<Node> {
        if limits.is_empty() {
            return then;
        }
        let set = self.limit_sets.intern(limits.to_vec());
        self.probe(Probe::Charge(set), then, Leaf::DenyProbe)
    }

    fn probe(&mut self, probe: Probe, pass: Id<Node>, fail: Leaf) -> Id<Node> {
        let fail = self.nodes.intern(Node::Leaf(fail));
        self.nodes.intern(Node::Probe { probe, pass, fail })
    }
}

pub(crate) fn parameters(path: &[PathSegment]) -> Vec<Parameter> {
    let parameter = |(segment, part): (usize, &PathSegment)| match part {
        PathSegment::Literal(_) => None,
        PathSegment::Parameter { name, .. } => Some(Parameter { name: name.clone(), segment, rest: false }),
        PathSegment::Rest(name) => Some(Parameter { name: name.clone(), segment, rest: true }),
    };
    path.iter().enumerate().filter_map(parameter).collect()
}

/// True if a route takes anonymous callers: it is public, or an `allow anyone` covers every requirement.
pub(crate) fn takes_anonymous(policy: &TypedPolicy, route: &Route) -> bool {
    let requirements = &route.access.requirements;
    let anyone = |requirement: &Requirement| {
        let mut permissions = requirement.any_of.iter();
        permissions.any(|permission| policy.terms(&policy.permissions[*permission]).opens_to_anyone())
    };
    route.access.public || (!route.access.authenticated && !requirements.is_empty() && requirements.iter().all(anyone))
}

/// The value of `Allow` (RFC 9110 §10.2.1). `GET` includes `HEAD`, and the policy answers `OPTIONS` itself.
fn allow(endpoint: &Endpoint) -> HeaderValue {
    let order = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let has = |method: &Method| *method == Method::OPTIONS || endpoint.door(method).is_some();
    let methods: Vec<&str> = order.iter().filter(|method| has(method)).map(Method::as_str).collect();
    HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn other_method(allow: HeaderValue) -> [Header; 2] {
    let [problem] = &PROBLEM;
    [problem.clone(), (header::ALLOW, allow)]
}
