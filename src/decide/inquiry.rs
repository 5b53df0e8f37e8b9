//! Decisions that wait for answers of the host.

use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::collections::table::Id;
use crate::decide::decision::Decision;
use crate::decide::journey::{Journey, Pause, Progress};
use crate::decide::{Ready, respond};
use crate::graph::{Door, Node};
use crate::protocol::question::{Answer, Question};
use crate::protocol::request::{Facts, Request, Scheme, User};

/// A step of a decision.
#[derive(Debug)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation")]
pub enum Step<'g, 'r> {
    /// The decision is made.
    Decided(Decision<'g, 'r>),
    /// The host must be asked first.
    Ask(Inquiry<'g>),
}

/// A decision that waits for answers. It owns what it keeps of the request, and can be kept, sent to another thread and
/// dropped at will. A store that counted while it answered has counted, also where the inquiry is dropped.
pub struct Inquiry<'g> {
    ready: Ready<'g>,
    request: Box<OwnedRequest>,
    door: &'g Door,
    progress: Box<Progress<'g, 'static>>,
    at: Id<Node>,
    questions: Vec<Asked>,
    /// The number of the next question.
    next: u32,
}

/// A question with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The id to give back with the answer.
    pub id: QuestionId,
    /// The question.
    pub question: Question,
}

/// One question of one inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionId(u32);

impl<'g> Inquiry<'g> {
    pub(crate) fn new(ready: Ready<'g>, journey: Journey<'g, '_>, pause: Pause) -> Self {
        let request = Box::new(OwnedRequest::of(&journey.request));
        let door = journey.door;
        Self::paused(ready, request, door, journey.progress, pause, 0)
    }

    fn paused(
        ready: Ready<'g>,
        request: Box<OwnedRequest>,
        door: &'g Door,
        progress: Progress<'g, '_>,
        Pause { at, questions }: Pause,
        first: u32,
    ) -> Self {
        let questions: Vec<Asked> =
            (first..).zip(questions).map(|(id, question)| Asked { id: QuestionId(id), question }).collect();
        let next = questions.last().map_or(first, |asked| asked.id.0.saturating_add(1));
        Self { ready, request, door, progress: Box::new(progress.into_owned()), at, questions, next }
    }

    /// The questions to answer now: at least one. They can be looked up concurrently.
    pub fn questions(&self) -> &[Asked] {
        &self.questions
    }

    /// Continues with the host's answers. A question without an answer, or with one of another kind, isn't asked again: its
    /// facts are *unknown*, which fails closed. Answers to other questions are ignored. The first of two answers counts.
    pub fn answer(self, answers: impl IntoIterator<Item = (QuestionId, Answer)>) -> Step<'g, 'static> {
        let Self { ready, request, door, progress, at, questions, next } = self;
        let mut answers: Vec<(QuestionId, Answer)> = answers.into_iter().collect();
        let mut journey = Journey::resume(ready, request.as_request(), door, *progress);
        for Asked { id, question } in questions {
            let found = answers.iter().position(|(of, _)| *of == id);
            // A mismatch leaves the question open.
            journey.progress.lookup.answer(question, found.map(|at| answers.remove(at).1)).ok();
        }
        match journey.travel(at) {
            Ok(response) => Step::Decided(respond::routed(journey, response).into_owned()),
            Err(pause) => {
                let progress = journey.progress.into_owned();
                Step::Ask(Self::paused(ready, request, door, progress, pause, next))
            }
        }
    }
}

impl fmt::Debug for Inquiry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("questions", &self.questions).finish_non_exhaustive()
    }
}

/// A request without its body and its facts, which are in the progress.
struct OwnedRequest {
    method: Method,
    target: String,
    scheme: Scheme,
    host: Option<String>,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    now: Timestamp,
    entropy: Option<Zeroizing<[u8; 32]>>,
    user: Option<User>,
    /// Empty.
    facts: Facts,
}

impl OwnedRequest {
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

    fn as_request(&self) -> Request<'_> {
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
