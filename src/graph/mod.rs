//! The decision graph: a typed policy as doors, found by path and method, and one flat array of nodes that all doors lead
//! into. Equal nodes are one node, so routes share their common parts. Nothing here reads a request.

pub(crate) mod build;
pub(crate) mod diagram;
pub(crate) mod dispatch;
pub(crate) mod logic;
pub(crate) mod render;
pub(crate) mod response_headers;

use std::collections::HashMap;

use http::Method;

use crate::collections::id_set::IdSet;
use crate::collections::table::{Column, Id, Table};
pub(crate) use crate::graph::build::{build, parameters, takes_anonymous};
pub(crate) use crate::graph::diagram::{Class, Diagram, VariableId};
pub(crate) use crate::graph::dispatch::Dispatch;
pub(crate) use crate::graph::logic::{
    Assignment, CompoundPlan, Logic, Partition, Plan, Variable, VariableGroup, Variables,
};
pub(crate) use crate::graph::response_headers::{CorsHeaders, ResponseHeaders};
use crate::model::headers::Header;
use crate::model::reason::Reason;
use crate::protocol::params::Parameter;
use crate::typed::schemas::Shape;
use crate::typed::{BodyRule, Limit, Permission, Role, Route, Scope, Service, Token};

/// The doors and nodes of a compiled policy.
#[derive(Debug)]
pub(crate) struct DecisionGraph {
    pub(crate) dispatch: Dispatch,
    pub(crate) endpoints: Table<Endpoint>,
    pub(crate) nodes: Table<Node>,
    pub(crate) limit_sets: Table<Vec<Id<Limit>>>,
    pub(crate) permission_sets: Table<Vec<Id<Permission>>>,
    pub(crate) logic: Logic,
    plans: Plans,
    pub(crate) headers: Table<ResponseHeaders>,
    /// The headers of responses without a route.
    pub(crate) default_headers: Id<ResponseHeaders>,
    /// The same, for a preflight to a route that is for pages of its own origin only.
    pub(crate) default_headers_without_cors: Id<ResponseHeaders>,
}

/// The plans of permissions, routes and invariants.
#[derive(Debug)]
struct Plans {
    permissions: Column<Permission, Plan>,
    /// The routes' own conditions.
    conditions: Column<Route, Plan>,
    /// No `forbid *` closes a door.
    doors: Plan,
    /// A caller who is capped by scopes has those that the route asks for.
    gates: Column<Route, Plan>,
    invariants: Vec<Plan>,
    /// The plans before the input is read, if they differ: conditions on the input count as satisfied.
    early_permissions: HashMap<Id<Permission>, Plan>,
    early_conditions: HashMap<Id<Route>, Plan>,
    early_doors: Plan,
}

impl DecisionGraph {
    /// The plan for a permission being granted.
    pub(crate) fn permission(&self, id: Id<Permission>, phase: Phase) -> Plan {
        let early = || self.plans.early_permissions.get(&id).filter(|_| phase == Phase::BeforeInput);
        early().or_else(|| self.plans.permissions.get(id)).copied().unwrap_or(Plan::NO)
    }

    /// The plan for the conditions of a route.
    pub(crate) fn conditions(&self, route: Id<Route>, phase: Phase) -> Plan {
        let early = || self.plans.early_conditions.get(&route).filter(|_| phase == Phase::BeforeInput);
        early().or_else(|| self.plans.conditions.get(route)).copied().unwrap_or(Plan::NO)
    }

    /// The plan for a caller who has the scopes of a route, or isn't capped by scopes.
    pub(crate) fn gate(&self, route: Id<Route>) -> Plan {
        self.plans.gates.get(route).copied().unwrap_or(Plan::NO)
    }

    /// The plans for the conditions of the invariants, in the order of the policy's `nevers`.
    pub(crate) fn invariants(&self) -> &[Plan] {
        &self.plans.invariants
    }

    /// The plan for no `forbid *` closing a door.
    pub(crate) fn doors(&self, phase: Phase) -> Plan {
        match phase {
            Phase::BeforeInput => self.plans.early_doors,
            Phase::AfterInput => self.plans.doors,
        }
    }
}

/// The doors of one path.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) pattern: String,
    pub(crate) doors: Vec<Door>,
    /// The headers of the response to a method without a door: the problem's type, and `Allow`.
    pub(crate) other_method: [Header; 2],
}

impl Endpoint {
    /// The door for a method. `HEAD` follows `GET` unless it has a route of its own (RFC 9110 §9.3.2).
    pub(crate) fn door(&self, method: &Method) -> Option<&Door> {
        let with = |method: &Method| self.doors.iter().find(|door| door.method == *method);
        with(method).or_else(|| if *method == Method::HEAD { with(&Method::GET) } else { None })
    }
}

/// The entry of a path and a method into the graph.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) method: Method,
    pub(crate) route: Id<Route>,
    pub(crate) entry: Id<Node>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) headers: Id<ResponseHeaders>,
    /// The reason that an allowed request gets.
    pub(crate) allowed: [Reason<'static>; 1],
    /// True if the query's schema has secret fields.
    pub(crate) secret_query: bool,
}

/// A step of a decision. Its edges lead to nodes with lower ids, so every walk ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Authenticate {
        caller: Id<Node>,
        /// Without a credential, or with one that isn't valid.
        nobody: Id<Node>,
        /// With a credential that can't be read.
        malformed: Id<Node>,
    },
    /// A check that has a denial of its own.
    Probe {
        probe: Probe,
        pass: Id<Node>,
        fail: Id<Node>,
    },
    /// Has the caller one of these roles?
    Roles {
        any_of: IdSet<Role>,
        yes: Id<Node>,
        no: Id<Node>,
    },
    Test {
        test: Test,
        yes: Id<Node>,
        no: Id<Node>,
    },
    Leaf(Leaf),
}

/// A test of the caller's permissions, by plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    /// The caller has one of these permissions.
    Permission(Id<Vec<Id<Permission>>>, Phase),
    /// The caller has the scope, or isn't capped by scopes.
    Scope(Id<Scope>),
    /// The conditions of the route are true.
    Whens(Id<Route>, Phase),
    /// No `forbid *` closes the door.
    Doors(Phase),
}

/// The part of a decision that a test belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// The input isn't validated yet: conditions on it count as satisfied.
    BeforeInput,
    /// The input is validated, or there is none.
    AfterInput,
}

/// A check with side effects, or with a denial of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Probe {
    /// Charges these limits, all or none.
    Charge(Id<Vec<Id<Limit>>>),
    /// Did a page of the site itself make the request?
    Csrf,
    /// Is the query valid?
    Query(Id<Shape>),
    /// Is the body valid?
    Body(BodyRule),
    /// Is the password of the login correct?
    Password,
    /// Can the token be exchanged?
    Redeemable(Id<Token>),
    /// Did the policy issue the token that is to be revoked?
    Revocable(Id<Token>),
    /// Finds the caller that the token to be issued will stand for.
    Admit(Id<Token>),
}

/// The end of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Leaf {
    Allow,
    IssueCsrf,
    /// Answers with the tokens that the route issues.
    Issue,
    /// Revokes a token.
    Revoke,
    /// With the denial of the probe before.
    DenyProbe,
    /// With the problem of the credential.
    DenyCredential,
    DenyPermission,
    /// The policy can't serve the route yet.
    Unavailable(Service),
}
