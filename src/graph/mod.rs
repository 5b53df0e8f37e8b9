//! The decision graph: a typed policy as doors, found by path and method, and one flat array of nodes that
//! every door leads into. Equal nodes are one node, so what routes have in common is there once. Nothing here
//! looks at a request.

pub(crate) mod answer;
pub(crate) mod build;
pub(crate) mod diagram;
pub(crate) mod dispatch;
pub(crate) mod logic;
pub(crate) mod render;

use std::collections::HashMap;

use http::Method;

use crate::collections::id_set::IdSet;
use crate::collections::table::{Id, Table};
pub(crate) use crate::graph::answer::{Answer, CorsAnswer};
pub(crate) use crate::graph::build::{build, parameters, takes_anonymous};
pub(crate) use crate::graph::diagram::{Diagram, Outcome, Variable};
pub(crate) use crate::graph::dispatch::Dispatch;
pub(crate) use crate::graph::logic::{Answers, Domain, Logic, Plan, Question, Remembered, Several, Stage, Variables};
use crate::model::headers::Header;
use crate::model::reason::Reason;
use crate::protocol::params::Parameter;
use crate::typed::schemas::Shape;
use crate::typed::{BodyRule, Limit, Permission, Role, Route, Scope, Service, Token};

/// A compiled policy's doors and nodes.
#[derive(Debug)]
pub(crate) struct DecisionGraph {
    pub(crate) dispatch: Dispatch,
    pub(crate) endpoints: Table<Endpoint>,
    pub(crate) nodes: Table<Node>,
    pub(crate) limit_sets: Table<Vec<Id<Limit>>>,
    pub(crate) role_sets: Table<Vec<IdSet<Role>>>,
    pub(crate) permission_sets: Table<Vec<Id<Permission>>>,
    pub(crate) logic: Logic,
    plans: Plans,
    pub(crate) answers: Table<Answer>,
    /// Where no route says otherwise, and where none matched.
    pub(crate) default_answer: Id<Answer>,
    /// The same, where a preflight's route is for pages of the same origin only.
    pub(crate) default_without_cors: Id<Answer>,
}

/// What decides permissions and doors.
#[derive(Debug)]
struct Plans {
    /// By permission.
    permissions: Vec<Plan>,
    /// By route, its own conditions.
    whens: Vec<Plan>,
    /// No `forbid *` closes a door.
    doors: Plan,
    /// By route, that a caller who is capped by scopes has those that it asks for.
    gates: Vec<Plan>,
    /// By invariant, that what must not be is.
    nevers: Vec<Plan>,
    /// While the input isn't known, which may come out as well as it can: of what reads it.
    early_permissions: HashMap<Id<Permission>, Plan>,
    early_whens: HashMap<Id<Route>, Plan>,
    early_doors: Plan,
}

impl DecisionGraph {
    /// What decides a permission.
    pub(crate) fn permission(&self, id: Id<Permission>, phase: Phase) -> Plan {
        let early = || self.plans.early_permissions.get(&id).filter(|_| phase == Phase::BeforeInput);
        early().or_else(|| self.plans.permissions.get(id.row())).copied().unwrap_or(Plan::NO)
    }

    /// What decides the conditions of a route.
    pub(crate) fn conditions(&self, route: Id<Route>, phase: Phase) -> Plan {
        let early = || self.plans.early_whens.get(&route).filter(|_| phase == Phase::BeforeInput);
        early().or_else(|| self.plans.whens.get(route.row())).copied().unwrap_or(Plan::NO)
    }

    /// What decides that a caller has the scopes that a route asks for, if they are capped by scopes.
    pub(crate) fn gate(&self, route: Id<Route>) -> Plan {
        self.plans.gates.get(route.row()).copied().unwrap_or(Plan::NO)
    }

    /// By invariant, what decides that its condition holds.
    pub(crate) fn nevers(&self) -> &[Plan] {
        &self.plans.nevers
    }

    /// What decides that no `forbid *` closes a door.
    pub(crate) fn doors(&self, phase: Phase) -> Plan {
        match phase {
            Phase::BeforeInput => self.plans.early_doors,
            Phase::AfterInput => self.plans.doors,
        }
    }
}

/// A path that some route has.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The path as a pattern, for people.
    pub(crate) pattern: String,
    pub(crate) doors: Vec<Door>,
    /// What the answer to another method says: that it is a problem, and in `Allow` the doors' methods and those that the
    /// policy answers itself.
    pub(crate) other_method: [Header; 2],
}

impl Endpoint {
    /// The door for a method. `HEAD` follows `GET` unless it has a route of its own (RFC 9110 §9.3.2).
    pub(crate) fn door(&self, method: &Method) -> Option<&Door> {
        let with = |method: &Method| self.doors.iter().find(|door| door.method == *method);
        with(method).or_else(|| if *method == Method::HEAD { with(&Method::GET) } else { None })
    }
}

/// Where a path and a method lead.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) method: Method,
    pub(crate) route: Id<Route>,
    pub(crate) entry: Id<Node>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) answer: Id<Answer>,
    /// Why a request came through.
    pub(crate) allowed: [Reason<'static>; 1],
    /// Whether the query's schema has secret fields.
    pub(crate) secret_query: bool,
}

/// A step of a decision. Every edge leads to a node with a lower id, so every walk ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    /// Who is calling?
    Authenticate {
        /// Somebody.
        caller: Id<Node>,
        /// Nobody: no credential, or one that doesn't hold.
        nobody: Id<Node>,
        /// The credential can't even be read.
        malformed: Id<Node>,
    },
    /// Something that can fail, and then says why.
    Probe { probe: Probe, pass: Id<Node>, fail: Id<Node> },
    /// Has the caller one of these roles?
    Roles { any_of: Id<Vec<IdSet<Role>>>, yes: Id<Node>, no: Id<Node> },
    /// May the caller?
    Test { test: Test, yes: Id<Node>, no: Id<Node> },
    /// The end.
    Leaf(Leaf),
}

/// What decides whether a caller may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    /// One of these permissions.
    Permission(Id<Vec<Id<Permission>>>, Phase),
    /// A scope, asked of callers that come with scopes.
    Scope(Id<Scope>),
    /// The conditions of the route.
    Whens(Id<Route>, Phase),
    /// No `forbid *` closes the door.
    Doors(Phase),
}

/// The part of the journey in which a test is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// The input isn't validated yet: conditions on it count as satisfied.
    BeforeInput,
    /// The input is validated, or there is none.
    AfterInput,
}

/// What a probe tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Probe {
    /// Charge these limits, all or none.
    Charge(Id<Vec<Id<Limit>>>),
    /// Is it a request that the site itself made?
    Csrf,
    /// Is the query what the route takes?
    Query(Id<Shape>),
    /// Is the body what the route takes?
    Body(BodyRule),
    /// Does whoever logs in know the password?
    Password,
    /// Can the token be exchanged?
    Redeemable(Id<Token>),
    /// Is the token one of ours, so that it can be given up?
    Revocable(Id<Token>),
    /// Who would be calling with the token that is to be issued?
    Admit(Id<Token>),
}

/// How a decision ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Leaf {
    Allow,
    IssueCsrf,
    /// With the tokens that the route issues.
    Issue,
    /// With a token taken out of use.
    Revoke,
    /// With what the probe before found.
    DenyProbe,
    /// With what is wrong with the credential.
    DenyCredential,
    DenyPermission,
    /// What the route serves isn't there yet.
    Unavailable(Service),
}
