//! The walk of one request through the graph. Where it needs to know what only the host knows, it pauses at that node, and
//! goes on from there.

use std::net::IpAddr;

use serde_json::Value as Json;

use crate::check::typed::{Route, TypedPolicy};
use crate::graph::{DecisionGraph, Door, Leaf, Node};
use crate::model::decision::{Effect, Input};
use crate::model::params::Params;
use crate::model::question::Question;
use crate::model::reason::{Code, Stage};
use crate::model::request::Request;
use crate::model::table::Id;

use super::authenticate::{self, Authenticated};
use super::evaluate::Cache;
use super::identity::Identity;
use super::keys::BoundKeys;
use super::limit::Tightest;
use super::lookup::Lookup;
use super::refresh::Presented;
use super::respond::{self, Outcome};
use super::transport::Target;
use super::{Denial, Ready};

/// Where a journey waits for the host, and what for.
pub(super) struct Pause {
    pub(super) at: Id<Node>,
    pub(super) questions: Vec<Question>,
}

/// Why a step of a journey isn't taken.
pub(super) enum Halt {
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
pub(super) struct Journey<'g, 'r> {
    pub(super) policy: &'g TypedPolicy,
    pub(super) graph: &'g DecisionGraph,
    pub(super) keys: &'g BoundKeys,
    pub(super) request: Request<'r>,
    pub(super) target: Target<'g, 'r>,
    pub(super) door: &'g Door,
    pub(super) route: &'g Route,
    pub(super) client: Option<IpAddr>,
    pub(super) user: Option<Identity<'r>>,
    /// What is wrong with the credential, where something is.
    pub(super) credential: Option<Denial>,
    /// What the last probe found.
    pub(super) found: Option<Denial>,
    pub(super) notes: Vec<Denial>,
    pub(super) tightest: Option<Tightest<'g>>,
    pub(super) effects: Vec<Effect>,
    pub(super) input: Input<'g, 'r>,
    /// What the body carried as a token.
    pub(super) carried: Option<Json>,
    /// A genuine token, to be exchanged or given up.
    pub(super) presented: Option<Presented>,
    /// What the host knows.
    pub(super) lookup: Lookup<'r>,
    /// What rules have read.
    pub(super) cache: Cache,
}

impl<'g, 'r> Journey<'g, 'r> {
    pub(super) fn new(
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
    pub(super) fn travel(&mut self, from: Id<Node>) -> Result<Outcome<'g>, Pause> {
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
                        let mut sets = graph.role_sets[any_of].iter();
                        user.scopes.is_none() && sets.any(|set| self.policy.role_sets.has_any(*set, &user.roles))
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
