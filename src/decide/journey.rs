//! The walk of one request through the graph. Where it needs to know what only the host knows, it pauses at that node, and
//! goes on from there.

use std::net::IpAddr;

use serde_json::Value as Json;

use crate::collections::table::Id;
use crate::decide::callers::authenticate;
use crate::decide::callers::authenticate::Authenticated;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::callers::refresh::Presented;
use crate::decide::limits::Tightest;
use crate::decide::lookup::Lookup;
use crate::decide::respond::Outcome;
use crate::decide::routes::transport::Target;
use crate::decide::{Denial, Ready, respond};
use crate::eval::context::Cache;
use crate::eval::identity::Identity;
use crate::graph::{DecisionGraph, Door, Leaf, Node};
use crate::model::reason::{Code, Stage};
use crate::protocol::decision::{Effect, Input};
use crate::protocol::params::Params;
use crate::protocol::question::Question;
use crate::protocol::request::Request;
use crate::typed::{Route, TypedPolicy};

/// Where a journey waits for the host, and what for.
pub(crate) struct Pause {
    pub(crate) at: Id<Node>,
    pub(crate) questions: Vec<Question>,
}

/// Why a step of a journey isn't taken.
pub(crate) enum Halt {
    Denied(Denial),
    /// Something has to be known first. The step is then tried again, so what it has changed so far must be nothing.
    Asks(Vec<Question>),
}

impl From<Denial> for Halt {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Vec<Question>> for Halt {
    fn from(questions: Vec<Question>) -> Self {
        Self::Asks(questions)
    }
}

/// A request on its way through the graph, and what it has gathered.
pub(crate) struct Journey<'g, 'r> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) graph: &'g DecisionGraph,
    pub(crate) keys: &'g BoundKeys,
    pub(crate) request: Request<'r>,
    pub(crate) target: Target<'g, 'r>,
    pub(crate) door: &'g Door,
    pub(crate) route: &'g Route,
    pub(crate) client: Option<IpAddr>,
    pub(crate) user: Option<Identity<'r>>,
    /// What is wrong with the credential, where something is.
    pub(crate) credential: Option<Denial>,
    /// What the last probe found.
    pub(crate) found: Option<Denial>,
    pub(crate) notes: Vec<Denial>,
    pub(crate) tightest: Option<Tightest<'g>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) input: Input<'g, 'r>,
    /// What the body carried as a token.
    pub(crate) carried: Option<Json>,
    /// A genuine token, to be exchanged or given up.
    pub(crate) presented: Option<Presented>,
    /// What the host knows.
    pub(crate) lookup: Lookup<'r>,
    /// What rules have read.
    pub(crate) cache: Cache,
}

impl<'g, 'r> Journey<'g, 'r> {
    pub(crate) fn new(
        ready: Ready<'g>,
        request: Request<'r>,
        lookup: Lookup<'r>,
        target: Target<'g, 'r>,
        door: &'g Door,
    ) -> Self {
        let Ready { policy, graph, keys } = ready;
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
            presented: None,
            lookup,
            cache: Cache::default(),
        }
    }

    /// Goes from a node to the end, or to where the host must be asked.
    pub(crate) fn travel(&mut self, from: Id<Node>) -> Result<Outcome<'g>, Pause> {
        let graph = self.graph;
        let mut at = from;
        loop {
            let step = match graph.nodes[at] {
                Node::Authenticate { caller, nobody, malformed } => self.authenticate(caller, nobody, malformed),
                Node::Probe { probe, pass, fail } => match self.probe(probe) {
                    Ok(()) => Ok(pass),
                    Err(Halt::Denied(denial)) => {
                        self.found = Some(denial);
                        Ok(fail)
                    }
                    Err(Halt::Asks(questions)) => Err(questions),
                },
                Node::Roles { any_of, yes, no } => {
                    // Where the policy has no scopes, none lets a caller through who is capped by them.
                    let holds = self.user.as_ref().is_some_and(|user| {
                        user.scopes.is_none() && self.policy.role_sets.has_any(any_of, &user.roles)
                    });
                    Ok(if holds { yes } else { no })
                }
                Node::Test { test, yes, no } => self.test(test).map(|holds| if holds { yes } else { no }),
                Node::Leaf(leaf) => match self.outcome(leaf) {
                    Ok(outcome) => return Ok(outcome),
                    Err(questions) => Err(questions),
                },
            };
            at = step.map_err(|questions| Pause { at, questions })?;
        }
    }

    fn authenticate(
        &mut self,
        caller: Id<Node>,
        nobody: Id<Node>,
        malformed: Id<Node>,
    ) -> Result<Id<Node>, Vec<Question>> {
        self.lookup.start();
        let authenticated = authenticate::authenticate(self.policy, self.keys, &self.request, &self.lookup);
        self.lookup.wanted()?;
        Ok(match authenticated {
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
        })
    }

    fn outcome(&mut self, leaf: Leaf) -> Result<Outcome<'g>, Vec<Question>> {
        Ok(match leaf {
            Leaf::Allow => Outcome::Allow(&self.door.allowed),
            Leaf::IssueCsrf => respond::csrf_token(self),
            Leaf::Issue => self.issue(),
            Leaf::Revoke => self.revoke(),
            Leaf::DenyProbe => denied(self.found.take()),
            Leaf::DenyCredential => denied(self.credential.take()),
            Leaf::DenyPermission => return self.refused(),
            Leaf::Unavailable(service) => {
                let why = service.unavailable().unwrap_or("this version doesn't serve this");
                Outcome::Denied(Denial::new(Code::NotAvailable, Stage::Login, why))
            }
        })
    }
}

/// With what denied; where nothing is known of that, it is denied all the same.
fn denied<'g>(denial: Option<Denial>) -> Outcome<'g> {
    denial.map_or_else(|| Outcome::Deny(Vec::new()), Outcome::Denied)
}
