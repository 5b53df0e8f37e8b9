//! The walk of one request through the graph. It pauses at a node that needs facts from the host, and resumes there.

use serde_json::Value as Json;

use crate::collections::table::Id;
use crate::decide::callers::authenticate::{Authenticated, Authenticator};
use crate::decide::callers::keys::BoundKeys;
use crate::decide::callers::refresh::PresentedToken;
use crate::decide::denial::Denial;
use crate::decide::limits::TightestRate;
use crate::decide::lookup::Lookup;
use crate::decide::ready::Ready;
use crate::decide::respond::Response;
use crate::decide::routes::transport::Target;
use crate::eval::context::Cache;
use crate::eval::identity::Identity;
use crate::graph::{DecisionGraph, Door, Leaf, Node};
use crate::model::reason::{Code, Stage};
use crate::protocol::decision::{Effect, Input};
use crate::protocol::params::Params;
use crate::protocol::question::Question;
use crate::protocol::request::Request;
use crate::typed::{Route, TypedPolicy};

/// The node where a journey waits, and the questions to answer.
pub(crate) struct Pause {
    pub(crate) at: Id<Node>,
    pub(crate) questions: Vec<Question>,
}

/// The reason why a step of a journey isn't taken.
pub(crate) enum Halt {
    Denied(Denial),
    /// Facts are missing. The step is run again, so it must not have changed anything.
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

/// A request on its way through the graph.
pub(crate) struct Journey<'g, 'r> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) graph: &'g DecisionGraph,
    pub(crate) keys: &'g BoundKeys,
    pub(crate) request: Request<'r>,
    pub(crate) door: &'g Door,
    pub(crate) route: &'g Route,
    pub(crate) progress: Progress<'g, 'r>,
}

/// The results of a journey's steps so far.
pub(crate) struct Progress<'g, 'r> {
    pub(crate) target: Target<'g, 'r>,
    pub(crate) user: Option<Identity<'r>>,
    /// The denial that a missing or bad credential causes on a route that needs a caller.
    pub(crate) credential_denial: Option<Denial>,
    /// The denial of the last probe.
    pub(crate) probe_denial: Option<Denial>,
    pub(crate) notes: Vec<Denial>,
    pub(crate) tightest: Option<TightestRate<'g>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) input: Input<'g, 'r>,
    /// The field of the body that carries a token.
    pub(crate) body_token: Option<Json>,
    /// The verified token that is to be exchanged or revoked.
    pub(crate) presented: Option<PresentedToken>,
    pub(crate) lookup: Lookup<'r>,
    /// The lists and records that rules have read.
    pub(crate) cache: Cache,
}

impl<'g, 'r> Progress<'g, 'r> {
    pub(crate) fn into_owned(self) -> Progress<'g, 'static> {
        Progress {
            target: self.target.into_owned(),
            user: self.user.map(Identity::into_owned),
            credential_denial: self.credential_denial,
            probe_denial: self.probe_denial,
            notes: self.notes,
            tightest: self.tightest,
            effects: self.effects,
            input: self.input.into_owned(),
            body_token: self.body_token,
            presented: self.presented,
            lookup: self.lookup.into_owned(),
            cache: self.cache,
        }
    }
}

impl<'g, 'r> Journey<'g, 'r> {
    pub(crate) fn new(
        ready: Ready<'g>,
        request: Request<'r>,
        door: &'g Door,
        target: Target<'g, 'r>,
        lookup: Lookup<'r>,
    ) -> Self {
        let Ready { policy, graph, keys } = ready;
        Self {
            policy,
            graph,
            keys,
            request,
            door,
            route: &policy.routes[door.route],
            // Built in place, as it is large.
            progress: Progress {
                input: Input { params: Params::new(&door.parameters, target.path.clone()), ..Input::default() },
                target,
                user: None,
                credential_denial: None,
                probe_denial: None,
                notes: Vec::new(),
                tightest: None,
                effects: Vec::new(),
                body_token: None,
                presented: None,
                lookup,
                cache: Cache::default(),
            },
        }
    }

    pub(crate) fn resume(
        Ready { policy, graph, keys }: Ready<'g>,
        request: Request<'r>,
        door: &'g Door,
        progress: Progress<'g, 'r>,
    ) -> Self {
        Self { policy, graph, keys, request, door, route: &policy.routes[door.route], progress }
    }

    /// Walks from a node to the response or to a pause.
    pub(crate) fn travel(&mut self, from: Id<Node>) -> Result<Response<'g>, Pause> {
        let graph = self.graph;
        let mut at = from;
        loop {
            let step = match graph.nodes[at] {
                Node::Authenticate { caller, nobody, malformed } => self.authenticate(caller, nobody, malformed),
                Node::Probe { probe, pass, fail } => match self.probe(probe) {
                    Ok(()) => Ok(pass),
                    Err(Halt::Denied(denial)) => {
                        self.progress.probe_denial = Some(denial);
                        Ok(fail)
                    }
                    Err(Halt::Asks(questions)) => Err(questions),
                },
                Node::Roles { any_of, yes, no } => {
                    // A policy without scopes lets no caller through who is capped by scopes.
                    let holds = self.progress.user.as_ref().is_some_and(|user| {
                        user.scopes.is_none() && self.policy.role_sets.has_any(any_of, &user.roles)
                    });
                    Ok(if holds { yes } else { no })
                }
                Node::Test { test, yes, no } => self.test(test).map(|holds| if holds { yes } else { no }),
                Node::Leaf(leaf) => match self.respond(leaf) {
                    Ok(response) => return Ok(response),
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
        let Self { policy, keys, request, progress, .. } = self;
        let authenticator = Authenticator { policy, keys, request, lookup: &progress.lookup };
        let authenticated = progress.lookup.asking_for(|| authenticator.authenticate())?;
        Ok(match authenticated {
            Authenticated::Caller(identity) => {
                progress.user = Some(identity);
                caller
            }
            Authenticated::Anonymous(denial) => {
                progress.credential_denial = Some(denial);
                nobody
            }
            Authenticated::Malformed(denial) => {
                progress.credential_denial = Some(denial);
                malformed
            }
        })
    }

    fn respond(&mut self, leaf: Leaf) -> Result<Response<'g>, Vec<Question>> {
        Ok(match leaf {
            Leaf::Allow => Response::Allow(&self.door.allowed),
            Leaf::IssueCsrf => self.issue_csrf().unwrap_or_else(Response::Denied),
            Leaf::Issue => self.issue(),
            Leaf::Revoke => self.revoke(),
            Leaf::DenyProbe => denied(self.progress.probe_denial.take()),
            Leaf::DenyCredential => denied(self.progress.credential_denial.take()),
            Leaf::DenyPermission => return self.refused(),
            Leaf::Unavailable(service) => {
                let why = service.unavailable().unwrap_or("this version doesn't serve this");
                Response::Denied(Denial::new(Code::NotAvailable, Stage::Login, why))
            }
        })
    }
}

fn denied<'g>(denial: Option<Denial>) -> Response<'g> {
    denial.map_or_else(|| Response::DeniedForAll(Vec::new()), Response::Denied)
}
