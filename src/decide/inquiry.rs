//! A decision that waits for its host: it keeps what it has worked out, and owns all that it keeps.

use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use crate::collections::table::Id;
use crate::decide::callers::refresh::Presented;
use crate::decide::decision::Decision;
use crate::decide::journey::{Journey, Pause};
use crate::decide::limits::Tightest;
use crate::decide::lookup::Lookup;
use crate::decide::routes::transport::Target;
use crate::decide::{Denial, Ready, respond};
use crate::eval::context::Cache;
use crate::eval::identity::Identity;
use crate::graph::{Door, Node};
use crate::protocol::decision::{Effect, Input};
use crate::protocol::question::{Answer, Question};
use crate::protocol::request::{Facts, Request, Scheme, User};

/// How far a decision is.
#[derive(Debug)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation")]
pub enum Step<'g, 'r> {
    /// Done.
    Decided(Decision<'g, 'r>),
    /// The host must be asked first.
    Ask(Inquiry<'g>),
}

/// A decision that waits for answers. It owns what it keeps of the request, and can be kept, sent to another thread and
/// dropped at will. What the answers were looked up with is the host's own affair: a store that counted while it answered
/// has counted, also where the inquiry is dropped.
pub struct Inquiry<'g> {
    ready: Ready<'g>,
    request: Box<Kept>,
    paused: Box<Paused<'g>>,
    at: Id<Node>,
    questions: Vec<Asked>,
    /// The number of the next question.
    next: u32,
}

/// A question, and what its answer is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// To be given back with the answer.
    pub id: QuestionId,
    /// What the host is asked.
    pub question: Question,
}

/// One question of one inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionId(u32);

impl<'g> Inquiry<'g> {
    pub(crate) fn new(ready: Ready<'g>, request: &Request<'_>, journey: Journey<'g, '_>, pause: Pause) -> Self {
        Self::waiting(ready, Box::new(Kept::of(request)), Box::new(Paused::of(journey)), pause, 0)
    }

    fn waiting(
        ready: Ready<'g>,
        request: Box<Kept>,
        paused: Box<Paused<'g>>,
        Pause { at, questions }: Pause,
        first: u32,
    ) -> Self {
        let questions: Vec<Asked> =
            (first..).zip(questions).map(|(id, question)| Asked { id: QuestionId(id), question }).collect();
        let next = questions.last().map_or(first, |asked| asked.id.0.saturating_add(1));
        Self { ready, request, paused, at, questions, next }
    }

    /// What the host is asked now, all of which can be looked up at the same time: at least one question.
    pub fn questions(&self) -> &[Asked] {
        &self.questions
    }

    /// Goes on with what the host has found. A question without an answer, or with one of another kind, stays open: what it
    /// asked for is *unknown*, which fails closed, and it isn't asked again. Answers to anything else are ignored, and of
    /// two to one question the first counts.
    pub fn answer(self, answers: impl IntoIterator<Item = (QuestionId, Answer)>) -> Step<'g, 'static> {
        let Self { ready, request, paused, at, questions, next } = self;
        let mut answers: Vec<(QuestionId, Answer)> = answers.into_iter().collect();
        let mut journey = paused.resume(ready, request.request());
        for Asked { id, question } in questions {
            let found = answers.iter().position(|(of, _)| *of == id);
            journey.lookup.answer(question, found.map(|at| answers.remove(at).1));
        }
        match journey.travel(at) {
            Ok(outcome) => Step::Decided(respond::routed(journey, outcome).into_owned()),
            Err(pause) => {
                let paused = Box::new(Paused::of(journey));
                Step::Ask(Self::waiting(ready, request, paused, pause, next))
            }
        }
    }
}

impl fmt::Debug for Inquiry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("questions", &self.questions).finish_non_exhaustive()
    }
}

/// A request, without what the host knows of it.
struct Kept {
    method: Method,
    target: String,
    scheme: Scheme,
    host: Option<String>,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    now: Timestamp,
    entropy: Option<Zeroizing<[u8; 32]>>,
    user: Option<User>,
    /// None: the lookup has them, and the body.
    facts: Facts,
}

impl Kept {
    fn of(request: &Request<'_>) -> Self {
        Self {
            method: request.method.clone(),
            target: request.target.to_owned(),
            scheme: request.scheme,
            host: request.host.map(ToOwned::to_owned),
            headers: request.headers.clone(),
            peer: request.peer,
            now: request.now,
            entropy: request.entropy.map(|entropy| Zeroizing::new(*entropy)),
            user: request.user.cloned(),
            facts: Facts::default(),
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            target: &self.target,
            scheme: self.scheme,
            host: self.host.as_deref(),
            headers: &self.headers,
            peer: self.peer,
            body: None,
            now: self.now,
            entropy: self.entropy.as_deref(),
            user: self.user.as_ref(),
            facts: &self.facts,
        }
    }
}

/// What a journey has gathered.
struct Paused<'g> {
    target: Target<'g, 'static>,
    door: &'g Door,
    user: Option<Identity<'static>>,
    credential: Option<Denial>,
    found: Option<Denial>,
    notes: Vec<Denial>,
    tightest: Option<Tightest<'g>>,
    effects: Vec<Effect>,
    input: Input<'g, 'static>,
    carried: Option<Json>,
    presented: Option<Presented>,
    lookup: Lookup<'static>,
    cache: Cache,
}

impl<'g> Paused<'g> {
    fn of(journey: Journey<'g, '_>) -> Self {
        let Journey { target, door, user, credential, found, notes, tightest, effects, .. } = journey;
        let Journey { input, carried, presented, lookup, cache, .. } = journey;
        Self {
            target: target.into_owned(),
            door,
            user: user.map(Identity::into_owned),
            credential,
            found,
            notes,
            tightest,
            effects,
            input: input.into_owned(),
            carried,
            presented,
            lookup: lookup.into_owned(),
            cache,
        }
    }

    fn resume<'r>(self, ready: Ready<'g>, request: Request<'r>) -> Journey<'g, 'r> {
        let Self { target, door, user, credential, found, notes, tightest, effects, .. } = self;
        let Self { input, carried, presented, lookup, cache, .. } = self;
        let fresh = Journey::new(ready, request, lookup, target, door);
        Journey { user, credential, found, notes, tightest, effects, input, carried, presented, cache, ..fresh }
    }
}
