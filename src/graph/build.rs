//! Typed policy to graph. Each route is built from its end to its beginning, so that equal endings are found.

use std::collections::HashMap;
use std::hash::Hash;

use http::{HeaderValue, Method};

use crate::check::typed::{Limit, ParameterType, PathSegment, Requirement, Route, Service, TypedPolicy};
use crate::model::bits::BitSet;
use crate::model::table::{Id, Table};

use super::{DecisionGraph, Dispatch, Door, Endpoint, Leaf, Node, Probe};

/// Builds the graph of a policy.
pub(crate) fn build(policy: &TypedPolicy) -> DecisionGraph {
    let mut builder =
        Builder { policy, nodes: Interned::new(), limit_sets: Interned::new(), role_sets: Interned::new() };
    let mut dispatch = Dispatch::new();
    let mut endpoints = Table::new();
    for (id, route) in policy.routes.enumerate() {
        let entry = builder.route(route);
        let endpoint = dispatch.insert(&route.path, || {
            let allow = HeaderValue::from_static("");
            endpoints.push(Endpoint { pattern: pattern(&route.path), doors: Vec::new(), allow })
        });
        endpoints.row_mut(endpoint).doors.push(Door { method: route.method.clone(), route: id, entry });
    }
    for id in endpoints.ids() {
        let allow = allow(&endpoints[id]);
        endpoints.row_mut(id).allow = allow;
    }
    DecisionGraph {
        dispatch,
        endpoints,
        nodes: builder.nodes.table,
        limit_sets: builder.limit_sets.table,
        role_sets: builder.role_sets.table,
    }
}

/// A table whose rows are all different.
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
    nodes: Interned<Node>,
    limit_sets: Interned<Vec<Id<Limit>>>,
    role_sets: Interned<BitSet>,
}

impl Builder<'_> {
    fn route(&mut self, route: &Route) -> Id<Node> {
        let (with_user, guards): (Vec<Id<Limit>>, Vec<Id<Limit>>) =
            route.limits.iter().copied().partition(|limit| self.policy.limits[*limit].reads_user);
        let service = self.service(route.service);
        let validated = self.probe(Probe::Body(route.body), service, Leaf::DenyProbe);
        let validated = match route.query {
            Some(query) => self.probe(Probe::Query(query), validated, Leaf::DenyProbe),
            None => validated,
        };

        let authorized = self.requirements(&route.access.requirements, validated);
        let caller = self.csrf(route, authorized);
        let caller = self.charge(&with_user, caller);

        let refused = self.nodes.intern(Node::Leaf(Leaf::DenyCredential));
        let refused = self.charge(&with_user, refused);
        let nobody = if self.takes_anonymous(route) {
            let anonymous = self.csrf(route, validated);
            self.charge(&with_user, anonymous)
        } else {
            refused
        };
        let authenticate = self.nodes.intern(Node::Authenticate { caller, nobody, malformed: refused });
        self.charge(&guards, authenticate)
    }

    /// `allow anyone` must cover every requirement.
    fn takes_anonymous(&self, route: &Route) -> bool {
        let requirements = &route.access.requirements;
        let anyone = |requirement: &Requirement| {
            requirement.any_of.iter().any(|permission| self.policy.permissions[*permission].anyone)
        };
        route.access.public
            || (!route.access.authenticated && !requirements.is_empty() && requirements.iter().all(anyone))
    }

    fn service(&mut self, service: Service) -> Id<Node> {
        match service {
            Service::Handler => self.nodes.intern(Node::Leaf(Leaf::Allow)),
            Service::IssueCsrf => self.nodes.intern(Node::Leaf(Leaf::IssueCsrf)),
            Service::Rotate(token) => {
                let verified = self.nodes.intern(Node::Leaf(Leaf::DenyRotation));
                self.probe(Probe::RefreshToken(token), verified, Leaf::DenyProbe)
            }
        }
    }

    fn requirements(&mut self, requirements: &[Requirement], then: Id<Node>) -> Id<Node> {
        let mut next = then;
        for requirement in requirements.iter().rev() {
            let permissions = || requirement.any_of.iter().map(|permission| &self.policy.permissions[*permission]);
            if permissions().any(|permission| permission.callers) {
                continue;
            }
            let mut roles = BitSet::default();
            for permission in permissions() {
                roles.union(&permission.roles);
            }
            let lacking = self.nodes.intern(Node::Leaf(Leaf::DenyPermission));
            next = if roles.is_empty() {
                lacking
            } else {
                let any_of = self.role_sets.intern(roles);
                self.nodes.intern(Node::Roles { any_of, yes: next, no: lacking })
            };
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

/// `Allow` (RFC 9110 §10.2.1): `HEAD` comes with `GET`, and `OPTIONS` is answered by the policy.
fn allow(endpoint: &Endpoint) -> HeaderValue {
    let order = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let has = |method: &Method| *method == Method::OPTIONS || endpoint.door(method).is_some();
    let methods: Vec<&str> = order.iter().filter(|method| has(method)).map(Method::as_str).collect();
    HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn pattern(path: &[PathSegment]) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    path.iter()
        .map(|segment| match segment {
            PathSegment::Literal(literal) => format!("/{literal}"),
            PathSegment::Parameter { name, ty: ParameterType::Int } => format!("/{{{name}: int}}"),
            PathSegment::Parameter { name, ty: ParameterType::Uuid } => format!("/{{{name}: uuid}}"),
            PathSegment::Parameter { name, ty: ParameterType::Any } => format!("/{{{name}}}"),
            PathSegment::Rest(name) => format!("/{{*{name}}}"),
        })
        .collect()
}
