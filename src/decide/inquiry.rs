//! A decision that waits for its host. It owns all that it keeps.

use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::collections::table::Id;
use crate::decide::decision::Decision;
use crate::decide::journey::{Journey, Pause, Progress};
use crate::decide::ready::Ready;
use crate::decide::respond;
use crate::graph::{Door, Node};
use crate::protocol::question::{Answer, AnswerProblem, PendingQuestion, QuestionId};
use crate::protocol::request::{Request, Scheme, User};

/// The state of a decision that [`Gate::inquire`](crate::Gate::inquire) began.
#[derive(Debug)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation")]
pub enum Step<'g, 'r> {
    /// The decision is made.
    Decided(Decision<'g, 'r>),
    /// The host must answer questions first.
    Ask(Inquiry<'g>),
}

/// A decision that waits for answers.
///
/// It borrows nothing from the request: it can be stored, sent to another thread and dropped. Charges that a store has made
/// while it answered stay charged if the inquiry is dropped.
pub struct Inquiry<'g> {
    ready: Ready<'g>,
    request: Box<OwnedRequest>,
    door: &'g Door,
    progress: Box<Progress<'g, 'static>>,
    at: Id<Node>,
    questions: Vec<PendingQuestion>,
    /// The number of the next question.
    next: u32,
}

/// A mistake in the answers to an inquiry, with the inquiry as it was.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct AnswerError<'g> {
    problem: AnswerProblem,
    inquiry: Inquiry<'g>,
}

impl<'g> AnswerError<'g> {
    /// Returns the mistake.
    pub fn problem(&self) -> &AnswerProblem {
        &self.problem
    }

    /// Returns the inquiry, to be answered again. The answers are dropped.
    pub fn into_inquiry(self) -> Inquiry<'g> {
        self.inquiry
    }
}

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
        let pending = |(id, question)| PendingQuestion { id: QuestionId(id), question };
        let questions: Vec<PendingQuestion> = (first..).zip(questions).map(pending).collect();
        let next = questions.last().map_or(first, |pending| pending.id.0.saturating_add(1));
        Self { ready, request, door, progress: Box::new(progress.into_owned()), at, questions, next }
    }

    /// Returns the pending questions, at least one. They can be answered at the same time.
    pub fn questions(&self) -> &[PendingQuestion] {
        &self.questions
    }

    /// Goes on with the host's answers. The facts of a question without an answer stay *unknown*, which grants nothing, and it
    /// isn't asked again.
    ///
    /// # Errors
    ///
    /// An answer has the id of no pending question, is of another kind than its question, or has another number of outcomes
    /// than its question has charges; or a question has two answers. Nothing of the answers is then used.
    pub fn answer(
        self,
        answers: impl IntoIterator<Item = (QuestionId, Answer)>,
    ) -> Result<Step<'g, 'static>, AnswerError<'g>> {
        let found = match self.assign(answers) {
            Ok(found) => found,
            Err(problem) => return Err(AnswerError { problem, inquiry: self }),
        };
        let Self { ready, request, door, progress, at, questions, next } = self;
        let mut journey = Journey::resume(ready, request.as_request(), door, *progress);
        for (PendingQuestion { question, .. }, answer) in questions.into_iter().zip(found) {
            journey.progress.lookup.answer(question, answer);
        }
        Ok(match journey.travel(at) {
            Ok(response) => Step::Decided(respond::routed(journey, response).into_owned()),
            Err(pause) => {
                let progress = journey.progress.into_owned();
                Step::Ask(Self::paused(ready, request, door, progress, pause, next))
            }
        })
    }

    /// The answer to each pending question, if there is one.
    fn assign(
        &self,
        answers: impl IntoIterator<Item = (QuestionId, Answer)>,
    ) -> Result<Vec<Option<Answer>>, AnswerProblem> {
        let mut found: Vec<Option<Answer>> = self.questions.iter().map(|_| None).collect();
        for (id, answer) in answers {
            let mut places = self.questions.iter().zip(&mut found);
            let place = places.find(|(pending, _)| pending.id == id);
            let (pending, place) = place.ok_or(AnswerProblem::UnknownQuestion { id })?;
            pending.check(&answer)?;
            if place.replace(answer).is_some() {
                return Err(AnswerProblem::AnsweredTwice { id, question: pending.question.kind() });
            }
        }
        Ok(found)
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
        }
    }

    fn as_request(&self) -> Request<'_> {
        Request {
            scheme: self.scheme,
            host: self.host.as_deref(),
            headers: &self.headers,
            peer: self.peer,
            entropy: self.entropy.as_deref(),
            user: self.user.as_ref(),
            ..Request::new(&self.method, &self.target, self.now)
        }
    }
}
